//! Known answers: signatures and ciphertexts that others made, and what must be refused.

use k256::{ecdsa::VerifyingKey, pkcs8::DecodePublicKey as _};
use yaoku_model::{
    algorithm::{EncryptionAlgorithm, SignatureAlgorithm},
    key::KeySpec,
};

use super::{Pair, Sm2, p256k};
use crate::answers::{Answer, answers};

#[test]
fn rsa_signatures_of_others_verify_and_near_misses_do_not() {
    for (file, algorithm) in [
        ("rsa/pkcs1-sha-256.txt", SignatureAlgorithm::Pkcs1Sha256),
        ("rsa/pss-sha-256.txt", SignatureAlgorithm::PssSha256),
    ] {
        for it in answers(file) {
            let spec: KeySpec = it.text("Spec").parse().unwrap();
            let pair = Pair::from_pkcs8(spec, &it.bytes("Key")).unwrap();
            check(file, &it, &pair, algorithm);
        }
    }
}

#[test]
fn ecdsa_signatures_of_others_verify() {
    for (file, spec) in
        [("ecdsa/p-256.txt", KeySpec::EcP256), ("ecdsa/secp256k1.txt", KeySpec::EcP256K)]
    {
        for it in answers(file) {
            let pair = Pair::from_pkcs8(spec, &it.bytes("Key")).unwrap();
            check(file, &it, &pair, SignatureAlgorithm::EcdsaSha256);
        }
    }
}

/// Among them: numbers S of the upper half, DER with needless bytes, points at infinity.
#[test]
fn signatures_that_others_judged_wrongly_are_judged_rightly() {
    for it in answers("ecdsa/secp256k1-wycheproof.txt") {
        let public = VerifyingKey::from_public_key_der(&it.bytes("PublicKey")).unwrap();
        let digest = it.bytes("Digest").try_into().unwrap();
        let verified = p256k::verify(&public, &digest, &it.bytes("S"));
        assert_eq!(verified, it.text("Result") == "P", "{}", it.text("Count"));
    }
}

#[test]
fn sm2_signatures_of_the_standard_verify() {
    let file = "sm2/sm2-signature.txt";
    for it in answers(file) {
        let pair = Pair::Sm2(Sm2::from_scalar(&it.bytes("D").try_into().unwrap()).unwrap());
        assert!(pair.public_key().unwrap().ends_with(&it.bytes("PublicKey")), "{file}");
        check(file, &it, &pair, SignatureAlgorithm::Sm2Dsa);
    }
}

#[test]
fn ciphertexts_of_others_open() {
    for (file, algorithm) in [
        ("rsa/oaep-sha-1.txt", EncryptionAlgorithm::OaepSha1),
        ("rsa/oaep-sha-256.txt", EncryptionAlgorithm::OaepSha256),
    ] {
        for it in answers(file) {
            let spec: KeySpec = it.text("Spec").parse().unwrap();
            let pair = Pair::from_pkcs8(spec, &it.bytes("Key")).unwrap();
            let opened = pair.decrypt(algorithm, &it.bytes("CT")).unwrap();
            assert_eq!(*opened, it.bytes("PT"), "{file} {}", it.text("Count"));
        }
    }
    for it in answers("sm2/sm2-encryption.txt") {
        let pair = Sm2::from_scalar(&it.bytes("D").try_into().unwrap()).unwrap();
        assert_eq!(*pair.decrypt(&it.bytes("CT")).unwrap(), it.bytes("PT"));
    }
}

/// The library's own `Debug` of a key that decrypts writes out the private number.
#[test]
fn debug_shows_no_private_number() {
    for it in answers("sm2/sm2-signature.txt") {
        let pair = Sm2::from_scalar(&it.bytes("D").try_into().unwrap()).unwrap();
        assert_eq!(format!("{pair:?}"), "Sm2(..)");
    }
}

/// The answer says `P`, or `F` and why.
fn check(file: &str, it: &Answer, pair: &Pair, algorithm: SignatureAlgorithm) {
    let digest = it.bytes("Digest").try_into().unwrap();
    let verified = pair.verify(algorithm, &digest, &it.bytes("S")).unwrap();
    let (count, result) = (it.text("Count"), it.text("Result"));
    assert_eq!(verified, result.starts_with('P'), "{file} {count}: {result}");
}

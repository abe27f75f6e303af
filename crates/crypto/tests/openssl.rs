//! OpenSSL and we agree: it verifies what we signed and opens what we encrypted, and the other way
//! round, and what it wrapped is imported. Needs `openssl`, 3.0 or later.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "support/world.rs"]
mod world;

use std::{fs, path::Path, process::Command};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    digest::{SHA256, digest},
};
use sm2::{
    SecretKey, Sm2,
    elliptic_curve::sec1::ToSec1Point as _,
    pkcs8::{
        DecodePrivateKey as _, DecodePublicKey as _,
        der::{Decode as _, Encode as _},
    },
    pke::{Cipher, Mode},
};
use sm3::{Digest as _, Sm3};
use tempfile::TempDir;
use world::World;
use yaoku_crypto::{
    backend::{Backend, KeyHandle},
    export::wrap_for_export,
    import::{ImportParameters, ImportPlace, Imported},
    random::SystemRandom,
};
use yaoku_model::{
    algorithm::{EncryptionAlgorithm, SignatureAlgorithm, WrappingAlgorithm, WrappingKeySpec},
    key::KeySpec,
    time::Timestamp,
};

const MESSAGE: &[u8] = b"two programs, one answer";
const NOW: Timestamp = Timestamp::from_unix_seconds(0);
const LATER: Timestamp = Timestamp::from_unix_seconds(1);
const OAEP_1: &str = "rsa_padding_mode:oaep rsa_oaep_md:sha1 rsa_mgf1_md:sha1";
const OAEP_256: &str = "rsa_padding_mode:oaep rsa_oaep_md:sha256 rsa_mgf1_md:sha256";

#[test]
fn openssl_verifies_our_signatures_and_no_others() {
    let (world, openssl) = (World::new(), OpenSsl::new());
    for spec in KeySpec::ALL.iter().filter(|it| it.is_asymmetric()) {
        let key = world.create(*spec);
        let public = world.backend.public_key(&key).unwrap();
        openssl.write("public", &public);
        for algorithm in SignatureAlgorithm::ALL.iter().filter(|it| it.fits(*spec)) {
            let hash = hashed(*algorithm, &public);
            let signature = world.backend.sign(&key, *algorithm, &hash, &SystemRandom).unwrap();
            openssl.write("signature", &signature);
            for (message, expected) in [(MESSAGE, true), (b"something else", false)] {
                openssl.write("message", message);
                assert_eq!(openssl.verifies(*algorithm), expected, "{spec}, {algorithm}");
            }
        }
    }
}

#[test]
fn a_pair_of_openssl_does_here_what_it_does_there() {
    let (world, openssl) = (World::new(), OpenSsl::new());
    for spec in KeySpec::ALL.iter().filter(|it| it.is_asymmetric()) {
        let private = openssl.new_private_key(*spec);
        for way in WrappingAlgorithm::ALL.iter().filter(|it| it.fits(*spec)) {
            let offer = world.offer(*spec, *way);
            let imported = world.import(*spec, &offer, &openssl.wrap(*way, &offer, &private), None);
            let key = world.load(*spec, &imported);
            openssl.write("private", &private);
            assert_eq!(world.backend.public_key(&key).unwrap(), openssl.public_key(), "{spec}");
            signs_alike(&world, &openssl, &key);
            encrypts_alike(&world, &openssl, &key);
        }
    }
}

#[test]
fn a_key_that_openssl_wrapped_is_the_same_in_every_way() {
    let (world, openssl) = (World::new(), OpenSsl::new());
    for spec in KeySpec::ALL.iter().filter(|it| it.cipher_key_len().is_some()) {
        let material = vec![7; spec.cipher_key_len().unwrap()];
        let mut known = None;
        for way in WrappingAlgorithm::ALL.iter().filter(|it| it.fits(*spec)) {
            let offer = world.offer(*spec, *way);
            let wrapped = openssl.wrap(*way, &offer, &material);
            let imported = world.import(*spec, &offer, &wrapped, known.as_deref());
            known = Some(imported.fingerprint.clone());
            if *spec == KeySpec::Aes256 {
                let key = world.load(*spec, &imported);
                let mut sealed = world.backend.seal(&key, b"", MESSAGE, &SystemRandom).unwrap();
                let iv = Nonce::try_assume_unique_for_key(&sealed[..12]).unwrap();
                let aes = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &material).unwrap());
                let opened = aes.open_in_place(iv, Aad::empty(), &mut sealed[12..]).unwrap();
                assert_eq!(opened, MESSAGE, "{way}");
            }
        }
    }
}

#[test]
fn openssl_opens_what_was_exported() {
    use EncryptionAlgorithm::{OaepSha1, OaepSha256, Sm2Pke};
    let openssl = OpenSsl::new();
    for (kind, spec, algorithm) in [
        (WrappingKeySpec::Rsa2048, KeySpec::Rsa2048, OaepSha1),
        (WrappingKeySpec::Rsa2048, KeySpec::Rsa2048, OaepSha256),
        (WrappingKeySpec::EcSm2, KeySpec::EcSm2, Sm2Pke),
    ] {
        openssl.write("private", &openssl.new_private_key(spec));
        let public = openssl.public_key();
        let wrapped = wrap_for_export(&public, kind, algorithm, &[7; 32], &SystemRandom).unwrap();
        assert_eq!(openssl.decrypt(algorithm, &wrapped), [7; 32], "{algorithm}");
    }
}

fn signs_alike(world: &World, openssl: &OpenSsl, key: &KeyHandle) {
    let public = openssl.public_key();
    for algorithm in SignatureAlgorithm::ALL.iter().filter(|it| it.fits(key.spec())) {
        openssl.write("message", MESSAGE);
        let signature = openssl.sign(*algorithm);
        let hash = hashed(*algorithm, &public);
        let verified = world.backend.verify(key, *algorithm, &hash, &signature);
        assert_eq!(verified, Ok(true), "{}, {algorithm}", key.spec());
        let other = world.backend.verify(key, *algorithm, &[0; 32], &signature);
        assert_eq!(other, Ok(false), "{}, {algorithm}", key.spec());
    }
}

fn encrypts_alike(world: &World, openssl: &OpenSsl, key: &KeyHandle) {
    let spec = key.spec();
    let fit = EncryptionAlgorithm::ALL.iter().filter(|it| it.max_plaintext(spec).is_some());
    for algorithm in fit {
        let ours = world.backend.encrypt(key, *algorithm, MESSAGE, &SystemRandom).unwrap();
        assert_eq!(openssl.decrypt(*algorithm, &ours), MESSAGE, "{spec}, {algorithm}");
        let theirs = openssl.encrypt(*algorithm, &openssl.public_key(), MESSAGE);
        let opened = world.backend.decrypt(key, *algorithm, &theirs).unwrap();
        assert_eq!(*opened, MESSAGE, "{spec}, {algorithm}");
    }
}

/// The digest of the message. SM2's has the signer's id and public key in it: GB/T 32918.2, 5.5.
fn hashed(algorithm: SignatureAlgorithm, public: &[u8]) -> [u8; 32] {
    if algorithm != SignatureAlgorithm::Sm2Dsa {
        return digest(&SHA256, MESSAGE).as_ref().try_into().unwrap();
    }
    let curve = "\
        fffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffc\
        28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93\
        32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7\
        bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0";
    let public = sm2::PublicKey::from_public_key_der(public).unwrap().to_sec1_point(false);
    let signer = Sm3::new()
        .chain_update([0, 128])
        .chain_update(b"1234567812345678")
        .chain_update(hex::decode(curve).unwrap())
        .chain_update(&public.as_bytes()[1..])
        .finalize();
    Sm3::new().chain_update(signer).chain_update(MESSAGE).finalize().into()
}

/// `openssl` and a directory for what it reads and writes.
struct OpenSsl(TempDir);

impl OpenSsl {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn home(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.home().join(name), bytes).unwrap();
    }

    /// Runs it with words and options (`-pkeyopt`). Answers what it wrote, if it succeeded.
    fn run(&self, words: &str, options: &str) -> Option<Vec<u8>> {
        let options = options.split_whitespace().flat_map(|it| ["-pkeyopt", it]);
        let done = Command::new("openssl")
            .args(words.split_whitespace())
            .args(options)
            .current_dir(self.home())
            .output()
            .unwrap_or_else(|error| panic!("openssl is needed: {error}"));
        done.status.success().then_some(done.stdout)
    }

    /// As PKCS#8.
    fn new_private_key(&self, spec: KeySpec) -> Vec<u8> {
        let bits;
        let (algorithm, options) = match spec {
            KeySpec::EcP256 => ("EC", "ec_paramgen_curve:P-256"),
            KeySpec::EcP256K => ("EC", "ec_paramgen_curve:secp256k1"),
            KeySpec::EcSm2 => ("SM2", ""),
            _ => {
                bits = format!("rsa_keygen_bits:{}", 8 * spec.modulus_len().unwrap());
                ("RSA", bits.as_str())
            }
        };
        self.run(&format!("genpkey -out made -algorithm {algorithm}"), options).unwrap();
        self.run("pkcs8 -topk8 -nocrypt -in made -outform DER", "").unwrap()
    }

    /// Of the file `private`.
    fn public_key(&self) -> Vec<u8> {
        self.run("pkey -inform DER -in private -pubout -outform DER", "").unwrap()
    }

    /// The file `message` under the key `private`.
    fn sign(&self, algorithm: SignatureAlgorithm) -> Vec<u8> {
        let (words, options) = signing(algorithm);
        let words = format!("pkeyutl -sign -keyform DER -inkey private -in message {words}");
        self.run(&words, options).unwrap()
    }

    /// Whether the file `signature` is of the file `message`, by the key `public`.
    fn verifies(&self, algorithm: SignatureAlgorithm) -> bool {
        let (words, options) = signing(algorithm);
        let files = "-pubin -keyform DER -inkey public -in message -sigfile signature";
        self.run(&format!("pkeyutl -verify {files} {words}"), options).is_some()
    }

    fn encrypt(&self, algorithm: EncryptionAlgorithm, public: &[u8], text: &[u8]) -> Vec<u8> {
        let sealed = self.encrypt_with(padding(algorithm), public, text);
        if algorithm == EncryptionAlgorithm::Sm2Pke { raw(&sealed) } else { sealed }
    }

    fn encrypt_with(&self, options: &str, public: &[u8], text: &[u8]) -> Vec<u8> {
        self.write("public", public);
        self.write("text", text);
        let words = "pkeyutl -encrypt -pubin -keyform DER -inkey public -in text";
        self.run(words, options).unwrap()
    }

    /// By the key `private`.
    fn decrypt(&self, algorithm: EncryptionAlgorithm, sealed: &[u8]) -> Vec<u8> {
        if algorithm == EncryptionAlgorithm::Sm2Pke {
            let cipher = Cipher::<Sm2, Sm3>::from_slice(sealed, Mode::C1C3C2).unwrap();
            self.write("sealed", &cipher.to_der().unwrap());
        } else {
            self.write("sealed", sealed);
        }
        let words = "pkeyutl -decrypt -keyform DER -inkey private -in sealed";
        self.run(words, padding(algorithm)).unwrap()
    }

    /// Wraps as the owner of material does. Source: keys.md §12.2.
    fn wrap(&self, way: WrappingAlgorithm, offer: &ImportParameters, material: &[u8]) -> Vec<u8> {
        let rsa = |options, text: &[u8]| self.encrypt_with(options, &offer.public_key, text);
        let sm2 = |text: &[u8]| self.encrypt(EncryptionAlgorithm::Sm2Pke, &offer.public_key, text);
        match way {
            WrappingAlgorithm::Pkcs1 => rsa("rsa_padding_mode:pkcs1", material),
            WrappingAlgorithm::OaepSha1 => rsa(OAEP_1, material),
            WrappingAlgorithm::OaepSha256 => rsa(OAEP_256, material),
            WrappingAlgorithm::Sm2Pke => sm2(material),
            WrappingAlgorithm::Pkcs1Aes256 => {
                [rsa("rsa_padding_mode:pkcs1", &[9; 32]), self.aes(material)].concat()
            }
            WrappingAlgorithm::OaepSha1Aes256 => {
                [rsa(OAEP_1, &[9; 32]), self.aes(material)].concat()
            }
            WrappingAlgorithm::OaepSha256Aes256 => {
                [rsa(OAEP_256, &[9; 32]), self.aes(material)].concat()
            }
            WrappingAlgorithm::Sm2PkeSm4 => {
                self.write("text", &SecretKey::from_pkcs8_der(material).unwrap().to_bytes());
                let words = format!("enc -sm4-ecb -nopad -K {} -in text", "09".repeat(16));
                let number = self.run(&words, "").unwrap();
                [sm2(&[9; 16]), number].concat()
            }
        }
    }

    fn aes(&self, material: &[u8]) -> Vec<u8> {
        self.write("text", material);
        self.run(&format!("enc -aes-256-ecb -K {} -in text", "09".repeat(32)), "").unwrap()
    }
}

fn signing(algorithm: SignatureAlgorithm) -> (&'static str, &'static str) {
    match algorithm {
        SignatureAlgorithm::PssSha256 => {
            ("-rawin -digest sha256", "rsa_padding_mode:pss rsa_pss_saltlen:32 rsa_mgf1_md:sha256")
        }
        SignatureAlgorithm::Pkcs1Sha256 => ("-rawin -digest sha256", "rsa_padding_mode:pkcs1"),
        SignatureAlgorithm::EcdsaSha256 => ("-rawin -digest sha256", ""),
        SignatureAlgorithm::Sm2Dsa => ("-rawin -digest sm3", "distid:1234567812345678"),
    }
}

fn padding(algorithm: EncryptionAlgorithm) -> &'static str {
    match algorithm {
        EncryptionAlgorithm::OaepSha1 => OAEP_1,
        EncryptionAlgorithm::OaepSha256 => OAEP_256,
        EncryptionAlgorithm::Sm2Pke => "",
    }
}

/// OpenSSL writes SM2 ciphertexts as DER.
fn raw(der: &[u8]) -> Vec<u8> {
    Cipher::<Sm2, Sm3>::from_der(der).unwrap().to_vec(Mode::C1C3C2, false).unwrap()
}

impl World {
    fn offer(&self, spec: KeySpec, way: WrappingAlgorithm) -> ImportParameters {
        let place = ImportPlace::from(&self.place());
        self.backend.begin_import(spec, &place, way, LATER, &SystemRandom).unwrap()
    }

    fn import(
        &self,
        spec: KeySpec,
        offer: &ImportParameters,
        wrapped: &[u8],
        known: Option<&[u8]>,
    ) -> Imported {
        let token = &offer.token;
        let imported =
            self.backend.import(spec, &self.place(), token, wrapped, NOW, known, &SystemRandom);
        imported.unwrap()
    }

    fn load(&self, spec: KeySpec, imported: &Imported) -> KeyHandle {
        self.backend.load(spec, &self.place(), &imported.sealed.0).unwrap()
    }
}

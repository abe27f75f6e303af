//! What every backend promises of pairs of a private and a public key.

use yaoku_model::{
    algorithm::{EncryptionAlgorithm, SignatureAlgorithm},
    key::KeySpec,
};

use super::{Ids, Never};
use crate::{
    backend::{Backend, BackendError, KeyHandle},
    random::SystemRandom,
};

/// RSA keys take long to make, so there is one size of them but where the size is what counts.
const QUICK: [KeySpec; 4] = [KeySpec::Rsa2048, KeySpec::EcP256, KeySpec::EcP256K, KeySpec::EcSm2];

pub(crate) fn decrypts_what_was_encrypted(backend: &dyn Backend, ids: &Ids) {
    for (key, algorithm) in encrypting(backend, ids, KeySpec::ALL) {
        let most = algorithm.max_plaintext(key.spec()).unwrap();
        for len in [1, 31, most] {
            let text = vec![7; len];
            let sealed = backend.encrypt(&key, algorithm, &text, &SystemRandom).unwrap();
            let overhead = key.spec().modulus_len().unwrap_or(len + 97);
            assert_eq!(sealed.len(), overhead, "{algorithm}, {len} bytes");
            let opened = backend.decrypt(&key, algorithm, &sealed).unwrap();
            assert_eq!(*opened, text, "{algorithm}, {len} bytes");
        }
        if key.spec().modulus_len().is_some() {
            let long = vec![7; most + 1];
            assert!(backend.encrypt(&key, algorithm, &long, &SystemRandom).is_err());
        }
    }
}

pub(crate) fn decrypts_nothing_that_was_cut_or_changed(backend: &dyn Backend, ids: &Ids) {
    for (key, algorithm) in encrypting(backend, ids, &QUICK) {
        let sealed = backend.encrypt(&key, algorithm, b"hello", &SystemRandom).unwrap();
        for at in (0..sealed.len()).step_by(9).chain([sealed.len() - 1]) {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            for bytes in
                [&changed[..], &sealed[..at], &sealed[at + 1..], &[&sealed[..], b"x"].concat()]
            {
                let opened = backend.decrypt(&key, algorithm, bytes);
                assert_eq!(opened, Err(BackendError::DoesNotOpen), "{algorithm}, byte {at}");
            }
        }
    }
}

pub(crate) fn verifies_no_signature_that_was_cut_or_changed(backend: &dyn Backend, ids: &Ids) {
    let digest = [7; 32];
    for (key, algorithm) in signing(backend, ids, &QUICK) {
        let signature = backend.sign(&key, algorithm, &digest, &SystemRandom).unwrap();
        let verify = |bytes: &[u8]| backend.verify(&key, algorithm, &digest, bytes);
        for at in (0..signature.len()).step_by(5).chain([signature.len() - 1]) {
            let mut changed = signature.clone();
            changed[at] ^= 1;
            for bytes in [&changed[..], &signature[..at], &signature[at + 1..]] {
                assert_eq!(verify(bytes), Ok(false), "{algorithm}, byte {at}");
            }
        }
        assert_eq!(verify(&[&signature[..], b"x"].concat()), Ok(false), "{algorithm}");
    }
}

pub(crate) fn verifies_its_own_signatures_alone(backend: &dyn Backend, ids: &Ids) {
    let (digest, other) = ([7; 32], [8; 32]);
    let strangers = QUICK.map(|spec| ids.key(backend, spec));
    for (key, algorithm) in signing(backend, ids, KeySpec::ALL) {
        let signature = backend.sign(&key, algorithm, &digest, &SystemRandom).unwrap();
        if let Some(len) = key.spec().modulus_len() {
            assert_eq!(signature.len(), len, "{algorithm}");
        }
        assert_eq!(backend.verify(&key, algorithm, &digest, &signature), Ok(true), "{algorithm}");
        assert_eq!(backend.verify(&key, algorithm, &other, &signature), Ok(false), "{algorithm}");
        for stranger in strangers.iter().filter(|it| algorithm.fits(it.spec())) {
            let verified = backend.verify(stranger, algorithm, &digest, &signature);
            assert_eq!(verified, Ok(false), "{algorithm}");
        }
    }
}

pub(crate) fn a_pair_does_what_its_spec_can_and_nothing_else(backend: &dyn Backend, ids: &Ids) {
    let unsupported = |it: BackendError| it == BackendError::Unsupported;
    for spec in QUICK {
        let key = ids.key(backend, spec);
        for algorithm in EncryptionAlgorithm::ALL {
            let done = backend.encrypt(&key, *algorithm, b"hello", &SystemRandom).map(drop);
            assert_eq!(done.is_ok(), algorithm.max_plaintext(spec).is_some(), "{spec}");
            assert!(done.is_ok() || done.is_err_and(unsupported), "{spec}, {algorithm}");
        }
        for algorithm in SignatureAlgorithm::ALL {
            let done = backend.sign(&key, *algorithm, &[7; 32], &SystemRandom).map(drop);
            assert_eq!(done.is_ok(), algorithm.fits(spec), "{spec}");
            assert!(done.is_ok() || done.is_err_and(unsupported), "{spec}, {algorithm}");
            let verified = backend.verify(&key, *algorithm, &[7; 32], b"");
            assert_eq!(verified.is_ok(), algorithm.fits(spec), "{spec}, {algorithm}");
        }
        assert!(backend.seal(&key, b"", b"x", &SystemRandom).is_err_and(unsupported));
        assert!(backend.open(&key, b"", b"x").is_err_and(unsupported));
        assert!(backend.mac(&key, b"x").is_err_and(unsupported));
        assert!(backend.verify_mac(&key, b"x", b"x").is_err_and(unsupported));
        assert_eq!(key.seals(), 0, "{spec}");
    }
}

pub(crate) fn a_pair_loads_as_the_same_pair_again(backend: &dyn Backend, ids: &Ids) {
    for spec in QUICK {
        let material = backend.create(spec, &ids.place(), &SystemRandom).unwrap();
        let load = || backend.load(spec, &ids.place(), &material.0).unwrap();
        let (one, two) = (load(), load());
        assert_eq!(one.spec(), spec);
        assert_eq!(backend.public_key(&one), backend.public_key(&two), "{spec}");
        assert!((256..40_000).contains(&one.size_in_bytes()), "{spec}: {}", one.size_in_bytes());
        let other = backend.public_key(&ids.key(backend, spec));
        assert_ne!(backend.public_key(&one), other, "{spec}");
    }
}

pub(crate) fn without_randomness_curves_do_nothing(backend: &dyn Backend, ids: &Ids) {
    let failed = |it: BackendError| matches!(it, BackendError::Failed(_));
    for (spec, algorithm) in [
        (KeySpec::EcP256K, SignatureAlgorithm::EcdsaSha256),
        (KeySpec::EcSm2, SignatureAlgorithm::Sm2Dsa),
    ] {
        assert!(backend.create(spec, &ids.place(), &Never).is_err_and(failed), "{spec}");
        let key = ids.key(backend, spec);
        assert!(backend.sign(&key, algorithm, &[7; 32], &Never).is_err_and(failed), "{spec}");
    }
    let key = ids.key(backend, KeySpec::EcSm2);
    let sealed = backend.encrypt(&key, EncryptionAlgorithm::Sm2Pke, b"x", &Never);
    assert!(sealed.is_err_and(failed));
}

fn encrypting(
    backend: &dyn Backend,
    ids: &Ids,
    specs: &[KeySpec],
) -> Vec<(KeyHandle, EncryptionAlgorithm)> {
    let mut all = Vec::new();
    for spec in specs.iter().filter(|it| it.is_asymmetric()) {
        let key = ids.key(backend, *spec);
        let fit = EncryptionAlgorithm::ALL.iter().filter(|it| it.max_plaintext(*spec).is_some());
        all.extend(fit.map(|it| (key.clone(), *it)));
    }
    all
}

fn signing(
    backend: &dyn Backend,
    ids: &Ids,
    specs: &[KeySpec],
) -> Vec<(KeyHandle, SignatureAlgorithm)> {
    let mut all = Vec::new();
    for spec in specs.iter().filter(|it| it.is_asymmetric()) {
        let key = ids.key(backend, *spec);
        let fit = SignatureAlgorithm::ALL.iter().filter(|it| it.fits(*spec));
        all.extend(fit.map(|it| (key.clone(), *it)));
    }
    all
}

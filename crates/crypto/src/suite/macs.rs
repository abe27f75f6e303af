//! What every backend promises of message authentication codes.

use yaoku_model::{
    algorithm::{EncryptionAlgorithm, MacAlgorithm, SignatureAlgorithm},
    key::KeySpec,
};

use super::Ids;
use crate::{
    backend::{Backend, BackendError},
    random::SystemRandom,
};

/// As many bytes as each code has. Source: keys.md §3.3.
const LENGTHS: [(MacAlgorithm, usize); 5] = [
    (MacAlgorithm::HmacSm3, 32),
    (MacAlgorithm::HmacSha224, 28),
    (MacAlgorithm::HmacSha256, 32),
    (MacAlgorithm::HmacSha384, 48),
    (MacAlgorithm::HmacSha512, 64),
];

pub(crate) fn verifies_whole_and_unchanged_codes_alone(backend: &dyn Backend, ids: &Ids) {
    for (algorithm, len) in LENGTHS {
        let key = ids.key(backend, algorithm.spec());
        let verify = |message: &[u8], code: &[u8]| backend.verify_mac(&key, message, code);
        for message in [&b""[..], b"hello", &[7; 6144]] {
            let code = backend.mac(&key, message).unwrap();
            assert_eq!(code.len(), len, "{algorithm}");
            assert_eq!(verify(message, &code), Ok(true), "{algorithm}");
            assert_eq!(verify(b"other", &code), Ok(false), "{algorithm}");
            for at in 0..len {
                let mut changed = code.clone();
                changed[at] ^= 1;
                for bytes in [&changed[..], &code[..at], &code[at + 1..]] {
                    assert_eq!(verify(message, bytes), Ok(false), "{algorithm}, byte {at}");
                }
            }
            assert_eq!(verify(message, &[&code[..], b"x"].concat()), Ok(false), "{algorithm}");
            let stranger = ids.key(backend, algorithm.spec());
            assert_eq!(backend.verify_mac(&stranger, message, &code), Ok(false), "{algorithm}");
        }
    }
}

pub(crate) fn a_secret_loads_as_the_same_secret_again(backend: &dyn Backend, ids: &Ids) {
    for (algorithm, _) in LENGTHS {
        let spec = algorithm.spec();
        let material = backend.create(spec, &ids.place(), &SystemRandom).unwrap();
        let load = || backend.load(spec, &ids.place(), &material.0).unwrap();
        let (one, two) = (load(), load());
        assert_eq!(backend.mac(&one, b"hello"), backend.mac(&two, b"hello"), "{spec}");
        assert!((64..4096).contains(&one.size_in_bytes()), "{spec}: {}", one.size_in_bytes());
    }
}

pub(crate) fn a_secret_makes_codes_and_nothing_else(backend: &dyn Backend, ids: &Ids) {
    let key = ids.key(backend, KeySpec::HmacSha256);
    let unsupported = Err(BackendError::Unsupported);
    assert_eq!(backend.seal(&key, b"", b"x", &SystemRandom).map(drop), unsupported);
    assert_eq!(backend.open(&key, b"", b"x").map(drop), unsupported);
    assert_eq!(backend.public_key(&key).map(drop), unsupported);
    for algorithm in EncryptionAlgorithm::ALL {
        assert_eq!(backend.encrypt(&key, *algorithm, b"x", &SystemRandom).map(drop), unsupported);
        assert_eq!(backend.decrypt(&key, *algorithm, b"x").map(drop), unsupported);
    }
    for algorithm in SignatureAlgorithm::ALL {
        let signed = backend.sign(&key, *algorithm, &[7; 32], &SystemRandom).map(drop);
        assert_eq!(signed, unsupported);
        assert_eq!(backend.verify(&key, *algorithm, &[7; 32], b"x").map(drop), unsupported);
    }
}

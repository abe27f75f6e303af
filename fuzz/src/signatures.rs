//! Signatures and ciphertexts of strangers: what our keys did not make is refused, whatever it is.

use std::sync::LazyLock;

use yaoku_crypto::{
    backend::{Backend, BackendError, KeyHandle},
    random::SystemRandom,
};
use yaoku_model::{
    algorithm::{EncryptionAlgorithm, SignatureAlgorithm},
    key::KeySpec,
};

use crate::home::Home;

const SPECS: [KeySpec; 4] = [KeySpec::Rsa2048, KeySpec::EcP256, KeySpec::EcP256K, KeySpec::EcSm2];

pub(crate) fn run(input: &[u8]) {
    let backend = &WORLD.home.backend;
    for key in &WORLD.keys {
        let spec = key.spec();
        for algorithm in SignatureAlgorithm::ALL.iter().filter(|it| it.fits(spec)) {
            let verified = backend.verify(key, *algorithm, &[7; 32], input);
            assert_eq!(verified, Ok(false), "{spec}, {algorithm}");
        }
        let encrypt = EncryptionAlgorithm::ALL.iter().filter(|it| it.max_plaintext(spec).is_some());
        for algorithm in encrypt {
            let opened = backend.decrypt(key, *algorithm, input);
            assert_eq!(opened, Err(BackendError::DoesNotOpen), "{spec}, {algorithm}");
        }
    }
}

/// Signatures of another digest, and what other keys have encrypted.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let backend = &WORLD.home.backend;
    let mut seeds = Vec::new();
    for spec in SPECS {
        let other = WORLD.home.key(spec);
        for algorithm in SignatureAlgorithm::ALL.iter().filter(|it| it.fits(spec)) {
            let signature = backend.sign(&other, *algorithm, &[8; 32], &SystemRandom);
            seeds.push(signature.expect("it signs"));
        }
    }
    let other = WORLD.home.key(KeySpec::EcSm2);
    let sealed = backend.encrypt(&other, EncryptionAlgorithm::Sm2Pke, b"hello", &SystemRandom);
    seeds.push(sealed.expect("it encrypts"));
    seeds
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let home = Home::new();
    World { keys: SPECS.map(|spec| home.key(spec)), home }
});

struct World {
    home: Home,
    keys: [KeyHandle; 4],
}

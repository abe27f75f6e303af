//! Keys in this process: made here, sealed by the wrapping key of their account and instance.

use std::sync::Arc;

use yaoku_model::{
    algorithm::{EncryptionAlgorithm, SignatureAlgorithm, WrappingAlgorithm},
    key::KeySpec,
    random::Random,
    time::Timestamp,
};
use zeroize::Zeroizing;

use crate::{
    backend::{Backend, BackendError, KeyHandle, KeyPlace, SealedMaterial},
    import::{self, Bringing, ImportError, ImportParameters, ImportPlace, Imported},
    keyring::Keyring,
    loaded::Loaded,
    material::Material,
    rootkey::WrappingPlace,
};

/// The backend of keys whose protection level is `SOFTWARE`.
#[derive(Clone, Debug)]
pub struct Software {
    ring: Arc<Keyring>,
}

impl Software {
    /// A backend whose keys are sealed by the wrapping keys of `ring`.
    #[must_use]
    pub fn new(ring: Arc<Keyring>) -> Self {
        Self { ring }
    }
}

impl Backend for Software {
    fn create(
        &self,
        spec: KeySpec,
        place: &KeyPlace<'_>,
        random: &dyn Random,
    ) -> Result<SealedMaterial, BackendError> {
        let material = Material::generate(spec, random)?;
        let wrapping = self.ring.wrapping_key(&owner(place))?;
        wrapping.seal(&place.aad(spec), material.expose(), random).map(SealedMaterial)
    }

    fn load(
        &self,
        spec: KeySpec,
        place: &KeyPlace<'_>,
        sealed: &[u8],
    ) -> Result<KeyHandle, BackendError> {
        let opened = self.ring.wrapping_key(&owner(place))?.open(&place.aad(spec), sealed)?;
        Ok(KeyHandle::new(spec, Loaded::new(spec, &opened)?))
    }

    fn seal_into(
        &self,
        key: &KeyHandle,
        aad: &[u8],
        plaintext: &[u8],
        random: &dyn Random,
        out: &mut Vec<u8>,
    ) -> Result<(), BackendError> {
        let cipher = key.cipher()?;
        key.count_seal()?;
        cipher.seal_into(aad, plaintext, random, out)
    }

    fn open(
        &self,
        key: &KeyHandle,
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, BackendError> {
        key.cipher()?.open(aad, sealed)
    }

    fn encrypt(
        &self,
        key: &KeyHandle,
        algorithm: EncryptionAlgorithm,
        plaintext: &[u8],
        random: &dyn Random,
    ) -> Result<Vec<u8>, BackendError> {
        key.pair()?.encrypt(algorithm, plaintext, random)
    }

    fn decrypt(
        &self,
        key: &KeyHandle,
        algorithm: EncryptionAlgorithm,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, BackendError> {
        key.pair()?.decrypt(algorithm, ciphertext)
    }

    fn sign(
        &self,
        key: &KeyHandle,
        algorithm: SignatureAlgorithm,
        digest: &[u8; 32],
        random: &dyn Random,
    ) -> Result<Vec<u8>, BackendError> {
        key.pair()?.sign(algorithm, digest, random)
    }

    fn verify(
        &self,
        key: &KeyHandle,
        algorithm: SignatureAlgorithm,
        digest: &[u8; 32],
        signature: &[u8],
    ) -> Result<bool, BackendError> {
        key.pair()?.verify(algorithm, digest, signature)
    }

    fn public_key(&self, key: &KeyHandle) -> Result<Vec<u8>, BackendError> {
        key.pair()?.public_key()
    }

    fn mac(&self, key: &KeyHandle, message: &[u8]) -> Result<Vec<u8>, BackendError> {
        Ok(key.mac()?.code(message))
    }

    fn verify_mac(
        &self,
        key: &KeyHandle,
        message: &[u8],
        mac: &[u8],
    ) -> Result<bool, BackendError> {
        Ok(key.mac()?.verify(message, mac))
    }

    fn begin_import(
        &self,
        spec: KeySpec,
        place: &ImportPlace<'_>,
        algorithm: WrappingAlgorithm,
        expires: Timestamp,
        random: &dyn Random,
    ) -> Result<ImportParameters, BackendError> {
        let owner = WrappingPlace { account: place.account, instance: place.instance };
        let wrapping = self.ring.wrapping_key(&owner)?;
        import::begin(&wrapping, spec, place, algorithm, expires, random)
    }

    fn import(
        &self,
        spec: KeySpec,
        place: &KeyPlace<'_>,
        token: &[u8],
        wrapped: &[u8],
        now: Timestamp,
        known: Option<&[u8]>,
        random: &dyn Random,
    ) -> Result<Imported, ImportError> {
        let wrapping = self.ring.wrapping_key(&owner(place))?;
        let brought = Bringing { token, wrapped, now, known };
        import::finish(&wrapping, spec, place, &brought, random)
    }
}

fn owner<'a>(place: &KeyPlace<'a>) -> WrappingPlace<'a> {
    WrappingPlace { account: place.account, instance: place.instance }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use yaoku_model::{
        algorithm::{EncryptionAlgorithm, WrappingAlgorithm, WrappingKeySpec},
        key::KeySpec,
        time::Timestamp,
    };

    use super::Software;
    use crate::{
        backend::Backend,
        export::wrap_for_export,
        import::ImportPlace,
        keyring::Keyring,
        random::SystemRandom,
        rootkey::{Generation, RootKey, WrappingPlace},
        suite::Ids,
    };

    fn software(owners: &[WrappingPlace<'_>]) -> Box<dyn Backend> {
        let root = RootKey::generate(Generation::FIRST, &SystemRandom).unwrap();
        let ring = Keyring::new([root]);
        for owner in owners {
            let sealed = ring.create(owner, Generation::FIRST, &SystemRandom).unwrap();
            ring.load(owner, &sealed).unwrap();
        }
        Box::new(Software::new(Arc::new(ring)))
    }

    crate::suite::backend_suite!(promises, super::software);

    #[test]
    fn a_token_outlives_the_process_and_its_root_key() {
        let ids = Ids::default();
        let place = ids.place();
        let (spec, algorithm) = (KeySpec::Aes128, WrappingAlgorithm::OaepSha256);
        let (now, later) = (Timestamp::from_unix_ms(0), Timestamp::from_unix_ms(1));
        let root = |it| RootKey::generate(Generation(it), &SystemRandom).unwrap();

        let owner = super::owner(&place);
        let ring = Keyring::new([root(1)]);
        let old = ring.create(&owner, Generation(1), &SystemRandom).unwrap();
        ring.add_root(root(2));
        let new = ring.reseal(&owner, &old, Generation(2), &SystemRandom).unwrap();
        ring.load(&owner, &old).unwrap();
        let ring = Arc::new(ring);
        let before = Software::new(Arc::clone(&ring));
        let offer = before
            .begin_import(spec, &ImportPlace::from(&place), algorithm, later, &SystemRandom)
            .unwrap();

        ring.unload(&owner);
        ring.keep_roots(&[Generation(2)]);
        ring.load(&owner, &new).unwrap();
        let wrapped = wrap_for_export(
            &offer.public_key,
            WrappingKeySpec::Rsa2048,
            EncryptionAlgorithm::OaepSha256,
            &[7; 16],
            &SystemRandom,
        );
        let (after, wrapped) = (Software::new(ring), wrapped.unwrap());
        let imported = after.import(spec, &place, &offer.token, &wrapped, now, None, &SystemRandom);
        assert_eq!(imported.map(drop), Ok(()));
    }
}

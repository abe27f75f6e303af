//! Keys in this process: made here, sealed by the wrapping key of their account and instance.

use std::sync::Arc;

use yaoku_model::{key::KeySpec, random::Random};
use zeroize::Zeroizing;

use crate::{
    backend::{Backend, BackendError, KeyHandle, KeyPlace, SealedMaterial},
    cipher::Cipher,
    keyring::Keyring,
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
        if spec.cipher_key_len().is_none() {
            return Err(BackendError::Unsupported);
        }
        let opened = self.ring.wrapping_key(&owner(place))?.open(&place.aad(spec), sealed)?;
        Ok(KeyHandle::new(spec, Cipher::new(spec, &opened)?))
    }

    fn seal_into(
        &self,
        key: &KeyHandle,
        aad: &[u8],
        plaintext: &[u8],
        random: &dyn Random,
        out: &mut Vec<u8>,
    ) -> Result<(), BackendError> {
        key.count_seal()?;
        key.cipher().seal_into(aad, plaintext, random, out)
    }

    fn open(
        &self,
        key: &KeyHandle,
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, BackendError> {
        key.cipher().open(aad, sealed)
    }
}

fn owner<'a>(place: &KeyPlace<'a>) -> WrappingPlace<'a> {
    WrappingPlace { account: place.account, instance: place.instance }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Software;
    use crate::{
        backend::Backend,
        keyring::Keyring,
        random::SystemRandom,
        rootkey::{Generation, RootKey, WrappingPlace},
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
}

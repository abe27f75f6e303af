//! Imported material: when a key takes it, and what becomes of a key that loses it.
//! Source: keys.md §5, §12.1.

use super::{CannotChange, Key, KeyState, Origin, WrongState};
use crate::{ids::KeyVersionId, time::Timestamp};

impl Key {
    /// Fails unless its material comes from its owner.
    pub fn must_be_imported(&self) -> Result<(), NotImported> {
        if self.origin == Origin::External { Ok(()) } else { Err(NotImported) }
    }

    /// Fails unless it may be given material now. Source: keys.md §5, row `ImportKeyMaterial`.
    pub fn must_take_material(&self) -> Result<(), CannotChange> {
        match self.state {
            KeyState::PendingDeletion => Err(CannotChange::Transition),
            KeyState::Unavailable => Err(WrongState(self.state).into()),
            _ => Ok(()),
        }
    }

    /// It has its material, until `expires`. The version stays the same however often that happens;
    /// a disabled key stays disabled (both inferred in keys.md §12.1). A pair has no primary version.
    pub fn take_material(
        &mut self,
        version: &KeyVersionId,
        expires: Option<Timestamp>,
        now: Timestamp,
    ) {
        if !self.spec.is_asymmetric() {
            self.primary = Some(version.clone());
        }
        if self.state == KeyState::PendingImport || self.has_expired(now) {
            self.state = KeyState::Enabled;
        }
        self.last_rotation.get_or_insert(now);
        self.material_expires = expires;
    }

    /// Its material is gone: deleted by its owner, or expired. It has no primary version until there
    /// is material again (keys.md §4). What waits for deletion, or is out of
    /// service, still does.
    pub fn lose_material(&mut self) {
        if matches!(self.state, KeyState::Enabled | KeyState::Disabled) {
            self.state = KeyState::PendingImport;
        }
        self.material_expires = None;
        self.primary = None;
    }
}

/// The key's material does not come from its owner.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the key's material was made here")]
pub struct NotImported;

#[cfg(test)]
mod tests {
    use crate::{
        ids::KeyVersionId,
        key::{CreatorType, Key, KeySpec, KeyState, Origin},
        time::Timestamp,
    };

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_767_323_045);

    fn external(state: KeyState) -> Key {
        let (id, account) = ("k".parse().unwrap(), "1".parse().unwrap());
        let key = Key::aes_256(id, account, None, CreatorType::User, NOW);
        Key { origin: Origin::External, state, ..key }
    }

    fn version() -> KeyVersionId {
        "v".repeat(36).parse().unwrap()
    }

    #[test]
    fn a_key_with_material_is_enabled_unless_it_was_disabled() {
        for (before, after) in [
            (KeyState::PendingImport, KeyState::Enabled),
            (KeyState::Enabled, KeyState::Enabled),
            (KeyState::Disabled, KeyState::Disabled),
        ] {
            let mut key = external(before);
            key.must_take_material().unwrap();
            key.take_material(&version(), Some(NOW), NOW);
            assert_eq!((key.state, key.material_expires), (after, Some(NOW)));
            assert_eq!((key.primary, key.last_rotation), (Some(version()), Some(NOW)));
        }
        for state in [KeyState::PendingDeletion, KeyState::Unavailable] {
            external(state).must_take_material().unwrap_err();
        }
    }

    #[test]
    fn a_key_without_material_waits_for_some_unless_it_waits_for_its_end() {
        for (before, after) in [
            (KeyState::Enabled, KeyState::PendingImport),
            (KeyState::Disabled, KeyState::PendingImport),
            (KeyState::PendingImport, KeyState::PendingImport),
            (KeyState::PendingDeletion, KeyState::PendingDeletion),
            (KeyState::Unavailable, KeyState::Unavailable),
        ] {
            let mut key = Key { material_expires: Some(NOW), ..external(before) };
            key.lose_material();
            assert_eq!((key.state, key.material_expires), (after, None));
        }
    }

    #[test]
    fn a_pair_has_no_primary_version() {
        let mut key = Key { spec: KeySpec::EcP256K, ..external(KeyState::PendingImport) };
        key.take_material(&version(), None, NOW);
        assert_eq!((key.primary, key.state), (None, KeyState::Enabled));
    }
}

//! The life of a key: the states it passes through, and what each of them lets be done.
//!
//! The whole table of keys.md §5, a row a method. A date that has come counts at once, whether or
//! not the task that acts on it has been there: so whatever asks for a state says when.

use super::{AutomaticRotation, CreatorType, Key, KeyState, Origin};
use crate::time::Timestamp;

/// Seconds of a day.
const DAY: i64 = 86_400;

impl Key {
    /// How long a deletion may be waited for, in days. Source: keys.md §6.5.
    pub const DELETION_DAYS: std::ops::RangeInclusive<i64> = 7..=366;

    /// How long it is waited for where nobody says. Source: keys.md §6.5 (inferred there).
    pub const DEFAULT_DELETION_DAYS: i64 = 30;

    /// Shortest and longest rotation interval, in seconds: 7 and 730 days, the widest that is
    /// documented. Source: keys.md §8.2 (inferred there).
    pub const ROTATION_SECONDS: std::ops::RangeInclusive<i64> = 7 * DAY..=730 * DAY;

    /// Its state at `now`. Whether it is still there at all is [`Key::is_gone`].
    #[must_use]
    pub fn state_at(&self, now: Timestamp) -> KeyState {
        match self.state {
            KeyState::Enabled | KeyState::Disabled if self.has_expired(now) => {
                KeyState::PendingImport
            }
            state => state,
        }
    }

    /// Whether its deletion date has come: nobody finds it any more. Source: keys.md §5 (inferred).
    #[must_use]
    pub fn is_gone(&self, now: Timestamp) -> bool {
        self.delete_at.is_some_and(|it| it <= now)
    }

    /// Whether its imported material is past its date.
    #[must_use]
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.material_expires.is_some_and(|it| it <= now)
    }

    /// When it rotates by itself next, unless something is in the way. Source: keys.md §8.3.
    #[must_use]
    pub fn next_rotation(&self) -> Option<Timestamp> {
        Some(self.last_rotation?.plus_seconds(self.rotation_seconds?))
    }

    /// Whether its rotation is due at `now`, and nothing is in the way. Source: keys.md §8.3.
    #[must_use]
    pub fn may_rotate(&self, now: Timestamp) -> bool {
        !self.is_gone(now)
            && self.automatic_rotation(now) == AutomaticRotation::Enabled
            && self.next_rotation().is_some_and(|it| it <= now)
    }

    /// Whether it rotates by itself at `now`. Source: keys.md §4, §8.3.
    #[must_use]
    pub fn automatic_rotation(&self, now: Timestamp) -> AutomaticRotation {
        match (self.rotation_seconds, self.state_at(now)) {
            (None, _) => AutomaticRotation::Disabled,
            (Some(_), KeyState::Enabled) => AutomaticRotation::Enabled,
            (Some(_), _) => AutomaticRotation::Suspended,
        }
    }

    /// When something next happens to it by itself: it is deleted, its material expires, it rotates.
    #[must_use]
    pub fn due(&self) -> Option<Timestamp> {
        let rotation = self.next_rotation().filter(|_| self.state == KeyState::Enabled);
        let expiry = self.material_expires.filter(|_| self.state != KeyState::PendingImport);
        [self.delete_at, expiry, rotation].into_iter().flatten().min()
    }

    /// Makes it usable. Source: keys.md §5, row `EnableKey`.
    pub fn enable(&mut self, now: Timestamp) -> Result<(), CannotChange> {
        self.switch(KeyState::Enabled, now)
    }

    /// Makes it unusable until it is enabled again. Source: keys.md §5, row `DisableKey`.
    pub fn disable(&mut self, now: Timestamp) -> Result<(), CannotChange> {
        self.switch(KeyState::Disabled, now)
    }

    fn switch(&mut self, to: KeyState, now: Timestamp) -> Result<(), CannotChange> {
        self.must_be_the_customers()?;
        match self.state_at(now) {
            KeyState::Enabled | KeyState::Disabled => {
                self.state = to;
                Ok(())
            }
            state @ KeyState::Unavailable => Err(WrongState(state).into()),
            KeyState::PendingDeletion | KeyState::PendingImport => Err(CannotChange::Transition),
        }
    }

    /// Lets it wait for its deletion, `days` from now. Source: keys.md §5, §6.5.
    pub fn schedule_deletion(&mut self, days: i64, now: Timestamp) -> Result<(), CannotChange> {
        self.must_be_the_customers()?;
        if self.deletion_protection.is_some() {
            return Err(CannotChange::Protected);
        }
        if self.state == KeyState::PendingDeletion {
            return Err(CannotChange::Transition);
        }
        self.state = KeyState::PendingDeletion;
        self.delete_at = Some(now.plus_seconds(days.saturating_mul(DAY)));
        Ok(())
    }

    /// Lets it live on. It is enabled again, whatever it was before; but without material it waits
    /// for some (inferred in keys.md §5), and without its instance it stays out of service (our
    /// choice). Material that expired meanwhile, and is still to be erased, is material here.
    pub fn cancel_deletion(
        &mut self,
        has_material: bool,
        is_in_service: bool,
    ) -> Result<(), CannotChange> {
        self.must_be_the_customers()?;
        if self.state != KeyState::PendingDeletion {
            return Err(CannotChange::Transition);
        }
        let lacks_material = self.origin == Origin::External && !has_material;
        self.delete_at = None;
        self.state = match (lacks_material, is_in_service) {
            (true, _) => KeyState::PendingImport,
            (false, true) => KeyState::Enabled,
            (false, false) => KeyState::Unavailable,
        };
        Ok(())
    }

    /// Fails unless its description, its tags, its policy, its protection and the aliases that are
    /// moved to it may change.
    ///
    /// Source: keys.md §5, rows `UpdateKeyDescription`, `UpdateAlias`, `SetKeyPolicy` and
    /// `SetDeletionProtection`.
    pub fn must_be_changeable(&self) -> Result<(), CannotChange> {
        self.must_be_the_customers()?;
        match self.state {
            KeyState::PendingDeletion => Err(WrongState(self.state).into()),
            _ => Ok(()),
        }
    }

    /// Fails unless it may have one more alias. Source: keys.md §5, row `CreateAlias`.
    pub fn must_take_an_alias(&self) -> Result<(), CannotChange> {
        self.must_be_the_customers()?;
        match self.state {
            KeyState::PendingDeletion => Err(CannotChange::Transition),
            _ => Ok(()),
        }
    }

    /// Fails unless its owner may give it a new version by hand: any but a key of the service's
    /// own, an imported one or one for message authentication codes. Source: keys.md §8.1
    /// (inferred there), §5, row `CreateKeyVersion`.
    pub fn must_take_a_version(&self, now: Timestamp) -> Result<(), CannotChange> {
        let takes = self.spec.is_asymmetric() || self.spec.cipher_key_len().is_some();
        self.must_be_made_here(takes)?;
        Ok(self.must_be_enabled(now)?)
    }

    /// Fails unless it can rotate by itself: a cipher's key that was made here.
    ///
    /// Source: keys.md §8.2, §5, row `UpdateRotationPolicy`.
    pub fn must_take_a_rotation_policy(&self, now: Timestamp) -> Result<(), CannotChange> {
        self.must_be_made_here(self.spec.cipher_key_len().is_some())?;
        Ok(self.must_be_enabled(now)?)
    }

    fn must_be_made_here(&self, and: bool) -> Result<(), CannotChange> {
        match (self.creator, self.origin) {
            (CreatorType::User, Origin::Kms) if and => Ok(()),
            _ => Err(CannotChange::NotApplicable),
        }
    }

    /// Source: keys.md §3.1, §6.4 (inferred there, for all changes our choice).
    fn must_be_the_customers(&self) -> Result<(), CannotChange> {
        match self.creator {
            CreatorType::User => Ok(()),
            CreatorType::Service => Err(CannotChange::ServiceKey),
        }
    }

    /// Fails unless it may be used at `now`. Source: keys.md §5, first row.
    pub fn must_be_enabled(&self, now: Timestamp) -> Result<(), WrongState> {
        match self.state_at(now) {
            KeyState::Enabled => Ok(()),
            other => Err(WrongState(other)),
        }
    }
}

/// The key's state forbids what was asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the key state is {0}")]
pub struct WrongState(pub KeyState);

/// Why a key cannot be changed as asked. Source: keys.md §5.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CannotChange {
    /// Its state forbids the change.
    #[error(transparent)]
    State(#[from] WrongState),
    /// It cannot go from its state to the one asked for.
    #[error("the key cannot go from its state to that one")]
    Transition,
    /// It is the service's own.
    #[error("the key is the service's own")]
    ServiceKey,
    /// No key of its kind changes like that.
    #[error("no key of this kind changes like that")]
    NotApplicable,
    /// It is protected from deletion.
    #[error("the key is protected from deletion")]
    Protected,
}

#[cfg(test)]
mod tests {
    use super::{AutomaticRotation, CannotChange, Key, KeyState, Origin};
    use crate::{key::CreatorType, time::Timestamp};

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_767_323_045);

    fn key() -> Key {
        let (id, account) = ("k".parse().unwrap(), "1".parse().unwrap());
        Key::aes_256(id, account, None, CreatorType::User, NOW)
    }

    #[test]
    fn expired_material_counts_as_none_at_once() {
        let mut key = Key { origin: Origin::External, material_expires: Some(NOW), ..key() };
        let before = NOW.plus_seconds(-1);
        for (state, expired) in [
            (KeyState::Enabled, KeyState::PendingImport),
            (KeyState::Disabled, KeyState::PendingImport),
            (KeyState::PendingDeletion, KeyState::PendingDeletion),
            (KeyState::Unavailable, KeyState::Unavailable),
        ] {
            key.state = state;
            assert_eq!((key.state_at(before), key.state_at(NOW)), (state, expired));
        }
        key.state = KeyState::Enabled;
        assert_eq!(key.enable(NOW), Err(CannotChange::Transition));
        assert_eq!(key.due(), Some(NOW), "its material is still to be erased");
    }

    #[test]
    fn a_key_waits_for_its_deletion_and_may_be_called_back_until_it_is_gone() {
        let mut key = key();
        assert_eq!(key.cancel_deletion(true, true), Err(CannotChange::Transition));
        key.schedule_deletion(7, NOW).unwrap();
        assert_eq!(key.schedule_deletion(8, NOW), Err(CannotChange::Transition));
        let date = NOW.plus_seconds(7 * 86_400);
        assert_eq!((key.delete_at, key.due()), (Some(date), Some(date)));
        assert!(!key.is_gone(date.plus_seconds(-1)) && key.is_gone(date));
        key.cancel_deletion(true, true).unwrap();
        assert_eq!((key.state, key.delete_at), (KeyState::Enabled, None));
    }

    #[test]
    fn what_is_called_back_without_material_waits_for_some() {
        for (origin, material, service, expected) in [
            (Origin::Kms, true, true, KeyState::Enabled),
            (Origin::Kms, true, false, KeyState::Unavailable),
            (Origin::External, true, true, KeyState::Enabled),
            (Origin::External, false, true, KeyState::PendingImport),
            (Origin::External, false, false, KeyState::PendingImport),
        ] {
            let mut key = Key { origin, state: KeyState::PendingDeletion, ..key() };
            key.cancel_deletion(material, service).unwrap();
            assert_eq!(key.state, expected, "{origin}, material {material}, service {service}");
        }
    }

    #[test]
    fn material_that_expires_while_a_key_waits_for_its_deletion_is_still_to_be_erased() {
        let mut key = Key { origin: Origin::External, material_expires: Some(NOW), ..key() };
        key.schedule_deletion(7, NOW).unwrap();
        key.cancel_deletion(true, true).unwrap();
        assert_eq!((key.state_at(NOW), key.due()), (KeyState::PendingImport, Some(NOW)));
    }

    #[test]
    fn rotation_is_suspended_with_the_key_and_due_when_it_is_back() {
        let day = 86_400;
        let mut key = Key { last_rotation: Some(NOW), rotation_seconds: Some(7 * day), ..key() };
        let late = NOW.plus_seconds(8 * day);
        for (state, rotation, due) in [
            (KeyState::Enabled, AutomaticRotation::Enabled, true),
            (KeyState::Disabled, AutomaticRotation::Suspended, false),
            (KeyState::PendingDeletion, AutomaticRotation::Suspended, false),
            (KeyState::Unavailable, AutomaticRotation::Suspended, false),
        ] {
            key.state = state;
            assert_eq!((key.automatic_rotation(late), key.may_rotate(late)), (rotation, due));
        }
        key.state = KeyState::Enabled;
        assert!(!key.may_rotate(NOW));
        key.rotation_seconds = None;
        assert_eq!(key.automatic_rotation(late), AutomaticRotation::Disabled);
    }
}

//! Managed secrets: what a secret knows of the credential behind it, and when that changes.
//! Source: secrets.md §6.

use std::{ops::RangeInclusive, str::FromStr};

use crate::{
    ids::{AccessKeyId, AccountId, Invalid, SecretName, VersionId},
    key::words,
    secret::SecretVersion,
    time::Timestamp,
};

words! {
    /// Whether a credential changes by itself. Source: secrets.md §6.1.
    AutomaticRotation {
        /// It does.
        Enabled = "Enabled",
        /// It does not.
        Disabled = "Disabled",
        /// It did or was told to, and the last time failed: it does not until it is told again.
        Invalid = "Invalid",
    }
}

words! {
    /// What a managed secret holds. Source: secrets.md §6.2 to §6.6.
    SubType {
        /// One account, whose password changes under its users.
        SingleUser = "SingleUser",
        /// Two accounts with the same rights, by turns. `DualUser` is what a seed calls it.
        DoubleUsers = "DoubleUsers" | "DualUser",
        /// An access key of a RAM user.
        RamUserAccessKey = "RamUserAccessKey",
        /// The password of a user of a server.
        Password = "Password",
        /// The key pair of a user of a server.
        SshKey = "SSHKey",
    }
}

words! {
    /// How far a rotation has come. Our choice; the order in which it happens is in [`Rotation`].
    Step {
        /// The accounts of a new secret are to be made.
        Create = "create",
        /// The candidate is to be given to the target, and tried there.
        Apply = "apply",
        /// It failed, and the target may have taken the candidate all the same: it is asked now and then.
        Settle = "settle",
        /// The candidate is current, and the key pair before is to be taken from its server.
        Retire = "retire",
        /// It is done, and the credential before is to die when its window ends.
        Window = "window",
        /// A hook is to make the new version, under the label `ACSPending`. Source of the four: secrets.md §7.
        HookNew = "hook-new",
        /// A hook is to set it where it is used.
        HookSet = "hook-set",
        /// A hook is to try it there.
        HookTest = "hook-test",
        /// A hook is to make it the current version.
        HookEnd = "hook-end",
    }
}

impl Step {
    /// What a hook is told: `None` if it is not for a hook.
    #[must_use]
    pub fn of_hook(self) -> Option<&'static str> {
        self.as_str().strip_prefix("hook-")
    }

    /// What a hook is to do next.
    #[must_use]
    pub const fn next_of_hook(self) -> Option<Self> {
        match self {
            Self::HookNew => Some(Self::HookSet),
            Self::HookSet => Some(Self::HookTest),
            Self::HookTest => Some(Self::HookEnd),
            _ => None,
        }
    }
}

/// What only a managed secret has.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Managed {
    /// `ExtendedConfig` as it was sent: a JSON object, `CustomData` in it.
    pub config: String,
    /// Whether it rotates by itself.
    pub automatic: AutomaticRotation,
    /// How often it does, in seconds: there if it rotates, or did until it failed.
    pub interval: Option<i64>,
    /// When it last did.
    pub last_rotation: Option<Timestamp>,
    /// When it will.
    pub next_rotation: Option<Timestamp>,
    /// The ids of its last versions, the newest last: who asks for one of them again has it already.
    pub recent: Vec<VersionId>,
}

impl Managed {
    /// How often a credential may change, in seconds: six hours to a year. Source: secrets.md §6.7.
    pub const INTERVALS: RangeInclusive<i64> = 21_600..=31_536_000;

    /// How many versions are remembered. Source: secrets.md §6.1 (inferred there).
    pub const REMEMBERED: usize = 10;

    /// Has it rotate every so many seconds, counted from when it last did, or was made.
    pub fn enable(&mut self, interval: i64, created: Timestamp) {
        self.automatic = AutomaticRotation::Enabled;
        self.interval = Some(interval);
        self.next_rotation = Some(self.last_rotation.unwrap_or(created).plus_seconds(interval));
    }

    /// Has it rotate no more.
    pub fn disable(&mut self) {
        self.automatic = AutomaticRotation::Disabled;
        (self.interval, self.next_rotation) = (None, None);
    }

    /// A rotation has failed: nothing more happens by itself. The interval and the date stay to be
    /// seen. Source: secrets.md §4.2, §6.1.
    pub fn fail(&mut self) {
        self.automatic = AutomaticRotation::Invalid;
    }

    /// It has failed no longer: it rotates as often as it did before, or not at all.
    pub fn mend(&mut self, created: Timestamp) {
        match self.interval {
            Some(interval) => self.enable(interval, created),
            None => self.disable(),
        }
    }

    /// A rotation was done: the clock starts anew, also if it had failed before. Source: secrets.md §6.7.
    pub fn rotated(&mut self, version: VersionId, now: Timestamp) {
        self.last_rotation = Some(now);
        self.mend(now);
        self.remember(version);
    }

    /// Remembers a version, and forgets the oldest if there are too many.
    pub fn remember(&mut self, version: VersionId) {
        self.recent.push(version);
        let surplus = self.recent.len().saturating_sub(Self::REMEMBERED);
        self.recent.drain(..surplus);
    }
}

/// How often a credential is to change: `7d`, `168h`, `10080m` or `604800s`, in lower case.
/// Source: secrets.md §6.7.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RotationInterval(i64);

impl RotationInterval {
    /// Seconds.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0
    }
}

impl FromStr for RotationInterval {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        span(raw, Managed::INTERVALS).map(Self)
    }
}

/// How long the access key before is to work on: ten minutes to two days, written as an interval is.
/// Source: secrets.md §4.11.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RotationWindow(i64);

impl RotationWindow {
    /// Seconds.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0
    }
}

impl FromStr for RotationWindow {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        span(raw, 600..=172_800).map(Self)
    }
}

/// A number and its unit, as seconds within a range.
fn span(raw: &str, range: RangeInclusive<i64>) -> Result<i64, Invalid> {
    let unit = match raw.as_bytes().last() {
        Some(b'd') => 86_400,
        Some(b'h') => 3_600,
        Some(b'm') => 60,
        Some(b's') => 1,
        _ => return Err(Invalid),
    };
    let digits = &raw[..raw.len() - 1];
    let plain = (1..=9).contains(&digits.len()) && digits.bytes().all(|it| it.is_ascii_digit());
    if !plain || digits.starts_with('0') {
        return Err(Invalid);
    }
    let seconds = digits.parse::<i64>().map_err(|_| Invalid)? * unit;
    range.contains(&seconds).then_some(seconds).ok_or(Invalid)
}

/// A rotation that was begun: there is at most one for a secret, and nothing of it is only in memory.
///
/// The candidate is kept, sealed, before the target hears of it. Whatever dies after that, giving it to
/// the target again changes nothing, and the labels move only when it was tried and works; so the
/// version that is current is always one that works, or is about to be put right.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rotation {
    /// The owner of the secret.
    pub account: AccountId,
    /// The secret.
    pub secret: SecretName,
    /// The id that the new version will have.
    pub version: VersionId,
    /// The new value under an id of its own, which nobody can read; `None` if nothing new is made.
    pub candidate: Option<SecretVersion>,
    /// How far it has come.
    pub step: Step,
    /// When it was begun, or begun again.
    pub started: Timestamp,
    /// How often the step was tried and failed.
    pub tries: i64,
    /// When it is to be tried next.
    pub next_try: Timestamp,
    /// Until when the node that tries it has it for itself; `None` if nobody has it.
    pub held_until: Option<Timestamp>,
    /// The access key that goes when the window ends, if there is one.
    pub dying: Option<AccessKeyId>,
}

impl Rotation {
    /// Whether it goes on. One that failed does not, though it may yet turn out to have worked.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.step != Step::Settle
    }
}

#[cfg(test)]
mod tests {
    use super::{AutomaticRotation, Managed, RotationInterval, RotationWindow};
    use crate::time::Timestamp;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

    fn managed() -> Managed {
        Managed {
            config: "{}".to_owned(),
            automatic: AutomaticRotation::Disabled,
            interval: None,
            last_rotation: None,
            next_rotation: None,
            recent: Vec::new(),
        }
    }

    #[test]
    fn an_interval_is_a_number_and_a_unit() {
        // Source: secrets.md §6.7, the table.
        for (raw, seconds) in [
            ("7d", 604_800),
            ("168h", 604_800),
            ("10080m", 604_800),
            ("604800s", 604_800),
            ("6h", 21_600),
            ("360m", 21_600),
            ("21600s", 21_600),
            ("365d", 31_536_000),
            ("8760h", 31_536_000),
        ] {
            assert_eq!(raw.parse().map(RotationInterval::seconds), Ok(seconds), "{raw}");
        }
        for raw in [
            "5h",
            "366d",
            "0d",
            "-1d",
            "7D",
            "",
            "d",
            "1w",
            "7 days",
            "07d",
            "21599s",
            "31536001s",
            "9999999999s",
            "7dé",
            "7",
        ] {
            assert!(raw.parse::<RotationInterval>().is_err(), "{raw}");
        }
    }

    #[test]
    fn a_window_has_ten_minutes_to_two_days() {
        for (raw, seconds) in [("600s", 600), ("10m", 600), ("48h", 172_800), ("2d", 172_800)] {
            assert_eq!(raw.parse().map(RotationWindow::seconds), Ok(seconds), "{raw}");
        }
        for raw in ["599s", "9m", "172801s", "3d", "0d", "600", ""] {
            assert!(raw.parse::<RotationWindow>().is_err(), "{raw}");
        }
    }

    #[test]
    fn the_next_date_follows_the_last_rotation_or_the_making() {
        // Source: secrets.md §6.7.
        let mut it = managed();
        it.enable(604_800, NOW);
        assert_eq!(it.next_rotation, Some(NOW.plus_seconds(604_800)));
        let later = NOW.plus_seconds(1000);
        it.rotated("v2".parse().unwrap(), later);
        assert_eq!(it.last_rotation, Some(later));
        assert_eq!(it.next_rotation, Some(later.plus_seconds(604_800)));
        it.enable(21_600, NOW);
        assert_eq!(it.next_rotation, Some(later.plus_seconds(21_600)));
        it.disable();
        assert_eq!((it.interval, it.next_rotation), (None, None));
    }

    #[test]
    fn what_failed_rotates_again_when_it_has_worked_once_more() {
        let mut it = managed();
        it.enable(604_800, NOW);
        it.fail();
        assert_eq!(it.automatic, AutomaticRotation::Invalid);
        assert!(it.next_rotation.is_some(), "still to be seen");
        it.rotated("v2".parse().unwrap(), NOW);
        assert_eq!(it.automatic, AutomaticRotation::Enabled);
        let mut by_hand = managed();
        by_hand.fail();
        by_hand.rotated("v2".parse().unwrap(), NOW);
        assert_eq!(by_hand.automatic, AutomaticRotation::Disabled);
    }

    #[test]
    fn ten_versions_are_remembered() {
        let mut it = managed();
        for n in 1..=12 {
            it.remember(format!("v{n}").parse().unwrap());
        }
        assert_eq!(it.recent.len(), 10);
        assert_eq!(it.recent[0].as_str(), "v3");
    }
}

//! The rules of logging in: what passwords must be like, when one is too old, and when nobody may
//! try any more for a while. Source: identity.md §2.2; where it is silent, our choice.

use std::str::FromStr;

use crate::{
    identity::{LoginProfile, PasswordPolicy},
    ids::{AccountId, Invalid, UserName},
    policy::is_network,
    text::{Password, PasswordHash},
    time::Timestamp,
};

/// Failed logins are counted for so long from the first of them. Source: identity.md §2.2.
const FAILURES_SECONDS: i64 = 3_600;

const DAY_SECONDS: i64 = 86_400;

impl PasswordPolicy {
    /// How short the shortest password may be at most, and at least.
    pub const LENGTHS: std::ops::RangeInclusive<i64> = 8..=32;

    /// The most days that a password may live.
    pub const MAX_AGE: i64 = 1_095;

    /// The most passwords that may not come again.
    pub const MAX_REMEMBERED: i64 = 24;

    /// The most failed logins an hour that can be set.
    pub const MAX_ATTEMPTS: i64 = 32;

    /// Whether a password has what is asked for. Letters and digits are those of ASCII; whatever
    /// else is in it counts as a symbol. Control characters, which nobody types, are never accepted.
    #[must_use]
    pub fn accepts(&self, password: &Password) -> bool {
        let text = password.expose_text();
        let long = i64::try_from(text.chars().count()).is_ok_and(|it| it >= self.minimum_length);
        let typed = !text.chars().any(char::is_control);
        let has = |asked: bool, what: fn(char) -> bool| !asked || text.chars().any(what);
        long && typed
            && has(self.lowercase, |it| it.is_ascii_lowercase())
            && has(self.uppercase, |it| it.is_ascii_uppercase())
            && has(self.numbers, |it| it.is_ascii_digit())
            && has(self.symbols, |it| !it.is_ascii_alphanumeric())
    }
}

impl LoginProfile {
    /// A new profile with its first password.
    #[must_use]
    pub fn new(account: AccountId, user: UserName, password: PasswordHash, now: Timestamp) -> Self {
        Self {
            account,
            user,
            password,
            past: Vec::new(),
            reset_required: false,
            mfa_required: false,
            created: now,
            changed: now,
            failures: 0,
            failed_at: None,
        }
    }

    /// Until when no more logins are looked at, because so many failed within an hour; `None` if they
    /// are.
    #[must_use]
    pub fn locked_until(&self, policy: &PasswordPolicy, now: Timestamp) -> Option<Timestamp> {
        let many = policy.max_attempts > 0 && self.failures >= policy.max_attempts;
        let first = self.failed_at.filter(|it| many && is_recent(*it, now))?;
        Some(first.plus_seconds(FAILURES_SECONDS))
    }

    /// A login is tried. It counts as failed until it has [`succeeded`](Self::succeeded), so that
    /// many at once are no more guesses than one after the other.
    pub fn tried(&mut self, now: Timestamp) {
        if self.failed_at.is_some_and(|it| is_recent(it, now)) {
            self.failures = self.failures.saturating_add(1);
        } else {
            (self.failures, self.failed_at) = (1, Some(now));
        }
    }

    /// A login was good: those before it that were not are forgotten.
    pub fn succeeded(&mut self) {
        (self.failures, self.failed_at) = (0, None);
    }

    /// Whether the password is too old.
    #[must_use]
    pub fn is_expired(&self, policy: &PasswordPolicy, now: Timestamp) -> bool {
        policy.max_age > 0 && now >= self.changed.plus_seconds(policy.max_age * DAY_SECONDS)
    }

    /// Whether the password is too old even to be changed by its user.
    #[must_use]
    pub fn is_expired_hard(&self, policy: &PasswordPolicy, now: Timestamp) -> bool {
        policy.hard_expiry && self.is_expired(policy, now)
    }

    /// The passwords that may not come again, the present one first.
    pub fn not_again(&self, policy: &PasswordPolicy) -> impl Iterator<Item = &PasswordHash> {
        let most = usize::try_from(policy.reuse_prevention).unwrap_or(0);
        std::iter::once(&self.password).chain(&self.past).take(most)
    }

    /// Sets another password, and remembers the old one.
    pub fn change_password(&mut self, password: PasswordHash, now: Timestamp) {
        let old = std::mem::replace(&mut self.password, password);
        self.past.insert(0, old);
        // The present one is the first of those that may not come again.
        self.past.truncate(usize::try_from(PasswordPolicy::MAX_REMEMBERED - 1).unwrap_or(0));
        self.changed = now;
        self.succeeded();
    }
}

/// Since the first failed one of those that count.
fn is_recent(first: Timestamp, now: Timestamp) -> bool {
    now < first.plus_seconds(FAILURES_SECONDS)
}

/// Networks that logins may come from: addresses or CIDR blocks with `;` between them, at most 40,
/// and 512 characters; empty: anywhere. Source: identity.md §2.2.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LoginNetworks(String);

impl LoginNetworks {
    const MAX: usize = 40;
    const MAX_LEN: usize = 512;

    /// As it was written.
    #[must_use]
    pub fn into_text(self) -> String {
        self.0
    }
}

impl FromStr for LoginNetworks {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        let fits = raw.len() <= Self::MAX_LEN && raw.split(';').count() <= Self::MAX;
        if fits && (raw.is_empty() || raw.split(';').all(is_network)) {
            Ok(Self(raw.to_owned()))
        } else {
            Err(Invalid)
        }
    }
}

/// Another name of an account, in the addresses of its users: 3 to 32 lower-case letters, digits and
/// `-`, which does not begin or end it and is not doubled. Source: identity.md §2.2. Not digits alone,
/// so that it is no other account's id: our choice.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AccountAlias(String);

impl AccountAlias {
    /// The text.
    #[must_use]
    pub fn into_text(self) -> String {
        self.0
    }
}

impl FromStr for AccountAlias {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        let allowed = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '-';
        let dashes = raw.starts_with('-') || raw.ends_with('-') || raw.contains("--");
        let id = raw.bytes().all(|it| it.is_ascii_digit());
        if (3..=32).contains(&raw.len()) && raw.chars().all(allowed) && !dashes && !id {
            Ok(Self(raw.to_owned()))
        } else {
            Err(Invalid)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AccountAlias, LoginNetworks};
    use crate::{
        identity::{LoginProfile, PasswordPolicy},
        time::Timestamp,
    };

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_767_323_045);
    const DAY: i64 = 86_400;

    fn profile() -> LoginProfile {
        let (account, user) = ("1".parse().unwrap(), "alice".parse().unwrap());
        LoginProfile::new(account, user, "hash".parse().unwrap(), NOW)
    }

    #[test]
    fn a_password_has_all_that_is_asked_for() {
        let strict = PasswordPolicy::default();
        let accepts = |policy: &PasswordPolicy, it: &str| policy.accepts(&it.parse().unwrap());
        for weak in ["Sh0rt!x", "no-upper-1", "NO-LOWER-1", "No-Digits-", "NoSymbols1"] {
            assert!(!accepts(&strict, weak), "{weak}");
        }
        assert!(accepts(&strict, "Go0d-pwd"));
        assert!(accepts(&strict, "Пароль-1aA"));
        let long = PasswordPolicy { minimum_length: 9, ..strict };
        assert!(!accepts(&long, "Go0d-pwd"));
        let lax = PasswordPolicy {
            lowercase: false,
            uppercase: false,
            numbers: false,
            symbols: false,
            ..PasswordPolicy::default()
        };
        assert!(accepts(&lax, "        "));
        for typed_by_nobody in ["Go0d-pwd\n", "Go0d\0-pwd"] {
            assert!(!accepts(&lax, typed_by_nobody) && !accepts(&strict, typed_by_nobody));
        }
    }

    #[test]
    fn who_failed_too_often_waits_for_an_hour_from_the_first() {
        let policy = PasswordPolicy { max_attempts: 2, ..PasswordPolicy::default() };
        let mut profile = profile();
        profile.tried(NOW);
        assert!(profile.locked_until(&policy, NOW).is_none());
        profile.tried(NOW.plus_seconds(1_800));
        let until = profile.locked_until(&policy, NOW.plus_seconds(1_800));
        assert_eq!(until, Some(NOW.plus_seconds(3_600)));
        assert!(profile.locked_until(&policy, NOW.plus_seconds(3_599)).is_some());
        assert!(profile.locked_until(&policy, NOW.plus_seconds(3_600)).is_none());
        let any = PasswordPolicy { max_attempts: 0, ..policy.clone() };
        assert!(profile.locked_until(&any, NOW).is_none());
        profile.tried(NOW.plus_seconds(3_600));
        assert_eq!(profile.failures, 1, "a new hour");
        profile.tried(NOW.plus_seconds(3_600));
        profile.succeeded();
        assert!(profile.locked_until(&policy, NOW.plus_seconds(3_600)).is_none());
    }

    #[test]
    fn a_password_expires_after_its_days_if_there_are_any() {
        let policy = PasswordPolicy { max_age: 30, ..PasswordPolicy::default() };
        let profile = profile();
        assert!(!profile.is_expired(&PasswordPolicy::default(), NOW.plus_seconds(10_000 * DAY)));
        assert!(!profile.is_expired(&policy, NOW.plus_seconds(30 * DAY - 1)));
        assert!(profile.is_expired(&policy, NOW.plus_seconds(30 * DAY)));
        assert!(!profile.is_expired_hard(&policy, NOW.plus_seconds(30 * DAY)));
        let hard = PasswordPolicy { hard_expiry: true, ..policy };
        assert!(profile.is_expired_hard(&hard, NOW.plus_seconds(30 * DAY)));
    }

    #[test]
    fn as_many_of_the_last_passwords_are_remembered_as_can_be_asked_for() {
        let mut profile = profile();
        for nth in 0..30 {
            profile.change_password(format!("hash {nth}").parse().unwrap(), NOW);
        }
        let not_again = |count| {
            let policy = PasswordPolicy { reuse_prevention: count, ..PasswordPolicy::default() };
            let hashes = profile.not_again(&policy).map(|it| it.expose_text().to_owned());
            hashes.collect::<Vec<_>>()
        };
        assert!(not_again(0).is_empty());
        assert_eq!(not_again(2), ["hash 29", "hash 28"]);
        assert_eq!(not_again(24).len(), 24);
    }

    #[test]
    fn networks_and_aliases_are_read_strictly() {
        for bad in ["x", "10.0.0.0/33", "10.0.0.1;", ";", "10.0.0.1 ;10.0.0.2"] {
            assert!(bad.parse::<LoginNetworks>().is_err(), "{bad}");
        }
        assert!(vec!["1.1.1.1"; 41].join(";").parse::<LoginNetworks>().is_err());
        for good in ["", "10.0.0.0/8;192.0.2.7", "2001:db8::/32"] {
            assert_eq!(good.parse::<LoginNetworks>().unwrap().into_text(), good);
        }
        for bad in [
            "",
            "ab",
            "-abc",
            "abc-",
            "a--b",
            "Abc",
            "a_b",
            "1435994340157830",
            "123",
            &"x".repeat(33),
        ] {
            assert!(bad.parse::<AccountAlias>().is_err(), "{bad}");
        }
        assert_eq!("acme-1".parse::<AccountAlias>().unwrap().into_text(), "acme-1");
    }
}

//! How much one account, one caller or one stranger may ask for: known callers by class of operation,
//! before their call is read; strangers by the network that their failed proofs come from.
//!
//! Each node counts what it is asked itself. Source: identity.md §1.6 to §1.8, keys.md §15.3.

mod buckets;
mod overrides;
mod refused;

use std::{
    error::Error,
    fmt,
    hash::{BuildHasher as _, RandomState},
    net::IpAddr,
    num::NonZeroU32,
    sync::Arc,
};

use yaoku_model::time::Clock;
use yaoku_wire::error::Code;

pub use self::overrides::{Named, Override};
use self::{
    buckets::{Buckets, Rate},
    overrides::Overrides,
    refused::Refused,
};
use crate::{
    audit::Event,
    caller::{Caller, Principal},
    error::ApiError,
    metrics::Counter,
};

/// What operations are counted together. Source: keys.md §15.3, instance.md §1.4.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Class {
    /// Making a key.
    Create,
    /// Changing keys, aliases, tags and policies.
    KeyWrite,
    /// Reading what is known of keys, aliases and tags.
    Read,
    /// Using keys of symmetric ciphers.
    Symmetric,
    /// Using pairs of keys, and keys of message codes.
    Asymmetric,
    /// Reading secrets and what is known of them.
    SecretRead,
    /// Making, changing and deleting secrets.
    SecretWrite,
    /// Having the credentials of secrets changed: counted by the hour. Source: secrets.md §4.11.
    SecretRotation,
    /// Instances, and whether the service is open.
    Instance,
    /// RAM.
    Ram,
    /// STS.
    Sts,
    /// Our own administration.
    Administration,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Create,
        Self::KeyWrite,
        Self::Read,
        Self::Symmetric,
        Self::Asymmetric,
        Self::SecretRead,
        Self::SecretWrite,
        Self::SecretRotation,
        Self::Instance,
        Self::Ram,
        Self::Sts,
        Self::Administration,
    ];

    /// What settings and metrics call it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::KeyWrite => "key_write",
            Self::Read => "read",
            Self::Symmetric => "symmetric",
            Self::Asymmetric => "asymmetric",
            Self::SecretRead => "secret_read",
            Self::SecretWrite => "secret_write",
            Self::SecretRotation => "secret_rotation",
            Self::Instance => "instance",
            Self::Ram => "ram",
            Self::Sts => "sts",
            Self::Administration => "administration",
        }
    }

    /// Whether its calls are counted by the hour, and not by the second.
    #[must_use]
    pub const fn is_hourly(self) -> bool {
        matches!(self, Self::SecretRotation)
    }
}

/// Calls a second (or an hour: [`Class::is_hourly`]), by class; `None` where there is no limit.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct PerClass([Option<NonZeroU32>; Class::ALL.len()]);

impl PerClass {
    /// Those of a class.
    #[must_use]
    pub fn of(&self, class: Class) -> Option<NonZeroU32> {
        self.0.get(class as usize).copied().flatten()
    }

    /// The same, to be changed.
    #[must_use]
    pub fn with(mut self, class: Class, calls: Option<NonZeroU32>) -> Self {
        if let Some(it) = self.0.get_mut(class as usize) {
            *it = calls;
        }
        self
    }
}

/// The limits of a node. [`Limits::default`] has none.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Calls a second of one account, its users and roles included.
    pub account: PerClass,
    /// Calls a second of one of its identities: the account itself, a user, all sessions of a role, or
    /// all whom an identity provider vouches for.
    pub principal: PerClass,
    /// Those of single identities, instead of `principal`. Of two for one identity, the later counts.
    pub overrides: Vec<Override>,
    /// How many seconds' worth of calls may come at once. Of what is counted by the hour, all may.
    pub burst_seconds: u16,
    /// Failed proofs of who calls, a minute, from one /32 of IPv4 or /64 of IPv6.
    pub failures_a_minute: Option<NonZeroU32>,
}

impl Limits {
    /// None, as the specification would have a private deployment begin (keys.md §15.3).
    pub const NONE: Self = Self {
        account: PerClass([None; Class::ALL.len()]),
        principal: PerClass([None; Class::ALL.len()]),
        overrides: Vec::new(),
        burst_seconds: 1,
        failures_a_minute: None,
    };

    /// What `yaoku server` begins with, our choice: calls that use or read what is there are bounded
    /// by the machine alone; those that leave something in the store for ever, or search a guess at a
    /// password, are bounded far above what any honest program needs; and so are failed proofs. Of
    /// what an account may do, one caller may do a quarter: calls are counted before anybody knows
    /// whether they are allowed. Of rotations that somebody asks for, an account has as many as with
    /// the vendor (secrets.md §4.11): every call counts, also one that asks for a version there is.
    #[must_use]
    pub fn generous() -> Self {
        let (many, some) = (NonZeroU32::new(1000), NonZeroU32::new(250));
        let (mut account, mut principal) = (PerClass::default(), PerClass::default());
        for class in [Class::Create, Class::Ram, Class::Sts, Class::Administration] {
            account = account.with(class, many);
            principal = principal.with(class, some);
        }
        account = account.with(Class::SecretRotation, NonZeroU32::new(50));
        Self { account, principal, failures_a_minute: many, ..Self::NONE }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::NONE
    }
}

/// Whose limit it was.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Whose {
    /// The account's.
    Account,
    /// That of one of its identities.
    Principal,
    /// That of the network that failed proofs came from.
    Source,
}

/// Too many calls.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Exceeded {
    /// Whose limit it was.
    pub whose: Whose,
    /// When one more call will be let in, in milliseconds: 1 at least.
    pub retry_after_ms: u64,
}

impl fmt::Display for Exceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "too many calls: one more in {} ms", self.retry_after_ms)
    }
}

impl Error for Exceeded {}

/// In how many milliseconds whoever reads this refusal may try again; `None` if it is of another
/// kind. Sent as `x-acs-retry-after`. Source: identity.md §1.7.
pub(crate) fn retry_after_ms(error: &ApiError) -> Option<u64> {
    /// Of nonces that there is no room for: some leave each second.
    const SOON: u64 = 1000;
    match error.code() {
        Code::RejectedThrottling | Code::ThrottlingUser | Code::Throttling => {
            let exceeded = error.cause().and_then(|it| it.downcast_ref::<Exceeded>());
            Some(exceeded.map_or(SOON, |it| it.retry_after_ms))
        }
        _ => None,
    }
}

/// The limits, and how near everybody is to them. Its size does not depend on who calls: a mebibyte
/// of buckets, and at most two of counts that wait for their second to end.
pub struct Throttle {
    limits: Limits,
    clock: Arc<dyn Clock>,
    hasher: RandomState,
    overrides: Overrides,
    known: Buckets,
    strangers: Buckets,
    refused: Refused,
    /// By class and by whose limit it was.
    counts: [[Counter; 2]; Class::ALL.len()],
}

impl Throttle {
    /// Everybody is far from them. `clock` never jumps.
    #[must_use]
    pub fn new(limits: Limits, clock: Arc<dyn Clock>) -> Self {
        let hasher = RandomState::new();
        Self {
            overrides: Overrides::new(&limits.overrides, &hasher),
            limits,
            clock,
            hasher,
            known: Buckets::default(),
            strangers: Buckets::default(),
            refused: Refused::default(),
            counts: Default::default(),
        }
    }

    /// The limits.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Lets a known caller in, or says when to come again. A call that is refused counts for neither
    /// limit, so that one caller who is over its own takes nothing from the account's others. Whoever
    /// may open the admin socket is not bounded.
    pub fn admit(&self, caller: &Caller, class: Class) -> Result<(), Exceeded> {
        let own = self.overrides.of(caller, &self.hasher).unwrap_or(&self.limits.principal);
        let (account, own) = (self.limits.account.of(class), own.of(class));
        if (account, own) == (None, None) || caller.principal == Principal::Operator {
            return Ok(());
        }
        let now = self.clock.now().unix_ms();
        let exceeded = |whose| move |retry_after_ms| Exceeded { whose, retry_after_ms };
        let principal = own.map(|it| (self.hash(caller, class), self.rate(class, it)));
        if let Some((whose, rate)) = principal {
            let added = self.known.add(whose, rate, now);
            added.map_err(exceeded(Whose::Principal)).inspect_err(|it| self.count(class, *it))?;
        }
        let Some(calls) = account else { return Ok(()) };
        let whose = self.hasher.hash_one((caller.account.as_str(), class));
        let added = self.known.add(whose, self.rate(class, calls), now);
        added.map_err(exceeded(Whose::Account)).inspect_err(|it| {
            if let Some((whose, rate)) = principal {
                self.known.take_back(whose, rate);
            }
            self.count(class, *it);
        })
    }

    /// Notes a call that was refused to a known caller. Answers whether its event must be written by
    /// itself; if not, it is counted under the one that `event` gives: see [`Throttle::take_counts`].
    pub(crate) fn note(
        &self,
        caller: &Caller,
        class: Class,
        event: impl FnOnce() -> Option<Event>,
    ) -> bool {
        self.refused.note(self.hash(caller, class), event)
    }

    /// Takes what was counted, as events. Call it each second.
    pub(crate) fn take_counts(&self) -> Vec<Event> {
        self.refused.take()
    }

    /// What a stranger is answered whose proof failed with `error`. A network that has had too many
    /// of those hears nothing but when to come again: not whether the key exists, nor what was to be
    /// signed. A proof that is right is never asked about here.
    pub(crate) fn failed(&self, from: IpAddr, error: ApiError) -> ApiError {
        let Some(failures) = self.limits.failures_a_minute else { return error };
        if !is_failed_proof(error.code()) {
            return error;
        }
        let rate = Rate::new(failures.get(), 60_000, 60_000);
        let whose = self.hasher.hash_one(network(from));
        match self.strangers.add(whose, rate, self.clock.now().unix_ms()) {
            Ok(()) => error,
            Err(retry_after_ms) => {
                let whose = Whose::Source;
                ApiError::caused(Code::Throttling, Exceeded { whose, retry_after_ms })
            }
        }
    }

    /// How many calls were refused: by class, to accounts and to single callers.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (Class, [u64; 2])> {
        Class::ALL.into_iter().zip(self.counts.iter().map(|it| it.each_ref().map(Counter::value)))
    }

    fn count(&self, class: Class, exceeded: Exceeded) {
        let counts = self.counts.get(class as usize);
        if let Some(it) =
            counts.and_then(|it| it.get(usize::from(exceeded.whose != Whose::Account)))
        {
            it.add_one();
        }
    }

    /// Without the name of a session: who begins many has no more for it.
    fn hash(&self, caller: &Caller, class: Class) -> u64 {
        self.hasher.hash_one((caller.account.as_str(), caller.principal.counted(), class))
    }

    fn rate(&self, class: Class, calls: NonZeroU32) -> Rate {
        const HOUR: i64 = 3_600_000;
        if class.is_hourly() {
            return Rate::new(calls.get(), HOUR, HOUR);
        }
        Rate::new(calls.get(), 1000, i64::from(self.limits.burst_seconds) * 1000)
    }
}

/// Whether somebody claimed a key, or showed a token, and did not prove that it is his. A clock that is wrong, a nonce
/// that was used or a session that is over is not that.
fn is_failed_proof(code: Code) -> bool {
    matches!(
        code,
        Code::AccessKeyIdNotFound
            | Code::AccessKeyIdInactive
            | Code::SignatureDoesNotMatch
            | Code::SecurityTokenMalformed
            | Code::SecurityTokenMismatch
            | Code::OidcTokenInvalid
            | Code::NoOidcProvider
    )
}

/// What is taken for one source. Fewer bits of IPv6 would throttle neighbours, more would let one
/// machine have as many addresses as it likes.
fn network(from: IpAddr) -> u128 {
    match from.to_canonical() {
        IpAddr::V4(it) => it.to_bits().into(),
        IpAddr::V6(it) => it.to_bits() >> 64 | 1 << 127,
    }
}

#[cfg(test)]
mod tests;

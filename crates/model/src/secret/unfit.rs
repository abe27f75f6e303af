//! What is wrong with a text that a managed secret is made of.

use crate::ids::Invalid;

/// Which part of such a text is not what it should be. It holds nothing of what was sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{member:?} should be {expected}")]
pub struct Unfit {
    /// The members that lead there, with dots between them: `Accounts.AccountName`. Empty: the whole.
    pub member: &'static str,
    /// What it should be: follows "Expected: ".
    pub expected: &'static str,
}

impl Unfit {
    /// Says what a member should be.
    #[must_use]
    pub const fn new(member: &'static str, expected: &'static str) -> Self {
        Self { member, expected }
    }

    /// Fails unless the member fits.
    pub(super) fn unless(
        fits: bool,
        member: &'static str,
        expected: &'static str,
    ) -> Result<(), Self> {
        if fits { Ok(()) } else { Err(Self { member, expected }) }
    }
}

impl From<Unfit> for Invalid {
    fn from(_: Unfit) -> Self {
        Self
    }
}

//! Why a target did not do it.

/// Why a target did not do it. The texts are the target's or the system's own, and are for operators:
/// whoever makes one sees to it that no password is in it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Fault {
    /// Nobody answers there, or no longer.
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    /// It took longer than [`PATIENCE`](crate::PATIENCE): what was asked may have happened, or may yet.
    #[error("took too long")]
    TimedOut,
    /// It is not who it should be: its certificate or host key is another.
    #[error("is not the server that it should be: {0}")]
    NotTrusted(String),
    /// It does not take the credential.
    #[error("refused the credential of {0}")]
    WrongCredential(String),
    /// The administrator may not do that.
    #[error("does not permit it: {0}")]
    NotPermitted(String),
    /// There is no such account.
    #[error("has no account {0}")]
    NoAccount(String),
    /// It takes no changes now: a replica, or a full disk.
    #[error("takes no changes: {0}")]
    ReadOnly(String),
    /// Anything else that it says.
    #[error("failed: {0}")]
    Failed(String),
    /// Its engine knows no such thing.
    #[error("cannot do that")]
    Unsupported,
}

impl Fault {
    /// Whether the same may succeed a little later, with nothing changed by anybody.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::TimedOut | Self::ReadOnly(_) | Self::Failed(_))
    }

    /// A word for it, for events and metrics.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "Unreachable",
            Self::TimedOut => "TimedOut",
            Self::NotTrusted(_) => "NotTrusted",
            Self::WrongCredential(_) => "WrongCredential",
            Self::NotPermitted(_) => "NotPermitted",
            Self::NoAccount(_) => "NoAccount",
            Self::ReadOnly(_) => "ReadOnly",
            Self::Failed(_) => "Failed",
            Self::Unsupported => "Unsupported",
        }
    }
}

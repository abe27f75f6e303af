//! The ways in which a root key is kept.

use std::{fmt, str::FromStr};

use crate::ids::Invalid;

/// Where the key comes from that one wrap of the root key is sealed under.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WrapKind {
    /// A file that its owner alone can read.
    KeyFile,
    /// A passphrase.
    Passphrase,
    /// Shares of it, some of which are enough.
    Shares,
}

impl WrapKind {
    /// All of them.
    pub const ALL: &[Self] = &[Self::KeyFile, Self::Passphrase, Self::Shares];

    /// Its word, in the store and in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::KeyFile => "key-file",
            Self::Passphrase => "passphrase",
            Self::Shares => "shares",
        }
    }
}

impl FromStr for WrapKind {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        Self::ALL.iter().copied().find(|it| it.as_str() == raw).ok_or(Invalid)
    }
}

impl fmt::Display for WrapKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

//! Limits of identities that are named: a pipeline that may do more than others, a program that is
//! held back. Our choice: the specification has none.

use std::{collections::HashMap, fmt, hash::BuildHasher, str::FromStr};

use yaoku_model::ids::{AccountId, Invalid, ProviderName, RoleName, UserName};

use super::PerClass;
use crate::caller::Caller;

/// Calls a second of one identity, instead of [`Limits::principal`](super::Limits::principal).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Override {
    /// Whose.
    pub of: Named,
    /// All its limits, by class.
    pub calls: PerClass,
}

/// An identity by its name: `acs:ram::<account>:root`, `:user/<name>`, `:role/<name>` (all its
/// sessions) or `:oidc-provider/<name>` (all whom it vouches for). It need not exist.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Named {
    account: AccountId,
    path: String,
}

impl Named {
    /// As [`Principal::counted`](crate::caller::Principal::counted) has it.
    fn counted(&self) -> [&str; 2] {
        let kind = self.path.find('/').map_or(self.path.len(), |it| it + 1);
        self.path.split_at(kind).into()
    }
}

impl FromStr for Named {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        let rest = raw.strip_prefix("acs:ram::").ok_or(Invalid)?;
        let (account, path) = rest.split_once(':').ok_or(Invalid)?;
        match path.split_once('/') {
            None if path == "root" => {}
            Some(("user", name)) => _ = name.parse::<UserName>()?,
            Some(("role", name)) => _ = name.parse::<RoleName>()?,
            Some(("oidc-provider", name)) => _ = name.parse::<ProviderName>()?,
            _ => return Err(Invalid),
        }
        Ok(Self { account: account.parse()?, path: path.to_owned() })
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "acs:ram::{}:{}", self.account, self.path)
    }
}

/// All of them, to be found by who calls.
#[derive(Debug, Default)]
pub(super) struct Overrides(HashMap<u64, PerClass>);

impl Overrides {
    /// `hasher` must be the one that they are looked for with.
    pub(super) fn new(all: &[Override], hasher: &impl BuildHasher) -> Self {
        let hash = |it: &Named| hasher.hash_one((it.account.as_str(), it.counted()));
        Self(all.iter().map(|it| (hash(&it.of), it.calls)).collect())
    }

    /// The limits of a caller, if it has any of its own.
    pub(super) fn of(&self, caller: &Caller, hasher: &impl BuildHasher) -> Option<&PerClass> {
        // Mostly there are none, and nothing is to be hashed.
        let some = (!self.0.is_empty()).then_some(&self.0)?;
        some.get(&hasher.hash_one((caller.account.as_str(), caller.principal.counted())))
    }
}

#[cfg(test)]
mod tests {
    use super::Named;

    #[test]
    fn what_names_no_identity_is_refused() {
        for text in [
            "",
            "user/ci",
            "acs:ram::1000000000000001:",
            "acs:ram::1000000000000001:user/",
            "acs:ram::1000000000000001:user/*",
            "acs:ram::1000000000000001:group/ci",
            "acs:ram::1000000000000001:role/ci/session",
            "acs:ram::1000000000000001:*",
            "acs:ram::x:user/ci",
            "acs:ram:*:1000000000000001:user/ci",
        ] {
            assert!(text.parse::<Named>().is_err(), "{text}");
        }
        for path in ["root", "user/ci", "role/deploy", "oidc-provider/cluster"] {
            let text = format!("acs:ram::1000000000000001:{path}");
            assert_eq!(text.parse::<Named>().unwrap().to_string(), text);
        }
    }
}

//! Principals: whom a statement of a trust policy, key policy or secret policy names.
//!
//! Source: identity.md §2.6 (trust policies) and §4.5 (key and secret policies).

use crate::ids::{AccountId, UserName};

/// Who asks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Caller<'a> {
    /// The account it belongs to: digits. Not looked at for a service.
    pub account: &'a str,
    /// Which identity of that account.
    pub who: Who<'a>,
}

/// An identity, within its account.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Who<'a> {
    /// The account itself.
    Root,
    /// A RAM user, by name.
    User(&'a str),
    /// A session of a role, by the role's name: it is named by naming the role. Inferred in §4.5.
    Role(&'a str),
    /// A service, by its domain name: `ecs.aliyuncs.com`.
    Service(&'a str),
    /// Someone vouched for by this identity provider: `saml-provider/<n>`, `oidc-provider/<n>`.
    Federated(&'a str),
}

/// One principal of a statement.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Principal {
    /// `acs:ram::<account>:root` or `acs:ram::<account>:*`.
    Account(AccountId),
    /// `acs:ram::<account>:user/<name>`.
    User(AccountId, Box<str>),
    /// `acs:ram::<account>:role/<name>`.
    Role(AccountId, Box<str>),
    /// A service's domain name. Trust policies only.
    Service(Box<str>),
    /// An identity provider of an account. Trust policies only.
    Federated(AccountId, Box<str>),
}

/// How to read an account as a principal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AccountMeans<'a> {
    /// Each identity of the account. So a trust policy means it (§2.6), and so every Deny is read
    /// (our choice: it refuses more).
    Everyone,
    /// An owner leaves it to its identity policies: its root is meant, its users and roles are
    /// not. Another account is meant with all its identities. Inferred in §4.5; otherwise every
    /// RAM user could do everything to a key with the default policy.
    Delegation {
        /// The account that owns the object.
        owner: &'a str,
    },
}

impl Principal {
    /// Whether `caller` is meant.
    #[must_use]
    pub fn means(&self, caller: &Caller<'_>, account: AccountMeans<'_>) -> bool {
        match (self, caller.who) {
            (Self::Service(named), Who::Service(it)) => **named == *it,
            (Self::User(of, named), Who::User(it))
            | (Self::Role(of, named), Who::Role(it))
            | (Self::Federated(of, named), Who::Federated(it)) => {
                of.as_str() == caller.account && **named == *it
            }
            (Self::Account(of), Who::Root | Who::User(_) | Who::Role(_)) => {
                let by_delegation = matches!(account, AccountMeans::Delegation { owner }
                    if owner == caller.account && caller.who != Who::Root);
                of.as_str() == caller.account && !by_delegation
            }
            _ => false,
        }
    }

    /// The memory that it takes, in bytes.
    pub(super) fn size_in_bytes(&self) -> usize {
        let name = match self {
            Self::Account(_) => 0,
            Self::User(_, it) | Self::Role(_, it) | Self::Federated(_, it) | Self::Service(it) => {
                it.len()
            }
        };
        size_of::<Self>() + self.account().map_or(0, |it| it.as_str().len()) + name
    }

    /// The account that it is, or that it belongs to; a service has none.
    #[must_use]
    pub const fn account(&self) -> Option<&AccountId> {
        match self {
            Self::Account(of) | Self::User(of, _) | Self::Role(of, _) | Self::Federated(of, _) => {
                Some(of)
            }
            Self::Service(_) => None,
        }
    }

    /// A value of the `RAM` member.
    pub(super) fn ram(text: &str) -> Option<Self> {
        let (account, name) = of_account(text)?;
        match name.split_once('/') {
            None if name == "root" || name == "*" => Some(Self::Account(account)),
            Some(("user", name)) => Some(Self::User(account, entity(name)?)),
            Some(("role", name)) => Some(Self::Role(account, entity(name)?)),
            _ => None,
        }
    }

    /// A value of the `Service` member.
    pub(super) fn service(text: &str) -> Option<Self> {
        let allowed = |it: u8| it.is_ascii_alphanumeric() || b"@.-".contains(&it);
        let fits = text.contains('.') && text.bytes().all(allowed);
        fits.then(|| Self::Service(text.into()))
    }

    /// A value of the `Federated` member.
    pub(super) fn federated(text: &str) -> Option<Self> {
        let (account, provider) = of_account(text)?;
        let (kind, name) = provider.split_once('/')?;
        let fits = matches!(kind, "saml-provider" | "oidc-provider") && is_name(name, 128);
        fits.then(|| Self::Federated(account, provider.into()))
    }
}

/// `acs:ram::<account>:<rest>`, taken apart.
fn of_account(text: &str) -> Option<(AccountId, &str)> {
    let (account, rest) = text.strip_prefix("acs:ram::")?.split_once(':')?;
    Some((account.parse().ok()?, rest))
}

/// A user's or role's name. Wildcards are not documented here, so they are refused.
fn entity(name: &str) -> Option<Box<str>> {
    is_name(name, UserName::MAX_LEN).then(|| name.into())
}

fn is_name(name: &str, max: usize) -> bool {
    let allowed = |it: u8| it.is_ascii_alphanumeric() || b"._-".contains(&it);
    (1..=max).contains(&name.len()) && name.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::{AccountMeans, Caller, Principal, Who};

    const OWNER: AccountMeans<'_> = AccountMeans::Delegation { owner: "1" };

    #[test]
    fn an_account_is_a_delegation_or_everyone_in_it() {
        for (principal, account, who, delegation, everyone) in [
            ("acs:ram::1:*", "1", Who::Root, true, true),
            ("acs:ram::1:*", "1", Who::User("a"), false, true),
            ("acs:ram::1:root", "1", Who::Role("a"), false, true),
            ("acs:ram::2:*", "1", Who::Root, false, false),
            ("acs:ram::2:root", "2", Who::User("a"), true, true),
            ("acs:ram::2:*", "2", Who::Role("a"), true, true),
            ("acs:ram::1:*", "1", Who::Service("1"), false, false),
            ("acs:ram::1:*", "1", Who::Federated("saml-provider/a"), false, false),
        ] {
            let caller = Caller { account, who };
            let it = Principal::ram(principal).unwrap();
            assert_eq!(it.means(&caller, OWNER), delegation, "{principal} {caller:?}");
            assert_eq!(it.means(&caller, AccountMeans::Everyone), everyone, "{principal}");
        }
    }

    #[test]
    fn a_name_means_one_identity_of_one_account() {
        let user = Principal::ram("acs:ram::1:user/a").unwrap();
        let role = Principal::ram("acs:ram::1:role/a").unwrap();
        for (account, who, is_user, is_role) in [
            ("1", Who::User("a"), true, false),
            ("1", Who::Role("a"), false, true),
            ("1", Who::User("A"), false, false),
            ("2", Who::User("a"), false, false),
            ("1", Who::Root, false, false),
        ] {
            let caller = Caller { account, who };
            assert_eq!(user.means(&caller, OWNER), is_user, "{caller:?}");
            assert_eq!(role.means(&caller, OWNER), is_role, "{caller:?}");
        }
    }

    #[test]
    fn other_forms_are_refused() {
        for text in [
            "*",
            "",
            "1",
            "acs:ram::1:",
            "acs:ram::*:root",
            "acs:ram::1:Root",
            "acs:ram::1:user/",
            "acs:ram::1:user/*",
            "acs:ram::1:user/a/b",
            "acs:ram::1:group/a",
            "acs:ram:cn-hangzhou:1:root",
            "acs:ram::1a:root",
        ] {
            assert_eq!(Principal::ram(text), None, "{text}");
        }
        for text in ["", "ecs", "*", "*.aliyuncs.com", "ecs.aliyuncs.com "] {
            assert_eq!(Principal::service(text), None, "{text}");
        }
        for text in ["acs:ram::1:saml-provider/", "acs:ram::1:user/a", "acs:ram::1:saml-provider"] {
            assert_eq!(Principal::federated(text), None, "{text}");
        }
    }
}

//! Resource names, and what a client may put where a key or a secret is named.

use std::{fmt, str::FromStr, sync::Arc};

use crate::ids::{
    AccountId, AliasName, CertificateId, InstanceId, Invalid, KeyId, Region, SecretName,
};

/// A resource name: `acs:kms:<region>:<account>:<path>`. Source: identity.md §4.1.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Arn(Arc<str>);

impl Arn {
    /// A key.
    #[must_use]
    pub fn key(region: &Region, account: &AccountId, key: &KeyId) -> Self {
        Self::of(region, account, &["key/", key.as_str()])
    }

    /// An alias: its name already begins with `alias/`.
    #[must_use]
    pub fn alias(region: &Region, account: &AccountId, alias: &AliasName) -> Self {
        Self::of(region, account, &[alias.as_str()])
    }

    /// A secret.
    #[must_use]
    pub fn secret(region: &Region, account: &AccountId, name: &SecretName) -> Self {
        Self::of(region, account, &["secret/", name.as_str()])
    }

    /// An instance. The word is `keystore`. Source: instance.md §1.2.
    #[must_use]
    pub fn instance(region: &Region, account: &AccountId, instance: &InstanceId) -> Self {
        Self::of(region, account, &["keystore/", instance.as_str()])
    }

    /// A certificate.
    #[must_use]
    pub fn certificate(region: &Region, account: &AccountId, id: &CertificateId) -> Self {
        Self::of(region, account, &["certificate/", id.as_str()])
    }

    /// Something of RAM's, which has no region: `user/alice`, `root`. Source: identity.md §4.5.
    #[must_use]
    pub fn ram(account: &AccountId, path: &str) -> Self {
        Self(["acs:ram::", account.as_str(), ":", path].concat().into())
    }

    /// Something of RAM's as a resource of its operations: `user/alice`, `role/*`. The owner is an
    /// account's number, or `system`. Source: identity.md §2.5.
    #[must_use]
    pub fn ram_resource(owner: &str, path: &str) -> Self {
        Self(["acs:ram:*:", owner, ":", path].concat().into())
    }

    /// All resources of one kind (`key`, `secret`, `alias`, `keystore`) of an account.
    #[must_use]
    pub fn container(region: &Region, account: &AccountId, kind: &str) -> Self {
        Self::of(region, account, &[kind])
    }

    /// Every way in which a policy may write it, itself first: see [`Arn::spellings_of`].
    #[must_use]
    pub fn spellings(&self) -> Vec<Self> {
        Self::spellings_of(&self.0).into_iter().map(|it| Self(it.into())).collect()
    }

    /// The same of any text: things of RAM's have no region, which is a star or nothing.
    /// Source: identity.md §2.5, §2.6.
    #[must_use]
    pub fn spellings_of(arn: &str) -> Vec<String> {
        let twin = Self::in_ram_of(arn).map(|(owner, path)| {
            let region = if arn.starts_with("acs:ram::") { "*" } else { "" };
            ["acs:ram:", region, ":", owner, ":", path].concat()
        });
        [arn.to_owned()].into_iter().chain(twin).collect()
    }

    /// Whose a thing of RAM's is, and its path there: `user/alice`. `None` of anything else.
    #[must_use]
    pub fn in_ram_of(arn: &str) -> Option<(&str, &str)> {
        let rest = arn.strip_prefix("acs:ram:")?;
        rest.strip_prefix("*:").or(rest.strip_prefix(':'))?.split_once(':')
    }

    /// The container of what it names. Source: identity.md §4.1.
    #[must_use]
    pub fn its_container(&self) -> Self {
        Self(Self::container_of(&self.0).into())
    }

    /// The same of an ARN that is only a text.
    #[must_use]
    pub fn container_of(arn: &str) -> &str {
        arn.split_once('/').map_or(arn, |(container, _)| container)
    }

    /// What an operation without a resource is judged on.
    #[must_use]
    pub fn any() -> Self {
        Self("*".into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn of(region: &Region, account: &AccountId, path: &[&str]) -> Self {
        let mut text = String::with_capacity(128);
        for part in ["acs:kms:", region.as_str(), ":", account.as_str(), ":"].iter().chain(path) {
            text.push_str(part);
        }
        Self(text.into())
    }
}

impl AsRef<str> for Arn {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a client may put in a `KeyId` parameter. Source: keys.md §2.1.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum KeyRef {
    /// A key of the caller's account.
    Id(KeyId),
    /// A key of any account: the only way to name another account's.
    Arn(Place, KeyId),
    /// A name bound to a key of the caller's account.
    Alias(AliasName),
    /// The same, by its ARN: accepted wherever an alias is (our choice, as keys.md §2.1 proposes).
    AliasArn(Place, AliasName),
}

/// What a client may put in a `SecretName` parameter. Source: secrets.md §1.3.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SecretRef {
    /// A secret of the caller's account.
    Name(SecretName),
    /// A secret of any account.
    Arn(Place, SecretName),
}

/// The region and account that an ARN names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place {
    /// The region.
    pub region: Region,
    /// The account.
    pub account: AccountId,
}

impl KeyRef {
    /// Whether it is meant as an alias, which some operations refuse, even if it cannot be one
    /// (`alias/a b`). Source: keys.md §2.1.
    #[must_use]
    pub fn is_alias(&self) -> bool {
        match self {
            Self::Alias(_) | Self::AliasArn(..) => true,
            Self::Id(id) => id.as_str().starts_with(AliasName::PREFIX),
            Self::Arn(..) => false,
        }
    }
}

impl SecretRef {
    /// The secret's name.
    #[must_use]
    pub const fn name(&self) -> &SecretName {
        match self {
            Self::Name(name) | Self::Arn(_, name) => name,
        }
    }
}

/// As the client wrote it.
impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => name.fmt(f),
            Self::Arn(place, name) => Arn::secret(&place.region, &place.account, name).fmt(f),
        }
    }
}

impl FromStr for KeyRef {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        if raw.starts_with(AliasName::PREFIX) {
            // What cannot be an alias's name names no key: unknown, not invalid.
            return raw.parse().map(Self::Alias).or_else(|_| Ok(Self::Id(raw.parse()?)));
        }
        match split(raw) {
            Some((place, path)) if path.starts_with(AliasName::PREFIX) => {
                Ok(Self::AliasArn(place, path.parse()?))
            }
            Some((place, path)) => match path.strip_prefix("key/") {
                Some(id) => Ok(Self::Arn(place, id.parse()?)),
                None => Err(Invalid),
            },
            None => Ok(Self::Id(raw.parse()?)),
        }
    }
}

impl FromStr for SecretRef {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        match split(raw) {
            Some((place, path)) => {
                let name = path.strip_prefix("secret/").ok_or(Invalid)?;
                Ok(Self::Arn(place, name.parse()?))
            }
            None => Ok(Self::Name(raw.parse()?)),
        }
    }
}

/// `acs:kms:<region>:<account>:<path>`, taken apart.
fn split(raw: &str) -> Option<(Place, &str)> {
    let mut parts = raw.strip_prefix("acs:kms:")?.splitn(3, ':');
    let place = Place { region: parts.next()?.parse().ok()?, account: parts.next()?.parse().ok()? };
    Some((place, parts.next()?))
}

#[cfg(test)]
mod tests {
    use super::{KeyRef, SecretRef};
    use crate::ids::Invalid;

    #[test]
    fn a_key_is_named_by_id_by_arn_or_by_alias() {
        let kind = |raw: &str| match raw.parse() {
            Ok(KeyRef::Id(_)) => "id",
            Ok(KeyRef::Arn(..)) => "arn",
            Ok(KeyRef::Alias(_)) => "alias",
            Ok(KeyRef::AliasArn(..)) => "alias arn",
            Err(Invalid) => "invalid",
        };
        for (raw, expected) in [
            ("0b30658a-ed1a-4922-b8f7-a673ca9c1234", "id"),
            ("no such key", "id"),
            ("acs:kms:cn-hangzhou:1:key/k", "arn"),
            ("alias/a/b", "alias"),
            ("alias/密", "id"),
            ("acs:kms:cn-hangzhou:1:alias/a", "alias arn"),
            ("acs:kms:cn-hangzhou:1:secret/a", "invalid"),
            ("acs:kms:cn-hangzhou:x:key/k", "id"),
            ("", "invalid"),
        ] {
            assert_eq!(kind(raw), expected, "{raw}");
        }
    }

    #[test]
    fn a_secret_is_named_by_name_or_by_arn() {
        assert!(matches!("a/b".parse(), Ok(SecretRef::Name(_))));
        assert!(matches!("acs:kms:r:1:secret/a/b".parse(), Ok(SecretRef::Arn(..))));
        for raw in ["", "a b", "acs:kms:r:1:key/a", "acs:kms:r:1:secret/"] {
            assert_eq!(raw.parse::<SecretRef>(), Err(Invalid), "{raw}");
        }
    }
}

//! Tags of keys, secrets, instances and identities.

use std::str::FromStr;

use crate::{ids::Invalid, key::words};

words! {
    /// What a tag may be on, in the words of the plural tag operations. Source: keys.md §14;
    /// `instance` and `keystore` are the same thing.
    TagKind {
        /// A key, by its id.
        Key = "key",
        /// A secret, by its name.
        Secret = "secret",
        /// An instance, by its id.
        Instance = "instance",
        /// A RAM user, by its name.
        User = "user",
        /// A group of RAM users, by its name.
        Group = "group",
        /// A role, by its name.
        Role = "role",
        /// A custom policy, by its name.
        Policy = "policy",
    }
}

/// A tag's key: 1 to 128 characters, not beginning with `aliyun` or `acs:`. Source: keys.md §14.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct TagKey(String);

/// A tag's value: up to 128 characters. Source: keys.md §14.
#[derive(Clone, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct TagValue(String);

/// One tag.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tag {
    /// Its key, unique on its resource.
    pub key: TagKey,
    /// Its value.
    pub value: TagValue,
}

impl Tag {
    /// How many tags a resource may have. Source: keys.md §14.
    pub const MAX_PER_RESOURCE: usize = 20;
}

impl TagKey {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TagValue {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TagKey {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        let reserved = raw.starts_with("aliyun") || raw.starts_with("acs:");
        if raw.is_empty() || reserved || !allowed(raw) {
            Err(Invalid)
        } else {
            Ok(Self(raw.to_owned()))
        }
    }
}

impl FromStr for TagValue {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        if allowed(raw) { Ok(Self(raw.to_owned())) } else { Err(Invalid) }
    }
}

/// Letters of any script count as letters: our choice, the pages say only "letters".
fn allowed(raw: &str) -> bool {
    raw.chars().count() <= 128
        && raw.chars().all(|c| c.is_alphanumeric() || "/\\_-.+=:@ ".contains(c))
}

#[cfg(test)]
mod tests {
    use super::{TagKey, TagValue};

    #[test]
    fn a_tag_key_is_not_empty_not_reserved_and_not_long() {
        for raw in ["a", "a b", "区域", &"x".repeat(128)] {
            assert!(raw.parse::<TagKey>().is_ok(), "{raw}");
        }
        for raw in ["", "aliyun", "aliyunx", "acs:x", "a\nb", "a%", &"x".repeat(129)] {
            assert!(raw.parse::<TagKey>().is_err(), "{raw}");
        }
        assert!("".parse::<TagValue>().is_ok());
    }
}

//! Names and ids, each its own type, each checked once when parsed.

use std::{fmt, str::FromStr, sync::Arc};

use crate::{
    random::{NoRandomness, Random, pick},
    time::Timestamp,
};

/// A value that breaks its type's rules. Carries nothing, so it cannot leak what was sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("invalid value")]
pub struct Invalid;

/// Declares a string type with a rule: its length in bytes, and its characters.
///
/// A clone shares the text, so that a call which is given a name keeps it for nothing.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $min:literal..=$max:literal, $allowed:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The longest accepted value, in bytes.
            pub const MAX_LEN: usize = $max;

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(raw: &str) -> Result<Self, Invalid> {
                let allowed: fn(char) -> bool = $allowed;
                let fits = ($min..=$max).contains(&raw.len());
                if fits && raw.chars().all(allowed) { Ok(Self(raw.into())) } else { Err(Invalid) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// The number of an account: 16 decimal digits where we make it. Source: keys.md §2.
    AccountId, 1..=32, |c| c.is_ascii_digit()
}
name! {
    /// The id of an access key. `STS.` marks a session's. Source: identity.md §2.3.
    AccessKeyId, 1..=128, |c| c.is_ascii_alphanumeric() || "._-".contains(c)
}
name! {
    /// An alias as the API writes it, `alias/` included. Source: keys.md §7.
    ///
    /// Up to 255 characters after the prefix: the wider of the two documented readings.
    AliasName, 7..=261, |c| c.is_ascii_alphanumeric() || "_-/".contains(c)
}
name! {
    /// The id of a certificate: a UUID. Source: keys.md §2.
    CertificateId, 1..=64, |c| c.is_ascii_alphanumeric() || c == '-'
}
name! {
    /// The name of a group of RAM users. Source: identity.md §2.2, the wider of the two grammars.
    GroupName, 1..=64, |c| c.is_ascii_alphanumeric() || "._-".contains(c)
}
name! {
    /// The id of an instance: `kst-` and 21 characters. Source: instance.md §1.2.
    InstanceId, 5..=64, |c| c.is_ascii_alphanumeric() || c == '-'
}
name! {
    /// A key's id, or any text in its place: what no key is called is unknown, not invalid.
    ///
    /// Source: keys.md §2.1.
    KeyId, 1..=256, |c| !c.is_control()
}
name! {
    /// The id of one version of a key: a UUID, or the key's id, `-` and ten characters.
    ///
    /// Always 36 characters, so a blob needs no length before it. Source: keys.md §2.
    KeyVersionId, 36..=36, |c| c.is_ascii_alphanumeric() || c == '-'
}
name! {
    /// The name of a virtual MFA device. Source: identity.md §2.2 (the characters: our choice).
    MfaDeviceName, 1..=64, |c| c.is_ascii_alphanumeric() || "._-".contains(c)
}
name! {
    /// The name of a policy. Source: identity.md §2.2.
    PolicyName, 1..=128, |c| c.is_ascii_alphanumeric() || c == '-'
}
name! {
    /// The name of an identity provider. Our choice: the grammar of a role's.
    ProviderName, 1..=64, |c| c.is_ascii_alphanumeric() || "._-".contains(c)
}
name! {
    /// A region, as ARNs spell it.
    Region, 1..=32, |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'
}
name! {
    /// The name of a role. Source: identity.md §2.2.
    RoleName, 1..=64, |c| c.is_ascii_alphanumeric() || ".-".contains(c)
}
name! {
    /// The name of a role's session. Source: identity.md §2.6.
    RoleSessionName, 2..=64, |c| c.is_ascii_alphanumeric() || ".@-_".contains(c)
}
name! {
    /// A secret's name. Source: secrets.md §1.6. Those with a `!` are the service's own (keys.md §13).
    SecretName, 1..=192, |c| c.is_ascii_alphanumeric() || "_/+=.-@!".contains(c)
}
name! {
    /// A label of a secret's version. Source: secrets.md §2 (the grammar: inferred there).
    Stage, 1..=64, |c| c.is_ascii_alphanumeric() || "_/+=.-@".contains(c)
}
name! {
    /// What a secret calls the server that it is about: the id of an RDS, Redis, `PolarDB` or ECS
    /// instance. Our choice of grammar, wide enough for those and for names of one's own.
    TargetId, 1..=128, |c| c.is_ascii_alphanumeric() || "._-".contains(c)
}
name! {
    /// The name of a RAM user. Source: identity.md §2.2.
    UserName, 1..=64, |c| c.is_ascii_alphanumeric() || "._-".contains(c)
}
name! {
    /// A version of a secret's value, unique within the secret.
    ///
    /// Source: secrets.md §1.6 (the character set: inferred there).
    VersionId, 1..=64, |c| c.is_ascii_alphanumeric() || "_/+=.-@".contains(c)
}
name! {
    /// The name of one way to open the root key, as its operator chose it. Our choice of grammar:
    /// it stands in shares that people copy by hand.
    WrapName, 1..=32, |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'
}

const BASE36: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";
const DIGITS: &[u8] = b"0123456789";
const MIXED: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

impl AccountId {
    /// A new account's number: 16 digits, the first not zero.
    pub fn generate(random: &dyn Random) -> Result<Self, NoRandomness> {
        Ok(Self(format!("{}{}", pick(random, b"123456789", 1)?, pick(random, DIGITS, 15)?).into()))
    }
}

impl AccessKeyId {
    /// A new session's id: `STS.` and 24 characters. Source: identity.md §2.6 (the length: our choice).
    pub fn generate_session(random: &dyn Random) -> Result<Self, NoRandomness> {
        Ok(Self(format!("STS.{}", pick(random, MIXED, 24)?).into()))
    }

    /// A new long-lived access key's id: `LTAI` and 20 characters. Source: identity.md §2.3.
    pub fn generate(random: &dyn Random) -> Result<Self, NoRandomness> {
        Ok(Self(format!("LTAI{}", pick(random, MIXED, 20)?).into()))
    }

    /// Whether the id is a session's, so that a security token must come with it.
    #[must_use]
    pub fn is_session(&self) -> bool {
        self.0.starts_with("STS.")
    }
}

impl AliasName {
    /// What every alias starts with.
    pub const PREFIX: &str = "alias/";

    /// Whether only the service may make it. Source: keys.md §7.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        self.0.starts_with("alias/acs")
    }
}

impl InstanceId {
    /// A new instance's id. Source: instance.md §1.2.
    pub fn generate(
        region: &Region,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<Self, NoRandomness> {
        Ok(Self(format!("kst-{}", tail(region, now, random)?).into()))
    }
}

impl KeyId {
    /// A new key's id: a UUID outside instances, 25 characters inside. Source: keys.md §2.
    pub fn generate(
        instance: Option<&InstanceId>,
        region: &Region,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<Self, NoRandomness> {
        match instance {
            None => Ok(Self(uuid(random)?.into())),
            Some(_) => Ok(Self(format!("key-{}", tail(region, now, random)?).into())),
        }
    }
}

impl KeyVersionId {
    /// A new version's id: 36 characters in both forms. Source: keys.md §2.
    pub fn generate(
        key: &KeyId,
        instance: Option<&InstanceId>,
        random: &dyn Random,
    ) -> Result<Self, NoRandomness> {
        match instance {
            None => Ok(Self(uuid(random)?.into())),
            Some(_) => Ok(Self(format!("{key}-{}", pick(random, BASE36, 10)?).into())),
        }
    }
}

impl Stage {
    /// The label of the version that is served by default.
    pub const CURRENT: &str = "ACSCurrent";

    /// The label of the version that was current before.
    pub const PREVIOUS: &str = "ACSPrevious";

    /// [`Stage::CURRENT`], as a label.
    #[must_use]
    pub fn current() -> Self {
        Self(Self::CURRENT.into())
    }

    /// [`Stage::PREVIOUS`], as a label.
    #[must_use]
    pub fn previous() -> Self {
        Self(Self::PREVIOUS.into())
    }

    /// Whether every secret has it, so that it can be moved and never just taken away.
    #[must_use]
    pub fn is_system(&self) -> bool {
        matches!(self.as_str(), Self::CURRENT | Self::PREVIOUS)
    }
}

/// The id of a new user, group or role: 18 digits, the first not zero. Source: identity.md §2.3.
pub fn identity_id(random: &dyn Random) -> Result<String, NoRandomness> {
    Ok(format!("2{}", pick(random, DIGITS, 17)?))
}

/// `<3 letters><8 hex digits of the time><10 base36>`, as instance and key ids end.
fn tail(region: &Region, now: Timestamp, random: &dyn Random) -> Result<String, NoRandomness> {
    let seconds = u32::try_from(now.unix_seconds()).unwrap_or_default();
    Ok(format!("{}{seconds:08x}{}", region_code(region), pick(random, BASE36, 10)?))
}

/// Three letters for a region: the two known ones, and for others the start of each part.
///
/// Source: keys.md §2; other regions are our choice, stable for ever.
fn region_code(region: &Region) -> String {
    match region.as_str() {
        "cn-hangzhou" => "hzz".to_owned(),
        "cn-beijing" => "bjj".to_owned(),
        other => {
            let letters: String = other.chars().filter(char::is_ascii_lowercase).rev().collect();
            format!("{letters:x<3}")[..3].to_owned()
        }
    }
}

/// A random UUID (version 4), in lower case.
pub fn uuid(random: &dyn Random) -> Result<String, NoRandomness> {
    Ok(random_uuid(random)?.to_string())
}

/// A random UUID (version 4), in upper case, as the ids of requests are.
pub fn upper_uuid(random: &dyn Random) -> Result<String, NoRandomness> {
    let mut text = uuid::Uuid::encode_buffer();
    Ok(random_uuid(random)?.hyphenated().encode_upper(&mut text).to_owned())
}

fn random_uuid(random: &dyn Random) -> Result<uuid::Uuid, NoRandomness> {
    let mut bytes = [0; 16];
    random.fill(&mut bytes)?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid())
}

#[cfg(test)]
mod tests {
    use super::{AccountId, InstanceId, KeyId, KeyVersionId, Region};
    use crate::{random::testing::Counting, time::Timestamp};

    #[test]
    fn ids_have_the_lengths_that_clients_hard_code() {
        let (random, now) = (Counting::default(), Timestamp::from_unix_seconds(0x62f1_cb66));
        for region in ["cn-hangzhou", "eu-central-1", "x"] {
            let region: Region = region.parse().unwrap();
            let instance = InstanceId::generate(&region, now, &random).unwrap();
            assert_eq!(instance.as_str().len(), 25, "{instance}");
            for (home, len) in [(None, 36), (Some(&instance), 25)] {
                let key = KeyId::generate(home, &region, now, &random).unwrap();
                assert_eq!(key.as_str().len(), len, "{key}");
                let version = KeyVersionId::generate(&key, home, &random).unwrap();
                assert_eq!(version.as_str().parse(), Ok(version));
            }
        }
        assert_eq!(AccountId::generate(&random).unwrap().as_str().len(), 16);
    }
}

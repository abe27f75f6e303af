//! Credentials: what the values of managed secrets hold, as clients send them and as they read them.
//! Source: secrets.md §6.1 to §6.6.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    ids::{AccessKeyId, Invalid},
    secret::{SecretType, SubType},
    text::{AccessKeySecret, SecretData},
    time::Timestamp,
};

/// A credential. Its `Debug` shows no secret.
#[derive(Clone, Debug)]
pub enum Credential {
    /// An account of a database.
    Account {
        /// Its name.
        name: String,
        /// Its password.
        password: SecretData,
    },
    /// A user of a server, with a password.
    Password {
        /// Its name.
        user: String,
        /// Its password.
        password: SecretData,
    },
    /// A user of a server, with a key pair.
    KeyPair {
        /// Its name.
        user: String,
        /// The public key, as OpenSSH writes it.
        public: String,
        /// The private key, PEM.
        private: SecretData,
    },
    /// An access key of a RAM user.
    AccessKey {
        /// Its id.
        id: AccessKeyId,
        /// Its secret.
        secret: AccessKeySecret,
        /// When it was made.
        made: Timestamp,
    },
}

/// `{"AccountName":…,"AccountPassword":…}`
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct AccountText<'a> {
    #[serde(borrow)]
    account_name: Cow<'a, str>,
    #[serde(borrow)]
    account_password: Cow<'a, str>,
}

/// `{"Accounts":[…]}`
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AccountsText<'a> {
    #[serde(borrow)]
    accounts: Vec<AccountText<'a>>,
}

/// `{"UserName":…,"Password":…}`
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct PasswordText<'a> {
    #[serde(borrow)]
    user_name: Cow<'a, str>,
    #[serde(borrow)]
    password: Cow<'a, str>,
}

/// `{"UserName":…,"PublicKey":…,"PrivateKey":…}`
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct KeyPairText<'a> {
    #[serde(borrow)]
    user_name: Cow<'a, str>,
    #[serde(borrow)]
    public_key: Cow<'a, str>,
    #[serde(borrow)]
    private_key: Cow<'a, str>,
}

/// `{"AccessKeyId":…,"AccessKeySecret":…}`, and when it was made, which clients do not send.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct AccessKeyText<'a> {
    #[serde(borrow)]
    access_key_id: Cow<'a, str>,
    #[serde(borrow)]
    access_key_secret: Cow<'a, str>,
    #[serde(default, borrow)]
    generate_timestamp: Cow<'a, str>,
}

/// `{"AccessKeys":[…]}`
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AccessKeysText<'a> {
    #[serde(borrow)]
    access_keys: Vec<AccessKeyText<'a>>,
}

impl Credential {
    /// Reads what a client sends when it makes a secret: one credential, or two. Those that the
    /// service makes itself are none: their text is `$Auto`. `now` stands for when access keys were
    /// made, until somebody knows better.
    pub fn sent(
        kind: SecretType,
        sub_type: SubType,
        data: &SecretData,
        now: Timestamp,
    ) -> Result<Vec<Self>, Invalid> {
        match kind {
            SecretType::Generic => Err(Invalid),
            SecretType::Redis | SecretType::PolarDb => {
                if data.expose() == b"$Auto" {
                    Ok(Vec::new())
                } else {
                    Err(Invalid)
                }
            }
            SecretType::Ecs => Ok(vec![Self::read(kind, sub_type, data)?]),
            SecretType::Rds => {
                let sent: AccountsText<'_> = read(data)?;
                let most = if sub_type == SubType::SingleUser { 1 } else { 2 };
                some(sent.accounts.iter().map(Self::account), most)
            }
            SecretType::RamCredentials => {
                let sent: AccessKeysText<'_> = read(data)?;
                some(sent.access_keys.iter().map(|it| Self::access_key(it, Some(now))), 2)
            }
        }
    }

    /// Reads a value of a managed secret.
    pub fn read(kind: SecretType, sub_type: SubType, data: &SecretData) -> Result<Self, Invalid> {
        match (kind, sub_type) {
            (SecretType::Rds | SecretType::Redis | SecretType::PolarDb, _) => {
                Self::account(&read(data)?)
            }
            (SecretType::RamCredentials, _) => Self::access_key(&read(data)?, None),
            (SecretType::Ecs, SubType::Password) => Self::password(&read(data)?),
            (SecretType::Ecs, SubType::SshKey) => Self::key_pair(read(data)?),
            _ => Err(Invalid),
        }
    }

    /// The value that holds it.
    pub fn data(&self) -> Result<SecretData, Invalid> {
        match self {
            Self::Account { name, password } => write(&AccountText {
                account_name: name.into(),
                account_password: password.expose_text().into(),
            }),
            Self::Password { user, password } => write(&PasswordText {
                user_name: user.into(),
                password: password.expose_text().into(),
            }),
            Self::KeyPair { user, public, private } => write(&KeyPairText {
                user_name: user.into(),
                public_key: public.into(),
                private_key: private.expose_text().into(),
            }),
            Self::AccessKey { id, secret, made } => write(&AccessKeyText {
                access_key_id: id.as_str().into(),
                access_key_secret: secret.expose_text().into(),
                generate_timestamp: made.to_string().into(),
            }),
        }
    }

    /// Who proves itself by it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Account { name, .. } => name,
            Self::Password { user, .. } | Self::KeyPair { user, .. } => user,
            Self::AccessKey { id, .. } => id.as_str(),
        }
    }

    fn account(it: &AccountText<'_>) -> Result<Self, Invalid> {
        let password = it.account_password.parse()?;
        Ok(Self::Account { name: account_name(&it.account_name)?, password })
    }

    fn password(it: &PasswordText<'_>) -> Result<Self, Invalid> {
        Ok(Self::Password { user: user(&it.user_name)?, password: it.password.parse()? })
    }

    fn key_pair(it: KeyPairText<'_>) -> Result<Self, Invalid> {
        let (user, public) = (user(&it.user_name)?, it.public_key.into_owned());
        Ok(Self::KeyPair { user, public, private: it.private_key.parse()? })
    }

    fn access_key(it: &AccessKeyText<'_>, now: Option<Timestamp>) -> Result<Self, Invalid> {
        let made = match now {
            Some(now) => now,
            None => it.generate_timestamp.parse()?,
        };
        let (id, secret) = (it.access_key_id.parse()?, it.access_key_secret.parse()?);
        Ok(Self::AccessKey { id, secret, made })
    }
}

fn some(
    all: impl Iterator<Item = Result<Credential, Invalid>>,
    most: usize,
) -> Result<Vec<Credential>, Invalid> {
    let all: Vec<_> = all.collect::<Result<_, _>>()?;
    if !(1..=most).contains(&all.len()) {
        return Err(Invalid);
    }
    match all.as_slice() {
        [one, other] if one.name() == other.name() => Err(Invalid),
        _ => Ok(all),
    }
}

fn read<'a, T: Deserialize<'a>>(data: &'a SecretData) -> Result<T, Invalid> {
    serde_json::from_slice(data.expose()).map_err(|_| Invalid)
}

fn write<T: Serialize>(text: &T) -> Result<SecretData, Invalid> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(SecretData::MAX_LEN));
    serde_json::to_writer(&mut *bytes, text).map_err(|_| Invalid)?;
    if bytes.len() > SecretData::MAX_LEN {
        return Err(Invalid);
    }
    SecretData::opened(bytes)
}

/// The name of an account that is there already: what the engines take. Our choice.
fn account_name(raw: &str) -> Result<String, Invalid> {
    let word = |it: u8| it.is_ascii_alphanumeric() || b"_.$-".contains(&it);
    let fits = (1..=63).contains(&raw.len()) && raw.bytes().all(word);
    if fits { Ok(raw.to_owned()) } else { Err(Invalid) }
}

/// The name of a user of a server, as useradd(8) has it.
fn user(raw: &str) -> Result<String, Invalid> {
    let word = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || b"_-".contains(&it);
    let starts = raw.starts_with(|it: char| it.is_ascii_lowercase() || it == '_');
    if starts && raw.len() <= 32 && raw.bytes().all(word) {
        Ok(raw.to_owned())
    } else {
        Err(Invalid)
    }
}

#[cfg(test)]
mod tests {
    use super::Credential;
    use crate::{
        secret::{SecretType, SubType},
        text::SecretData,
        time::Timestamp,
    };

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

    fn sent(kind: SecretType, sub_type: SubType, text: &str) -> Option<Vec<String>> {
        let data: SecretData = text.parse().unwrap();
        let sent = Credential::sent(kind, sub_type, &data, NOW).ok()?;
        let written = sent.iter().map(|it| it.data().unwrap().expose_text().to_owned());
        Some(written.collect())
    }

    #[test]
    fn what_is_sent_in_a_wrapper_is_read_flat() {
        // Source: secrets.md §6.2, §6.5, §6.6.
        let (single, double) = (SubType::SingleUser, SubType::DoubleUsers);
        let rds = SecretType::Rds;
        let one = r#"{"Accounts":[{"AccountName":"a","AccountPassword":"p\"1"}]}"#;
        assert_eq!(
            sent(rds, single, one).unwrap(),
            [r#"{"AccountName":"a","AccountPassword":"p\"1"}"#]
        );
        let two = r#"{"Accounts":[{"AccountName":"a","AccountPassword":"p"},
            {"AccountName":"b","AccountPassword":"q"}]}"#;
        assert_eq!(sent(rds, single, two), None);
        assert_eq!(sent(rds, double, two).unwrap().len(), 2);
        assert_eq!(sent(rds, double, &two.replace('b', "a")), None, "one account twice");
        let keys = r#"{"AccessKeys":[{"AccessKeyId":"LTAI1","AccessKeySecret":"s"}]}"#;
        assert_eq!(
            sent(SecretType::RamCredentials, SubType::RamUserAccessKey, keys).unwrap(),
            [concat!(
                r#"{"AccessKeyId":"LTAI1","AccessKeySecret":"s","#,
                r#""GenerateTimestamp":"2027-01-15T08:00:00Z"}"#
            )]
        );
        let password = r#"{"UserName":"root","Password":"p"}"#;
        assert_eq!(sent(SecretType::Ecs, SubType::Password, password).unwrap(), [password]);
        assert_eq!(sent(SecretType::Redis, double, "$Auto"), Some(vec![]));
    }

    #[test]
    fn what_is_sent_otherwise_is_invalid() {
        let (single, double) = (SubType::SingleUser, SubType::DoubleUsers);
        for (kind, sub_type, text) in [
            (SecretType::Rds, single, "$Auto"),
            (SecretType::Rds, single, r#"{"Accounts":[]}"#),
            (SecretType::Rds, single, r#"{"AccountName":"a","AccountPassword":"p"}"#),
            (SecretType::Rds, single, r#"{"Accounts":[{"AccountName":"a","AccountPassword":""}]}"#),
            (SecretType::Rds, single, r#"{"Accounts":[{"AccountName":"","AccountPassword":"p"}]}"#),
            (
                SecretType::Rds,
                single,
                r#"{"Accounts":[{"AccountName":"a'b","AccountPassword":"p"}]}"#,
            ),
            (SecretType::Redis, double, "auto"),
            (SecretType::Ecs, SubType::Password, r#"{"UserName":"a b","Password":"p"}"#),
            (SecretType::Ecs, SubType::Password, r#"{"UserName":"-a","Password":"p"}"#),
            (SecretType::Ecs, SubType::SshKey, r#"{"UserName":"root","Password":"p"}"#),
            (SecretType::Generic, single, "x"),
        ] {
            assert_eq!(sent(kind, sub_type, text), None, "{kind} {text}");
        }
    }

    #[test]
    fn what_is_kept_reads_back() {
        for (kind, sub_type, text) in [
            (
                SecretType::PolarDb,
                SubType::DoubleUsers,
                r#"{"AccountName":"a","AccountPassword":"p"}"#,
            ),
            (
                SecretType::RamCredentials,
                SubType::RamUserAccessKey,
                r#"{"AccessKeyId":"LTAI1","AccessKeySecret":"s","GenerateTimestamp":"2023-03-25T10:42:40Z"}"#,
            ),
            (
                SecretType::Ecs,
                SubType::SshKey,
                r#"{"UserName":"root","PublicKey":"ssh-rsa A","PrivateKey":"-----BEGIN\n"}"#,
            ),
        ] {
            let data: SecretData = text.parse().unwrap();
            let read = Credential::read(kind, sub_type, &data).unwrap();
            assert_eq!(read.data().unwrap().expose_text(), text);
            assert!(!format!("{read:?}").contains("BEGIN"));
        }
    }
}

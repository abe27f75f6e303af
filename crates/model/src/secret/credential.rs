//! Credentials: what the values of managed secrets hold, as clients send them and as they read them.
//! Source: secrets.md §6.1 to §6.6.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    ids::{AccessKeyId, Invalid},
    secret::{SecretType, SubType, Unfit},
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
    #[serde(default, borrow)]
    account_name: Cow<'a, str>,
    #[serde(default, borrow)]
    account_password: Cow<'a, str>,
}

/// `{"Accounts":[…]}`
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AccountsText<'a> {
    #[serde(default, borrow)]
    accounts: Vec<AccountText<'a>>,
}

/// `{"UserName":…,"Password":…}`
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct PasswordText<'a> {
    #[serde(default, borrow)]
    user_name: Cow<'a, str>,
    #[serde(default, borrow)]
    password: Cow<'a, str>,
}

/// `{"UserName":…,"PublicKey":…,"PrivateKey":…}`
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct KeyPairText<'a> {
    #[serde(default, borrow)]
    user_name: Cow<'a, str>,
    #[serde(borrow)]
    public_key: Cow<'a, str>,
    #[serde(default, borrow)]
    private_key: Cow<'a, str>,
}

/// `{"AccessKeyId":…,"AccessKeySecret":…}`, and when it was made, which clients do not send.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct AccessKeyText<'a> {
    #[serde(default, borrow)]
    access_key_id: Cow<'a, str>,
    #[serde(default, borrow)]
    access_key_secret: Cow<'a, str>,
    #[serde(default, borrow)]
    generate_timestamp: Cow<'a, str>,
}

/// `{"AccessKeys":[…]}`
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AccessKeysText<'a> {
    #[serde(default, borrow)]
    access_keys: Vec<AccessKeyText<'a>>,
}

// What a member should be, in the words of a refusal.
const ACCOUNTS: &str = r#"{"Accounts":[{"AccountName":"…","AccountPassword":"…"}]}"#;
const ACCOUNT_NAME: &str = "1 to 63 letters, digits and . _ $ -";
const KEYS: &str = r#"{"AccessKeys":[{"AccessKeyId":"…","AccessKeySecret":"…"}]}"#;
const USER: &str = "the name of a user: at most 32 of a-z, 0-9, _ and -, a letter or _ first";
const PASSWORD: &str = "a text that is not empty";

impl Credential {
    /// Reads what a client sends when it makes a secret: one credential, or two. Those that the
    /// service makes itself are none: their text is `$Auto`. `now` stands for when access keys were
    /// made, until somebody knows better.
    pub fn sent(
        kind: SecretType,
        sub_type: SubType,
        data: &SecretData,
        now: Timestamp,
    ) -> Result<Vec<Self>, Unfit> {
        match kind {
            SecretType::Redis | SecretType::PolarDb => {
                let fits = data.expose() == b"$Auto";
                Unfit::unless(fits, "", "$Auto: the accounts are made with the secret")?;
                Ok(Vec::new())
            }
            SecretType::Generic => Err(Unfit::new("", "the value of a managed secret")),
            SecretType::Ecs => Ok(vec![Self::of_server(sub_type, data)?]),
            SecretType::Rds => {
                let sent: AccountsText<'_> = read(data, ACCOUNTS)?;
                let (most, said) = if sub_type == SubType::SingleUser {
                    (1, "one account")
                } else {
                    (2, "one account, or two of different names")
                };
                let all = sent.accounts.iter().map(Self::account);
                some(all, most, Unfit::new("Accounts", said))
            }
            SecretType::RamCredentials => {
                let sent: AccessKeysText<'_> = read(data, KEYS)?;
                let all = sent.access_keys.iter().map(|it| Self::access_key(it, Some(now)));
                some(all, 2, Unfit::new("AccessKeys", "one access key, or two different ones"))
            }
        }
    }

    /// Reads a value of a managed secret.
    pub fn read(kind: SecretType, sub_type: SubType, data: &SecretData) -> Result<Self, Invalid> {
        Ok(match kind {
            SecretType::Rds | SecretType::Redis | SecretType::PolarDb => {
                Self::account(&read(data, "")?)?
            }
            SecretType::RamCredentials => Self::access_key(&read(data, "")?, None)?,
            SecretType::Ecs => Self::of_server(sub_type, data)?,
            SecretType::Generic => return Err(Invalid),
        })
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

    fn account(it: &AccountText<'_>) -> Result<Self, Unfit> {
        let name = account_name(&it.account_name);
        let name = name.map_err(|Invalid| Unfit::new("Accounts.AccountName", ACCOUNT_NAME))?;
        let password = it.account_password.parse();
        let unfit = |Invalid| Unfit::new("Accounts.AccountPassword", PASSWORD);
        Ok(Self::Account { name, password: password.map_err(unfit)? })
    }

    /// A user of a server, in the one form or the other.
    fn of_server(sub_type: SubType, data: &SecretData) -> Result<Self, Unfit> {
        const PASSWORD_FORM: &str = r#"{"UserName":"…","Password":"…"}"#;
        const PAIR_FORM: &str = r#"{"UserName":"…","PublicKey":"…","PrivateKey":"…"}"#;
        let user = |it: &str| user(it).map_err(|Invalid| Unfit::new("UserName", USER));
        match sub_type {
            SubType::Password => {
                let sent: PasswordText<'_> = read(data, PASSWORD_FORM)?;
                let unfit = |Invalid| Unfit::new("Password", PASSWORD);
                let (user, password) = (user(&sent.user_name)?, sent.password.parse());
                Ok(Self::Password { user, password: password.map_err(unfit)? })
            }
            SubType::SshKey => {
                let sent: KeyPairText<'_> = read(data, PAIR_FORM)?;
                let unfit = |Invalid| Unfit::new("PrivateKey", "the private key, PEM");
                let (user, private) = (user(&sent.user_name)?, sent.private_key.parse());
                let public = sent.public_key.into_owned();
                Ok(Self::KeyPair { user, public, private: private.map_err(unfit)? })
            }
            _ => Err(Unfit::new("", "another form: see the type of the secret")),
        }
    }

    fn access_key(it: &AccessKeyText<'_>, now: Option<Timestamp>) -> Result<Self, Unfit> {
        let unfit = |member, said| move |Invalid| Unfit::new(member, said);
        let made = match now {
            Some(now) => now,
            None => it.generate_timestamp.parse().map_err(unfit("GenerateTimestamp", "a date"))?,
        };
        let id = it.access_key_id.parse();
        let id = id.map_err(unfit("AccessKeys.AccessKeyId", "the id of an access key"))?;
        let secret = it.access_key_secret.parse();
        let secret = secret.map_err(unfit("AccessKeys.AccessKeySecret", "its secret"))?;
        Ok(Self::AccessKey { id, secret, made })
    }
}

fn some(
    all: impl Iterator<Item = Result<Credential, Unfit>>,
    most: usize,
    unfit: Unfit,
) -> Result<Vec<Credential>, Unfit> {
    let all: Vec<_> = all.collect::<Result<_, _>>()?;
    if !(1..=most).contains(&all.len()) {
        return Err(unfit);
    }
    match all.as_slice() {
        [one, other] if one.name() == other.name() => Err(unfit),
        _ => Ok(all),
    }
}

/// Reads JSON of a form, in whose stead `form` is expected.
fn read<'a, T: Deserialize<'a>>(data: &'a SecretData, form: &'static str) -> Result<T, Unfit> {
    serde_json::from_slice(data.expose()).map_err(|_| Unfit::new("", form))
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
    fn what_is_sent_otherwise_is_told_which_member_and_nothing_of_what_was_sent() {
        let (single, double) = (SubType::SingleUser, SubType::DoubleUsers);
        let (ecs, ram) = (SecretType::Ecs, SecretType::RamCredentials);
        let of = |inner: &str| format!(r#"{{"Accounts":[{{{inner}}}]}}"#);
        for (kind, sub_type, text, member) in [
            (SecretType::Rds, single, "$Auto", ""),
            (SecretType::Rds, single, r#"{"Accounts":[]}"#, "Accounts"),
            (SecretType::Rds, single, r#"{"AccountName":"a","AccountPassword":"p"}"#, "Accounts"),
            (SecretType::Rds, single, &of(r#""AccountName":"c4n4ry","AccountPassword":7"#), ""),
            (
                SecretType::Rds,
                single,
                &of(r#""AccountName":"a","AccountPassword":"""#),
                "Accounts.AccountPassword",
            ),
            (SecretType::Rds, single, &of(r#""AccountName":"a""#), "Accounts.AccountPassword"),
            (SecretType::Rds, single, &of(r#""AccountPassword":"p""#), "Accounts.AccountName"),
            (
                SecretType::Rds,
                single,
                &of(r#""AccountName":"a'c4n4ry","AccountPassword":"p""#),
                "Accounts.AccountName",
            ),
            (SecretType::Redis, double, "c4n4ry", ""),
            (ecs, SubType::Password, r#"{"UserName":"a b","Password":"p"}"#, "UserName"),
            (ecs, SubType::Password, r#"{"UserName":"-a","Password":"p"}"#, "UserName"),
            (ecs, SubType::Password, r#"{"UserName":"a"}"#, "Password"),
            (ecs, SubType::SshKey, r#"{"UserName":"root","Password":"p"}"#, ""),
            (ecs, SubType::SshKey, r#"{"UserName":"root","PublicKey":""}"#, "PrivateKey"),
            (ram, SubType::RamUserAccessKey, "{}", "AccessKeys"),
            (
                ram,
                SubType::RamUserAccessKey,
                r#"{"AccessKeys":[{"AccessKeyId":"LTAI1"}]}"#,
                "AccessKeys.AccessKeySecret",
            ),
            (SecretType::Generic, single, "c4n4ry", ""),
        ] {
            let data: SecretData = text.parse().unwrap();
            let unfit = Credential::sent(kind, sub_type, &data, NOW).unwrap_err();
            assert_eq!(unfit.member, member, "{kind} {text}");
            assert!(!unfit.expected.is_empty() && !unfit.to_string().contains("c4n4ry"));
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

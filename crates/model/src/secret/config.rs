//! `ExtendedConfig`: what a managed secret is about. Source: secrets.md §6.1 to §6.6.

use std::str::FromStr;

use serde_json::{Map, Value};

use crate::{
    ids::{Invalid, TargetId, UserName},
    secret::{SecretType, SubType, Unfit},
    target::Engine,
};

const SUB_TYPE: &str = "SecretSubType";
const CUSTOM_DATA: &str = "CustomData";
const REGION: &str = "RegionId";
const ACCOUNT: &str = "AccountName";
const CLONE: &str = "CloneAccountName";
const PRIVILEGE: &str = "AccountPrivilege";

/// What the whole is, in the words of a refusal.
const WHOLE: &str = "a JSON object of at most 1024 characters";

/// What ends the name of the second account of a pair. Source: secrets.md §6.2 (for RDS: inferred there).
pub const CLONE_SUFFIX: &str = "_clone";

/// What a managed secret is about: a JSON object, of which it knows what its kind must have. Keys that
/// it does not know are kept. They come back in order of their names (our choice).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Config {
    /// What the secret holds.
    pub sub_type: SubType,
    /// The key that names the server in configs of this kind.
    target_key: Option<&'static str>,
    all: Map<String, Value>,
}

/// `CustomData`: what a client keeps with a managed secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CustomData(Map<String, Value>);

impl CustomData {
    /// Of keys and their texts.
    pub fn of(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(pairs.into_iter().map(|(key, value)| (key, Value::String(value))).collect())
    }

    /// The one in an `ExtendedConfig`, if that has one.
    pub fn in_config(text: &str) -> Result<Option<Self>, Invalid> {
        let mut all: Map<String, Value> = serde_json::from_str(text).map_err(|_| Invalid)?;
        all.remove(CUSTOM_DATA).map(custom_data).transpose()
    }
}

impl FromStr for CustomData {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        custom_data(Value::String(text.to_owned()))
    }
}

impl Config {
    /// The longest text, in characters. Source: secrets.md §1.6.
    pub const MAX_LEN: usize = 1024;

    /// How many pairs `CustomData` may have. Source: secrets.md §1.6.
    pub const MAX_CUSTOM: usize = 10;

    /// Reads what a client sends for a secret of this kind, or what is kept of it.
    pub fn parse(kind: SecretType, text: &str) -> Result<Self, Unfit> {
        let unfit = Unfit::new("", WHOLE);
        if text.chars().count() > Self::MAX_LEN {
            return Err(unfit);
        }
        let mut all: Map<String, Value> = serde_json::from_str(text).map_err(|_| unfit)?;
        let custom = all.remove(CUSTOM_DATA).unwrap_or_default();
        let sent = all.get(SUB_TYPE).and_then(Value::as_str);
        let mut config =
            Self { sub_type: sub_type(kind, sent)?, target_key: target_key(kind), all };
        config.set_custom_data(custom_data(custom).map_err(|Invalid| NO_CUSTOM_DATA)?)?;
        config.check(kind)?;
        Ok(config)
    }

    /// The text that is kept and shown.
    #[must_use]
    pub fn text(&self) -> String {
        Value::Object(self.all.clone()).to_string()
    }

    /// Replaces `CustomData` as a whole. Fails if the text would be too long. Source: secrets.md §4.8.
    pub fn set_custom_data(&mut self, custom: CustomData) -> Result<(), Unfit> {
        if custom.0.len() > Self::MAX_CUSTOM {
            return Err(NO_CUSTOM_DATA);
        }
        self.all.insert(CUSTOM_DATA.to_owned(), Value::Object(custom.0));
        Unfit::unless(self.text().chars().count() <= Self::MAX_LEN, "", WHOLE)
    }

    /// The server that the credential is on; none for a RAM user's.
    #[must_use]
    pub fn target(&self) -> Option<TargetId> {
        self.word(self.target_key?)?.parse().ok()
    }

    /// The engine that the server must have, if the config names it. Source: secrets.md §6.4.
    #[must_use]
    pub fn engine(&self) -> Option<Engine> {
        self.word("DBType").and_then(|it| it.parse().ok())
    }

    /// The RAM user whose access keys these are.
    #[must_use]
    pub fn user_name(&self) -> Option<UserName> {
        self.word("UserName").and_then(|it| it.parse().ok())
    }

    /// The account that is to be made, and its clone.
    #[must_use]
    pub fn accounts(&self) -> Option<[&str; 2]> {
        Some([self.word(ACCOUNT)?, self.word(CLONE)?])
    }

    /// What those accounts may do, in the vendor's word.
    #[must_use]
    pub fn privilege(&self) -> Option<&str> {
        self.word(PRIVILEGE)
    }

    /// The database that they may do it in.
    #[must_use]
    pub fn database(&self) -> Option<&str> {
        self.word("DBName")
    }

    fn word(&self, key: &str) -> Option<&str> {
        self.all.get(key).and_then(Value::as_str).filter(|it| !it.is_empty())
    }

    fn check(&self, kind: SecretType) -> Result<(), Unfit> {
        use SecretType::{Ecs, PolarDb, RamCredentials, Redis};
        if let Some(key) = self.target_key {
            const TARGET: &str = "the id of a target: 1 to 128 letters, digits and . _ -";
            Unfit::unless(self.target().is_some(), key, TARGET)?;
        }
        if matches!(kind, Ecs | PolarDb | Redis) {
            let region = self.word(REGION).is_some();
            Unfit::unless(region, REGION, "a region, such as cn-hangzhou")?;
        }
        match kind {
            Redis => {
                self.check_pair()?;
                self.check_privilege(
                    &["RoleReadOnly", "RoleReadWrite"],
                    "RoleReadOnly or RoleReadWrite",
                )
            }
            PolarDb => {
                self.check_pair()?;
                self.check_polardb()
            }
            RamCredentials => {
                const USER: &str = "the name of a RAM user";
                Unfit::unless(self.user_name().is_some(), "UserName", USER)
            }
            _ => Ok(()),
        }
    }

    fn check_polardb(&self) -> Result<(), Unfit> {
        let normal = self.word("AccountType").is_none_or(|it| it == "Normal");
        Unfit::unless(normal, "AccountType", "Normal, or nothing")?;
        match self.engine() {
            Some(Engine::MySql) => {
                const WORDS: &[&str] =
                    &["ReadWrite", "ReadOnly", "DMLOnly", "DDLOnly", "ReadIndex"];
                const SAID: &str = "ReadWrite, ReadOnly, DMLOnly, DDLOnly or ReadIndex";
                self.check_privilege(WORDS, SAID)?;
                let own = |it| Engine::MySql.is_system_database(it);
                let fits = self.database().is_some_and(|it| !own(it));
                Unfit::unless(fits, "DBName", "a database that is not the server's own")
            }
            // What the words mean there holds in the whole cluster: see docs/targets.md.
            Some(Engine::Postgres) => {
                let fits = self.privilege().is_none_or(|it| it == "Normal");
                Unfit::unless(fits, PRIVILEGE, "Normal, or nothing, of PostgreSQL")
            }
            _ => Err(Unfit::new("DBType", "MySQL or PostgreSQL")),
        }
    }

    fn check_privilege(&self, words: &[&str], said: &'static str) -> Result<(), Unfit> {
        let fits = self.privilege().is_some_and(|it| words.contains(&it));
        Unfit::unless(fits, PRIVILEGE, said)
    }

    /// The two accounts are a name and its clone's. Sixteen characters are what all engines take.
    /// Source: secrets.md §6.3 (both rules: inferred there).
    fn check_pair(&self) -> Result<(), Unfit> {
        const MAX: usize = 10;
        const NAME: &str = "1 to 10 of a-z, 0-9 and _, a letter first";
        let word = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_';
        let account = self.word(ACCOUNT).filter(|it| {
            it.len() <= MAX
                && it.starts_with(|it: char| it.is_ascii_lowercase())
                && it.bytes().all(word)
        });
        let account = account.ok_or(Unfit::new(ACCOUNT, NAME))?;
        let clone = self.word(CLONE).and_then(|it| it.strip_prefix(account));
        Unfit::unless(clone == Some(CLONE_SUFFIX), CLONE, "AccountName with _clone behind it")
    }
}

/// What `CustomData` is, in the words of a refusal.
const NO_CUSTOM_DATA: Unfit =
    Unfit::new(CUSTOM_DATA, "an object of at most 10 members, or a text that holds one");

/// What secrets of a kind may hold, and those words. Source: secrets.md §6.2 to §6.6.
fn sub_type(kind: SecretType, sent: Option<&str>) -> Result<SubType, Unfit> {
    use SubType::{DoubleUsers, Password, RamUserAccessKey, SingleUser, SshKey};
    let (all, said): (&[SubType], _) = match kind {
        SecretType::Generic => (&[], "nothing: a generic secret has no ExtendedConfig"),
        SecretType::Rds => (&[SingleUser, DoubleUsers], "SingleUser or DoubleUsers"),
        SecretType::Redis | SecretType::PolarDb => (&[DoubleUsers], "DoubleUsers"),
        SecretType::RamCredentials => (&[RamUserAccessKey], "RamUserAccessKey"),
        SecretType::Ecs => (&[Password, SshKey], "Password or SSHKey"),
    };
    let sent = sent.and_then(|it| it.parse().ok()).filter(|it| all.contains(it));
    sent.ok_or(Unfit::new(SUB_TYPE, said))
}

/// The key that names the server, by kind. Source: secrets.md §6.2 to §6.6.
const fn target_key(kind: SecretType) -> Option<&'static str> {
    match kind {
        SecretType::Rds => Some("DBInstanceId"),
        SecretType::PolarDb => Some("DBClusterId"),
        SecretType::Redis | SecretType::Ecs => Some("InstanceId"),
        SecretType::RamCredentials | SecretType::Generic => None,
    }
}

/// `CustomData` as an object, or as a text that holds one; nothing is an empty one.
/// Source: secrets.md §6.1.
fn custom_data(value: Value) -> Result<CustomData, Invalid> {
    match value {
        Value::Null => Ok(Map::new()),
        Value::Object(it) => Ok(it),
        Value::String(it) if it.is_empty() => Ok(Map::new()),
        Value::String(it) => serde_json::from_str(&it).map_err(|_| Invalid),
        _ => Err(Invalid),
    }
    .map(CustomData)
}

#[cfg(test)]
mod tests {
    use super::Config;
    use crate::{
        secret::{SecretType, SubType},
        target::Engine,
    };

    const REDIS: &str = r#"{"SecretSubType":"DoubleUsers","AccountName":"app",
        "CloneAccountName":"app_clone","AccountPrivilege":"RoleReadOnly","InstanceId":"r-1",
        "RegionId":"cn-hangzhou"}"#;
    const POLARDB: &str = r#"{"SecretSubType":"DoubleUsers","RegionId":"cn-hangzhou",
        "DBClusterId":"pc-1","DBType":"MySQL","AccountName":"app","CloneAccountName":"app_clone",
        "AccountType":"Normal","AccountPrivilege":"ReadWrite","DBName":"orders"}"#;

    #[test]
    fn each_kind_has_what_it_needs() {
        for (kind, text) in [
            (SecretType::Rds, r#"{"SecretSubType":"SingleUser","DBInstanceId":"rm-1"}"#),
            (SecretType::Rds, r#"{"SecretSubType":"DualUser","DBInstanceId":"rm-1"}"#),
            (SecretType::Redis, REDIS),
            (SecretType::PolarDb, POLARDB),
            (SecretType::RamCredentials, r#"{"SecretSubType":"RamUserAccessKey","UserName":"ci"}"#),
            (
                SecretType::Ecs,
                r#"{"SecretSubType":"SSHKey","RegionId":"r","InstanceId":"i-1","CommandId":""}"#,
            ),
        ] {
            let config = Config::parse(kind, text).unwrap();
            assert_eq!(Config::parse(kind, &config.text()), Ok(config), "{text}");
        }
    }

    #[test]
    fn what_lacks_something_is_told_which_member_and_what_it_should_be() {
        use SecretType::{Ecs, Generic, PolarDb, RamCredentials, Rds, Redis};
        for (kind, text, member) in [
            (Rds, "", ""),
            (Rds, "[]", ""),
            (Rds, r#"{"DBInstanceId":"rm-1"}"#, "SecretSubType"),
            (Rds, r#"{"SecretSubType":"SingleUser"}"#, "DBInstanceId"),
            (Rds, r#"{"SecretSubType":"SingleUser","DBInstanceId":""}"#, "DBInstanceId"),
            (Rds, r#"{"SecretSubType":"SingleUser","DBInstanceId":7}"#, "DBInstanceId"),
            (Rds, r#"{"SecretSubType":"Password","DBInstanceId":"rm-1"}"#, "SecretSubType"),
            (Generic, r#"{"SecretSubType":"SingleUser","DBInstanceId":"rm-1"}"#, "SecretSubType"),
            (Redis, &REDIS.replace("app_clone", "other"), "CloneAccountName"),
            (Redis, &REDIS.replace("RoleReadOnly", "RoleAdmin"), "AccountPrivilege"),
            (Redis, &REDIS.replace("app", "application"), "AccountName"),
            (Redis, &REDIS.replace("\"app", "\"App"), "AccountName"),
            (Redis, &REDIS.replace("r-1", "r 1"), "InstanceId"),
            (PolarDb, &POLARDB.replace("MySQL", "Oracle"), "DBType"),
            (PolarDb, &POLARDB.replace("Normal", "Super"), "AccountType"),
            (PolarDb, &POLARDB.replace("DBName", "Other"), "DBName"),
            (PolarDb, &POLARDB.replace("ReadWrite", "All"), "AccountPrivilege"),
            (RamCredentials, r#"{"SecretSubType":"RamUserAccessKey"}"#, "UserName"),
            (Ecs, r#"{"SecretSubType":"Password","InstanceId":"i-1"}"#, "RegionId"),
        ] {
            let unfit = Config::parse(kind, text).unwrap_err();
            assert_eq!(unfit.member, member, "{kind} {text}");
            assert!(!unfit.expected.is_empty());
        }
        let said = Config::parse(Ecs, r#"{"SecretSubType":"SingleUser"}"#).unwrap_err().expected;
        assert_eq!(said, "Password or SSHKey", "of its own kind");
    }

    #[test]
    fn no_account_is_let_into_what_the_server_keeps_for_itself() {
        for own in ["mysql", "MySQL", "#mysql50#mysql", "sys", "information_schema"] {
            let text = POLARDB.replace("orders", own);
            assert!(Config::parse(SecretType::PolarDb, &text).is_err(), "{own}");
        }
        let postgres = POLARDB.replace("MySQL", "PostgreSQL");
        assert!(Config::parse(SecretType::PolarDb, &postgres).is_err(), "in the whole cluster");
        for nothing in ["", "Normal"] {
            let text = postgres.replace("ReadWrite", nothing);
            assert!(Config::parse(SecretType::PolarDb, &text).is_ok(), "{nothing}");
        }
    }

    #[test]
    fn the_server_is_the_one_that_its_kind_names() {
        let text = r#"{"SecretSubType":"Password","RegionId":"r","InstanceId":"i-1",
            "DBInstanceId":"rm-1"}"#;
        let it = Config::parse(SecretType::Ecs, text).unwrap();
        assert_eq!(it.target(), Some("i-1".parse().unwrap()));
    }

    #[test]
    fn it_says_what_it_is_about() {
        let it = Config::parse(SecretType::PolarDb, POLARDB).unwrap();
        assert_eq!(it.sub_type, SubType::DoubleUsers);
        assert_eq!(it.target(), Some("pc-1".parse().unwrap()));
        assert_eq!(it.engine(), Some(Engine::MySql));
        assert_eq!(it.accounts(), Some(["app", "app_clone"]));
        assert_eq!((it.privilege(), it.database()), (Some("ReadWrite"), Some("orders")));
    }

    #[test]
    fn unknown_keys_stay_and_custom_data_is_an_object_of_ten() {
        let with = |custom: &str| {
            let text =
                r#"{"SecretSubType":"SingleUser","DBInstanceId":"rm-1","X":[1],"CustomData":"#;
            Config::parse(SecretType::Rds, &format!("{text}{custom}}}"))
        };
        let shown = with("null").unwrap().text();
        assert_eq!(
            shown,
            r#"{"CustomData":{},"DBInstanceId":"rm-1","SecretSubType":"SingleUser","X":[1]}"#
        );
        for custom in [r#"{"Port":"3306"}"#, r#""{\"Port\":\"3306\"}""#] {
            assert!(with(custom).unwrap().text().contains(r#""CustomData":{"Port":"3306"}"#));
        }
        let pairs = |count: usize| {
            let pairs: Vec<_> = (0..count).map(|it| format!("\"k{it}\":\"v\"")).collect();
            format!("{{{}}}", pairs.join(","))
        };
        assert!(with(&pairs(10)).is_ok());
        for custom in [&*pairs(11), "7", "[]", "\"no\""] {
            assert_eq!(with(custom).unwrap_err().member, "CustomData", "{custom}");
        }
    }

    #[test]
    fn it_has_1024_characters_at_most() {
        let text = |len: usize| {
            let start =
                r#"{"CustomData":{},"SecretSubType":"SingleUser","DBInstanceId":"rm-1","X":""#;
            format!("{start}{}\"}}", "说".repeat(len - start.len() - 2))
        };
        assert!(Config::parse(SecretType::Rds, &text(1024)).is_ok());
        assert!(Config::parse(SecretType::Rds, &text(1025)).is_err());
    }
}

//! `ExtendedConfig`: what a managed secret is about. Source: secrets.md §6.1 to §6.6.

use std::str::FromStr;

use serde_json::{Map, Value};

use crate::{
    ids::{Invalid, TargetId, UserName},
    secret::{SecretType, SubType},
    target::Engine,
};

const SUB_TYPE: &str = "SecretSubType";
const CUSTOM_DATA: &str = "CustomData";

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
    pub fn parse(kind: SecretType, text: &str) -> Result<Self, Invalid> {
        if text.chars().count() > Self::MAX_LEN {
            return Err(Invalid);
        }
        let mut all: Map<String, Value> = serde_json::from_str(text).map_err(|_| Invalid)?;
        let custom = all.remove(CUSTOM_DATA).unwrap_or_default();
        let sub_type = all.get(SUB_TYPE).and_then(Value::as_str).ok_or(Invalid)?.parse()?;
        let mut config = Self { sub_type, target_key: target_key(kind), all };
        config.set_custom_data(custom_data(custom)?)?;
        config.check(kind)?;
        Ok(config)
    }

    /// The text that is kept and shown.
    #[must_use]
    pub fn text(&self) -> String {
        Value::Object(self.all.clone()).to_string()
    }

    /// Replaces `CustomData` as a whole. Fails if the text would be too long. Source: secrets.md §4.8.
    pub fn set_custom_data(&mut self, custom: CustomData) -> Result<(), Invalid> {
        if custom.0.len() > Self::MAX_CUSTOM {
            return Err(Invalid);
        }
        self.all.insert(CUSTOM_DATA.to_owned(), Value::Object(custom.0));
        if self.text().chars().count() > Self::MAX_LEN { Err(Invalid) } else { Ok(()) }
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
        Some([self.word("AccountName")?, self.word("CloneAccountName")?])
    }

    /// What those accounts may do, in the vendor's word.
    #[must_use]
    pub fn privilege(&self) -> Option<&str> {
        self.word("AccountPrivilege")
    }

    /// The database that they may do it in.
    #[must_use]
    pub fn database(&self) -> Option<&str> {
        self.word("DBName")
    }

    fn word(&self, key: &str) -> Option<&str> {
        self.all.get(key).and_then(Value::as_str).filter(|it| !it.is_empty())
    }

    fn check(&self, kind: SecretType) -> Result<(), Invalid> {
        let fits = match kind {
            SecretType::Generic => false,
            SecretType::Rds => {
                matches!(self.sub_type, SubType::SingleUser | SubType::DoubleUsers)
                    && self.target().is_some()
            }
            SecretType::Redis => {
                const PRIVILEGES: [&str; 2] = ["RoleReadOnly", "RoleReadWrite"];
                self.sub_type == SubType::DoubleUsers
                    && self.target().is_some()
                    && self.word("RegionId").is_some()
                    && self.names_pair()
                    && self.privilege().is_some_and(|it| PRIVILEGES.contains(&it))
            }
            SecretType::PolarDb => self.fits_polardb(),
            SecretType::RamCredentials => {
                self.sub_type == SubType::RamUserAccessKey && self.user_name().is_some()
            }
            SecretType::Ecs => {
                matches!(self.sub_type, SubType::Password | SubType::SshKey)
                    && self.target().is_some()
                    && self.word("RegionId").is_some()
            }
        };
        if fits { Ok(()) } else { Err(Invalid) }
    }

    fn fits_polardb(&self) -> bool {
        const PRIVILEGES: [&str; 5] = ["ReadWrite", "ReadOnly", "DMLOnly", "DDLOnly", "ReadIndex"];
        let rights = match self.engine() {
            Some(Engine::MySql) => {
                self.privilege().is_some_and(|it| PRIVILEGES.contains(&it))
                    && self.database().is_some_and(|it| !Engine::MySql.is_system_database(it))
            }
            // What the words mean there holds in the whole cluster: see docs/targets.md.
            Some(Engine::Postgres) => self.privilege().is_none_or(|it| it == "Normal"),
            _ => false,
        };
        rights
            && self.sub_type == SubType::DoubleUsers
            && self.target().is_some()
            && self.word("RegionId").is_some()
            && self.names_pair()
            && self.word("AccountType").is_none_or(|it| it == "Normal")
    }

    /// Whether the two accounts are a name and its clone's. Sixteen characters are what all engines
    /// take. Source: secrets.md §6.3 (both rules: inferred there).
    fn names_pair(&self) -> bool {
        const MAX: usize = 10;
        self.accounts().is_some_and(|[account, clone]| {
            let word = |it: &u8| it.is_ascii_lowercase() || it.is_ascii_digit() || *it == b'_';
            account.len() <= MAX
                && account.starts_with(|it: char| it.is_ascii_lowercase())
                && account.as_bytes().iter().all(word)
                && clone.strip_prefix(account) == Some(CLONE_SUFFIX)
        })
    }
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
    fn what_lacks_something_is_invalid() {
        for (kind, text) in [
            (SecretType::Rds, ""),
            (SecretType::Rds, "[]"),
            (SecretType::Rds, r#"{"DBInstanceId":"rm-1"}"#),
            (SecretType::Rds, r#"{"SecretSubType":"SingleUser"}"#),
            (SecretType::Rds, r#"{"SecretSubType":"SingleUser","DBInstanceId":""}"#),
            (SecretType::Rds, r#"{"SecretSubType":"SingleUser","DBInstanceId":7}"#),
            (SecretType::Rds, r#"{"SecretSubType":"Password","DBInstanceId":"rm-1"}"#),
            (SecretType::Generic, r#"{"SecretSubType":"SingleUser","DBInstanceId":"rm-1"}"#),
            (SecretType::Redis, &REDIS.replace("app_clone", "other")),
            (SecretType::Redis, &REDIS.replace("RoleReadOnly", "RoleAdmin")),
            (SecretType::Redis, &REDIS.replace("app", "application")),
            (SecretType::Redis, &REDIS.replace("\"app", "\"App")),
            (SecretType::PolarDb, &POLARDB.replace("MySQL", "Oracle")),
            (SecretType::PolarDb, &POLARDB.replace("Normal", "Super")),
            (SecretType::PolarDb, &POLARDB.replace("DBName", "Other")),
            (SecretType::RamCredentials, r#"{"SecretSubType":"RamUserAccessKey"}"#),
            (SecretType::Ecs, r#"{"SecretSubType":"Password","InstanceId":"i-1"}"#),
        ] {
            assert!(Config::parse(kind, text).is_err(), "{kind} {text}");
        }
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
            assert!(with(custom).is_err(), "{custom}");
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

//! The kinds of credentials, and what a secret of each is made of.

use serde_json::json;
use yaoku_model::target::Engine;

use super::servers::{FIRST, Servers};

/// A kind of credential on a kind of server; of those whose accounts the program makes, their making
/// is one too.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Kind {
    SingleMariaDb,
    DoubleMariaDb,
    SinglePostgres,
    DoublePostgres,
    PolarMariaDb,
    PolarPostgres,
    Redis,
    Password,
    SshKey,
    MakePolarMariaDb,
    MakePolarPostgres,
    MakeRedis,
    AccessKey,
}

use Kind::{
    AccessKey, DoubleMariaDb, DoublePostgres, MakePolarMariaDb, MakePolarPostgres, MakeRedis,
    Password, PolarMariaDb, PolarPostgres, Redis, SingleMariaDb, SinglePostgres, SshKey,
};

impl Kind {
    pub(super) const ALL: [Self; 13] = [
        SingleMariaDb,
        DoubleMariaDb,
        SinglePostgres,
        DoublePostgres,
        PolarMariaDb,
        PolarPostgres,
        Redis,
        Password,
        SshKey,
        MakePolarMariaDb,
        MakePolarPostgres,
        MakeRedis,
        AccessKey,
    ];

    /// Its server; an access key has none.
    pub(super) fn engine(self) -> Option<Engine> {
        Some(match self {
            SingleMariaDb | DoubleMariaDb | PolarMariaDb | MakePolarMariaDb => Engine::MySql,
            SinglePostgres | DoublePostgres | PolarPostgres | MakePolarPostgres => Engine::Postgres,
            Redis | MakeRedis => Engine::Redis,
            Password | SshKey => Engine::Ssh,
            AccessKey => return None,
        })
    }

    /// Whether the case is about the making of the accounts, and not about a rotation.
    pub(super) fn makes(self) -> bool {
        matches!(self, MakePolarMariaDb | MakePolarPostgres | MakeRedis)
    }

    /// Whether a rotation changes the very password that is current.
    pub(super) fn is_single(self) -> bool {
        matches!(self, SingleMariaDb | SinglePostgres | Password)
    }

    /// Whether the credential before the current one works on, when a rotation is over.
    pub(super) fn keeps_previous(self) -> bool {
        !self.is_single() && self != SshKey
    }

    /// The value of `SecretType`.
    pub(super) fn secret_type(self) -> &'static str {
        match self {
            SingleMariaDb | DoubleMariaDb | SinglePostgres | DoublePostgres => "Rds",
            PolarMariaDb | PolarPostgres | MakePolarMariaDb | MakePolarPostgres => "PolarDB",
            Redis | MakeRedis => "Redis",
            Password | SshKey => "ECS",
            AccessKey => "RAMCredentials",
        }
    }

    /// The name that a secret about this user gets.
    pub(super) fn secret(self, user: &str) -> String {
        match self {
            Password | SshKey => format!("acs/ecs/{user}"),
            AccessKey => format!("acs/ram/user/{user}"),
            _ => format!("fault/{user}"),
        }
    }

    /// `ExtendedConfig`.
    pub(super) fn config(self, user: &str, target: &str) -> String {
        let (clone, region) = (format!("{user}_clone"), "cn-hangzhou");
        match self {
            SingleMariaDb | SinglePostgres => {
                json!({ "SecretSubType": "SingleUser", "DBInstanceId": target })
            }
            DoubleMariaDb | DoublePostgres => {
                json!({ "SecretSubType": "DoubleUsers", "DBInstanceId": target })
            }
            PolarMariaDb | PolarPostgres | MakePolarMariaDb | MakePolarPostgres => {
                let (kind, privilege, database) = match self.engine() {
                    Some(Engine::MySql) => ("MySQL", "ReadWrite", "shop"),
                    _ => ("PostgreSQL", "Normal", ""),
                };
                json!({ "SecretSubType": "DoubleUsers", "DBClusterId": target, "RegionId": region,
                    "DBType": kind, "AccountName": user, "CloneAccountName": clone,
                    "AccountPrivilege": privilege, "DBName": database })
            }
            Redis | MakeRedis => {
                json!({ "SecretSubType": "DoubleUsers", "InstanceId": target, "RegionId": region,
                    "AccountName": user, "CloneAccountName": clone,
                    "AccountPrivilege": "RoleReadWrite" })
            }
            Password => {
                json!({ "SecretSubType": "Password", "InstanceId": target, "RegionId": region })
            }
            SshKey => {
                json!({ "SecretSubType": "SSHKey", "InstanceId": target, "RegionId": region })
            }
            AccessKey => json!({ "SecretSubType": "RamUserAccessKey", "UserName": user }),
        }
        .to_string()
    }

    /// `SecretData`, but for access keys, which are made first.
    pub(super) fn data(self, user: &str, servers: &Servers) -> String {
        match self {
            Password => json!({ "UserName": user, "Password": FIRST }).to_string(),
            SshKey => {
                let (public, private) = &servers.pair;
                json!({ "UserName": user, "PublicKey": public, "PrivateKey": private }).to_string()
            }
            SingleMariaDb | DoubleMariaDb | SinglePostgres | DoublePostgres => {
                json!({ "Accounts": [{ "AccountName": user, "AccountPassword": FIRST }] })
                    .to_string()
            }
            _ => "$Auto".to_owned(),
        }
    }
}

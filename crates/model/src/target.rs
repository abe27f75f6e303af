//! Targets: the servers whose credentials managed secrets turn. A deployment of its own has no RDS, so
//! its operator registers real servers under the ids that the API uses. Our own; secrets.md §6.9.

use crate::{
    ids::{AccountId, SecretName, TargetId},
    key::words,
    time::Timestamp,
};

words! {
    /// What speaks at the other end.
    Engine {
        /// `MySQL` or `MariaDB`: Rds, `PolarDB`.
        MySql = "MySQL",
        /// PostgreSQL: Rds, `PolarDB`.
        Postgres = "PostgreSQL",
        /// Redis 6 or later, with access control lists.
        Redis = "Redis",
        /// A server by SSH: ECS.
        Ssh = "SSH",
    }
}

impl Engine {
    /// Whether a database is one that the server keeps for itself. Who may read such a one may read the
    /// hashes of everybody's passwords. Source: the manuals of `MySQL` and `MariaDB`, which take
    /// `#mysql50#` before a name for the same database.
    #[must_use]
    pub fn is_system_database(self, name: &str) -> bool {
        const OWN: [&str; 4] = ["information_schema", "mysql", "performance_schema", "sys"];
        let name = name.strip_prefix("#mysql50#").unwrap_or(name);
        self == Self::MySql && OWN.iter().any(|it| it.eq_ignore_ascii_case(name))
    }
}

words! {
    /// How the connection is protected. SSH always is, by the host key.
    TlsMode {
        /// Not at all: for loopback and private networks.
        Off = "off",
        /// TLS, and the server's certificate must be for its host, by an authority that is trusted.
        Verify = "verify",
    }
}

/// A server, and how to administer it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Target {
    /// Whose it is.
    pub account: AccountId,
    /// What secrets call it: `rm-…`, `r-…`, `pc-…`, `i-…`.
    pub id: TargetId,
    /// What it speaks.
    pub engine: Engine,
    /// Its name or address, at most 253 characters.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: TlsMode,
    /// The authorities that its certificate may be by, PEM; `None` is those that the machine trusts.
    pub ca: Option<String>,
    /// SSH: the one host key that is taken for it, as OpenSSH writes public keys.
    pub host_key: Option<String>,
    /// The secret of the same account that holds its administrator's credential, in the form that
    /// secrets of its engine have.
    pub admin: SecretName,
    /// When it was registered.
    pub created: Timestamp,
    /// When it was last changed.
    pub updated: Timestamp,
}

impl Target {
    /// The longest host, in characters. Source: RFC 1035 §2.3.4, as text.
    pub const MAX_HOST: usize = 253;
}

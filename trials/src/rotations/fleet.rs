//! The servers: as many of each kind as so many accounts want, and what is on them beforehand.

use std::{fmt, sync::LazyLock};

use yaoku_model::target::Engine;
use yaoku_targets::testing::TestServer;

/// How many secrets are of one server. A Redis server writes all its accounts down after each change
/// of one, and does nothing else then: a thousand accounts are more than any is made for. Our choice.
const MOST: [(Kind, usize); 4] =
    [(Kind::Redis, 100), (Kind::MariaDb, 1500), (Kind::Postgres, 1500), (Kind::Ssh, 1500)];

/// How many accounts are made in one statement.
const AT_ONCE: usize = 100;

/// What a secret is of.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Kind {
    /// The access keys of a RAM user.
    Ram,
    Redis,
    MariaDb,
    Postgres,
    Ssh,
}

impl Kind {
    pub(super) const ALL: [Self; 5] =
        [Self::Ram, Self::Redis, Self::MariaDb, Self::Postgres, Self::Ssh];

    /// Of 200 secrets.
    fn share(self) -> usize {
        match self {
            Self::Ram | Self::Redis => 80,
            Self::MariaDb => 30,
            Self::Postgres => 9,
            Self::Ssh => 1,
        }
    }
}

/// All of them.
#[derive(Debug)]
pub(super) struct Fleet {
    /// How many secrets of each kind there are.
    pub(super) counts: Vec<(Kind, usize)>,
    servers: Vec<Server>,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) kind: Kind,
    /// What secrets call it.
    pub(super) id: String,
    pub(super) real: TestServer,
}

impl Fleet {
    /// Starts what so many secrets want, with the accounts that must be there.
    pub(super) fn start(secrets: usize) -> Self {
        let count = |kind: Kind| (kind, (secrets * kind.share() / 200).max(2));
        let counts = Kind::ALL.map(count).to_vec();
        let mut servers = Vec::new();
        for (kind, most) in MOST {
            let count = counts.iter().find(|it| it.0 == kind).map_or(0, |it| it.1);
            for nth in 0..count.div_ceil(most) {
                let real = TestServer::start(engine(kind), "");
                servers.push(Server { kind, id: format!("{kind:?}-{nth}").to_lowercase(), real });
            }
        }
        let fleet = Self { counts, servers };
        for (kind, count) in &fleet.counts {
            fleet.make_accounts(*kind, *count);
        }
        fleet
    }

    /// The server that a secret is of; an access key's is of none.
    pub(super) fn server(&self, kind: Kind, nth: usize) -> Option<&Server> {
        let its: Vec<_> = self.servers.iter().filter(|it| it.kind == kind).collect();
        its.get(nth % its.len().max(1)).copied()
    }

    pub(super) fn servers(&self) -> &[Server] {
        &self.servers
    }

    fn make_accounts(&self, kind: Kind, count: usize) {
        let its: Vec<_> = self.servers.iter().filter(|it| it.kind == kind).collect();
        for (place, server) in its.iter().enumerate() {
            let nths: Vec<_> = (place..count).step_by(its.len()).collect();
            for some in nths.chunks(AT_ONCE) {
                let names = some.iter().flat_map(|nth| accounts(kind, *nth));
                let all: String = names.map(|name| creation(kind, &name)).collect();
                if !all.is_empty() {
                    server.real.run(&all);
                }
            }
        }
    }
}

/// What makes an account; nothing for those that are made with their secrets.
fn creation(kind: Kind, name: &str) -> String {
    match kind {
        Kind::MariaDb => format!("CREATE USER '{name}'@'%' IDENTIFIED BY '{FIRST}';"),
        Kind::Postgres => format!("CREATE ROLE {name} LOGIN PASSWORD '{FIRST}';"),
        Kind::Ssh => {
            let public = &pair().0;
            format!(
                "useradd --create-home --home-dir /run/{name} {name}; echo {name}:{FIRST} | chpasswd; \
                 mkdir /run/{name}/.ssh; echo '{public}' >/run/{name}/.ssh/authorized_keys; \
                 chown -R {name}: /run/{name}/.ssh\n"
            )
        }
        Kind::Ram | Kind::Redis => String::new(),
    }
}

impl fmt::Display for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (kind, count) in &self.counts {
            let servers = self.servers.iter().filter(|it| it.kind == *kind).count();
            write!(f, "{kind:?} {count} ({servers} servers), ")?;
        }
        write!(f, "{} secrets", self.counts.iter().map(|it| it.1).sum::<usize>())
    }
}

/// The password of every account at first.
pub(super) const FIRST: &str = "first-One1";

/// The key pair of every user of an SSH server at first: public, private. Nobody can log in if none can
/// be made.
pub(super) fn pair() -> &'static (String, String) {
    static PAIR: LazyLock<(String, String)> =
        LazyLock::new(|| crate::key_pair::make().unwrap_or_default());
    &PAIR
}

/// The names of a secret's accounts: one, or two that take turns.
pub(super) fn accounts(kind: Kind, nth: usize) -> Vec<String> {
    let name = format!("u{nth}");
    match kind {
        Kind::MariaDb | Kind::Postgres if !nth.is_multiple_of(2) => vec![name],
        Kind::MariaDb | Kind::Postgres | Kind::Redis => vec![name.clone(), format!("{name}_clone")],
        Kind::Ram | Kind::Ssh => vec![name],
    }
}

/// The engine that a kind's servers are.
pub(super) fn engine(kind: Kind) -> Engine {
    match kind {
        Kind::MariaDb => Engine::MySql,
        Kind::Postgres => Engine::Postgres,
        Kind::Redis | Kind::Ram => Engine::Redis,
        Kind::Ssh => Engine::Ssh,
    }
}

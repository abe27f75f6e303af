//! The servers: one of each engine for all cases, and one more of each that can be made read-only.

use std::path::PathBuf;

use anyhow::Context as _;
use yaoku_model::{secret::Credential, target::Engine};
use yaoku_targets::{
    Login, Proof,
    testing::{TestServer, login},
};

use super::{
    kind::Kind,
    proxy::{Plan, Sign, Step},
};

/// The password of accounts before their first rotation.
pub(super) const FIRST: &str = "first-One1";

/// Who administers `MariaDB`: anybody with all rights may write to a server that is read-only.
const KEEPER: &str = "keeper";

/// Others change accounts at the same time, and hold locks.
const AGAIN: &str =
    "again() { n=0; until \"$@\" 2>/dev/null; do n=$((n + 1)); [ $n -lt 100 ]; sleep 0.05; done; }";

/// A server of each engine.
#[derive(Debug)]
pub(super) struct Servers {
    mariadb: TestServer,
    postgres: TestServer,
    redis: TestServer,
    ssh: TestServer,
    /// A key pair that users of SSH have at first: public, private.
    pub(super) pair: (String, String),
}

impl Servers {
    /// Starts them.
    pub(super) fn start() -> anyhow::Result<Self> {
        let start = |engine| std::thread::spawn(move || TestServer::start(engine, ""));
        let [mariadb, postgres, redis, ssh] =
            [Engine::MySql, Engine::Postgres, Engine::Redis, Engine::Ssh].map(start);
        let joined = |it: std::thread::JoinHandle<TestServer>| {
            it.join().ok().context("a server does not start")
        };
        let it = Self {
            mariadb: joined(mariadb)?,
            postgres: joined(postgres)?,
            redis: joined(redis)?,
            ssh: joined(ssh)?,
            pair: crate::key_pair::make()?,
        };
        it.mariadb.run(&format!(
            "CREATE USER {KEEPER}@'%' IDENTIFIED BY '{FIRST}'; \
             GRANT ALL ON *.* TO {KEEPER}@'%' WITH GRANT OPTION; \
             REVOKE READ_ONLY ADMIN, SUPER ON *.* FROM {KEEPER}@'%'"
        ));
        Ok(it)
    }

    /// The one that speaks this.
    pub(super) fn of(&self, engine: Engine) -> &TestServer {
        match engine {
            Engine::MySql => &self.mariadb,
            Engine::Postgres => &self.postgres,
            Engine::Redis => &self.redis,
            Engine::Ssh => &self.ssh,
        }
    }

    /// The value of the secret that holds the administrator's credential, right or wrong.
    pub(super) fn admin(&self, engine: Engine, right: bool) -> anyhow::Result<String> {
        let real = self.of(engine).admin();
        let Login { user, proof } =
            if engine == Engine::MySql { login(KEEPER, FIRST) } else { real };
        let Proof::Password(password) = proof else { anyhow::bail!("no password") };
        let password = if right { password } else { "surely-Wrong1".parse()? };
        let credential = match engine {
            Engine::Ssh => Credential::Password { user, password },
            _ => Credential::Account { name: user, password },
        };
        Ok(credential.data()?.expose_text().to_owned())
    }

    /// Makes the accounts that must be there before their secrets.
    pub(super) fn make_users(&self, all: &[(Kind, String)]) {
        let each = |engine, line: &dyn Fn(Kind, &str) -> String| {
            let these = all.iter().filter(|(kind, _)| {
                kind.engine() == Some(engine) && (kind.secret_type() != "PolarDB")
            });
            let lines: Vec<_> = these.map(|(kind, user)| line(*kind, user)).collect();
            if !lines.is_empty() {
                self.of(engine).run(&lines.join("; "));
            }
        };
        each(Engine::MySql, &|_, user| {
            format!(
                "CREATE USER {user}@'%' IDENTIFIED BY '{FIRST}'; GRANT SELECT ON shop.* TO {user}@'%'"
            )
        });
        each(Engine::Postgres, &|_, user| format!("CREATE ROLE {user} LOGIN PASSWORD '{FIRST}'"));
        let public = &self.pair.0;
        each(Engine::Ssh, &|_, user| {
            format!(
                "home=$(dirname $(getent passwd app | cut -d: -f6))/{user}; \
                 {AGAIN}; again useradd --create-home --home-dir $home --shell /bin/sh {user}; \
                 password() {{ echo {user}:{FIRST} | chpasswd; }}; again password; mkdir $home/.ssh; \
                 echo '{public}' >$home/.ssh/authorized_keys; chown -R {user}: $home/.ssh"
            )
        });
    }

    /// Makes all of them take no changes, or takes that away.
    pub(super) fn set_read_only(&self, on: bool) {
        self.mariadb.run(&format!("SET GLOBAL read_only = {}", u8::from(on)));
        let word = if on { "SET" } else { "RESET" };
        let value = if on { " = on" } else { "" };
        self.postgres.run(&format!("ALTER SYSTEM {word} default_transaction_read_only{value}"));
        self.postgres.run("SELECT pg_reload_conf()");
        self.redis.run(if on { "replicaof 127.0.0.1 1" } else { "replicaof no one" });
        let home = "home=$(dirname $(getent passwd app | cut -d: -f6))";
        self.ssh.run(&if on {
            format!(
                "{home}; {AGAIN}; mount --bind $home $home; again mount -o remount,ro,bind $home; \
                 again mount -o remount,ro,bind /etc"
            )
        } else {
            format!("{home}; umount -l $home; mount -o remount,rw,bind /etc")
        });
    }

    /// What a rotation of this kind, or the making of its accounts, looks like from between.
    pub(super) fn plan(
        &self,
        kind: Kind,
        user: &str,
        step: Step,
        dice: &mut fastrand::Rng,
    ) -> Plan {
        let new = kind.makes() || matches!(kind, Kind::DoubleMariaDb | Kind::DoublePostgres);
        let words = match kind.engine() {
            Some(Engine::MySql) if new && step == Step::Change => {
                ["CREATE USER", "GRANT ", "RENAME USER"][dice.usize(..3)]
            }
            Some(Engine::MySql) if new => "RENAME USER",
            Some(Engine::MySql) => "ALTER USER",
            Some(Engine::Postgres) if new => "CREATE ROLE",
            Some(Engine::Postgres) => "ALTER ROLE",
            _ => ["SETUSER", "REWRITE"][dice.usize(..2)],
        };
        let files = || PathBuf::from(self.ssh.files());
        let sign = match kind {
            Kind::Password => Sign::Lines(files().join("etc/shadow"), format!("{user}:")),
            Kind::SshKey => {
                let home = self.ssh.run(&format!("getent passwd {user} | cut -d: -f6"));
                let home = files().join(home.trim_start_matches('/'));
                Sign::Lines(home.join(".ssh/authorized_keys"), "ssh-rsa".to_owned())
            }
            _ => Sign::Words(words),
        };
        let (let_in, ready) = match kind.engine() {
            Some(Engine::MySql) => (2, 0),
            Some(Engine::Postgres) => (3, 0),
            Some(Engine::Ssh) => (5, 6),
            _ => (1, 0),
        };
        Plan { step, sign, let_in, ready }
    }
}

//! `yaoku target`: the servers whose credentials managed secrets turn.

use std::{
    fmt::Write as _,
    io::Read as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;
use yaoku_server::api::Product;

use super::{Answer, Leave, Reach};
use crate::{
    exchange::text,
    screen::{harmless, table},
};

/// Registers, checks, lists, shows and removes servers whose credentials managed secrets turn.
#[derive(Debug, Args)]
pub(crate) struct Target {
    #[command(flatten)]
    reach: Reach,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Put(Put),
    /// Logs in to one as its administrator, looks whether rotations will find what they need, and says
    /// what is wrong and what would end it.
    ///
    /// Nothing is changed there. Exit status: 0 if it works, 1 if not.
    Check {
        /// Its id.
        id: String,
    },
    /// Lists them.
    List,
    /// Shows one.
    Show {
        /// Its id.
        id: String,
    },
    /// Removes one. Secrets that name it stay, and their next rotation fails. If there is none, nothing
    /// is done.
    Delete {
        /// Its id.
        id: String,
        #[command(flatten)]
        leave: Leave,
    },
}

/// Registers a server, or changes one: all of it, each time.
#[derive(Debug, Args)]
struct Put {
    /// What secrets call it: their `DBInstanceId`, `DBClusterId` or `InstanceId`.
    id: String,
    /// What it speaks.
    #[arg(long, value_enum, ignore_case = true)]
    engine: Engine,
    /// Its name or address.
    #[arg(long)]
    host: String,
    /// Its port.
    #[arg(long)]
    port: u16,
    /// How it is reached: with TLS (the default), or without, for loopback and private networks. SSH
    /// has a host key instead.
    #[arg(long, value_enum, value_name = "MODE")]
    tls: Option<Tls>,
    /// The file with the authorities that its certificate may be by. Without it, the machine's.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// SSH: the file with its public host key, Ed25519 or ECDSA, as `ssh-keyscan`, `known_hosts` or
    /// `/etc/ssh/ssh_host_*_key.pub` have it; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    host_key: Option<PathBuf>,
    /// The secret that holds its administrator's credential, in the form that secrets of its engine
    /// have: `{"AccountName":…,"AccountPassword":…}`.
    #[arg(long, value_name = "SECRET")]
    admin_secret: String,
}

/// What a server speaks.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Engine {
    #[value(name = "MySQL", alias = "MariaDB", help = "MySQL or MariaDB")]
    MySql,
    #[value(name = "PostgreSQL", help = "PostgreSQL 14 or later")]
    Postgres,
    #[value(name = "Redis", help = "Redis 6 or later")]
    Redis,
    #[value(name = "SSH", help = "A Linux server by SSH")]
    Ssh,
}

/// How a server is reached.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Tls {
    /// With TLS: its certificate must be for its host, by an authority that is trusted.
    Verify,
    /// Without.
    Off,
}

/// The word of the API for a value of an option: the same.
fn word(it: &impl ValueEnum) -> String {
    it.to_possible_value().map(|it| it.get_name().to_owned()).unwrap_or_default()
}

impl Target {
    /// Does it.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let reach = &self.reach;
        match self.verb {
            Verb::Put(it) => it.call(reach).await,
            Verb::Check { id } => {
                let params = [("TargetId", Some(&*id))];
                let asked = reach.ask(Product::Yaoku, "CheckTarget", &params).await?;
                let works = asked.as_ref().is_ok_and(|it| it.json()["Works"] == true);
                let told = reach.tell(asked, checked)?;
                Ok(if works { told } else { ExitCode::FAILURE })
            }
            Verb::List => {
                let columns = [
                    ("TARGET", "/TargetId"),
                    ("ENGINE", "/Engine"),
                    ("HOST", "/Host"),
                    ("PORT", "/Port"),
                    ("ADMINISTRATOR", "/AdminSecret"),
                ];
                let show = |it: &Answer| table(it.list("/Targets/Target"), &columns);
                reach.call("ListTargets", &[], show).await
            }
            Verb::Show { id } => reach.call("GetTarget", &[("TargetId", Some(&id))], shown).await,
            Verb::Delete { id, leave } => {
                let params = [("TargetId", Some(&*id))];
                let question = format!("Remove target {id}?");
                let removed = format!("{id} is removed.\n");
                let absent = format!("{id} is not registered: nothing to remove.\n");
                let actions = ["GetTarget", "DeleteTarget"];
                reach.remove(actions, &params, (&leave, &question), [removed, absent]).await
            }
        }
    }
}

/// What was found wrong, each with what would end it, and whether it works all the same.
fn checked(it: &Answer) -> String {
    let mut said = String::new();
    for problem in it.list("/Problems/Problem") {
        let of = |path| harmless(text(problem, path));
        let scope = if problem["StopsAll"] == true { "" } else { " (some rotations only)" };
        // Writing to a string cannot fail.
        _ = writeln!(
            said,
            "{}{scope}: {}.\n  To end it: {}",
            of("/Fault"),
            of("/Message"),
            of("/Remedy")
        );
    }
    let works = it.json()["Works"] == true;
    said + if works { "It works.\n" } else { "It does not work: nothing can be rotated there.\n" }
}

fn shown(it: &Answer) -> String {
    let of = |name: &str| harmless(it.text(&format!("/Target/{name}"))).into_owned();
    let mut said = format!(
        "{} {}\nat: {} port {}\nTLS: {}\n",
        of("Engine"),
        of("TargetId"),
        of("Host"),
        of("Port"),
        of("Tls"),
    );
    for authority in it.list("/Target/Authorities/Authority") {
        _ = writeln!(said, "authority: {}", of_authority(authority));
    }
    if let Some(kind) = of("HostKey").split(' ').next().filter(|it| !it.is_empty()) {
        _ = writeln!(said, "host key: {} ({kind})", of("HostKeyFingerprint"));
    }
    said + &format!("administrator: secret {}\n", of("AdminSecret"))
}

fn of_authority(it: &Value) -> String {
    let of = |path| harmless(text(it, path));
    format!("{}, until {}, SHA-256 {}", of("/Subject"), of("/NotAfter"), of("/Fingerprint"))
}

/// A host key's file.
fn read_host_key(file: &Path) -> anyhow::Result<String> {
    if file == Path::new("-") {
        let mut read = String::new();
        std::io::stdin().lock().read_to_string(&mut read)?;
        return Ok(read);
    }
    if file.display().to_string().contains("AAAA") && !file.exists() {
        bail!("--host-key takes a file with the key, or - for standard input, not the key itself");
    }
    read(file)
}

fn read(file: &Path) -> anyhow::Result<String> {
    let unreadable = || format!("{} cannot be read", file.display());
    std::fs::read_to_string(file).with_context(unreadable)
}

impl Put {
    async fn call(&self, reach: &Reach) -> anyhow::Result<ExitCode> {
        let ca = self.ca.as_deref().map(read).transpose()?;
        let host_key = self.host_key.as_deref().map(read_host_key).transpose()?;
        let (engine, tls) = (word(&self.engine), self.tls.as_ref().map(word));
        let port = self.port.to_string();
        let params = [
            ("TargetId", Some(&*self.id)),
            ("Engine", Some(&*engine)),
            ("Host", Some(&*self.host)),
            ("Port", Some(&*port)),
            ("Tls", tls.as_deref()),
            ("Ca", ca.as_deref()),
            ("HostKey", host_key.as_deref()),
            ("AdminSecret", Some(&*self.admin_secret)),
        ];
        reach.call("PutTarget", &params, shown).await
    }
}

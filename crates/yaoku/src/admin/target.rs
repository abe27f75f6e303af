//! `yaoku target`: the servers whose credentials managed secrets turn.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::{Answer, Leave, NOT_CONFIRMED, Reach};
use crate::screen::{harmless, table};

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
    /// Logs in to one as its administrator, and says whether that works.
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
    /// Removes one. Secrets that name it stay, and their next rotation fails.
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
    /// `MySQL` (`MariaDB` too), `PostgreSQL`, `Redis` or `SSH`.
    #[arg(long)]
    engine: String,
    /// Its name or address.
    #[arg(long)]
    host: String,
    /// Its port.
    #[arg(long)]
    port: u16,
    /// `verify` (the default) or `off`, for loopback and private networks. SSH has a host key instead.
    #[arg(long, value_name = "MODE")]
    tls: Option<String>,
    /// The file with the authorities that its certificate may be by. Without it, the machine's.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// SSH: the file with its public host key, as `ssh-keyscan` or `/etc/ssh/*.pub` have it.
    #[arg(long, value_name = "FILE")]
    host_key: Option<PathBuf>,
    /// The secret that holds its administrator's credential, in the form that secrets of its engine
    /// have: `{"AccountName":…,"AccountPassword":…}`.
    #[arg(long, value_name = "SECRET")]
    admin_secret: String,
}

impl Target {
    /// Does it.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let reach = &self.reach;
        match self.verb {
            Verb::Put(it) => it.call(reach).await,
            Verb::Check { id } => {
                reach.call("CheckTarget", &[("TargetId", Some(&id))], checked).await
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
                if !leave.given(&format!("Remove target {id}?"))? {
                    return Ok(NOT_CONFIRMED.into());
                }
                let show = |_: &Answer| format!("{id} is removed.\n");
                reach.call("DeleteTarget", &[("TargetId", Some(&id))], show).await
            }
        }
    }
}

fn checked(it: &Answer) -> String {
    match it.text("/Fault") {
        "" => "It works.\n".to_owned(),
        fault => format!("{fault}: {}.\n", harmless(it.text("/Message"))),
    }
}

fn shown(it: &Answer) -> String {
    let text = |name: &str| harmless(it.text(&format!("/Target/{name}"))).into_owned();
    format!(
        "{} {}\nat: {} port {}\nTLS: {}\nadministrator: secret {}\n",
        text("Engine"),
        text("TargetId"),
        text("Host"),
        text("Port"),
        text("Tls"),
        text("AdminSecret"),
    )
}

impl Put {
    async fn call(&self, reach: &Reach) -> anyhow::Result<ExitCode> {
        let read = |file: &PathBuf| {
            let unreadable = || format!("{} cannot be read", file.display());
            std::fs::read_to_string(file).with_context(unreadable)
        };
        let ca = self.ca.as_ref().map(read).transpose()?;
        let host_key = self.host_key.as_ref().map(read).transpose()?;
        let port = self.port.to_string();
        let params = [
            ("TargetId", Some(&*self.id)),
            ("Engine", Some(&*self.engine)),
            ("Host", Some(&*self.host)),
            ("Port", Some(&*port)),
            ("Tls", self.tls.as_deref()),
            ("Ca", ca.as_deref()),
            ("HostKey", host_key.as_deref()),
            ("AdminSecret", Some(&*self.admin_secret)),
        ];
        reach.call("PutTarget", &params, shown).await
    }
}

//! `yaoku policy`: what users may do.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::{Answer, Leave, NOT_CONFIRMED, Reach};
use crate::screen::table;

/// Makes, lists, deletes, attaches and detaches policies.
#[derive(Debug, Args)]
pub(crate) struct Policy {
    #[command(flatten)]
    reach: Reach,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Makes a policy of a document.
    Create {
        /// Its name.
        name: String,
        /// The file with the document.
        #[arg(long)]
        file: PathBuf,
    },
    /// Lists the policies that can be attached, or those that a user has.
    List {
        /// The user.
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
    },
    /// Deletes a policy that nobody has.
    Delete {
        /// Its name.
        name: String,
        #[command(flatten)]
        leave: Leave,
    },
    /// Gives a user what a policy says.
    Attach(Pair),
    /// Takes from a user what a policy says.
    Detach(Pair),
}

/// A policy and a user.
#[derive(Debug, Args)]
struct Pair {
    /// The policy's name.
    name: String,
    /// The user.
    #[arg(long, value_name = "NAME")]
    user: String,
}

impl Policy {
    /// Does it.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let reach = &self.reach;
        match self.verb {
            Verb::Create { name, file } => {
                let document = std::fs::read_to_string(&file)
                    .with_context(|| format!("{} cannot be read", file.display()))?;
                let params = [("PolicyName", Some(&*name)), ("PolicyDocument", Some(&document))];
                let show = |it: &Answer| format!("{}\n", it.text("/Policy/PolicyName"));
                reach.call("CreatePolicy", &params, show).await
            }
            Verb::List { user } => list(reach, user.as_deref()).await,
            Verb::Delete { name, leave } => {
                if !leave.given(&format!("Delete policy {name}?"))? {
                    return Ok(NOT_CONFIRMED.into());
                }
                let show = |_: &Answer| format!("{name} is deleted.\n");
                reach.call("DeletePolicy", &[("PolicyName", Some(&name))], show).await
            }
            Verb::Attach(it) => it.call(reach, "AttachPolicy", "is attached to").await,
            Verb::Detach(it) => it.call(reach, "DetachPolicy", "is detached from").await,
        }
    }
}

async fn list(reach: &Reach, user: Option<&str>) -> anyhow::Result<ExitCode> {
    let columns = [("POLICY", "/PolicyName"), ("TYPE", "/PolicyType"), ("", "/Description")];
    let show = |it: &Answer| table(it.list("/Policies/Policy"), &columns);
    let action = if user.is_some() { "ListAttachedPolicies" } else { "ListPolicies" };
    reach.call(action, &[("UserName", user)], show).await
}

impl Pair {
    async fn call(&self, reach: &Reach, action: &str, done: &str) -> anyhow::Result<ExitCode> {
        let Self { name, user } = self;
        let params = [("PolicyName", Some(&**name)), ("UserName", Some(user))];
        reach.call(action, &params, |_| format!("{name} {done} {user}.\n")).await
    }
}

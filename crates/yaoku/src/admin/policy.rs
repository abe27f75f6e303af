//! `yaoku policy`: what users may do.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

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
    /// Says whether somebody may do something, and which statement decides.
    Simulate {
        /// Who: `root`, `user/<name>` or `role/<name>`.
        #[arg(long, value_name = "WHO")]
        principal: String,
        #[command(flatten)]
        what: What,
        /// What a role's session was narrowed to: a file with a policy.
        #[arg(long, value_name = "FILE")]
        session_policy: Option<PathBuf>,
    },
    /// Lists everybody who may do something, and by which statement.
    WhoCan(What),
}

/// What is done to what.
#[derive(Debug, Args)]
struct What {
    /// What is done: `kms:Encrypt`, say.
    #[arg(long)]
    action: String,
    /// To what: an ARN, or `*`.
    #[arg(long, value_name = "ARN")]
    resource: String,
    /// The value of a condition key; may be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    context: Vec<String>,
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
                let document = read(&file)?;
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
            Verb::Simulate { principal, what, session_policy } => {
                let narrowed = session_policy.map(|it| read(&it)).transpose()?;
                let mut params = what.params()?;
                params.push(("Principal".to_owned(), principal));
                params.extend(narrowed.map(|it| ("SessionPolicy".to_owned(), it)));
                call(reach, "SimulatePolicy", &params, simulated).await
            }
            Verb::WhoCan(what) => call(reach, "ListWhoCan", &what.params()?, who_can).await,
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

impl What {
    fn params(self) -> anyhow::Result<Vec<(String, String)>> {
        let mut params =
            vec![("Action".to_owned(), self.action), ("Resource".to_owned(), self.resource)];
        for (at, pair) in (1..).zip(self.context) {
            let (key, value) = pair.split_once('=').context("--context is KEY=VALUE")?;
            params.push((format!("Context.{at}.Key"), key.to_owned()));
            params.push((format!("Context.{at}.Value"), value.to_owned()));
        }
        Ok(params)
    }
}

async fn call(
    reach: &Reach,
    action: &str,
    params: &[(String, String)],
    show: impl FnOnce(&Answer) -> String,
) -> anyhow::Result<ExitCode> {
    let params: Vec<_> = params.iter().map(|(name, value)| (&**name, Some(&**value))).collect();
    reach.call(action, &params, show).await
}

fn read(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))
}

/// What decides: a layer, a policy's name and the number of its statement.
const DECIDED: [(&str, &str); 4] = [
    ("LAYER", "/Layer"),
    ("VERDICT", "/Verdict"),
    ("POLICY", "/PolicyName"),
    ("STATEMENT", "/Statement"),
];

fn simulated(answer: &Answer) -> String {
    let decision = answer.text("/Decision");
    format!("{decision}\n\n{}", table(answer.list("/Layers/Layer"), &DECIDED))
}

fn who_can(answer: &Answer) -> String {
    let columns = [
        ("WHO", "/Principal"),
        ("LAYER", "/DecidedBy/Layer"),
        ("POLICY", "/DecidedBy/PolicyName"),
        ("STATEMENT", "/DecidedBy/Statement"),
    ];
    let own = table(answer.list("/Principals/Principal"), &columns);
    let others = answer.list("/OtherAccounts/Principal");
    if others.is_empty() {
        return own;
    }
    let others = table(others, &[("IF THEIR OWN ACCOUNT LETS THEM", "")]);
    format!("{own}\n{others}")
}

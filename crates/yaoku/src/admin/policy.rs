//! `yaoku policy`: what users, groups and roles may do.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use clap::{ArgGroup, Args, Subcommand};
use yaoku_model::{identity::PolicyType, policy::system};

use super::{Answer, Leave, NOT_CONFIRMED, Reach};
use crate::screen::table;

/// Makes, lists, deletes, attaches, detaches and explains policies.
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
        /// What it is for.
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
    },
    /// Shows a policy's document.
    Show {
        /// Its name.
        name: String,
    },
    /// Gives a policy another document, as a new version that counts from now on.
    ///
    /// Of five versions, the oldest that does not count goes.
    Update {
        /// Its name.
        name: String,
        /// The file with the document.
        #[arg(long)]
        file: PathBuf,
    },
    /// Lists the policies that can be attached, or those that somebody has.
    List(Holder),
    /// Deletes a policy that nobody has, with its versions.
    Delete {
        /// Its name.
        name: String,
        #[command(flatten)]
        leave: Leave,
    },
    /// Gives somebody what a policy says.
    Attach(Pair),
    /// Takes from somebody what a policy says.
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

/// A policy and who gets or loses it.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("holder").required(true).args(["user", "group", "role"])))]
struct Pair {
    /// The policy's name.
    name: String,
    #[command(flatten)]
    holder: Holder,
}

/// Who has policies.
#[derive(Debug, Args)]
struct Holder {
    /// The user.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["group", "role"])]
    user: Option<String>,
    /// The group.
    #[arg(long, value_name = "NAME", conflicts_with = "role")]
    group: Option<String>,
    /// The role.
    #[arg(long, value_name = "NAME")]
    role: Option<String>,
}

impl Policy {
    /// Does it.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let reach = &self.reach;
        match self.verb {
            Verb::Create { name, file, description } => {
                let document = read(&file)?;
                let params = [
                    ("PolicyName", Some(&*name)),
                    ("PolicyDocument", Some(&document)),
                    ("Description", description.as_deref()),
                ];
                let show = |it: &Answer| format!("{}\n", it.text("/Policy/PolicyName"));
                reach.ram("CreatePolicy", &params, show).await
            }
            Verb::Show { name } => {
                let params = [("PolicyName", Some(&*name)), ("PolicyType", Some(type_of(&name)))];
                let show =
                    |it: &Answer| format!("{}\n", it.text("/DefaultPolicyVersion/PolicyDocument"));
                reach.ram("GetPolicy", &params, show).await
            }
            Verb::Update { name, file } => {
                let document = read(&file)?;
                let params = [
                    ("PolicyName", Some(&*name)),
                    ("PolicyDocument", Some(&document)),
                    ("SetAsDefault", Some("true")),
                    ("RotateStrategy", Some(OLDEST_GOES)),
                ];
                let show = |it: &Answer| {
                    format!("{name} is at version {}.\n", it.text("/PolicyVersion/VersionId"))
                };
                reach.ram("CreatePolicyVersion", &params, show).await
            }
            Verb::List(holder) => list(reach, &holder).await,
            Verb::Delete { name, leave } => {
                if !leave.given(&format!("Delete policy {name} with its versions?"))? {
                    return Ok(NOT_CONFIRMED.into());
                }
                let params = [("PolicyName", Some(&*name)), ("CascadingDelete", Some("true"))];
                reach.ram("DeletePolicy", &params, |_| format!("{name} is deleted.\n")).await
            }
            Verb::Attach(it) => it.call(reach, "AttachPolicyTo", "is attached to").await,
            Verb::Detach(it) => it.call(reach, "DetachPolicyFrom", "is detached from").await,
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

async fn list(reach: &Reach, holder: &Holder) -> anyhow::Result<ExitCode> {
    let columns =
        [("POLICY", "/PolicyName"), ("TYPE", "/PolicyType"), ("DESCRIPTION", "/Description")];
    let Some((kind, name)) = holder.named() else {
        return reach.ram_list("ListPolicies", ["Policies", "Policy"], &columns).await;
    };
    let params = [(&*format!("{kind}Name"), Some(name))];
    let show = |it: &Answer| table(it.list("/Policies/Policy"), &columns);
    reach.ram(&format!("ListPoliciesFor{kind}"), &params, show).await
}

impl Holder {
    /// In RAM's words, and its name.
    fn named(&self) -> Option<(&'static str, &str)> {
        let user = self.user.as_deref().map(|it| ("User", it));
        let group = self.group.as_deref().map(|it| ("Group", it));
        user.or(group).or(self.role.as_deref().map(|it| ("Role", it)))
    }
}

impl Pair {
    async fn call(&self, reach: &Reach, verb: &str, done: &str) -> anyhow::Result<ExitCode> {
        let name = self.name.as_str();
        let (kind, holder) = self.holder.named().context("nobody is named")?;
        let params = [
            ("PolicyName", Some(name)),
            ("PolicyType", Some(type_of(name))),
            (&*format!("{kind}Name"), Some(holder)),
        ];
        let show = |_: &Answer| format!("{name} {done} {holder}.\n");
        reach.ram(&format!("{verb}{kind}"), &params, show).await
    }
}

/// In RAM's words: of as many versions as there may be, the oldest that does not count goes.
const OLDEST_GOES: &str = "DeleteOldestNonDefaultVersionWhenLimitExceeded";

/// The name alone says whose text a policy is: no account may have one called as the system's.
fn type_of(name: &str) -> &'static str {
    if system::named(name).is_some() { PolicyType::System } else { PolicyType::Custom }.as_str()
}

impl What {
    fn params(self) -> anyhow::Result<Vec<(String, String)>> {
        let mut params = vec![
            ("AuthAction".to_owned(), self.action),
            ("AuthResource".to_owned(), self.resource),
        ];
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
const DECIDED: [(&str, &str); 5] = [
    ("LAYER", "/Layer"),
    ("VERDICT", "/Verdict"),
    ("POLICY", "/PolicyName"),
    ("STATEMENT", "/Statement"),
    ("ATTACHED TO", "/AttachedTo"),
];

fn simulated(answer: &Answer) -> String {
    let decision = answer.text("/Decision");
    let also = ["AuthAction", "AuthResource"].map(|it| answer.text(&format!("/AlsoAsked/{it}")));
    let also = match also {
        ["", _] => String::new(),
        [action, resource] => format!("It takes {action} on {resource} too.\n"),
    };
    format!("{decision}\n{also}\n{}", table(answer.list("/Layers/Layer"), &DECIDED))
}

fn who_can(answer: &Answer) -> String {
    let columns = [
        ("WHO", "/Principal"),
        ("LAYER", "/DecidedBy/Layer"),
        ("POLICY", "/DecidedBy/PolicyName"),
        ("STATEMENT", "/DecidedBy/Statement"),
        ("ATTACHED TO", "/DecidedBy/AttachedTo"),
    ];
    let own = table(answer.list("/Principals/Principal"), &columns);
    let others = answer.list("/OtherAccounts/Principal");
    if others.is_empty() {
        return own;
    }
    let others = table(others, &[("IF THEIR OWN ACCOUNT LETS THEM", "")]);
    format!("{own}\n{others}")
}

//! `yaoku account`: the owners of everything else.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::{Answer, Reach};
use crate::screen::{lines, table};

/// Makes, lists and shows accounts.
#[derive(Debug, Args)]
pub(crate) struct Account {
    #[command(flatten)]
    reach: Reach,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Makes an account.
    Create,
    /// Lists all accounts.
    List,
    /// Shows an account, and how much it has of what.
    Show,
}

impl Account {
    /// Does it.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let reach = &self.reach;
        match self.verb {
            Verb::Create => {
                let show = |it: &Answer| format!("{}\n", it.text("/Account/AccountId"));
                reach.call("CreateAccount", &[], show).await
            }
            Verb::List => {
                let columns = [("ACCOUNT", "/AccountId"), ("CREATED", "/CreateDate")];
                let show = |it: &Answer| table(it.list("/Accounts/Account"), &columns);
                reach.call("ListAccounts", &[], show).await
            }
            Verb::Show => reach.call("DescribeAccount", &[], shown).await,
        }
    }
}

fn shown(answer: &Answer) -> String {
    let rows = [
        ("account", "/Account/AccountId"),
        ("created", "/Account/CreateDate"),
        ("service open", "/Account/KmsOpen"),
        ("users", "/Account/Users"),
        ("groups", "/Account/Groups"),
        ("roles", "/Account/Roles"),
        ("policies", "/Account/Policies"),
        ("MFA devices", "/Account/MfaDevices"),
    ];
    let value = |path: &str| match answer.json().pointer(path) {
        Some(Value::String(text)) => text.clone(),
        other => other.map(Value::to_string).unwrap_or_default(),
    };
    let row = |(name, path): (&str, &str)| vec![name.to_owned(), value(path)];
    lines(&rows.into_iter().map(row).collect::<Vec<_>>())
}

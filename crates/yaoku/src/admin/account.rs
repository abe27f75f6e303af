//! `yaoku account`: the owners of everything else.

use std::{io::Write as _, process::ExitCode};

use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::Value;
use yaoku_model::ids::AccountId;
use yaoku_server::api::Product;

use super::{Answer, Reach};
use crate::screen::{harmless, lines, table};

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
    /// Shows an account, its alias, and how much it has of what.
    Show {
        /// Its id; as `--account`, before which it goes.
        id: Option<AccountId>,
    },
}

impl Account {
    /// Does it.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let mut reach = self.reach;
        match self.verb {
            Verb::Create => {
                if reach.account.is_some() {
                    bail!("an account is made with an id of its own: leave --account out");
                }
                let answer = reach.ask(Product::Yaoku, "CreateAccount", &[]).await?;
                if let (Ok(made), false) = (&answer, reach.json) {
                    let id = harmless(made.text("/Account/AccountId"));
                    writeln!(
                        std::io::stderr(),
                        "It has no access key yet: yaoku access-key create --account {id}"
                    )?;
                }
                reach.tell(answer, |it| format!("{}\n", it.text("/Account/AccountId")))
            }
            Verb::List => {
                let columns = [
                    ("ACCOUNT", "/AccountId"),
                    ("ALIAS", "/AccountAlias"),
                    ("CREATED", "/CreateDate"),
                ];
                let show = |it: &Answer| table(it.list("/Accounts/Account"), &columns);
                reach.call("ListAccounts", &[], show).await
            }
            Verb::Show { id } => {
                reach.account = id.or(reach.account);
                reach.call("DescribeAccount", &[], shown).await
            }
        }
    }
}

fn shown(answer: &Answer) -> String {
    let rows = [
        ("account", "/Account/AccountId"),
        ("alias", "/Account/AccountAlias"),
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

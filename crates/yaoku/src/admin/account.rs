//! `yaoku account`: the owners of everything else.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{Answer, Reach};
use crate::screen::table;

/// Makes and lists accounts.
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
        }
    }
}

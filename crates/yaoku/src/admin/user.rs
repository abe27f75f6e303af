//! `yaoku user`: RAM users.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{Answer, Leave, NOT_CONFIRMED, Reach};
use crate::screen::table;

/// Makes, lists and deletes RAM users.
#[derive(Debug, Args)]
pub(crate) struct User {
    #[command(flatten)]
    reach: Reach,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Makes a user, who may do nothing until a policy is attached.
    Create {
        /// Its name.
        name: String,
    },
    /// Lists the users.
    List,
    /// Deletes a user with its access keys.
    Delete {
        /// Its name.
        name: String,
        #[command(flatten)]
        leave: Leave,
    },
}

impl User {
    /// Does it.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let reach = &self.reach;
        match self.verb {
            Verb::Create { name } => {
                let show = |it: &Answer| format!("{}\n", it.text("/User/UserName"));
                reach.call("CreateUser", &[("UserName", Some(&name))], show).await
            }
            Verb::List => {
                let columns =
                    [("USER", "/UserName"), ("ID", "/UserId"), ("CREATED", "/CreateDate")];
                let show = |it: &Answer| table(it.list("/Users/User"), &columns);
                reach.call("ListUsers", &[], show).await
            }
            Verb::Delete { name, leave } => {
                if !leave.given(&format!("Delete user {name} with its access keys?"))? {
                    return Ok(NOT_CONFIRMED.into());
                }
                let show = |_: &Answer| format!("{name} is deleted.\n");
                reach.call("DeleteUser", &[("UserName", Some(&name))], show).await
            }
        }
    }
}

//! `yaoku access-key`: what users, and accounts themselves, sign with.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{Answer, Leave, NOT_CONFIRMED, Reach};
use crate::screen::table;

/// Makes, lists, switches and deletes access keys.
#[derive(Debug, Args)]
pub(crate) struct AccessKey {
    #[command(flatten)]
    reach: Reach,
    /// The user whose keys they are. Without it, they are the account's own, which may do all.
    #[arg(long, global = true, value_name = "NAME")]
    user: Option<String>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Makes an access key. Its secret is shown now, and never again.
    Create,
    /// Lists access keys.
    List,
    /// Switches an access key off: it no longer signs.
    Disable {
        /// The access key's id.
        id: String,
    },
    /// Switches an access key on again.
    Enable {
        /// The access key's id.
        id: String,
    },
    /// Deletes an access key, at once: also the last one of the account, or the one that a program
    /// signs with at this moment. `yaoku access-key create` makes another.
    Delete {
        /// The access key's id.
        id: String,
        #[command(flatten)]
        leave: Leave,
    },
}

impl AccessKey {
    /// Does it.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let reach = &self.reach;
        let user = ("UserName", self.user.as_deref());
        match self.verb {
            Verb::Create => reach.ram("CreateAccessKey", &[user], created).await,
            Verb::List => {
                let columns = [
                    ("ACCESS KEY", "/AccessKeyId"),
                    ("STATUS", "/Status"),
                    ("CREATED", "/CreateDate"),
                ];
                let show = |it: &Answer| table(it.list("/AccessKeys/AccessKey"), &columns);
                reach.ram("ListAccessKeys", &[user], show).await
            }
            Verb::Disable { id } => switch(reach, user, &id, "Inactive").await,
            Verb::Enable { id } => switch(reach, user, &id, "Active").await,
            Verb::Delete { id, leave } => {
                if !leave.given(&format!("Delete access key {id}?"))? {
                    return Ok(NOT_CONFIRMED.into());
                }
                let show = |_: &Answer| format!("{id} is deleted.\n");
                reach.ram("DeleteAccessKey", &[user, ("UserAccessKeyId", Some(&id))], show).await
            }
        }
    }
}

async fn switch(
    reach: &Reach,
    user: (&str, Option<&str>),
    id: &str,
    status: &str,
) -> anyhow::Result<ExitCode> {
    let params = [user, ("UserAccessKeyId", Some(id)), ("Status", Some(status))];
    reach.ram("UpdateAccessKey", &params, |_| format!("{id} is {status}.\n")).await
}

fn created(answer: &Answer) -> String {
    let (id, secret) =
        (answer.text("/AccessKey/AccessKeyId"), answer.text("/AccessKey/AccessKeySecret"));
    format!(
        "AccessKeyId      {id}\nAccessKeySecret  {secret}\nKeep the secret now: it is not shown again.\n"
    )
}

//! `yaoku user`: RAM users.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use yaoku_server::api::Product;

use super::{Answer, Leave, NOT_CONFIRMED, Reach};
use crate::exchange::text;

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
    /// Deletes a user with its access keys, its policies and its login, and takes it out of its groups.
    ///
    /// Its MFA device stays, bound to nobody: `yaoku ram DeleteVirtualMFADevice` deletes that.
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
                reach.ram("CreateUser", &[("UserName", Some(&name))], show).await
            }
            Verb::List => {
                let columns =
                    [("USER", "/UserName"), ("ID", "/UserId"), ("CREATED", "/CreateDate")];
                reach.ram_list("ListUsers", ["Users", "User"], &columns).await
            }
            Verb::Delete { name, leave } => {
                if !leave.given(&format!("Delete user {name} with all that it has?"))? {
                    return Ok(NOT_CONFIRMED.into());
                }
                strip(reach, &name).await?;
                let show = |_: &Answer| format!("{name} is deleted.\n");
                reach.ram("DeleteUser", &[("UserName", Some(&name))], show).await
            }
        }
    }
}

/// Takes from a user what RAM would not delete along with it. What is not there is not missed: if it
/// is the user, its deletion says so.
async fn strip(reach: &Reach, name: &str) -> anyhow::Result<()> {
    let user = ("UserName", Some(name));
    for (list, path, delete, members) in [
        (
            "ListAccessKeys",
            "/AccessKeys/AccessKey",
            "DeleteAccessKey",
            &[("UserAccessKeyId", "/AccessKeyId")][..],
        ),
        (
            "ListPoliciesForUser",
            "/Policies/Policy",
            "DetachPolicyFromUser",
            &[("PolicyName", "/PolicyName"), ("PolicyType", "/PolicyType")],
        ),
        (
            "ListGroupsForUser",
            "/Groups/Group",
            "RemoveUserFromGroup",
            &[("GroupName", "/GroupName")],
        ),
    ] {
        let Ok(listed) = reach.ask(Product::Ram, list, &[user]).await? else { return Ok(()) };
        for entry in listed.list(path) {
            let of_entry = members.iter().map(|(param, path)| (*param, Some(text(entry, path))));
            let params: Vec<_> = [user].into_iter().chain(of_entry).collect();
            reach.ask(Product::Ram, delete, &params).await??;
        }
    }
    for action in ["UnbindMFADevice", "DeleteLoginProfile"] {
        match reach.ask(Product::Ram, action, &[user]).await? {
            Err(refused) if !refused.code.starts_with("EntityNotExist.User.") => {
                return Err(refused.into());
            }
            _ => {}
        }
    }
    Ok(())
}

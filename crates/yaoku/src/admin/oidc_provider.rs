//! `yaoku oidc-provider`: whose tokens stand for callers.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::{Answer, Leave, NOT_CONFIRMED, Reach};
use crate::screen::{harmless, table};

/// Adds, lists, shows and deletes identity providers (`OpenID` Connect).
#[derive(Debug, Args)]
pub(crate) struct OidcProvider {
    #[command(flatten)]
    reach: Reach,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Put(Put),
    /// Lists the providers.
    List,
    /// Shows one.
    Show {
        /// Its name.
        name: String,
    },
    /// Deletes one: it vouches for nobody any more.
    Delete {
        /// Its name.
        name: String,
        #[command(flatten)]
        leave: Leave,
    },
}

/// Adds a provider, or changes one: all of it, each time.
#[derive(Debug, Args)]
struct Put {
    /// Its name: ARNs end in `oidc-provider/<NAME>`.
    name: String,
    /// Who issues the tokens, as they spell it: an https URL.
    #[arg(long, value_name = "URL")]
    issuer: String,
    /// Whom the tokens are for. May be given again.
    #[arg(long = "client-id", value_name = "ID", required = true)]
    client_ids: Vec<String>,
    /// The file with its keys (JWKS). Without it, the server fetches them from the issuer.
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// What it is for.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

impl OidcProvider {
    /// Does it.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let reach = &self.reach;
        match self.verb {
            Verb::Put(it) => it.call(reach).await,
            Verb::List => {
                let columns =
                    [("PROVIDER", "/Name"), ("ISSUER", "/Issuer"), ("KEYS", "/KeySource")];
                let show = |it: &Answer| table(it.list("/OidcProviders/OidcProvider"), &columns);
                reach.call("ListOidcProviders", &[], show).await
            }
            Verb::Show { name } => {
                reach.call("GetOidcProvider", &[("Name", Some(&name))], shown).await
            }
            Verb::Delete { name, leave } => {
                if !leave.given(&format!("Delete provider {name}?"))? {
                    return Ok(NOT_CONFIRMED.into());
                }
                let show = |_: &Answer| format!("{name} is deleted.\n");
                reach.call("DeleteOidcProvider", &[("Name", Some(&name))], show).await
            }
        }
    }
}

fn shown(it: &Answer) -> String {
    let text = |name: &str| harmless(it.text(&format!("/OidcProvider/{name}"))).into_owned();
    let ids = it.list("/OidcProvider/ClientIds/ClientId").iter();
    let ids: Vec<_> = ids.filter_map(|it| it.as_str()).map(harmless).collect();
    format!(
        "{}\nissuer: {}\nclient ids: {}\nkeys: {}\n{}\n",
        text("Arn"),
        text("Issuer"),
        ids.join(", "),
        text("KeySource").to_lowercase(),
        text("Description"),
    )
}

impl Put {
    async fn call(&self, reach: &Reach) -> anyhow::Result<ExitCode> {
        let read = |file: &PathBuf| {
            let unreadable = || format!("{} cannot be read", file.display());
            std::fs::read_to_string(file).with_context(unreadable)
        };
        let keys = self.keys.as_ref().map(read).transpose()?;
        let names: Vec<String> =
            (1..=self.client_ids.len()).map(|nth| format!("ClientId.{nth}")).collect();
        let mut params = vec![
            ("Name", Some(&*self.name)),
            ("Issuer", Some(&*self.issuer)),
            ("Keys", keys.as_deref()),
            ("Description", self.description.as_deref()),
        ];
        let ids = names.iter().zip(&self.client_ids);
        params.extend(ids.map(|(name, it)| (name.as_str(), Some(it.as_str()))));
        let show = |it: &Answer| format!("{}\n", it.text("/OidcProvider/Arn"));
        reach.call("PutOidcProvider", &params, show).await
    }
}

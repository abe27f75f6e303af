//! `yaoku key alias`, and what else has to do with aliases.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use yaoku_model::ids::AliasName;

use super::{
    super::{misuse, output::print},
    Calls,
};
use crate::{exchange::Refused, screen::harmless};

/// Lists, gives, moves and removes names of a key (`ListAliasesByKeyId`, `CreateAlias`,
/// `UpdateAlias`, `DeleteAlias`).
#[derive(Debug, Args)]
pub(super) struct Alias {
    /// The key: its id, ARN or alias.
    key: String,
    /// A name to give to it: `alias/…`. Without one, its names are listed.
    #[arg(value_name = "ALIAS")]
    name: Option<String>,
    /// Takes the name from the key that has it.
    #[arg(long = "move", requires = "name", conflicts_with = "remove")]
    moved: bool,
    /// Takes the name away from this key; a name of another key is left alone.
    #[arg(long, requires = "name")]
    remove: bool,
}

impl Alias {
    pub(super) async fn run(&self, calls: &Calls) -> anyhow::Result<ExitCode> {
        let Some(alias) = self.name.as_deref() else {
            return self.list(calls).await;
        };
        if self.remove {
            return self.remove(calls, alias).await;
        }
        name(alias).map_err(misuse)?;
        let key = calls.key(&self.key).await?;
        let action = if self.moved { "UpdateAlias" } else { "CreateAlias" };
        let params = [("KeyId", Some(key.as_str())), ("AliasName", Some(alias))];
        calls.tell(action, &params, &format!("{} is a name of {key}.", harmless(alias))).await
    }

    async fn list(&self, calls: &Calls) -> anyhow::Result<ExitCode> {
        let key = calls.key(&self.key).await?;
        let key = [("KeyId", Some(key.as_str()))];
        let listed = calls.list("ListAliasesByKeyId", &key, "/Aliases/Alias", None).await?;
        calls.writer.write(&json!({
            "Aliases": {"Alias": listed.items},
            "TotalCount": listed.total,
        }))?;
        Ok(ExitCode::SUCCESS)
    }

    /// `DeleteAlias` asks for no key, so whose name it is is looked up first.
    async fn remove(&self, calls: &Calls, alias: &str) -> anyhow::Result<ExitCode> {
        let (key, owner) = (calls.id(&self.key).await?, calls.id(alias).await?);
        if key != owner {
            let (alias, key, owner) = (harmless(alias), harmless(&key), harmless(&owner));
            return Err(misuse(format!(
                "{alias} is a name of {owner}, not of {key}: nothing was done"
            )));
        }
        calls.ask("DeleteAlias", &[("AliasName", Some(alias))]).await?;
        print(&format!("{} is no name any more.\n", harmless(alias)))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Reads an alias that a customer may make.
pub(super) fn name(text: &str) -> Result<AliasName, String> {
    let rest = text.strip_prefix(AliasName::PREFIX).unwrap_or_default();
    let parsed: Option<AliasName> = text.parse().ok().filter(|_| !rest.is_empty());
    let name = parsed.ok_or_else(|| {
        format!("{text:?} is no alias, which is alias/ and 1 to 255 of letters, digits, -, _ and /")
    })?;
    if name.is_reserved() {
        return Err(format!("{text}: only products have names that begin with alias/acs"));
    }
    Ok(name)
}

/// Fails if a key has the name already, as far as the caller may see that.
pub(super) async fn must_be_free(calls: &Calls, alias: &AliasName) -> anyhow::Result<()> {
    let alias = alias.as_str();
    match calls.id(alias).await {
        Ok(owner) => Err(misuse(format!(
            "{alias} is a name of {} already: nothing was done",
            harmless(&owner)
        ))),
        // That there is none, or that it may not be seen.
        Err(error) if error.is::<Refused>() => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn what_no_customer_may_make_is_no_alias() {
        for text in ["", "bad", "alias/", "alias/a b", "alias/é", "ALIAS/a", "alias/acs/ecs"] {
            assert!(name(text).is_err(), "{text}");
        }
        assert!(name(&format!("alias/{}", "a".repeat(256))).is_err());
        assert_eq!(name("alias/a-_/b").unwrap().as_str(), "alias/a-_/b");
    }
}

//! What shows secrets: `list`, `show`, `versions`, `get`.

use std::{
    io::{IsTerminal as _, stdout},
    process::ExitCode,
};

use clap::Args;
use serde_json::{Value, json};
use yaoku_server::api::Product;

use super::{
    super::output::{print, print_value},
    Calls, GENERIC, MASK, Named, held, write_one,
};
use crate::{
    admin::notices,
    exchange::{Answer, Refused},
    screen::table,
};

/// Lists secrets, without their values (`ListSecrets`).
#[derive(Debug, Args)]
pub(super) struct List {
    /// Those of this name; `db/*` are all whose names begin so.
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// How many at most. Without it, all.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
}

/// Shows a version of a secret: its value as *** unless asked for (`GetSecretValue`).
///
/// Revealed, the value alone is written, to the last byte.
#[derive(Debug, Args)]
pub(super) struct Get {
    #[command(flatten)]
    secret: Named,
    /// The version, instead of the current one.
    #[arg(long = "secret-version", value_name = "ID")]
    version: Option<String>,
    /// The version at this stage: `ACSPrevious`, or one of your own.
    #[arg(long, value_name = "STAGE")]
    stage: Option<String>,
    /// Writes the value. Others may look over your shoulder, and logs keep what is written.
    #[arg(long)]
    reveal: bool,
}

impl List {
    pub(super) async fn run(&self, calls: &Calls) -> anyhow::Result<ExitCode> {
        let limit = self.limit.map(usize::try_from).transpose()?;
        let named = self.name.as_ref();
        let filters = named.map(|it| json!([{"Key": "SecretName", "Values": [it]}]).to_string());
        let params = [("Filters", filters.as_deref())];
        let listed = calls.list("ListSecrets", &params, "/SecretList/Secret", limit).await?;
        if !calls.writer.is_plain_table() {
            calls.writer.write(&json!({
                "SecretList": {"Secret": listed.items},
                "TotalCount": listed.total,
            }))?;
            return Ok(ExitCode::SUCCESS);
        }
        let columns = [
            ("SECRET", "/SecretName"),
            ("TYPE", "/SecretType"),
            ("UPDATED", "/UpdateTime"),
            ("DELETED ON", "/PlannedDeleteTime"),
        ];
        let rows =
            if listed.items.is_empty() { String::new() } else { table(&listed.items, &columns) };
        print(&format!("{rows}{}\n", listed.counted("secret")))?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Named {
    pub(super) async fn show(&self, calls: &Calls) -> anyhow::Result<ExitCode> {
        let [name] = self.params();
        let described = calls.ask("DescribeSecret", &[name, ("FetchTags", Some("true"))]).await?;
        let mut shown = described.json().clone();
        if let Some(failure) = last_failure(calls, &described).await? {
            shown["LastFailure"] = failure;
        }
        write_one(calls, shown)
    }

    /// All of them, also those at no stage.
    pub(super) async fn versions(&self, calls: &Calls) -> anyhow::Result<ExitCode> {
        let [name] = self.params();
        let params = [name, ("IncludeDeprecated", Some("true"))];
        let path = "/VersionIds/VersionId";
        let listed = calls.list("ListSecretVersionIds", &params, path, None).await?;
        calls.writer.write(&json!({
            "VersionIds": {"VersionId": listed.items},
            "TotalCount": listed.total,
        }))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// When and why the last rotation of a managed secret failed, if it did. Whoever may not know is told
/// that much, if there is anything to know.
async fn last_failure(calls: &Calls, described: &Answer) -> anyhow::Result<Option<Value>> {
    const NOT_TOLD: &str = "yaoku:ListNotices on the secret is needed to be told of it";
    if described.text("/SecretType") == GENERIC {
        return Ok(None);
    }
    let last = notices::of_last_rotation(described.text("/Arn"));
    match calls.ask_of(Product::Yaoku, notices::LIST, &last).await {
        Ok(listed) => Ok(notices::failure(&listed, described.text("/CreateTime"))),
        Err(error) if !error.is::<Refused>() => Err(error),
        Err(_) if described.text("/AutomaticRotation") == "Invalid" => Ok(Some(NOT_TOLD.into())),
        Err(_) => Ok(None),
    }
}

impl Get {
    pub(super) async fn run(&self, calls: &Calls) -> anyhow::Result<ExitCode> {
        let Self { secret, version, stage, reveal } = self;
        let found = held(calls, &secret.name, version.as_deref(), stage.as_deref()).await?;
        if *reveal && calls.writer.is_plain_table() {
            let value = found.text("/SecretData");
            let end = if stdout().is_terminal() { "\n" } else { "" };
            print_value(&format!("{value}{end}"))?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut shown = found.json().clone();
        if !reveal {
            shown["SecretData"] = MASK.into();
        }
        write_one(calls, shown)
    }
}

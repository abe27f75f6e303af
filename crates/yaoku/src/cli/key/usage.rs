//! `yaoku key usage`: who used a key for what.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use serde_json::Value;
use yaoku_server::api::Product;

use super::super::{
    client::Client,
    options::{Form, Output, Reach},
    output::{Writer, print, query},
};
use crate::{
    admin::connection,
    exchange::{Answer, text},
    screen::lines,
};

/// As many callers and operations are shown.
const MOST: &str = "1000";

/// The operation.
const ACTION: &str = "ListKeyUses";

/// Which key, and how far back.
#[derive(Debug, Args)]
pub(super) struct Usage {
    /// The key: its id, ARN or alias.
    key: String,
    /// How many days back, today among them: at most 365.
    #[arg(long, value_name = "N", default_value = "365")]
    days: String,
    /// Asks through the admin socket of the server that runs on this data directory, as its operator.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The account that it is about; with --data only. Without it, the server's own.
    #[arg(long, value_name = "ID", requires = "data")]
    account: Option<yaoku_model::ids::AccountId>,
}

impl Usage {
    /// Lists it.
    pub(super) async fn run(&self, reach: &Reach, output: &Output) -> anyhow::Result<ExitCode> {
        let query = query(output.query.as_deref())?;
        let (key, days) = (self.key.as_str(), self.days.as_str());
        let params = [("KeyId", key), ("Days", days), ("PageSize", MOST)];
        let answer = match &self.data {
            Some(data) => {
                let params = params.map(|(name, value)| (name, Some(value)));
                let account = self.account.as_ref();
                connection::call(data, account, Product::Yaoku, ACTION, &params).await??
            }
            None => Client::open(reach)?.call(Product::Yaoku, ACTION, &params).await?,
        };
        match output.output {
            None | Some(Form::Table) if query.is_none() => {
                print(&table(&answer))?;
            }
            form => Writer { query, form: form.unwrap_or(Form::Table) }.write(answer.json())?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Who used a key in the last year, for a person who is about to delete it.
pub(super) async fn of_last_year(client: &Client, key: &str) -> anyhow::Result<String> {
    let params = [("KeyId", key), ("PageSize", MOST)];
    let answer = client.call(Product::Yaoku, ACTION, &params).await?;
    Ok(table(&answer))
}

fn table(answer: &Answer) -> String {
    let uses = answer.list("/KeyUses/KeyUse");
    if uses.is_empty() {
        return "Nobody has used it.\n".to_owned();
    }
    let heading = ["LAST USED", "COUNT", "OPERATION", "CALLER"].map(str::to_owned).to_vec();
    let count = |it: &Value| it.pointer("/Count").map_or(String::new(), Value::to_string);
    let row = |it| {
        let text = |path| text(it, path).to_owned();
        vec![text("/LastTime"), count(it), text("/Operation"), text("/Caller")]
    };
    let rows: Vec<_> = std::iter::once(heading).chain(uses.iter().map(row)).collect();
    let total = answer.json().pointer("/TotalCount").and_then(Value::as_u64);
    let more = total.map_or(0, |it| it.saturating_sub(uses.len() as u64));
    let rest = if more > 0 { format!("{more} more are not shown.\n") } else { String::new() };
    lines(&rows) + &rest
}

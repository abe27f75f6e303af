//! `yaoku key list`: all keys, with what is asked first about any.

use std::{collections::BTreeMap, process::ExitCode, sync::Arc};

use clap::Args;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use yaoku_server::api::Product;

use super::{
    super::{calls::counted, client::Client, output::print},
    Calls,
};
use crate::{
    exchange::{Refused, text},
    screen::lines,
};

/// How many keys are asked about at once.
const AT_ONCE: usize = 8;

/// What stands for what the caller may not see.
const UNSEEN: &str = "?";

/// Lists keys, with their names, kinds and states (`ListKeys`, `ListAliases`, `DescribeKey`).
#[derive(Debug, Args)]
pub(super) struct List {
    /// How many at most. Without it, all.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
}

impl List {
    pub(super) async fn run(&self, calls: &Calls) -> anyhow::Result<ExitCode> {
        let limit = self.limit.map(usize::try_from).transpose()?;
        let listed = calls.list("ListKeys", &[], "/Keys/Key", limit).await?;
        let aliases = aliases(calls).await?;
        let mut keys = described(&calls.client, &listed.items).await?;
        for key in &mut keys {
            let names = aliases.as_ref().map(|it| it.get(text(key, "/KeyId")));
            key["Aliases"] = names
                .map_or(json!([UNSEEN]), |it| json!(it.into_iter().flatten().collect::<Vec<_>>()));
        }
        if calls.writer.is_plain_table() {
            print(&table(&keys, listed.total))?;
        } else {
            calls.writer.write(&json!({"Keys": {"Key": keys}, "TotalCount": listed.total}))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The names of every key; `None`: the caller may not see them.
async fn aliases(calls: &Calls) -> anyhow::Result<Option<BTreeMap<String, Vec<String>>>> {
    let listed = match calls.list("ListAliases", &[], "/Aliases/Alias", None).await {
        Ok(listed) => listed,
        Err(error) if error.is::<Refused>() => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for it in &listed.items {
        names
            .entry(text(it, "/KeyId").to_owned())
            .or_default()
            .push(text(it, "/AliasName").to_owned());
    }
    Ok(Some(names))
}

/// Each key with its kind, use and state, in the same order.
async fn described(client: &Arc<Client>, keys: &[Value]) -> anyhow::Result<Vec<Value>> {
    let mut found = Vec::with_capacity(keys.len());
    for some in keys.chunks(AT_ONCE) {
        let mut asked = JoinSet::new();
        for (nth, key) in some.iter().cloned().enumerate() {
            let client = Arc::clone(client);
            asked
                .spawn(async move { Ok::<_, anyhow::Error>((nth, describe(&client, key).await?)) });
        }
        let mut answered =
            asked.join_all().await.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
        answered.sort_unstable_by_key(|(nth, _)| *nth);
        found.extend(answered.into_iter().map(|(_, it)| it));
    }
    Ok(found)
}

async fn describe(client: &Client, mut key: Value) -> anyhow::Result<Value> {
    let id = text(&key, "/KeyId").to_owned();
    let shown = match client.call(Product::Kms, "DescribeKey", &[("KeyId", &id)]).await {
        Ok(shown) => Some(shown),
        // Gone meanwhile, or not to be seen.
        Err(error) if error.is::<Refused>() => None,
        Err(error) => return Err(error),
    };
    for name in ["KeySpec", "KeyUsage", "KeyState"] {
        let found = shown.as_ref().map(|it| it.text(&format!("/KeyMetadata/{name}")));
        key[name] = found.unwrap_or(UNSEEN).into();
    }
    Ok(key)
}

fn table(keys: &[Value], total: usize) -> String {
    let heading = ["KEY", "ALIAS", "SPEC", "USAGE", "STATE"].map(str::to_owned).to_vec();
    let row = |key: &Value| {
        let names = key["Aliases"].as_array().into_iter().flatten();
        let names: Vec<&str> = names.filter_map(Value::as_str).collect();
        let text = |path| text(key, path).to_owned();
        vec![
            text("/KeyId"),
            names.join(", "),
            text("/KeySpec"),
            text("/KeyUsage"),
            text("/KeyState"),
        ]
    };
    let rows: Vec<_> = std::iter::once(heading).chain(keys.iter().map(row)).collect();
    let end = counted(keys.len(), total, "key");
    if keys.is_empty() { format!("{end}\n") } else { format!("{}{end}\n", lines(&rows)) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::table;

    #[test]
    fn a_table_ends_with_how_many_there_are() {
        let key = json!({"KeyId": "k", "Aliases": ["alias/a", "alias/b"], "KeySpec": "S",
            "KeyUsage": "U", "KeyState": "Enabled"});
        let keys = [key.clone(), key];
        let both = table(&keys, 2);
        assert_eq!(both.lines().nth(1), Some("k    alias/a, alias/b  S     U      Enabled"));
        assert_eq!(both.lines().last(), Some("2 keys"));
        assert_eq!(table(&keys, 120).lines().last(), Some("2 of 120 keys"));
        assert_eq!(table(&keys[..1], 1).lines().last(), Some("1 key"));
        assert_eq!(table(&[], 0), "0 keys\n");
    }
}

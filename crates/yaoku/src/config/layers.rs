//! The layers of a configuration: the file, the environment, `--set`. Later ones win.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use toml::{Table, Value};

/// What names of environment variables begin with.
const PREFIX: &str = "YAOKU_";

/// All layers, put together.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    pub(super) table: Table,
    /// `$CREDENTIALS_DIRECTORY`.
    pub(super) credentials: Option<PathBuf>,
    /// What could not be put together.
    pub(super) faults: Vec<String>,
}

impl Layers {
    /// The file alone.
    pub(crate) fn file(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("--config {} cannot be read", path.display()))?;
        Self::text(&text).with_context(|| format!("--config {}", path.display()))
    }

    /// The text of a file.
    pub(super) fn text(text: &str) -> anyhow::Result<Self> {
        // Without the text around it: it might be a secret that should not be there.
        let table = text.parse().map_err(|it: toml::de::Error| {
            let line = it.span().map_or(0, |at| text[..at.start.min(text.len())].lines().count());
            anyhow::anyhow!("line {}: {}", line.max(1), it.message())
        })?;
        Ok(Self { table, ..Self::default() })
    }

    /// Adds the environment: `YAOKU_LISTEN__HTTPS` is `listen.https`.
    pub(crate) fn environment(mut self, all: impl Iterator<Item = (OsString, OsString)>) -> Self {
        let mut ours = Vec::new();
        for (name, value) in all {
            let (Some(name), Some(value)) = (name.to_str(), value.to_str()) else { continue };
            if name == "CREDENTIALS_DIRECTORY" {
                self.credentials = Some(PathBuf::from(value));
            }
            if let Some(rest) = name.strip_prefix(PREFIX) {
                ours.push((rest.to_ascii_lowercase().replace("__", "."), value.to_owned()));
            }
        }
        // In an order that does not depend on the machine.
        ours.sort();
        for (key, value) in ours {
            self.put(&key, &value);
        }
        self
    }

    /// Adds what `--set KEY=VALUE` says.
    pub(crate) fn set(mut self, settings: &[String]) -> anyhow::Result<Self> {
        for setting in settings {
            let Some((key, value)) = setting.split_once('=') else {
                bail!("--set {setting}: write --set KEY=VALUE, as in --set log.format=text")
            };
            self.put(key.trim(), value.trim());
        }
        Ok(self)
    }

    fn put(&mut self, key: &str, value: &str) {
        let mut names: Vec<&str> = key.split('.').collect();
        let last = names.pop().unwrap_or_default();
        let mut table = &mut self.table;
        for name in names {
            let below = table.entry(name).or_insert_with(|| Value::Table(Table::new()));
            match below {
                Value::Table(below) => table = below,
                _ => return self.faults.push(format!("{key}: {name} has no settings of its own")),
            }
        }
        table.insert(last.to_owned(), meaning(value));
    }
}

/// Numbers, true, false and lists mean themselves; all else is a text.
fn meaning(text: &str) -> Value {
    let parsed: Option<Table> = format!("it = {text}").parse().ok();
    match parsed.and_then(|mut it| it.remove("it")) {
        Some(it @ (Value::Integer(_) | Value::Boolean(_) | Value::Array(_))) => it,
        _ => Value::String(text.to_owned()),
    }
}

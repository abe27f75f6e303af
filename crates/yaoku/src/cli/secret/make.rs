//! What makes secrets and their versions: `create`, `put`.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{
    super::{misuse, output::print, products::text_of},
    Calls, GENERIC, Named, new_version, write_one,
};
use crate::screen::harmless;

/// What the server makes up itself, where a value is due. Source: secrets.md §4.1.
const AUTO: &str = "$Auto";

/// Types whose first value the server makes up. Source: secrets.md §4.1.
const MADE_UP: [&str; 2] = ["Redis", "PolarDB"];

/// A value, and what its version is called.
#[derive(Debug, Args)]
struct Given {
    /// The value, to the last byte; - is standard input. A line's end at the end belongs to it.
    #[arg(long, value_name = "FILE")]
    from_file: Option<PathBuf>,
    /// Notes that it is binary. It is kept as the text that it is.
    #[arg(long)]
    binary: bool,
    /// The id of the version. Without it, a new one.
    #[arg(long = "secret-version", value_name = "ID")]
    version: Option<String>,
}

/// Makes a secret (`CreateSecret`).
#[derive(Debug, Args)]
pub(super) struct Create {
    #[command(flatten)]
    secret: Named,
    #[command(flatten)]
    value: Given,
    /// `Generic`, or a managed one: `Rds`, `Redis`, `PolarDB`, `ECS`, `RAMCredentials`.
    #[arg(long = "type", value_name = "TYPE", default_value = GENERIC)]
    kind: String,
    /// What is managed, and how (`ExtendedConfig`): JSON.
    #[arg(long, value_name = "JSON")]
    config: Option<String>,
    /// How often a managed secret rotates by itself: 6h to 8760h; d, h, m or s.
    #[arg(long, value_name = "TIME")]
    rotate_every: Option<String>,
    /// The key that it is kept under: its id, ARN or alias. Without it, the service's own.
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// The instance that it lives in.
    #[arg(long, value_name = "ID")]
    instance: Option<String>,
    /// What it is for, in words. Others see it: no place for a secret.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// A tag. As often as needed.
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = tag)]
    tags: Vec<(String, String)>,
}

/// Gives a secret a new value: the current one, unless stages are named (`PutSecretValue`).
#[derive(Debug, Args)]
pub(super) struct Put {
    #[command(flatten)]
    secret: Named,
    #[command(flatten)]
    value: Given,
    /// A stage that the new version is at, instead of `ACSCurrent`. As often as needed.
    #[arg(long = "stage", value_name = "STAGE")]
    stages: Vec<String>,
}

impl Given {
    fn text(&self) -> anyhow::Result<Option<Zeroizing<String>>> {
        self.from_file.as_deref().map(text_of).transpose()
    }

    fn kind(&self) -> &'static str {
        if self.binary { "binary" } else { "text" }
    }

    fn version(&self) -> anyhow::Result<String> {
        self.version.clone().map_or_else(new_version, Ok)
    }
}

impl Create {
    pub(super) async fn run(&self, calls: &Calls) -> anyhow::Result<ExitCode> {
        self.must_not_be_passed_over()?;
        let made_up = MADE_UP.contains(&self.kind.as_str());
        let value = match self.value.text()? {
            Some(value) => value,
            None if made_up => Zeroizing::new(AUTO.to_owned()),
            None => return Err(no_value()),
        };
        let version = self.value.version()?;
        let tags = self.tags();
        let params = [
            ("SecretName", Some(self.secret.name.as_str())),
            ("VersionId", Some(&version)),
            ("SecretData", Some(&value)),
            ("SecretDataType", Some(self.value.kind())),
            ("SecretType", Some(&self.kind)),
            ("ExtendedConfig", self.config.as_deref()),
            ("EnableAutomaticRotation", self.rotate_every.as_ref().map(|_| "true")),
            ("RotationInterval", self.rotate_every.as_deref()),
            ("EncryptionKeyId", self.key.as_deref()),
            ("DKMSInstanceId", self.instance.as_deref()),
            ("Description", self.description.as_deref()),
            ("Tags", tags.as_deref()),
        ];
        write_one(calls, calls.ask("CreateSecret", &params).await?.json().clone())
    }

    /// Fails for what the operation takes with any secret, and passes over with a generic one.
    fn must_not_be_passed_over(&self) -> anyhow::Result<()> {
        let said = match self {
            Self { rotate_every: Some(_), .. } => {
                "--rotate-every is for managed secrets (--type): a generic one is rotated by a hook \
                 (yaoku hook set NAME --interval TIME), or by yaoku secret put"
            }
            Self { config: Some(_), .. } => "--config is for managed secrets: say which by --type",
            _ => return Ok(()),
        };
        if self.kind == GENERIC { Err(misuse(said)) } else { Ok(()) }
    }

    /// The tags as the operation takes them.
    fn tags(&self) -> Option<String> {
        let tag = |(key, value): &(String, String)| json!({"TagKey": key, "TagValue": value});
        let tags: Vec<Value> = self.tags.iter().map(tag).collect();
        (!tags.is_empty()).then(|| json!(tags).to_string())
    }
}

impl Put {
    pub(super) async fn run(&self, calls: &Calls) -> anyhow::Result<ExitCode> {
        let value = self.value.text()?.ok_or_else(no_value)?;
        let stages = (!self.stages.is_empty()).then(|| json!(self.stages).to_string());
        let version = self.value.version()?;
        let (name, kind) = (&self.secret.name, self.value.kind());
        put(calls, name, &version, (&value, kind), stages.as_deref()).await
    }
}

/// Makes a version of a value and its type, and says at which stages it is.
pub(super) async fn put(
    calls: &Calls,
    name: &str,
    version: &str,
    (value, kind): (&str, &str),
    stages: Option<&str>,
) -> anyhow::Result<ExitCode> {
    let params = [
        ("SecretName", Some(name)),
        ("VersionId", Some(version)),
        ("SecretData", Some(value)),
        ("SecretDataType", Some(kind)),
        ("VersionStages", stages),
    ];
    let made = calls.ask("PutSecretValue", &params).await?;
    if !calls.writer.is_plain_table() {
        calls.writer.write(made.json())?;
        return Ok(ExitCode::SUCCESS);
    }
    let stages = made.list("/VersionStages/VersionStage").iter().filter_map(Value::as_str);
    let stages = stages.collect::<Vec<_>>().join(", ");
    let said = format!("{name}: version {version} is at {stages}.");
    print(&format!("{}\n", harmless(&said)))?;
    Ok(ExitCode::SUCCESS)
}

fn no_value() -> anyhow::Error {
    misuse("give the value in a file: --from-file FILE (- is standard input)")
}

fn tag(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').filter(|(key, _)| !key.is_empty());
    let (key, value) = parts.ok_or("a tag is KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

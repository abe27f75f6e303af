//! What becomes of keys: `create`, `rotate`, `delete`.

use std::{io::Write as _, process::ExitCode};

use clap::Args;
use yaoku_model::{
    ids::AliasName,
    key::{Key, KeySpec},
};

use super::{super::output::print, Calls, METADATA, alias, usage};
use crate::{
    admin::{Leave, NOT_CONFIRMED},
    exchange::Refused,
    screen::harmless,
};

/// Makes a key (`CreateKey`).
#[derive(Debug, Args)]
pub(super) struct Create {
    /// What kind of key.
    #[arg(long, value_name = "SPEC", default_value = "Aliyun_AES_256", help = specs())]
    spec: String,
    /// What it is for, if its kind leaves a choice: `SIGN/VERIFY`, `ENCRYPT/DECRYPT`.
    #[arg(long, value_name = "USAGE")]
    usage: Option<String>,
    /// The instance that it lives in.
    #[arg(long, value_name = "ID")]
    instance: Option<String>,
    /// What it is for, in words.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Its material will be imported.
    #[arg(long)]
    external: bool,
    /// How often it gets a new version: 7d to 730d; d, h, m or s.
    #[arg(long, value_name = "TIME", conflicts_with = "external")]
    rotate_every: Option<String>,
    /// A name for it: `alias/…`.
    #[arg(long, value_name = "ALIAS", value_parser = alias::name)]
    alias: Option<AliasName>,
}

/// Makes a new version of a key, or changes how often that happens by itself (`CreateKeyVersion`,
/// `UpdateRotationPolicy`).
#[derive(Debug, Args)]
pub(super) struct Rotate {
    /// The key: its id, ARN or alias.
    key: String,
    /// Makes none now, and then one by itself as often: 7d to 730d (d, h, m or s), or off.
    #[arg(long, value_name = "TIME|off")]
    every: Option<String>,
}

/// Shows who uses a key, asks, and has it deleted after some days (`ListKeyUses`,
/// `ScheduleKeyDeletion`).
#[derive(Debug, Args)]
pub(super) struct Delete {
    /// The key: its id, ARN or alias.
    key: String,
    /// For how many days it can be taken back: 7 to 366.
    #[arg(
        long,
        value_name = "N",
        default_value_t = Key::DEFAULT_DELETION_DAYS,
        value_parser = clap::value_parser!(i64).range(Key::DELETION_DAYS)
    )]
    days: i64,
    #[command(flatten)]
    leave: Leave,
}

fn specs() -> String {
    let specs: Vec<&str> = KeySpec::ALL.iter().map(|it| it.as_str()).collect();
    format!("What kind of key: {}", specs.join(", "))
}

impl Create {
    pub(super) async fn run(&self, calls: &Calls) -> anyhow::Result<ExitCode> {
        let params = [
            ("KeySpec", Some(self.spec.as_str())),
            ("KeyUsage", self.usage.as_deref()),
            ("DKMSInstanceId", self.instance.as_deref()),
            ("Description", self.description.as_deref()),
            ("Origin", self.external.then_some("EXTERNAL")),
            ("EnableAutomaticRotation", self.rotate_every.as_ref().map(|_| "true")),
            ("RotationInterval", self.rotate_every.as_deref()),
        ];
        if let Some(alias) = &self.alias {
            alias::must_be_free(calls, alias).await?;
        }
        let made = calls.ask("CreateKey", &params).await?;
        calls.writer.write_part(made.json(), METADATA)?;
        let Some(alias) = self.alias.as_ref().map(AliasName::as_str) else {
            return Ok(ExitCode::SUCCESS);
        };
        let key = made.text("/KeyMetadata/KeyId");
        let named =
            calls.ask("CreateAlias", &[("KeyId", Some(key)), ("AliasName", Some(alias))]).await;
        if named.is_err() {
            let key = harmless(key);
            writeln!(
                std::io::stderr(),
                "yaoku: the key {key} was made, but has no alias. To give it one: yaoku key alias \
                 {key} {alias}"
            )?;
        }
        named?;
        if calls.writer.is_plain_table() {
            print(&format!("{alias} is its name.\n"))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Rotate {
    pub(super) async fn run(&self, calls: &Calls) -> anyhow::Result<ExitCode> {
        let key = calls.key(&self.key).await?;
        let key = ("KeyId", Some(key.as_str()));
        let Some(every) = self.every.as_deref() else {
            return calls.show("CreateKeyVersion", &[key]).await;
        };
        let on = every != "off";
        let params = [
            key,
            ("EnableAutomaticRotation", Some(if on { "true" } else { "false" })),
            ("RotationInterval", Some(every).filter(|_| on)),
        ];
        let done = if on {
            format!("{} rotates by itself every {every}.", self.key)
        } else {
            format!("{} no longer rotates by itself.", self.key)
        };
        calls.tell("UpdateRotationPolicy", &params, &done).await
    }
}

impl Delete {
    pub(super) async fn run(&self, calls: &Calls) -> anyhow::Result<ExitCode> {
        let Self { key, days, leave } = self;
        let shown = calls.ask("DescribeKey", &[("KeyId", Some(key))]).await?;
        let uses = match usage::of_last_year(&calls.client, key).await {
            Ok(uses) => uses,
            // Who may delete it need not be let see that.
            Err(error) => match error.downcast::<Refused>() {
                Ok(refused) => {
                    format!("Who used it cannot be shown: {}\n", harmless(&refused.message))
                }
                Err(other) => return Err(other),
            },
        };
        let text = |name: &str| shown.text(&format!("/KeyMetadata/{name}")).to_owned();
        let mut screen = std::io::stderr();
        writeln!(screen, "{} ({})", harmless(&text("Arn")), harmless(&text("KeyState")))?;
        let description = text("Description");
        if !description.is_empty() {
            writeln!(screen, "{}", harmless(&description))?;
        }
        writeln!(screen, "\n{uses}")?;
        if !leave.given(&format!("Delete {key} in {days} days, and all that it has sealed?"))? {
            return Ok(NOT_CONFIRMED.into());
        }
        // As it takes no alias; and the key that was shown is the one that goes.
        let (id, days) = (text("KeyId"), days.to_string());
        let params = [("KeyId", Some(id.as_str())), ("PendingWindowInDays", Some(days.as_str()))];
        let done = format!("{key} is deleted in {days} days, and no longer usable now.");
        calls.tell("ScheduleKeyDeletion", &params, &done).await
    }
}

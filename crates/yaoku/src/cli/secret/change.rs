//! What becomes of secrets: `rollback`, `rotate`, `delete`, `restore`.

use std::{io::Write as _, process::ExitCode};

use clap::Args;
use serde_json::Value;
use yaoku_model::secret;
use yaoku_server::api::Product;

use super::{
    super::{misuse, output::print},
    Calls, Named, new_version, refused_for,
};
use crate::{
    admin::{Leave, NOT_CONFIRMED},
    exchange::{Answer, text},
    screen::harmless,
};

/// What the server says of a secret that is not there. Source: deploy-and-skill.md S15, S27.
const NOT_FOUND: [&str; 2] = ["Forbidden.ResourceNotFound", "EntityNotExist.Secret"];

/// Asks, and makes the previous value the current one again (`ListSecretVersionIds`,
/// `UpdateSecretVersionStage`).
///
/// Done twice, it is as it was before: the two change places.
#[derive(Debug, Args)]
pub(super) struct Rollback {
    #[command(flatten)]
    secret: Named,
    #[command(flatten)]
    leave: Leave,
}

/// Rotates a managed secret, or changes how often that happens by itself (`RotateSecret`,
/// `UpdateSecretRotationPolicy`).
#[derive(Debug, Args)]
pub(super) struct Rotate {
    #[command(flatten)]
    secret: Named,
    /// Rotates it not now, but by itself as often: 6h to 8760h (d, h, m or s), or never: off.
    #[arg(long, value_name = "TIME|off", conflicts_with = "window")]
    every: Option<String>,
    /// Has the access key before work on for so long, 10m to 2d: after a leak, 30m say. Of
    /// `RAMCredentials`. Without it, two days, or half of the time between rotations if that is less.
    #[arg(long, value_name = "TIME")]
    window: Option<String>,
}

/// Shows a secret, asks, and deletes it; one that is not there is no fault (`DescribeSecret`,
/// `DeleteSecret`).
///
/// Before it asks, it says which targets and hooks need the secret, if the caller may list these.
#[derive(Debug, Args)]
pub(super) struct Delete {
    #[command(flatten)]
    secret: Named,
    /// For how many days it can be taken back: 7 to 30.
    #[arg(
        long,
        value_name = "N",
        default_value_t = secret::Secret::DEFAULT_RECOVERY_DAYS,
        value_parser = clap::value_parser!(i64).range(secret::Secret::RECOVERY_DAYS)
    )]
    days: i64,
    /// Deletes it at once and for good, with all versions.
    #[arg(long, conflicts_with = "days")]
    force: bool,
    #[command(flatten)]
    leave: Leave,
}

impl Rollback {
    pub(super) async fn run(&self, calls: &Calls) -> anyhow::Result<ExitCode> {
        let name = &self.secret.name;
        let path = "/VersionIds/VersionId";
        let listed = calls.list("ListSecretVersionIds", &self.secret.params(), path, None).await?;
        let [current, previous] =
            ["ACSCurrent", "ACSPrevious"].map(|stage| holder(&listed.items, stage));
        let (Some(current), Some(previous)) = (current, previous) else {
            return Err(misuse(format!("{} has no previous value", harmless(name))));
        };
        let question = format!("{name}: make {previous} current again, instead of {current}?");
        if !self.leave.given(&harmless(&question))? {
            return Ok(NOT_CONFIRMED.into());
        }
        // Refused if another version has become the current one meanwhile.
        let params = [
            ("SecretName", Some(name.as_str())),
            ("VersionStage", Some("ACSCurrent")),
            ("MoveToVersion", Some(previous)),
            ("RemoveFromVersion", Some(current)),
        ];
        let done = format!("{name}: {previous} is current, {current} is previous.");
        calls.tell("UpdateSecretVersionStage", &params, &harmless(&done)).await
    }
}

/// The id of the version at a stage.
fn holder<'a>(versions: &'a [Value], stage: &str) -> Option<&'a str> {
    let is_at = |it: &&Value| {
        let stages = it["VersionStages"]["VersionStage"].as_array();
        stages.is_some_and(|it| it.iter().any(|it| it == stage))
    };
    versions.iter().find(is_at).map(|it| text(it, "/VersionId"))
}

impl Rotate {
    pub(super) async fn run(&self, calls: &Calls) -> anyhow::Result<ExitCode> {
        let done = match self.every.as_deref() {
            Some(every) => self.set_policy(calls, every).await,
            None => self.now(calls).await,
        };
        if let Err(error) = &done
            && refused_for(error, &["Rejected.UnsupportedOperation"])
        {
            let name = harmless(&self.secret.name);
            writeln!(std::io::stderr(), "{name} is generic: a hook rotates it (yaoku hook set).")?;
        }
        done
    }

    async fn now(&self, calls: &Calls) -> anyhow::Result<ExitCode> {
        if self.window.is_some() {
            let shown = calls.ask("DescribeSecret", &self.secret.params()).await?;
            if shown.text("/SecretType") != "RAMCredentials" {
                return Err(misuse(
                    "--window is for access keys (RAMCredentials): nothing was done",
                ));
            }
        }
        let version = new_version()?;
        let [name] = self.secret.params();
        let window = ("RotationWindow", self.window.as_deref());
        calls.show_one("RotateSecret", &[name, ("VersionId", Some(&version)), window]).await
    }

    async fn set_policy(&self, calls: &Calls, every: &str) -> anyhow::Result<ExitCode> {
        let named = &self.secret.name;
        let on = every != "off";
        let params = [
            ("SecretName", Some(named.as_str())),
            ("EnableAutomaticRotation", Some(if on { "true" } else { "false" })),
            ("RotationInterval", Some(every).filter(|_| on)),
        ];
        let done = if on {
            format!("{named} rotates by itself every {every}.")
        } else {
            format!("{named} no longer rotates by itself.")
        };
        calls.tell("UpdateSecretRotationPolicy", &params, &harmless(&done)).await
    }
}

impl Delete {
    pub(super) async fn run(&self, calls: &Calls) -> anyhow::Result<ExitCode> {
        let name = &self.secret.name;
        let shown = match calls.ask("DescribeSecret", &self.secret.params()).await {
            Err(error) if refused_for(&error, &NOT_FOUND) => return self.absent(),
            shown => shown?,
        };
        introduce(&shown)?;
        let planned = shown.text("/PlannedDeleteTime");
        if !planned.is_empty() && !self.force {
            return say(&format!("{name} is deleted on {planned} already."));
        }
        if self.leave.asks() {
            warn_of_users(calls, shown.text("/SecretName")).await?;
        }
        let when = if self.force {
            "at once and for good".to_owned()
        } else {
            format!("in {} days, and have nobody read it from now on", self.days)
        };
        if !self.leave.given(&harmless(&format!("Delete {name} {when}?")))? {
            return Ok(NOT_CONFIRMED.into());
        }
        let days = self.days.to_string();
        let params = [
            ("SecretName", Some(name.as_str())),
            ("ForceDeleteWithoutRecovery", self.force.then_some("true")),
            ("RecoveryWindowInDays", Some(days.as_str()).filter(|_| !self.force)),
        ];
        let gone = match calls.ask("DeleteSecret", &params).await {
            Err(error) if refused_for(&error, &NOT_FOUND) => return self.absent(),
            gone => gone?,
        };
        if self.force {
            return say(&format!("{name} is deleted."));
        }
        let planned = gone.text("/PlannedDeleteTime");
        say(&format!(
            "{name} is deleted on {planned}. Until then, yaoku secret restore takes it back."
        ))
    }

    fn absent(&self) -> anyhow::Result<ExitCode> {
        say(&format!("{} does not exist: nothing to delete.", self.secret.name))
    }
}

/// Says on standard error which secret it is about.
fn introduce(shown: &Answer) -> anyhow::Result<()> {
    let mut screen = std::io::stderr();
    let [arn, kind, description] =
        ["/Arn", "/SecretType", "/Description"].map(|it| harmless(shown.text(it)));
    writeln!(screen, "{arn} ({kind})")?;
    if !description.is_empty() {
        writeln!(screen, "{description}")?;
    }
    Ok(())
}

/// Says on standard error which targets and hooks need a secret. Who may not see these is told of none.
async fn warn_of_users(calls: &Calls, name: &str) -> anyhow::Result<()> {
    let mut screen = std::io::stderr();
    for (action, list, secret, id, what) in [
        (
            "ListTargets",
            "/Targets/Target",
            "/AdminSecret",
            "/TargetId",
            "logs the administrator of target {} in: without it, nothing is rotated there",
        ),
        (
            "ListHooks",
            "/Hooks/Hook",
            "/SigningSecret",
            "/SecretName",
            "signs what the hook of secret {} is told: without it, that is not rotated",
        ),
    ] {
        let Ok(listed) = calls.ask_of(Product::Yaoku, action, &[]).await else { continue };
        for it in listed.list(list).iter().filter(|it| text(it, secret) == name) {
            let what = what.replace("{}", text(it, id));
            writeln!(screen, "WARNING: {} {}.", harmless(name), harmless(&what))?;
        }
    }
    Ok(())
}

impl Named {
    pub(super) async fn restore(&self, calls: &Calls) -> anyhow::Result<ExitCode> {
        let name = &self.name;
        match calls.ask("RestoreSecret", &self.params()).await {
            // Source: deploy-and-skill.md S16.
            Err(error) if refused_for(&error, &["Rejected.ResourceInUse"]) => {
                say(&format!("{name} was not being deleted."))
            }
            Err(error) => Err(error),
            Ok(_) => say(&format!("{name} is restored.")),
        }
    }
}

/// Says what was done.
fn say(done: &str) -> anyhow::Result<ExitCode> {
    print(&format!("{}\n", harmless(done)))?;
    Ok(ExitCode::SUCCESS)
}

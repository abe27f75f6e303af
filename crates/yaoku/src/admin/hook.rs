//! `yaoku hook`: what is called to rotate generic secrets.

use std::{fmt::Write as _, process::ExitCode};

use clap::{ArgGroup, Args, Subcommand};
use serde_json::Value;
use yaoku_server::api::Product;

use super::{Answer, Leave, Reach, notices};
use crate::screen::{self, harmless, table};

/// Sets, lists, shows and removes what is called to rotate generic secrets.
#[derive(Debug, Args)]
pub(crate) struct Hook {
    #[command(flatten)]
    reach: Reach,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Set(Set),
    /// Lists them.
    List,
    /// Shows the hook of a secret, how far a rotation has come, and why the last one failed if it did.
    Show {
        /// The secret.
        secret: String,
    },
    /// Removes the hook of a secret. A rotation that runs fails. Without a hook, nothing is done.
    Remove {
        /// The secret.
        secret: String,
        #[command(flatten)]
        leave: Leave,
    },
}

/// Says what rotates a generic secret, or changes it: all of it, each time.
///
/// A program must be there, and must not be one that others than its owner may change; a server's
/// name must not lead to addresses that are not public, unless the configuration allows these.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("way").required(true).args(["url", "command"])))]
struct Set {
    /// The secret.
    secret: String,
    /// The server that is called: `https://…` without user, query and fragment.
    #[arg(long, requires = "signing_secret")]
    url: Option<String>,
    /// The secret whose current value, of at least 16 bytes, signs what is sent to that server.
    #[arg(long, value_name = "SECRET", requires = "url")]
    signing_secret: Option<String>,
    /// The role that it works in a session of, narrowed to this secret.
    #[arg(long)]
    role: String,
    /// How often it is called by itself: `7d`, `12h`. Without it, when somebody calls `RotateSecret`.
    #[arg(long, value_name = "INTERVAL")]
    interval: Option<String>,
    /// Instead of a server, a program on the server's machine, one of `hooks.commands`, and its
    /// arguments: they come last, after `--`.
    #[arg(last = true, value_name = "PROGRAM")]
    command: Vec<String>,
}

impl Hook {
    /// Does it.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let reach = &self.reach;
        match self.verb {
            Verb::Set(it) => it.call(reach).await,
            Verb::List => {
                let columns = [
                    ("SECRET", "/SecretName"),
                    ("URL", "/Url"),
                    ("PROGRAM", "/Command/Word/0"),
                    ("ROLE", "/Role"),
                    ("NEXT", "/NextRotationDate"),
                ];
                let show = |it: &Answer| table(it.list("/Hooks/Hook"), &columns);
                reach.call("ListHooks", &[], show).await
            }
            Verb::Show { secret } => show(reach, &secret).await,
            Verb::Remove { secret, leave } => {
                let params = [("SecretName", Some(&*secret))];
                let question = format!("Remove the hook of {secret}?");
                let removed = format!("Nothing rotates {secret} any more.\n");
                let absent = format!("{secret} has no hook: nothing to remove.\n");
                let actions = ["GetHook", "DeleteHook"];
                reach.remove(actions, &params, (&leave, &question), [removed, absent]).await
            }
        }
    }
}

impl Set {
    async fn call(&self, reach: &Reach) -> anyhow::Result<ExitCode> {
        let names = (1..).map(|nth| format!("Command.{nth}"));
        let words: Vec<_> = names.zip(&self.command).collect();
        let mut params = vec![
            ("SecretName", Some(&*self.secret)),
            ("Url", self.url.as_deref()),
            ("SigningSecret", self.signing_secret.as_deref()),
            ("Role", Some(&*self.role)),
            ("RotationInterval", self.interval.as_deref()),
        ];
        params.extend(words.iter().map(|(name, word)| (&**name, Some(&***word))));
        reach.call("PutHook", &params, shown).await
    }
}

async fn show(reach: &Reach, secret: &str) -> anyhow::Result<ExitCode> {
    let named = [("SecretName", Some(secret))];
    let mut found = reach.ask(Product::Yaoku, "GetHook", &named).await?;
    if let Ok(hook) = &found {
        let last = notices::of_last_rotation(secret);
        let listed = reach.ask(Product::Yaoku, notices::LIST, &last).await?;
        let since = hook.text("/Hook/CreateDate");
        if let Some(failure) = listed.ok().and_then(|it| notices::failure(&it, since)) {
            let mut shown = hook.json().clone();
            shown["LastFailure"] = failure;
            found = Ok(Answer::of(shown));
        }
    }
    reach.tell(found, shown)
}

fn shown(it: &Answer) -> String {
    let text = |path: &str| harmless(it.text(path)).into_owned();
    let of = |name: &str| text(&format!("/Hook/{name}"));
    let words = it.list("/Hook/Command/Word").iter().filter_map(Value::as_str);
    let words: Vec<_> = words.map(|it| harmless(it).into_owned()).collect();
    let way = match &*words {
        [] => format!("calls: {}, signed with secret {}", of("Url"), of("SigningSecret")),
        words => format!("runs: {}", words.join(" ")),
    };
    let or = |text: String, other: &str| if text.is_empty() { other.to_owned() } else { text };
    let mut said = format!(
        "{}\n{way}\nas: role {}\nlast rotation: {}\nnext rotation: {}\n",
        of("SecretName"),
        of("Role"),
        or(of("LastRotationDate"), "none"),
        or(of("NextRotationDate"), "when it is asked for"),
    );
    if !it.text("/Rotation/VersionId").is_empty() {
        let of = |name: &str| text(&format!("/Rotation/{name}"));
        let failures = it.json().pointer("/Rotation/Failures").map(screen::words);
        let (version, step) = (of("VersionId"), of("Step"));
        let failures = failures.unwrap_or_default();
        // Writing to a string cannot fail.
        _ = writeln!(said, "now: version {version}, step {step}, failed {failures} times");
    }
    if !it.text("/LastFailure/Time").is_empty() {
        let of = |name: &str| text(&format!("/LastFailure/{name}"));
        let (time, code, message) = (of("Time"), of("Code"), of("Message"));
        _ = writeln!(said, "last failure: {time}, {code}: {message}");
    }
    said
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::shown;
    use crate::exchange::Answer;

    #[test]
    fn what_a_rotation_has_come_to_is_told() {
        let hook = json!({"SecretName": "db", "Url": "https://a", "Role": "r"});
        let said = shown(&Answer::of(json!({ "Hook": &hook })));
        assert!(said.ends_with("next rotation: when it is asked for\n"), "{said}");
        let rotation = json!({"VersionId": "v2", "Step": "set", "Failures": 3});
        let failure = json!({"Time": "2026-01-02T03:04:05Z", "Code": "HookEnded",
            "Message": "the program ended with\u{1b}"});
        let all = json!({"Hook": hook, "Rotation": rotation, "LastFailure": failure});
        let said = shown(&Answer::of(all));
        let (now, last) = ("failed 3 times\n", "the program ended with\\u{1b}\n");
        assert!(said.contains(now) && said.ends_with(last), "{said}");
        assert!(said.contains("last failure: 2026-01-02T03:04:05Z, HookEnded: "), "{said}");
    }
}

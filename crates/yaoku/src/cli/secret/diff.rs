//! `yaoku secret diff`: what changed between two versions of a secret.

use std::{fmt::Write as _, process::ExitCode};

use clap::Args;
use serde_json::{Map, Value, json};

use super::{
    super::output::{cell, print},
    Calls, MASK, Named, held,
};
use crate::screen::harmless;

/// Compares the previous value with the current one, or any two versions: of a JSON object each
/// member, of anything else all of it (`GetSecretValue`).
#[derive(Debug, Args)]
pub(super) struct Diff {
    #[command(flatten)]
    secret: Named,
    /// The older version, instead of the one at `ACSPrevious`.
    #[arg(long, value_name = "ID")]
    from: Option<String>,
    /// The newer version, instead of the one at `ACSCurrent`.
    #[arg(long, value_name = "ID")]
    to: Option<String>,
    /// Writes what the values are. Without it, only what changed is told.
    #[arg(long)]
    reveal: bool,
}

/// One thing that is not what it was. It holds values, so it is not to be shown by `Debug`.
struct Change {
    /// The member; `None`: the value is no object.
    member: Option<String>,
    from: Option<String>,
    to: Option<String>,
}

impl Diff {
    pub(super) async fn run(&self, calls: &Calls) -> anyhow::Result<ExitCode> {
        let Self { secret, from, to, reveal } = self;
        let stage = |version: &Option<String>, stage| version.is_none().then_some(stage);
        let name = &secret.name;
        let old = held(calls, name, from.as_deref(), stage(from, "ACSPrevious")).await?;
        let new = held(calls, name, to.as_deref(), stage(to, "ACSCurrent")).await?;
        let mut changes = changes(old.text("/SecretData"), new.text("/SecretData"));
        if !reveal {
            changes.iter_mut().for_each(Change::mask);
        }
        let [old, new] = [&old, &new].map(|it| it.text("/VersionId"));
        if calls.writer.is_plain_table() {
            print(&lines(old, new, &changes))?;
        } else {
            let changes: Vec<Value> = changes.iter().map(Change::json).collect();
            calls.writer.write(&json!({"From": old, "To": new, "Changes": changes}))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Change {
    fn mask(&mut self) {
        for value in [&mut self.from, &mut self.to].into_iter().flatten() {
            MASK.clone_into(value);
        }
    }

    fn json(&self) -> Value {
        json!({"Member": self.member, "From": self.from, "To": self.to})
    }
}

/// What is not the same in two values.
fn changes(old: &str, new: &str) -> Vec<Change> {
    if old == new {
        return Vec::new();
    }
    if let (Some(from), Some(to)) = (object(old), object(new)) {
        let members = members(&from, &to);
        if !members.is_empty() {
            return members;
        }
    }
    vec![Change { member: None, from: Some(old.to_owned()), to: Some(new.to_owned()) }]
}

fn object(text: &str) -> Option<Map<String, Value>> {
    serde_json::from_str(text).ok()
}

/// The members that are not the same, by name.
fn members(from: &Map<String, Value>, to: &Map<String, Value>) -> Vec<Change> {
    let mut names: Vec<&String> = from.keys().chain(to.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let differ = names.into_iter().filter(|it| from.get(*it) != to.get(*it));
    let change = |name: &String| Change {
        member: Some(name.clone()),
        from: from.get(name).map(cell),
        to: to.get(name).map(cell),
    };
    differ.map(change).collect()
}

/// The changes as a person reads them: what was, and what is, each line marked.
fn lines(old: &str, new: &str, changes: &[Change]) -> String {
    if changes.is_empty() {
        return "The values are the same.\n".to_owned();
    }
    let mut out = format!("--- {}\n+++ {}\n", harmless(old), harmless(new));
    for Change { member, from, to } in changes {
        for (sign, value) in [('-', from), ('+', to)] {
            let Some(value) = value else { continue };
            match member {
                // Writing to a string cannot fail.
                Some(name) => _ = writeln!(out, "{sign} {}: {}", harmless(name), harmless(value)),
                None => value.lines().for_each(|it| _ = writeln!(out, "{sign} {}", harmless(it))),
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Change, changes, lines};

    #[test]
    fn of_objects_each_member_is_compared() {
        let found = changes(r#"{"a":1,"b":"x","gone":"g"}"#, r#"{"b":"y","a":1,"new":[1]}"#);
        let text = lines("v1", "v2", &found);
        assert_eq!(text, "--- v1\n+++ v2\n- b: x\n+ b: y\n- gone: g\n+ new: [1]\n");
    }

    #[test]
    fn of_other_texts_all_is_shown_and_terminals_find_nothing_to_obey() {
        for (old, new) in [("one\ntwo", "one\n\u{1b}[2J"), ("{\"a\":1}", "{ \"a\": 1 }")] {
            let found = changes(old, new);
            assert!(found.len() == 1 && found[0].member.is_none(), "{old} {new}");
        }
        let text = lines("v1", "v2", &changes("one\ntwo", "one\n\u{1b}[2J"));
        assert_eq!(text, "--- v1\n+++ v2\n- one\n- two\n+ one\n+ \\u{1b}[2J\n");
        assert_eq!(lines("v1", "v2", &changes("x", "x")), "The values are the same.\n");
    }

    #[test]
    fn masked_only_what_changed_is_told() {
        let mut found = changes(r#"{"password":"old"}"#, r#"{"password":"new","port":1}"#);
        found.iter_mut().for_each(Change::mask);
        let text = lines("v1", "v2", &found);
        assert_eq!(text, "--- v1\n+++ v2\n- password: ***\n+ password: ***\n+ port: ***\n");
    }
}

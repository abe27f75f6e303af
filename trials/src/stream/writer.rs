//! One client that changes what is its own, one call after the other, by chance.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use anyhow::bail;
use fastrand::Rng;

use super::{
    calls::Calls,
    facts::{Change, Fact, Ledger, USER},
};
use crate::client::{Answer, Client};

/// How many versions a secret gets: old ones are removed only after more.
const VERSIONS: usize = 6;

/// One client.
#[derive(Debug)]
pub(super) struct Writer {
    number: usize,
    instance: String,
    dice: Rng,
    pub(super) calls: Calls,
    pub(super) ledger: Ledger,
    made: usize,
    secrets: BTreeMap<String, usize>,
    keys: Vec<String>,
    aliases: Vec<String>,
    access_key: Option<String>,
}

/// A call, and what it makes so.
struct Step {
    action: &'static str,
    params: Vec<(&'static str, String)>,
    change: Change,
    then: Then,
}

/// What the writer does when it is answered.
enum Then {
    Nothing,
    KeepKey(String),
    KeepAccessKey,
    DropAccessKey,
    KeepAlias(String),
    DropAlias(String),
    KeepSecret(String),
    MoreVersions(String),
    DropSecret(String),
    KeepBlob(String),
    /// It must be refused.
    Refused,
}

impl Writer {
    pub(super) fn new(number: usize, seed: u64, client: &Client, instance: &str) -> Self {
        Self {
            number,
            instance: instance.to_owned(),
            dice: Rng::with_seed(seed.wrapping_add(number as u64)),
            calls: Calls::of(client),
            ledger: Ledger::default(),
            made: 0,
            secrets: BTreeMap::new(),
            keys: Vec::new(),
            aliases: Vec::new(),
            access_key: None,
        }
    }

    /// Goes on until somebody does not answer.
    pub(super) async fn write(&mut self, answers: Arc<AtomicUsize>) -> anyhow::Result<()> {
        loop {
            let Step { action, params, change, then } = self.step();
            let params: Vec<(&str, &str)> = params.iter().map(|it| (it.0, &*it.1)).collect();
            let Some(answer) = self.calls.call(action, &params).await? else {
                // What it would have made besides has no name that we know.
                self.let_go(&change);
                self.ledger.unknown(action, change);
                return Ok(());
            };
            let refused = matches!(then, Then::Refused);
            if refused == (answer.status == 200) {
                bail!("{action} {params:?}: {answer:?}");
            }
            if !refused {
                self.ledger.done(change);
                self.then(then, &answer);
            }
            answers.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn then(&mut self, then: Then, answer: &Answer) {
        let text = |it: &serde_json::Value| it.as_str().unwrap_or_default().to_owned();
        match then {
            Then::Nothing | Then::Refused => {}
            Then::KeepKey(description) => {
                let id = text(&answer.body["KeyMetadata"]["KeyId"]);
                self.ledger.done(vec![(Fact::KeyDescription(id.clone()), Some(description))]);
                self.keys.push(id);
            }
            Then::KeepAccessKey => {
                let id = text(&answer.body["AccessKey"]["AccessKeyId"]);
                let status = text(&answer.body["AccessKey"]["Status"]);
                self.ledger.done(vec![(Fact::AccessKey(id.clone()), Some(status))]);
                self.access_key = Some(id);
            }
            Then::DropAccessKey => self.access_key = None,
            Then::KeepAlias(name) => self.aliases.push(name),
            Then::DropAlias(name) => self.aliases.retain(|it| *it != name),
            Then::KeepSecret(name) => _ = self.secrets.insert(name, 1),
            Then::MoreVersions(name) => *self.secrets.entry(name).or_default() += 1,
            Then::DropSecret(name) => _ = self.secrets.remove(&name),
            Then::KeepBlob(plaintext) => {
                let blob = Fact::Opened(answer.text("CiphertextBlob").to_owned());
                self.ledger.done(vec![(blob, Some(plaintext))]);
            }
        }
    }

    fn step(&mut self) -> Step {
        if self.keys.is_empty() {
            return self.create_key();
        }
        match self.dice.u8(..20) {
            0 => self.create_key(),
            1 => self.describe_key(),
            2 | 3 => self.bind_alias(),
            4 => self.unbind_alias(),
            5..=7 => self.create_secret(),
            8..=11 => self.put_value(),
            12 => self.move_label(),
            13 => self.describe_secret(),
            14 => self.tag(),
            15 => self.delete_secret(),
            16 => self.access_key(),
            17 => self.refused(),
            _ => self.encrypt(),
        }
    }

    /// A text that nobody else makes.
    fn new_text(&mut self) -> String {
        self.made += 1;
        format!("{}-{}", self.number, self.made)
    }

    fn create_key(&mut self) -> Step {
        let text = self.new_text();
        let params = vec![("DKMSInstanceId", self.instance.clone()), ("Description", text.clone())];
        Step { action: "CreateKey", params, change: vec![], then: Then::KeepKey(text) }
    }

    fn describe_key(&mut self) -> Step {
        let (id, text) = (self.any_key(), self.new_text());
        Step {
            action: "UpdateKeyDescription",
            params: vec![("KeyId", id.clone()), ("Description", text.clone())],
            change: vec![(Fact::KeyDescription(id), Some(text))],
            then: Then::Nothing,
        }
    }

    /// Makes an alias, or binds one to another key.
    fn bind_alias(&mut self) -> Step {
        let key = self.any_key();
        let new = self.aliases.is_empty() || self.dice.bool();
        let name = if new { format!("alias/{}", self.new_text()) } else { self.any_alias() };
        Step {
            action: if new { "CreateAlias" } else { "UpdateAlias" },
            params: vec![("AliasName", name.clone()), ("KeyId", key.clone())],
            change: vec![(Fact::Alias(name.clone()), Some(key))],
            then: if new { Then::KeepAlias(name) } else { Then::Nothing },
        }
    }

    fn unbind_alias(&mut self) -> Step {
        if self.aliases.is_empty() {
            return self.bind_alias();
        }
        let name = self.any_alias();
        Step {
            action: "DeleteAlias",
            params: vec![("AliasName", name.clone())],
            change: vec![(Fact::Alias(name.clone()), None)],
            then: Then::DropAlias(name),
        }
    }

    fn create_secret(&mut self) -> Step {
        let text = self.new_text();
        let (name, value) = (format!("secret/{text}"), format!("value {text}"));
        let tags = format!(r#"[{{"TagKey":"a","TagValue":"{text}"}}]"#);
        Step {
            action: "CreateSecret",
            params: vec![
                ("SecretName", name.clone()),
                ("VersionId", "v1".to_owned()),
                ("SecretData", value.clone()),
                ("Description", text.clone()),
                ("Tags", tags),
            ],
            change: vec![
                (Fact::Value(name.clone(), "v1".to_owned()), Some(value)),
                (Fact::Current(name.clone()), Some("v1".to_owned())),
                (Fact::Description(name.clone()), Some(text.clone())),
                (Fact::Tags(name.clone()), Some(format!("a={text}"))),
            ],
            then: Then::KeepSecret(name),
        }
    }

    fn put_value(&mut self) -> Step {
        let Some((name, versions)) = self.any_secret().filter(|it| it.1 < VERSIONS) else {
            return self.create_secret();
        };
        let (version, value) = (format!("v{}", versions + 1), self.new_text());
        Step {
            action: "PutSecretValue",
            params: vec![
                ("SecretName", name.clone()),
                ("VersionId", version.clone()),
                ("SecretData", value.clone()),
            ],
            change: vec![
                (Fact::Value(name.clone(), version.clone()), Some(value)),
                (Fact::Current(name.clone()), Some(version)),
            ],
            then: Then::MoreVersions(name),
        }
    }

    /// Makes the first version the current one; nothing changes if it is that.
    fn move_label(&mut self) -> Step {
        let Some((name, _)) = self.any_secret().filter(|it| it.1 > 1) else {
            return self.put_value();
        };
        Step {
            action: "UpdateSecretVersionStage",
            params: vec![
                ("SecretName", name.clone()),
                ("VersionStage", "ACSCurrent".to_owned()),
                ("MoveToVersion", "v1".to_owned()),
            ],
            change: vec![(Fact::Current(name), Some("v1".to_owned()))],
            then: Then::Nothing,
        }
    }

    fn describe_secret(&mut self) -> Step {
        let Some((name, _)) = self.any_secret() else { return self.create_secret() };
        let text = self.new_text();
        Step {
            action: "UpdateSecret",
            params: vec![("SecretName", name.clone()), ("Description", text.clone())],
            change: vec![(Fact::Description(name), Some(text))],
            then: Then::Nothing,
        }
    }

    fn tag(&mut self) -> Step {
        let Some((name, _)) = self.any_secret() else { return self.create_secret() };
        let text = self.new_text();
        let tags = format!(r#"[{{"TagKey":"a","TagValue":"{text}"}}]"#);
        Step {
            action: "TagResource",
            params: vec![("SecretName", name.clone()), ("Tags", tags)],
            change: vec![(Fact::Tags(name), Some(format!("a={text}")))],
            then: Then::Nothing,
        }
    }

    fn delete_secret(&mut self) -> Step {
        let Some((name, versions)) = self.any_secret() else { return self.create_secret() };
        let values = (1..=versions).map(|it| Fact::Value(name.clone(), format!("v{it}")));
        let rest = [Fact::Current, Fact::Description, Fact::Tags].map(|it| it(name.clone()));
        Step {
            action: "DeleteSecret",
            params: vec![
                ("SecretName", name.clone()),
                ("ForceDeleteWithoutRecovery", "true".to_owned()),
            ],
            change: values.chain(rest).map(|it| (it, None)).collect(),
            then: Then::DropSecret(name),
        }
    }

    /// One writer's alone: a user has two access keys at most.
    fn access_key(&mut self) -> Step {
        if self.number > 0 {
            return self.put_value();
        }
        let user = ("UserName", USER.to_owned());
        let Some(id) = self.access_key.clone() else {
            let (action, then) = ("CreateAccessKey", Then::KeepAccessKey);
            return Step { action, params: vec![user], change: vec![], then };
        };
        let fact = Fact::AccessKey(id.clone());
        let mut params = vec![user, ("UserAccessKeyId", id)];
        if self.dice.bool() {
            params.push(("Status", "Inactive".to_owned()));
            let change = vec![(fact, Some("Inactive".to_owned()))];
            return Step { action: "UpdateAccessKey", params, change, then: Then::Nothing };
        }
        let change = vec![(fact, None)];
        Step { action: "DeleteAccessKey", params, change, then: Then::DropAccessKey }
    }

    /// A write that is refused, and leaves its event alone.
    fn refused(&mut self) -> Step {
        let Some((name, _)) = self.any_secret() else { return self.create_secret() };
        Step {
            action: "CreateSecret",
            params: vec![
                ("SecretName", name),
                ("VersionId", "v1".to_owned()),
                ("SecretData", "another".to_owned()),
            ],
            change: vec![],
            then: Then::Refused,
        }
    }

    fn encrypt(&mut self) -> Step {
        let (id, text) = (self.any_key(), self.new_text());
        Step {
            action: "Encrypt",
            params: vec![("KeyId", id), ("Plaintext", text.clone())],
            change: vec![],
            then: Then::KeepBlob(text),
        }
    }

    fn any_key(&mut self) -> String {
        self.keys[self.dice.usize(..self.keys.len())].clone()
    }

    fn any_alias(&mut self) -> String {
        self.aliases[self.dice.usize(..self.aliases.len())].clone()
    }

    fn any_secret(&mut self) -> Option<(String, usize)> {
        let count = self.secrets.len();
        let chosen = if count == 0 { 0 } else { self.dice.usize(..count) };
        self.secrets.iter().nth(chosen).map(|(name, versions)| (name.clone(), *versions))
    }

    /// Nobody knows what became of these: they are looked at, and not changed any more.
    fn let_go(&mut self, change: &Change) {
        for (fact, _) in change {
            match fact {
                Fact::Current(name) | Fact::Description(name) | Fact::Tags(name) => {
                    self.secrets.remove(name);
                }
                Fact::Alias(name) => self.aliases.retain(|it| it != name),
                Fact::AccessKey(_) => self.access_key = None,
                Fact::Value(..) | Fact::KeyDescription(_) | Fact::Opened(_) => {}
            }
        }
    }

    /// Removes the access keys that it does not know of: there may be two.
    pub(super) async fn tidy(&mut self) -> anyhow::Result<()> {
        if self.number > 0 || self.access_key.is_some() {
            return Ok(());
        }
        let Some(answer) = self.calls.call("ListAccessKeys", &[("UserName", USER)]).await? else {
            bail!("no answer about access keys");
        };
        for key in answer.body["AccessKeys"]["AccessKey"].as_array().into_iter().flatten() {
            let id = key["AccessKeyId"].as_str().unwrap_or_default();
            let params = [("UserName", USER), ("UserAccessKeyId", id)];
            self.calls.call("DeleteAccessKey", &params).await?;
            self.ledger.done(vec![(Fact::AccessKey(id.to_owned()), None)]);
        }
        Ok(())
    }
}

//! What a client knows to be so, and how it looks whether it is.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, bail};

use super::calls::Calls;
use crate::{client::Answer, report::Report};

/// The user whose access keys come and go.
pub(super) const USER: &str = "trial";

/// Something that can be asked for. What is not there has no value.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Fact {
    /// The value of a version of a secret.
    Value(String, String),
    /// The current version of a secret.
    Current(String),
    /// The description of a secret.
    Description(String),
    /// The tags of a secret.
    Tags(String),
    /// The key that an alias names.
    Alias(String),
    /// The description of a key.
    KeyDescription(String),
    /// The status of an access key.
    AccessKey(String),
    /// What a ciphertext opens to.
    Opened(String),
}

/// What a call makes of some facts, all of them or none.
pub(super) type Change = Vec<(Fact, Option<String>)>;

/// What is known.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    known: BTreeMap<Fact, Option<String>>,
    /// What was known before it was looked at the last time is not here.
    fresh: BTreeSet<Fact>,
    /// Calls that were not answered.
    open: Vec<(&'static str, Change)>,
}

impl Ledger {
    /// It was answered, so it must be so.
    pub(super) fn done(&mut self, change: Change) {
        for (fact, value) in change {
            self.fresh.insert(fact.clone());
            self.known.insert(fact, value);
        }
    }

    /// It was not answered, so it may be so.
    pub(super) fn unknown(&mut self, action: &'static str, change: Change) {
        self.open.push((action, change));
    }

    /// Looks at what is new, or at all of it.
    pub(super) async fn check(
        &mut self,
        all: bool,
        calls: &mut Calls,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        for (action, change) in std::mem::take(&mut self.open) {
            self.settle(action, change, calls, report).await?;
        }
        let fresh = std::mem::take(&mut self.fresh);
        for (fact, expected) in self.known.iter().filter(|it| all || fresh.contains(it.0)) {
            let seen = fact.look(calls).await?;
            let what = format_args!("{fact:?} is {seen:?}, and {expected:?} was answered");
            report.check(seen == *expected, what);
        }
        Ok(())
    }

    /// Finds out what became of a call that was not answered: all of it, or nothing.
    async fn settle(
        &mut self,
        action: &str,
        change: Change,
        calls: &mut Calls,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let (mut done, mut undone) = (true, true);
        for (fact, new) in &change {
            let (seen, old) = (fact.look(calls).await?, self.known.get(fact).cloned().flatten());
            done &= seen == *new;
            undone &= seen == old;
        }
        report.check(done || undone, format_args!("{action} is half done: {change:?}"));
        if done {
            self.done(change);
        }
        Ok(())
    }
}

impl Fact {
    async fn look(&self, calls: &mut Calls) -> anyhow::Result<Option<String>> {
        let answer = match self {
            Self::Value(name, version) => {
                let params = [("SecretName", &**name), ("VersionId", version)];
                calls.call("GetSecretValue", &params).await?
            }
            Self::Current(name) => calls.call("GetSecretValue", &[("SecretName", name)]).await?,
            Self::Description(name) | Self::Tags(name) => {
                let params = [("SecretName", &**name), ("FetchTags", "true")];
                calls.call("DescribeSecret", &params).await?
            }
            Self::Alias(id) | Self::KeyDescription(id) => {
                calls.call("DescribeKey", &[("KeyId", id)]).await?
            }
            Self::AccessKey(_) => calls.call("ListAccessKeys", &[("UserName", USER)]).await?,
            Self::Opened(blob) => calls.call("Decrypt", &[("CiphertextBlob", blob)]).await?,
        };
        let answer = answer.with_context(|| format!("no answer about {self:?}"))?;
        match answer.status {
            200 => Ok(self.read(&answer)),
            404 => Ok(None),
            _ => bail!("{self:?}: {answer:?}"),
        }
    }

    fn read(&self, answer: &Answer) -> Option<String> {
        let text = |it: &serde_json::Value| it.as_str().map(str::to_owned);
        match self {
            Self::Value(..) => text(&answer.body["SecretData"]),
            Self::Current(_) => text(&answer.body["VersionId"]),
            Self::Description(_) => text(&answer.body["Description"]),
            Self::Tags(_) => {
                let tags = answer.body["Tags"]["Tag"].as_array()?.iter();
                let pair = |it: &serde_json::Value| {
                    Some(format!("{}={}", it["TagKey"].as_str()?, it["TagValue"].as_str()?))
                };
                Some(tags.filter_map(pair).collect::<Vec<_>>().join(","))
            }
            Self::Alias(_) => text(&answer.body["KeyMetadata"]["KeyId"]),
            Self::KeyDescription(_) => text(&answer.body["KeyMetadata"]["Description"]),
            Self::AccessKey(id) => {
                let keys = answer.body["AccessKeys"]["AccessKey"].as_array()?;
                let own = keys.iter().find(|it| it["AccessKeyId"] == **id)?;
                text(&own["Status"])
            }
            Self::Opened(_) => text(&answer.body["Plaintext"]),
        }
    }
}

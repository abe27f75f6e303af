//! Policy documents of every kind: read, judged, and judged the same when they are laid out otherwise.

use std::{borrow::Cow, sync::Arc};

use yaoku_model::policy::{
    Caller, Context, Document, Kind, Layer, Question, Verdict, Who, Work, decide,
};

/// A request that has a value for every key, or for none.
struct Every(Option<&'static str>);

impl Context for Every {
    fn value(&self, _: &str) -> Option<Cow<'_, str>> {
        self.0.map(Cow::Borrowed)
    }
}

pub(crate) fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    for kind in Kind::ALL {
        let Ok(document) = Document::parse(text, kind) else { continue };
        let document = Arc::new(document);
        let layer = Layer::new(vec![Arc::clone(&document)]);
        assert!(document.statements() <= text.len() / 10, "statements out of nothing");
        let again = laid_out(text).and_then(|it| Document::parse(&it, kind).ok());
        let denied = with_a_deny(text).and_then(|it| Document::parse(&it, kind).ok());
        for asked in asked() {
            let first = verdict(&[&document], &asked);
            assert_eq!(verdict(&[&document, &document], &asked), first, "twice is once");
            let layer = asked.of(|question| layer.decide(question).verdict);
            assert_eq!(layer, first, "a layer judges otherwise");
            if let Some(again) = &again {
                assert_eq!(verdict(&[again], &asked), first, "laid out otherwise");
            }
            if let Some(denied) = &denied {
                let after = verdict(&[denied], &asked);
                assert!(after == first || after == Verdict::ExplicitDeny, "a Deny allows more");
            }
        }
    }
}

/// The documents of the fixtures.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for vector in crate::vectors("policy") {
        for case in vector["cases"].as_array().into_iter().flatten() {
            if let Some(statements) = case.get("statements") {
                let document = serde_json::json!({ "Version": "1", "Statement": statements });
                seeds.push(document.to_string().into_bytes());
            }
            let documents = case["documents"].as_array().into_iter().flatten();
            for document in documents.chain(case.get("document")) {
                seeds.push(match document.as_str() {
                    Some(text) => text.as_bytes().to_vec(),
                    None => document.to_string().into_bytes(),
                });
            }
        }
    }
    seeds.sort_unstable();
    seeds.dedup();
    seeds
}

struct Asked {
    action: &'static str,
    resource: &'static str,
    value: Option<&'static str>,
}

fn asked() -> impl Iterator<Item = Asked> {
    let about = [
        ("kms:Encrypt", "acs:kms:cn-hangzhou:1:key/k-1"),
        ("kms:GetSecretValue", "acs:kms:cn-hangzhou:1:secret/a"),
        ("ram:GetUser", "*"),
    ];
    about.into_iter().flat_map(|(action, resource)| {
        [None, Some("10.0.0.1"), Some("true"), Some("2026-01-01T00:00:00Z")].map(|value| Asked {
            action,
            resource,
            value,
        })
    })
}

impl Asked {
    fn of<T>(&self, judge: impl FnOnce(&Question<'_>) -> T) -> T {
        judge(&Question {
            action: self.action,
            resources: &[self.resource],
            caller: Some(Caller { account: "1", who: Who::User("alice") }),
            owner: "1",
            context: &Every(self.value),
            work: &Work::default(),
        })
    }
}

fn verdict(documents: &[&Document], asked: &Asked) -> Verdict {
    asked.of(|question| decide(documents.iter().copied(), question).verdict)
}

/// The same statements backwards, with one more that denies, under the condition of the first.
fn with_a_deny(text: &str) -> Option<String> {
    let mut value: serde_json::Value = serde_json::from_str(text).ok()?;
    if has_numbers(&value) {
        return None;
    }
    let statements = value.get_mut("Statement")?.as_array_mut()?;
    let mut deny = statements.first()?.clone();
    *deny.get_mut("Effect")? = "Deny".into();
    statements.reverse();
    statements.push(deny);
    Some(value.to_string())
}

/// The same JSON with other white space. Numbers would be written otherwise: not those.
fn laid_out(text: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    (!has_numbers(&value)).then(|| format!("{value:#}"))
}

fn has_numbers(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::Number(_) => true,
        serde_json::Value::Array(items) => items.iter().any(has_numbers),
        serde_json::Value::Object(members) => members.values().any(has_numbers),
        _ => false,
    }
}

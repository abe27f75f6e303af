//! How much looking a decision takes, counted in steps: whoever writes policies must not be able to
//! stop the server with them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{borrow::Cow, sync::Arc};

use serde_json::{Value, json};
use yaoku_model::policy::{
    Caller, Context, Decision, Document, Kind, Layer, Question, Verdict, Who, Work,
};

/// A request with an encryption context of one long value.
struct Long(String);

impl Context for Long {
    fn value(&self, key: &str) -> Option<Cow<'_, str>> {
        (key == "kms:EncryptionContext:k").then_some(Cow::Borrowed(&*self.0))
    }
}

const KEY: &str = "acs:kms:cn-hangzhou:1540355698848459:key/key-hzz62f1cb66fa42qo7ftz";

/// As many policies as a user and its groups can hold.
const HELD: usize = 33;

fn text(statement: &Value) -> String {
    json!({ "Version": "1", "Statement": [statement] }).to_string()
}

/// A policy with as much of `part` in it as fits: `at` puts them into its statement.
fn full(limit: usize, part: impl Fn(usize) -> String, at: impl Fn(&[String]) -> Value) -> String {
    let mut parts = Vec::new();
    loop {
        parts.push(part(parts.len()));
        if text(&at(&parts)).len() > limit {
            parts.pop();
            return text(&at(&parts));
        }
    }
}

fn layer(policy: &str) -> Layer {
    let document = Arc::new(Document::parse(policy, Kind::Identity).unwrap());
    Layer::new(vec![document; HELD])
}

fn asked<T>(value: &str, work: &Work, decide: impl FnOnce(&Question<'_>) -> T) -> T {
    decide(&Question {
        action: "kms:Encrypt",
        resources: &[KEY],
        caller: Some(Caller { account: "1540355698848459", who: Who::User("alice") }),
        owner: "1540355698848459",
        context: &Long(value.to_owned()),
        work,
    })
}

const REFUSED: Decision = Decision { verdict: Verdict::ExplicitDeny, by: None };

fn deny_if(operator: &str, values: &[String]) -> Value {
    json!({ "Effect": "Deny", "Action": "kms:*", "Resource": "*",
            "Condition": { operator: { "kms:EncryptionContext:k": values } } })
}

fn open(number: usize) -> String {
    format!("*?{}{}?*", char::from(b"abcdefghijklmnopqrstuvwxyz"[number % 26]), number % 10)
}

#[test]
fn policies_that_would_take_seconds_refuse_the_call_when_its_work_is_used_up() {
    for policy in [
        full(6144, open, |it| deny_if("StringLike", it)),
        full(6144, |_| "*x*y*".to_owned(), |it| deny_if("StringLike", it)),
    ] {
        let (layer, work) = (layer(&policy), Work::default());
        assert_eq!(asked(&"x".repeat(8000), &work, |it| layer.decide(it)), REFUSED);
        assert!(work.is_used_up());
    }
}

#[test]
fn as_many_policies_as_an_identity_can_hold_leave_work_for_another_decision() {
    let resource = |number: usize| format!("acs:kms:*:1540355698848459:*/key-{number:x}z*7ftz");
    let statement = |it: &[String]| json!({ "Effect": "Deny", "Action": "kms:*", "Resource": it });
    let (layer, work) = (layer(&full(6144, resource, statement)), Work::default());
    let decision = asked("x", &work, |it| layer.decide(it));
    assert_eq!(decision, Decision { verdict: Verdict::ImplicitDeny, by: None });
    assert!(work.left() > Work::MOST / 2, "{}", work.left());
}

#[test]
fn actions_found_with_the_last_of_the_work_are_not_remembered() {
    let actions = |it: &[String]| json!({ "Effect": "Deny", "Action": it, "Resource": "*" });
    let layer = layer(&full(2048, |it| format!("*{}", open(it)), actions));
    let work = Work::of(1000);
    assert_eq!(asked("x", &work, |it| layer.decide(it)), REFUSED);
    let decision = asked("x", &Work::default(), |it| layer.decide(it));
    assert_eq!(decision.verdict, Verdict::ImplicitDeny);
}

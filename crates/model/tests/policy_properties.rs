//! What holds of every policy, whatever it says.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{borrow::Cow, sync::Arc};

use proptest::prelude::*;
use serde_json::{Value, json};
use yaoku_model::policy::{
    Context, Decision, Document, Kind, Layer, Question, Verdict, Work, decide,
};

/// A request with one tag, or none, and a value for one key of each other type.
struct Tagged(Option<&'static str>);

impl Context for Tagged {
    fn value(&self, key: &str) -> Option<Cow<'_, str>> {
        match key {
            "kms:tag/env" => self.0.map(Cow::Borrowed),
            "acs:SourceIp" => Some("192.0.2.7".into()),
            "acs:CurrentTime" => Some("2026-06-01T00:00:00Z".into()),
            "acs:MFAPresent" => Some("false".into()),
            "kms:EncryptionContext:size" => Some("10".into()),
            _ => None,
        }
    }
}

fn verdict(documents: &[Document], asked: Asked) -> Verdict {
    decided(documents, asked, &Work::default()).verdict
}

fn decided(documents: &[Document], (action, resource, tag): Asked, work: &Work) -> Decision {
    let question = Question {
        action,
        resources: &[resource],
        caller: None,
        owner: "1",
        context: &Tagged(tag),
        work,
    };
    decide(documents, &question)
}

type Asked = (&'static str, &'static str, Option<&'static str>);

fn asked() -> impl Strategy<Value = Asked> {
    (
        prop::sample::select(vec!["kms:Encrypt", "kms:Decrypt", "ram:GetUser"]),
        prop::sample::select(vec!["acs:kms:r:1:key/a", "acs:kms:r:1:secret/a", "*"]),
        prop::sample::select(vec![None, Some("a"), Some("b")]),
    )
}

fn statement(effect: &'static str) -> impl Strategy<Value = Value> {
    let pick = |list: &[&'static str]| prop::sample::select(list.to_vec());
    (
        pick(&["Action", "NotAction"]),
        pick(&["*", "kms:*", "kms:Enc?ypt", "KMS:DECRYPT", "ram:*"]),
        pick(&[
            "*",
            "acs:kms:*:*:key*",
            "acs:kms:r:1:secret/?",
            "acs:kms:*:1:key/a",
            "*:1:????et/a",
        ]),
        pick(&["", "StringEquals", "StringNotEquals", "StringLike", "StringNotLike"]),
        pick(&["a", "b", "?"]),
    )
        .prop_map(move |(member, action, resource, operator, value)| {
            let mut it = json!({ "Effect": effect, "Resource": resource });
            it[member] = json!(action);
            if !operator.is_empty() {
                it["Condition"] = json!({ operator: { "kms:tag/env": value } });
            }
            it
        })
}

/// An operator of any type, with a key and a value of that type.
fn operators() -> impl Strategy<Value = (&'static str, &'static str, &'static str)> {
    prop::sample::select(vec![
        ("StringEquals", "kms:tag/env", "a"),
        ("StringEqualsIgnoreCase", "kms:tag/env", "A"),
        ("StringLike", "kms:tag/env", "?"),
        ("NumericEquals", "kms:EncryptionContext:size", "10.0"),
        ("NumericLessThan", "kms:EncryptionContext:size", "9"),
        ("NumericLessThanEquals", "kms:EncryptionContext:size", "10"),
        ("DateEquals", "acs:CurrentTime", "2026-06-01T08:00:00+08:00"),
        ("DateLessThan", "acs:CurrentTime", "2026-01-01T00:00:00Z"),
        ("DateGreaterThan", "acs:CurrentTime", "2026-01-01T00:00:00Z"),
        ("Bool", "acs:MFAPresent", "false"),
        ("IpAddress", "acs:SourceIp", "192.0.2.0/24"),
        ("IpAddress", "acs:SourceIp", "2001:db8::/32"),
    ])
}

fn negation(operator: &str) -> Option<&'static str> {
    Some(match operator {
        "StringEquals" => "StringNotEquals",
        "StringEqualsIgnoreCase" => "StringNotEqualsIgnoreCase",
        "StringLike" => "StringNotLike",
        "NumericEquals" => "NumericNotEquals",
        "NumericLessThan" => "NumericGreaterThanEquals",
        "NumericLessThanEquals" => "NumericGreaterThan",
        "DateEquals" => "DateNotEquals",
        "DateLessThan" => "DateGreaterThanEquals",
        "DateGreaterThan" => "DateLessThanEquals",
        "IpAddress" => "NotIpAddress",
        _ => return None,
    })
}

/// A statement with a condition of any type.
fn typed() -> impl Strategy<Value = Value> {
    let effect = prop::sample::select(vec!["Allow", "Deny"]);
    (effect, operators(), any::<bool>()).prop_map(|(effect, (operator, key, value), negated)| {
        let operator = negation(operator).filter(|_| negated).unwrap_or(operator);
        let condition = json!({ operator: { key: value } });
        json!({ "Effect": effect, "Action": "*", "Resource": "*", "Condition": condition })
    })
}

/// The same JSON: members backwards, every text escaped, and lists of one where a value may be one.
fn laid_out_otherwise(value: &Value, member: &str) -> String {
    let escaped = |text: &str| {
        let units = text.encode_utf16().map(|it| format!("\\u{it:04X}"));
        format!("\"{}\"", units.collect::<String>())
    };
    match value {
        Value::Object(members) => {
            let members = members.iter().rev().map(|(name, it)| {
                // Below Condition, names are operators, and below these, keys: values come next.
                let inner = match member {
                    "Condition" => "an operator",
                    "an operator" => "a key",
                    _ => name,
                };
                format!("\t{}\n:{}", escaped(name), laid_out_otherwise(it, inner))
            });
            format!("{{{}}}", members.collect::<Vec<_>>().join(" ,"))
        }
        Value::Array(items) => {
            let items = items.iter().map(|it| laid_out_otherwise(it, ""));
            format!("[ {} ]", items.collect::<Vec<_>>().join("\r\n,"))
        }
        Value::String(text) if ["Action", "NotAction", "Resource", "a key"].contains(&member) => {
            format!("[{}]", escaped(text))
        }
        Value::String(text) => escaped(text),
        other => other.to_string(),
    }
}

fn statements() -> impl Strategy<Value = Vec<Value>> {
    prop::collection::vec(prop_oneof![3 => statement("Allow"), 1 => statement("Deny")], 1..6)
}

fn document(statements: &[Value]) -> Document {
    let text = json!({ "Version": "1", "Statement": statements }).to_string();
    Document::parse(&text, Kind::Identity).unwrap()
}

proptest! {
    #[test]
    fn another_deny_never_allows_more(
        policy in statements(),
        deny in statement("Deny"),
        asked in asked(),
    ) {
        let before = verdict(&[document(&policy)], asked);
        let mut more = policy;
        more.push(deny);
        let after = verdict(&[document(&more)], asked);
        prop_assert!(after == before || after == Verdict::ExplicitDeny);
    }

    #[test]
    fn another_allow_never_lifts_a_deny(
        policy in statements(),
        allow in statement("Allow"),
        asked in asked(),
    ) {
        let before = verdict(&[document(&policy)], asked);
        let after = verdict(&[document(&[allow]), document(&policy)], asked);
        prop_assert!(after == before || (before, after) == (Verdict::ImplicitDeny, Verdict::Allow));
    }

    #[test]
    fn the_order_of_statements_and_documents_does_not_matter(
        (policy, shuffled) in statements().prop_flat_map(|it| (Just(it.clone()), Just(it).prop_shuffle())),
        asked in asked(),
    ) {
        let expected = verdict(&[document(&policy)], asked);
        prop_assert_eq!(verdict(&[document(&shuffled)], asked), expected);
        let apart: Vec<_> = shuffled.iter().map(|it| document(std::slice::from_ref(it))).collect();
        prop_assert_eq!(verdict(&apart, asked), expected);
    }

    #[test]
    fn a_layer_decides_as_its_documents_do(
        policies in prop::collection::vec(statements(), 0..4),
        questions in prop::collection::vec((asked(), asked()), 1..6),
    ) {
        let documents: Vec<_> = policies.iter().map(|it| Arc::new(document(it))).collect();
        let layer = Layer::new(documents.clone());
        for ((action, resource, tag), (_, other, _)) in questions {
            for resources in [&[][..], &[resource], &[resource, other]] {
                let context = &Tagged(tag);
                let work = &Work::default();
                let question = Question { action, resources, caller: None, owner: "1", context, work };
                let expected = decide(documents.iter().map(|it| &**it), &question);
                prop_assert_eq!(layer.decide(&question), expected);
                prop_assert_eq!(layer.decide(&question), expected, "asked again");
            }
        }
    }

    #[test]
    fn who_uses_its_work_up_is_refused_and_who_does_not_is_judged_as_ever(
        policies in prop::collection::vec(statements(), 1..4),
        asked in asked(),
        steps in 0..400_u32,
    ) {
        let documents: Vec<_> = policies.iter().map(|it| document(it)).collect();
        let expected = decided(&documents, asked, &Work::default());
        let refused = Decision { verdict: Verdict::ExplicitDeny, by: None };
        let layer = Layer::new(documents.iter().cloned().map(Arc::new).collect());
        for in_layer in [false, true] {
            let work = Work::of(steps);
            let (action, resource, tag) = asked;
            let found = if in_layer {
                let (resources, context) = (&[resource][..], &Tagged(tag));
                let question = Question { action, resources, caller: None, owner: "1", context, work: &work };
                layer.decide(&question)
            } else {
                decided(&documents, asked, &work)
            };
            prop_assert_eq!(found, if work.is_used_up() { refused } else { expected });
        }
        let (action, resource, tag) = asked;
        let (resources, context, work) = (&[resource][..], &Tagged(tag), &Work::default());
        let question = Question { action, resources, caller: None, owner: "1", context, work };
        prop_assert_eq!(layer.decide(&question), expected, "nothing wrong was remembered");
    }

    #[test]
    fn white_space_does_not_matter(policy in statements(), asked in asked()) {
        let spaced = json!({ "Version": "1", "Statement": policy });
        let spaced = format!("\n\t{}\r\n ", serde_json::to_string_pretty(&spaced).unwrap());
        let spaced = Document::parse(&spaced, Kind::Identity).unwrap();
        prop_assert_eq!(verdict(&[spaced], asked), verdict(&[document(&policy)], asked));
    }

    #[test]
    fn neither_the_order_of_members_nor_escapes_nor_lists_of_one_matter(
        policy in statements(),
        typed in prop::collection::vec(typed(), 0..3),
        asked in asked(),
    ) {
        let policy: Vec<_> = policy.into_iter().chain(typed).collect();
        let whole = json!({ "Version": "1", "Statement": policy });
        let otherwise = laid_out_otherwise(&whole, "");
        let read = Document::parse(&otherwise, Kind::Identity);
        prop_assert!(read.is_ok(), "{otherwise}");
        prop_assert_eq!(verdict(&[read.unwrap()], asked), verdict(&[document(&policy)], asked));
    }

    #[test]
    fn another_typed_deny_never_allows_more(
        policy in prop::collection::vec(typed(), 1..6),
        mut deny in typed(),
        asked in asked(),
    ) {
        let before = verdict(&[document(&policy)], asked);
        deny["Effect"] = json!("Deny");
        let more: Vec<_> = policy.into_iter().chain([deny]).collect();
        let after = verdict(&[document(&more)], asked);
        prop_assert!(after == before || after == Verdict::ExplicitDeny);
    }

    #[test]
    fn an_operator_and_its_negation_never_both_apply_to_an_allow(
        (operator, key, value) in operators(),
        asked in asked(),
    ) {
        let Some(negated) = negation(operator) else { return Ok(()) };
        let allow = |operator: &str| {
            let condition = json!({ operator: { key: value } });
            let it = json!({ "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition });
            verdict(&[document(&[it])], asked) == Verdict::Allow
        };
        let (one, other) = (allow(operator), allow(negated));
        prop_assert!(!(one && other), "{operator}");
        // A tag may be missing; the rest of what is asked never is.
        prop_assert!(one || other || (asked.2.is_none() && key == "kms:tag/env"), "{operator}");
    }

    #[test]
    fn a_missing_tag_never_allows_what_every_tag_is_refused(policy in statements(), asked in asked()) {
        let policy = [document(&policy)];
        let (action, resource, _) = asked;
        let allows = |tag| verdict(&policy, (action, resource, tag)) == Verdict::Allow;
        // "zz" matches no positive value here, so it is the freest a tag can be for a Deny.
        prop_assert!(!allows(None) || ["a", "b", "zz"].map(Some).into_iter().any(allows));
    }

    #[test]
    fn no_text_at_all_makes_the_reader_panic(text in ".{0,200}") {
        for kind in Kind::ALL {
            _ = Document::parse(&text, kind);
        }
    }

    #[test]
    fn no_change_to_a_policy_makes_the_reader_panic(
        policy in statements(),
        at in any::<prop::sample::Index>(),
        with in "[\\PC\"{}\\[\\]:,]{0,3}",
    ) {
        let mut text = json!({ "Version": "1", "Statement": policy }).to_string();
        let at = at.index(text.len());
        text.replace_range(at..=at, &with);
        for kind in Kind::ALL {
            _ = Document::parse(&text, kind);
        }
    }
}

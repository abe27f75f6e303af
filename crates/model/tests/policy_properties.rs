//! What holds of every policy, whatever it says.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{borrow::Cow, sync::Arc};

use proptest::prelude::*;
use serde_json::{Value, json};
use yaoku_model::policy::{
    Context, Decision, Document, Kind, Layer, Question, Verdict, Work, decide,
};

/// A request with one tag, or none.
struct Tagged(Option<&'static str>);

impl Context for Tagged {
    fn value(&self, key: &str) -> Option<Cow<'_, str>> {
        self.0.filter(|_| key == "kms:tag/env").map(Cow::Borrowed)
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

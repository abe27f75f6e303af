//! What judging a call takes. `cargo bench -p yaoku-model`; counted by `cargo xtask instructions`, which
//! looks into `counted_<name>` alone. Each is called once before, so that nothing is cold.

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::{borrow::Cow, fmt::Write as _, hint::black_box, sync::Arc};

use criterion::{Criterion, criterion_group, criterion_main};
use yaoku_model::policy::{
    Caller, Context, Document, Kind, Layer, Question, Verdict, Who, Work, decide,
};

criterion_group!(parts, policy, first_time);
criterion_main!(parts);

/// Twenty policies of ten statements, as they are judged at every call.
fn policy(criterion: &mut Criterion) {
    let layer = Layer::new(twenty());
    counted_policy(&layer);
    criterion.bench_function("policy", |bench| bench.iter(|| counted_policy(&layer)));
}

/// The same, when nothing of it is remembered.
fn first_time(criterion: &mut Criterion) {
    let documents = twenty();
    counted_uncached(&documents);
    criterion.bench_function("uncached", |bench| bench.iter(|| counted_uncached(&documents)));
}

#[inline(never)]
fn counted_policy(layer: &Layer) {
    assert_eq!(layer.decide(black_box(&question(&Work::default()))).verdict, Verdict::Allow);
}

#[inline(never)]
fn counted_uncached(documents: &[Arc<Document>]) {
    let decided =
        decide(documents.iter().map(AsRef::as_ref), black_box(&question(&Work::default())));
    assert_eq!(decided.verdict, Verdict::Allow);
}

/// A request without values for conditions.
struct Nothing;

impl Context for Nothing {
    fn value(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }
}

fn question(work: &Work) -> Question<'_> {
    Question {
        action: "kms:Encrypt",
        resources: &["acs:kms:cn-hangzhou:1540355698848459:key/key-hzz62f1cb66fa42qo7ftz"],
        caller: Some(Caller { account: "1540355698848459", who: Who::User("alice") }),
        owner: "1540355698848459",
        context: &Nothing,
        work,
    }
}

/// All but one of the statements deny the use of other keys.
fn twenty() -> Vec<Arc<Document>> {
    let document = |number: u32| {
        let mut text = r#"{"Version":"1","Statement":["#.to_owned();
        for key in 0..10 {
            let comma = if key > 0 { "," } else { "" };
            let (effect, resource) = match (number, key) {
                (0, 0) => ("Allow", "*".to_owned()),
                _ => ("Deny", format!("acs:kms:*:*:key/key-bench-{number}-{key}")),
            };
            write!(
                text,
                r#"{comma}{{"Effect":"{effect}","Action":["kms:Encrypt","kms:Decrypt"],"Resource":"{resource}"}}"#
            )
            .unwrap();
        }
        text.push_str("]}");
        Arc::new(Document::parse(&text, Kind::Identity).unwrap())
    };
    (0..20).map(document).collect()
}

//! Every parameter of every operation, missing, too long and of the wrong kind.

use yaoku_server::api::Spec;

use crate::{
    all_operations, operations,
    support::{
        Database, World,
        client::{Answer, Param},
        things::Things,
    },
    with, without,
};

on_both!(a_missing_parameter_is_named, a_parameter_out_of_bounds_is_named);

/// What an operation cannot do without because of others that its example has, besides
/// [`required`](yaoku_server::api::Entry::required). Source: keys.md, secrets.md, the tables of parameters.
const ALSO_REQUIRED: &[(&str, &[&str])] = &[
    ("CreateKey", &["RotationInterval"]), // the example turns rotation on
    ("CreateSecret", &["EncryptionKeyId"]), // in an instance
    ("ReEncrypt", &["SourceKeyId", "SourceKeyVersionId", "SourceEncryptionAlgorithm"]), // of a pair
];

/// Parameters that may hold anything, and why. `*` is every operation.
const ANYTHING: &[(&str, &str, &str)] = &[
    ("*", "ExtendedConfig", "for other types of secrets alone: passed over"),
    ("*", "ExtendedConfig.CustomData", "the same"),
    ("*", "EnableAutomaticRotation", "of a generic secret: passed over"),
    ("CreateSecret", "RotationInterval", "the same"),
    ("AdvanceEncrypt", "Plaintext", "not read: the call is refused whatever it holds"),
    ("*", "Recipient", "enclaves are not served: any is an unsupported operation"),
    (
        "GetRandomPassword",
        "ExcludeCharacters",
        "no length is documented; repeating one is harmless",
    ),
];

/// The ways to call an operation: `ReEncrypt` has two.
fn forms(things: &Things, spec: &Spec) -> Vec<Vec<Param>> {
    let example = things.example(spec);
    if spec.name != "ReEncrypt" {
        return vec![example];
    }
    let pair = things.source_pair();
    let of_a_pair = pair.iter().fold(example.clone(), |all, (name, it)| with(&all, name, it));
    let of_a_blob = pair[..3].iter().fold(example, |all, (name, _)| without(&all, name));
    vec![of_a_blob, of_a_pair]
}

async fn a_missing_parameter_is_named(database: Database) {
    let world = World::new(database).await;
    let root = world.account().await;
    let things = Things::of(&world, &root).await;
    let (mut asked, mut wrong) = (0, Vec::new());
    for entry in all_operations() {
        let action = entry.spec.name;
        let also = ALSO_REQUIRED.iter().find(|it| it.0 == action).map_or(&[][..], |it| it.1);
        let required = [&entry.required(), also].concat();
        let before = world.state().await;
        for form in forms(&things, entry.spec) {
            let bare = |it: &Param| it.0.split('.').next().unwrap_or_default().to_owned();
            for name in required.iter().filter(|name| form.iter().any(|it| bare(it) == **name)) {
                let left: Vec<_> = form.iter().filter(|it| bare(it) != *name).cloned().collect();
                let answer = world.call_of(&root, entry.spec, &left).await;
                let named = answer.message().contains(&format!("\"{name}"));
                if (answer.status, &*answer.code(), named) != (400, "MissingParameter", true) {
                    wrong.push(format!("{action} without {name}: {answer:?}"));
                }
                asked += 1;
            }
        }
        if world.state().await != before {
            wrong.push(format!("{action} has changed the store"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(asked > operations().count(), "{asked} parameters are required, of all operations");
    world.stop().await.events_equal_answers().await;
}

async fn a_parameter_out_of_bounds_is_named(database: Database) {
    let world = World::new(database).await;
    let root = world.account().await;
    let things = Things::of(&world, &root).await;
    let long = "x".repeat(300 * 1024);
    let mut wrong = Vec::new();
    for entry in operations() {
        let action = entry.spec.name;
        let before = world.state().await;
        let forms = forms(&things, entry.spec);
        for (example, name) in forms.iter().flat_map(|it| it.iter().map(move |(n, _)| (it, n))) {
            let free = |it: &&(&str, &str, &str)| (it.0 == "*" || it.0 == action) && it.1 == name;
            if ANYTHING.iter().any(|it| free(&it)) {
                continue;
            }
            let answer = world.call_with(&root, action, &with(example, name, &long)).await;
            if !invalid(&answer, name) {
                wrong.push(format!("{action} {name} long: {answer:?}"));
            }
            if TEXTS.contains(&name.as_str()) {
                continue;
            }
            let answer = world.call_with(&root, action, &with(example, name, "\u{1}<\"é")).await;
            if !invalid(&answer, name) {
                wrong.push(format!("{action} {name} illegal: {answer:?}"));
            }
        }
        if world.state().await != before {
            wrong.push(format!("{action} has changed the store"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    world.stop().await.events_equal_answers().await;
}

/// Parameters whose values are any text, so that only their length is bounded.
const TEXTS: &[&str] = &["Plaintext", "SecretData", "Description", "DeletionProtectionDescription"];

fn invalid(answer: &Answer, name: &str) -> bool {
    let parameter = name.split('.').next().unwrap();
    answer.status == 400
        && answer.code() == "InvalidParameter"
        && answer.message().contains(parameter)
        && answer.body.len() < 1000
}

//! Every parameter of every operation, missing, too long and of the wrong kind.

use crate::{
    operations,
    support::{Database, World, client::Answer, things::Things},
    with, without,
};

on_both!(a_missing_parameter_is_named, a_parameter_out_of_bounds_is_named);

/// What an operation cannot do without. Source: keys.md, secrets.md, the tables of parameters.
const REQUIRED: &[(&str, &[&str])] = &[
    ("CreateAlias", &["KeyId", "AliasName"]),
    ("DeleteAlias", &["AliasName"]),
    ("ListAliasesByKeyId", &["KeyId"]),
    ("UpdateAlias", &["KeyId", "AliasName"]),
    ("GetKmsInstance", &["KmsInstanceId"]),
    ("CancelKeyDeletion", &["KeyId"]),
    ("CreateKeyVersion", &["KeyId"]),
    ("DescribeKeyVersion", &["KeyId", "KeyVersionId"]),
    ("GetKeyPolicy", &["KeyId"]),
    ("ListKeyVersions", &["KeyId"]),
    ("ScheduleKeyDeletion", &["KeyId"]),
    ("SetDeletionProtection", &["EnableDeletionProtection"]),
    ("SetKeyPolicy", &["KeyId", "Policy"]),
    ("UpdateRotationPolicy", &["KeyId", "EnableAutomaticRotation"]),
    ("CreateKey", &["RotationInterval"]), // because the example turns rotation on
    ("Decrypt", &["CiphertextBlob"]),
    ("DescribeKey", &["KeyId"]),
    ("DisableKey", &["KeyId"]),
    ("EnableKey", &["KeyId"]),
    ("Encrypt", &["KeyId", "Plaintext"]),
    ("GenerateDataKey", &["KeyId"]),
    ("GenerateDataKeyWithoutPlaintext", &["KeyId"]),
    ("ReEncrypt", &["CiphertextBlob", "DestinationKeyId"]),
    ("UpdateKeyDescription", &["KeyId", "Description"]),
    ("BatchGetSecretValue", &["SecretsList"]),
    ("CreateSecret", &["SecretName", "VersionId", "SecretData", "EncryptionKeyId"]),
    ("DeleteSecret", &["SecretName"]),
    ("DescribeSecret", &["SecretName"]),
    ("GetSecretValue", &["SecretName"]),
    ("ListSecretVersionIds", &["SecretName"]),
    ("PutSecretValue", &["SecretName", "VersionId", "SecretData"]),
    ("RestoreSecret", &["SecretName"]),
    ("UpdateSecret", &["SecretName"]),
    ("UpdateSecretVersionStage", &["SecretName", "VersionStage"]),
    ("ListResourceTags", &["KeyId"]),
    ("ListTagResources", &["ResourceType"]),
    ("TagResource", &["Tags"]),
    ("TagResources", &["ResourceType", "ResourceId", "Tag"]),
    ("UntagResource", &["TagKeys"]),
    ("UntagResources", &["ResourceType", "ResourceId"]),
];

/// Parameters that may hold anything, and why. `*` is every operation.
const ANYTHING: &[(&str, &str, &str)] = &[
    ("*", "ExtendedConfig", "for other types of secrets alone: passed over"),
    ("*", "ExtendedConfig.CustomData", "the same"),
    ("*", "EnableAutomaticRotation", "of a generic secret: passed over"),
    ("CreateSecret", "RotationInterval", "the same"),
    ("AdvanceEncrypt", "Plaintext", "not read: the call is refused whatever it holds"),
    ("*", "Recipient", "enclaves are not served: any is an unsupported operation"),
    ("ReEncrypt", "SourceKeyId", "needs the two after it: of asymmetric keys, not served"),
    ("ReEncrypt", "SourceKeyVersionId", "the same"),
    ("ReEncrypt", "SourceEncryptionAlgorithm", "the same"),
    (
        "GetRandomPassword",
        "ExcludeCharacters",
        "no length is documented; repeating one is harmless",
    ),
];

async fn a_missing_parameter_is_named(database: Database) {
    let world = World::new(database).await;
    let root = world.account().await;
    let things = Things::of(&world, &root).await;
    let mut wrong = Vec::new();
    for entry in operations() {
        let (action, example) = (entry.spec.name, things.example(entry.spec));
        let required = REQUIRED.iter().find(|it| it.0 == action).map_or(&[][..], |it| it.1);
        let before = world.state().await;
        for name in required {
            let left: Vec<_> = example.iter().map(|it| it.0.clone()).collect();
            let gone = left.iter().filter(|it| it.split('.').next() == Some(name));
            let left = gone.fold(example.clone(), |left, it| without(&left, it));
            let answer = world.call_with(&root, action, &left).await;
            let named = answer.message().contains(&format!("\"{name}"));
            if (answer.status, &*answer.code(), named) != (400, "MissingParameter", true) {
                wrong.push(format!("{action} without {name}: {answer:?}"));
            }
        }
        if world.state().await != before {
            wrong.push(format!("{action} has changed the store"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    world.stop().await.events_equal_answers().await;
}

async fn a_parameter_out_of_bounds_is_named(database: Database) {
    let world = World::new(database).await;
    let root = world.account().await;
    let things = Things::of(&world, &root).await;
    let long = "x".repeat(300 * 1024);
    let mut wrong = Vec::new();
    for entry in operations() {
        let (action, example) = (entry.spec.name, things.example(entry.spec));
        let before = world.state().await;
        for (name, _) in &example {
            let free = |it: &&(&str, &str, &str)| (it.0 == "*" || it.0 == action) && it.1 == name;
            if ANYTHING.iter().any(|it| free(&it)) {
                continue;
            }
            let answer = world.call_with(&root, action, &with(&example, name, &long)).await;
            if !invalid(&answer, name) {
                wrong.push(format!("{action} {name} long: {answer:?}"));
            }
            if TEXTS.contains(&name.as_str()) {
                continue;
            }
            let answer = world.call_with(&root, action, &with(&example, name, "\u{1}<\"é")).await;
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

//! What it takes to read a secret under a customer's key: `kms:Decrypt` too, but for sessions, through
//! the shared gateway and within their account. Source: identity.md §4.3.

use crate::support::{
    ALLOW_ALL, Database, Party, World,
    client::Answer,
    things::{SECRET, Things},
};

on_both!(
    a_session_that_may_not_read_the_secret_is_refused_whatever_else_it_may,
    who_has_an_access_key_of_its_own_needs_both,
    a_session_reads_without_decrypt_and_does_nothing_else_without_it,
    a_session_of_another_account_needs_the_key_too,
    a_key_that_is_off_takes_the_secret_from_sessions_too,
);

/// Allows these actions, on everything.
fn may(actions: &str) -> String {
    format!(
        r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":[{actions}],"Resource":"*"}}]}}"#
    )
}

const READ: &str = r#""kms:GetSecretValue""#;
const DECRYPT: &str = r#""kms:Decrypt""#;
const NO_DECRYPT: &str =
    r#"{"Version":"1","Statement":[{"Effect":"Deny","Action":"kms:Decrypt","Resource":"*"}]}"#;

async fn read(world: &World, by: &Party) -> Answer {
    world.call(by, "GetSecretValue", &[("SecretName", SECRET)]).await
}

fn must_be_refused(answer: &Answer) {
    assert_eq!((answer.status, &*answer.code()), (403, "Forbidden.NoPermission"), "{answer:?}");
}

fn must_be_read(answer: &Answer) {
    assert_eq!((answer.status, &*answer.text("/SecretData")), (200, "two"), "{answer:?}");
}

async fn a_session_that_may_not_read_the_secret_is_refused_whatever_else_it_may(
    database: Database,
) {
    let world = World::new(database).await;
    let root = world.account().await;
    Things::of(&world, &root).await;
    let nothing = world.session(&root, "nothing", &[], None).await;
    let decrypt = world.session(&root, "decrypt", &[&may(DECRYPT)], None).await;
    let narrowed = world.session(&root, "narrowed", &[ALLOW_ALL], Some(&may(DECRYPT))).await;
    let before = world.state().await;
    for by in [&nothing, &decrypt, &narrowed] {
        must_be_refused(&read(&world, by).await);
    }
    assert_eq!(world.state().await, before);
    world.stop().await.events_equal_answers().await;
}

async fn who_has_an_access_key_of_its_own_needs_both(database: Database) {
    let world = World::new(database).await;
    let root = world.account().await;
    Things::of(&world, &root).await;
    let only = world.user(&root, "only", &[&may(READ)]).await;
    let denied = world.user(&root, "denied", &[ALLOW_ALL, NO_DECRYPT]).await;
    let both = world.user(&root, "both", &[&may(READ), &may(DECRYPT)]).await;
    for by in [&only, &denied] {
        must_be_refused(&read(&world, by).await);
    }
    must_be_read(&read(&world, &both).await);
    must_be_read(&read(&world, &root).await);
    world.stop().await.events_equal_answers().await;
}

async fn a_session_reads_without_decrypt_and_does_nothing_else_without_it(database: Database) {
    let world = World::new(database).await;
    let root = world.account().await;
    let things = Things::of(&world, &root).await;
    let only = world.session(&root, "only", &[&may(READ)], None).await;
    let denied = world.session(&root, "denied", &[ALLOW_ALL, NO_DECRYPT], None).await;
    let narrowed = world.session(&root, "narrowed", &[ALLOW_ALL], Some(&may(READ))).await;
    let list = [("SecretsList", &*format!(r#"[{{"SecretName":"{SECRET}"}}]"#))];
    let open =
        [("CiphertextBlob", &*things.blob), ("EncryptionContext", crate::support::things::CONTEXT)];
    for by in [&only, &denied, &narrowed] {
        must_be_read(&read(&world, by).await);
        let batch = world.done(by, "BatchGetSecretValue", &list).await;
        assert_eq!(batch.text("/SecretValues/0/SecretData"), "two", "{batch:?}");
        must_be_refused(&world.call(by, "Decrypt", &open).await);
    }
    // To write is no reading: the key has its say.
    let put = may(r#""kms:PutSecretValue""#);
    let value = [("SecretName", SECRET), ("VersionId", "v3"), ("SecretData", "three")];
    let without = world.session(&root, "without", &[&put], None).await;
    must_be_refused(&world.call(&without, "PutSecretValue", &value).await);
    let with = [&*put, &may(r#""kms:GenerateDataKey""#)];
    let with = world.session(&root, "with", &with, None).await;
    world.done(&with, "PutSecretValue", &value).await;
    world.stop().await.events_equal_answers().await;
}

/// Our choice: the exception is for the account that the key belongs to.
async fn a_session_of_another_account_needs_the_key_too(database: Database) {
    let world = World::new(database).await;
    let (owner, other) = (world.account().await, world.account().await);
    let things = Things::of(&world, &owner).await;
    world.share(&owner, &things, &other).await;
    let arn = format!("acs:kms:cn-hangzhou:{}:secret/{SECRET}", owner.account);
    let read = async |by| world.call(by, "GetSecretValue", &[("SecretName", &*arn)]).await;
    let only = world.session(&other, "only", &[&may(READ)], None).await;
    let both = world.session(&other, "both", &[&may(READ), &may(DECRYPT)], None).await;
    must_be_refused(&read(&only).await);
    must_be_read(&read(&both).await);
    // The key lets its own account in alone.
    let own = format!(
        r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Principal":{{"RAM":["acs:ram::{}:*"]}},"Action":["kms:*"],"Resource":["*"]}}]}}"#,
        owner.account
    );
    let own = [("KeyId", &*things.key), ("Policy", &*own)];
    world.done(&owner, "SetKeyPolicy", &own).await;
    must_be_refused(&read(&both).await);
    world.stop().await.events_equal_answers().await;
}

async fn a_key_that_is_off_takes_the_secret_from_sessions_too(database: Database) {
    let world = World::new(database).await;
    let root = world.account().await;
    let things = Things::of(&world, &root).await;
    let only = world.session(&root, "only", &[&may(READ)], None).await;
    must_be_read(&read(&world, &only).await);
    world.done(&root, "DisableKey", &[("KeyId", &things.key)]).await;
    let (refused, told) = (read(&world, &only).await, read(&world, &root).await);
    assert_eq!((refused.status, refused.code()), (told.status, told.code()));
    assert_eq!(&*refused.code(), "Rejected.Disabled", "{refused:?}");
    world.done(&root, "EnableKey", &[("KeyId", &things.key)]).await;
    must_be_read(&read(&world, &only).await);
    world.stop().await.events_equal_answers().await;
}

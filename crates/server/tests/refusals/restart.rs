//! What is there is there after a restart, and what was used stays used.

use crate::{
    params,
    support::{
        Database, World,
        client::Scheme,
        things::{SECRET, Things},
    },
};

on_both!(a_write_that_was_refused_is_no_good_after_a_kill, a_restart_forgets_nothing);

async fn a_write_that_was_refused_is_no_good_after_a_kill(database: Database) {
    let world = World::new(database).await;
    let root = world.account().await;
    let things = Things::of(&world, &root).await;
    let nobody = world.user(&root, "nobody", &[]).await;
    let alias = params(&[("KeyId", &things.key), ("AliasName", "alias/app")]);
    // Nothing may come after: the next call would write their nonces down.
    let refused = [(&root, "AliasAlreadyExists"), (&nobody, "Forbidden.NoPermission")];
    let mut requests = Vec::new();
    for (by, code) in refused {
        let request = world.outbound(Scheme::V3, "CreateAlias", &alias).sign(&by.key);
        assert_eq!(world.send(&request, true).await.code(), code);
        requests.push(request);
    }
    let world = world.kill().await.again().await;
    for request in &requests {
        let replayed = world.send(request, false).await;
        // The store knows them; the file of nonces does not.
        assert_eq!((replayed.status, &*replayed.code()), (400, "SignatureNonceUsed"));
    }
    world.stop().await;
}

async fn a_restart_forgets_nothing(database: Database) {
    let world = World::new(database).await;
    let root = world.account().await;
    let things = Things::of(&world, &root).await;
    let request = world.outbound(Scheme::V3, "ListKeys", &[]).sign(&root.key);
    assert_eq!(world.send(&request, true).await.status, 200);
    let before = world.state().await;
    let stopped = world.stop().await;
    stopped.events_equal_answers().await;
    stopped.clock.advance_seconds(60);
    let world = stopped.again().await;
    assert_eq!(world.state().await, before);
    let replayed = world.send(&request, false).await;
    assert_eq!((replayed.status, &*replayed.code()), (400, "SignatureNonceUsed"));
    let value = world.done(&root, "GetSecretValue", &[("SecretName", SECRET)]).await;
    assert_eq!(value.text("/SecretData"), "two");
    let context = ("EncryptionContext", crate::support::things::CONTEXT);
    let text = world.done(&root, "Decrypt", &[("CiphertextBlob", &things.blob), context]).await;
    assert_eq!(text.text("/Plaintext"), "any text");
    world.stop().await;
}

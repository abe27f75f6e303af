//! Too many calls: who makes them is refused, before anything else is looked at, and nobody else is.

use std::num::NonZeroU32;

use yaoku_server::{
    api::{Product, operation},
    throttle::{Class, Limits, PerClass},
};

use crate::{
    params,
    support::{
        ALLOW_ALL, Database, World,
        client::{Key, Scheme},
    },
};

on_both!(
    a_flood_is_refused_and_its_neighbours_are_not,
    ram_has_its_own_word_for_it,
    who_fails_to_prove_himself_too_often_learns_nothing_and_locks_nobody_out,
);

async fn world(database: Database, throttle: Limits) -> World {
    World::throttled(database, throttle).await
}

fn ten(class: Class) -> PerClass {
    PerClass::default().with(class, NonZeroU32::new(10))
}

async fn a_flood_is_refused_and_its_neighbours_are_not(database: Database) {
    let world = world(database, Limits { principal: ten(Class::Read), ..Limits::NONE }).await;
    let root = world.account().await;
    let flood = world.user(&root, "flood", &[ALLOW_ALL]).await;
    let calm = world.user(&root, "calm", &[ALLOW_ALL]).await;
    let before = world.state().await;
    let mut refused = 0;
    for nth in 0..100 {
        // What it says is not looked at: a parameter that is missing would be told otherwise.
        let action = if nth % 2 == 0 { "ListKeys" } else { "DescribeKey" };
        let answer = world.call(&flood, action, &[]).await;
        if nth < 10 {
            assert!(answer.status != 429 && answer.retry_after.is_none(), "{answer:?}");
            continue;
        }
        refused += 1;
        assert_eq!((answer.status, &*answer.code()), (429, "Rejected.Throttling"));
        assert_eq!((&*answer.message(), answer.retry_after), ("QPS Limit Exceeded", Some(100)));
        assert_eq!(answer.json()["HttpStatus"], 429);
        if nth % 10 == 0 {
            assert_eq!(world.call(&calm, "ListKeys", &[]).await.status, 200);
        }
    }
    assert_eq!(world.call(&root, "ListKeys", &[]).await.status, 200);
    let key = [("NumberOfBytes", "32")];
    assert_ne!(world.call(&flood, "GenerateDataKey", &key).await.status, 429, "another class");
    world.clock.advance_seconds(1);
    assert_eq!(world.call(&flood, "ListKeys", &[]).await.status, 200);
    assert_eq!(world.state().await, before);
    let stopped = world.stop().await;
    let events = stopped.events().await;
    let all: u64 = events.iter().map(|it| it.count).sum();
    assert_eq!(all, stopped.told.len() as u64, "each refusal is in some event");
    let its = || events.iter().filter(|it| it.code.as_deref() == Some("Rejected.Throttling"));
    assert_eq!(its().map(|it| it.count).sum::<u64>(), refused);
    assert!(its().count() < 50, "a flood has few events");
    for event in its() {
        assert_eq!((&*event.principal, event.status), ("user/flood", 429));
        assert!(event.account.is_some() && event.access_key.is_some(), "{event:?}");
    }
}

async fn ram_has_its_own_word_for_it(database: Database) {
    let world = world(database, Limits { account: ten(Class::Ram), ..Limits::NONE }).await;
    let (root, other) = (world.account().await, world.account().await);
    let spec = operation(Product::Ram, "CreateUser").unwrap().spec;
    for nth in 0..10 {
        let name = params(&[("UserName", &format!("user-{nth}"))]);
        assert_eq!(world.call_of(&root, spec, &name).await.status, 200);
    }
    let name = params(&[("UserName", "one-more")]);
    let answer = world.call_of(&root, spec, &name).await;
    assert_eq!((answer.status, &*answer.code()), (400, "Throttling.User"));
    assert_eq!(answer.message(), "Request was denied due to user flow control.");
    assert_eq!(answer.retry_after, Some(100));
    assert_eq!(world.call_of(&other, spec, &name).await.status, 200);
    world.stop().await.events_equal_answers().await;
}

async fn who_fails_to_prove_himself_too_often_learns_nothing_and_locks_nobody_out(db: Database) {
    let failures_a_minute = NonZeroU32::new(20);
    let world = world(db, Limits { failures_a_minute, ..Limits::NONE }).await;
    let root = world.account().await;
    let wrong = Key { secret: "not the secret of this key".to_owned(), ..root.key.clone() };
    let unknown = Key { id: "LTAI5tNobodyHasThisKey00".to_owned(), ..root.key.clone() };
    let secret = params(&[("SecretName", "a"), ("VersionId", "v1"), ("SecretData", "quiet")]);
    for nth in 0..40 {
        for (key, code) in
            [(&wrong, "SignatureDoesNotMatch"), (&unknown, "InvalidAccessKeyId.NotFound")]
        {
            let request = world.outbound(Scheme::V3, "CreateSecret", &secret).sign(key);
            let answer = world.send(&request, false).await;
            if nth < 10 {
                assert_eq!(answer.code(), code);
                continue;
            }
            // Alike whether the key exists, and without what was to be signed.
            assert_eq!((answer.status, &*answer.code()), (400, "Throttling"));
            assert_eq!(answer.message(), "Request was denied due to request throttling.");
            assert_eq!(answer.retry_after, Some(3000));
        }
        // From the same address.
        assert_eq!(world.call(&root, "ListKeys", &[]).await.status, 200);
    }
    world.stop().await.events_equal_answers().await;
}

//! Two nodes on one PostgreSQL: what one must refuse, the other refuses too; what was used up at one
//! is no good there again, and a write that was made at one is not made at the other.

use std::{sync::Arc, time::Duration};

use yaoku_model::time::{Clock as _, ManualClock};
use yaoku_store::testing;

use crate::{
    params,
    support::{
        Database, NOW, Party, World,
        client::{Answer, Outbound, Scheme},
    },
};

/// Two nodes and an account that both know.
async fn two() -> (World, World, Party) {
    let one = World::new(Database::Postgres).await;
    let root = one.account().await;
    let two = one.beside().await;
    (one, two, root)
}

async fn refused(at: &World, request: &[u8], status: u16, code: &str) -> Answer {
    let answer = at.send(request, false).await;
    assert_eq!((answer.status, &*answer.code()), (status, code), "{answer:?}");
    answer
}

#[tokio::test]
async fn what_was_signed_long_ago_or_far_ahead_is_refused_at_both() {
    let (one, two, root) = two().await;
    for scheme in [Scheme::V1, Scheme::V3] {
        for seconds in [-(15 * 60 + 1), 15 * 60 + 1] {
            for at in [&one, &two] {
                let call = at.outbound(scheme, "ListKeys", &[]);
                let call = Outbound { at: call.at.plus_seconds(seconds), ..call };
                refused(at, &call.sign(&root.key), 400, "InvalidTimeStamp.Expired").await;
            }
        }
        for seconds in [-(15 * 60), 15 * 60] {
            for at in [&one, &two] {
                let call = at.outbound(scheme, "ListKeys", &[]);
                let call = Outbound { at: call.at.plus_seconds(seconds), ..call };
                assert_eq!(at.send(&call.sign(&root.key), true).await.status, 200);
            }
        }
    }
    one.stop().await.events_equal_answers().await;
    two.stop().await;
}

#[tokio::test]
async fn another_body_under_the_same_signature_is_refused_at_both() {
    let (one, two, root) = two().await;
    let mine = params(&[("Description", "mine")]);
    let before = one.state().await;
    for scheme in [Scheme::V1, Scheme::V3] {
        for at in [&one, &two] {
            let signed = at.outbound(scheme, "CreateKey", &mine).sign(&root.key);
            let swapped = String::from_utf8(signed).unwrap().replace("mine", "evil").into_bytes();
            refused(at, &swapped, 400, "SignatureDoesNotMatch").await;
        }
    }
    assert_eq!(one.state().await, before);
    one.stop().await.events_equal_answers().await;
    two.stop().await;
}

#[tokio::test]
async fn a_signed_header_that_is_gone_or_changed_is_refused_at_both() {
    let (one, two, root) = two().await;
    for at in [&one, &two] {
        let signed = || {
            let it = at.outbound(Scheme::V3, "ListKeys", &[]).sign(&root.key);
            String::from_utf8(it).unwrap()
        };
        let text = signed();
        let headers: Vec<_> = text.split("\r\n").filter(|it| it.starts_with("x-acs-")).collect();
        assert!(headers.len() >= 5, "{text}");
        for header in headers {
            let name = header.split(':').next().unwrap();
            let without = |it: &String| {
                let lines = it.split("\r\n").filter(|it| !it.starts_with(name));
                lines.collect::<Vec<_>>().join("\r\n")
            };
            let answer = at.send(without(&signed()).as_bytes(), false).await;
            assert!((400..500).contains(&answer.status), "without {name}: {answer:?}");
        }
        let other = signed().replace("x-acs-action: ListKeys", "x-acs-action: ListSecrets");
        refused(at, other.as_bytes(), 400, "SignatureDoesNotMatch").await;
    }
    one.stop().await.events_equal_answers().await;
    two.stop().await;
}

#[tokio::test]
async fn what_is_replayed_is_refused_at_its_node_also_after_a_restart() {
    let (one, two, root) = two().await;
    let mut used = Vec::new();
    for at in [&one, &two] {
        for action in ["ListKeys", "CreateKey"] {
            let request = at.outbound(Scheme::V3, action, &[]).sign(&root.key);
            assert_eq!(at.send(&request, true).await.status, 200);
            refused(at, &request, 400, "SignatureNonceUsed").await;
            used.push(request);
        }
    }
    let two = two.stop().await.again_beside(&one).await;
    let one = one.stop().await.again().await;
    for (nth, request) in used.iter().enumerate() {
        let at = if nth < 2 { &one } else { &two };
        refused(at, request, 400, "SignatureNonceUsed").await;
    }
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn a_write_that_is_replayed_to_the_other_node_changes_nothing_there() {
    let (one, two, root) = two().await;
    for (here, there) in [(&one, &two), (&two, &one)] {
        for scheme in [Scheme::V1, Scheme::V3] {
            let request = here.outbound(scheme, "CreateKey", &[]).sign(&root.key);
            assert_eq!(here.send(&request, true).await.status, 200);
            let before = one.state().await;
            // Its signature is right, and this node has not seen it: it is known there, and refused.
            let answer = there.send(&request, true).await;
            assert_eq!((answer.status, &*answer.code()), (400, "SignatureNonceUsed"));
            assert_eq!(one.state().await, before);
        }
    }
    one.stop().await;
    two.stop().await;
}

/// A nonce is forgotten by the clock that is ahead, and a timestamp is too old by the one behind.
#[tokio::test]
async fn a_write_that_is_replayed_to_a_node_whose_clock_is_behind_changes_nothing_there() {
    const WINDOW: i64 = 15 * 60;
    let behind = World::new(Database::Postgres).await;
    let root = behind.account().await;
    let clock = Arc::new(ManualClock::at(NOW.plus_seconds(WINDOW)));
    let ahead = behind.beside_by(clock).await;
    let request = ahead.outbound(Scheme::V3, "CreateKey", &[]).sign(&root.key);
    assert_eq!(ahead.send(&request, true).await.status, 200);
    let before = behind.state().await;
    for at in [&ahead, &behind] {
        at.clock.advance_seconds(2 * WINDOW);
        while !at.node.lease.holds() {
            tokio::task::yield_now().await;
        }
    }
    // What may be forgotten is, by the one that is ahead.
    let old = ahead.clock.now().unix_ms() - 1;
    let old = format!("INSERT INTO nonces (hash, kept_until) VALUES ('\\x00', {old})");
    testing::execute(&behind.url, &old).await;
    while testing::dump(&behind.url).await["nonces"].len() > 1 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    refused(&behind, &request, 400, "SignatureNonceUsed").await;
    assert_eq!(behind.state().await, before);
    ahead.stop().await;
    behind.stop().await;
}

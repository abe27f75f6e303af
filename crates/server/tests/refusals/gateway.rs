//! What the gateway refuses before any operation: age, replays, names, methods, sizes.

use yaoku_wire::rpc::Format;

use crate::{
    params,
    support::{
        Database, NOW, World,
        client::{Key, Outbound, Scheme},
    },
};

on_both!(
    a_request_is_taken_once_and_in_time,
    what_is_not_an_operation_is_refused_in_the_envelope,
    a_refusal_may_be_had_as_xml,
);

async fn a_request_is_taken_once_and_in_time(database: Database) {
    let world = World::new(database).await;
    let root = world.account().await;
    let before = world.state().await;
    for scheme in [Scheme::V1, Scheme::V3] {
        for (action, sent) in [("ListKeys", vec![]), ("CreateKey", params(&[("Origin", "x")]))] {
            let call = world.outbound(scheme, action, &sent);
            let request = call.sign(&root.key);
            let first = world.send(&request, true).await;
            assert_ne!(first.code(), "SignatureNonceUsed");
            let again = world.send(&request, false).await;
            assert_eq!((again.status, &*again.code()), (400, "SignatureNonceUsed"));
            for off in [-901, 901] {
                let call = Outbound { at: NOW.plus_seconds(off), nonce: "late", ..call.clone() };
                let answer = world.send(&call.sign(&root.key), false).await;
                assert_eq!((answer.status, &*answer.code()), (400, "InvalidTimeStamp.Expired"));
            }
        }
        for (off, nonce) in [(-900, "oldest"), (900, "newest")] {
            let nonce = &*format!("{nonce}{scheme:?}");
            let call = world.outbound(scheme, "ListKeys", &[]);
            let call = Outbound { at: NOW.plus_seconds(off), nonce, ..call };
            assert_eq!(world.send(&call.sign(&root.key), true).await.status, 200);
        }
    }
    assert_eq!(world.state().await, before);
    world.stop().await.events_equal_answers().await;
}

async fn what_is_not_an_operation_is_refused_in_the_envelope(database: Database) {
    let world = World::new(database).await;
    let root = world.account().await;
    for scheme in [Scheme::V1, Scheme::V3] {
        let call = world.outbound(scheme, "MakeCoffee", &[]);
        let answer = world.send(&call.sign(&root.key), false).await;
        assert_eq!((answer.status, &*answer.code()), (404, "InvalidAction.NotFound"));
        for version in ["2015-05-01", "2015-04-01"] {
            let call = Outbound { version, ..call };
            let answer = world.send(&call.sign(&root.key), false).await;
            assert_eq!((answer.status, &*answer.code()), (400, "InvalidParameter"));
            let said = "The specified parameter \"Action or Version\" is not valid.";
            assert_eq!(answer.message(), said);
            let unknown = Key { id: "LTAI-nobody".to_owned(), ..root.key.clone() };
            let call = Outbound { action: "GetCallerIdentity", version: "2015-04-01", ..call };
            let answer = world.send(&call.sign(&unknown), false).await;
            assert_eq!(answer.message(), "Specified access key is not found.");
        }
        let call = Outbound { version: "2016-01-21", action: "ListKeys", ..call };
        let answer = world.send(&call.sign(&root.key), false).await;
        assert_eq!((answer.status, &*answer.code()), (400, "InvalidVersion"));
    }
    let signed = world.outbound(Scheme::V3, "ListKeys", &[]).sign(&root.key);
    let put = [b"PUT", &signed[4..]].concat();
    let answer = world.send(&put, false).await;
    assert_eq!((answer.status, &*answer.code()), (403, "UnsupportedHTTPMethod"));
    let long = params(&[("Plaintext", &"x".repeat(1024 * 1024))]);
    let long = world.outbound(Scheme::V3, "Encrypt", &long).sign(&root.key);
    let answer = world.send(&long, false).await;
    assert_eq!((answer.status, &*answer.code()), (413, "RequestBodyTooLarge"));
    let both =
        b"POST / HTTP/1.1\r\nhost: kms\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n";
    let answer = world.send(both, false).await;
    assert_eq!((answer.status, &*answer.code()), (400, "ParseRequestParameterException"));
    world.stop().await.events_equal_answers().await;
}

async fn a_refusal_may_be_had_as_xml(database: Database) {
    let world = World::new(database).await;
    let root = world.account().await;
    let missing = params(&[("KeyId", "")]);
    for (key_id, status, code, known) in [
        (root.key.id.as_str(), 400, "MissingParameter", true),
        ("LTAInobody", 404, "InvalidAccessKeyId.NotFound", false),
    ] {
        for scheme in [Scheme::V1, Scheme::V3] {
            let call = world.outbound(scheme, "DescribeKey", &missing);
            let call = Outbound { format: Format::Xml, ..call };
            let key = crate::support::client::Key { id: key_id.to_owned(), ..root.key.clone() };
            // Their events are counted in the other tests, whose answers are JSON.
            let answer = world.send(&call.sign(&key), known).await;
            assert_eq!(answer.status, status);
            assert_eq!(answer.content_type, "text/xml;charset=utf-8");
            assert!(answer.body.contains(&format!("<Code>{code}</Code>")), "{answer:?}");
            assert!(answer.body.contains("<Error>") && !answer.request_id().is_empty());
        }
    }
}

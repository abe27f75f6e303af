//! What is refused before it becomes a call, always by the handler's words.

use tokio::io::AsyncWriteExt;

use super::{Answer, Limits, client, connect, get, long_target, post, server};

fn is_envelope(answer: &Answer, status: u16) -> bool {
    answer.status == status
        && answer.body.starts_with("{\"Code\":\"")
        && answer.has("content-type: application/json;charset=utf-8")
        && answer.has("x-acs-request-id: 0a1b")
        && answer.has("connection: close")
}

fn with(headers: &str) -> Vec<u8> {
    format!("POST / HTTP/1.1\r\n{headers}\r\n\r\n").into_bytes()
}

#[tokio::test]
async fn every_bad_head_is_answered_in_the_envelope() {
    let cases = [
        (400, b"garbage\r\n".to_vec()),
        (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec()),
        (400, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec()),
        (400, b"GET / HTTP/0.9\r\n\r\n".to_vec()),
        (400, b"GET /\r\n\r\n".to_vec()),
        (400, b"GET  / HTTP/1.1\r\n\r\n".to_vec()),
        (400, b"GET /\xff HTTP/1.1\r\n\r\n".to_vec()),
        (400, b"G\"T / HTTP/1.1\r\n\r\n".to_vec()),
        (400, with("No colon")),
        (400, with("Space : x")),
        (400, with("Null: \0")),
        (400, with("Folded: a\r\n b")),
        (400, with("Content-Length: 1\r\nTransfer-Encoding: chunked")),
        (400, with("Transfer-Encoding: chunked\r\nContent-Length: 1")),
        (400, with("Content-Length: 1\r\nContent-Length: 2")),
        (400, with("Content-Length: 1\r\nContent-Length: 1")),
        (400, with("Content-Length: 1, 1")),
        (400, with("Content-Length: +1")),
        (400, with("Content-Length: -1")),
        (400, with("Content-Length:")),
        (400, with("Content-Length: 0x1")),
        (413, with("Content-Length: 99999999999999999999999999999999")),
        (413, with("Content-Length: 18446744073709551615")),
        (413, with("Content-Length: 999999999999999999")),
        (400, with("Transfer-Encoding: gzip")),
        (400, with("Transfer-Encoding: gzip, chunked")),
        (400, with("Transfer-Encoding: chunked, chunked")),
        (400, with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked")),
        (400, b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_vec()),
        (431, with(&["A: b"; 101].join("\r\n"))),
        (431, with(&format!("{}: b", "n".repeat(70_000)))),
        (431, with(&format!("A: {}", "v".repeat(400 * 1024)))),
        (431, format!("GET / HTTP/1.1\r\nA: {}", "v".repeat(400 * 1024)).into_bytes()),
        (414, get(&long_target(256 * 1024 + 1)).into_bytes()),
        (414, get(&long_target(300 * 1024)).into_bytes()),
        (414, format!("GET {}", long_target(300 * 1024)).into_bytes()),
        (414, format!("GET {}", long_target(2 * 1024 * 1024)).into_bytes()),
    ];
    for (status, request) in cases {
        let shown = String::from_utf8_lossy(&request[..request.len().min(90)]).into_owned();
        let mut client = client();
        client.try_send(&request).await;
        let answer = client.answer().await;
        assert!(is_envelope(&answer, status), "{shown:?}: {answer:?}");
        client.stream.shutdown().await.unwrap();
        assert!(client.is_closed().await, "{shown:?}");
    }
}

#[tokio::test]
async fn a_head_cut_off_by_the_client_is_answered() {
    let mut client = client();
    client.send("GET / HTTP/1.1\r\nHost: k").await;
    client.stream.shutdown().await.unwrap();
    let answer = client.answer().await;
    assert!(is_envelope(&answer, 400), "{answer:?}");
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn a_body_cut_off_by_the_client_is_answered() {
    for start in ["Content-Length: 5\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n5\r\nabc"] {
        let mut client = client();
        client.send(format!("POST / HTTP/1.1\r\n{start}")).await;
        client.stream.shutdown().await.unwrap();
        let answer = client.answer().await;
        assert!(is_envelope(&answer, 400), "{start:?}: {answer:?}");
        assert!(client.is_closed().await);
    }
}

#[tokio::test]
async fn calls_before_a_bad_head_are_answered_first() {
    let mut client = client();
    client.send(format!("{}{}garbage\r\n\r\n", get("/1"), post("/2", "b"))).await;
    assert_eq!(client.answer().await.body, "GET /1 ");
    assert_eq!(client.answer().await.body, "POST /2 b");
    assert!(is_envelope(&client.answer().await, 400));
}

#[tokio::test]
async fn nothing_after_a_refusal_is_served() {
    let mut client = client();
    let two = "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    client.send(format!("POST / HTTP/1.1\r\n{two}{}", get("/smuggled"))).await;
    assert!(is_envelope(&client.answer().await, 400));
    client.stream.shutdown().await.unwrap();
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_before_it_is_sent() {
    let limits = Limits { body_bytes: 1000, ..Limits::default() };
    for expect in ["", "Expect: 100-continue\r\n"] {
        let mut client = connect(&server(limits));
        let head = format!("POST / HTTP/1.1\r\n{expect}Content-Length: 1001\r\n\r\n");
        assert!(is_envelope(&client.ask(head).await, 413), "{expect:?}");
    }
    let body = "b".repeat(1000);
    assert_eq!(connect(&server(limits)).ask(post("/", &body)).await.status, 200);
}

#[tokio::test]
async fn a_client_that_sends_all_its_body_first_can_still_read_the_refusal() {
    let mut client = client();
    client.send(post("/", &"b".repeat(3 * 1024 * 1024))).await;
    assert!(is_envelope(&client.answer().await, 413));
}

#[tokio::test]
async fn chunks_over_the_limit_are_refused() {
    let limits = Limits { body_bytes: 1000, ..Limits::default() };
    for sizes in [vec![1001], vec![500, 501], vec![300, 300, 300, 300], vec![10_000]] {
        let mut client = connect(&server(limits));
        client.send("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n").await;
        for size in &sizes {
            client.try_send(format!("{size:x}\r\n{}\r\n", "b".repeat(*size))).await;
        }
        assert!(is_envelope(&client.answer().await, 413), "{sizes:?}");
    }
}

#[tokio::test]
async fn chunks_that_are_none_are_refused() {
    for chunks in ["x\r\n", "5\r\nhelloXX0\r\n\r\n", "\r\n", "-1\r\n", "fffffffffffffffff\r\n"] {
        let mut client = client();
        client.send(format!("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}")).await;
        let answer = client.answer().await;
        assert!(is_envelope(&answer, 400), "{chunks:?}: {answer:?}");
        client.stream.shutdown().await.unwrap();
        assert!(client.is_closed().await, "{chunks:?}");
    }
}

#[tokio::test]
async fn only_so_many_large_requests_are_held_at_once() {
    let server = server(Limits { large: 1, ..Limits::default() });
    let mut holder = connect(&server);
    holder.send(get(&format!("/wait{}", long_target(70_000)))).await;
    server.handler.entered.notified().await;

    let large_header = format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "v".repeat(70_000));
    for large in [get(&long_target(70_000)), large_header, post("/", &"b".repeat(70_000))] {
        let mut refused = connect(&server);
        refused.try_send(&large).await;
        assert!(is_envelope(&refused.answer().await, 503));
        assert_eq!(connect(&server).ask(get("/small")).await.status, 200);
    }

    server.handler.gate.notify_one();
    assert_eq!(holder.answer().await.status, 200);
    assert_eq!(connect(&server).ask(get(&long_target(70_000))).await.status, 200);
}

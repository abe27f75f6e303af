//! What is waited for, and for how long, on the test's clock.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Limits, client, connect, get, long_target, server};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_silent_connection_is_closed_without_an_answer() {
    let (start, mut client) = (Instant::now(), client());
    assert!(client.is_closed().await);
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_slow_head_is_refused_however_steadily_it_comes() {
    let (start, mut client) = (Instant::now(), client());
    for byte in get(&long_target(100)).bytes().take(16) {
        client.send([byte]).await;
        sleep(SECOND * 2 / 3).await;
    }
    assert_eq!(client.answer().await.status, 408);
    assert!(start.elapsed() < SECOND * 15);
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_kept_for_two_minutes() {
    let mut client = client();
    for _ in 0..3 {
        assert_eq!(client.ask(get("/")).await.status, 200);
        sleep(SECOND * 119).await;
    }
    assert_eq!(client.ask(get("/")).await.status, 200);
    let start = Instant::now();
    assert!(client.is_closed().await);
    assert_eq!(start.elapsed().as_secs(), 120);
}

#[tokio::test(start_paused = true)]
async fn an_idle_stranger_is_kept_for_five_seconds_until_it_is_known() {
    let (start, mut client) = (Instant::now(), client());
    assert_eq!(client.ask(get("/stranger")).await.status, 200);
    assert!(client.is_closed().await);
    assert_eq!(start.elapsed().as_secs(), 5);

    let mut client = connect(&server(Limits::default()));
    for target in ["/stranger", "/", "/stranger"] {
        assert_eq!(client.ask(get(target)).await.status, 200);
        sleep(SECOND * 4).await;
    }
    sleep(SECOND * 100).await;
    assert_eq!(client.ask(get("/")).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_stranger_in_a_crowd_gets_one_answer_and_the_known_stay() {
    let server = server(Limits { max_connections: 8, ..Limits::default() });
    let mut before = connect(&server);
    assert!(!before.ask(get("/stranger")).await.has("connection: close"));
    let crowd = server.crowd.occupy(7);
    assert!(before.ask(get("/stranger")).await.has("connection: close"));
    assert!(before.is_closed().await);
    let mut known = connect(&server);
    for target in ["/", "/stranger"] {
        assert!(!known.ask(get(target)).await.has("connection: close"));
    }
    drop(crowd);
}

#[tokio::test(start_paused = true)]
async fn a_stranger_has_eight_answers_and_then_comes_again() {
    let mut stranger = client();
    stranger.send(get("/stranger").repeat(100)).await;
    for n in 1..=8 {
        assert_eq!(stranger.answer().await.has("connection: close"), n == 8, "{n}");
    }
    assert!(stranger.is_closed().await);
    let mut known = client();
    assert_eq!(known.ask(get("/")).await.status, 200);
    for _ in 0..20 {
        assert!(!known.ask(get("/stranger")).await.has("connection: close"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_large_request_that_stops_is_refused_in_two_seconds() {
    let held = |len| format!("POST {} HTTP/1.1\r\nContent-Length: 9\r\n", long_target(len));
    for request in [
        "POST / HTTP/1.1\r\nContent-Length: 100000\r\n\r\n".to_owned(),
        held(65_600),
        held(65_600) + "\r\n",
    ] {
        let server = server(Limits { large: 1, ..Limits::default() });
        let (start, mut client) = (Instant::now(), connect(&server));
        client.send(request).await;
        assert_eq!(client.answer().await.status, 408);
        assert_eq!(start.elapsed().as_secs(), 2);
        assert!(server.large.is_free());
    }
}

#[tokio::test(start_paused = true)]
async fn a_large_body_that_keeps_its_pace_is_taken() {
    let mut client = client();
    client.send("POST / HTTP/1.1\r\nContent-Length: 655360\r\n\r\n").await;
    for _ in 0..10 {
        sleep(SECOND).await;
        client.send("b".repeat(65_536)).await;
    }
    assert_eq!(client.answer().await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_later_head_has_its_time_too() {
    let mut client = client();
    assert_eq!(client.ask(get("/")).await.status, 200);
    sleep(SECOND * 115).await;
    let start = Instant::now();
    client.send("GET / HT").await;
    sleep(SECOND * 9).await;
    assert_eq!(client.ask("TP/1.1\r\n\r\n").await.status, 200);
    client.send("GET / HT").await;
    assert_eq!(client.answer().await.status, 408);
    assert_eq!(start.elapsed().as_secs(), 19);
}

#[tokio::test(start_paused = true)]
async fn a_slow_body_is_refused() {
    for head in ["Content-Length: 100\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n64\r\n"] {
        let (start, mut client) = (Instant::now(), client());
        client.send(format!("POST / HTTP/1.1\r\n{head}")).await;
        for _ in 0..15 {
            client.send("b").await;
            sleep(SECOND).await;
        }
        assert_eq!(client.answer().await.status, 408, "{head:?}");
        assert_eq!(start.elapsed().as_secs(), 20);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_reads_is_cut_off() {
    let server = server(Limits::default());
    let mut client = connect(&server);
    client.send(get("/long")).await;
    sleep(SECOND * 31).await;
    assert_eq!(client.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_slowly_is_not() {
    let server = server(Limits::default());
    let mut client = connect(&server);
    client.send(get("/long")).await;
    for _ in 0..3 {
        client.more().await.unwrap();
        sleep(SECOND * 29).await;
    }
    assert_eq!(client.answer().await.body.len(), 1024 * 1024);
}

#[tokio::test(start_paused = true)]
async fn a_refused_client_that_sends_on_is_cut_off() {
    let (start, mut client) = (Instant::now(), client());
    client.send("garbage\r\n").await;
    assert_eq!(client.answer().await.status, 400);
    assert!(client.is_closed().await);
    while tokio::io::AsyncWriteExt::write_all(&mut client.stream, b"more").await.is_ok() {
        sleep(SECOND / 10).await;
    }
    assert_eq!(start.elapsed().as_secs(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_stop_closes_what_is_idle_at_once() {
    for sent in ["", "GET / HT"] {
        let (start, mut client) = (Instant::now(), client());
        assert_eq!(client.ask(get("/")).await.status, 200);
        client.send(sent).await;
        client.stop = None;
        assert!(client.is_closed().await, "{sent:?}");
        assert_eq!(start.elapsed().as_secs(), 0, "{sent:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_lets_a_call_finish() {
    let server = server(Limits::default());
    let mut client = connect(&server);
    client.send(get("/wait")).await;
    server.handler.entered.notified().await;
    client.stop = None;
    sleep(SECOND * 5).await;
    server.handler.gate.notify_one();
    let answer = client.answer().await;
    assert!(answer.body == "GET /wait " && answer.has("connection: close"), "{answer:?}");
    assert!(client.is_closed().await);
}

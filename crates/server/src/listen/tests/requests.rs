//! What is served, byte for byte and in order.

use proptest::prelude::*;
use tokio::io::AsyncWriteExt;

use super::{client, get, long_target, post};

#[tokio::test]
async fn long_targets_arrive_as_sent() {
    let mut client = client();
    for len in [100, 65_533, 65_534, 65_535, 65_536, 100_000, 256 * 1024] {
        let target = long_target(len);
        assert_eq!(client.ask(get(&target)).await.body, format!("GET {target} "));
        assert_eq!(client.ask(post(&target, "b")).await.body, format!("POST {target} b"));
    }
}

#[tokio::test]
async fn pipelined_large_targets_are_answered_in_order() {
    let mut client = client();
    let (one, two) = (long_target(90_000), long_target(120_000));
    let all = [get(&one), get("/small"), post(&two, "body"), get("/<strange>"), get("/last")];
    let sending = all.concat();
    let (mut near, mut far) = tokio::io::split(client.stream);
    let send = tokio::spawn(async move { far.write_all(sending.as_bytes()).await.map(|()| far) });
    client.stream = {
        // Answers are read while requests are still being sent.
        let mut reader = super::Client::over(tokio::io::join(&mut near, tokio::io::sink()));
        let large = [format!("GET {one} "), "GET /small ".to_owned(), format!("POST {two} body")];
        let rest = ["GET /<strange> ".to_owned(), "GET /last ".to_owned()];
        for expected in large.into_iter().chain(rest) {
            assert_eq!(reader.answer().await.body, expected);
        }
        near.unsplit(send.await.unwrap().unwrap())
    };
    assert_eq!(client.ask(get("/after")).await.body, "GET /after ");
}

#[tokio::test]
async fn every_form_of_target_arrives_as_sent() {
    let mut client = client();
    let mut targets: Vec<String> =
        (0x21..=0x7e_u8).map(|byte| format!("/p{0}?q={0}&r", char::from(byte))).collect();
    targets.extend((0x21..=0x7e_u8).map(|byte| char::from(byte).to_string()));
    for form in [
        "*",
        "/",
        "//",
        "//a/b",
        "/?",
        "/??",
        "/#f",
        "http://127.0.0.1:18080/?Action=Encrypt#f",
        "kms.cn-hangzhou.aliyuncs.com:443",
        "/?Description=密钥",
        "/?%zz%",
        "/.yaoku-front/0",
        "/.yaoku-front/18446744073709551616",
        "/.yaoku-front/",
        "http://",
        "[",
    ] {
        targets.push(form.to_owned());
    }
    for target in targets {
        assert_eq!(client.ask(get(&target)).await.body, format!("GET {target} "));
    }
}

#[tokio::test]
async fn any_method_reaches_the_handler() {
    for method in ["PUT", "OPTIONS", "DELETE", "PATCH", "TRACE", "BREW", "get", "M!#$%&'*+-.^_`|~9"]
    {
        let mut client = client();
        for _ in 0..2 {
            let answer = client.ask(format!("{method} / HTTP/1.1\r\n\r\n")).await;
            assert_eq!(answer.body, format!("{method} / "));
        }
    }
}

#[tokio::test]
async fn head_is_answered_without_a_body() {
    let mut client = client();
    client.send(format!("HEAD / HTTP/1.1\r\n\r\n{}", get("/next"))).await;
    while !client.read.ends_with(b"GET /next ") {
        client.more().await.unwrap();
    }
    let all = String::from_utf8(client.read).unwrap().to_ascii_lowercase();
    assert!(
        all.starts_with("http/1.1 200 ok\r\n") && all.contains("content-length: 7\r\n"),
        "{all}"
    );
    assert!(!all.contains("head / "), "{all}");
}

#[tokio::test]
async fn one_connection_serves_many_calls() {
    let mut client = client();
    for n in 0..100 {
        let answer = client.ask(post("/", &n.to_string())).await;
        assert_eq!(answer.body, format!("POST / {n}"));
        assert!(answer.has("x-acs-request-id: 0a1b") && !answer.has("connection: close"));
    }
}

#[tokio::test]
async fn connection_close_is_honoured() {
    for head in ["GET / HTTP/1.1\r\nConnection: close\r\n\r\n", "GET / HTTP/1.0\r\n\r\n"] {
        let mut client = client();
        assert_eq!(client.ask(head).await.status, 200);
        assert!(client.is_closed().await, "{head:?}");
    }
}

#[tokio::test]
async fn a_client_that_stops_sending_gets_its_answer() {
    let mut client = client();
    client.send(get("/")).await;
    client.stream.shutdown().await.unwrap();
    assert_eq!(client.answer().await.body, "GET / ");
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn an_offer_to_upgrade_is_passed_over() {
    let mut client = client();
    for _ in 0..2 {
        let head = "GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
        assert_eq!(client.ask(head).await.body, "GET / ");
    }
    assert_eq!(client.ask(get("/<after>")).await.body, "GET /<after> ");
}

#[tokio::test]
async fn empty_lines_before_a_head_mean_nothing() {
    let mut client = client();
    assert_eq!(client.ask(format!("\r\n\r\n{}", get("/"))).await.status, 200);
    client.send("\r\n").await;
    assert_eq!(client.ask(get("/")).await.status, 200);
}

#[tokio::test]
async fn expect_continue_gets_its_continue() {
    let mut client = client();
    let head = "POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
    assert_eq!(client.ask(head).await.status, 100);
    assert_eq!(client.ask("body").await.body, "POST / body");
    assert_eq!(client.ask(get("/<after>")).await.body, "GET /<after> ");
}

#[tokio::test]
async fn a_chunked_body_arrives_and_long_targets_follow_it() {
    let mut client = client();
    for chunks in ["0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n", "2\r\nhe\r\n003\r\nllo\r\n0\r\n\r\n"] {
        let head = "POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n";
        let answer = client.ask(format!("{head}{chunks}")).await;
        let body = if chunks.len() > 5 { "hello" } else { "" };
        assert_eq!(answer.body, format!("POST / {body}"));
        let target = long_target(70_000);
        assert_eq!(client.ask(get(&target)).await.body, format!("GET {target} "));
    }
}

#[tokio::test]
async fn a_chunked_body_with_extras_arrives_and_ends_the_connection() {
    for chunks in ["5;a=b\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\nTrailer: x\r\n\r\n"] {
        let mut client = client();
        let head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
        let answer = client.ask(format!("{head}{chunks}")).await;
        assert_eq!(answer.body, "POST / hello");
        assert!(answer.has("connection: close"), "{chunks:?}");
        assert!(client.is_closed().await, "{chunks:?}");
    }
}

fn request() -> impl Strategy<Value = (String, String)> {
    let target = prop_oneof![
        "/[a-z?=&%]{0,40}",
        "[!-~]{1,60}",
        (65_000_usize..80_000).prop_map(long_target),
        (0_usize..3).prop_map(|n| format!("/.yaoku-front/{n}")),
    ];
    (target, prop::option::of(("[ -~\r\n]{0,200}", any::<bool>()))).prop_map(|(target, body)| {
        let Some((body, chunked)) = body else { return (get(&target), format!("GET {target} ")) };
        if !chunked {
            return (post(&target, &body), format!("POST {target} {body}"));
        }
        let head = format!("POST {target} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
        let chunk =
            |part: &[u8]| format!("{:x}\r\n{}\r\n", part.len(), String::from_utf8_lossy(part));
        let chunks: String = body.as_bytes().chunks(70).map(chunk).collect();
        (format!("{head}{chunks}0\r\n\r\n"), format!("POST {target} {body}"))
    })
}

fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn requests_cut_anywhere_are_answered_in_order(
        requests in prop::collection::vec(request(), 1..8),
        pieces in prop::collection::vec(1_usize..5000, 1..20),
    ) {
        run(async {
            let client = client();
            let sending: String = requests.iter().map(|it| it.0.as_str()).collect();
            let (near, mut far) = tokio::io::split(client.stream);
            let send = async {
                let (mut rest, mut pieces) = (sending.as_bytes(), pieces.iter().cycle());
                while !rest.is_empty() {
                    let (piece, after) = rest.split_at(rest.len().min(*pieces.next().unwrap()));
                    far.write_all(piece).await.unwrap();
                    tokio::task::yield_now().await;
                    rest = after;
                }
            };
            let mut reader = super::Client::over(tokio::io::join(near, tokio::io::sink()));
            let receive = async {
                for (_, expected) in &requests {
                    assert_eq!(&reader.answer().await.body, expected);
                }
            };
            tokio::join!(send, receive);
        });
    }

    #[test]
    fn random_bytes_are_refused_or_served_but_never_break_the_server(
        start in prop_oneof![
            Just(String::new()),
            Just("GET /".to_owned()),
            Just("POST / HTTP/1.1\r\n".to_owned()),
            Just("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned()),
            Just("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n".to_owned()),
        ],
        noise in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..300),
            "[\r\n :0-9a-fA-FGETHP/.]{0,200}".prop_map(String::into_bytes),
        ],
    ) {
        run(async {
            let mut client = client();
            client.try_send(start).await;
            client.try_send(noise).await;
            client.stream.shutdown().await.unwrap();
            while let Some(answer) = client.next().await {
                // What hyper refuses by itself has no body, hence no such header.
                assert!(answer.has("x-acs-request-id: 0a1b"), "{answer:?}");
            }
        });
    }
}

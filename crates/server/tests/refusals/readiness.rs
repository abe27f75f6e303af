//! What is answered while the store is away, on the operations view too, and once it is back.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use http::Method;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::watch,
};
use yaoku_model::time::ManualClock;
use yaoku_server::{
    listen::{self, Handler as _, HttpCall, Limits, Listener},
    operations::Operations,
    standing::Standing,
};
use yaoku_store::testing::TestPostgres;

use crate::support::{Database, NOW, World, client::exchange, things::Things};

on_both!(who_may_have_been_revoked_elsewhere_is_refused);

/// Passes connections on to a database, unless it is cut.
struct Cable {
    whole: watch::Sender<bool>,
}

impl Cable {
    /// Lays one to the database of `url`; gives the URL of its near end.
    async fn to(url: &str) -> (Self, String) {
        let (before, rest) = url.split_once("127.0.0.1:").unwrap();
        let (port, name) = rest.split_once('/').unwrap();
        let far = SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let near = listener.local_addr().unwrap();
        let (whole, state) = watch::channel(true);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(carry(stream, far, state.clone()));
            }
        });
        (Self { whole }, format!("{before}{near}/{name}"))
    }

    fn set(&self, whole: bool) {
        self.whole.send(whole).unwrap();
    }
}

async fn carry(mut near: TcpStream, far: SocketAddr, mut whole: watch::Receiver<bool>) {
    if !*whole.borrow() {
        return;
    }
    let mut far = TcpStream::connect(far).await.unwrap();
    tokio::select! {
        _ = copy_bidirectional(&mut near, &mut far) => {}
        _ = whole.wait_for(|it| !it) => {}
    }
}

async fn ready(view: &Operations) -> (u16, String) {
    let call = HttpCall {
        method: Method::GET,
        target: "/readyz".into(),
        headers: http::HeaderMap::new(),
        body: bytes::Bytes::new(),
        tls: false,
        peer: ([127, 0, 0, 1], 9).into(),
    };
    let reply = view.handle(call).await;
    (reply.status, String::from_utf8(reply.body.to_vec()).unwrap())
}

/// Asks until the answer has this status.
async fn until(view: &Operations, status: u16) -> String {
    for _ in 0..1200 {
        let (given, body) = ready(view).await;
        if given == status {
            return body;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it is never {status}: {:?}", ready(view).await)
}

/// Asks over a connection that stays; whether there was an answer.
async fn is_answered(stream: &mut TcpStream) -> bool {
    let mut read = [0; 64];
    let asked = stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: ops\r\n\r\n").await;
    asked.is_ok() && stream.read(&mut read).await.is_ok_and(|_| read.starts_with(b"HTTP/1.1 200"))
}

#[tokio::test]
async fn strangers_that_idle_on_the_operations_view_leave_for_who_comes() {
    let view = Arc::new(Operations::new(Arc::new(Standing::new(NOW, None))));
    let listener = Listener::bind(([127, 0, 0, 1], 0).into(), None).await.unwrap();
    let address = listener.local_addr();
    let limits = Limits { max_connections: 16, ..Limits::default() };
    tokio::spawn(listen::serve(vec![listener], view, limits, std::future::pending::<()>()));
    let mut idle = Vec::new();
    for number in 0..32 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        assert!(is_answered(&mut stream).await, "{number}");
        idle.push(stream);
    }
    let probe = b"GET /healthz HTTP/1.1\r\nhost: ops\r\nconnection: close\r\n\r\n";
    assert_eq!(exchange(address, probe).await.unwrap().status, 200);
}

#[tokio::test]
async fn readyz_says_that_the_store_is_away_and_that_it_is_back() {
    let url = TestPostgres::shared().new_database().await;
    let (cable, url) = Cable::to(&url).await;
    let clock = Arc::new(ManualClock::at(NOW));
    let data = Arc::new(tempfile::tempdir().unwrap());
    let world = World::open(data, url, Arc::clone(&clock)).await;
    let standing = Arc::new(Standing::new(NOW, None));
    standing.runs(Arc::clone(&world.node));
    let view = Operations::new(standing);
    until(&view, 200).await;
    cable.set(false);
    clock.advance_seconds(3);
    assert_eq!(until(&view, 503).await, "{\"ready\":false,\"reasons\":[\"store_down\"]}\n");
    cable.set(true);
    until(&view, 200).await;
    drop(view);
    world.stop().await;
}

async fn who_may_have_been_revoked_elsewhere_is_refused(database: Database) {
    let world = World::new(database).await;
    let root = world.account().await;
    let things = Things::of(&world, &root).await;
    let key = ("KeyId", things.key.as_str());
    for (action, more) in [
        ("DescribeKey", None),
        ("UpdateKeyDescription", Some(("Description", "new"))),
        ("Encrypt", Some(("Plaintext", "any text"))),
    ] {
        let params: Vec<_> = [Some(key), more].into_iter().flatten().collect();
        let mut refused = 0;
        // A poll of the feed may come between, but not each time.
        for _ in 0..20 {
            world.clock.advance_seconds(3);
            let answer = world.call(&root, action, &params).await;
            if answer.status != 200 {
                let told = (answer.status, answer.code());
                assert_eq!(told, (503, "ServiceUnavailableTemporary".to_owned()), "{action}");
                refused += 1;
            }
        }
        match database {
            // Nobody else writes to it.
            Database::Sqlite => assert_eq!(refused, 0, "{action}"),
            Database::Postgres => assert!(refused > 0, "{action}"),
        }
        while world.call(&root, action, &params).await.status != 200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    world.stop().await.events_equal_answers().await;
}

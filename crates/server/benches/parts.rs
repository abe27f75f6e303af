//! What an event of the audit journal takes. `cargo bench -p yaoku-server`.

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use yaoku_model::time::Timestamp;
use yaoku_server::audit::{Event, Source, UserAgent};

criterion_group!(parts, audit_line);
criterion_main!(parts);

/// The line of an Encrypt, but for its place in the chain.
fn audit_line(criterion: &mut Criterion) {
    let event = Event {
        at: Timestamp::from_unix_ms(1_795_295_000_123),
        request_id: "4C467B38-3910-447D-87BC-AC049166F216".to_owned(),
        account: Some("1540355698848459".parse().unwrap()),
        principal: "user/alice".to_owned(),
        access_key: Some("LTAI5tAbCdEfGhIjKlMnOpQr".parse().unwrap()),
        source_identity: None,
        source: Source::from(std::net::IpAddr::from([192, 0, 2, 7])),
        user_agent: UserAgent::new("AlibabaCloud (Linux; x86_64) Python/3.11.7 Core/0.4.3"),
        action: "kms:Encrypt".into(),
        resources: vec!["acs:kms:cn-hangzhou:1540355698848459:key/key-hzz62f1cb66".to_owned()],
        code: None,
        status: 200,
        tls: true,
        count: 1,
    };
    criterion.bench_function("audit_line", |bench| bench.iter(|| black_box(&event).to_row()));
}

//! What we sign, we accept, in V1 and V3, whatever the parameters; and under another secret we do not.
//! So both canonical forms are made twice, once from what was meant and once from what was sent.
//!
//! An input is a form: its pairs are the parameters. Those before one that is called `&` (escaped) go into
//! the query, the others into the body.

use std::collections::BTreeMap;

use yaoku_model::time::Timestamp;
use yaoku_wire::rpc::{Credentials, Format, Outgoing, Request, Signed, read, sign_v1, sign_v3};

const SECRET: &[u8] = b"FakeSecretFAKEsecretFAKEsecret01";

pub(crate) fn run(input: &[u8]) {
    let pairs: Vec<(String, String)> = form_urlencoded::parse(input).into_owned().collect();
    let pairs: Vec<(&str, &str)> =
        pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let middle = pairs.iter().position(|(name, _)| *name == "&").unwrap_or(pairs.len());
    let (query, form) = pairs.split_at(middle);
    let call = Outgoing {
        method: "POST",
        host: "localhost",
        action: "Encrypt",
        version: "2016-01-20",
        format: Format::Json,
        query,
        form,
    };
    let by = Credentials {
        access_key_id: "LTAI5tFAKEfakeFAKEfake01",
        secret: SECRET,
        security_token: None,
    };
    let now = Timestamp::from_unix_seconds(1_795_295_120);
    for signed in [sign_v1(&call, &by, now, "n"), sign_v3(&call, &by, now, "n")] {
        must_be_accepted(&signed, &pairs);
    }
}

/// The fixtures of clients: their queries and forms.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let text = |it: &serde_json::Value| it.as_str().unwrap_or_default().to_owned();
    let pairs = |it: &serde_json::Value| {
        format!("{}&%26=&{}", text(&it["query"]), text(&it["body_utf8"])).into_bytes()
    };
    crate::vectors("signature").iter().map(pairs).collect()
}

fn must_be_accepted(signed: &Signed, pairs: &[(&str, &str)]) {
    let headers: Vec<(&str, &[u8])> =
        signed.headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
    let request = Request {
        method: "POST",
        target: signed.target.as_bytes(),
        headers: &headers,
        body: &signed.body,
        tls: true,
    };
    // One name with two values, names of the gateway, too many pairs: refused, which is right.
    let Ok(mut incoming) = read(&request) else { return };
    let verified = incoming.verify(SECRET, &|_| false);
    assert!(verified.is_ok(), "refused: {:?}", verified.map_err(|it| it.message().to_owned()));
    assert!(incoming.verify(b"another", &|_| false).is_err(), "another secret is accepted");
    let meant: BTreeMap<&str, &str> = pairs.iter().copied().collect();
    let names: Vec<String> = incoming.params.left().map(str::to_owned).collect();
    for name in names {
        let value = incoming.params.text(&name).expect("it is there");
        assert_eq!(meant.get(name.as_str()), Some(&value.as_str()), "{name:?} came otherwise");
    }
}

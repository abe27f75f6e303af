//! JSON bodies: what is read is written again as an object of texts, and reads as the same.

use std::collections::BTreeMap;

use yaoku_wire::{
    Params,
    rpc::{Request, read},
};

pub(crate) fn run(input: &[u8]) {
    let Some(first) = parameters(input) else { return };
    let written = serde_json::to_vec(&first).expect("texts can be written");
    assert_eq!(parameters(&written), Some(first), "written and read again");
    // Objects, lists and records within one parameter.
    let text = std::str::from_utf8(input).expect("what is no UTF-8 is refused");
    let mut params: Params = [("A", text)].into_iter().collect();
    _ = params.json("A");
    let mut params: Params = [("A", text)].into_iter().collect();
    _ = params.map("A");
    let mut params: Params = [("A", text)].into_iter().collect();
    _ = params.records("A", &["Key", "Value"]);
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let bodies = crate::vectors("signature");
    let bodies = bodies.iter().filter_map(|it| it["body_utf8"].as_str());
    let bodies = bodies.filter(|it| it.starts_with('{')).map(|it| it.as_bytes().to_vec());
    let own: [&[u8]; 5] = [
        br#"{"KeyId":"k","Plaintext":"aGVsbG8=","DryRun":true,"Number":1.50,"None":null}"#,
        br#"{"EncryptionContext":{"a":"1","b":"\u00e9\n"},"List":[1,"x y",{"a":[]}]}"#,
        br#"{"Tag":[{"Key":"a","Value":"b"},{"Key":"c"}],"A":"1","A":"1"}"#,
        br#"[{"Key":"a","Value":"b"}]"#,
        br#"{"n":12345678901234567890123,"s":"\ud83d\ude00"}"#,
    ];
    bodies.chain(own.map(<[u8]>::to_vec)).collect()
}

/// The parameters of a body, or `None` if it is refused.
fn parameters(body: &[u8]) -> Option<BTreeMap<String, String>> {
    let request = Request {
        method: "POST",
        target: b"/",
        headers: &[
            ("content-type", b"application/json"),
            ("authorization", b"ACS3-HMAC-SHA256 "),
            ("x-acs-action", b"Encrypt"),
            ("x-acs-version", b"2016-01-20"),
        ],
        body,
        tls: true,
    };
    let mut incoming = read(&request).ok()?;
    let names: Vec<String> = incoming.params.left().map(str::to_owned).collect();
    let take = |name: String| {
        let value = incoming.params.text(&name).map(|it| it.to_string()).unwrap_or_default();
        (name, value)
    };
    Some(names.into_iter().map(take).collect())
}

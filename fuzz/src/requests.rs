//! Whole requests: parameters from query, form and JSON, and the check of every kind of signature.
//!
//! An input is what HTTP/1.1 would carry: a line with method and target, headers, an empty line, the
//! body. Lines end with `\n`.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use yaoku_server::api::{Product, operation};
use yaoku_wire::rpc::{Incoming, Request, read};

/// How much longer than a request what we say of it may be: V1 escapes twice, so that one byte becomes
/// five, in what was signed and in its explanation.
const GROWTH: usize = 16;

/// What any answer may have besides.
const BASE: usize = 4096;

pub(crate) fn run(input: &[u8]) {
    with_request(input, |request| {
        let size = request.target.len() + request.body.len() + input.len();
        match read(request) {
            Ok(incoming) => {
                let said = check(&incoming);
                assert_eq!(said, check(&incoming), "a request is judged one way");
                assert!(said.len() <= size * GROWTH + BASE, "{} for {size} bytes", said.len());
                parse(incoming);
            }
            Err(rejected) => assert!(rejected.refusal.message().len() <= size * GROWTH + BASE),
        }
    });
}

/// The fixtures of clients.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let text = |it: &serde_json::Value| it.as_str().unwrap_or_default().to_owned();
    let request = |it: &serde_json::Value| {
        let mut out = format!("{} {}\n", text(&it["method"]), text(&it["target"])).into_bytes();
        for header in it["headers"].as_array().into_iter().flatten() {
            out.extend(format!("{}: {}\n", text(&header[0]), text(&header[1])).bytes());
        }
        out.push(b'\n');
        out.extend(BASE64_STANDARD.decode(text(&it["body_base64"])).unwrap_or_default());
        out
    };
    crate::vectors("signature").iter().map(request).collect()
}

/// Takes an input apart.
pub(crate) fn with_request(input: &[u8], then: impl FnOnce(&Request<'_>)) {
    let split = |text: &'_ [u8], at: u8| -> Option<usize> { text.iter().position(|it| *it == at) };
    let end = input.windows(2).position(|it| it == b"\n\n");
    let (head, body) = end.map_or((input, &[][..]), |at| (&input[..at], &input[at + 2..]));
    let mut lines = head.split(|it| *it == b'\n');
    let first = lines.next().unwrap_or_default();
    let (method, target) =
        split(first, b' ').map_or((first, &[][..]), |at| (&first[..at], &first[at + 1..]));
    let headers = lines.filter_map(|line| {
        let at = split(line, b':')?;
        // As hyper has it: names are text, values any bytes.
        Some((std::str::from_utf8(&line[..at]).ok()?, line[at + 1..].trim_ascii()))
    });
    let headers: Vec<(&str, &[u8])> = headers.take(100).collect();
    let method = std::str::from_utf8(method).unwrap_or("POST");
    then(&Request { method, target, headers: &headers, body, tls: true });
}

/// All that is said of who sent it.
fn check(incoming: &Incoming<'_>) -> String {
    let claim = incoming.claim().map(|it| format!("{:?} {}", it.nonce, it.timestamp));
    let claim = claim.unwrap_or_else(|it| it.message().to_owned());
    let hide = |name: &str| name == "Plaintext" || name == "SecretData";
    let verified = incoming.verify(b"FakeSecretFAKEsecretFAKEsecret01", &hide);
    let verified = verified.map(|it| it.scheme().name().to_owned());
    claim + &verified.unwrap_or_else(|it| it.message().to_owned())
}

/// Hands the parameters to the operation that is asked for.
fn parse(mut incoming: Incoming<'_>) {
    let product = Product::of_version(&incoming.version);
    if let Some(entry) = product.and_then(|it| operation(it, &incoming.action)) {
        _ = entry.parse(&mut incoming.params);
    }
}

//! HTTP heads as the front judges them: however the bytes come in pieces, the verdict is one.

use yaoku_server::listen::testing::{Found, examine};

pub(crate) fn run(input: &[u8]) {
    let whole = examine(input, 0);
    if let Found::Head { length, target, plain } = &whole {
        assert!(*length <= input.len() && target.end <= *length, "a head longer than its bytes");
        let text = std::str::from_utf8(&input[target.clone()]).expect("httparse takes UTF-8");
        if *plain {
            let uri: http::Uri = text.parse().expect("what is plain, hyper takes");
            let again = uri.path_and_query().map(http::uri::PathAndQuery::as_str);
            assert_eq!(again, Some(text), "hyper would give it back otherwise");
        }
    }
    // The longest start that was not enough, as a connection would have had it.
    for seen in [1, input.len() / 3, input.len() / 2, input.len().saturating_sub(1)] {
        if seen < input.len() && examine(&input[..seen], 0) == Found::Partial {
            assert_eq!(examine(input, seen), whole, "after {seen} bytes");
        }
    }
    if let Found::Head { length, .. } = &whole {
        assert_eq!(examine(&input[..*length], 0), whole, "what follows a head changes it");
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let own = [
        "GET / HTTP/1.1\r\n\r\n",
        "POST /?Action=Encrypt HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
        "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
        "GET http://a/?x HTTP/1.0\r\na:b\r\n c\r\n\r\n",
        "GET /{\"a\"}#^` HTTP/1.1\nHost: a\n\n",
        "\r\n\r\nPOST * HTTP/1.1\r\n\r\n",
    ];
    let mut seeds: Vec<Vec<u8>> = own.iter().map(|it| it.as_bytes().to_vec()).collect();
    for request in crate::requests::seeds() {
        let text = String::from_utf8_lossy(&request);
        let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
        let head = head.replacen('\n', " HTTP/1.1\n", 1).replace('\n', "\r\n");
        seeds.push(format!("{head}\r\n\r\n{body}").into_bytes());
    }
    seeds
}

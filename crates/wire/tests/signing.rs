//! What we sign, we accept: the client's half against the server's.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use yaoku_model::time::Timestamp;
use yaoku_wire::{
    Code,
    rpc::{Credentials, Format, Outgoing, Request, Signed, SigningKey, read, sign_v1, sign_v3},
};

const SECRET: &[u8] = b"testsecret";

fn call<'a>(query: &'a [(&'a str, &'a str)], form: &'a [(&'a str, &'a str)]) -> Outgoing<'a> {
    Outgoing {
        method: "POST",
        host: "127.0.0.1:18080",
        action: "CreateSecret",
        version: "2016-01-20",
        format: Format::Json,
        query,
        form,
    }
}

fn accepted(signed: &Signed, secret: &[u8]) -> Result<Vec<(String, String)>, Code> {
    let headers: Vec<(&str, &[u8])> =
        signed.headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
    let request = Request {
        method: "POST",
        target: signed.target.as_bytes(),
        headers: &headers,
        body: &signed.body,
        tls: false,
    };
    let mut incoming = read(&request).map_err(|it| it.refusal.code())?;
    let claim = incoming.claim().map_err(|it| it.code())?;
    assert_eq!(claim.access_key_id.as_str(), "STS.testid");
    assert_eq!(claim.security_token.unwrap().as_str(), "a token+/=");
    assert_eq!(claim.nonce.as_deref(), Some("n-1"));
    incoming.verify(&SigningKey::new(secret), &|_| false).map_err(|it| it.code())?;
    let names: Vec<_> = incoming.params.left().map(str::to_owned).collect();
    let value = |it: &str, params: &mut yaoku_wire::Params| params.text(it).unwrap().to_string();
    Ok(names.into_iter().map(|it| (it.clone(), value(&it, &mut incoming.params))).collect())
}

#[test]
fn what_we_sign_we_accept() {
    let query = [("SecretName", "s/名 +*~"), ("k ey", "%&=")];
    let form = [("SecretData", "p@ss \u{1f600}\n"), ("Empty", "")];
    let by = Credentials {
        access_key_id: "STS.testid",
        secret: SECRET,
        security_token: Some("a token+/="),
    };
    let now: Timestamp = "2026-11-21T21:05:20Z".parse().unwrap();
    for sign in [sign_v1, sign_v3] {
        for (query, form) in [(&query[..], &form[..]), (&query, &[]), (&[], &form), (&[], &[])] {
            let signed = sign(&call(query, form), &by, now, "n-1");
            let mut sent: Vec<_> = query.iter().chain(form).collect();
            sent.sort();
            let sent: Vec<_> = sent.iter().map(|it| (it.0.to_owned(), it.1.to_owned())).collect();
            assert_eq!(accepted(&signed, SECRET), Ok(sent));
            assert_eq!(accepted(&signed, b"other"), Err(Code::SignatureDoesNotMatch));
        }
    }
}

#[test]
fn a_name_that_reads_as_other_signed_pairs_is_refused() {
    let by = Credentials {
        access_key_id: "STS.testid",
        secret: SECRET,
        security_token: Some("a token+/="),
    };
    for (signed_pairs, sent) in [
        (
            [("DKMSInstanceId", "kst"), ("EncryptionKeyId", "key")],
            "/?DKMSInstanceId%3Dkst%26EncryptionKeyId=key",
        ),
        (
            [("DryRun", "true"), ("EncryptionContext", "{}")],
            "/?DryRun%3Dtrue%26EncryptionContext=%7B%7D",
        ),
        ([("a", "1"), ("b", "2")], "/?a%3D1%26b=2"),
    ] {
        let now = Timestamp::from_unix_seconds(0);
        let mut signed = sign_v3(&call(&signed_pairs, &[]), &by, now, "n-1");
        assert!(accepted(&signed, SECRET).is_ok());
        signed.target = sent.to_owned().into();
        assert_eq!(accepted(&signed, SECRET), Err(Code::SignatureDoesNotMatch), "{sent}");
        let headers: Vec<(&str, &[u8])> =
            signed.headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
        let target = sent.as_bytes();
        let request = Request { method: "POST", target, headers: &headers, body: b"", tls: false };
        let explained = read(&request).unwrap().explain(SECRET, None).unwrap();
        let line = &headers.last().unwrap().1;
        assert!(!explained.accepted && !line.ends_with(explained.signature.as_bytes()), "{sent}");
    }
}

#[test]
fn a_mismatch_echoes_no_more_than_64_kib() {
    let by = Credentials { access_key_id: "k", secret: SECRET, security_token: None };
    let large = "名".repeat(30_000);
    let query = [("Description", &large[..])];
    let refusal = |signed: &Signed, host: &str| {
        let mut headers: Vec<(&str, &[u8])> = vec![("host", host.as_bytes())];
        let others = signed.headers.iter().filter(|it| it.0 != "host");
        headers.extend(others.map(|(name, value)| (*name, value.as_bytes())));
        let target = signed.target.as_bytes();
        let request = Request { method: "POST", target, headers: &headers, body: b"", tls: false };
        read(&request)
            .unwrap()
            .verify(&SigningKey::new(b"other"), &|_| false)
            .unwrap_err()
            .message()
            .to_owned()
    };
    let now = Timestamp::from_unix_seconds(0);
    let v1 = refusal(&sign_v1(&call(&query, &[]), &by, now, "n"), "h");
    assert!(v1.starts_with("Specified signature is not matched with our calculation."), "{v1}");
    let v3 = [
        refusal(&sign_v3(&call(&query, &[]), &by, now, "n"), "h"),
        refusal(&sign_v3(&call(&[], &[]), &by, now, "n"), &large),
    ];
    let start = "Specified signature does not match our calculation. server StringToSign is [";
    assert!(v3.iter().all(|it| it.starts_with(start)));
    assert!(v3[1].ends_with('名'), "cut between characters");
    for message in [&v1, &v3[0], &v3[1]] {
        assert!((65_530..=65_536).contains(&message.len()), "{}", message.len());
    }
}

#[test]
fn what_is_signed_does_not_show_in_debug() {
    let by = Credentials { access_key_id: "k", secret: SECRET, security_token: None };
    let signed = sign_v3(
        &call(&[("A", "canary")], &[("B", "canary")]),
        &by,
        Timestamp::from_unix_seconds(0),
        "n",
    );
    assert!(!format!("{signed:?}").contains("canary"));
}

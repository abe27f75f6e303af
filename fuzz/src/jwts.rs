//! Tokens of identity providers and their key sets: what nobody signed is not believed, and of what was
//! signed, what a reader of our own understands by it.
//!
//! An input is a key set, the end of a line and a token; and it is the claims of a token that we sign.

use std::sync::LazyLock;

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use yaoku_model::{identity::OidcProvider, time::Timestamp};
use yaoku_server::oidc::{BadJwt, Jwt, KeySet};

const NOW: i64 = 1_767_323_045;

const ISSUER: &str = "https://issuer.example";

/// Another's clock may be off by so much, in seconds.
const LEEWAY: i64 = 60;

/// Whose key nobody else has.
static OURS: LazyLock<Ours> = LazyLock::new(|| {
    let ed = |byte| Ed25519KeyPair::from_seed_unchecked(&[byte; 32]).expect("a seed");
    let (pair, other) = (ed(7), ed(8));
    let keys = |it: &Ed25519KeyPair| KeySet::parse(&key_set(&okp(it))).expect("a key set");
    Ours { keys: keys(&pair), others: keys(&other), pair }
});

struct Ours {
    pair: Ed25519KeyPair,
    keys: KeySet,
    others: KeySet,
}

pub(crate) fn run(input: &[u8]) {
    if let Ok(text) = std::str::from_utf8(input)
        && let Some((keys, token)) = text.split_once('\n')
        && let Ok(token) = Jwt::parse(token)
    {
        assert!(!token.is_signed_by(&OURS.keys), "signed by nobody");
        // The keys are the input's own, and so may the signature be: a seed has both.
        if KeySet::parse(keys).is_some_and(|it| token.is_signed_by(&it)) {
            _ = token.vouches(&provider(), Timestamp::from_unix_seconds(NOW));
        }
    }
    let token =
        signed(r#"{"alg":"EdDSA","kid":"k"}"#, input, |it| OURS.pair.sign(it).as_ref().to_vec());
    let Ok(token) = Jwt::parse(&token) else { return };
    assert!(token.is_signed_by(&OURS.keys), "what we signed is not believed");
    assert!(!token.is_signed_by(&OURS.others), "another's key is believed");
    must_say(input, token);
}

/// Looks at the claims by another reader than the server's.
fn must_say(claims: &[u8], token: Jwt<'_>) {
    // It knows numbers that it has room for, also in members that nobody looks at.
    let Ok(claims) = serde_json::from_slice::<Value>(claims) else { return };
    assert!(claims.is_object(), "claims are an object");
    #[expect(clippy::cast_possible_truncation, reason = "seconds, cut as the server cuts them")]
    let seconds = |name: &str| claims[name].as_f64().expect("a number") as i64;
    let vouched = match token.vouches(&provider(), Timestamp::from_unix_seconds(NOW)) {
        Ok(it) => it,
        Err(bad) => {
            let is_late = seconds("exp").saturating_add(LEEWAY) <= NOW;
            assert!(bad == BadJwt::Invalid || is_late, "expired before its time");
            return;
        }
    };
    assert_eq!((&claims["iss"], &claims["sub"]), (&ISSUER.into(), &(*vouched.subject).into()));
    assert!((1..=255).contains(&vouched.subject.len()), "{:?}", vouched.subject);
    assert!(!vouched.audiences.is_empty(), "not for us");
    for audience in &vouched.audiences {
        let of_us = claims["aud"].as_array().is_some_and(|it| it.contains(&(**audience).into()));
        assert!(of_us || claims["aud"] == **audience, "not for us");
        assert!(provider().client_ids.contains(audience), "not for us");
    }
    let (issued, expires) = (vouched.issued.unix_seconds(), vouched.expires.unix_seconds());
    assert!(issued <= NOW + LEEWAY && NOW < expires + LEEWAY, "{issued} {expires}");
    assert_eq!((seconds("iat"), seconds("exp")), (issued, expires));
    if !claims["nbf"].is_null() {
        assert!(seconds("nbf") <= NOW + LEEWAY, "before its time");
    }
}

/// Key sets of three kinds with tokens that they signed, and claims.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let ed = Ed25519KeyPair::from_seed_unchecked(&[9; 32]).expect("a seed");
    let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a pair");
    let (x, y) = ec.public_key().as_ref()[1..].split_at(32);
    let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
    let point = format!(r#""kty":"EC","crv":"P-256","x":"{x}","y":"{y}""#);
    let by_ec = |it: &[u8]| {
        let signature = ec.sign(&SystemRandom::new(), it).expect("a signature");
        signature.as_ref().to_vec()
    };
    let claims = claims();
    let mut seeds: Vec<Vec<u8>> = claims.iter().map(|it| it.clone().into_bytes()).collect();
    for it in &claims {
        let token = signed(r#"{"alg":"EdDSA","kid":"k"}"#, it.as_bytes(), |it| {
            ed.sign(it).as_ref().to_vec()
        });
        seeds.push(format!("{}\n{token}", key_set(&okp(&ed))).into_bytes());
    }
    let by_ec = signed(r#"{"alg":"ES256"}"#, claims[0].as_bytes(), by_ec);
    seeds.push(format!("{}\n{by_ec}", key_set(&point)).into_bytes());
    let rsa =
        r#"{"keys":[{"kty":"oct","k":"AA"},{"kty":"RSA","alg":"RS256","n":"AQAB","e":"AQAB"}]}"#;
    let token = signed(r#"{"alg":"RS256","crit":null}"#, claims[0].as_bytes(), |_| vec![1; 3]);
    seeds.push(format!("{rsa}\n{token}").into_bytes());
    seeds
}

fn claims() -> [String; 5] {
    let (begun, end) = (NOW - 5, NOW + 600);
    [
        format!(r#"{{"iss":"{ISSUER}","aud":"us","sub":"a","exp":{end},"iat":{begun}}}"#),
        format!(
            r#"{{"iss":"{ISSUER}","aud":["x","us"],"sub":"b","exp":{end}.5,"iat":{begun},"nbf":{NOW},"o":{{}}}}"#
        ),
        format!(r#"{{"iss":"{ISSUER}","aud":"us","sub":"c","exp":{begun}e-1,"iat":0}}"#),
        format!(r#"{{"iss":"","aud":[],"sub":"\u0000","exp":{},"iat":-1e308}}"#, i64::MAX),
        // No object, but in the order of the members.
        format!(r#"["{ISSUER}","us","a",{end},{begun},null]"#),
    ]
}

fn key_set(public: &str) -> String {
    format!(r#"{{"keys":[{{"kid":"k","use":"sig",{public}}}]}}"#)
}

fn okp(pair: &Ed25519KeyPair) -> String {
    let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
    format!(r#""kty":"OKP","crv":"Ed25519","x":"{x}""#)
}

fn signed(header: &str, claims: &[u8], by: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let encode = |it: &[u8]| URL_SAFE_NO_PAD.encode(it);
    let signed = format!("{}.{}", encode(header.as_bytes()), encode(claims));
    let signature = by(signed.as_bytes());
    format!("{signed}.{}", encode(&signature))
}

fn provider() -> OidcProvider {
    OidcProvider {
        account: "1".parse().expect("an account"),
        name: "p".parse().expect("a name"),
        issuer: ISSUER.to_owned(),
        client_ids: vec!["other".to_owned(), "us".to_owned()],
        keys: None,
        description: String::new(),
        created: Timestamp::from_unix_seconds(0),
        updated: Timestamp::from_unix_seconds(0),
    }
}

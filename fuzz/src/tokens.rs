//! Security tokens: what is sealed in one reads back as it was, and one that we did not seal never
//! opens.

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use yaoku_crypto::{keyring::Keyring, random::SystemRandom};
use yaoku_model::{ids::AccessKeyId, time::Timestamp};
use yaoku_server::auth::token::{self, Content};

use crate::home::Home;

pub(crate) fn run(input: &[u8]) {
    if let Ok(content) = Content::decode(input) {
        let again = content.encode().expect("what was read can be written");
        assert_eq!(again.as_slice(), input, "written otherwise");
    }
    must_not_open(&URL_SAFE_NO_PAD.encode(input));
    if let Ok(text) = std::str::from_utf8(input) {
        must_not_open(text);
    }
}

/// What can be in a token, and tokens of another deployment.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let other = Home::new();
    let mut seeds = Vec::new();
    for (policy, source_identity) in
        [(None, None), (Some("{}"), None), (None, Some("alice")), (Some(""), Some(""))]
    {
        let content = Content {
            secret: "a secret".parse().expect("a secret"),
            role: "deploy".parse().expect("a role"),
            role_id: "216959339000654321".to_owned(),
            name: "ci-run".parse().expect("a session"),
            policy: policy.map(str::to_owned),
            source_identity: source_identity.map(str::to_owned),
            mfa: policy.is_some(),
            expires: Timestamp::from_unix_seconds(1_767_326_645),
        };
        seeds.push(content.encode().expect("it can be written").to_vec());
        let token = token::seal(&other.ring, &other.account, &WORLD.1, &content, &SystemRandom);
        seeds.push(token.expect("a token").as_bytes().to_vec());
    }
    seeds
}

fn must_not_open(token: &str) {
    let (home, id) = &*WORLD;
    let ring: &Keyring = &home.ring;
    assert!(token::open(ring, id, token).is_err(), "a session out of nothing");
}

/// A deployment whose tokens nobody has, and an access key.
static WORLD: LazyLock<(Home, AccessKeyId)> =
    LazyLock::new(|| (Home::new(), "STS.a".parse().expect("an access key")));

//! The tables of keys.md §3: every kind of key, for every usage, with every algorithm, over HTTP.

use yaoku_model::{
    algorithm::{EncryptionAlgorithm, MacAlgorithm, SignatureAlgorithm},
    key::{KeySpec, KeyUsage},
};

use crate::support::{
    Database, Party, World,
    client::{Answer, Param},
};

on_both!(every_kind_of_key_does_what_its_usage_and_algorithm_allow_and_nothing_else);

/// A kind of key, a usage that it can have, and the algorithms that it then works with. A pair that
/// is not here cannot be made. Source: keys.md §3.2, §3.3.
const KINDS: &[(&str, &str, &[&str])] = &[
    ("Aliyun_AES_256", ENCRYPTS, &[]),
    ("Aliyun_AES_192", ENCRYPTS, &[]),
    ("Aliyun_AES_128", ENCRYPTS, &[]),
    ("Aliyun_SM4", ENCRYPTS, &[]),
    ("RSA_2048", ENCRYPTS, OAEP),
    ("RSA_2048", SIGNS, RSA),
    ("RSA_3072", ENCRYPTS, OAEP),
    ("RSA_3072", SIGNS, RSA),
    ("RSA_4096", ENCRYPTS, OAEP),
    ("RSA_4096", SIGNS, RSA),
    ("EC_P256", SIGNS, &["ECDSA_SHA_256"]),
    ("EC_P256K", SIGNS, &["ECDSA_SHA_256"]),
    ("EC_SM2", ENCRYPTS, &["SM2PKE"]),
    ("EC_SM2", SIGNS, &["SM2DSA"]),
    ("Aliyun_HMAC_SM3", CODES, &["HMAC_SM3"]),
    ("Aliyun_HMAC_SHA_224", CODES, &["HMAC_SHA_224"]),
    ("Aliyun_HMAC_SHA_256", CODES, &["HMAC_SHA_256"]),
    ("Aliyun_HMAC_SHA_384", CODES, &["HMAC_SHA_384"]),
    ("Aliyun_HMAC_SHA_512", CODES, &["HMAC_SHA_512"]),
];

const ENCRYPTS: &str = "ENCRYPT/DECRYPT";
const SIGNS: &str = "SIGN/VERIFY";
const CODES: &str = "GENERATE/VERIFY";
const OAEP: &[&str] = &["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"];
const RSA: &[&str] = &["RSA_PSS_SHA_256", "RSA_PKCS1_SHA_256"];

/// Two operations with an algorithm: what the first makes, the second takes.
struct Work {
    does: &'static str,
    given: (&'static str, &'static str),
    made: &'static str,
    undoes: &'static str,
    /// What the second is given besides, and what it answers.
    answers: (&'static str, &'static str),
}

const SIGN: Work = Work {
    does: "AsymmetricSign",
    given: ("Digest", "ZOyIygCyaOW6GjVnihtTFtIS9PNmskdyMlNKiuyjfzw="),
    made: "Value",
    undoes: "AsymmetricVerify",
    answers: ("Value", "true"),
};
const ENCRYPT: Work = Work {
    does: "AsymmetricEncrypt",
    given: ("Plaintext", "aGVsbG8="),
    made: "CiphertextBlob",
    undoes: "AsymmetricDecrypt",
    answers: ("Plaintext", "aGVsbG8="),
};
const CODE: Work = Work {
    does: "GenerateMac",
    given: ("Message", "aGVsbG8="),
    made: "Mac",
    undoes: "VerifyMac",
    answers: ("Value", "true"),
};

/// How what a pair or a key for codes is not for ends. Source: keys.md §10.
const REFUSED: &str = "Rejected.UnsupportedOperation";

/// How the work of a symmetric cipher ends with another key. Source: keys.md §9.4 to §9.6.
const NO_CIPHER: &str = "UnsupportedOperation";

/// A key of a kind, and what a call of it must name.
struct Subject<'a> {
    world: &'a World,
    owner: &'a Party,
    named: Vec<Param>,
    what: String,
}

impl Subject<'_> {
    async fn call(&self, action: &str, params: &[(&str, &str)]) -> Answer {
        let params = params.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        let versions = !action.ends_with("Mac") && action != "Encrypt";
        let named = self.named.iter().filter(|it| versions || it.0 == "KeyId").cloned();
        let params: Vec<Param> = named.chain(params).collect();
        self.world.call_with(self.owner, action, &params).await
    }

    /// Calls what the key is not for: it is refused, and changes nothing.
    async fn is_refused(&self, action: &str, params: &[(&str, &str)], code: &str) {
        let before = self.world.state().await;
        let answer = self.call(action, params).await;
        let what = format!("{}: {action} {params:?}: {answer:?}", self.what);
        assert_eq!((answer.status, &*answer.code()), (400, code), "{what}");
        assert_eq!(self.world.state().await, before, "{what}");
    }

    async fn works(&self, work: &Work, algorithm: &str, fits: bool) {
        let params = [("Algorithm", algorithm), work.given];
        if !fits {
            self.is_refused(work.does, &params, REFUSED).await;
            let params = second(work, algorithm, "aGVsbG8=");
            return self.is_refused(work.undoes, &params, REFUSED).await;
        }
        let answer = self.call(work.does, &params).await;
        assert_eq!(answer.status, 200, "{}: {algorithm}: {answer:?}", self.what);
        let made = answer.text(&format!("/{}", work.made));
        let answer = self.call(work.undoes, &second(work, algorithm, &made)).await;
        assert_eq!(answer.status, 200, "{}: {algorithm}: {answer:?}", self.what);
        let (field, expected) = work.answers;
        // What was verified is a boolean, what was decrypted a text.
        let told = answer.json()[field].to_string();
        assert_eq!(told.trim_matches('"'), expected, "{}: {algorithm}", self.what);
    }
}

/// What the second operation of a work is called with.
fn second<'a>(work: &Work, algorithm: &'a str, made: &'a str) -> Vec<(&'static str, &'a str)> {
    let takes_the_first = work.undoes != "AsymmetricDecrypt";
    let first = takes_the_first.then_some(work.given);
    first.into_iter().chain([("Algorithm", algorithm), (work.made, made)]).collect()
}

async fn every_kind_of_key_does_what_its_usage_and_algorithm_allow_and_nothing_else(
    database: Database,
) {
    let world = World::new(database).await;
    let owner = world.account().await;
    let home = world.instance(&owner).await;
    for spec in KeySpec::ALL.iter().map(|it| it.as_str()) {
        for usage in KeyUsage::ALL.iter().map(|it| it.as_str()) {
            let params = [("KeySpec", spec), ("KeyUsage", usage), ("DKMSInstanceId", &home)];
            let Some((.., fitting)) = KINDS.iter().find(|it| (it.0, it.1) == (spec, usage)) else {
                let before = world.state().await;
                let answer = world.call(&owner, "CreateKey", &params).await;
                assert_eq!((answer.status, &*answer.code()), (400, "InvalidParameter"), "{spec}");
                assert_eq!(world.state().await, before, "{spec} for {usage}");
                continue;
            };
            let key = world.done(&owner, "CreateKey", &params).await.text("/KeyMetadata/KeyId");
            let listed = world.done(&owner, "ListKeyVersions", &[("KeyId", &key)]).await;
            let version = listed.text("/KeyVersions/KeyVersion/0/KeyVersionId");
            let named = crate::params(&[("KeyId", &key), ("KeyVersionId", &version)]);
            let what = format!("{spec} for {usage}");
            let subject = Subject { world: &world, owner: &owner, named, what };
            all_algorithms(&subject, fitting).await;
            without_algorithms(&subject, spec).await;
        }
    }
    world.stop().await.events_equal_answers().await;
}

async fn all_algorithms(subject: &Subject<'_>, fitting: &[&str]) {
    let all = [
        (&SIGN, SignatureAlgorithm::ALL.iter().map(|it| it.as_str()).collect::<Vec<_>>()),
        (&ENCRYPT, EncryptionAlgorithm::ALL.iter().map(|it| it.as_str()).collect()),
        (&CODE, MacAlgorithm::ALL.iter().map(|it| it.as_str()).collect()),
    ];
    for (work, algorithms) in all {
        for algorithm in algorithms {
            subject.works(work, algorithm, fitting.contains(&algorithm)).await;
        }
    }
}

/// What the kind of a key alone decides.
async fn without_algorithms(subject: &Subject<'_>, spec: &str) {
    let is_cipher = spec.starts_with("Aliyun_AES") || spec == "Aliyun_SM4";
    let is_pair = spec.starts_with("RSA") || spec.starts_with("EC");
    let calls = [
        ("GetPublicKey", &[][..], is_pair, REFUSED),
        ("Encrypt", &[("Plaintext", "hello")], is_cipher, NO_CIPHER),
        ("GenerateDataKey", &[], is_cipher, NO_CIPHER),
    ];
    for (action, params, fits, code) in calls {
        if fits {
            let answer = subject.call(action, params).await;
            assert_eq!(answer.status, 200, "{}: {action}: {answer:?}", subject.what);
        } else {
            subject.is_refused(action, params, code).await;
        }
    }
}

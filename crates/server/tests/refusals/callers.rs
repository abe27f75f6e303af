//! Every operation, called by those who may not.

use yaoku_model::arn::Arn;
use yaoku_server::api::Spec;
use yaoku_wire::Code;

use crate::{
    all_operations, operations,
    support::{
        Database, Party, World,
        client::{Answer, Key, Param, Scheme},
        things::{SECRET, Things},
    },
    with,
};

on_both!(who_does_not_sign_well_is_refused, another_account_gets_at_nothing,);

async fn who_does_not_sign_well_is_refused(database: Database) {
    let world = World::new(database).await;
    let root = world.account().await;
    let things = Things::of(&world, &root).await;
    let unknown = Key { id: "LTAI5tNobodyHasThisKey00".to_owned(), ..root.key.clone() };
    let wrong = Key { secret: "not the secret of this key".to_owned(), ..root.key.clone() };
    let invented = Key {
        id: "STS.NTnobodyhasthissession0".to_owned(),
        token: Some("CAIS-invented".to_owned()),
        ..root.key.clone()
    };
    for entry in all_operations() {
        let (name, sent) = (entry.spec.name, things.example(entry.spec));
        let before = world.state().await;
        for request in unsigned(entry.spec, &sent) {
            let answer = world.send(&request, false).await;
            assert_eq!((answer.status, &*answer.code()), (400, "MissingAccessKeyId"), "{name}");
        }
        for scheme in [Scheme::V1, Scheme::V3] {
            for (key, status, code) in [
                (&unknown, 404, "InvalidAccessKeyId.NotFound"),
                (&invented, 400, "InvalidSecurityToken.Malformed"),
            ] {
                let call = world.outbound_of(scheme, entry.spec.product, name, &sent);
                let request = call.sign(key);
                let answer = world.send(&request, false).await;
                assert_eq!((answer.status, &*answer.code()), (status, code), "{name}");
            }
            let call = world.outbound_of(scheme, entry.spec.product, name, &sent);
            let request = call.sign(&wrong);
            let answer = world.send(&request, false).await;
            assert_eq!((answer.status, &*answer.code()), (400, "SignatureDoesNotMatch"), "{name}");
            for secret in entry.spec.secret_params {
                let value = &sent.iter().find(|it| it.0 == *secret).unwrap().1;
                says_nothing_of(&answer, value);
            }
        }
        assert_eq!(world.state().await, before, "{name}");
    }
    world.stop().await.events_equal_answers().await;
}

/// Without any authentication: in the form, and in the query.
pub(crate) fn unsigned(spec: &Spec, params: &[Param]) -> [Vec<u8>; 2] {
    let pairs = [("Action", spec.name), ("Version", spec.product.version())];
    let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let escape = |it: &str| it.bytes().map(|b| format!("%{b:02X}")).collect::<Vec<_>>().concat();
    let all: Vec<_> = pairs.iter().chain(params).collect();
    let all: Vec<_> = all.iter().map(|(k, v)| format!("{k}={}", escape(v))).collect();
    let all = all.join("&");
    let form = format!(
        "POST / HTTP/1.1\r\nhost: kms\r\nconnection: close\r\ncontent-type: \
         application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{all}",
        all.len()
    );
    let query = format!("GET /?{all} HTTP/1.1\r\nhost: kms\r\nconnection: close\r\n\r\n");
    [form.into_bytes(), query.into_bytes()]
}

/// Neither plainly nor percent-encoded, once or twice.
fn says_nothing_of(answer: &Answer, value: &str) {
    for space in [" ", "%20", "%2520", "+"] {
        let shown = value.replace(' ', space);
        assert!(!answer.body.contains(&shown), "{shown} is in {answer:?}");
    }
}

async fn another_account_gets_at_nothing(database: Database) {
    let world = World::new(database).await;
    let (owner, stranger) = (world.account().await, world.account().await);
    let things = Things::of(&world, &owner).await;
    let mut wrong = Vec::new();
    for entry in operations() {
        let (name, example) = (entry.spec.name, things.example(entry.spec));
        let before = world.state().await;
        let answer = world.call_with(&stranger, name, &example).await;
        if !by_name_alone(name, &answer) {
            wrong.push(format!("{name}: {answer:?}"));
        }
        for leak in [owner.account.as_str(), &things.key, &things.instance] {
            let told_it_himself = answer.message().contains("key/") && leak == things.key;
            assert!(told_it_himself || !answer.body.contains(leak), "{name}: {answer:?}");
        }
        for (param, arn) in arns(&owner, &things, name, &example) {
            let answer = world.call_with(&stranger, name, &with(&example, &param, &arn)).await;
            if (answer.status, &*answer.code()) != (403, "Forbidden.NoPermission") {
                wrong.push(format!("{name} {param}={arn}: {answer:?}"));
            }
        }
        if world.state().await != before {
            wrong.push(format!("{name} has changed the store"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    world.stop().await.events_equal_answers().await;
}

/// What a call of another account comes to if it names things without saying whose.
pub(crate) fn by_name_alone(action: &str, answer: &Answer) -> bool {
    let expected: &[&str] = match action {
        // These look at the caller's own account only: their bodies are looked into.
        "ListAliases"
        | "ListKmsInstances"
        | "ListKeys"
        | "ListSecrets"
        | "GetRandomPassword"
        | "DescribeAccountKmsStatus"
        | "DescribeRegions"
        | "BatchGetSecretValue" => &[""],
        "OpenKmsService" => &["Forbidden.Opened"],
        "AdvanceEncrypt" | "DescribeService" | "GetChallenge" => &["UnsupportedOperation"],
        "CreateKey" | "GetKmsInstance" => &["Forbidden.DKMSInstanceNotFound"],
        _ => &["Forbidden.KeyNotFound", "Forbidden.ResourceNotFound", "Forbidden.AliasNotFound"],
    };
    let code = Code::ALL.iter().find(|it| it.wire() == answer.code());
    expected.contains(&&*answer.code()) && answer.status == code.map_or(200, |it| it.status())
}

/// The parameters that take an ARN, with the owner's.
pub(crate) fn arns(owner: &Party, things: &Things, action: &str, example: &[Param]) -> Vec<Param> {
    let region = "cn-hangzhou".parse().unwrap();
    let key = Arn::key(&region, &owner.account, &things.key.parse().unwrap()).as_str().to_owned();
    let secret = Arn::secret(&region, &owner.account, &SECRET.parse().unwrap());
    let alias = key.replace(&format!("key/{}", things.key), "alias/app");
    let mut arns = Vec::new();
    for (name, _) in example.iter().filter(|it| !it.1.is_empty()) {
        match name.as_str() {
            "KeyId" | "DestinationKeyId" | "EncryptionKeyId" => {
                arns.push((name.clone(), key.clone()));
            }
            "SecretName" if action != "CreateSecret" => {
                arns.push((name.clone(), secret.as_str().to_owned()));
            }
            _ => {}
        }
        if name == "KeyId" && ["Encrypt", "GenerateDataKey", "DescribeKey"].contains(&action) {
            arns.push((name.clone(), alias.clone()));
        }
    }
    if action == "ReEncrypt" {
        arns.clear(); // the blob comes first, and it is no more the caller's than the key
    }
    arns
}

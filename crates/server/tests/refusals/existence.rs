//! Who may not see a thing is not told whether it exists.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use yaoku_model::arn::Arn;

use crate::{
    operations,
    support::{
        DENY_ALL, Database, Party, World,
        client::{Answer, Param},
        things::{SECRET, Things},
    },
    with,
};

on_both!(a_refusal_does_not_say_what_exists);

/// The same name, for something that is there and for something that is not.
struct Pair {
    there: String,
    not_there: String,
}

/// What the names in [`Pair`]s are of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Key,
    Alias,
    Secret,
    Blob,
    Instance,
}

async fn a_refusal_does_not_say_what_exists(database: Database) {
    let world = World::new(database).await;
    let root = world.account().await;
    let things = Things::of(&world, &root).await;
    let other = world.done(&root, "CreateKey", &[("DKMSInstanceId", &things.instance)]).await;
    let other = other.text("/KeyMetadata/KeyId");
    let denied = world.user(&root, "denied", &[DENY_ALL]).await;
    let nobody = world.user(&root, "nobody", &[]).await;
    let no_key = world.user(&root, "no-key", &[&only(&other, "*", "*")]).await;
    let no_alias = world.user(&root, "no-alias", &[&only("*", "alias/else", "*")]).await;
    let no_secret = world.user(&root, "no-secret", &[&only("*", "*", "else")]).await;
    let mut wrong = Vec::new();
    for entry in operations() {
        let (action, example) = (entry.spec.name, things.example(entry.spec));
        for (name, _) in &example {
            for (kind, pair) in pairs(&root, &things, action, name) {
                let blind = match kind {
                    Kind::Alias if name == "AliasName" => Some(&no_alias),
                    Kind::Key | Kind::Blob | Kind::Alias => Some(&no_key),
                    Kind::Secret => Some(&no_secret),
                    Kind::Instance => None,
                };
                for user in [Some(&denied), Some(&nobody), blind].into_iter().flatten() {
                    let [there, not_there] = ask(&world, user, action, &example, name, &pair).await;
                    if there != not_there {
                        let by = &user.key.id;
                        wrong.push(format!("{action} {name} by {by}: {there:?} / {not_there:?}"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    world.stop().await.events_equal_answers().await;
}

/// May do everything to one key, one alias, one secret.
fn only(key: &str, alias: &str, secret: &str) -> String {
    let alias = if alias == "*" { "alias/*" } else { alias };
    format!(
        r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"*","Resource":[
           "acs:kms:*:*:key","acs:kms:*:*:alias","acs:kms:*:*:secret","acs:kms:*:*:key/{key}",
           "acs:kms:*:*:{alias}","acs:kms:*:*:secret/{secret}"]}}]}}"#
    )
}

/// The names to try for a parameter.
fn pairs(owner: &Party, things: &Things, action: &str, name: &str) -> Vec<(Kind, Pair)> {
    let region = "cn-hangzhou".parse().unwrap();
    let key = Pair { there: things.key.clone(), not_there: changed(&things.key) };
    let arn =
        |it: &str| Arn::key(&region, &owner.account, &it.parse().unwrap()).as_str().to_owned();
    let key_arn = Pair { there: arn(&key.there), not_there: arn(&key.not_there) };
    let pair = |there: &str, not_there: &str| Pair {
        there: there.to_owned(),
        not_there: not_there.to_owned(),
    };
    let alias = pair("alias/app", "alias/apq");
    let alias_arn = |it: &str| key_arn.there.replace(&format!("key/{}", things.key), it);
    let alias_arn = pair(&alias_arn("alias/app"), &alias_arn("alias/apq"));
    match name {
        "KeyId" | "DestinationKeyId" | "EncryptionKeyId" if action != "ReEncrypt" => vec![
            (Kind::Key, key),
            (Kind::Key, key_arn),
            (Kind::Alias, alias),
            (Kind::Alias, alias_arn),
        ],
        "ResourceId.1" => vec![(Kind::Key, key)],
        "AliasName" if action != "CreateAlias" => vec![(Kind::Alias, alias)],
        "SecretName" if action != "CreateSecret" => {
            vec![(Kind::Secret, pair(SECRET, "db/orderz"))]
        }
        "SecretsList" => {
            let list = |it| format!(r#"[{{"SecretName":"{it}"}}]"#);
            vec![(Kind::Secret, Pair { there: list(SECRET), not_there: list("db/orderz") })]
        }
        "CiphertextBlob" => vec![(Kind::Blob, pair(&things.blob, &changed_blob(&things.blob)))],
        "KmsInstanceId" => {
            vec![(Kind::Instance, pair(&things.instance, &changed(&things.instance)))]
        }
        _ => Vec::new(),
    }
}

/// A name of the same form.
fn changed(name: &str) -> String {
    let last = if name.ends_with('a') { "b" } else { "a" };
    format!("{}{last}", &name[..name.len() - 1])
}

/// A blob of another key version: its id stands at the start, in plain.
fn changed_blob(blob: &str) -> String {
    let mut bytes = STANDARD.decode(blob).unwrap();
    bytes[35] = if bytes[35] == b'a' { b'b' } else { b'a' };
    STANDARD.encode(bytes)
}

/// Both answers, with the name that was sent taken out of them.
async fn ask(
    world: &World,
    user: &Party,
    action: &str,
    example: &[Param],
    name: &str,
    pair: &Pair,
) -> [(u16, String, String); 2] {
    let mut answers = Vec::new();
    let both = with(example, "AliasName", "alias/other");
    // So that the only name that is taken out of an answer is the one in question.
    let example = if name == "AliasName" { example } else { &both };
    for sent in [&pair.there, &pair.not_there] {
        // A tag operation takes a key or a secret, not both.
        let mut params = with(example, name, sent);
        if name == "SecretName" && example.iter().any(|it| it.0 == "KeyId") {
            params = with(&params, "KeyId", "");
        }
        let answer = world.call_with(user, action, &params).await;
        answers.push(told(&answer, sent));
    }
    [answers.remove(0), answers.remove(0)]
}

fn told(answer: &Answer, sent: &str) -> (u16, String, String) {
    let name = sent.trim_start_matches(r#"[{"SecretName":""#).trim_end_matches(r#""}]"#);
    let message = if answer.status == 200 {
        answer.body.replace(&answer.request_id(), "")
    } else {
        answer.message()
    };
    (answer.status, answer.code(), message.replace(name, "…"))
}

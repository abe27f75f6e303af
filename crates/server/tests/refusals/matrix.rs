//! Every operation, by every kind of caller: a walk of the list, a column for each kind. Source: issue
//! 5, "Must show"; identity.md §3.6, §4.6.

use yaoku_server::api::{Product, Spec};

use crate::{
    all_operations,
    callers::NOT_SERVED,
    operations,
    support::{
        ALLOW_ALL, DENY_ALL, Database, Party, World,
        client::{Answer, Param, Scheme},
        things::{SECRET, Things},
    },
    with,
};

on_both!(
    who_is_not_let_in_is_refused_and_changes_nothing,
    another_accounts_user_needs_both_policies
);

/// A column: who calls, and what each call comes to.
struct Column {
    name: &'static str,
    by: Party,
    expected: Expected,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Expected {
    /// Refused for want of permission, in the product's words.
    NoPermission,
    /// Nobody: refused before anything is looked at.
    Stranger(u16, &'static str),
}

/// What may be asked without permission. Source: identity.md §2.6, §4.2.
const FREE: &[&str] = &["DescribeRegions", "GetCallerIdentity"];

const NOTHING_BUT_REGIONS: &str = r#"{"Version":"1","Statement":[
    {"Effect":"Allow","Action":"kms:DescribeRegions","Resource":"*"}]}"#;

async fn who_is_not_let_in_is_refused_and_changes_nothing(database: Database) {
    let world = World::new(database).await;
    let root = world.account().await;
    let things = Things::of(&world, &root).await;
    let inactive = world.user(&root, "inactive", &[ALLOW_ALL]).await;
    world.switch_off(&inactive).await;
    let all = &[ALLOW_ALL][..];
    let refused = |name, by| Column { name, by, expected: Expected::NoPermission };
    let stranger = |name, by, code| {
        let expected = Expected::Stranger(400, code);
        Column { name, by, expected }
    };
    let columns = [
        refused("user denied", world.user(&root, "denied", &[ALLOW_ALL, DENY_ALL]).await),
        refused("user with nothing", world.user(&root, "nobody", &[]).await),
        refused("role with nothing", world.session(&root, "nothing", &[], None).await),
        refused("role denied", world.session(&root, "denied", &[ALLOW_ALL, DENY_ALL], None).await),
        refused(
            "session narrowed to something else",
            world.session(&root, "narrowed", all, Some(NOTHING_BUT_REGIONS)).await,
        ),
        refused(
            "session narrowed by a Deny",
            world.session(&root, "shut", all, Some(DENY_ALL)).await,
        ),
        refused(
            "session wider than its role",
            world.session(&root, "wider", &[], Some(ALLOW_ALL)).await,
        ),
        stranger("inactive key", inactive, "InvalidAccessKeyId.Inactive"),
    ];
    let mut wrong = refusals(&world, &things, &columns).await;
    let expired = world.session(&root, "expired", all, None).await;
    world.clock.advance_seconds(900);
    let columns = [stranger("expired session", expired, "InvalidSecurityToken.Expired")];
    wrong.extend(refusals(&world, &things, &columns).await);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    world.stop().await.events_equal_answers().await;
}

/// What is not as each column has it.
async fn refusals(world: &World, things: &Things, columns: &[Column]) -> Vec<String> {
    let mut wrong = Vec::new();
    for entry in all_operations() {
        let (name, example) = (entry.spec.name, things.example(entry.spec));
        let before = world.state().await;
        for column in columns {
            let known = column.expected == Expected::NoPermission;
            let answer = send(world, &column.by, entry.spec, &example, known).await;
            if !is_as(column.expected, entry.spec, &answer) {
                wrong.push(format!("{name} by {}: {answer:?}", column.name));
            }
        }
        if world.state().await != before {
            wrong.push(format!("{name} has changed the store"));
        }
    }
    wrong
}

async fn send(world: &World, by: &Party, spec: &Spec, params: &[Param], known: bool) -> Answer {
    let call = world.outbound_of(Scheme::V3, spec.product, spec.name, params);
    world.send(&call.sign(&by.key), known).await
}

fn is_as(expected: Expected, spec: &Spec, answer: &Answer) -> bool {
    match expected {
        Expected::Stranger(status, code) => (answer.status, &*answer.code()) == (status, code),
        Expected::NoPermission if FREE.contains(&spec.name) => answer.status == 200,
        // Each secret of a batch has its own refusal. Source: secrets.md §4.6.
        Expected::NoPermission if spec.name == "BatchGetSecretValue" => {
            answer.text("/Errors/0/Code") == "Forbidden.NoPermission"
        }
        Expected::NoPermission => {
            (answer.status, &*answer.code()) == (403, no_permission(spec.product))
        }
    }
}

/// RAM and STS have another word for it. Source: identity.md §1.8.
fn no_permission(product: Product) -> &'static str {
    match product {
        Product::Ram | Product::Sts => "NoPermission",
        Product::Kms | Product::Yaoku => "Forbidden.NoPermission",
    }
}

/// Whoever may is served as the account itself is, whose answers are those of
/// `an_example_is_served_to_its_owner`. On one database: which one keeps it decides nothing here.
#[tokio::test]
async fn who_may_is_served_as_the_account_is() {
    let narrow =
        r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*"}]}"#;
    let mut wrong = Vec::new();
    for entry in operations() {
        let world = World::new(Database::Sqlite).await;
        let name = entry.spec.name;
        let expected = NOT_SERVED.iter().find(|it| it.0 == name).map_or("", |it| it.1);
        for column in ["user", "role session", "narrowed session"] {
            let root = world.account().await;
            let things = Things::of(&world, &root).await;
            let by = match column {
                "user" => world.user(&root, "user", &[ALLOW_ALL]).await,
                "role session" => world.session(&root, "role", &[ALLOW_ALL], None).await,
                _ => world.session(&root, "role", &[ALLOW_ALL], Some(narrow)).await,
            };
            let answer = world.call_with(&by, name, &things.example(entry.spec)).await;
            if answer.code() != expected {
                wrong.push(format!("{name} by {column}: {answer:?}"));
            }
        }
        world.stop().await.events_equal_answers().await;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What users of a key of another account may do, and what they are answered: the key is a symmetric
/// one, and the version in the example is another key's. Source: identity.md §4.5.
const SHARED: &[(&str, &str)] = &[
    ("AsymmetricDecrypt", "Forbidden.KeyVersionNotFound"),
    ("AsymmetricEncrypt", "Forbidden.KeyVersionNotFound"),
    ("DescribeKey", ""),
    ("DescribeKeyVersion", ""),
    ("Encrypt", ""),
    ("GenerateAndExportDataKey", ""),
    ("GenerateDataKey", ""),
    ("ListAliasesByKeyId", ""),
    ("ListKeyVersions", ""),
    ("TagResource", ""),
];

/// And of a secret.
const SHARED_SECRET: &[(&str, &str)] =
    &[("DescribeSecret", ""), ("GetSecretValue", ""), ("ListSecretVersionIds", "")];

async fn another_accounts_user_needs_both_policies(database: Database) {
    let world = World::new(database).await;
    let (owner, other) = (world.account().await, world.account().await);
    let things = Things::of(&world, &owner).await;
    let user = world.user(&other, "user", &[ALLOW_ALL]).await;
    let nobody = world.user(&other, "nobody", &[]).await;
    let session = world.session(&other, "role", &[ALLOW_ALL], None).await;
    let narrowed = world.session(&other, "narrowed", &[ALLOW_ALL], Some(NOTHING_BUT_REGIONS)).await;
    let mut wrong = walk(&world, &owner, &things, &[(&user, false), (&session, false)]).await;
    world.share(&owner, &things, &other).await;
    let parties = [(&user, true), (&session, true), (&nobody, false), (&narrowed, false)];
    wrong.extend(walk(&world, &owner, &things, &parties).await);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    world.stop().await.events_equal_answers().await;
}

/// Calls each operation that names a key or a secret, by its ARN.
async fn walk(
    world: &World,
    owner: &Party,
    things: &Things,
    parties: &[(&Party, bool)],
) -> Vec<String> {
    let mut wrong = Vec::new();
    let home = format!("acs:kms:cn-hangzhou:{}", owner.account);
    let (key, secret) = (format!("{home}:key/{}", things.key), format!("{home}:secret/{SECRET}"));
    for entry in operations().filter(|it| it.spec.name != "ReEncrypt") {
        let (name, example) = (entry.spec.name, things.example(entry.spec));
        for (param, arn) in [("KeyId", &key), ("SecretName", &secret)] {
            let named = example.iter().any(|it| it.0 == param && !it.1.is_empty());
            let made = name == "CreateSecret" || name == "GetManagedDataKey";
            if !named || made {
                continue;
            }
            let shared = if param == "KeyId" { SHARED } else { SHARED_SECRET };
            for (by, may) in parties {
                let answer = world.call_with(by, name, &with(&example, param, arn)).await;
                let served = shared.iter().find(|it| *may && it.0 == name);
                if answer.code() != served.map_or("Forbidden.NoPermission", |it| it.1) {
                    wrong.push(format!("{name} {param} by {}: {answer:?}", by.key.id));
                }
            }
        }
    }
    wrong
}

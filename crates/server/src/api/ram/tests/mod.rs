//! Tests of RAM's operations, through the pipeline.

use yaoku_wire::{error::Code, fields::Fields};

use crate::{
    api::{Product, operations},
    testing::Kms,
};

mod access_keys;
mod account;
mod groups;
mod life;
mod logins;
mod mfa;
mod tags;
mod users;

const ALICE: (&str, &str) = ("UserName", "alice");
const GROUP: (&str, &str) = ("GroupName", "developers");

/// A policy that allows everything of RAM's on some resources.
fn allowing(resource: &str) -> String {
    format!(
        r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"ram:*","Resource":"{resource}"}}]}}"#
    )
}

async fn with_alice() -> Kms {
    let kms = Kms::new().await;
    kms.ram("CreateUser", [ALICE]).await.unwrap();
    kms
}

/// The same, and called by her. She may do everything of RAM's.
async fn as_alice() -> (Kms, Kms) {
    let root = with_alice().await;
    let alice = root.as_user(&[&allowing("*")]);
    (root, alice)
}

/// One text of each item of a list: `Users.User` and `UserName`.
fn texts(answer: &Fields, list: &str, name: &str) -> Vec<String> {
    let count = answer.count(list).unwrap();
    (0..count).map(|at| answer.get(&format!("{list}.{at}.{name}")).unwrap().to_owned()).collect()
}

#[tokio::test]
async fn each_operation_takes_its_own_permission() {
    let kms = with_alice().await;
    for entry in operations().filter(|it| it.spec.product == Product::Ram) {
        let denied = kms.without(&format!("ram:{}", entry.spec.name));
        let reply = denied.call_entry(entry, entry.spec.example).await;
        assert_eq!(reply.err(), Some(Code::RamNoPermission), "{}", entry.spec.name);
    }
}

//! Tests of the operations on secrets, through the pipeline: here is what they share.

use yaoku_model::{
    ids::{AccountId, KeyId},
    key::KeyState,
    secret::{Secret, SecretVersion},
};
use yaoku_store::Transaction;
use yaoku_wire::{error::Code, fields::Fields};

use crate::testing::Kms;

mod create;
mod keys;
mod life;
mod list;
mod password;
mod permissions;
mod read;
mod versions;

type Reply = Result<Fields, Code>;

/// Makes a generic secret with the version `v1`, in no instance.
async fn create(kms: &Kms, name: &str, data: &str) {
    kms.call("CreateSecret", [("SecretName", name), ("VersionId", "v1"), ("SecretData", data)])
        .await
        .unwrap();
}

/// Makes one under a key of its owner.
async fn create_under(kms: &Kms, name: &str, data: &str, key: &KeyId) -> Reply {
    let named = ("EncryptionKeyId", key.as_str());
    kms.call(
        "CreateSecret",
        [("SecretName", name), ("VersionId", "v1"), ("SecretData", data), named],
    )
    .await
}

async fn put(kms: &Kms, name: &str, version: &str, data: &str, stages: &str) -> Reply {
    kms.call(
        "PutSecretValue",
        [
            ("SecretName", name),
            ("VersionId", version),
            ("SecretData", data),
            ("VersionStages", stages),
        ],
    )
    .await
}

/// The current value, or why it cannot be read.
async fn value(kms: &Kms, name: &str) -> Result<String, Code> {
    let reply = kms.call("GetSecretValue", [("SecretName", name)]).await?;
    Ok(reply.get("SecretData").unwrap().to_owned())
}

/// The texts of a list.
fn texts(fields: &Fields, path: &str) -> Vec<String> {
    let count = fields.count(path).unwrap();
    (0..count).map(|at| fields.get(&format!("{path}.{at}")).unwrap().to_owned()).collect()
}

/// All versions and their labels: `v1= v2=ACSPrevious v3=ACSCurrent,x`.
async fn versions(kms: &Kms, name: &str) -> String {
    let params = [("SecretName", name), ("IncludeDeprecated", "true")];
    let reply = kms.call("ListSecretVersionIds", params).await.unwrap();
    let at = |index| {
        let item = reply.fields(&format!("VersionIds.VersionId.{index}")).unwrap();
        let labels = texts(item, "VersionStages.VersionStage").join(",");
        format!("{}={labels}", item.get("VersionId").unwrap())
    };
    let count = reply.count("VersionIds.VersionId").unwrap();
    (0..count).map(at).collect::<Vec<_>>().join(" ")
}

/// The rows of a secret, to show that nothing changed.
async fn rows(kms: &Kms, name: &str) -> Option<(Secret, Vec<SecretVersion>)> {
    rows_of(kms, &kms.account, name).await
}

async fn rows_of(
    kms: &Kms,
    account: &AccountId,
    name: &str,
) -> Option<(Secret, Vec<SecretVersion>)> {
    let name = name.parse().unwrap();
    let mut tx = kms.node.store.read().await.unwrap();
    let (secret, _) = tx.secret(account, &name).await.unwrap()?;
    Some((secret, tx.secret_versions(account, &name).await.unwrap()))
}

/// Keeps what a test wrote past the operations.
async fn commit(kms: &Kms, tx: Box<dyn Transaction>) {
    kms.node.caches.apply(&tx.commit().await.unwrap().changes);
}

async fn set_state(kms: &Kms, id: &KeyId, state: KeyState) {
    kms.edit_key(id, |it| it.state = state).await;
}

//! What happens to keys by itself when its time has come: they rotate, they are deleted, imported
//! material is forgotten. Source: keys.md §5, §8.3, §12.1.
//!
//! Each is one transaction with its event, which looks again whether it is due: however many nodes
//! try, and wherever one of them dies, it happens once. Nobody finds a key or material that is past
//! its date, so nothing hangs on how soon this comes.

use std::time::Duration;

use yaoku_model::{
    arn::Arn,
    ids::KeyId,
    key::{Key, KeyState},
    random::below,
    time::Timestamp,
};
use yaoku_store::StoreError;

use crate::{
    api::import::forget,
    audit::{Event, Source, UserAgent},
    error::ApiError,
    node::Node,
    versions,
};

/// How often there is a look. Our choice.
pub(crate) const EVERY: Duration = Duration::from_secs(1);

/// How many keys are looked at before the store is asked again.
const AT_ONCE: i64 = 256;

/// Does all that is due; answers to how many keys something was done.
pub(crate) async fn run(node: &Node) -> Result<usize, ApiError> {
    let mut done = 0;
    loop {
        let now = node.domain_clock.now();
        let mut due = node.store.read().await?.due_keys(now, AT_ONCE).await?;
        // Nodes that begin at different keys seldom meet at one.
        let start = below(&*node.random, due.len().clamp(1, 256))?;
        due.rotate_left(start);
        let before = done;
        for key in due {
            match act(node, &key, now).await {
                Ok(acted) => done += usize::from(acted),
                Err(error) if waits(&error) => return Err(error),
                // One key that cannot be helped does not hold up the others.
                Err(error) => tracing::error!(
                    key = key.as_str(), %error, "what is due for a key cannot be done"
                ),
            }
        }
        // What is left is another node's, or cannot be done now.
        if done == before {
            return Ok(done);
        }
    }
}

/// Does what is due for one key; answers whether anything was.
async fn act(node: &Node, id: &KeyId, now: Timestamp) -> Result<bool, ApiError> {
    match try_to_act(node, id, now).await {
        Err(error) if error.is_conflict() => Ok(false),
        done => done,
    }
}

async fn try_to_act(node: &Node, id: &KeyId, now: Timestamp) -> Result<bool, ApiError> {
    let mut tx = node.store.write().await?;
    let Some(mut key) = tx.key(id).await? else { return Ok(false) };
    let action = if key.is_gone(now) {
        tx.delete_key(id).await?;
        "DeleteKey"
    } else if key.has_expired(now) && key.state != KeyState::PendingImport {
        forget(tx.tx(), key.clone()).await?;
        "ExpireKeyMaterial"
    } else if versions::rotate_if_due(node, tx.tx(), &mut key, now).await? {
        "RotateKey"
    } else {
        return Ok(false);
    };
    let event = event(node, &key, action).to_row();
    tx.insert_event(node.name.as_str(), &event).await?;
    let changes = tx.commit().await?;
    node.caches.apply(&changes);
    node.wrote.notify_one();
    tracing::info!(key = id.as_str(), action, "a key's time has come");
    Ok(true)
}

/// What is written down of it: nobody called. That its actions are ours, is our choice.
pub(crate) fn event(node: &Node, key: &Key, action: &str) -> Event {
    Event {
        at: node.clock.now(),
        request_id: String::new(),
        account: Some(key.account.clone()),
        principal: "service".to_owned(),
        access_key: None,
        source: Source::Anywhere,
        user_agent: UserAgent::default(),
        action: format!("yaoku:{action}").into(),
        resources: vec![Arn::key(&node.region, &key.account, &key.id).as_str().to_owned()],
        code: None,
        status: 200,
        tls: false,
        count: 1,
    }
}

/// Whether the store is away, or another transaction came first: a later look will do.
pub(crate) fn waits(error: &ApiError) -> bool {
    error.cause().is_some_and(|it| it.downcast_ref::<StoreError>().is_some())
}

#[cfg(test)]
mod tests {
    //! The node of these tests looks too, each second: so they count what was done, not who did it.

    use yaoku_model::{ids::KeyId, key::KeyState};
    use yaoku_wire::error::Code;

    use super::run;
    use crate::testing::{Kms, NOW};

    const DAY: i64 = 86_400;

    /// A key that rotates every seven days.
    async fn rotating(kms: &Kms) -> KeyId {
        let params = [
            ("DKMSInstanceId", kms.instance_id.as_str()),
            ("EnableAutomaticRotation", "true"),
            ("RotationInterval", "7d"),
        ];
        let made = kms.call("CreateKey", params).await.unwrap();
        made.get("KeyMetadata.KeyId").unwrap().parse().unwrap()
    }

    async fn versions(kms: &Kms, key: &KeyId) -> usize {
        kms.node.store.read().await.unwrap().key_versions(key).await.unwrap().len()
    }

    #[tokio::test]
    async fn months_pass_and_every_version_still_opens_what_it_sealed() {
        let kms = Kms::new().await;
        let id = rotating(&kms).await;
        let mut blobs = Vec::new();
        for week in 0..50 {
            let params = [("KeyId", id.as_str()), ("Plaintext", "hello")];
            let sealed = kms.call("Encrypt", params).await.unwrap();
            blobs.push(sealed.get("CiphertextBlob").unwrap().to_owned());
            kms.clock.advance_seconds(7 * DAY - 1);
            run(&kms.node).await.unwrap();
            assert_eq!(versions(&kms, &id).await, week + 1);
            kms.clock.advance_seconds(1);
            for _ in 0..2 {
                run(&kms.node).await.unwrap();
                assert_eq!(versions(&kms, &id).await, week + 2);
            }
        }
        for blob in blobs {
            let opened = kms.call("Decrypt", [("CiphertextBlob", &*blob)]).await.unwrap();
            assert_eq!(opened.get("Plaintext"), Some("hello"));
        }
        let described = kms.call("DescribeKey", [("KeyId", id.as_str())]).await.unwrap();
        let at = kms.clock_now().to_string();
        assert_eq!(described.get("KeyMetadata.LastRotationDate"), Some(&*at));
        let rotated: Vec<_> = kms.events().await;
        assert_eq!(rotated.iter().filter(|it| it.action == "yaoku:RotateKey").count(), 50);
    }

    #[tokio::test]
    async fn a_key_that_is_off_rotates_when_it_is_on_again() {
        let kms = Kms::new().await;
        let id = rotating(&kms).await;
        kms.call("DisableKey", [("KeyId", id.as_str())]).await.unwrap();
        kms.clock.advance_seconds(30 * DAY);
        run(&kms.node).await.unwrap();
        assert_eq!(versions(&kms, &id).await, 1);
        kms.call("EnableKey", [("KeyId", id.as_str())]).await.unwrap();
        run(&kms.node).await.unwrap();
        assert_eq!(versions(&kms, &id).await, 2);
        let described = kms.call("DescribeKey", [("KeyId", id.as_str())]).await.unwrap();
        let next = kms.clock_now().plus_seconds(7 * DAY).to_string();
        assert_eq!(described.get("KeyMetadata.NextRotationDate"), Some(&*next));
    }

    #[tokio::test]
    async fn a_key_is_gone_at_its_date_with_its_aliases() {
        let kms = Kms::new().await;
        let id = kms.key().await;
        let alias = [("KeyId", id.as_str()), ("AliasName", "alias/app")];
        kms.call("CreateAlias", alias).await.unwrap();
        let window = [("KeyId", id.as_str()), ("PendingWindowInDays", "7")];
        kms.call("ScheduleKeyDeletion", window).await.unwrap();
        kms.clock.advance_seconds(7 * DAY - 1);
        run(&kms.node).await.unwrap();
        kms.call("DescribeKey", [("KeyId", id.as_str())]).await.unwrap();
        kms.clock.advance_seconds(1);
        run(&kms.node).await.unwrap();
        let gone = kms.call("DescribeKey", [("KeyId", id.as_str())]).await;
        assert_eq!(gone, Err(Code::KeyNotFound));
        let gone = kms.call("DescribeKey", [("KeyId", "alias/app")]).await;
        assert_eq!(gone, Err(Code::AliasNotFound));
        let mut tx = kms.node.store.read().await.unwrap();
        assert_eq!(tx.key(&id).await.unwrap(), None);
    }

    #[tokio::test]
    async fn expired_material_is_wiped_from_the_store() {
        let kms = Kms::new().await;
        let id = kms.key().await;
        kms.edit_key(&id, |it| {
            it.origin = yaoku_model::key::Origin::External;
            it.material_expires = Some(NOW.plus_seconds(60));
        })
        .await;
        kms.clock.advance_seconds(60);
        run(&kms.node).await.unwrap();
        let mut tx = kms.node.store.read().await.unwrap();
        assert_eq!(tx.key(&id).await.unwrap().unwrap().state, KeyState::PendingImport);
        assert!(tx.key_versions(&id).await.unwrap().iter().all(|it| it.sealed.is_empty()));
    }

    /// What a rotation that lost a race leaves: nothing.
    #[tokio::test]
    async fn two_that_rotate_at_once_rotate_once() {
        let kms = Kms::new().await;
        let ids = [rotating(&kms).await, rotating(&kms).await, rotating(&kms).await];
        kms.clock.advance_seconds(7 * DAY);
        let (one, other) = tokio::join!(run(&kms.node), run(&kms.node));
        one.and(other).unwrap();
        for id in &ids {
            assert_eq!(versions(&kms, id).await, 2);
        }
    }
}

//! One process is a node: its name is claimed in the store, and the claim is renewed while it runs.
//!
//! A data directory is locked by its process, but a copy of it, or another directory on the same
//! store, could be the same node a second time; both would then write one audit chain.

use yaoku_model::{ids::Invalid, time::Timestamp};
use yaoku_store::{StoreError, Tx};

use crate::audit::NodeName;

/// A claim that was not renewed for so long is given up. Our choice.
const STALE_SECONDS: i64 = 10;

/// Which directory on which file system a process works in. A copy is another one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place(String);

impl Place {
    /// The place of a data directory.
    pub fn of(directory: &std::path::Path) -> std::io::Result<Self> {
        use std::os::unix::fs::MetadataExt as _;
        let it = directory.metadata()?;
        let machine = rustix::system::uname();
        let machine = machine.nodename().to_string_lossy();
        Ok(Self(format!("{machine}:{}:{}", it.dev(), it.ino())))
    }

    /// Its text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Claims a node's name, or renews the claim. `false`: another process has it.
pub async fn hold(
    tx: &mut dyn Tx,
    node: &NodeName,
    place: &Place,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let setting = format!("claim/{node}");
    if let Some((holder, since)) = tx.setting(&setting).await?.as_deref().and_then(read)
        && holder != *place
        && now.unix_seconds() - since.unix_seconds() < STALE_SECONDS
    {
        return Ok(false);
    }
    let text = format!("{} {}", now.unix_ms(), place.0);
    tx.put_setting(&setting, &text).await?;
    Ok(true)
}

/// Gives the claim up, if it is held here.
pub async fn release(tx: &mut dyn Tx, node: &NodeName, place: &Place) -> Result<(), StoreError> {
    let setting = format!("claim/{node}");
    match tx.setting(&setting).await?.as_deref().and_then(read) {
        Some((holder, _)) if holder == *place => {
            tx.put_setting(&setting, &format!("0 {}", place.0)).await
        }
        _ => Ok(()),
    }
}

fn read(text: &str) -> Option<(Place, Timestamp)> {
    let (ms, place) = text.split_once(' ')?;
    let ms: Result<i64, Invalid> = ms.parse().map_err(|_| Invalid);
    Some((Place(place.to_owned()), Timestamp::from_unix_ms(ms.ok()?)))
}

#[cfg(test)]
mod tests {
    use super::{Place, hold, release};
    use crate::testing::{Kms, NOW};

    #[tokio::test]
    async fn a_name_is_held_by_one_place_until_it_is_released_or_stale() {
        let kms = Kms::new().await;
        let node = "two".parse().unwrap();
        let (here, there) = (Place("here".to_owned()), Place("there".to_owned()));
        let mut tx = kms.node.store.write().await.unwrap();
        assert!(hold(tx.tx(), &node, &here, NOW).await.unwrap());
        assert!(hold(tx.tx(), &node, &here, NOW).await.unwrap(), "again");
        assert!(!hold(tx.tx(), &node, &there, NOW.plus_seconds(9)).await.unwrap());
        assert!(hold(tx.tx(), &node, &there, NOW.plus_seconds(10)).await.unwrap(), "stale");
        release(tx.tx(), &node, &here).await.unwrap();
        assert!(!hold(tx.tx(), &node, &here, NOW.plus_seconds(11)).await.unwrap());
        release(tx.tx(), &node, &there).await.unwrap();
        assert!(hold(tx.tx(), &node, &here, NOW.plus_seconds(11)).await.unwrap());
    }

    #[test]
    fn a_copy_of_a_directory_is_another_place() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        assert_ne!(Place::of(one.path()).unwrap(), Place::of(two.path()).unwrap());
        assert_eq!(Place::of(one.path()).unwrap(), Place::of(one.path()).unwrap());
    }
}

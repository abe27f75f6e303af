//! What the store knows of a node's journal: how far it goes, and whose it is. Whoever can write
//! nothing but the journal's files, and the keys beside them, cannot make another journal of it.

use std::{io, path::Path};

use yaoku_crypto::random::SystemRandom;
use yaoku_model::ids::Invalid;
use yaoku_store::Store;
use zeroize::Zeroizing;

use crate::{
    audit::{AuditError, Head, HeadSigner, NodeName, PublicKey},
    disk::Disk,
    start::{StartError, known_head},
};

/// The file in the data directory that the key of the audit heads lies in.
const AUDIT_KEY_FILE: &str = "audit.key";

/// What the store knows of one journal.
#[derive(Clone, Debug, Default)]
pub struct Witness {
    /// The last record that it was told of.
    pub head: Option<Head>,
    /// What proves the journal's signatures: kept at the node's first start.
    pub key: Option<PublicKey>,
}

impl Witness {
    /// Asks the store.
    pub async fn of(store: &dyn Store, node: &NodeName) -> Result<Self, StartError> {
        let key = match store.read().await?.setting(&setting(node)).await? {
            Some(text) => {
                Some(text.parse().map_err(|Invalid| StartError::Damaged("audit-key setting"))?)
            }
            None => None,
        };
        Ok(Self { head: known_head(store, node).await?, key })
    }

    /// The key that signs audit heads: made at the first start, readable by its owner alone. If it
    /// is not the one that the store knows, or if that one is gone, it is refused.
    pub fn signer(&self, data: &Path, disk: &dyn Disk) -> Result<HeadSigner, StartError> {
        let path = data.join(AUDIT_KEY_FILE);
        let failed = |source| StartError::File { file: AUDIT_KEY_FILE, source };
        let signer = match std::fs::read(&path) {
            Ok(bytes) => HeadSigner::from_pkcs8(&Zeroizing::new(bytes))
                .map_err(|Invalid| StartError::Damaged(AUDIT_KEY_FILE))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.key.is_none() => {
                let (signer, kept) = HeadSigner::generate(&SystemRandom)?;
                disk.replace(&path, &kept).map_err(failed)?;
                signer
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(AuditError::NotTheStoresKey.into());
            }
            Err(error) => return Err(failed(error)),
        };
        if self.key.as_ref().is_some_and(|it| *it != signer.public_key()) {
            return Err(AuditError::NotTheStoresKey.into());
        }
        Ok(signer)
    }

    /// Tells the store whose journal it is, if it does not know yet.
    pub(crate) async fn adopt(
        &self,
        store: &dyn Store,
        node: &NodeName,
        key: &PublicKey,
    ) -> Result<(), StartError> {
        if self.key.is_some() {
            return Ok(());
        }
        let mut tx = store.write().await?;
        tx.put_setting(&setting(node), &key.to_string()).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Tells the store how far a journal goes that was accepted: what it knew before may be lost.
pub async fn keep_accepted(
    store: &dyn Store,
    node: &NodeName,
    head: Head,
) -> Result<(), StartError> {
    let mut tx = store.write().await?;
    tx.put_audit_head(node.as_str(), head.to_string().as_bytes()).await?;
    tx.commit().await?;
    Ok(())
}

fn setting(node: &NodeName) -> String {
    format!("audit-key/{node}")
}

#[cfg(test)]
mod tests {
    use super::{AUDIT_KEY_FILE, StartError, Witness};
    use crate::{
        audit::{AuditError, Head, NodeName},
        disk::RealDisk,
        testing::Kms,
    };

    fn refused(result: Result<impl Sized, StartError>) -> bool {
        matches!(result.err(), Some(StartError::Audit(AuditError::NotTheStoresKey)))
    }

    #[tokio::test]
    async fn a_key_is_refused_that_is_not_the_one_of_the_first_start() {
        let kms = Kms::new().await;
        let data = tempfile::tempdir().unwrap();
        let known = Witness::of(&*kms.node.store, &kms.node.name).await.unwrap();
        assert!(known.key.is_some(), "kept at the first start");
        assert!(refused(known.signer(data.path(), &RealDisk)), "it is gone");
        assert!(!data.path().join(AUDIT_KEY_FILE).exists(), "no other one is made");
        let other = Witness::default().signer(data.path(), &RealDisk).unwrap();
        assert!(refused(known.signer(data.path(), &RealDisk)), "it is another");
        let its = Witness { key: Some(other.public_key()), ..known };
        assert!(its.signer(data.path(), &RealDisk).is_ok());
    }

    #[tokio::test]
    async fn a_key_is_adopted_once() {
        let kms = Kms::new().await;
        let (store, node) = (&*kms.node.store, "two".parse::<NodeName>().unwrap());
        let data = tempfile::tempdir().unwrap();
        let new = Witness::of(store, &node).await.unwrap();
        assert!(new.key.is_none() && new.head.is_none());
        let key = new.signer(data.path(), &RealDisk).unwrap().public_key();
        new.adopt(store, &node, &key).await.unwrap();
        let known = Witness::of(store, &node).await.unwrap();
        assert_eq!(known.key.as_ref(), Some(&key));
        let other = kms.node.journal.head();
        super::keep_accepted(store, &node, other).await.unwrap();
        assert_eq!(Witness::of(store, &node).await.unwrap().head, Some::<Head>(other));
    }
}

//! What the store need not keep any longer: nonces whose time has passed, rows of the feed that every
//! node has followed, uses of keys a year ago, old notices, and releases that count no longer. Removed
//! a few at a time, so that no write waits long for it.

use std::time::Duration;

use yaoku_store::StoreError;

use crate::{access::COUNTS_ON_SECONDS, node::Node, notices::DAYS, uses};

/// How often there is a look. With it, the tables hold the nonces of the last quarter of an hour, and
/// what changed since the slowest node last followed the feed, and what has come
/// since the last look.
pub(crate) const EVERY: Duration = Duration::from_secs(5);

/// How many rows of each kind are removed in one transaction.
const ROWS: i64 = 1_000;

/// Removes all that can go.
pub(crate) async fn run(node: &Node) -> Result<(), StoreError> {
    let mut removed = u64::MAX;
    while removed >= ROWS.cast_unsigned() {
        removed = remove_some(node).await?;
    }
    Ok(())
}

/// Removes a few rows; answers how many of the kind that had the most.
async fn remove_some(node: &Node) -> Result<u64, StoreError> {
    let now = node.clock.now();
    // What is removed here, nobody else changes.
    let mut tx = node.store.write_one().await?;
    if !node.store.is_shared() {
        // Else it is done by whoever follows the feed.
        let run = node.peers.run().as_str();
        tx.beat(node.name.as_str(), run, &node.followed.mark()).await?;
    }
    let nonces = tx.delete_nonces(now, ROWS).await?;
    let first = uses::day(node.domain_clock.now()) - uses::DAYS + 1;
    let uses = tx.delete_key_uses(first, ROWS).await?;
    let counted = node.domain_clock.now().plus_seconds(-COUNTS_ON_SECONDS);
    let releases = tx.delete_releases(counted, ROWS).await?;
    let told = node.domain_clock.now().plus_seconds(-DAYS * 86_400);
    let notices = tx.delete_notices(told, ROWS).await?;
    let changes = tx.prune_feed(ROWS).await?;
    // With nothing gone there is nothing to sync.
    let removed = [nonces, uses, releases, notices, changes];
    if removed.iter().any(|it| *it > 0) {
        tx.commit().await?;
    }
    Ok(removed.into_iter().max().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use yaoku_store::testing;

    use crate::testing::{Kms, NOW};

    #[tokio::test]
    async fn what_a_stream_of_writes_leaves_is_removed() {
        let kms = Kms::new().await;
        testing::execute(
            &kms.url(),
            "INSERT INTO nonces (hash, kept_until) WITH RECURSIVE n (i) AS \
             (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500) SELECT CAST(i AS BLOB), 0 FROM n",
        )
        .await;
        for _ in 0..3 {
            kms.key().await;
        }
        testing::execute(
            &kms.url(),
            &format!(
                "INSERT INTO access_releases (instance, object, name, account, released) \
                 VALUES ('kst-a', 'key', 'a', '2', {}), ('kst-a', 'key', 'b', '2', {})",
                NOW.unix_ms() - 299_000,
                NOW.unix_ms() - 298_999,
            ),
        )
        .await;
        kms.clock.advance_seconds(1);
        assert!(rows(&kms, "feed").await >= 3);
        assert_eq!(rows(&kms, "nonces").await, 2_500);
        let mark = kms.node.store.mark().await.unwrap();
        kms.node.followed.set(mark);
        super::run(&kms.node).await.unwrap();
        assert_eq!(rows(&kms, "feed").await, 0);
        assert_eq!(rows(&kms, "nonces").await, 0);
        assert_eq!(rows(&kms, "access_releases").await, 1, "which counts for a moment more");
    }

    async fn rows(kms: &Kms, table: &str) -> usize {
        testing::dump(&kms.url()).await[table].len()
    }
}

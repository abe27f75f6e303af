//! The schema: made, brought up to date, and refused if it is newer than this program.

use super::{session::Session, statement::sql};
use crate::StoreError;

/// The scripts for SQLite. Script n leads to version n; what is published never changes.
pub(crate) const SQLITE: &[&str] = &[
    include_str!("../../migrations/sqlite/0001_first.sql"),
    include_str!("../../migrations/sqlite/0002_root_key_wraps.sql"),
    include_str!("../../migrations/sqlite/0003_nodes.sql"),
    include_str!("../../migrations/sqlite/0004_life_of_keys.sql"),
    include_str!("../../migrations/sqlite/0005_protected_instances.sql"),
    include_str!("../../migrations/sqlite/0006_identities.sql"),
    include_str!("../../migrations/sqlite/0007_due_secrets.sql"),
    include_str!("../../migrations/sqlite/0008_access_releases.sql"),
    include_str!("../../migrations/sqlite/0009_marks.sql"),
    include_str!("../../migrations/sqlite/0010_managed_secrets.sql"),
    include_str!("../../migrations/sqlite/0011_notices.sql"),
    include_str!("../../migrations/sqlite/0012_hooks.sql"),
];

/// The scripts for PostgreSQL: the same versions.
pub(crate) const POSTGRES: &[&str] = &[
    include_str!("../../migrations/postgres/0001_first.sql"),
    include_str!("../../migrations/postgres/0002_root_key_wraps.sql"),
    include_str!("../../migrations/postgres/0003_nodes.sql"),
    include_str!("../../migrations/postgres/0004_life_of_keys.sql"),
    include_str!("../../migrations/postgres/0005_protected_instances.sql"),
    include_str!("../../migrations/postgres/0006_identities.sql"),
    include_str!("../../migrations/postgres/0007_due_secrets.sql"),
    include_str!("../../migrations/postgres/0008_access_releases.sql"),
    include_str!("../../migrations/postgres/0009_marks.sql"),
    include_str!("../../migrations/postgres/0010_managed_secrets.sql"),
    include_str!("../../migrations/postgres/0011_notices.sql"),
    include_str!("../../migrations/postgres/0012_hooks.sql"),
];

/// The one row that says which version the schema has.
const VERSION: &str = "CREATE TABLE IF NOT EXISTS schema_version \
    (one INTEGER PRIMARY KEY CHECK (one = 1), version BIGINT NOT NULL); \
    INSERT INTO schema_version (one, version) VALUES (1, 0) ON CONFLICT (one) DO NOTHING";

impl Session {
    /// Makes the row that [`Session::migrate`] goes by.
    ///
    /// On PostgreSQL, of two nodes that do this at once one can fail: it does it again.
    pub(crate) async fn prepare_schema(&mut self) -> Result<(), StoreError> {
        self.script(VERSION).await
    }

    /// Runs the scripts that the schema has not seen. Where isolation is READ COMMITTED, two
    /// nodes may do so at once: the update makes the second wait, and see what the first has done.
    pub(crate) async fn migrate(&mut self, scripts: &[&'static str]) -> Result<(), StoreError> {
        self.run(sql("UPDATE schema_version SET version = version")).await?;
        let found = self.number(sql("SELECT version AS number FROM schema_version")).await?;
        let known = i64::try_from(scripts.len()).unwrap_or(i64::MAX);
        if found > known {
            return Err(StoreError::Newer { found, known });
        }
        let seen = usize::try_from(found).unwrap_or_default();
        for script in &scripts[seen..] {
            self.script(script).await?;
        }
        self.run(sql("UPDATE schema_version SET version = $1").bind(known)).await.map(drop)
    }
}

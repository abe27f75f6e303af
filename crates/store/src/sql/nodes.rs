//! Nodes, in SQL.

use async_trait::async_trait;
use yaoku_model::ids::Invalid;

use super::{
    row::{Readable, Row, Text},
    session::Session,
    statement::{Statement, sql},
};
use crate::{Change, Mark, NodeRow, Nodes, StoreError};

#[async_trait]
impl Nodes for Session {
    async fn nodes(&mut self) -> Result<Vec<NodeRow>, StoreError> {
        self.all(sql("SELECT name, run, mark, beat FROM nodes ORDER BY name")).await
    }

    async fn enter_node(&mut self, name: &str, run: &str) -> Result<Option<String>, StoreError> {
        let found = sql("SELECT run AS text FROM nodes WHERE name = $1").bind(name);
        let before = self.first(found).await?.map(|Text(it)| it);
        let put = sql("INSERT INTO nodes (name, run, mark, beat) VALUES ($1, $2, $3, 0) \
             ON CONFLICT (name) DO UPDATE SET run = excluded.run, mark = excluded.mark, beat = 0");
        let put = put.bind(name).bind(run).bind(&Mark::default().to_string());
        self.change(Change::Nodes, put).await?;
        Ok(before)
    }

    async fn beat(&mut self, name: &str, run: &str, mark: &Mark) -> Result<bool, StoreError> {
        let beat = sql(BEAT).bind(name).bind(run).bind(&mark.to_string());
        Ok(self.run(beat).await? > 0)
    }

    async fn condemn_node(&mut self, row: &NodeRow) -> Result<bool, StoreError> {
        let condemn = sql("UPDATE nodes SET run = '', beat = beat + 1 \
             WHERE name = $1 AND run = $2 AND beat = $3");
        let condemn = condemn.bind(&row.name).bind(&row.run).bind(row.beat);
        Ok(self.run(condemn).await? > 0)
    }

    async fn delete_node(&mut self, name: &str, run: &str) -> Result<bool, StoreError> {
        let delete = sql("DELETE FROM nodes WHERE name = $1 AND run = $2").bind(name).bind(run);
        self.change(Change::Nodes, delete).await
    }

    async fn prune_feed(&mut self, limit: i64) -> Result<u64, StoreError> {
        let nodes = self.nodes().await?;
        match nodes.iter().map(|it| it.mark.open()).min() {
            Some(slowest) => self.prune(slowest, limit).await,
            None => Ok(0),
        }
    }
}

const BEAT: &str = "UPDATE nodes SET mark = $3, beat = beat + 1 WHERE name = $1 AND run = $2";

/// Where nodes tell that the feed has news.
pub(crate) const CHANGED: &str = "yaoku_changed";

/// Where nodes tell how far they have followed.
pub(crate) const FOLLOWED: &str = "yaoku_followed";

/// A beat that tells the others of itself, for PostgreSQL. It need not be on the medium: a mark
/// that is lost with the server's memory stands further back than it could.
pub(crate) fn beat_aloud(name: &str, run: &str, mark: &Mark) -> Statement {
    sql("WITH quick AS (SELECT set_config('synchronous_commit', 'off', TRUE) AS done), beaten AS (\
         UPDATE nodes SET mark = $3, beat = beat + 1 WHERE name = $1 AND run = $2 RETURNING name) \
         SELECT CAST(pg_notify('yaoku_followed', beaten.name) AS TEXT), quick.done FROM beaten, quick")
    .bind(name)
    .bind(run)
    .bind(&mark.to_string())
}

/// Tells the others that the feed has news, for PostgreSQL. A transaction that tells holds a lock while
/// it commits, so this one is for itself, and nothing of it goes to the medium.
pub(crate) fn tell(name: &str) -> Statement {
    sql("SELECT CAST(pg_notify('yaoku_changed', $1) AS TEXT)").bind(name)
}

impl Readable for NodeRow {
    const TABLE: &'static str = "nodes";

    fn read(row: &Row) -> Result<Self, Invalid> {
        Ok(Self {
            name: row.column("name")?,
            run: row.column("run")?,
            mark: row.parsed("mark")?,
            beat: row.column("beat")?,
        })
    }
}

//! Notices and their deliveries, in SQL.

use async_trait::async_trait;
use yaoku_model::{
    ids::{AccountId, Invalid},
    time::Timestamp,
};

use super::{
    row::{Readable, Row},
    secrets::named,
    session::Session,
    statement::{Statement, sql},
};
use crate::{Delivery, Listed, NoticeFilter, NoticeRow, Notices, Page, StoreError};

#[async_trait]
impl Notices for Session {
    async fn insert_notice(&mut self, notice: &NoticeRow) -> Result<bool, StoreError> {
        let insert = sql("INSERT INTO notices (id, account, left_at, name, level, about, body) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING")
        .bind(notice.id.as_str())
        .bind(notice.account.as_str())
        .bind(notice.at)
        .bind(notice.name.as_str())
        .bind(notice.level.as_str())
        .bind(notice.about.as_str())
        .bind(notice.body.as_str());
        Ok(self.run(insert).await? > 0)
    }

    async fn has_notice(&mut self, id: &str) -> Result<bool, StoreError> {
        let count = sql("SELECT COUNT(*) AS number FROM notices WHERE id = $1");
        Ok(self.number(count.bind(id)).await? > 0)
    }

    async fn notices(
        &mut self,
        account: &AccountId,
        filter: &NoticeFilter,
        page: Page,
    ) -> Result<Listed<NoticeRow>, StoreError> {
        self.listed(
            "SELECT COUNT(*) AS number FROM notices WHERE account = ",
            "SELECT *, (SELECT COUNT(*) FROM deliveries WHERE notice = notices.id) AS waiting \
             FROM notices WHERE account = ",
            "left_at DESC, id",
            page,
            |statement| filtered(statement.push_value(account.as_str()), filter),
        )
        .await
    }

    async fn delete_notices(&mut self, before: Timestamp, limit: i64) -> Result<u64, StoreError> {
        let old = sql("DELETE FROM notices WHERE id IN \
             (SELECT id FROM notices WHERE left_at < $1 ORDER BY left_at LIMIT $2)");
        self.run(old.bind(before).bind(limit)).await
    }

    async fn delete_surplus_notices(
        &mut self,
        keep: i64,
        spared: Timestamp,
        limit: i64,
    ) -> Result<u64, StoreError> {
        let many = sql("DELETE FROM notices WHERE id IN (SELECT id FROM \
             (SELECT id, level, left_at, \
              ROW_NUMBER() OVER (PARTITION BY account ORDER BY left_at DESC, id) AS nth \
              FROM notices WHERE account IN \
              (SELECT account FROM notices GROUP BY account HAVING COUNT(*) > $1)) ranked \
             WHERE nth > $1 AND NOT (level = 'CRITICAL' AND left_at >= $2 AND EXISTS \
             (SELECT 1 FROM deliveries WHERE notice = ranked.id)) ORDER BY left_at LIMIT $3)");
        self.run(many.bind(keep).bind(spared).bind(limit)).await
    }

    async fn insert_delivery(
        &mut self,
        webhook: &str,
        notice: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let insert = sql("INSERT INTO deliveries (webhook, notice, tries, due) \
             VALUES ($1, $2, 0, $3) ON CONFLICT (webhook, notice) DO NOTHING");
        self.run(insert.bind(webhook).bind(notice).bind(at)).await.map(drop)
    }

    async fn due_deliveries(
        &mut self,
        webhook: &str,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<Delivery>, StoreError> {
        let due = sql("SELECT d.notice, n.left_at, n.body, d.tries \
             FROM deliveries d JOIN notices n ON n.id = d.notice \
             WHERE d.webhook = $1 AND d.due <= $2 ORDER BY d.due, n.left_at, d.notice LIMIT $3");
        self.all(due.bind(webhook).bind(now).bind(limit)).await
    }

    async fn put_off_delivery(
        &mut self,
        webhook: &str,
        notice: &str,
        tries: i64,
        due: Timestamp,
    ) -> Result<(), StoreError> {
        let put_off = sql("UPDATE deliveries SET tries = $3, due = $4 \
             WHERE webhook = $1 AND notice = $2");
        self.run(put_off.bind(webhook).bind(notice).bind(tries).bind(due)).await.map(drop)
    }

    async fn delete_delivery(&mut self, webhook: &str, notice: &str) -> Result<(), StoreError> {
        let delete = sql("DELETE FROM deliveries WHERE webhook = $1 AND notice = $2");
        self.run(delete.bind(webhook).bind(notice)).await.map(drop)
    }
}

fn filtered(statement: Statement, filter: &NoticeFilter) -> Statement {
    let statement = match &filter.about {
        Some(about) => statement.push(" AND about = ").push_value(about),
        None => statement,
    };
    match &filter.name {
        Some(name) => named(statement.push(" AND "), name),
        None => statement,
    }
}

impl Readable for NoticeRow {
    const TABLE: &'static str = "notices";

    fn read(row: &Row) -> Result<Self, Invalid> {
        Ok(Self {
            id: row.column("id")?,
            account: row.parsed("account")?,
            at: row.time("left_at")?,
            name: row.column("name")?,
            level: row.column("level")?,
            about: row.column("about")?,
            body: row.column("body")?,
            waiting: row.column("waiting")?,
        })
    }
}

impl Readable for Delivery {
    const TABLE: &'static str = "deliveries";

    fn read(row: &Row) -> Result<Self, Invalid> {
        Ok(Self {
            notice: row.column("notice")?,
            at: row.time("left_at")?,
            body: row.column("body")?,
            tries: row.column("tries")?,
        })
    }
}

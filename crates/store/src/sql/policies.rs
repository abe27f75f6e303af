//! Policies, their versions and their holders, in SQL.

use async_trait::async_trait;
use yaoku_model::{
    identity::{Attachment, CustomPolicy, Holder, PolicyType, PolicyVersion},
    ids::{AccountId, Invalid, PolicyName},
    time::Timestamp,
};

use super::{
    row::{Readable, Row, Text},
    session::Session,
    statement::sql,
};
use crate::{Change, Held, Policies, Slice, StoreError};

#[async_trait]
impl Policies for Session {
    async fn custom_policy(
        &mut self,
        account: &AccountId,
        name: &PolicyName,
    ) -> Result<Option<CustomPolicy>, StoreError> {
        let found = sql("SELECT account, name, description, default_version, last_version, \
             created, updated FROM policies WHERE account = $1 AND name = $2");
        self.first(found.bind(account.as_str()).bind(name.as_str())).await
    }

    async fn custom_policies(
        &mut self,
        account: &AccountId,
        slice: Slice<'_>,
    ) -> Result<Vec<(CustomPolicy, i64)>, StoreError> {
        let found = sql("SELECT account, name, description, default_version, last_version, \
             created, updated, (SELECT COUNT(*) FROM held_policies h \
             WHERE h.account = p.account AND h.kind = 'Custom' AND h.policy = p.name) AS holders \
             FROM policies p WHERE account = $1 AND name > $2 ORDER BY name LIMIT $3");
        self.all(found.bind(account.as_str()).bind(slice.after).bind(slice.limit)).await
    }

    async fn insert_custom_policy(
        &mut self,
        policy: &CustomPolicy,
        document: &str,
    ) -> Result<bool, StoreError> {
        let insert = sql("INSERT INTO policies \
             (account, name, description, default_version, last_version, created, updated) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (account, name) DO NOTHING")
        .bind(policy.account.as_str())
        .bind(policy.name.as_str())
        .bind(policy.description.as_str())
        .bind(policy.default_version)
        .bind(policy.last_version)
        .bind(policy.created)
        .bind(policy.updated);
        let change = Change::Policy(policy.account.clone(), policy.name.clone());
        let inserted = self.change(change, insert).await?;
        if inserted {
            let first = PolicyVersion {
                number: policy.default_version,
                document: document.to_owned(),
                created: policy.created,
            };
            self.insert_policy_version(&policy.account, &policy.name, &first).await?;
        }
        Ok(inserted)
    }

    async fn update_custom_policy(&mut self, policy: &CustomPolicy) -> Result<(), StoreError> {
        let update = sql("UPDATE policies SET description = $3, default_version = $4, \
             last_version = $5, updated = $6 WHERE account = $1 AND name = $2")
        .bind(policy.account.as_str())
        .bind(policy.name.as_str())
        .bind(policy.description.as_str())
        .bind(policy.default_version)
        .bind(policy.last_version)
        .bind(policy.updated);
        let change = Change::Policy(policy.account.clone(), policy.name.clone());
        self.change(change, update).await.map(drop)
    }

    async fn delete_custom_policy(
        &mut self,
        account: &AccountId,
        name: &PolicyName,
    ) -> Result<(), StoreError> {
        let bound = |text| sql(text).bind(account.as_str()).bind(name.as_str());
        let detach = bound(
            "DELETE FROM held_policies \
             WHERE account = $1 AND kind = 'Custom' AND policy = $2 \
             RETURNING holder_kind, holder, attached",
        );
        for (holder, _) in self.all::<(Holder, Timestamp)>(detach).await? {
            self.note(changed(account, &holder));
        }
        let tags = "DELETE FROM tags WHERE account = $1 AND resource = $2 AND kind = 'policy'";
        self.run(bound(tags)).await?;
        let delete = bound("DELETE FROM policies WHERE account = $1 AND name = $2");
        self.change(Change::Policy(account.clone(), name.clone()), delete).await.map(drop)
    }

    async fn policy_versions(
        &mut self,
        account: &AccountId,
        name: &PolicyName,
    ) -> Result<Vec<PolicyVersion>, StoreError> {
        let found = sql("SELECT number, document, created FROM policy_versions \
             WHERE account = $1 AND policy = $2 ORDER BY number");
        self.all(found.bind(account.as_str()).bind(name.as_str())).await
    }

    async fn policy_document(
        &mut self,
        account: &AccountId,
        name: &PolicyName,
    ) -> Result<Option<String>, StoreError> {
        let found = sql("SELECT v.document AS text FROM policies p JOIN policy_versions v \
             ON v.account = p.account AND v.policy = p.name AND v.number = p.default_version \
             WHERE p.account = $1 AND p.name = $2");
        let found = found.bind(account.as_str()).bind(name.as_str());
        Ok(self.first::<Text>(found).await?.map(|it| it.0))
    }

    async fn insert_policy_version(
        &mut self,
        account: &AccountId,
        name: &PolicyName,
        version: &PolicyVersion,
    ) -> Result<(), StoreError> {
        let insert = sql("INSERT INTO policy_versions \
             (account, policy, number, document, created) VALUES ($1, $2, $3, $4, $5)")
        .bind(account.as_str())
        .bind(name.as_str())
        .bind(version.number)
        .bind(version.document.as_str())
        .bind(version.created);
        self.change(Change::Policy(account.clone(), name.clone()), insert).await.map(drop)
    }

    async fn delete_policy_version(
        &mut self,
        account: &AccountId,
        name: &PolicyName,
        number: i64,
    ) -> Result<(), StoreError> {
        let delete = sql("DELETE FROM policy_versions \
             WHERE account = $1 AND policy = $2 AND number = $3");
        let delete = delete.bind(account.as_str()).bind(name.as_str()).bind(number);
        self.change(Change::Policy(account.clone(), name.clone()), delete).await.map(drop)
    }

    async fn held_policies(
        &mut self,
        account: &AccountId,
        holder: &Holder,
    ) -> Result<Vec<Held>, StoreError> {
        let found = sql("SELECT kind, policy, attached FROM held_policies \
             WHERE account = $1 AND holder_kind = $2 AND holder = $3 ORDER BY number");
        self.all(found.bind(account.as_str()).bind(holder.kind()).bind(holder.name())).await
    }

    async fn holders(
        &mut self,
        account: &AccountId,
        policy: &Attachment,
    ) -> Result<Vec<(Holder, Timestamp)>, StoreError> {
        let found = sql("SELECT holder_kind, holder, attached FROM held_policies \
             WHERE account = $1 AND kind = $2 AND policy = $3 ORDER BY number")
        .bind(account.as_str())
        .bind(policy.kind.as_str())
        .bind(policy.policy.as_str());
        self.all(found).await
    }

    async fn attach(
        &mut self,
        account: &AccountId,
        holder: &Holder,
        held: &Held,
    ) -> Result<bool, StoreError> {
        let insert = sql("INSERT INTO held_policies \
             (account, holder_kind, holder, kind, policy, attached) \
             VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (account, holder_kind, holder, kind, policy) DO NOTHING")
        .bind(account.as_str())
        .bind(holder.kind())
        .bind(holder.name())
        .bind(held.policy.kind.as_str())
        .bind(held.policy.policy.as_str())
        .bind(held.attached);
        self.change(changed(account, holder), insert).await
    }

    async fn detach(
        &mut self,
        account: &AccountId,
        holder: &Holder,
        policy: &Attachment,
    ) -> Result<bool, StoreError> {
        let delete = sql("DELETE FROM held_policies WHERE account = $1 AND holder_kind = $2 \
             AND holder = $3 AND kind = $4 AND policy = $5")
        .bind(account.as_str())
        .bind(holder.kind())
        .bind(holder.name())
        .bind(policy.kind.as_str())
        .bind(policy.policy.as_str());
        self.change(changed(account, holder), delete).await
    }
}

/// What the feed is told when somebody holds other policies than before.
fn changed(account: &AccountId, holder: &Holder) -> Change {
    let account = account.clone();
    match holder {
        Holder::User(name) => Change::User(account, name.clone()),
        Holder::Group(name) => Change::Group(account, name.clone()),
        Holder::Role(name) => Change::Role(account, name.clone()),
    }
}

impl Readable for CustomPolicy {
    const TABLE: &'static str = "policies";

    fn read(row: &Row) -> Result<Self, Invalid> {
        Ok(Self {
            account: row.parsed("account")?,
            name: row.parsed("name")?,
            description: row.column("description")?,
            default_version: row.column("default_version")?,
            last_version: row.column("last_version")?,
            created: row.time("created")?,
            updated: row.time("updated")?,
        })
    }
}

/// A policy, and how many hold it.
impl Readable for (CustomPolicy, i64) {
    const TABLE: &'static str = CustomPolicy::TABLE;

    fn read(row: &Row) -> Result<Self, Invalid> {
        Ok((CustomPolicy::read(row)?, row.column("holders")?))
    }
}

impl Readable for PolicyVersion {
    const TABLE: &'static str = "policy_versions";

    fn read(row: &Row) -> Result<Self, Invalid> {
        Ok(Self {
            number: row.column("number")?,
            document: row.column("document")?,
            created: row.time("created")?,
        })
    }
}

impl Readable for Held {
    const TABLE: &'static str = "held_policies";

    fn read(row: &Row) -> Result<Self, Invalid> {
        let kind: PolicyType = row.parsed("kind")?;
        let policy = Attachment { kind, policy: row.parsed("policy")? };
        Ok(Self { policy, attached: row.time("attached")? })
    }
}

impl Readable for (Holder, Timestamp) {
    const TABLE: &'static str = "held_policies";

    fn read(row: &Row) -> Result<Self, Invalid> {
        let holder = match row.column("holder_kind")? {
            "User" => Holder::User(row.parsed("holder")?),
            "Group" => Holder::Group(row.parsed("holder")?),
            "Role" => Holder::Role(row.parsed("holder")?),
            _ => return Err(Invalid),
        };
        Ok((holder, row.time("attached")?))
    }
}

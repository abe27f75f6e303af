//! Accounts, users, access keys and policies, in SQL.

use async_trait::async_trait;
use yaoku_model::{
    identity::{AccessKey, Account, Attachment, CustomPolicy, User},
    ids::{AccessKeyId, AccountId, Invalid, PolicyName, UserName},
};

use super::{
    row::{Readable, Row},
    session::Session,
    statement::sql,
};
use crate::{Change, Identities, StoreError};

#[async_trait]
impl Identities for Session {
    async fn account(&mut self, id: &AccountId) -> Result<Option<Account>, StoreError> {
        let found = sql("SELECT id, created, kms_open FROM accounts WHERE id = $1");
        self.first(found.bind(id.as_str())).await
    }

    async fn accounts(&mut self) -> Result<Vec<Account>, StoreError> {
        self.all(sql("SELECT id, created, kms_open FROM accounts ORDER BY created, id")).await
    }

    async fn insert_account(&mut self, account: &Account) -> Result<(), StoreError> {
        let insert = sql("INSERT INTO accounts (id, created, kms_open) VALUES ($1, $2, $3)")
            .bind(account.id.as_str())
            .bind(account.created)
            .bind(account.kms_open);
        self.change(Change::Account(account.id.clone()), insert).await.map(drop)
    }

    async fn set_kms_open(&mut self, id: &AccountId, open: bool) -> Result<(), StoreError> {
        let update = sql("UPDATE accounts SET kms_open = $2 WHERE id = $1");
        let update = update.bind(id.as_str()).bind(open);
        self.change(Change::Account(id.clone()), update).await.map(drop)
    }

    async fn access_key(&mut self, id: &AccessKeyId) -> Result<Option<AccessKey>, StoreError> {
        let found = sql("SELECT id, account, user_name, sealed, active, created \
             FROM access_keys WHERE id = $1");
        self.first(found.bind(id.as_str())).await
    }

    async fn access_keys(
        &mut self,
        account: &AccountId,
        user: Option<&UserName>,
    ) -> Result<Vec<AccessKey>, StoreError> {
        let found = sql("SELECT id, account, user_name, sealed, active, created \
             FROM access_keys WHERE account = $1 AND user_name IS NOT DISTINCT FROM $2 \
             ORDER BY created, id");
        self.all(found.bind(account.as_str()).bind(user.map(UserName::as_str))).await
    }

    async fn insert_access_key(&mut self, key: &AccessKey) -> Result<(), StoreError> {
        let insert = sql("INSERT INTO access_keys \
             (id, account, user_name, sealed, active, created) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(key.id.as_str())
        .bind(key.account.as_str())
        .bind(key.user.as_ref().map(UserName::as_str))
        .bind(key.sealed.as_slice())
        .bind(key.active)
        .bind(key.created);
        self.change(Change::AccessKey(key.id.clone()), insert).await.map(drop)
    }

    async fn set_access_key_active(
        &mut self,
        id: &AccessKeyId,
        active: bool,
    ) -> Result<(), StoreError> {
        let update = sql("UPDATE access_keys SET active = $2 WHERE id = $1");
        let update = update.bind(id.as_str()).bind(active);
        self.change(Change::AccessKey(id.clone()), update).await.map(drop)
    }

    async fn delete_access_key(&mut self, id: &AccessKeyId) -> Result<(), StoreError> {
        self.added.shreds = true;
        let delete = sql("DELETE FROM access_keys WHERE id = $1").bind(id.as_str());
        self.change(Change::AccessKey(id.clone()), delete).await.map(drop)
    }

    async fn user(
        &mut self,
        account: &AccountId,
        name: &UserName,
    ) -> Result<Option<User>, StoreError> {
        let found = sql("SELECT account, name, id, created FROM users \
             WHERE account = $1 AND name = $2");
        self.first(found.bind(account.as_str()).bind(name.as_str())).await
    }

    async fn users(&mut self, account: &AccountId) -> Result<Vec<User>, StoreError> {
        let found = sql("SELECT account, name, id, created FROM users \
             WHERE account = $1 ORDER BY created, name");
        self.all(found.bind(account.as_str())).await
    }

    async fn insert_user(&mut self, user: &User) -> Result<bool, StoreError> {
        let insert = sql("INSERT INTO users (account, name, id, created) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (account, name) DO NOTHING")
        .bind(user.account.as_str())
        .bind(user.name.as_str())
        .bind(user.id.as_str())
        .bind(user.created);
        self.change(Change::User(user.account.clone(), user.name.clone()), insert).await
    }

    async fn delete_user(
        &mut self,
        account: &AccountId,
        name: &UserName,
    ) -> Result<(), StoreError> {
        self.added.shreds = true;
        let keys = sql("DELETE FROM access_keys WHERE account = $1 AND user_name = $2 \
             RETURNING id");
        let keys = keys.bind(account.as_str()).bind(name.as_str());
        for id in self.all::<AccessKeyId>(keys).await? {
            self.note(Change::AccessKey(id));
        }
        let delete = sql("DELETE FROM users WHERE account = $1 AND name = $2");
        let delete = delete.bind(account.as_str()).bind(name.as_str());
        self.change(Change::User(account.clone(), name.clone()), delete).await.map(drop)
    }

    async fn custom_policy(
        &mut self,
        account: &AccountId,
        name: &PolicyName,
    ) -> Result<Option<CustomPolicy>, StoreError> {
        let found = sql("SELECT account, name, document, created FROM policies \
             WHERE account = $1 AND name = $2");
        self.first(found.bind(account.as_str()).bind(name.as_str())).await
    }

    async fn custom_policies(
        &mut self,
        account: &AccountId,
    ) -> Result<Vec<CustomPolicy>, StoreError> {
        let found = sql("SELECT account, name, document, created FROM policies \
             WHERE account = $1 ORDER BY created, name");
        self.all(found.bind(account.as_str())).await
    }

    async fn insert_custom_policy(&mut self, policy: &CustomPolicy) -> Result<bool, StoreError> {
        let insert = sql("INSERT INTO policies (account, name, document, created) \
             VALUES ($1, $2, $3, $4) ON CONFLICT (account, name) DO NOTHING")
        .bind(policy.account.as_str())
        .bind(policy.name.as_str())
        .bind(policy.document.as_str())
        .bind(policy.created);
        self.change(Change::Policy(policy.account.clone(), policy.name.clone()), insert).await
    }

    async fn delete_custom_policy(
        &mut self,
        account: &AccountId,
        name: &PolicyName,
    ) -> Result<(), StoreError> {
        let detach = sql("DELETE FROM attachments \
             WHERE account = $1 AND kind = 'Custom' AND policy = $2 RETURNING user_name AS name");
        let detach = detach.bind(account.as_str()).bind(name.as_str());
        for user in self.all::<UserName>(detach).await? {
            self.note(Change::User(account.clone(), user));
        }
        let delete = sql("DELETE FROM policies WHERE account = $1 AND name = $2");
        let delete = delete.bind(account.as_str()).bind(name.as_str());
        self.change(Change::Policy(account.clone(), name.clone()), delete).await.map(drop)
    }

    async fn attachments(
        &mut self,
        account: &AccountId,
        user: &UserName,
    ) -> Result<Vec<Attachment>, StoreError> {
        let found = sql("SELECT kind, policy FROM attachments \
             WHERE account = $1 AND user_name = $2 ORDER BY number");
        self.all(found.bind(account.as_str()).bind(user.as_str())).await
    }

    async fn attached_users(
        &mut self,
        account: &AccountId,
        policy: &Attachment,
    ) -> Result<Vec<UserName>, StoreError> {
        let found = sql("SELECT user_name AS name FROM attachments \
             WHERE account = $1 AND kind = $2 AND policy = $3 ORDER BY number")
        .bind(account.as_str())
        .bind(policy.kind.as_str())
        .bind(policy.policy.as_str());
        self.all(found).await
    }

    async fn attach(
        &mut self,
        account: &AccountId,
        user: &UserName,
        policy: &Attachment,
    ) -> Result<bool, StoreError> {
        let insert = sql("INSERT INTO attachments (account, user_name, kind, policy) \
             VALUES ($1, $2, $3, $4) ON CONFLICT (account, user_name, kind, policy) DO NOTHING")
        .bind(account.as_str())
        .bind(user.as_str())
        .bind(policy.kind.as_str())
        .bind(policy.policy.as_str());
        self.change(Change::User(account.clone(), user.clone()), insert).await
    }

    async fn detach(
        &mut self,
        account: &AccountId,
        user: &UserName,
        policy: &Attachment,
    ) -> Result<bool, StoreError> {
        let delete = sql("DELETE FROM attachments \
             WHERE account = $1 AND user_name = $2 AND kind = $3 AND policy = $4")
        .bind(account.as_str())
        .bind(user.as_str())
        .bind(policy.kind.as_str())
        .bind(policy.policy.as_str());
        self.change(Change::User(account.clone(), user.clone()), delete).await
    }
}

impl Readable for Account {
    const TABLE: &'static str = "accounts";

    fn read(row: &Row) -> Result<Self, Invalid> {
        Ok(Self {
            id: row.parsed("id")?,
            created: row.time("created")?,
            kms_open: row.column("kms_open")?,
        })
    }
}

impl Readable for AccessKey {
    const TABLE: &'static str = "access_keys";

    fn read(row: &Row) -> Result<Self, Invalid> {
        Ok(Self {
            id: row.parsed("id")?,
            account: row.parsed("account")?,
            user: row.maybe_parsed("user_name")?,
            sealed: row.column("sealed")?,
            active: row.column("active")?,
            created: row.time("created")?,
        })
    }
}

impl Readable for AccessKeyId {
    const TABLE: &'static str = "access_keys";

    fn read(row: &Row) -> Result<Self, Invalid> {
        row.parsed("id")
    }
}

impl Readable for User {
    const TABLE: &'static str = "users";

    fn read(row: &Row) -> Result<Self, Invalid> {
        Ok(Self {
            account: row.parsed("account")?,
            name: row.parsed("name")?,
            id: row.column("id")?,
            created: row.time("created")?,
        })
    }
}

impl Readable for UserName {
    const TABLE: &'static str = "users";

    fn read(row: &Row) -> Result<Self, Invalid> {
        row.parsed("name")
    }
}

impl Readable for CustomPolicy {
    const TABLE: &'static str = "policies";

    fn read(row: &Row) -> Result<Self, Invalid> {
        Ok(Self {
            account: row.parsed("account")?,
            name: row.parsed("name")?,
            document: row.column("document")?,
            created: row.time("created")?,
        })
    }
}

impl Readable for Attachment {
    const TABLE: &'static str = "attachments";

    fn read(row: &Row) -> Result<Self, Invalid> {
        Ok(Self { kind: row.parsed("kind")?, policy: row.parsed("policy")? })
    }
}

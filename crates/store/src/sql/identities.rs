//! Accounts, users and access keys, in SQL.

use async_trait::async_trait;
use yaoku_model::{
    identity::{About, AccessKey, Account, User},
    ids::{AccessKeyId, AccountId, Invalid, UserName},
    time::Timestamp,
};

use super::{
    row::{Readable, Row},
    session::Session,
    statement::{Statement, sql},
};
use crate::{Change, Identities, IdentityCounts, Slice, StoreError};

/// The columns of a user, of the table `u`.
pub(super) const USER: &str = "u.account, u.name, u.id, u.display_name, u.mobile_phone, u.email, \
    u.comments, u.created, u.updated, u.last_login";

/// The end of a statement that lists by name. Binds the account and a [`Slice`].
pub(super) const SLICE: &str = " WHERE account = $1 AND name > $2 ORDER BY name LIMIT $3";

/// What goes by a user's name, besides its access keys, gets another.
const USERS_OWN_RENAMED: &[&str] = &[
    "UPDATE held_policies SET holder = $3 \
     WHERE account = $1 AND holder = $2 AND holder_kind = 'User'",
    "UPDATE group_members SET user_name = $3 WHERE account = $1 AND user_name = $2",
    "UPDATE login_profiles SET user_name = $3 WHERE account = $1 AND user_name = $2",
    "UPDATE mfa_devices SET user_name = $3 WHERE account = $1 AND user_name = $2",
    "UPDATE tags SET resource = $3 WHERE account = $1 AND resource = $2 AND kind = 'user'",
];

/// What goes with a user and is not tied to it by a foreign key.
const USERS_OWN_DELETED: &[&str] = &[
    "DELETE FROM held_policies WHERE account = $1 AND holder = $2 AND holder_kind = 'User'",
    "DELETE FROM mfa_devices WHERE account = $1 AND user_name = $2",
    "DELETE FROM tags WHERE account = $1 AND resource = $2 AND kind = 'user'",
];

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

    async fn identity_counts(&mut self, account: &AccountId) -> Result<IdentityCounts, StoreError> {
        let counts = sql("SELECT \
             (SELECT COUNT(*) FROM users WHERE account = $1) AS users, \
             (SELECT COUNT(*) FROM user_groups WHERE account = $1) AS in_groups, \
             (SELECT COUNT(*) FROM roles WHERE account = $1) AS roles, \
             (SELECT COUNT(*) FROM policies WHERE account = $1) AS policies, \
             (SELECT COUNT(*) FROM mfa_devices WHERE account = $1) AS mfa_devices");
        Ok(self.first(counts.bind(account.as_str())).await?.unwrap_or_default())
    }

    async fn access_key(&mut self, id: &AccessKeyId) -> Result<Option<AccessKey>, StoreError> {
        let found = sql("SELECT id, account, user_name, sealed, active, created, last_used \
             FROM access_keys WHERE id = $1");
        self.first(found.bind(id.as_str())).await
    }

    async fn access_keys(
        &mut self,
        account: &AccountId,
        user: Option<&UserName>,
    ) -> Result<Vec<AccessKey>, StoreError> {
        let found = sql("SELECT id, account, user_name, sealed, active, created, last_used \
             FROM access_keys WHERE account = $1 AND user_name IS NOT DISTINCT FROM $2 \
             ORDER BY created, id");
        self.all(found.bind(account.as_str()).bind(user.map(UserName::as_str))).await
    }

    async fn insert_access_key(&mut self, key: &AccessKey) -> Result<(), StoreError> {
        let insert = sql("INSERT INTO access_keys \
             (id, account, user_name, sealed, active, created, last_used) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind(key.id.as_str())
        .bind(key.account.as_str())
        .bind(key.user.as_ref().map(UserName::as_str))
        .bind(key.sealed.as_slice())
        .bind(key.active)
        .bind(key.created)
        .bind(key.last_used);
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

    async fn touch_access_key(
        &mut self,
        id: &AccessKeyId,
        used: Timestamp,
    ) -> Result<(), StoreError> {
        let touch = sql("UPDATE access_keys SET last_used = $2 \
             WHERE id = $1 AND (last_used IS NULL OR last_used < $2)");
        self.run(touch.bind(id.as_str()).bind(used)).await.map(drop)
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
        let found =
            sql("SELECT ").push(USER).push(" FROM users u WHERE account = $1 AND name = $2");
        self.first(found.bind(account.as_str()).bind(name.as_str())).await
    }

    async fn users(
        &mut self,
        account: &AccountId,
        slice: Slice<'_>,
    ) -> Result<Vec<User>, StoreError> {
        let found = sql("SELECT ").push(USER).push(" FROM users u").push(SLICE);
        self.all(found.bind(account.as_str()).bind(slice.after).bind(slice.limit)).await
    }

    async fn insert_user(&mut self, user: &User) -> Result<bool, StoreError> {
        let insert =
            sql("INSERT INTO users (account, name, id, display_name, mobile_phone, email, \
             comments, created, updated, last_login) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
             ON CONFLICT (account, name) DO NOTHING");
        let change = Change::User(user.account.clone(), user.name.clone());
        self.change(change, bind_user(insert, user)).await
    }

    async fn update_user(&mut self, name: &UserName, user: &User) -> Result<bool, StoreError> {
        if *name == user.name {
            let update = sql("UPDATE users SET id = $3, display_name = $4, mobile_phone = $5, \
                 email = $6, comments = $7, created = $8, updated = $9, last_login = $10 \
                 WHERE account = $1 AND name = $2");
            let change = Change::User(user.account.clone(), name.clone());
            return self.change(change, bind_user(update, user)).await;
        }
        if !self.insert_user(user).await? {
            return Ok(false);
        }
        let keys = sql("UPDATE access_keys SET user_name = $3 \
             WHERE account = $1 AND user_name = $2 RETURNING id");
        let renamed = |it: Statement| {
            it.bind(user.account.as_str()).bind(name.as_str()).bind(user.name.as_str())
        };
        for id in self.all::<AccessKeyId>(renamed(keys)).await? {
            self.note(Change::AccessKey(id));
        }
        for child in USERS_OWN_RENAMED {
            self.run(renamed(sql(child))).await?;
        }
        let old = sql("DELETE FROM users WHERE account = $1 AND name = $2");
        let old = old.bind(user.account.as_str()).bind(name.as_str());
        self.change(Change::User(user.account.clone(), name.clone()), old).await
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
        for own in USERS_OWN_DELETED {
            self.run(sql(own).bind(account.as_str()).bind(name.as_str())).await?;
        }
        let delete = sql("DELETE FROM users WHERE account = $1 AND name = $2");
        let delete = delete.bind(account.as_str()).bind(name.as_str());
        self.change(Change::User(account.clone(), name.clone()), delete).await.map(drop)
    }
}

fn bind_user(statement: Statement, user: &User) -> Statement {
    statement
        .bind(user.account.as_str())
        .bind(user.name.as_str())
        .bind(user.id.as_str())
        .bind(user.about.display_name.as_str())
        .bind(user.about.mobile_phone.as_str())
        .bind(user.about.email.as_str())
        .bind(user.about.comments.as_str())
        .bind(user.created)
        .bind(user.updated)
        .bind(user.last_login)
}

impl Readable for IdentityCounts {
    const TABLE: &'static str = "(counts)";

    fn read(row: &Row) -> Result<Self, Invalid> {
        Ok(Self {
            users: row.column("users")?,
            groups: row.column("in_groups")?,
            roles: row.column("roles")?,
            policies: row.column("policies")?,
            mfa_devices: row.column("mfa_devices")?,
        })
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
            last_used: row.maybe_time("last_used")?,
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
            about: About {
                display_name: row.column("display_name")?,
                mobile_phone: row.column("mobile_phone")?,
                email: row.column("email")?,
                comments: row.column("comments")?,
            },
            created: row.time("created")?,
            updated: row.time("updated")?,
            last_login: row.maybe_time("last_login")?,
        })
    }
}

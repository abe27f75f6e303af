//! Groups and roles, in SQL.

use async_trait::async_trait;
use yaoku_model::{
    identity::{Group, Role, User},
    ids::{AccountId, GroupName, Invalid, RoleName, UserName},
    time::Timestamp,
};

use super::{
    identities::{SLICE, USER},
    row::{Readable, Row},
    session::Session,
    statement::{Statement, sql},
};
use crate::{Change, Groups, Roles, Slice, StoreError};

/// The columns of a group, of the table `g`.
const GROUP: &str = "g.account, g.name, g.id, g.comments, g.created, g.updated";

/// What goes by a group's name gets another.
const GROUPS_OWN_RENAMED: &[&str] = &[
    "UPDATE held_policies SET holder = $3 \
     WHERE account = $1 AND holder = $2 AND holder_kind = 'Group'",
    "UPDATE group_members SET group_name = $3 WHERE account = $1 AND group_name = $2",
    "UPDATE tags SET resource = $3 WHERE account = $1 AND resource = $2 AND kind = 'group'",
];

/// What goes with a group and is not tied to it by a foreign key.
const GROUPS_OWN_DELETED: &[&str] = &[
    "DELETE FROM held_policies WHERE account = $1 AND holder = $2 AND holder_kind = 'Group'",
    "DELETE FROM tags WHERE account = $1 AND resource = $2 AND kind = 'group'",
];

/// What goes with a role.
const ROLES_OWN_DELETED: &[&str] = &[
    "DELETE FROM held_policies WHERE account = $1 AND holder = $2 AND holder_kind = 'Role'",
    "DELETE FROM tags WHERE account = $1 AND resource = $2 AND kind = 'role'",
];

#[async_trait]
impl Groups for Session {
    async fn group(
        &mut self,
        account: &AccountId,
        name: &GroupName,
    ) -> Result<Option<Group>, StoreError> {
        let found = sql("SELECT ").push(GROUP);
        let found = found.push(" FROM user_groups g WHERE account = $1 AND name = $2");
        self.first(found.bind(account.as_str()).bind(name.as_str())).await
    }

    async fn groups(
        &mut self,
        account: &AccountId,
        slice: Slice<'_>,
    ) -> Result<Vec<Group>, StoreError> {
        let found = sql("SELECT ").push(GROUP).push(" FROM user_groups g").push(SLICE);
        self.all(found.bind(account.as_str()).bind(slice.after).bind(slice.limit)).await
    }

    async fn insert_group(&mut self, group: &Group) -> Result<bool, StoreError> {
        let insert =
            sql("INSERT INTO user_groups (account, name, id, comments, created, updated) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (account, name) DO NOTHING");
        let change = Change::Group(group.account.clone(), group.name.clone());
        self.change(change, bind_group(insert, group)).await
    }

    async fn update_group(&mut self, name: &GroupName, group: &Group) -> Result<bool, StoreError> {
        if *name == group.name {
            let update = sql("UPDATE user_groups SET id = $3, comments = $4, created = $5, \
                 updated = $6 WHERE account = $1 AND name = $2");
            let change = Change::Group(group.account.clone(), name.clone());
            return self.change(change, bind_group(update, group)).await;
        }
        if !self.insert_group(group).await? {
            return Ok(false);
        }
        for child in GROUPS_OWN_RENAMED {
            let child = sql(child).bind(group.account.as_str());
            self.run(child.bind(name.as_str()).bind(group.name.as_str())).await?;
        }
        let old = sql("DELETE FROM user_groups WHERE account = $1 AND name = $2");
        let old = old.bind(group.account.as_str()).bind(name.as_str());
        self.change(Change::Group(group.account.clone(), name.clone()), old).await
    }

    async fn delete_group(
        &mut self,
        account: &AccountId,
        name: &GroupName,
    ) -> Result<(), StoreError> {
        for own in GROUPS_OWN_DELETED {
            self.run(sql(own).bind(account.as_str()).bind(name.as_str())).await?;
        }
        let delete = sql("DELETE FROM user_groups WHERE account = $1 AND name = $2");
        let delete = delete.bind(account.as_str()).bind(name.as_str());
        self.change(Change::Group(account.clone(), name.clone()), delete).await.map(drop)
    }

    async fn join_group(
        &mut self,
        account: &AccountId,
        group: &GroupName,
        user: &UserName,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let insert = sql("INSERT INTO group_members (account, group_name, user_name, joined) \
             VALUES ($1, $2, $3, $4) ON CONFLICT (account, group_name, user_name) DO NOTHING")
        .bind(account.as_str())
        .bind(group.as_str())
        .bind(user.as_str())
        .bind(now);
        self.change(Change::User(account.clone(), user.clone()), insert).await
    }

    async fn leave_group(
        &mut self,
        account: &AccountId,
        group: &GroupName,
        user: &UserName,
    ) -> Result<bool, StoreError> {
        let delete = sql("DELETE FROM group_members \
             WHERE account = $1 AND group_name = $2 AND user_name = $3");
        let delete = delete.bind(account.as_str()).bind(group.as_str()).bind(user.as_str());
        self.change(Change::User(account.clone(), user.clone()), delete).await
    }

    async fn groups_of_user(
        &mut self,
        account: &AccountId,
        user: &UserName,
    ) -> Result<Vec<(Group, Timestamp)>, StoreError> {
        let found = sql("SELECT m.joined, ").push(GROUP).push(
            " FROM group_members m JOIN user_groups g \
             ON g.account = m.account AND g.name = m.group_name \
             WHERE m.account = $1 AND m.user_name = $2 ORDER BY g.name",
        );
        self.all(found.bind(account.as_str()).bind(user.as_str())).await
    }

    async fn users_of_group(
        &mut self,
        account: &AccountId,
        group: &GroupName,
        slice: Slice<'_>,
    ) -> Result<Vec<(User, Timestamp)>, StoreError> {
        let found = sql("SELECT m.joined, ").push(USER).push(
            " FROM group_members m JOIN users u \
             ON u.account = m.account AND u.name = m.user_name \
             WHERE m.account = $1 AND m.group_name = $2 AND m.user_name > $3 \
             ORDER BY m.user_name LIMIT $4",
        );
        let found = found.bind(account.as_str()).bind(group.as_str());
        self.all(found.bind(slice.after).bind(slice.limit)).await
    }
}

#[async_trait]
impl Roles for Session {
    async fn role(
        &mut self,
        account: &AccountId,
        name: &RoleName,
    ) -> Result<Option<Role>, StoreError> {
        let found = sql("SELECT account, name, id, description, trust, max_session, \
             console_login, created, updated FROM roles WHERE account = $1 AND name = $2");
        self.first(found.bind(account.as_str()).bind(name.as_str())).await
    }

    async fn roles(
        &mut self,
        account: &AccountId,
        slice: Slice<'_>,
    ) -> Result<Vec<Role>, StoreError> {
        let found = sql("SELECT account, name, id, description, trust, max_session, \
             console_login, created, updated FROM roles")
        .push(SLICE);
        self.all(found.bind(account.as_str()).bind(slice.after).bind(slice.limit)).await
    }

    async fn insert_role(&mut self, role: &Role) -> Result<bool, StoreError> {
        let insert = sql("INSERT INTO roles (account, name, id, description, trust, max_session, \
             console_login, created, updated) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
             ON CONFLICT (account, name) DO NOTHING");
        let change = Change::Role(role.account.clone(), role.name.clone());
        self.change(change, bind_role(insert, role)).await
    }

    async fn update_role(&mut self, role: &Role) -> Result<(), StoreError> {
        let update = sql("UPDATE roles SET id = $3, description = $4, trust = $5, \
             max_session = $6, console_login = $7, created = $8, updated = $9 \
             WHERE account = $1 AND name = $2");
        let change = Change::Role(role.account.clone(), role.name.clone());
        self.change(change, bind_role(update, role)).await.map(drop)
    }

    async fn delete_role(
        &mut self,
        account: &AccountId,
        name: &RoleName,
    ) -> Result<(), StoreError> {
        for own in ROLES_OWN_DELETED {
            self.run(sql(own).bind(account.as_str()).bind(name.as_str())).await?;
        }
        let delete = sql("DELETE FROM roles WHERE account = $1 AND name = $2");
        let delete = delete.bind(account.as_str()).bind(name.as_str());
        self.change(Change::Role(account.clone(), name.clone()), delete).await.map(drop)
    }
}

fn bind_group(statement: Statement, group: &Group) -> Statement {
    statement
        .bind(group.account.as_str())
        .bind(group.name.as_str())
        .bind(group.id.as_str())
        .bind(group.comments.as_str())
        .bind(group.created)
        .bind(group.updated)
}

fn bind_role(statement: Statement, role: &Role) -> Statement {
    statement
        .bind(role.account.as_str())
        .bind(role.name.as_str())
        .bind(role.id.as_str())
        .bind(role.description.as_str())
        .bind(role.trust.as_str())
        .bind(role.max_session)
        .bind(role.console_login)
        .bind(role.created)
        .bind(role.updated)
}

impl Readable for Group {
    const TABLE: &'static str = "user_groups";

    fn read(row: &Row) -> Result<Self, Invalid> {
        Ok(Self {
            account: row.parsed("account")?,
            name: row.parsed("name")?,
            id: row.column("id")?,
            comments: row.column("comments")?,
            created: row.time("created")?,
            updated: row.time("updated")?,
        })
    }
}

/// A group, and since when somebody is in it.
impl Readable for (Group, Timestamp) {
    const TABLE: &'static str = "group_members";

    fn read(row: &Row) -> Result<Self, Invalid> {
        Ok((Group::read(row)?, row.time("joined")?))
    }
}

/// A user, and since when it is in a group.
impl Readable for (User, Timestamp) {
    const TABLE: &'static str = "group_members";

    fn read(row: &Row) -> Result<Self, Invalid> {
        Ok((User::read(row)?, row.time("joined")?))
    }
}

impl Readable for Role {
    const TABLE: &'static str = "roles";

    fn read(row: &Row) -> Result<Self, Invalid> {
        Ok(Self {
            account: row.parsed("account")?,
            name: row.parsed("name")?,
            id: row.column("id")?,
            description: row.column("description")?,
            trust: row.column("trust")?,
            max_session: row.column("max_session")?,
            console_login: row.column("console_login")?,
            created: row.time("created")?,
            updated: row.time("updated")?,
        })
    }
}

//! Login profiles, MFA devices, rules and identity providers, in SQL.

use async_trait::async_trait;
use yaoku_model::{
    identity::{
        LoginProfile, LoginRules, MfaDevice, OidcProvider, PasswordPolicy, SecurityPreference,
    },
    ids::{AccountId, Invalid, MfaDeviceName, ProviderName, UserName},
    text::PasswordHash,
};

use super::{
    row::{Readable, Row},
    session::Session,
    statement::{Statement, sql},
};
use crate::{Change, Logins, StoreError};

#[async_trait]
impl Logins for Session {
    async fn login_profile(
        &mut self,
        account: &AccountId,
        user: &UserName,
    ) -> Result<Option<LoginProfile>, StoreError> {
        let found = sql("SELECT account, user_name, password, past, reset_required, \
             mfa_required, created, changed, failures, failed_at FROM login_profiles \
             WHERE account = $1 AND user_name = $2");
        self.first(found.bind(account.as_str()).bind(user.as_str())).await
    }

    async fn put_login_profile(&mut self, profile: &LoginProfile) -> Result<(), StoreError> {
        self.added.shreds = true;
        let past: Vec<_> = profile.past.iter().map(PasswordHash::expose_text).collect();
        let put = sql("INSERT INTO login_profiles (account, user_name, password, past, \
             reset_required, mfa_required, created, changed, failures, failed_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
             ON CONFLICT (account, user_name) DO UPDATE SET password = excluded.password, \
             past = excluded.past, reset_required = excluded.reset_required, \
             mfa_required = excluded.mfa_required, created = excluded.created, \
             changed = excluded.changed, failures = excluded.failures, \
             failed_at = excluded.failed_at")
        .bind(profile.account.as_str())
        .bind(profile.user.as_str())
        .bind(profile.password.expose_text())
        .bind(past.join("\n").as_str())
        .bind(profile.reset_required)
        .bind(profile.mfa_required)
        .bind(profile.created)
        .bind(profile.changed)
        .bind(profile.failures)
        .bind(profile.failed_at);
        let change = Change::User(profile.account.clone(), profile.user.clone());
        self.change(change, put).await.map(drop)
    }

    async fn delete_login_profile(
        &mut self,
        account: &AccountId,
        user: &UserName,
    ) -> Result<(), StoreError> {
        self.added.shreds = true;
        let delete = sql("DELETE FROM login_profiles WHERE account = $1 AND user_name = $2");
        let delete = delete.bind(account.as_str()).bind(user.as_str());
        self.change(Change::User(account.clone(), user.clone()), delete).await.map(drop)
    }

    async fn mfa_device(
        &mut self,
        account: &AccountId,
        name: &MfaDeviceName,
    ) -> Result<Option<MfaDevice>, StoreError> {
        let found = sql("SELECT account, name, sealed, created, user_name, bound, last_step \
             FROM mfa_devices WHERE account = $1 AND name = $2");
        self.first(found.bind(account.as_str()).bind(name.as_str())).await
    }

    async fn mfa_device_of_user(
        &mut self,
        account: &AccountId,
        user: &UserName,
    ) -> Result<Option<MfaDevice>, StoreError> {
        let found = sql("SELECT account, name, sealed, created, user_name, bound, last_step \
             FROM mfa_devices WHERE account = $1 AND user_name = $2");
        self.first(found.bind(account.as_str()).bind(user.as_str())).await
    }

    async fn mfa_devices(&mut self, account: &AccountId) -> Result<Vec<MfaDevice>, StoreError> {
        let found = sql("SELECT account, name, sealed, created, user_name, bound, last_step \
             FROM mfa_devices WHERE account = $1 ORDER BY name");
        self.all(found.bind(account.as_str())).await
    }

    async fn insert_mfa_device(&mut self, device: &MfaDevice) -> Result<bool, StoreError> {
        let insert = sql("INSERT INTO mfa_devices \
             (account, name, user_name, bound, last_step, sealed, created) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (account, name) DO NOTHING");
        let insert = bind_device(insert, device).bind(device.sealed.as_slice());
        Ok(self.run(insert.bind(device.created)).await? > 0)
    }

    async fn update_mfa_device(&mut self, device: &MfaDevice) -> Result<(), StoreError> {
        let update = sql("UPDATE mfa_devices SET user_name = $3, bound = $4, last_step = $5 \
             WHERE account = $1 AND name = $2");
        self.run(bind_device(update, device)).await.map(drop)
    }

    async fn delete_mfa_device(
        &mut self,
        account: &AccountId,
        name: &MfaDeviceName,
    ) -> Result<(), StoreError> {
        self.added.shreds = true;
        let delete = sql("DELETE FROM mfa_devices WHERE account = $1 AND name = $2");
        self.run(delete.bind(account.as_str()).bind(name.as_str())).await.map(drop)
    }

    async fn login_rules(&mut self, account: &AccountId) -> Result<LoginRules, StoreError> {
        let found = sql("SELECT alias, minimum_length, lowercase, uppercase, numbers, symbols, \
             hard_expiry, max_age, reuse_prevention, max_attempts, change_password, \
             manage_access_keys, manage_mfa_devices, manage_public_keys, save_mfa_ticket, \
             login_networks, login_hours FROM login_rules WHERE account = $1");
        Ok(self.first(found.bind(account.as_str())).await?.unwrap_or_default())
    }

    async fn put_login_rules(
        &mut self,
        account: &AccountId,
        rules: &LoginRules,
    ) -> Result<bool, StoreError> {
        if let Some(alias) = &rules.alias
            && self.account_of_alias(alias).await?.is_some_and(|it| it != *account)
        {
            return Ok(false);
        }
        let delete = sql("DELETE FROM login_rules WHERE account = $1").bind(account.as_str());
        self.run(delete).await?;
        let insert = sql("INSERT INTO login_rules (account, alias, minimum_length, lowercase, \
             uppercase, numbers, symbols, hard_expiry, max_age, reuse_prevention, max_attempts, \
             change_password, manage_access_keys, manage_mfa_devices, manage_public_keys, \
             save_mfa_ticket, login_networks, login_hours) VALUES \
             ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)");
        let insert = insert.bind(account.as_str()).bind(rules.alias.as_deref());
        let insert = bind_preference(bind_passwords(insert, &rules.passwords), &rules.preference);
        self.run(insert).await?;
        Ok(true)
    }

    async fn account_of_alias(&mut self, alias: &str) -> Result<Option<AccountId>, StoreError> {
        self.first(sql("SELECT account FROM login_rules WHERE alias = $1").bind(alias)).await
    }

    async fn oidc_provider(
        &mut self,
        account: &AccountId,
        name: &ProviderName,
    ) -> Result<Option<OidcProvider>, StoreError> {
        let found = sql("SELECT account, name, issuer, client_ids, jwks, description, created, \
             updated FROM oidc_providers WHERE account = $1 AND name = $2");
        self.first(found.bind(account.as_str()).bind(name.as_str())).await
    }

    async fn oidc_providers(
        &mut self,
        account: &AccountId,
    ) -> Result<Vec<OidcProvider>, StoreError> {
        let found = sql("SELECT account, name, issuer, client_ids, jwks, description, created, \
             updated FROM oidc_providers WHERE account = $1 ORDER BY name");
        self.all(found.bind(account.as_str())).await
    }

    async fn put_oidc_provider(&mut self, provider: &OidcProvider) -> Result<(), StoreError> {
        let put = sql("INSERT INTO oidc_providers (account, name, issuer, client_ids, jwks, \
             description, created, updated) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
             ON CONFLICT (account, name) DO UPDATE SET issuer = excluded.issuer, \
             client_ids = excluded.client_ids, jwks = excluded.jwks, \
             description = excluded.description, created = excluded.created, \
             updated = excluded.updated")
        .bind(provider.account.as_str())
        .bind(provider.name.as_str())
        .bind(provider.issuer.as_str())
        .bind(provider.client_ids.join("\n").as_str())
        .bind(provider.keys.as_deref())
        .bind(provider.description.as_str())
        .bind(provider.created)
        .bind(provider.updated);
        let change = Change::OidcProvider(provider.account.clone(), provider.name.clone());
        self.change(change, put).await.map(drop)
    }

    async fn delete_oidc_provider(
        &mut self,
        account: &AccountId,
        name: &ProviderName,
    ) -> Result<bool, StoreError> {
        let delete = sql("DELETE FROM oidc_providers WHERE account = $1 AND name = $2");
        let delete = delete.bind(account.as_str()).bind(name.as_str());
        let change = Change::OidcProvider(account.clone(), name.clone());
        self.change(change, delete).await
    }
}

/// The first five values: what it is called, who has bound it, what was used.
fn bind_device(statement: Statement, device: &MfaDevice) -> Statement {
    let bound = device.bound.as_ref();
    statement
        .bind(device.account.as_str())
        .bind(device.name.as_str())
        .bind(bound.map(|(user, _)| user.as_str()))
        .bind(bound.map(|(_, at)| *at))
        .bind(device.last_step)
}

fn bind_passwords(statement: Statement, policy: &PasswordPolicy) -> Statement {
    statement
        .bind(policy.minimum_length)
        .bind(policy.lowercase)
        .bind(policy.uppercase)
        .bind(policy.numbers)
        .bind(policy.symbols)
        .bind(policy.hard_expiry)
        .bind(policy.max_age)
        .bind(policy.reuse_prevention)
        .bind(policy.max_attempts)
}

fn bind_preference(statement: Statement, preference: &SecurityPreference) -> Statement {
    statement
        .bind(preference.change_password)
        .bind(preference.manage_access_keys)
        .bind(preference.manage_mfa_devices)
        .bind(preference.manage_public_keys)
        .bind(preference.save_mfa_ticket)
        .bind(preference.login_networks.as_str())
        .bind(preference.login_hours)
}

impl Readable for LoginProfile {
    const TABLE: &'static str = "login_profiles";

    fn read(row: &Row) -> Result<Self, Invalid> {
        let past = row.column::<&str>("past")?.lines().map(str::parse);
        Ok(Self {
            account: row.parsed("account")?,
            user: row.parsed("user_name")?,
            password: row.parsed("password")?,
            past: past.collect::<Result<_, Invalid>>()?,
            reset_required: row.column("reset_required")?,
            mfa_required: row.column("mfa_required")?,
            created: row.time("created")?,
            changed: row.time("changed")?,
            failures: row.column("failures")?,
            failed_at: row.maybe_time("failed_at")?,
        })
    }
}

impl Readable for MfaDevice {
    const TABLE: &'static str = "mfa_devices";

    fn read(row: &Row) -> Result<Self, Invalid> {
        let user = row.maybe_parsed("user_name")?;
        Ok(Self {
            account: row.parsed("account")?,
            name: row.parsed("name")?,
            sealed: row.column("sealed")?,
            created: row.time("created")?,
            bound: user.zip(row.maybe_time("bound")?),
            last_step: row.column("last_step")?,
        })
    }
}

impl Readable for LoginRules {
    const TABLE: &'static str = "login_rules";

    fn read(row: &Row) -> Result<Self, Invalid> {
        Ok(Self {
            alias: row.column("alias")?,
            passwords: PasswordPolicy {
                minimum_length: row.column("minimum_length")?,
                lowercase: row.column("lowercase")?,
                uppercase: row.column("uppercase")?,
                numbers: row.column("numbers")?,
                symbols: row.column("symbols")?,
                hard_expiry: row.column("hard_expiry")?,
                max_age: row.column("max_age")?,
                reuse_prevention: row.column("reuse_prevention")?,
                max_attempts: row.column("max_attempts")?,
            },
            preference: SecurityPreference {
                change_password: row.column("change_password")?,
                manage_access_keys: row.column("manage_access_keys")?,
                manage_mfa_devices: row.column("manage_mfa_devices")?,
                manage_public_keys: row.column("manage_public_keys")?,
                save_mfa_ticket: row.column("save_mfa_ticket")?,
                login_networks: row.column("login_networks")?,
                login_hours: row.column("login_hours")?,
            },
        })
    }
}

impl Readable for AccountId {
    const TABLE: &'static str = "login_rules";

    fn read(row: &Row) -> Result<Self, Invalid> {
        row.parsed("account")
    }
}

impl Readable for OidcProvider {
    const TABLE: &'static str = "oidc_providers";

    fn read(row: &Row) -> Result<Self, Invalid> {
        Ok(Self {
            account: row.parsed("account")?,
            name: row.parsed("name")?,
            issuer: row.column("issuer")?,
            client_ids: row.column::<&str>("client_ids")?.lines().map(str::to_owned).collect(),
            keys: row.column("jwks")?,
            description: row.column("description")?,
            created: row.time("created")?,
            updated: row.time("updated")?,
        })
    }
}

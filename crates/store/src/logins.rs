//! The contract for how people log in: passwords, MFA devices, an account's rules; and whom else an
//! account lets vouch for somebody.

use async_trait::async_trait;
use yaoku_model::{
    identity::{LoginProfile, LoginRules, MfaDevice, OidcProvider},
    ids::{AccountId, MfaDeviceName, ProviderName, UserName},
};

use crate::StoreError;

/// Login profiles, MFA devices, rules, identity providers.
#[async_trait]
pub trait Logins: Send {
    /// Finds a user's login profile.
    async fn login_profile(
        &mut self,
        account: &AccountId,
        user: &UserName,
    ) -> Result<Option<LoginProfile>, StoreError>;

    /// Adds or replaces a login profile.
    async fn put_login_profile(&mut self, profile: &LoginProfile) -> Result<(), StoreError>;

    /// Removes a login profile.
    async fn delete_login_profile(
        &mut self,
        account: &AccountId,
        user: &UserName,
    ) -> Result<(), StoreError>;

    /// Finds an MFA device.
    async fn mfa_device(
        &mut self,
        account: &AccountId,
        name: &MfaDeviceName,
    ) -> Result<Option<MfaDevice>, StoreError>;

    /// The MFA device that a user has bound.
    async fn mfa_device_of_user(
        &mut self,
        account: &AccountId,
        user: &UserName,
    ) -> Result<Option<MfaDevice>, StoreError>;

    /// All MFA devices of an account, by name.
    async fn mfa_devices(&mut self, account: &AccountId) -> Result<Vec<MfaDevice>, StoreError>;

    /// Adds an MFA device; `false` if the name is taken.
    async fn insert_mfa_device(&mut self, device: &MfaDevice) -> Result<bool, StoreError>;

    /// Changes who has bound a device, and which time step was last used.
    async fn update_mfa_device(&mut self, device: &MfaDevice) -> Result<(), StoreError>;

    /// Removes an MFA device.
    async fn delete_mfa_device(
        &mut self,
        account: &AccountId,
        name: &MfaDeviceName,
    ) -> Result<(), StoreError>;

    /// The rules of an account; the defaults until it has set any.
    async fn login_rules(&mut self, account: &AccountId) -> Result<LoginRules, StoreError>;

    /// Sets the rules of an account; `false`, and nothing is set, if another has the alias.
    async fn put_login_rules(
        &mut self,
        account: &AccountId,
        rules: &LoginRules,
    ) -> Result<bool, StoreError>;

    /// The account that has an alias.
    async fn account_of_alias(&mut self, alias: &str) -> Result<Option<AccountId>, StoreError>;

    /// Finds an identity provider.
    async fn oidc_provider(
        &mut self,
        account: &AccountId,
        name: &ProviderName,
    ) -> Result<Option<OidcProvider>, StoreError>;

    /// All identity providers of an account, by name.
    async fn oidc_providers(
        &mut self,
        account: &AccountId,
    ) -> Result<Vec<OidcProvider>, StoreError>;

    /// Adds or replaces an identity provider.
    async fn put_oidc_provider(&mut self, provider: &OidcProvider) -> Result<(), StoreError>;

    /// Removes an identity provider; `false` if there was none.
    async fn delete_oidc_provider(
        &mut self,
        account: &AccountId,
        name: &ProviderName,
    ) -> Result<bool, StoreError>;
}

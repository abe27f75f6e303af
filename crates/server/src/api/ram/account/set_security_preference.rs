//! `SetSecurityPreference`: says what users may do for themselves, and how long a login lasts. What
//! is not sent stays; an empty list of networks lets logins come from anywhere (our choices).
//! Source: identity.md §2.2.

use yaoku_model::{
    identity::{LoginRules, SecurityPreference},
    login::LoginNetworks,
};
use yaoku_wire::{
    fields::{Encode, Fields},
    params::Params,
};

use super::{preference_fields, rules};
use crate::{
    api::{Effect, Operation, Spec, ram::RAM},
    call::Call,
    error::ApiError,
};

/// A request to set the security preference.
#[derive(Debug)]
pub(super) struct SetSecurityPreference {
    change_password: Option<bool>,
    manage_access_keys: Option<bool>,
    manage_mfa_devices: Option<bool>,
    manage_public_keys: Option<bool>,
    save_mfa_ticket: Option<bool>,
    login_networks: Option<LoginNetworks>,
    login_hours: Option<i64>,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Set(SecurityPreference);

impl Operation for SetSecurityPreference {
    const SPEC: &'static Spec = &Spec {
        name: "SetSecurityPreference",
        effect: Effect::Write,
        example: &[
            ("AllowUserToChangePassword", "true"),
            ("AllowUserToManageAccessKeys", "false"),
            ("AllowUserToManageMFADevices", "true"),
            ("AllowUserToManagePublicKeys", "false"),
            ("EnableSaveMFATicket", "false"),
            ("LoginNetworkMasks", "10.0.0.0/8;192.0.2.7"),
            ("LoginSessionDuration", "6"),
        ],
        ..RAM
    };

    type Response = Set;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        const NETWORKS: &str = "LoginNetworkMasks";
        let networks = params.text(NETWORKS).map(|it| it.parse()).transpose();
        Ok(Self {
            change_password: params.flag("AllowUserToChangePassword")?,
            manage_access_keys: params.flag("AllowUserToManageAccessKeys")?,
            manage_mfa_devices: params.flag("AllowUserToManageMFADevices")?,
            manage_public_keys: params.flag("AllowUserToManagePublicKeys")?,
            save_mfa_ticket: params.flag("EnableSaveMFATicket")?,
            login_networks: networks.map_err(|_| ApiError::invalid(NETWORKS))?,
            login_hours: params.integer("LoginSessionDuration", 1..=24)?,
        })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Set, ApiError> {
        let rules = rules(call).await?;
        let old = &rules.preference;
        let networks = self.login_networks.clone().map(LoginNetworks::into_text);
        let preference = SecurityPreference {
            change_password: self.change_password.unwrap_or(old.change_password),
            manage_access_keys: self.manage_access_keys.unwrap_or(old.manage_access_keys),
            manage_mfa_devices: self.manage_mfa_devices.unwrap_or(old.manage_mfa_devices),
            manage_public_keys: self.manage_public_keys.unwrap_or(old.manage_public_keys),
            save_mfa_ticket: self.save_mfa_ticket.unwrap_or(old.save_mfa_ticket),
            login_networks: networks.unwrap_or_else(|| old.login_networks.clone()),
            login_hours: self.login_hours.unwrap_or(old.login_hours),
        };
        let rules = LoginRules { preference, ..rules };
        let account = call.account();
        call.tx()?.put_login_rules(account, &rules).await?;
        Ok(Set(rules.preference))
    }
}

impl Encode for Set {
    fn encode(self) -> Fields {
        preference_fields(&self.0)
    }
}

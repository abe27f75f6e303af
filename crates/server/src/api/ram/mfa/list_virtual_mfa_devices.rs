//! `ListVirtualMFADevices`: the devices of the account, by name, and who has bound them.
//! Source: identity.md §2.3.

use yaoku_model::{
    identity::{MfaDevice, User},
    time::Timestamp,
};
use yaoku_wire::{
    fields::{Encode, Fields},
    params::Params,
};

use super::{SerialNumber, resource};
use crate::{
    api::{Operation, Spec, ram::RAM},
    call::Call,
    error::ApiError,
};

/// A request for the devices.
#[derive(Debug)]
pub(super) struct ListVirtualMFADevices;

/// The answer.
#[derive(Debug)]
pub(super) struct Listed(Vec<(MfaDevice, Option<(User, Timestamp)>)>);

impl Operation for ListVirtualMFADevices {
    const SPEC: &'static Spec = &Spec { name: "ListVirtualMFADevices", ..RAM };

    type Response = Listed;

    fn parse(_params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self)
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Listed, ApiError> {
        let account = call.account();
        call.allow_in_ram(&resource(account, "mfa/*")).await?;
        let tx = call.tx()?;
        let mut listed = Vec::new();
        for device in tx.mfa_devices(account).await? {
            let mut bound = None;
            if let Some((user, since)) = &device.bound {
                bound = tx.user(account, user).await?.map(|it| (it, *since));
            }
            listed.push((device, bound));
        }
        Ok(Listed(listed))
    }
}

impl Encode for Listed {
    fn encode(self) -> Fields {
        let fields = |(device, bound): &(MfaDevice, Option<(User, Timestamp)>)| {
            let fields =
                Fields::default().text("SerialNumber", SerialNumber::of(device).arn().as_str());
            let Some((user, since)) = bound else { return fields };
            let user = Fields::default()
                .text("UserId", user.id.as_str())
                .text("UserName", user.name.as_str())
                .text("DisplayName", user.about.display_name.as_str());
            fields.text("ActivateDate", since.to_string()).object("User", user)
        };
        let listed = self.0.iter().map(fields).collect();
        Fields::default().list("VirtualMFADevices", "VirtualMFADevice", listed)
    }
}

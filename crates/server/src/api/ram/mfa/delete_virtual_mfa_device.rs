//! `DeleteVirtualMFADevice`: removes a device that nobody has bound. Source: identity.md §2.4, §2.5.

use yaoku_wire::{error::Code, params::Params};

use super::SerialNumber;
use crate::{
    api::{Effect, Operation, Spec, ram::RAM},
    call::Call,
    error::ApiError,
};

/// A request to delete a device.
#[derive(Debug)]
pub(super) struct DeleteVirtualMFADevice {
    serial: SerialNumber,
}

impl Operation for DeleteVirtualMFADevice {
    const SPEC: &'static Spec = &Spec {
        name: "DeleteVirtualMFADevice",
        effect: Effect::Write,
        errors: &[&[Code::NoVirtualMfaDevice, Code::VirtualMfaDeviceUserInTheWay]],
        example: &[("SerialNumber", "acs:ram::1435994340157830:mfa/phone")],
        ..RAM
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { serial: params.required("SerialNumber")? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        call.allow_in_ram(&self.serial.arn()).await?;
        let device = self.serial.device(call).await?;
        if device.bound.is_some() {
            return Err(Code::VirtualMfaDeviceUserInTheWay.into());
        }
        let account = call.account();
        Ok(call.tx()?.delete_mfa_device(account, &device.name).await?)
    }
}

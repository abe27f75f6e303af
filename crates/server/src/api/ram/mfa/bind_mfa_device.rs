//! `BindMFADevice`: gives a user the device whose next two codes it can show. No code is taken twice.
//! Source: identity.md §2.2, §2.4; RFC 6238.

use yaoku_crypto::{keyring::CredentialPlace, rootkey::WrappingPlace, totp::Totp};
use yaoku_model::{identity::MfaDevice, ids::UserName};
use yaoku_wire::{error::Code, params::Params};

use super::{AuthenticationCode, SEED, SerialNumber, USER_NAME, owner_to_change};
use crate::{
    api::{Effect, Operation, Spec, ram::RAM},
    call::Call,
    error::ApiError,
};

/// A request to bind a device.
#[derive(Debug)]
pub(super) struct BindMFADevice {
    serial: SerialNumber,
    user: Option<UserName>,
    codes: [AuthenticationCode; 2],
}

impl Operation for BindMFADevice {
    const SPEC: &'static Spec = &Spec {
        name: "BindMFADevice",
        effect: Effect::Write,
        errors: &[
            USER_NAME.codes,
            &[
                Code::NoUser,
                Code::NoVirtualMfaDevice,
                Code::UserMfaDeviceExists,
                Code::VirtualMfaDeviceUserExists,
                Code::AuthenticationCodeFormat,
                Code::CheckAuthenticationCodeFail,
            ],
        ],
        secret_params: &["AuthenticationCode1", "AuthenticationCode2"],
        example: &[
            ("SerialNumber", "acs:ram::1435994340157830:mfa/phone"),
            ("UserName", "alice"),
            ("AuthenticationCode1", "287082"),
            ("AuthenticationCode2", "359152"),
        ],
        ..RAM
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let serial = params.required("SerialNumber")?;
        let user = USER_NAME.optional(params)?;
        let mut code = |name| AuthenticationCode::take(params, name);
        let codes = [code("AuthenticationCode1")?, code("AuthenticationCode2")?];
        Ok(Self { serial, user, codes })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        let user = owner_to_change(call, self.user.as_ref()).await?;
        let account = call.account();
        if call.tx()?.mfa_device_of_user(account, &user).await?.is_some() {
            return Err(Code::UserMfaDeviceExists.into());
        }
        let mut device = self.serial.device(call).await?;
        if device.bound.is_some() {
            return Err(Code::VirtualMfaDeviceUserExists.into());
        }
        device.last_step = self.step(call, &device)?;
        device.bound = Some((user, call.now));
        Ok(call.tx()?.update_mfa_device(&device).await?)
    }
}

impl BindMFADevice {
    /// The step of the second code. By the gateway's clock: that of a phone knows of no other.
    fn step(&self, call: &Call<'_>, device: &MfaDevice) -> Result<i64, ApiError> {
        let owner = WrappingPlace { account: &device.account, instance: None };
        let place = CredentialPlace { kind: SEED, id: device.name.as_str() };
        let seed = call.node.keyring.open_credential(&owner, &place, &device.sealed)?;
        let now = call.node.clock.now();
        let found = Totp::new(&seed).step_of_two(
            self.codes.map(|AuthenticationCode(it)| it),
            now,
            device.last_step,
        );
        found.ok_or(Code::CheckAuthenticationCodeFail.into())
    }
}

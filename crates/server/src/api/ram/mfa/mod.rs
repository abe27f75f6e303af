//! Virtual MFA devices: seeds of codes that change with time (RFC 6238), and who has bound which.

use std::{fmt, str::FromStr};

use yaoku_model::{
    arn::Arn,
    identity::MfaDevice,
    ids::{AccountId, Invalid, MfaDeviceName, UserName},
};
use yaoku_wire::{error::Code, params::Params};

use super::{
    must_be_let, resource, user_or_caller,
    users::{self, USER_NAME},
};
use crate::{api::Entry, call::Call, error::ApiError};

mod bind_mfa_device;
mod create_virtual_mfa_device;
mod delete_virtual_mfa_device;
mod get_user_mfa_info;
mod list_virtual_mfa_devices;
mod qr;
mod unbind_mfa_device;

/// The operations of this folder.
pub const OPERATIONS: &[Entry] = &[
    Entry::of::<bind_mfa_device::BindMFADevice>(),
    Entry::of::<create_virtual_mfa_device::CreateVirtualMFADevice>(),
    Entry::of::<delete_virtual_mfa_device::DeleteVirtualMFADevice>(),
    Entry::of::<get_user_mfa_info::GetUserMFAInfo>(),
    Entry::of::<list_virtual_mfa_devices::ListVirtualMFADevices>(),
    Entry::of::<unbind_mfa_device::UnbindMFADevice>(),
];

/// The kind of a sealed seed, so that nothing else opens in its place.
const SEED: &str = "mfa seed";

/// `acs:ram::<account>:mfa/<name>`. Source: identity.md §2.2.
#[derive(Debug)]
struct SerialNumber {
    account: AccountId,
    name: MfaDeviceName,
}

impl FromStr for SerialNumber {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        let rest = raw.strip_prefix("acs:ram::").ok_or(Invalid)?;
        let (account, name) = rest.split_once(":mfa/").ok_or(Invalid)?;
        Ok(Self { account: account.parse()?, name: name.parse()? })
    }
}

impl SerialNumber {
    fn of(device: &MfaDevice) -> Self {
        Self { account: device.account.clone(), name: device.name.clone() }
    }

    fn arn(&self) -> Arn {
        Arn::ram(&self.account, &format!("mfa/{}", self.name))
    }

    /// Finds the device, which is not there if it is another account's.
    async fn device(&self, call: &mut Call<'_>) -> Result<MfaDevice, ApiError> {
        let account = call.account();
        if self.account != *account {
            return Err(Code::NoVirtualMfaDevice.into());
        }
        call.tx()?.mfa_device(account, &self.name).await?.ok_or(Code::NoVirtualMfaDevice.into())
    }
}

/// The user whose device it is about: named, or the caller. Who may not do this is refused.
async fn owner(call: &mut Call<'_>, named: Option<&UserName>) -> Result<UserName, ApiError> {
    let user = user_or_caller(call, named)?;
    call.allow_in_ram(&users::at(call.account(), &user)).await?;
    users::user(call, &user).await?;
    Ok(user)
}

/// The same, of who would change it: users may be kept from doing so for themselves.
async fn owner_to_change(
    call: &mut Call<'_>,
    named: Option<&UserName>,
) -> Result<UserName, ApiError> {
    let user = owner(call, named).await?;
    must_be_let(call, &user, |it| it.manage_mfa_devices).await?;
    Ok(user)
}

/// Finds the device that a user has bound.
async fn bound(call: &mut Call<'_>, user: &UserName) -> Result<MfaDevice, ApiError> {
    let account = call.account();
    call.tx()?.mfa_device_of_user(account, user).await?.ok_or(Code::NoUserMfaDevice.into())
}

/// A code of a device: six digits. Source: identity.md §2.2, §2.4.
#[derive(Clone, Copy)]
struct AuthenticationCode(u32);

impl AuthenticationCode {
    fn take(params: &mut Params, name: &str) -> Result<Self, ApiError> {
        let text = params.text(name).filter(|it| !it.is_empty());
        let text = text.ok_or_else(|| ApiError::missing(name))?;
        let digits = text.len() == 6 && text.bytes().all(|it| it.is_ascii_digit());
        let code = text.parse().ok().filter(|_| digits);
        code.map(Self).ok_or(Code::AuthenticationCodeFormat.into())
    }
}

/// Not the code.
impl fmt::Debug for AuthenticationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthenticationCode")
    }
}

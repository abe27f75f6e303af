//! `CreateVirtualMFADevice`: makes a seed, which is in this answer and in no other.
//! Source: identity.md §2.2, §2.3.

use data_encoding::BASE32_NOPAD;
use yaoku_crypto::{keyring::CredentialPlace, rootkey::WrappingPlace, totp::SEED_LEN};
use yaoku_model::{identity::MfaDevice, ids::MfaDeviceName};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};
use zeroize::Zeroizing;

use super::{SEED, SerialNumber, qr, resource};
use crate::{
    api::{
        Effect, Operation, Spec,
        ram::{RAM, Rule, must_have_room},
    },
    call::Call,
    error::ApiError,
};

const NAME: Rule = Rule {
    name: "VirtualMFADeviceName",
    max: MfaDeviceName::MAX_LEN,
    codes: &[Code::VirtualMfaDeviceNameLength, Code::VirtualMfaDeviceNameChars],
};

/// A request to create a device.
#[derive(Debug)]
pub(super) struct CreateVirtualMFADevice {
    name: MfaDeviceName,
}

/// The answer.
pub(super) struct Created {
    serial: SerialNumber,
    seed: Zeroizing<String>,
    qr_code: Zeroizing<Vec<u8>>,
}

impl Operation for CreateVirtualMFADevice {
    const SPEC: &'static Spec = &Spec {
        name: "CreateVirtualMFADevice",
        effect: Effect::Write,
        errors: &[NAME.codes, &[Code::VirtualMfaDeviceExists, Code::TooManyVirtualMfaDevice]],
        example: &[("VirtualMFADeviceName", "phone")],
        ..RAM
    };

    type Response = Created;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { name: NAME.required(params)? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Created, ApiError> {
        let (account, node) = (call.account(), call.node);
        call.allow_new_in_ram(
            &resource(account, "mfa/*"),
            &resource(account, &format!("mfa/{}", self.name)),
        )
        .await?;
        let count = call.tx()?.identity_counts(account).await?.mfa_devices;
        must_have_room(count, node.limits.mfa_devices, Code::TooManyVirtualMfaDevice)?;
        let mut seed = Zeroizing::new([0; SEED_LEN]);
        call.random().fill(&mut *seed)?;
        let owner = WrappingPlace { account, instance: None };
        let place = CredentialPlace { kind: SEED, id: self.name.as_str() };
        let device = MfaDevice {
            account: account.clone(),
            name: self.name.clone(),
            sealed: node.keyring.seal_credential(&owner, &place, &*seed, call.random())?,
            created: call.now,
            bound: None,
            last_step: 0,
        };
        if !call.tx()?.insert_mfa_device(&device).await? {
            return Err(Code::VirtualMfaDeviceExists.into());
        }
        let serial = SerialNumber::of(&device);
        call.has_made(serial.arn());
        let seed = Zeroizing::new(BASE32_NOPAD.encode(&*seed));
        let qr_code = qr::png(&uri(&serial, &seed))?;
        Ok(Created { serial, seed, qr_code })
    }
}

/// What authenticators read. Nothing in it needs escaping. Source: the key URI format that they
/// share; the label is our choice.
fn uri(serial: &SerialNumber, seed: &str) -> Zeroizing<String> {
    let (name, account) = (&serial.name, &serial.account);
    Zeroizing::new(format!("otpauth://totp/Yaoku:{name}@{account}?secret={seed}&issuer=Yaoku"))
}

impl Encode for Created {
    fn encode(self) -> Fields {
        let device = Fields::default()
            .text("SerialNumber", self.serial.arn().as_str())
            .secret("Base32StringSeed", &*self.seed)
            .base64("QRCodePNG", &self.qr_code);
        Fields::default().object("VirtualMFADevice", device)
    }
}

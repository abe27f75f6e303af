//! MFA devices.

use data_encoding::BASE32_NOPAD;
use yaoku_crypto::totp::Totp;
use yaoku_wire::{error::Code, fields::Fields};

use super::{ALICE, as_alice, texts, with_alice};
use crate::testing::Kms;

const PHONE: (&str, &str) = ("VirtualMFADeviceName", "phone");

/// A device as its owner's authenticator has it.
struct Phone {
    serial: String,
    totp: Totp,
}

impl Phone {
    async fn new(kms: &Kms, name: &str) -> Self {
        let made = kms.ram("CreateVirtualMFADevice", [("VirtualMFADeviceName", name)]).await;
        let made = made.unwrap();
        let seed = made.get("VirtualMFADevice.Base32StringSeed").unwrap();
        let serial = made.get("VirtualMFADevice.SerialNumber").unwrap().to_owned();
        Self { serial, totp: Totp::new(&BASE32_NOPAD.decode(seed.as_bytes()).unwrap()) }
    }

    /// Binds it with the codes of those many steps from now.
    async fn bind(&self, kms: &Kms, user: &str, steps: [i64; 2]) -> Result<Fields, Code> {
        let code = |step: i64| self.totp.code(kms.clock_now().plus_seconds(30 * step));
        let codes = steps.map(|it| format!("{:06}", code(it)));
        let params = [
            ("SerialNumber", &*self.serial),
            ("UserName", user),
            ("AuthenticationCode1", &codes[0]),
            ("AuthenticationCode2", &codes[1]),
        ];
        kms.ram("BindMFADevice", params).await
    }
}

#[tokio::test]
async fn a_device_has_a_name_of_its_own_a_seed_and_a_picture_of_it() {
    let kms = Kms::new().await;
    for (name, expected) in [
        ("my phone", Code::VirtualMfaDeviceNameChars),
        (&"x".repeat(65), Code::VirtualMfaDeviceNameLength),
    ] {
        let reply = kms.ram("CreateVirtualMFADevice", [("VirtualMFADeviceName", name)]).await;
        assert_eq!(reply.err(), Some(expected), "{name}");
    }
    let made = kms.ram("CreateVirtualMFADevice", [PHONE]).await.unwrap();
    let serial = format!("acs:ram::{}:mfa/phone", kms.account);
    assert_eq!(made.get("VirtualMFADevice.SerialNumber"), Some(&*serial));
    assert_eq!(made.get("VirtualMFADevice.Base32StringSeed").unwrap().len(), 32);
    let picture = made.get("VirtualMFADevice.QRCodePNG").unwrap();
    assert!(picture.starts_with("iVBORw0KGgo"), "the first bytes of a PNG");
    let again = kms.ram("CreateVirtualMFADevice", [PHONE]).await.err();
    assert_eq!(again, Some(Code::VirtualMfaDeviceExists));
}

#[tokio::test]
async fn two_codes_one_after_the_other_bind_a_device_and_are_not_taken_again() {
    let kms = with_alice().await;
    let phone = Phone::new(&kms, "phone").await;
    for bad in [[0, 0], [0, -1], [-4, -3]] {
        let reply = phone.bind(&kms, "alice", bad).await.err();
        assert_eq!(reply, Some(Code::CheckAuthenticationCodeFail), "{bad:?}");
    }
    assert_eq!(phone.bind(&kms, "bob", [-1, 0]).await.err(), Some(Code::NoUser));
    phone.bind(&kms, "alice", [-1, 0]).await.unwrap();
    let again = phone.bind(&kms, "alice", [0, 1]).await.err();
    assert_eq!(again, Some(Code::UserMfaDeviceExists));
    kms.ram("UnbindMFADevice", [ALICE]).await.unwrap();
    for used in [[-1, 0], [0, 1]] {
        let reply = phone.bind(&kms, "alice", used).await.err();
        assert_eq!(reply, Some(Code::CheckAuthenticationCodeFail), "{used:?}");
    }
    kms.clock.advance_seconds(60);
    phone.bind(&kms, "alice", [-1, 0]).await.unwrap();
}

#[tokio::test]
async fn codes_are_six_digits() {
    let kms = with_alice().await;
    let phone = Phone::new(&kms, "phone").await;
    for code in ["12345", "1234567", "12345a", "+12345"] {
        let params = [
            ("SerialNumber", &*phone.serial),
            ALICE,
            ("AuthenticationCode1", code),
            ("AuthenticationCode2", "123456"),
        ];
        let reply = kms.ram("BindMFADevice", params).await.err();
        assert_eq!(reply, Some(Code::AuthenticationCodeFormat), "{code}");
    }
}

#[tokio::test]
async fn a_device_is_one_user_s_and_stays_while_it_is() {
    let kms = with_alice().await;
    kms.ram("CreateUser", [("UserName", "bob")]).await.unwrap();
    assert_eq!(kms.ram("GetUserMFAInfo", [ALICE]).await.err(), Some(Code::NoUserMfaDevice));
    assert_eq!(kms.ram("UnbindMFADevice", [ALICE]).await.err(), Some(Code::NoUserMfaDevice));
    let phone = Phone::new(&kms, "phone").await;
    phone.bind(&kms, "alice", [-1, 0]).await.unwrap();
    let taken = phone.bind(&kms, "bob", [0, 1]).await.err();
    assert_eq!(taken, Some(Code::VirtualMfaDeviceUserExists));
    let serial = ("SerialNumber", &*phone.serial);
    let bound = kms.ram("DeleteVirtualMFADevice", [serial]).await.err();
    assert_eq!(bound, Some(Code::VirtualMfaDeviceUserInTheWay));
    let info = kms.ram("GetUserMFAInfo", [ALICE]).await.unwrap();
    assert_eq!(info.get("MFADevice.SerialNumber"), Some(&*phone.serial));
    let listed = kms.ram("ListVirtualMFADevices", []).await.unwrap();
    let devices = "VirtualMFADevices.VirtualMFADevice";
    assert_eq!(texts(&listed, devices, "User.UserName"), ["alice"]);
    kms.ram("UnbindMFADevice", [ALICE]).await.unwrap();
    kms.ram("DeleteVirtualMFADevice", [serial]).await.unwrap();
    let gone = kms.ram("DeleteVirtualMFADevice", [serial]).await.err();
    assert_eq!(gone, Some(Code::NoVirtualMfaDevice));
}

#[tokio::test]
async fn a_device_of_another_account_is_not_there() {
    let kms = Kms::new().await;
    let phone = Phone::new(&kms, "phone").await;
    let stranger = kms.as_stranger().await;
    Phone::new(&stranger, "phone").await;
    for serial in [&*phone.serial, "acs:ram::1:mfa/phone"] {
        let reply = stranger.ram("DeleteVirtualMFADevice", [("SerialNumber", serial)]).await;
        assert_eq!(reply.err(), Some(Code::NoVirtualMfaDevice));
    }
    for serial in ["phone", "acs:ram::1:user/phone", "acs:ram::x:mfa/phone"] {
        let reply = stranger.ram("DeleteVirtualMFADevice", [("SerialNumber", serial)]).await;
        assert_eq!(reply.err(), Some(Code::InvalidParameter), "{serial}");
    }
}

#[tokio::test]
async fn users_manage_their_own_devices_only_if_the_account_lets_them() {
    let (root, alice) = as_alice().await;
    let phone = Phone::new(&root, "phone").await;
    let lets =
        async |it| root.ram("SetSecurityPreference", [("AllowUserToManageMFADevices", it)]).await;
    lets("false").await.unwrap();
    let refused = phone.bind(&alice, "", [-1, 0]).await.err();
    assert_eq!(refused, Some(Code::RamNoPermission));
    lets("true").await.unwrap();
    phone.bind(&alice, "", [-1, 0]).await.unwrap();
    alice.ram("UnbindMFADevice", []).await.unwrap();
    let nobody = root.ram("UnbindMFADevice", []).await.err();
    assert_eq!(nobody, Some(Code::MissingParameter), "the root is no user");
}

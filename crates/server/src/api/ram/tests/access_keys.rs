//! Access keys.

use yaoku_wire::error::Code;

use super::{ALICE, as_alice, texts, with_alice};
use crate::testing::Kms;

async fn key(kms: &Kms) -> String {
    let made = kms.ram("CreateAccessKey", [ALICE]).await.unwrap();
    made.get("AccessKey.AccessKeyId").unwrap().to_owned()
}

#[tokio::test]
async fn a_user_has_room_for_two() {
    let kms = with_alice().await;
    for _ in 0..2 {
        key(&kms).await;
    }
    let third = kms.ram("CreateAccessKey", [ALICE]).await.err();
    assert_eq!(third, Some(Code::TooManyUserAccessKey));
    let nobody = kms.ram("CreateAccessKey", [("UserName", "bob")]).await.err();
    assert_eq!(nobody, Some(Code::NoUser));
}

#[tokio::test]
async fn a_key_is_found_with_its_user_only() {
    let kms = with_alice().await;
    kms.ram("CreateUser", [("UserName", "bob")]).await.unwrap();
    let id = key(&kms).await;
    let stranger = kms.as_stranger().await;
    stranger.ram("CreateUser", [ALICE]).await.unwrap();
    for (caller, user) in [(&kms, "bob"), (&stranger, "alice"), (&kms, "")] {
        for action in ["DeleteAccessKey", "GetAccessKeyLastUsed"] {
            let reply = caller.ram(action, [("UserName", user), ("UserAccessKeyId", &id)]).await;
            assert_eq!(reply.err(), Some(Code::NoUserAccessKey), "{action} {user}");
        }
    }
    kms.ram("DeleteAccessKey", [ALICE, ("UserAccessKeyId", &id)]).await.unwrap();
    let again = kms.ram("DeleteAccessKey", [ALICE, ("UserAccessKeyId", &id)]).await.err();
    assert_eq!(again, Some(Code::NoUserAccessKey));
}

#[tokio::test]
async fn the_secret_is_told_once_and_a_key_can_be_switched_off() {
    let kms = with_alice().await;
    let made = kms.ram("CreateAccessKey", [ALICE]).await.unwrap();
    assert_eq!(made.get("AccessKey.AccessKeySecret").unwrap().len(), 30);
    let id = made.get("AccessKey.AccessKeyId").unwrap();
    for (status, expected) in
        [("active", Err(Code::InvalidParameter)), ("Inactive", Ok(())), ("Active", Ok(()))]
    {
        let set = [ALICE, ("UserAccessKeyId", id), ("Status", status)];
        assert_eq!(kms.ram("UpdateAccessKey", set).await.map(drop), expected, "{status}");
        if expected.is_ok() {
            let listed = kms.ram("ListAccessKeys", [ALICE]).await.unwrap();
            assert_eq!(texts(&listed, "AccessKeys.AccessKey", "Status"), [status]);
            let found = kms.node.caches.access_key(&id.parse().unwrap()).await.unwrap().unwrap();
            assert_eq!(found.active, status == "Active");
        }
    }
}

#[tokio::test]
async fn who_names_nobody_means_itself() {
    let (root, alice) = as_alice().await;
    let of_alice = key(&root).await;
    let listed = alice.ram("ListAccessKeys", []).await.unwrap();
    assert_eq!(texts(&listed, "AccessKeys.AccessKey", "AccessKeyId"), [of_alice]);
    let of_root = root.ram("CreateAccessKey", []).await.unwrap();
    let listed = root.ram("ListAccessKeys", []).await.unwrap();
    let of_root = of_root.get("AccessKey.AccessKeyId").unwrap();
    assert_eq!(texts(&listed, "AccessKeys.AccessKey", "AccessKeyId"), [of_root]);
}

#[tokio::test]
async fn users_manage_their_own_keys_only_if_the_account_lets_them() {
    let (root, alice) = as_alice().await;
    root.ram("CreateUser", [("UserName", "bob")]).await.unwrap();
    let own = key(&root).await;
    let own = ("UserAccessKeyId", own.as_str());
    // By default, and whether or not it names itself: policies alone do not do.
    for name in [("UserName", ""), ALICE] {
        let made = alice.ram("CreateAccessKey", [name]).await.err();
        let set = alice.ram("UpdateAccessKey", [name, own, ("Status", "Inactive")]).await.err();
        let gone = alice.ram("DeleteAccessKey", [name, own]).await.err();
        assert_eq!([made, set, gone], [Some(Code::RamNoPermission); 3], "{name:?}");
        // Looking changes nothing.
        alice.ram("ListAccessKeys", [name]).await.unwrap();
        alice.ram("GetAccessKeyLastUsed", [name, own]).await.unwrap();
    }
    assert_eq!(
        (Code::RamNoPermission.wire(), Code::RamNoPermission.status()),
        ("NoPermission", 403)
    );
    alice.ram("CreateAccessKey", [("UserName", "bob")]).await.unwrap();
    let lets = [("AllowUserToManageAccessKeys", "true")];
    root.ram("SetSecurityPreference", lets).await.unwrap();
    alice.ram("CreateAccessKey", []).await.unwrap();
    alice.ram("DeleteAccessKey", [own]).await.unwrap();
    let denied = root.without("ram:CreateAccessKey");
    let refused = denied.ram("CreateAccessKey", []).await.err();
    assert_eq!(refused, Some(Code::RamNoPermission), "nor does the preference alone");
}

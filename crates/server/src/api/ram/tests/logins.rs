//! Login profiles and passwords.

use yaoku_wire::error::Code;

use super::{ALICE, as_alice, with_alice};
use crate::testing::Kms;

const FIRST: &str = "Correct-horse-1";
const SECOND: &str = "Correct-horse-2";

async fn change(kms: &Kms, old: &str, new: &str) -> Result<(), Code> {
    kms.ram("ChangePassword", [("OldPassword", old), ("NewPassword", new)]).await.map(drop)
}

async fn set(kms: &Kms, password: &str) -> Result<(), Code> {
    kms.ram("UpdateLoginProfile", [ALICE, ("Password", password)]).await.map(drop)
}

async fn with_profile() -> (Kms, Kms) {
    let (root, alice) = as_alice().await;
    root.ram("CreateLoginProfile", [ALICE, ("Password", FIRST)]).await.unwrap();
    (root, alice)
}

#[tokio::test]
async fn a_profile_is_for_a_user_with_none_and_a_password_that_is_strong() {
    let kms = with_alice().await;
    let long = "Aa-1".repeat(65);
    let create = async |user, password| {
        let params = [("UserName", user), ("Password", password)];
        kms.ram("CreateLoginProfile", params).await.map(drop)
    };
    assert_eq!(create("bob", FIRST).await, Err(Code::NoUser));
    assert_eq!(create("alice", "").await, Err(Code::MissingParameter));
    assert_eq!(create("alice", "weak").await, Err(Code::PasswordTooWeak));
    assert_eq!(create("alice", &long).await, Err(Code::PasswordTooWeak));
    for action in ["GetLoginProfile", "UpdateLoginProfile", "DeleteLoginProfile"] {
        let reply = kms.ram(action, [ALICE]).await.err();
        assert_eq!(reply, Some(Code::NoUserLoginProfile), "{action}");
    }
    assert_eq!(create("alice", FIRST).await, Ok(()));
    assert_eq!(create("alice", FIRST).await, Err(Code::UserLoginProfileExists));
    kms.ram("DeleteLoginProfile", [ALICE]).await.unwrap();
    assert_eq!(create("alice", FIRST).await, Ok(()));
}

#[tokio::test]
async fn what_is_not_sent_stays() {
    let (root, _) = with_profile().await;
    let before = root.ram("GetLoginProfile", [ALICE]).await.unwrap();
    assert_eq!(before.get("LoginProfile.MFABindRequired"), Some("false"));
    root.ram("UpdateLoginProfile", [ALICE, ("MFABindRequired", "true")]).await.unwrap();
    root.ram("UpdateLoginProfile", [ALICE, ("PasswordResetRequired", "true")]).await.unwrap();
    let after = root.ram("GetLoginProfile", [ALICE]).await.unwrap();
    assert_eq!(after.get("LoginProfile.MFABindRequired"), Some("true"));
    assert_eq!(after.get("LoginProfile.PasswordResetRequired"), Some("true"));
    assert_eq!(after.get("LoginProfile.CreateDate"), before.get("LoginProfile.CreateDate"));
}

#[tokio::test]
async fn only_a_user_that_knows_its_password_changes_it() {
    let (root, alice) = with_profile().await;
    assert_eq!(change(&root, FIRST, SECOND).await, Err(Code::RamNoPermission), "no user");
    assert_eq!(change(&alice, SECOND, FIRST).await, Err(Code::OldPasswordWrong));
    assert_eq!(change(&alice, FIRST, "weak").await, Err(Code::PasswordTooWeak));
    assert_eq!(change(&alice, FIRST, SECOND).await, Ok(()));
    assert_eq!(change(&alice, FIRST, SECOND).await, Err(Code::OldPasswordWrong));
    assert_eq!(change(&alice, SECOND, FIRST).await, Ok(()));
    root.ram("DeleteLoginProfile", [ALICE]).await.unwrap();
    assert_eq!(change(&alice, FIRST, SECOND).await, Err(Code::NoUserLoginProfile));
}

#[tokio::test]
async fn the_account_and_the_policies_must_both_let_users_change_passwords() {
    let (root, alice) = with_profile().await;
    let denied = root.without("ram:ChangePassword");
    assert_eq!(change(&denied, FIRST, SECOND).await, Err(Code::RamNoPermission));
    let lets =
        async |it| root.ram("SetSecurityPreference", [("AllowUserToChangePassword", it)]).await;
    lets("false").await.unwrap();
    assert_eq!(change(&alice, FIRST, SECOND).await, Err(Code::RamNoPermission));
    lets("true").await.unwrap();
    assert_eq!(change(&alice, FIRST, SECOND).await, Ok(()));
}

#[tokio::test]
async fn who_guesses_too_often_waits_even_with_the_right_password() {
    let (root, alice) = with_profile().await;
    root.ram("SetPasswordPolicy", [("MaxLoginAttemps", "2")]).await.unwrap();
    for _ in 0..2 {
        assert_eq!(change(&alice, SECOND, FIRST).await, Err(Code::OldPasswordWrong));
    }
    assert_eq!(change(&alice, FIRST, SECOND).await, Err(Code::ThrottlingUser));
    root.clock.advance_seconds(3_600);
    assert_eq!(change(&alice, FIRST, SECOND).await, Ok(()));
    assert_eq!(change(&alice, FIRST, SECOND).await, Err(Code::OldPasswordWrong));
    assert_eq!(change(&alice, SECOND, FIRST).await, Ok(()), "a success begins anew");
}

#[tokio::test]
async fn nobody_gets_round_that_by_way_of_its_own_profile() {
    let (root, alice) = with_profile().await;
    let own = async |action: &str| {
        if action == "DeleteLoginProfile" {
            return alice.ram(action, [ALICE]).await.err();
        }
        alice.ram(action, [ALICE, ("Password", SECOND)]).await.err()
    };
    root.ram("SetSecurityPreference", [("AllowUserToChangePassword", "false")]).await.unwrap();
    for action in ["UpdateLoginProfile", "DeleteLoginProfile"] {
        assert_eq!(own(action).await, Some(Code::RamNoPermission), "{action}");
    }
    root.ram("DeleteLoginProfile", [ALICE]).await.unwrap();
    assert_eq!(own("CreateLoginProfile").await, Some(Code::RamNoPermission));
    root.ram("CreateLoginProfile", [ALICE, ("Password", FIRST)]).await.unwrap();
    root.ram("SetSecurityPreference", [("AllowUserToChangePassword", "true")]).await.unwrap();
    root.ram("SetPasswordPolicy", [("MaxLoginAttemps", "1")]).await.unwrap();
    assert_eq!(change(&alice, SECOND, FIRST).await, Err(Code::OldPasswordWrong));
    for action in ["UpdateLoginProfile", "DeleteLoginProfile"] {
        assert_eq!(own(action).await, Some(Code::ThrottlingUser), "{action}");
    }
    assert_eq!(set(&root, SECOND).await, Ok(()), "others may");
    assert_eq!(own("UpdateLoginProfile").await, None);
}

#[tokio::test]
async fn who_must_set_another_password_sets_another() {
    let (root, alice) = with_profile().await;
    root.ram("UpdateLoginProfile", [ALICE, ("PasswordResetRequired", "true")]).await.unwrap();
    assert_eq!(change(&alice, FIRST, FIRST).await, Err(Code::PasswordTooWeak));
    assert_eq!(change(&alice, FIRST, SECOND).await, Ok(()));
    let profile = root.ram("GetLoginProfile", [ALICE]).await.unwrap();
    assert_eq!(profile.get("LoginProfile.PasswordResetRequired"), Some("false"));
}

#[tokio::test]
async fn many_changes_of_one_profile_leave_room_for_other_heavy_work() {
    let (root, _) = with_profile().await;
    let passwords: Vec<_> = (0..40).map(|nth| format!("Correct-horse-{nth}")).collect();
    let mut changes = tokio::task::JoinSet::new();
    let root = std::sync::Arc::new(root);
    for password in passwords {
        let root = std::sync::Arc::clone(&root);
        changes.spawn(async move { set(&root, &password).await });
    }
    tokio::task::yield_now().await;
    let pair = [("KeySpec", "RSA_2048"), ("KeyUsage", "SIGN/VERIFY")];
    root.call("CreateKey", pair).await.unwrap();
    let done = changes.join_all().await;
    assert!(done.contains(&Ok(())) && done.contains(&Err(Code::ThrottlingUser)), "{done:?}");
    assert!(done.iter().all(|it| matches!(it, Ok(()) | Err(Code::ThrottlingUser))), "{done:?}");
}

#[tokio::test]
async fn old_passwords_do_not_come_again_as_long_as_the_policy_says() {
    let (root, alice) = with_profile().await;
    root.ram("SetPasswordPolicy", [("PasswordReusePrevention", "2")]).await.unwrap();
    assert_eq!(change(&alice, FIRST, FIRST).await, Err(Code::PasswordTooWeak));
    assert_eq!(change(&alice, FIRST, SECOND).await, Ok(()));
    assert_eq!(set(&root, FIRST).await, Err(Code::PasswordTooWeak), "nor by others");
    assert_eq!(set(&root, "Correct-horse-3").await, Ok(()));
    assert_eq!(set(&root, FIRST).await, Ok(()));
}

#[tokio::test]
async fn an_expired_password_is_changed_by_its_user_unless_expiry_is_hard() {
    let (root, alice) = with_profile().await;
    let policy = [("MaxPasswordAge", "1"), ("HardExpiry", "true")];
    root.ram("SetPasswordPolicy", policy).await.unwrap();
    root.clock.advance_seconds(86_400);
    assert_eq!(change(&alice, FIRST, SECOND).await, Err(Code::RamNoPermission));
    root.ram("SetPasswordPolicy", [("HardExpiry", "false")]).await.unwrap();
    assert_eq!(change(&alice, FIRST, SECOND).await, Ok(()));
}

#[tokio::test]
async fn no_password_is_in_the_store() {
    let (root, alice) = with_profile().await;
    change(&alice, FIRST, SECOND).await.unwrap();
    let rows = yaoku_store::testing::dump(&root.url()).await;
    let text = format!("{:?}", rows["login_profiles"]);
    assert!(text.contains("$argon2id$v=19$m=19456,t=2,p=1$"), "{text}");
    assert!(!text.contains("Correct"));
}

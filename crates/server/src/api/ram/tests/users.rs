//! Users.

use yaoku_wire::error::Code;

use super::{ALICE, GROUP, allowing, as_alice, texts, with_alice};
use crate::testing::Kms;

#[tokio::test]
async fn names_and_texts_have_limits_with_codes_of_their_own() {
    let kms = Kms::new().await;
    let long = "x".repeat(65);
    let longer = "x".repeat(129);
    for (name, value, expected) in [
        ("UserName", "al/ice", Code::UserNameChars),
        ("UserName", long.as_str(), Code::UserNameLength),
        ("UserName", "", Code::MissingParameter),
        ("DisplayName", longer.as_str(), Code::DisplayNameLength),
        ("DisplayName", "\u{1b}[31m", Code::DisplayNameChars),
        ("MobilePhone", "18600008888", Code::MobilePhoneFormat),
        ("Email", "alice", Code::EmailFormat),
        ("Comments", longer.as_str(), Code::CommentsLength),
    ] {
        let params = if name == "UserName" { [(name, value); 2] } else { [ALICE, (name, value)] };
        assert_eq!(kms.ram("CreateUser", params).await.err(), Some(expected), "{name}");
    }
    for (name, expected) in [
        ("NewUserName", Code::NewUserNameLength),
        ("NewDisplayName", Code::NewDisplayNameLength),
        ("NewMobilePhone", Code::NewMobilePhoneFormat),
        ("NewEmail", Code::NewEmailFormat),
        ("NewComments", Code::NewCommentsLength),
    ] {
        let reply = kms.ram("UpdateUser", [ALICE, (name, longer.as_str())]).await;
        assert_eq!(reply.err(), Some(expected), "{name}");
    }
}

#[tokio::test]
async fn a_user_is_made_once_and_found_by_its_name() {
    let kms = Kms::new().await;
    assert_eq!(kms.ram("GetUser", [ALICE]).await.err(), Some(Code::NoUser));
    let made = kms.ram("CreateUser", [ALICE, ("Comments", "joined in May")]).await.unwrap();
    assert_eq!(kms.ram("CreateUser", [ALICE]).await.err(), Some(Code::UserExists));
    let found = kms.ram("GetUser", [ALICE]).await.unwrap();
    for name in ["User.UserId", "User.Comments", "User.CreateDate"] {
        assert_eq!(found.get(name), made.get(name), "{name}");
    }
    assert_eq!(found.get("User.LastLoginDate"), Some(""));
}

#[tokio::test]
async fn what_is_not_sent_stays_and_an_empty_text_replaces() {
    let kms = Kms::new().await;
    assert_eq!(kms.ram("UpdateUser", [ALICE]).await.err(), Some(Code::NoUser));
    kms.ram("CreateUser", [ALICE, ("Comments", "here"), ("Email", "a@b")]).await.unwrap();
    kms.clock.advance_seconds(1);
    let changed = kms.ram("UpdateUser", [ALICE, ("NewComments", ""), ("NewDisplayName", "A")]);
    let changed = changed.await.unwrap();
    assert_eq!(changed.get("User.Comments"), Some(""));
    assert_eq!(changed.get("User.Email"), Some("a@b"));
    assert_eq!(changed.get("User.DisplayName"), Some("A"));
    assert_ne!(changed.get("User.UpdateDate"), changed.get("User.CreateDate"));
}

#[tokio::test]
async fn a_renamed_user_keeps_what_it_has() {
    let kms = with_alice().await;
    kms.ram("CreateUser", [("UserName", "bob")]).await.unwrap();
    kms.ram("CreateGroup", [GROUP]).await.unwrap();
    kms.ram("AddUserToGroup", [ALICE, GROUP]).await.unwrap();
    kms.ram("CreateAccessKey", [ALICE]).await.unwrap();
    let rename = async |to| kms.ram("UpdateUser", [ALICE, ("NewUserName", to)]).await;
    assert_eq!(rename("bob").await.err(), Some(Code::UserExists));
    let id = kms.ram("GetUser", [ALICE]).await.unwrap().get("User.UserId").unwrap().to_owned();
    let renamed = rename("carol").await.unwrap();
    assert_eq!(renamed.get("User.UserId"), Some(&*id));
    assert_eq!(kms.ram("GetUser", [ALICE]).await.err(), Some(Code::NoUser));
    let groups = kms.ram("ListGroupsForUser", [("UserName", "carol")]).await.unwrap();
    assert_eq!(texts(&groups, "Groups.Group", "GroupName"), ["developers"]);
    let keys = kms.ram("ListAccessKeys", [("UserName", "carol")]).await.unwrap();
    assert_eq!(keys.count("AccessKeys.AccessKey"), Some(1));
}

#[tokio::test]
async fn lists_go_on_after_a_marker() {
    let kms = Kms::new().await;
    for name in ["bob", "carol", "alice"] {
        kms.ram("CreateUser", [("UserName", name)]).await.unwrap();
    }
    assert_eq!(kms.ram("ListUsers", [("MaxItems", "0")]).await.err(), Some(Code::InvalidParameter));
    let first = kms.ram("ListUsers", [("MaxItems", "2")]).await.unwrap();
    assert_eq!(texts(&first, "Users.User", "UserName"), ["alice", "bob"]);
    assert_eq!(first.get("IsTruncated"), Some("true"));
    let rest = kms.ram("ListUsers", [("Marker", first.get("Marker").unwrap())]).await.unwrap();
    assert_eq!(texts(&rest, "Users.User", "UserName"), ["carol"]);
    assert_eq!((rest.get("IsTruncated"), rest.get("Marker")), (Some("false"), None));
}

#[tokio::test]
async fn a_user_is_judged_by_its_name() {
    let (root, _) = as_alice().await;
    let one = root.as_user(&[&allowing("acs:ram:*:*:user/alice")]);
    for action in ["CreateUser", "ListUsers"] {
        let reply = one.ram(action, [ALICE]).await.err();
        assert_eq!(reply, Some(Code::RamNoPermission), "{action}: user/* is asked for");
    }
    let other = one.ram("GetUser", [("UserName", "bob")]).await.err();
    assert_eq!(other, Some(Code::RamNoPermission), "whether or not it is there");
    one.ram("GetUser", [ALICE]).await.unwrap();
}

#[tokio::test]
async fn users_of_another_account_are_not_there() {
    let kms = with_alice().await;
    let stranger = kms.as_stranger().await;
    assert_eq!(stranger.ram("GetUser", [ALICE]).await.err(), Some(Code::NoUser));
    assert_eq!(stranger.ram("DeleteUser", [ALICE]).await.err(), Some(Code::NoUser));
    let listed = stranger.ram("ListUsers", []).await.unwrap();
    assert_eq!(listed.count("Users.User"), Some(0));
}

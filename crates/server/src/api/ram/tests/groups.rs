//! Groups.

use yaoku_wire::error::Code;

use super::{ALICE, GROUP, allowing, texts, with_alice};
use crate::{
    node::Limits,
    testing::{Kms, NOW},
};

#[tokio::test]
async fn names_have_limits_with_codes_of_their_own() {
    let kms = Kms::new().await;
    let long = "x".repeat(65);
    for (action, name, value, expected) in [
        ("CreateGroup", "GroupName", "a b", Code::GroupNameChars),
        ("CreateGroup", "GroupName", &long, Code::GroupNameLength),
        ("UpdateGroup", "NewGroupName", "a b", Code::NewGroupNameChars),
        ("UpdateGroup", "NewGroupName", &long, Code::NewGroupNameLength),
    ] {
        let params = if name == "GroupName" { [(name, value); 2] } else { [GROUP, (name, value)] };
        assert_eq!(kms.ram(action, params).await.err(), Some(expected), "{value}");
    }
    for action in ["GetGroup", "UpdateGroup", "DeleteGroup", "ListUsersForGroup"] {
        assert_eq!(kms.ram(action, [GROUP]).await.err(), Some(Code::NoGroup), "{action}");
    }
}

#[tokio::test]
async fn there_is_room_for_so_many_groups_and_for_a_user_in_so_many() {
    let kms = Kms::with_limits(Limits { groups: 2, groups_of_user: 1, ..Limits::default() }).await;
    kms.ram("CreateUser", [ALICE]).await.unwrap();
    for name in ["a", "b"] {
        kms.ram("CreateGroup", [("GroupName", name)]).await.unwrap();
    }
    let third = kms.ram("CreateGroup", [GROUP]).await.err();
    assert_eq!(third, Some(Code::TooManyGroup));
    kms.ram("AddUserToGroup", [ALICE, ("GroupName", "a")]).await.unwrap();
    let second = kms.ram("AddUserToGroup", [ALICE, ("GroupName", "b")]).await.err();
    assert_eq!(second, Some(Code::TooManyUserGroup));
    let service = Limits::default();
    assert_eq!((service.groups, service.groups_of_user), (50, 5));
}

#[tokio::test]
async fn joining_and_leaving_ask_for_both_the_user_and_the_group() {
    let kms = with_alice().await;
    kms.ram("CreateGroup", [GROUP]).await.unwrap();
    for one in ["acs:ram:*:*:user/*", "acs:ram:*:*:group/*"] {
        let half = kms.as_user(&[&allowing(one)]);
        for action in ["AddUserToGroup", "RemoveUserFromGroup"] {
            let refused = half.ram(action, [ALICE, GROUP]).await.err();
            assert_eq!(refused, Some(Code::RamNoPermission), "{action} {one}");
        }
    }
    let both = kms.as_user(&[&allowing("acs:ram:*:*:user/*"), &allowing("acs:ram:*:*:group/*")]);
    let nobody = both.ram("AddUserToGroup", [("UserName", "bob"), GROUP]).await.err();
    assert_eq!(nobody, Some(Code::NoUser));
    let nowhere = both.ram("AddUserToGroup", [ALICE, ("GroupName", "x")]).await.err();
    assert_eq!(nowhere, Some(Code::NoGroup));
    let outside = both.ram("RemoveUserFromGroup", [ALICE, GROUP]).await.err();
    assert_eq!(outside, Some(Code::NoUserGroup));
    both.ram("AddUserToGroup", [ALICE, GROUP]).await.unwrap();
    let twice = both.ram("AddUserToGroup", [ALICE, GROUP]).await.err();
    assert_eq!(twice, Some(Code::UserGroupExists));
    let users = both.ram("ListUsersForGroup", [GROUP]).await.unwrap();
    assert_eq!(texts(&users, "Users.User", "UserName"), ["alice"]);
    assert_eq!(texts(&users, "Users.User", "JoinDate"), [NOW.to_string()]);
    both.ram("RemoveUserFromGroup", [ALICE, GROUP]).await.unwrap();
    let groups = both.ram("ListGroupsForUser", [ALICE]).await.unwrap();
    assert_eq!(groups.count("Groups.Group"), Some(0));
}

#[tokio::test]
async fn a_group_is_renamed_with_its_users_and_deleted_without() {
    let kms = with_alice().await;
    kms.ram("CreateGroup", [GROUP, ("Comments", "of the shop")]).await.unwrap();
    assert_eq!(kms.ram("CreateGroup", [GROUP]).await.err(), Some(Code::GroupExists));
    kms.ram("CreateGroup", [("GroupName", "others")]).await.unwrap();
    kms.ram("AddUserToGroup", [ALICE, GROUP]).await.unwrap();
    let rename = async |to| kms.ram("UpdateGroup", [GROUP, ("NewGroupName", to)]).await;
    assert_eq!(rename("others").await.err(), Some(Code::GroupExists));
    let renamed = rename("makers").await.unwrap();
    assert_eq!(renamed.get("Group.Comments"), Some("of the shop"));
    let makers = ("GroupName", "makers");
    let listed = kms.ram("ListGroups", []).await.unwrap();
    assert_eq!(texts(&listed, "Groups.Group", "GroupName"), ["makers", "others"]);
    assert_eq!(kms.ram("DeleteGroup", [makers]).await.err(), Some(Code::GroupUserInTheWay));
    kms.ram("RemoveUserFromGroup", [ALICE, makers]).await.unwrap();
    let policy = [makers, ("PolicyType", "System"), ("PolicyName", "AliyunKMSReadOnlyAccess")];
    kms.ram("AttachPolicyToGroup", policy).await.unwrap();
    assert_eq!(kms.ram("DeleteGroup", [makers]).await.err(), Some(Code::GroupPolicyInTheWay));
    kms.ram("DetachPolicyFromGroup", policy).await.unwrap();
    kms.ram("DeleteGroup", [makers]).await.unwrap();
    assert_eq!(kms.ram("GetGroup", [makers]).await.err(), Some(Code::NoGroup));
}

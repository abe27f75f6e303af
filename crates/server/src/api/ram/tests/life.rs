//! A user's whole life, as Terraform's provider drives it.

use yaoku_wire::error::Code;

use super::{ALICE, GROUP, with_alice};
use crate::testing::{Kms, NOW};

const POLICY: [(&str, &str); 2] =
    [("PolicyType", "System"), ("PolicyName", "AliyunKMSReadOnlyAccess")];

/// Makes everything that a user can have; answers its access key and its device.
async fn furnish(kms: &Kms) -> (String, String) {
    let tag = [("ResourceType", "user"), ("ResourceNames.1", "alice"), ("Tag.1.Key", "team")];
    kms.ram("TagResources", tag).await.unwrap();
    kms.ram("CreateGroup", [GROUP]).await.unwrap();
    kms.ram("AddUserToGroup", [ALICE, GROUP]).await.unwrap();
    kms.ram("CreateLoginProfile", [ALICE, ("Password", "Correct-horse-1")]).await.unwrap();
    let key = kms.ram("CreateAccessKey", [ALICE]).await.unwrap();
    let phone = kms.ram("CreateVirtualMFADevice", [("VirtualMFADeviceName", "phone")]).await;
    let serial = phone.unwrap().get("VirtualMFADevice.SerialNumber").unwrap().to_owned();
    let mut tx = kms.node.store.write().await.unwrap();
    let name = "phone".parse().unwrap();
    let mut device = tx.mfa_device(&kms.account, &name).await.unwrap().unwrap();
    device.bound = Some(("alice".parse().unwrap(), NOW));
    tx.update_mfa_device(&device).await.unwrap();
    tx.commit().await.unwrap();
    kms.ram("AttachPolicyToUser", [ALICE, POLICY[0], POLICY[1]]).await.unwrap();
    (key.get("AccessKey.AccessKeyId").unwrap().to_owned(), serial)
}

#[tokio::test]
async fn what_is_in_the_way_of_a_deletion_is_named_until_nothing_is() {
    let kms = with_alice().await;
    let (key, serial) = furnish(&kms).await;
    let delete = async || kms.ram("DeleteUser", [ALICE]).await.map(drop);
    assert_eq!(delete().await, Err(Code::UserGroupInTheWay));
    let in_use = kms.ram("DeleteGroup", [GROUP]).await.err();
    assert_eq!(in_use, Some(Code::GroupUserInTheWay));
    kms.ram("RemoveUserFromGroup", [ALICE, GROUP]).await.unwrap();
    assert_eq!(delete().await, Err(Code::UserAccessKeyInTheWay));
    kms.ram("DeleteAccessKey", [ALICE, ("UserAccessKeyId", &key)]).await.unwrap();
    assert_eq!(delete().await, Err(Code::UserLoginProfileInTheWay));
    kms.ram("DeleteLoginProfile", [ALICE]).await.unwrap();
    assert_eq!(delete().await, Err(Code::UserMfaDeviceInTheWay));
    let bound = kms.ram("DeleteVirtualMFADevice", [("SerialNumber", &serial)]).await.err();
    assert_eq!(bound, Some(Code::VirtualMfaDeviceUserInTheWay));
    kms.ram("UnbindMFADevice", [ALICE]).await.unwrap();
    assert_eq!(delete().await, Err(Code::UserPolicyInTheWay));
    kms.ram("DetachPolicyFromUser", [ALICE, POLICY[0], POLICY[1]]).await.unwrap();
    assert_eq!(delete().await, Ok(()));
    assert_eq!(delete().await, Err(Code::NoUser));
    kms.ram("DeleteGroup", [GROUP]).await.unwrap();
    kms.ram("DeleteVirtualMFADevice", [("SerialNumber", &serial)]).await.unwrap();
    let tags = kms.ram("ListTagResources", [("ResourceType", "user")]).await.unwrap();
    assert_eq!(tags.count("TagResources"), Some(0), "its tags went with it");
}

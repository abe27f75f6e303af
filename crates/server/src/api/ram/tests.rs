//! Tests of RAM's operations, through the pipeline.

use yaoku_wire::error::Code;

use crate::testing::Kms;

const ALICE: (&str, &str) = ("UserName", "alice");

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

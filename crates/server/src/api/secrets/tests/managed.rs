//! Managed secrets: how they are made, shown and turned. Source: secrets.md §6, §9 items 2, 6, 10, 11,
//! 12, 15. Servers are in the tests of the program; here are those of the store alone.

use yaoku_model::secret::{AutomaticRotation, Step};
use yaoku_wire::{error::Code, fields::Fields};

use super::Reply;
use crate::testing::Kms;

const DAY: i64 = 86_400;
pub(super) const RDS: &str = r#"{"SecretSubType":"DoubleUsers","DBInstanceId":"rm-1"}"#;
pub(super) const ACCOUNTS: &str = r#"{"Accounts":[{"AccountName":"app","AccountPassword":"p1"}]}"#;
const TRUST: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",
    "Principal":{"Service":["kms.aliyuncs.com"]}}]}"#;

/// Makes a secret of two accounts of a database server.
pub(super) async fn rds(kms: &Kms, name: &str) -> Reply {
    let params = [
        ("SecretName", name),
        ("VersionId", "v1"),
        ("SecretType", "Rds"),
        ("SecretData", ACCOUNTS),
        ("ExtendedConfig", RDS),
    ];
    kms.call("CreateSecret", params).await
}

/// A node with a RAM user `ci` who has a key, and the role that lets the service turn it.
pub(super) async fn with_user() -> (Kms, String) {
    let kms = Kms::new().await;
    let role = "AliyunKMSManagedRAMCrendentialsRole";
    kms.ram("CreateRole", [("RoleName", role), ("AssumeRolePolicyDocument", TRUST)]).await.unwrap();
    kms.ram("CreateUser", [("UserName", "ci")]).await.unwrap();
    let key = access_key(&kms).await;
    (kms, key)
}

/// A new key of the user, as a client writes it into `AccessKeys`.
async fn access_key(kms: &Kms) -> String {
    let made = kms.ram("CreateAccessKey", [("UserName", "ci")]).await.unwrap();
    let text = |name: &str| made.get(&format!("AccessKey.{name}")).unwrap().to_owned();
    let (id, secret) = (text("AccessKeyId"), text("AccessKeySecret"));
    format!(r#"{{"AccessKeyId":"{id}","AccessKeySecret":"{secret}"}}"#)
}

async fn ram(kms: &Kms, keys: &str) -> Reply {
    let params = [
        ("SecretName", "$Auto"),
        ("VersionId", "v1"),
        ("SecretType", "RAMCredentials"),
        ("SecretData", &format!(r#"{{"AccessKeys":[{keys}]}}"#)),
        ("ExtendedConfig", r#"{"SecretSubType":"RamUserAccessKey","UserName":"ci"}"#),
    ];
    kms.call("CreateSecret", params).await
}

/// A user whose key was rotated once, while both work: the secret's name, and the id of the old key.
async fn with_two_keys() -> (Kms, &'static str, String) {
    let (kms, key) = with_user().await;
    let name = "acs/ram/user/ci";
    ram(&kms, &key).await.unwrap();
    let old = users_keys(&kms).await.remove(0);
    rotate(&kms, name, "v2").await.unwrap();
    (kms, name, old)
}

async fn rotate(kms: &Kms, name: &str, version: &str) -> Reply {
    kms.call("RotateSecret", [("SecretName", name), ("VersionId", version)]).await
}

/// One field of each notice of the account, the last first.
async fn told(kms: &Kms, field: &str) -> Vec<String> {
    let listed = kms.call("ListNotices", []).await.unwrap();
    let one = |nth| listed.get(&format!("Notices.Notice.{nth}.{field}")).unwrap().to_owned();
    (0..listed.count("Notices.Notice").unwrap()).map(one).collect()
}

async fn value(kms: &Kms, name: &str, stage: &str) -> Reply {
    kms.call("GetSecretValue", [("SecretName", name), ("VersionStage", stage)]).await
}

async fn described(kms: &Kms, name: &str) -> Fields {
    kms.call("DescribeSecret", [("SecretName", name)]).await.unwrap()
}

async fn users_keys(kms: &Kms) -> Vec<String> {
    let listed = kms.ram("ListAccessKeys", [("UserName", "ci")]).await.unwrap();
    let id = |nth: usize| listed.get(&format!("AccessKeys.AccessKey.{nth}.AccessKeyId"));
    (0..3).filter_map(id).map(str::to_owned).collect()
}

#[tokio::test]
async fn what_a_managed_secret_lacks_is_named_and_nothing_is_made() {
    let kms = Kms::new().await;
    let good = [
        ("SecretName", "a"),
        ("VersionId", "v1"),
        ("SecretType", "Rds"),
        ("SecretData", ACCOUNTS),
        ("ExtendedConfig", RDS),
    ];
    for (name, wrong, expected) in [
        ("ExtendedConfig", "", Code::MissingParameter),
        ("ExtendedConfig", "{}", Code::InvalidParameter),
        ("ExtendedConfig", r#"{"SecretSubType":"DoubleUsers"}"#, Code::InvalidParameter),
        ("SecretData", "p1", Code::InvalidParameter),
        ("SecretData", r#"{"Accounts":[]}"#, Code::InvalidParameter),
        ("SecretDataType", "binary", Code::InvalidParameter),
        ("SecretName", "acs/a", Code::InvalidParameter),
        ("SecretType", "rds", Code::InvalidParameter),
        ("SecretType", "ECS", Code::InvalidParameter),
        ("EnableAutomaticRotation", "true", Code::MissingParameter),
        ("EnableAutomaticRotation", "perhaps", Code::InvalidParameter),
    ] {
        let mut params: Vec<_> = good.into_iter().filter(|it| it.0 != name).collect();
        params.push((name, wrong));
        assert_eq!(kms.call_with("CreateSecret", &params).await, Err(expected), "{name}={wrong}");
    }
    let listed = kms.call("ListSecrets", []).await.unwrap();
    assert_eq!(listed.get("TotalCount"), Some("0"));
}

#[tokio::test]
async fn the_name_of_a_managed_secret_fits_its_kind() {
    let (kms, key) = with_user().await;
    let ecs = r#"{"SecretSubType":"Password","InstanceId":"i-1","RegionId":"r","CommandId":""}"#;
    let user = r#"{"SecretSubType":"RamUserAccessKey","UserName":"ci"}"#;
    let password = r#"{"UserName":"root","Password":"p1"}"#;
    let keys = format!(r#"{{"AccessKeys":[{key}]}}"#);
    for (kind, name, data, config, expected) in [
        ("ECS", "a", password, ecs, Err(Code::InvalidParameter)),
        ("ECS", "acs/rds/a", password, ecs, Err(Code::InvalidParameter)),
        ("ECS", "acs/ecs/a", password, ecs, Ok("acs/ecs/a")),
        ("RAMCredentials", "ci", &*keys, user, Err(Code::InvalidParameter)),
        ("RAMCredentials", "acs/ram/user/ci", &*keys, user, Err(Code::InvalidParameter)),
        ("RAMCredentials", "$Auto", &*keys, user, Ok("acs/ram/user/ci")),
        ("Rds", "acs/a", ACCOUNTS, RDS, Err(Code::InvalidParameter)),
    ] {
        let params = [
            ("SecretName", name),
            ("VersionId", "v1"),
            ("SecretType", kind),
            ("SecretData", data),
            ("ExtendedConfig", config),
        ];
        let made = kms.call("CreateSecret", params).await;
        let made = made.as_ref().map(|it| it.get("SecretName").unwrap()).map_err(|it| *it);
        assert_eq!(made, expected, "{kind} {name}");
    }
    let shown = described(&kms, "acs/ecs/a").await;
    assert!(shown.get("ExtendedConfig").unwrap().contains(r#""CommandId":"""#), "what was sent");
}

#[tokio::test]
async fn of_two_accounts_the_first_is_current_and_what_rotates_says_when() {
    let kms = Kms::new().await;
    let params = [
        ("SecretName", "a"),
        ("VersionId", "v1"),
        ("SecretType", "Rds"),
        (
            "SecretData",
            r#"{"Accounts":[{"AccountName":"one","AccountPassword":"p1"},{"AccountName":"two","AccountPassword":"p2"}]}"#,
        ),
        ("ExtendedConfig", RDS),
        ("EnableAutomaticRotation", "true"),
        ("RotationInterval", "7d"),
    ];
    let made = kms.call("CreateSecret", params).await.unwrap();
    let next = crate::testing::NOW.plus_seconds(7 * DAY).to_string();
    for (stage, name) in [("ACSCurrent", "one"), ("ACSPrevious", "two")] {
        let read = value(&kms, "a", stage).await.unwrap();
        assert!(read.get("SecretData").unwrap().contains(&format!("\"{name}\"")), "{stage}");
        for shown in [&made, &read] {
            assert_eq!(shown.get("AutomaticRotation"), Some("Enabled"));
            assert_eq!(shown.get("RotationInterval"), Some("604800s"));
            assert_eq!(shown.get("NextRotationDate"), Some(&*next));
            assert_eq!(shown.get("LastRotationDate"), None);
        }
    }
}

#[tokio::test]
async fn a_managed_secret_says_what_it_is_about() {
    let kms = Kms::new().await;
    let made = rds(&kms, "a").await.unwrap();
    let shown = r#"{"CustomData":{},"DBInstanceId":"rm-1","SecretSubType":"DoubleUsers"}"#;
    assert_eq!(made.get("ExtendedConfig"), Some(shown));
    assert_eq!(made.get("AutomaticRotation"), Some("Disabled"));
    assert_eq!((made.get("RotationInterval"), made.get("NextRotationDate")), (None, None));
    let it = described(&kms, "a").await;
    assert_eq!((it.get("SecretType"), it.get("ExtendedConfig")), (Some("Rds"), Some(shown)));
    assert_eq!(it.get("LastRotationDate"), None);
    let read = value(&kms, "a", "ACSCurrent").await.unwrap();
    assert_eq!(read.get("SecretData"), Some(r#"{"AccountName":"app","AccountPassword":"p1"}"#));
    assert_eq!(read.get("ExtendedConfig"), None, "only if it is asked for");
    let asked = [("SecretName", "a"), ("FetchExtendedConfig", "True"), ("VersionId", "nothing")];
    let read = kms.call("GetSecretValue", asked).await.unwrap();
    assert_eq!((read.get("ExtendedConfig"), read.get("VersionId")), (Some(shown), Some("v1")));
    for stage in ["ACSPrevious", "mine"] {
        assert_eq!(value(&kms, "a", stage).await, Err(Code::ResourceNotFound), "{stage}");
    }
}

#[tokio::test]
async fn custom_data_is_replaced_however_it_is_sent() {
    let kms = Kms::new().await;
    rds(&kms, "a").await.unwrap();
    for (name, text, expected) in [
        ("ExtendedConfig.CustomData.Port", "3306", r#"{"Port":"3306"}"#),
        ("ExtendedConfig.CustomData", r#"{"DBName":"x"}"#, r#"{"DBName":"x"}"#),
        ("ExtendedConfig", r#"{"CustomData":{"a":"b"}}"#, r#"{"a":"b"}"#),
        ("ExtendedConfig.CustomData.a.b", "c", r#"{"a.b":"c"}"#),
        ("Description", "d", r#"{"a.b":"c"}"#),
    ] {
        kms.call("UpdateSecret", [("SecretName", "a"), (name, text)]).await.unwrap();
        let shown = described(&kms, "a").await;
        let shown = shown.get("ExtendedConfig").unwrap();
        assert!(shown.contains(&format!("\"CustomData\":{expected}")), "{name}: {shown}");
    }
    let wrong = [("SecretName", "a"), ("ExtendedConfig.CustomData", "[]")];
    assert_eq!(kms.call("UpdateSecret", wrong).await, Err(Code::InvalidParameter));
}

#[tokio::test]
async fn the_policy_of_rotation_is_shown_while_it_is_on() {
    let kms = Kms::new().await;
    super::create(&kms, "generic", "x").await;
    rds(&kms, "a").await.unwrap();
    let set = async |name, on, every| {
        let params =
            [("SecretName", name), ("EnableAutomaticRotation", on), ("RotationInterval", every)];
        kms.call("UpdateSecretRotationPolicy", params).await.map(drop)
    };
    for (name, on, every, expected) in [
        ("generic", "true", "7d", Err(Code::RejectedUnsupportedOperation)),
        ("nothing", "true", "7d", Err(Code::ResourceNotFound)),
        ("a", "", "7d", Err(Code::MissingParameter)),
        ("a", "true", "", Err(Code::MissingParameter)),
        ("a", "true", "5h", Err(Code::InvalidParameter)),
        ("a", "True", "168h", Ok(())),
    ] {
        assert_eq!(set(name, on, every).await, expected, "{name} {on} {every}");
    }
    let it = described(&kms, "a").await;
    assert_eq!(it.get("AutomaticRotation"), Some("Enabled"));
    assert_eq!(it.get("RotationInterval"), Some("604800s"));
    let next = crate::testing::NOW.plus_seconds(7 * DAY).to_string();
    assert_eq!(it.get("NextRotationDate"), Some(&*next));
    set("a", "false", "nonsense").await.unwrap();
    let it = described(&kms, "a").await;
    assert_eq!(it.get("AutomaticRotation"), Some("Disabled"));
    assert_eq!((it.get("RotationInterval"), it.get("NextRotationDate")), (None, None));
}

#[tokio::test]
async fn access_keys_need_their_user_all_their_keys_and_the_services_role() {
    let kms = Kms::new().await;
    kms.ram("CreateUser", [("UserName", "ci")]).await.unwrap();
    let key = access_key(&kms).await;
    assert_eq!(ram(&kms, &key).await, Err(Code::NoPermission), "no role of the service");
    let (kms, key) = with_user().await;
    let other = r#"{"AccessKeyId":"LTAIother","AccessKeySecret":"s"}"#;
    assert_eq!(ram(&kms, other).await, Err(Code::InvalidParameter));
    assert_eq!(ram(&kms, &format!("{key},{other}")).await, Err(Code::InvalidParameter));
    kms.clock.advance_seconds(60);
    let second = access_key(&kms).await;
    assert_eq!(ram(&kms, &key).await, Err(Code::InvalidParameter), "not all of them");
    let made = ram(&kms, &format!("{key},{second}")).await.unwrap();
    assert_eq!(made.get("SecretName"), Some("acs/ram/user/ci"));
    assert_eq!(ram(&kms, &format!("{key},{second}")).await, Err(Code::ResourceExist));
    let current = value(&kms, "acs/ram/user/ci", "ACSCurrent").await.unwrap();
    let text = current.get("SecretData").unwrap();
    let second = second.trim_end_matches('}');
    let at = kms.clock_now().to_string();
    assert_eq!(text, format!(r#"{second},"GenerateTimestamp":"{at}"}}"#), "the newest");
    assert!(value(&kms, "acs/ram/user/ci", "ACSPrevious").await.is_ok());
}

#[tokio::test]
async fn both_access_keys_work_for_two_days_and_then_the_old_one_is_gone() {
    let (kms, key) = with_user().await;
    let name = "acs/ram/user/ci";
    ram(&kms, &key).await.unwrap();
    let before = users_keys(&kms).await;
    rotate(&kms, name, "v1").await.unwrap();
    assert_eq!(users_keys(&kms).await, before, "that version is there already");
    rotate(&kms, name, "v2").await.unwrap();
    let during = users_keys(&kms).await;
    assert_eq!(during.len(), 2);
    let current = value(&kms, name, "ACSCurrent").await.unwrap();
    assert_eq!(current.get("VersionId"), Some("v2"));
    assert!(!current.get("SecretData").unwrap().contains(&before[0]));
    let previous = value(&kms, name, "ACSPrevious").await.unwrap();
    assert!(previous.get("SecretData").unwrap().contains(&before[0]));
    rotate(&kms, name, "v2").await.unwrap();
    assert_eq!(rotate(&kms, name, "v3").await, Err(Code::ResourceInUse));
    kms.clock.advance_seconds(2 * DAY - 1);
    kms.settle().await;
    assert_eq!(users_keys(&kms).await.len(), 2);
    kms.clock.advance_seconds(1);
    kms.settle().await;
    let after = users_keys(&kms).await;
    assert!(after.len() == 1 && !after.contains(&before[0]));
    assert_eq!(value(&kms, name, "ACSPrevious").await, Err(Code::ResourceNotFound));
    rotate(&kms, name, "v3").await.unwrap();
}

#[tokio::test]
async fn who_knows_only_the_id_of_an_access_key_gets_no_new_one() {
    let (kms, key) = with_user().await;
    let guessed = key.replace("Secret\":\"", "Secret\":\"x");
    assert_eq!(ram(&kms, &guessed).await, Err(Code::InvalidParameter));
    let of = [("SecretName", "acs/ram/user/ci")];
    assert_eq!(
        kms.call("DescribeSecret", of).await,
        Err(Code::ResourceNotFound),
        "nothing was made"
    );
}

#[tokio::test]
async fn keys_that_were_renewed_by_hand_are_left_alone() {
    let (kms, key) = with_user().await;
    let name = "acs/ram/user/ci";
    ram(&kms, &key).await.unwrap();
    let old = users_keys(&kms).await.remove(0);
    access_key(&kms).await;
    let of = [("UserName", "ci"), ("UserAccessKeyId", &*old)];
    kms.ram("DeleteAccessKey", of).await.unwrap();
    let by_hand = users_keys(&kms).await;
    assert_eq!(rotate(&kms, name, "v2").await, Err(Code::ResourceNotFound));
    assert_eq!(users_keys(&kms).await, by_hand);
}

#[tokio::test]
async fn only_the_key_that_was_current_goes_when_the_window_ends_and_that_is_written_down() {
    let (kms, name, old) = with_two_keys().await;
    let of = [("UserName", "ci"), ("UserAccessKeyId", &*old)];
    kms.ram("DeleteAccessKey", of).await.unwrap();
    access_key(&kms).await;
    let before = users_keys(&kms).await;
    kms.clock.advance_seconds(2 * DAY);
    kms.settle().await;
    assert_eq!(users_keys(&kms).await, before, "one of them was made by hand");
    kms.clock.advance_seconds(DAY);
    let current = value(&kms, name, "ACSCurrent").await.unwrap();
    let is_current = |id: &&String| current.get("SecretData").unwrap().contains(&***id);
    let by_hand = before.iter().find(|id| !is_current(id)).unwrap();
    let of = [("UserName", "ci"), ("UserAccessKeyId", &**by_hand)];
    kms.ram("DeleteAccessKey", of).await.unwrap();
    rotate(&kms, name, "v3").await.unwrap();
    let made = users_keys(&kms).await;
    kms.clock.advance_seconds(2 * DAY);
    kms.settle().await;
    let left = users_keys(&kms).await;
    assert_eq!(left.len(), 1);
    let gone = made.iter().find(|it| !left.contains(it)).unwrap();
    let events = kms.events().await;
    let deleted = events.iter().find(|it| it.action == "yaoku:DeleteAccessKey").unwrap();
    assert!(deleted.resources[0].ends_with(&format!("user/ci/accesskey/{gone}")));
    assert_eq!(events.iter().filter(|it| it.action == "yaoku:CreateAccessKey").count(), 2);
}

#[tokio::test]
async fn a_secret_whose_key_is_disabled_fails_once_and_is_told_of_once() {
    let kms = Kms::new().await;
    let made = kms.call("CreateKey", []).await.unwrap();
    let key = made.get("KeyMetadata.KeyId").unwrap().to_owned();
    let params = [
        ("SecretName", "a"),
        ("VersionId", "v1"),
        ("SecretType", "Rds"),
        ("SecretData", ACCOUNTS),
        ("ExtendedConfig", RDS),
        ("EncryptionKeyId", &key),
        ("EnableAutomaticRotation", "true"),
        ("RotationInterval", "7d"),
    ];
    kms.call("CreateSecret", params).await.unwrap();
    kms.call("DisableKey", [("KeyId", &*key)]).await.unwrap();
    kms.clock.advance_seconds(7 * DAY);
    for _ in 0..3 {
        kms.settle().await;
        kms.clock.advance_seconds(60);
    }
    assert_eq!(described(&kms, "a").await.get("AutomaticRotation"), Some("Invalid"));
    let failed = kms.events().await;
    let failed: Vec<_> = failed.iter().filter(|it| it.action == "yaoku:RotateSecret").collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].code.as_deref(), Some("Rejected.Disabled"));
}

async fn set_interval(kms: &Kms, name: &str, it: &str) {
    let policy =
        [("SecretName", name), ("EnableAutomaticRotation", "true"), ("RotationInterval", it)];
    kms.call("UpdateSecretRotationPolicy", policy).await.unwrap();
}

#[tokio::test]
async fn access_keys_turn_by_themselves_when_their_date_has_come() {
    let (kms, key) = with_user().await;
    let name = "acs/ram/user/ci";
    ram(&kms, &key).await.unwrap();
    set_interval(&kms, name, "7d").await;
    let first = users_keys(&kms).await;
    for week in 1..=3 {
        kms.clock.advance_seconds(7 * DAY);
        kms.settle().await;
        kms.settle().await;
        let it = described(&kms, name).await;
        let at = crate::testing::NOW.plus_seconds(week * 7 * DAY);
        assert_eq!(it.get("LastRotationDate"), Some(&*at.to_string()), "week {week}");
        let next = at.plus_seconds(7 * DAY).to_string();
        assert_eq!(it.get("NextRotationDate"), Some(&*next));
    }
    assert!(!users_keys(&kms).await.contains(&first[0]));
    let success = "Secret:RotateSecret:Success";
    assert_eq!(told(&kms, "Name").await, [success; 2], "the third window is not over");
    let events = kms.events().await;
    let count = |action| events.iter().filter(|it| it.action == action).count();
    assert_eq!((count("yaoku:RotateSecret"), count("yaoku:DeleteAccessKey")), (3, 2));
}

#[tokio::test]
async fn a_window_is_as_long_as_is_asked_for() {
    let (kms, key) = with_user().await;
    let name = "acs/ram/user/ci";
    ram(&kms, &key).await.unwrap();
    let rotate = async |window| {
        let params = [("SecretName", name), ("VersionId", "v2"), ("RotationWindow", window)];
        kms.call("RotateSecret", params).await.map(drop)
    };
    for window in ["9m", "3d", "soon"] {
        assert_eq!(rotate(window).await, Err(Code::InvalidParameter), "{window}");
    }
    rotate("10m").await.unwrap();
    kms.clock.advance_seconds(599);
    kms.settle().await;
    assert_eq!(users_keys(&kms).await.len(), 2);
    kms.clock.advance_seconds(1);
    kms.settle().await;
    assert_eq!(users_keys(&kms).await.len(), 1);
    set_interval(&kms, name, "6h").await;
    let params = [("SecretName", name), ("VersionId", "v3"), ("RotationWindow", "2d")];
    kms.call("RotateSecret", params).await.unwrap();
    let next = kms.clock_now().plus_seconds(2 * DAY).to_string();
    assert_eq!(described(&kms, name).await.get("NextRotationDate"), Some(&*next));
}

#[tokio::test]
async fn who_deletes_the_old_access_key_need_not_wait_for_the_window() {
    let (kms, name, old) = with_two_keys().await;
    let of = [("UserName", "ci"), ("UserAccessKeyId", &*old)];
    let off = [of[0], of[1], ("Status", "Inactive")];
    kms.ram("UpdateAccessKey", off).await.unwrap();
    assert_eq!(rotate(&kms, name, "v3").await, Err(Code::ResourceInUse), "it can be enabled again");
    kms.ram("DeleteAccessKey", of).await.unwrap();
    // The new one leaked too: it is the one before, from now on.
    let leaked = users_keys(&kms).await.remove(0);
    let now = [("SecretName", name), ("VersionId", "v3"), ("RotationWindow", "10m")];
    kms.call("RotateSecret", now).await.unwrap();
    assert_eq!(told(&kms, "Name").await, ["Secret:RotateSecret:Success"], "the first is over");
    let previous = value(&kms, name, "ACSPrevious").await.unwrap();
    assert!(previous.get("SecretData").unwrap().contains(&leaked));
    let of = [("UserName", "ci"), ("UserAccessKeyId", &*leaked)];
    kms.ram("UpdateAccessKey", [of[0], of[1], ("Status", "Inactive")]).await.unwrap();
    kms.clock.advance_seconds(600);
    kms.settle().await;
    let left = users_keys(&kms).await;
    let current = value(&kms, name, "ACSCurrent").await.unwrap();
    assert!(left.len() == 1 && current.get("SecretData").unwrap().contains(&left[0]));
    assert_eq!(value(&kms, name, "ACSPrevious").await, Err(Code::ResourceNotFound));
    assert_eq!(described(&kms, name).await.get("AutomaticRotation"), Some("Disabled"));
}

#[tokio::test]
async fn who_deletes_a_secret_while_both_keys_work_is_told_which_one_is_left() {
    let (kms, name, old) = with_two_keys().await;
    let force = [("SecretName", name), ("ForceDeleteWithoutRecovery", "true")];
    kms.call("DeleteSecret", force).await.unwrap();
    assert!(users_keys(&kms).await.contains(&old));
    let event = told(&kms, "Event").await.remove(0);
    assert!(event.contains(&format!(r#""accessKeyLeft":"{old}""#)), "{event}");
}

#[tokio::test]
async fn a_user_who_goes_while_both_keys_work_makes_the_rotation_fail() {
    let (kms, name, _) = with_two_keys().await;
    for id in users_keys(&kms).await {
        let of = [("UserName", "ci"), ("UserAccessKeyId", &*id)];
        kms.ram("DeleteAccessKey", of).await.unwrap();
    }
    kms.ram("DeleteUser", [("UserName", "ci")]).await.unwrap();
    assert_eq!(described(&kms, name).await.get("AutomaticRotation"), Some("Disabled"));
    kms.clock.advance_seconds(2 * DAY);
    kms.settle().await;
    assert_eq!(described(&kms, name).await.get("AutomaticRotation"), Some("Invalid"));
    assert_eq!(value(&kms, name, "ACSCurrent").await.unwrap().get("VersionId"), Some("v2"));
    assert_eq!(told(&kms, "Name").await, ["Secret:RotateSecret:Failure"]);
}

#[tokio::test]
async fn a_user_who_is_gone_makes_the_rotation_fail() {
    let (kms, key) = with_user().await;
    let name = "acs/ram/user/ci";
    ram(&kms, &key).await.unwrap();
    set_interval(&kms, name, "7d").await;
    let before =
        value(&kms, name, "ACSCurrent").await.unwrap().get("SecretData").map(str::to_owned);
    let id = users_keys(&kms).await.remove(0);
    let of = [("UserName", "ci"), ("UserAccessKeyId", &*id)];
    kms.ram("DeleteAccessKey", of).await.unwrap();
    kms.ram("DeleteUser", [("UserName", "ci")]).await.unwrap();
    kms.clock.advance_seconds(7 * DAY);
    kms.settle().await;
    let it = described(&kms, name).await;
    assert_eq!(it.get("AutomaticRotation"), Some("Invalid"));
    let after = value(&kms, name, "ACSCurrent").await.unwrap();
    assert_eq!(after.get("SecretData").map(str::to_owned), before);
    assert_eq!(told(&kms, "Name").await, ["Secret:RotateSecret:Failure"]);
    assert_eq!(told(&kms, "Level").await, ["CRITICAL"]);
    let event = told(&kms, "Event").await.remove(0);
    for said in [
        r#""rotationStatus":"Invalid""#,
        r#""rotationSubType":"RamUserAccessKey""#,
        r#""errorCode":"Forbidden.ResourceNotFound""#,
        r#""status":"Failed""#,
    ] {
        assert!(event.contains(said), "{said}: {event}");
    }
    let events = kms.events().await;
    let failed = events.iter().find(|it| it.action == "yaoku:RotateSecret").unwrap();
    assert!(failed.code.is_some());
}

#[tokio::test]
async fn a_server_that_nobody_registered_fails_the_rotation_and_harms_nothing() {
    let kms = Kms::new().await;
    rds(&kms, "a").await.unwrap();
    rotate(&kms, "a", "v2").await.unwrap();
    kms.settle().await;
    kms.clock.advance_seconds(119);
    kms.settle().await;
    let status = described(&kms, "a").await;
    assert_eq!(status.get("AutomaticRotation"), Some("Disabled"), "it may be on its way");
    kms.clock.advance_seconds(20);
    kms.settle().await;
    assert_eq!(described(&kms, "a").await.get("AutomaticRotation"), Some("Invalid"));
    let event = told(&kms, "Event").await.remove(0);
    let entity = format!("acs:rds:cn-hangzhou:{}:dbinstance/rm-1", kms.account);
    for said in ["Secret:RotateSecret:Failure", "TargetNotFound", "failureTime", &entity] {
        assert!(event.contains(said), "{said}: {event}");
    }
    let read = value(&kms, "a", "ACSCurrent").await.unwrap();
    assert_eq!(read.get("VersionId"), Some("v1"));
    let mut tx = kms.node.store.read().await.unwrap();
    let account = &kms.account;
    let (found, _) = tx.secret(account, &"a".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(found.managed.unwrap().automatic, AutomaticRotation::Invalid);
    let row = tx.rotation(account, &found.name).await.unwrap().unwrap();
    assert_eq!(row.step, Step::Settle);
    drop(tx);
    let candidate = row.candidate.clone();
    rotate(&kms, "a", "v3").await.unwrap();
    let mut tx = kms.node.store.read().await.unwrap();
    let row = tx.rotation(account, &found.name).await.unwrap().unwrap();
    assert_eq!(row.candidate, candidate, "what the server may have taken is given to it again");
}

#[tokio::test]
async fn a_generic_secret_is_not_rotated() {
    let kms = Kms::new().await;
    super::create(&kms, "a", "x").await;
    let expected = Err(Code::RejectedUnsupportedOperation);
    assert_eq!(rotate(&kms, "a", "v2").await, expected);
    rds(&kms, "b").await.unwrap();
    let put = [("SecretName", "b"), ("VersionId", "v2"), ("SecretData", "y")];
    assert_eq!(kms.call("PutSecretValue", put).await, expected);
    let stage = [("SecretName", "b"), ("VersionStage", "x"), ("MoveToVersion", "v1")];
    assert_eq!(kms.call("UpdateSecretVersionStage", stage).await, expected);
}

crate::testing::on_postgres_too!(
    what_a_managed_secret_lacks_is_named_and_nothing_is_made,
    the_name_of_a_managed_secret_fits_its_kind,
    of_two_accounts_the_first_is_current_and_what_rotates_says_when,
    a_managed_secret_says_what_it_is_about,
    custom_data_is_replaced_however_it_is_sent,
    the_policy_of_rotation_is_shown_while_it_is_on,
    access_keys_need_their_user_all_their_keys_and_the_services_role,
    both_access_keys_work_for_two_days_and_then_the_old_one_is_gone,
    access_keys_turn_by_themselves_when_their_date_has_come,
    a_window_is_as_long_as_is_asked_for,
    who_deletes_the_old_access_key_need_not_wait_for_the_window,
    a_user_who_goes_while_both_keys_work_makes_the_rotation_fail,
    a_user_who_is_gone_makes_the_rotation_fail,
    a_server_that_nobody_registered_fails_the_rotation_and_harms_nothing,
    a_generic_secret_is_not_rotated,
);

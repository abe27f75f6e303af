//! Tests of the operations on instances, through the pipeline.

use yaoku_wire::error::Code;

use crate::testing::Kms;

#[tokio::test]
async fn a_refusal_does_not_say_what_exists() {
    let kms = Kms::new().await;
    let id = kms.instance_id.to_string();
    let user = kms.without("kms:GetKmsInstance");
    for id in [&*id, "kst-none"] {
        let reply = user.call("GetKmsInstance", [("KmsInstanceId", id)]).await;
        assert_eq!(reply, Err(Code::NoPermission), "{id}");
    }
    let stranger = kms.as_stranger().await;
    for id in [&*id, "kst-none"] {
        let reply = stranger.call("GetKmsInstance", [("KmsInstanceId", id)]).await;
        assert_eq!(reply, Err(Code::DkmsInstanceNotFound), "{id}");
    }
    let reply = kms.without("kms:ListKmsInstances").call("ListKmsInstances", []).await;
    assert_eq!(reply, Err(Code::NoPermission));
    let reply = stranger.call("ListKmsInstances", []).await.unwrap();
    assert_eq!(reply.count("KmsInstances.KmsInstance"), Some(0));
}

#[tokio::test]
async fn an_instance_has_every_field_that_clients_read() {
    let kms = Kms::new().await;
    let id = kms.instance_id.to_string();
    let reply = kms.call("GetKmsInstance", [("KmsInstanceId", &*id)]).await.unwrap();
    for (field, expected) in [
        ("InstanceId", &*id),
        ("InstanceName", &id),
        ("Status", "Connected"),
        ("CreateTime", "2026-01-02T03:04:05Z"),
        ("ProductVersion", "3"),
        ("CaCertificateChainPem", "the CA"),
        ("DeletionProtection", "false"),
        ("VpcId", ""),
    ] {
        assert_eq!(reply.get(&format!("KmsInstance.{field}")), Some(expected), "{field}");
    }
    for list in ["BindVpcs.BindVpc", "VswitchIds", "ZoneIds"] {
        assert_eq!(reply.count(&format!("KmsInstance.{list}")), Some(0), "{list}");
    }
}

#[tokio::test]
async fn instances_are_filtered_and_listed_by_pages() {
    let kms = Kms::new().await;
    let id = kms.instance_id.to_string();
    for (key, value, expected) in [
        ("KmsInstanceId", &*id, 1),
        ("KmsInstanceId", "kst-none", 0),
        ("InstanceName", &id, 1),
        ("Status", "Connected", 1),
        ("Status", "Error", 0),
        ("ProductVersion", "3", 1),
        ("ProductVersion", "5", 0),
        ("ChargeType", "PREPAY", 1),
        ("ChargeType", "POSTPAY", 0),
    ] {
        let filters = format!(r#"[{{"Key":"{key}","Values":["{value}"]}}]"#);
        let reply = kms.call("ListKmsInstances", [("Filters", &*filters)]).await.unwrap();
        assert_eq!(reply.count("KmsInstances.KmsInstance"), Some(expected), "{filters}");
        assert_eq!(reply.get("TotalCount"), Some(&*expected.to_string()), "{filters}");
    }
    let filters = r#"[{"Key":"Colour","Values":["red"]}]"#;
    let reply = kms.call("ListKmsInstances", [("Filters", filters)]).await;
    assert_eq!(reply, Err(Code::InvalidParameter));
    let reply = kms.call("ListKmsInstances", []).await.unwrap();
    let arn = format!("acs:kms:cn-hangzhou:{}:keystore/{id}", kms.account);
    assert_eq!(reply.get("KmsInstances.KmsInstance.0.KmsInstanceArn"), Some(&*arn));
    assert_eq!((reply.get("PageNumber"), reply.get("PageSize")), (Some("1"), Some("20")));
}

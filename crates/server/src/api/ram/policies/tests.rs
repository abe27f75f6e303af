//! Tests of policies and their versions, through the pipeline.

use yaoku_model::policy::system;
use yaoku_wire::{error::Code, fields::Fields};

use crate::{
    api::{Product, operation},
    node::Limits,
    testing::{Kms, NOW},
};

const DOCUMENT: &str = "{ \"Version\":\"1\",\r\n\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"kms:Encrypt\",\"Resource\":\"*\",\"Sid\":\"密\"}]}\t";

async fn create(kms: &Kms, name: &str) -> Result<Fields, Code> {
    kms.ram("CreatePolicy", [("PolicyName", name), ("PolicyDocument", DOCUMENT)]).await
}

async fn version(kms: &Kms, more: (&str, &str)) -> Result<String, Code> {
    let params = [("PolicyName", "p"), ("PolicyDocument", DOCUMENT), more];
    let made = kms.ram("CreatePolicyVersion", params).await?;
    Ok(made.get("PolicyVersion.VersionId").unwrap().to_owned())
}

/// The versions of `p`, that which counts with a star.
async fn versions(kms: &Kms) -> Vec<String> {
    let params = [("PolicyName", "p"), ("PolicyType", "Custom")];
    let list = kms.ram("ListPolicyVersions", params).await.unwrap();
    let at = |at: usize| list.fields(&format!("PolicyVersions.PolicyVersion.{at}")).unwrap();
    let star = |it: &Fields| if it.get("IsDefaultVersion") == Some("true") { "*" } else { "" };
    let shown = |it: &Fields| format!("{}{}", it.get("VersionId").unwrap(), star(it));
    (0..list.count("PolicyVersions.PolicyVersion").unwrap()).map(|it| shown(at(it))).collect()
}

async fn listed(kms: &Kms, params: &[(&str, &str)]) -> (Vec<String>, Option<String>) {
    let entry = operation(Product::Ram, "ListPolicies").unwrap();
    let list = kms.call_entry(entry, params).await.unwrap();
    let name = |at: usize| list.get(&format!("Policies.Policy.{at}.PolicyName")).unwrap();
    let names = (0..list.count("Policies.Policy").unwrap()).map(|at| name(at).to_owned());
    let marker = list.get("Marker").map(str::to_owned);
    assert_eq!(list.get("IsTruncated"), Some(if marker.is_some() { "true" } else { "false" }));
    (names.collect(), marker)
}

#[tokio::test]
async fn what_breaks_a_limit_is_refused_with_its_own_code() {
    let kms = Kms::new().await;
    let long = format!(r#"{{"Version":"1","Statement":[],"x":"{}"}}"#, "x".repeat(6144));
    for (name, document, description, expected) in [
        ("", DOCUMENT, "", Code::MissingParameter),
        ("p", "", "", Code::MissingParameter),
        ("a_b", DOCUMENT, "", Code::PolicyNameChars),
        (&*"p".repeat(129), DOCUMENT, "", Code::PolicyNameLength),
        ("p", DOCUMENT, &*"d".repeat(1025), Code::DescriptionLength),
        ("p", &*long, "", Code::PolicyDocumentLength),
        ("p", "{}", "", Code::MalformedPolicyDocument),
        ("p", &*DOCUMENT.replace("\"1\"", "\"2\""), "", Code::MalformedPolicyDocument),
        ("p", &*DOCUMENT.replace('密', "\u{7f}"), "", Code::MalformedPolicyDocument),
    ] {
        let params =
            [("PolicyName", name), ("PolicyDocument", document), ("Description", description)];
        assert_eq!(kms.ram("CreatePolicy", params).await, Err(expected), "{name} {expected:?}");
    }
    for (kind, expected) in [("", Code::MissingParameter), ("custom", Code::PolicyTypeUnknown)] {
        let params = [("PolicyName", "p"), ("PolicyType", kind)];
        assert_eq!(kms.ram("GetPolicy", params).await, Err(expected), "{kind}");
    }
    for id in ["1", "v", "v0", "v01", "V1", "v1 ", "v99999999999999999999"] {
        let params = [("PolicyName", "p"), ("VersionId", id)];
        let reply = kms.ram("SetDefaultPolicyVersion", params).await;
        assert_eq!(reply, Err(Code::VersionIdFormat), "{id}");
    }
    let tags = [("Tag.1.Key", "a"), ("Tag.2.Key", "a")];
    let params = [("PolicyName", "p"), ("PolicyDocument", DOCUMENT), tags[0], tags[1]];
    assert_eq!(kms.ram("CreatePolicy", params).await, Err(Code::InvalidParameter));
    assert_eq!(listed(&kms, &[("PolicyType", "Custom")]).await.0.len(), 0, "nothing was made");
}

#[test]
fn whoever_wrote_a_policy_reads_why_it_is_refused() {
    let entry = operation(Product::Ram, "CreatePolicy").unwrap();
    let params = [("PolicyName", "p"), ("PolicyDocument", r#"{"Version":"1","Statement":[{}]}"#)];
    let error = entry.parse(&mut params.into_iter().collect()).err().unwrap();
    let message = error.refusal().message();
    assert!(message.starts_with("The policy document is malformed. Statement 1: "), "{message}");
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let kms = Kms::new().await;
    for kind in ["System", "Custom"] {
        let params = [("PolicyName", "p"), ("PolicyType", kind)];
        assert_eq!(kms.ram("GetPolicy", params).await, Err(Code::NoPolicy));
        assert_eq!(kms.ram("ListPolicyVersions", params).await, Err(Code::NoPolicy));
    }
    let v2 = ("VersionId", "v2");
    let reply = kms.ram("GetPolicyVersion", [("PolicyName", "p"), ("PolicyType", "Custom"), v2]);
    assert_eq!(reply.await, Err(Code::NoPolicy));
    create(&kms, "p").await.unwrap();
    for action in ["SetDefaultPolicyVersion", "DeletePolicyVersion"] {
        assert_eq!(kms.ram(action, [("PolicyName", "q"), v2]).await, Err(Code::NoPolicy));
        assert_eq!(kms.ram(action, [("PolicyName", "p"), v2]).await, Err(Code::NoPolicyVersion));
    }
    let reply = kms.as_stranger().await.ram("DeletePolicy", [("PolicyName", "p")]).await;
    assert_eq!(reply, Err(Code::NoPolicy), "of another account");
}

#[tokio::test]
async fn policies_of_the_system_are_read_and_never_changed() {
    let kms = Kms::new().await;
    let name = ("PolicyName", "AliyunKMSFullAccess");
    assert_eq!(create(&kms, name.1).await, Err(Code::PolicyExists));
    for action in ["DeletePolicy", "CreatePolicyVersion", "UpdatePolicyDescription"] {
        let params = [name, ("PolicyDocument", DOCUMENT), ("NewDescription", "x")];
        assert_eq!(kms.ram(action, params).await, Err(Code::NoPolicy), "{action}");
    }
    let found = kms.ram("GetPolicy", [name, ("PolicyType", "System")]).await.unwrap();
    let text = system::named(name.1).unwrap().document;
    for (field, expected) in [
        ("Policy.PolicyType", "System"),
        ("Policy.DefaultVersion", "v3"),
        ("Policy.AttachmentCount", "0"),
        ("Policy.CreateDate", "2026-01-01T00:00:00Z"),
        ("DefaultPolicyVersion.VersionId", "v3"),
        ("DefaultPolicyVersion.IsDefaultVersion", "true"),
        ("DefaultPolicyVersion.PolicyDocument", text),
    ] {
        assert_eq!(found.get(field), Some(expected), "{field}");
    }
    let params = [name, ("PolicyType", "System"), ("VersionId", "v3")];
    let version = kms.ram("GetPolicyVersion", params).await.unwrap();
    assert_eq!(version.get("PolicyVersion.PolicyDocument"), Some(text));
    let params = [name, ("PolicyType", "System"), ("VersionId", "v1")];
    assert_eq!(kms.ram("GetPolicyVersion", params).await, Err(Code::NoPolicyVersion));
}

#[tokio::test]
async fn a_policy_is_given_back_byte_for_byte() {
    let kms = Kms::new().await;
    let params =
        [("PolicyName", "p"), ("PolicyDocument", DOCUMENT), ("Description", "для заказов")];
    let made = kms.ram("CreatePolicy", params).await.unwrap();
    assert_eq!(made.get("Policy.DefaultVersion"), Some("v1"));
    assert_eq!(made.get("Policy.CreateDate"), Some(&*NOW.to_string()));
    assert_eq!(create(&kms, "p").await, Err(Code::PolicyExists));
    let params = [("PolicyName", "p"), ("PolicyType", "Custom")];
    let found = kms.ram("GetPolicy", params).await.unwrap();
    assert_eq!(found.get("Policy.PolicyDocument"), Some(DOCUMENT));
    assert_eq!(found.get("DefaultPolicyVersion.PolicyDocument"), Some(DOCUMENT));
    assert_eq!(found.get("Policy.Description"), Some("для заказов"));

    kms.clock.advance_seconds(60);
    let params = [("PolicyName", "p"), ("NewDescription", "x")];
    let updated = kms.ram("UpdatePolicyDescription", params).await.unwrap();
    assert_eq!(updated.get("Policy.Description"), Some("x"));
    assert_eq!(updated.get("Policy.UpdateDate"), Some(&*NOW.plus_seconds(60).to_string()));
    let events = kms.events().await;
    let made = events.iter().find(|it| it.action == "ram:CreatePolicy").unwrap();
    assert!(made.resources.iter().any(|it| it.ends_with(":policy/p")), "{:?}", made.resources);
}

#[tokio::test]
async fn a_policy_has_five_versions_and_the_one_that_counts_stays() {
    let kms = Kms::new().await;
    create(&kms, "p").await.unwrap();
    let delete = |id: &'static str| [("PolicyName", "p"), ("VersionId", id)];
    let reply = kms.ram("DeletePolicyVersion", delete("v1")).await;
    assert_eq!(reply, Err(Code::PolicyVersionDefaultInTheWay));
    assert_eq!(version(&kms, ("SetAsDefault", "false")).await.as_deref(), Ok("v2"));
    assert_eq!(version(&kms, ("SetAsDefault", "true")).await.as_deref(), Ok("v3"));
    kms.ram("DeletePolicyVersion", delete("v2")).await.unwrap();
    kms.ram("SetDefaultPolicyVersion", delete("v1")).await.unwrap();
    assert_eq!(versions(&kms).await, ["v1*", "v3"]);
    for _ in 0..3 {
        version(&kms, ("RotateStrategy", "None")).await.unwrap();
    }
    assert_eq!(versions(&kms).await, ["v1*", "v3", "v4", "v5", "v6"], "no number comes again");

    let rotate = "DeleteOldestNonDefaultVersionWhenLimitExceeded";
    let full = Err(Code::TooManyPolicyVersion);
    assert_eq!(version(&kms, ("RotateStrategy", "None")).await, full);
    assert_eq!(version(&kms, ("RotateStrategy", "Any")).await, Err(Code::InvalidParameter));
    assert_eq!(version(&kms, ("RotateStrategy", rotate)).await.as_deref(), Ok("v7"));
    assert_eq!(versions(&kms).await, ["v1*", "v4", "v5", "v6", "v7"]);
}

#[tokio::test]
async fn a_policy_with_versions_goes_only_with_them() {
    let kms = Kms::new().await;
    create(&kms, "p").await.unwrap();
    version(&kms, ("SetAsDefault", "true")).await.unwrap();
    let reply = kms.ram("DeletePolicy", [("PolicyName", "p")]).await;
    assert_eq!(reply, Err(Code::PolicyVersionInTheWay));
    kms.ram("DeletePolicy", [("PolicyName", "p"), ("CascadingDelete", "True")]).await.unwrap();
    assert_eq!(
        kms.ram("DeletePolicy", [("PolicyName", "p")]).await,
        Err(Code::NoPolicy),
        "it is gone"
    );
    create(&kms, "p").await.unwrap();
    assert_eq!(versions(&kms).await, ["v1*"], "a new one begins anew");
}

#[tokio::test]
async fn policies_are_listed_part_by_part_the_systems_first() {
    let kms = Kms::new().await;
    for name in ["B", "a", "C"] {
        create(&kms, name).await.unwrap();
    }
    assert_eq!(
        kms.ram("ListPolicies", [("Marker", "B")]).await,
        Err(Code::InvalidParameter),
        "no marker of ours"
    );
    let mut expected: Vec<String> = system::ALL.iter().map(|it| it.name.to_owned()).collect();
    let (of_the_system, end) = listed(&kms, &[("PolicyType", "System")]).await;
    assert_eq!((&of_the_system, end), (&expected, None));
    expected.extend(["B", "C", "a"].map(str::to_owned));
    for items in ["1", "2", "5", "14", "15", "1000"] {
        let (mut found, mut marker) = (Vec::new(), Some(String::new()));
        while let Some(after) = marker {
            let params = [("Marker", &*after), ("MaxItems", items)];
            let (names, next) = listed(&kms, &params).await;
            found.extend(names);
            marker = next;
        }
        assert_eq!(found, expected, "{items} at a time");
    }
    let (custom, _) = listed(&kms, &[("PolicyType", "Custom"), ("MaxItems", "2")]).await;
    assert_eq!(custom, ["B", "C"]);
}

#[tokio::test]
async fn policies_are_found_by_their_tags() {
    let kms = Kms::new().await;
    for (name, team) in [("p", "orders"), ("q", "billing"), ("r", "orders")] {
        let tags = [("Tag.1.Key", "team"), ("Tag.1.Value", team), ("Tag.2.Key", "x")];
        let params =
            [("PolicyName", name), ("PolicyDocument", DOCUMENT), tags[0], tags[1], tags[2]];
        kms.ram("CreatePolicy", params).await.unwrap();
    }
    create(&kms, "s").await.unwrap();
    let (key, value) = (("Tag.1.Key", "team"), ("Tag.1.Value", "orders"));
    assert_eq!(listed(&kms, &[key]).await.0, ["p", "q", "r"]);
    assert_eq!(listed(&kms, &[key, value]).await.0, ["p", "r"]);
    let (first, marker) = listed(&kms, &[key, value, ("MaxItems", "1")]).await;
    assert_eq!(first, ["p"]);
    let marker = marker.unwrap();
    assert_eq!(listed(&kms, &[key, value, ("Marker", &marker)]).await, (vec!["r".into()], None));
    assert_eq!(listed(&kms, &[key, ("PolicyType", "System")]).await.0.len(), 0);

    let list = kms.ram("ListPolicies", [("PolicyType", "Custom")]).await.unwrap();
    assert_eq!(list.count("Policies.Policy.0.Tags.Tag"), Some(2));
    assert_eq!(list.get("Policies.Policy.0.Tags.Tag.0.TagValue"), Some("orders"));
    assert_eq!(list.get("Policies.Policy.0.Tags.Tag.1.TagValue"), Some(""));
    assert_eq!(list.count("Policies.Policy.3.Tags.Tag"), Some(0), "the wrapper stays");
}

#[tokio::test]
async fn an_account_has_so_many_policies_and_no_more() {
    let kms = Kms::with_limits(Limits { custom_policies: 1, ..Limits::default() }).await;
    create(&kms, "p").await.unwrap();
    assert_eq!(create(&kms, "q").await, Err(Code::TooManyPolicy));
}

#[tokio::test]
async fn each_operation_asks_for_its_own_resource() {
    let kms = Kms::new().await;
    create(&kms, "p").await.unwrap();
    let policy = |owner: &str, path: &str| {
        let resource = format!("acs:ram:*:{owner}:{path}");
        format!(
            r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"ram:*","Resource":"{resource}"}}]}}"#
        )
    };
    let account = kms.account.as_str();
    let (one, all) =
        (policy(account, "policy/p"), policy(account, "policy/[*]").replace("[*]", "*"));
    let (systems, others) = (policy("system", "policy/ReadOnlyAccess"), policy("1", "*"));
    for (action, kind, right, wrong) in [
        ("CreatePolicy", "Custom", &all, &one),
        ("ListPolicies", "Custom", &all, &one),
        ("GetPolicy", "Custom", &one, &systems),
        ("GetPolicy", "System", &systems, &all),
        ("GetPolicyVersion", "Custom", &one, &others),
        ("ListPolicyVersions", "System", &systems, &all),
        ("CreatePolicyVersion", "Custom", &one, &others),
        ("SetDefaultPolicyVersion", "Custom", &one, &others),
        ("DeletePolicyVersion", "Custom", &one, &others),
        ("UpdatePolicyDescription", "Custom", &one, &others),
        ("DeletePolicy", "Custom", &one, &others),
    ] {
        let name = if kind == "System" { "ReadOnlyAccess" } else { "p" };
        let params = [
            ("PolicyName", name),
            ("PolicyType", kind),
            ("PolicyDocument", DOCUMENT),
            ("VersionId", "v1"),
            ("NewDescription", "x"),
        ];
        let reply = kms.as_user(&[wrong]).ram(action, params).await;
        assert_eq!(reply, Err(Code::RamNoPermission), "{action} {kind}");
        let reply = kms.as_user(&[right]).ram(action, params).await;
        assert_ne!(reply, Err(Code::RamNoPermission), "{action} {kind}");
    }
}

//! Tests of the operations on tags, through the pipeline.

use yaoku_wire::{error::Code, fields::Fields};

use crate::testing::Kms;

/// `Tags` of a singular operation, each with the value `v`.
fn tags(keys: &[&str]) -> String {
    let tags: Vec<_> =
        keys.iter().map(|it| format!(r#"{{"TagKey":"{it}","TagValue":"v"}}"#)).collect();
    format!("[{}]", tags.join(","))
}

/// `count` different tag keys.
fn keys(count: usize) -> Vec<String> {
    (0..count).map(|it| format!("k{it:02}")).collect()
}

/// The tags of a key as `a=1,b=2`.
async fn of_key(kms: &Kms, key: &str) -> String {
    let reply = kms.call("ListResourceTags", [("KeyId", key)]).await.unwrap();
    let at = |it: usize, field: &str| reply.get(&format!("Tags.Tag.{it}.{field}")).unwrap();
    let pair = |it: usize| format!("{}={}", at(it, "TagKey"), at(it, "TagValue"));
    (0..reply.count("Tags.Tag").unwrap()).map(pair).collect::<Vec<_>>().join(",")
}

async fn tag(kms: &Kms, key: &str, tags: &str) -> Result<(), Code> {
    kms.call("TagResource", [("KeyId", key), ("Tags", tags)]).await.map(drop)
}

#[tokio::test]
async fn exactly_one_resource_is_named() {
    let kms = Kms::new().await;
    let key = kms.key().await.to_string();
    let (by_id, by_name) = (("KeyId", key.as_str()), ("SecretName", "none"));
    let by_certificate = ("CertificateId", "86a9efd9-3d16-4894-bd4f-1fc43f3f2abf");
    for (named, expected) in [
        (&[][..], Code::InvalidParameter),
        (&[by_id, by_name], Code::InvalidParameter),
        (&[by_id, by_certificate], Code::InvalidParameter),
        (&[by_name], Code::ResourceNotFound),
        (&[("KeyId", "none")], Code::KeyNotFound),
        (&[by_certificate], Code::CertificateNotFound),
    ] {
        for (action, what) in
            [("TagResource", ("Tags", &*tags(&["a"]))), ("UntagResource", ("TagKeys", "a"))]
        {
            let params = [named, &[what]].concat();
            assert_eq!(kms.call_with(action, &params).await, Err(expected), "{action} {named:?}");
            let user = kms.as_user(&[]);
            let refused = match expected {
                Code::InvalidParameter => expected,
                _ => Code::NoPermission,
            };
            assert_eq!(user.call_with(action, &params).await, Err(refused), "{action} {named:?}");
        }
    }
    assert_eq!(of_key(&kms, &key).await, "");
}

#[tokio::test]
async fn tags_that_break_a_rule_are_refused_and_none_is_kept() {
    let kms = Kms::new().await;
    let key = kms.key().await.to_string();
    let (longest, too_long) = ("x".repeat(128), "x".repeat(129));
    for (sent, expected) in [
        (String::new(), Err(Code::MissingParameter)),
        ("[]".to_owned(), Err(Code::MissingParameter)),
        ("{}".to_owned(), Err(Code::InvalidParameter)),
        (r#"["a"]"#.to_owned(), Err(Code::InvalidParameter)),
        (r#"[{"Key":"a","Value":"b"}]"#.to_owned(), Err(Code::InvalidParameter)),
        (tags(&["good", "aliyun"]), Err(Code::InvalidParameter)),
        (tags(&["good", "acs:x"]), Err(Code::InvalidParameter)),
        (tags(&["good", "a%"]), Err(Code::InvalidParameter)),
        (tags(&["good", ""]), Err(Code::InvalidParameter)),
        (tags(&["good", "good"]), Err(Code::InvalidParameter)),
        (tags(&[&too_long]), Err(Code::InvalidParameter)),
        (
            tags(&keys(21).iter().map(String::as_str).collect::<Vec<_>>()),
            Err(Code::InvalidParameter),
        ),
    ] {
        assert_eq!(tag(&kms, &key, &sent).await, expected, "{sent}");
        assert_eq!(of_key(&kms, &key).await, "", "{sent}");
    }
    tag(&kms, &key, &tags(&[&longest])).await.unwrap();
}

#[tokio::test]
async fn a_resource_has_at_most_twenty_tags() {
    let kms = Kms::new().await;
    let key = kms.key().await.to_string();
    let twenty = keys(20);
    let twenty: Vec<&str> = twenty.iter().map(String::as_str).collect();
    tag(&kms, &key, &tags(&twenty)).await.unwrap();
    assert_eq!(tag(&kms, &key, &tags(&["k00", "more"])).await, Err(Code::LimitExceeded));
    let params = [("ResourceType", "key"), ("ResourceId.1", key.as_str()), ("Tag.1.Key", "more")];
    assert_eq!(kms.call("TagResources", params).await, Err(Code::LimitExceeded));
    tag(&kms, &key, r#"[{"TagKey":"k00","TagValue":"new"}]"#).await.unwrap();
    let found = of_key(&kms, &key).await;
    assert!(found.starts_with("k00=new,k01=v,") && found.ends_with(",k19=v"), "{found}");
}

#[tokio::test]
async fn tags_are_taken_away_by_an_array_or_by_commas() {
    let kms = Kms::new().await;
    let key = kms.key().await.to_string();
    for (sent, expected) in [
        ("", Err(Code::MissingParameter)),
        ("[]", Err(Code::MissingParameter)),
        ("[1]", Err(Code::InvalidParameter)),
        (r#"["a""#, Err(Code::InvalidParameter)),
        ("a,,b", Err(Code::InvalidParameter)),
        (r#"["a","b"]"#, Ok("c=v")),
        ("a,b", Ok("c=v")),
        (" a , b ", Ok("c=v")),
        ("none", Ok("a=v,b=v,c=v")),
    ] {
        tag(&kms, &key, &tags(&["a", "b", "c"])).await.unwrap();
        let reply = kms.call("UntagResource", [("KeyId", key.as_str()), ("TagKeys", sent)]).await;
        assert_eq!(reply.map(drop), expected.map(drop), "{sent}");
        assert_eq!(of_key(&kms, &key).await, expected.unwrap_or("a=v,b=v,c=v"), "{sent}");
    }
}

#[tokio::test]
async fn the_plural_operations_have_bounds() {
    let kms = Kms::new().await;
    let id = kms.key().await.to_string();
    let kind = ("ResourceType", "key");
    let (on, tag, key) = (("ResourceId.1", &*id), ("Tag.1.Key", "a"), ("TagKey.1", "a"));
    let indexed = |prefix: &str, count: usize, suffix: &str| -> Vec<String> {
        (1..=count).map(|it| format!("{prefix}.{it}{suffix}")).collect()
    };
    let ids = indexed("ResourceId", 51, "");
    let ids: Vec<(&str, &str)> = ids.iter().map(|it| (it.as_str(), &*id)).collect();
    let tag_names = indexed("Tag", 21, ".Key");
    let tags: Vec<_> = tag_names.iter().map(|it| (it.as_str(), it.as_str())).collect();
    let (missing, invalid) = (Code::MissingParameter, Code::InvalidParameter);
    for (action, params, expected) in [
        ("TagResources", vec![on, tag], missing),
        ("TagResources", vec![kind, tag], missing),
        ("TagResources", vec![kind, on], missing),
        ("TagResources", vec![kind, on, ("Tag.1.Value", "v")], missing),
        ("TagResources", vec![("ResourceType", "Key"), on, tag], invalid),
        ("TagResources", vec![kind, on, ("Tag.1.Key", "acs:x")], invalid),
        ("TagResources", vec![kind, on, tag, ("Tag.2.Key", "a")], invalid),
        ("TagResources", [&ids[..], &[kind, tag]].concat(), invalid),
        ("TagResources", [&tags[..], &[kind, on]].concat(), invalid),
        ("UntagResources", vec![kind, on], missing),
        ("UntagResources", vec![kind, on, ("All", "false")], missing),
        ("UntagResources", [&ids[..], &[kind, key]].concat(), invalid),
        ("ListTagResources", vec![kind], missing),
        ("ListTagResources", [&ids[..], &[kind]].concat(), invalid),
        ("ListTagResources", vec![kind, on, ("NextToken", "?")], invalid),
        ("ListTagResources", vec![kind, on, ("NextToken", "AAAA")], invalid),
    ] {
        let reply = kms.call_with(action, &params).await;
        assert_eq!(reply, Err(expected), "{action} {params:?}");
    }
    let fifty = [&ids[..50], &[kind, tag]].concat();
    kms.call_with("TagResources", &fifty).await.unwrap();
}

#[tokio::test]
async fn one_unknown_resource_fails_the_whole_call() {
    let kms = Kms::new().await;
    let key = kms.key().await.to_string();
    tag(&kms, &key, &tags(&["old"])).await.unwrap();
    let both = [("ResourceType", "key"), ("ResourceId.1", key.as_str()), ("ResourceId.2", "none")];
    for (action, what) in [
        ("TagResources", ("Tag.1.Key", "new")),
        ("UntagResources", ("All", "true")),
        ("ListTagResources", ("NextToken", "")),
    ] {
        let params = [&both[..], &[what]].concat();
        assert_eq!(kms.call_with(action, &params).await, Err(Code::KeyNotFound), "{action}");
        assert_eq!(of_key(&kms, &key).await, "old=v", "nothing changed");
    }
}

#[tokio::test]
async fn a_plural_operation_is_permitted_by_the_singular_action_too() {
    let kms = Kms::new().await;
    let key = kms.key().await.to_string();
    let policy = |effect: &str, action: &str| {
        format!(
            r#"{{"Version":"1","Statement":[{{"Effect":"{effect}","Action":"kms:{action}",
            "Resource":"*"}}]}}"#
        )
    };
    let on = [("ResourceType", "key"), ("ResourceId.1", key.as_str())];
    for (plural, singular, what) in [
        ("TagResources", "TagResource", ("Tag.1.Key", "a")),
        ("UntagResources", "UntagResource", ("TagKey.1", "a")),
        ("ListTagResources", "ListResourceTags", ("NextToken", "")),
    ] {
        let allow_all = policy("Allow", "*");
        for (policies, expected) in [
            (vec![policy("Allow", "DescribeKey")], Err(Code::NoPermission)),
            (vec![policy("Allow", plural)], Ok(())),
            (vec![policy("Allow", singular)], Ok(())),
            (vec![allow_all.clone(), policy("Deny", plural)], Err(Code::NoPermission)),
            (vec![allow_all, policy("Deny", singular)], Err(Code::NoPermission)),
        ] {
            let policies: Vec<&str> = policies.iter().map(String::as_str).collect();
            let params = [&on[..], &[what]].concat();
            let reply = kms.as_user(&policies).call_with(plural, &params).await;
            assert_eq!(reply.map(drop), expected, "{plural} with {policies:?}");
        }
    }
    let user = kms.as_user(&[&policy("Allow", "TagResources")]);
    assert_eq!(tag(&user, &key, &tags(&["a"])).await, Err(Code::NoPermission), "not the other way");
}

#[tokio::test]
async fn keys_and_instances_are_tagged_and_untagged_together() {
    let kms = Kms::new().await;
    let (one, two) = (kms.key().await.to_string(), kms.key().await.to_string());
    let instance = kms.instance_id.to_string();
    for (kind, ids) in [
        ("key", vec![&*one, &*two]),
        ("instance", vec![&*instance]),
        ("keystore", vec![&*instance]),
    ] {
        let names: Vec<_> = (1..=ids.len()).map(|it| format!("ResourceId.{it}")).collect();
        let mut on = vec![("RegionId", "cn-hangzhou"), ("ResourceType", kind)];
        on.extend(names.iter().map(String::as_str).zip(ids.iter().copied()));
        let values = [("Tag.1.Key", "a"), ("Tag.1.Value", "1"), ("Tag.3.Key", "b")];
        kms.call_with("TagResources", &[&on[..], &values].concat()).await.unwrap();
        let rows = listed(&kms.call_with("ListTagResources", &on).await.unwrap());
        let mut expected: Vec<_> = ids
            .iter()
            .flat_map(|id| [format!("{kind} {id} a=1"), format!("{kind} {id} b=")])
            .collect();
        expected.sort();
        assert_eq!(rows, expected);
        let some = [&on[..], &[("TagKey.1", "a"), ("All", "true")]].concat();
        kms.call_with("UntagResources", &some).await.unwrap();
        assert_eq!(listed(&kms.call_with("ListTagResources", &on).await.unwrap()).len(), ids.len());
        kms.call_with("UntagResources", &[&on[..], &[("All", "True")]].concat()).await.unwrap();
        assert!(listed(&kms.call_with("ListTagResources", &on).await.unwrap()).is_empty());
    }
    let params = [("ResourceType", "instance"), ("ResourceId.1", "kst-none"), ("Tag.1.Key", "a")];
    assert_eq!(kms.call("TagResources", params).await, Err(Code::DkmsInstanceNotFound));
    let params = [("ResourceType", "secret"), ("ResourceId.1", "none"), ("Tag.1.Key", "a")];
    assert_eq!(kms.call("TagResources", params).await, Err(Code::ResourceNotFound));
}

/// The rows of `ListTagResources` as `key <id> a=1`.
fn listed(reply: &Fields) -> Vec<String> {
    let at = |it: usize, field: &str| {
        reply.get(&format!("TagResources.TagResource.{it}.{field}")).unwrap().to_owned()
    };
    let row = |it: usize| {
        let (kind, id) = (at(it, "ResourceType"), at(it, "ResourceId"));
        format!("{kind} {id} {}={}", at(it, "TagKey"), at(it, "TagValue"))
    };
    (0..reply.count("TagResources.TagResource").unwrap()).map(row).collect()
}

#[tokio::test]
async fn resources_are_found_by_all_of_their_tags() {
    let kms = Kms::new().await;
    let (one, two) = (kms.key().await.to_string(), kms.key().await.to_string());
    tag(&kms, &one, r#"[{"TagKey":"a","TagValue":"1"},{"TagKey":"b","TagValue":"1"}]"#)
        .await
        .unwrap();
    tag(&kms, &two, r#"[{"TagKey":"a","TagValue":"2"}]"#).await.unwrap();
    for (wanted, expected) in [
        (&[("Tag.1.Key", "a")][..], 3),
        (&[("Tag.1.Key", "a"), ("Tag.1.Value", "2")], 1),
        (&[("Tag.1.Key", "a"), ("Tag.2.Key", "b")], 2),
        (&[("Tag.1.Key", "a"), ("Tag.1.Value", "2"), ("Tag.2.Key", "b")], 0),
    ] {
        let params = [&[("ResourceType", "key")], wanted].concat();
        let reply = kms.call_with("ListTagResources", &params).await.unwrap();
        assert_eq!(listed(&reply).len(), expected, "{wanted:?}");
        assert_eq!(reply.get("NextToken"), Some(""));
    }
}

#[tokio::test]
async fn rows_come_by_two_hundred_and_none_twice() {
    let kms = Kms::new().await;
    let mut ids = Vec::new();
    for _ in 0..11 {
        ids.push(kms.key().await.to_string());
    }
    let twenty = keys(20);
    let tags = tags(&twenty.iter().map(String::as_str).collect::<Vec<_>>());
    let names: Vec<_> = (1..=ids.len()).map(|it| format!("ResourceId.{it}")).collect();
    let mut on = vec![("ResourceType", "key")];
    on.extend(names.iter().map(String::as_str).zip(ids.iter().map(String::as_str)));
    for id in &ids[..10] {
        tag(&kms, id, &tags).await.unwrap();
    }
    let exactly = kms.call_with("ListTagResources", &on).await.unwrap();
    assert_eq!((listed(&exactly).len(), exactly.get("NextToken")), (200, Some("")));
    tag(&kms, &ids[10], &tags).await.unwrap();
    let first = kms.call_with("ListTagResources", &on).await.unwrap();
    let token = first.get("NextToken").unwrap();
    assert_eq!(listed(&first).len(), 200);
    let rest = [&on[..], &[("NextToken", token)]].concat();
    let rest = kms.call_with("ListTagResources", &rest).await.unwrap();
    assert_eq!(rest.get("NextToken"), Some(""));
    let mut rows = [listed(&first), listed(&rest)].concat();
    rows.dedup();
    assert_eq!(rows.len(), 220);
    assert!(rows.is_sorted());
}

#[tokio::test]
async fn a_secret_is_tagged_by_its_name_unless_it_waits_for_deletion() {
    let kms = Kms::new().await;
    let made = [("SecretName", "app/db"), ("VersionId", "v1"), ("SecretData", "x")];
    kms.call("CreateSecret", made).await.unwrap();
    let described = async || kms.call("DescribeSecret", [("SecretName", "app/db")]).await.unwrap();
    let before = described().await;
    kms.clock.advance_seconds(60);
    let arn = format!("acs:kms:cn-hangzhou:{}:secret/app/db", kms.account);
    for name in ["app/db", &arn] {
        let sent = tags(&["a"]);
        kms.call("TagResource", [("SecretName", name), ("Tags", &*sent)]).await.unwrap();
        let on = [("ResourceType", "secret"), ("ResourceId.1", name)];
        let more = [&on[..], &[("Tag.1.Key", "b"), ("Tag.1.Value", "v")]].concat();
        kms.call_with("TagResources", &more).await.unwrap();
        let rows = listed(&kms.call("ListTagResources", on).await.unwrap());
        assert_eq!(rows, ["secret app/db a=v", "secret app/db b=v"], "{name}");
        kms.call("UntagResource", [("SecretName", name), ("TagKeys", "a,b")]).await.unwrap();
        assert!(listed(&kms.call("ListTagResources", on).await.unwrap()).is_empty());
    }
    assert_eq!(described().await, before, "nothing else moved");
    kms.call("DeleteSecret", [("SecretName", "app/db")]).await.unwrap();
    let sent = tags(&["a"]);
    let params = [("SecretName", "app/db"), ("Tags", &*sent), ("TagKeys", "a")];
    for action in ["TagResource", "UntagResource"] {
        assert_eq!(kms.call(action, params).await, Err(Code::ResourceInDeleteWindow), "{action}");
    }
    let on = [("ResourceType", "secret"), ("ResourceId.1", "app/db")];
    kms.call("ListTagResources", on).await.unwrap();
}

/// Everything of KMS and RAM that gives tags, as far as they are these.
fn only_tagged(value: &str) -> String {
    format!(
        r#"{{"Version":"1","Statement":[
            {{"Effect":"Allow","Action":"*","Resource":"*"}},
            {{"Effect":"Deny","Action":"*","Resource":"*",
              "Condition":{{"StringNotEquals":{{"acs:RequestTag/team":"{value}"}}}}}}]}}"#
    )
}

#[tokio::test]
async fn a_policy_sees_the_tags_that_a_request_would_give() {
    let kms = Kms::new().await;
    let key = kms.key().await;
    kms.ram("CreateUser", [("UserName", "alice")]).await.unwrap();
    let user = kms.as_user(&[&only_tagged("orders")]);
    for (team, expected) in [("orders", None), ("others", Some(Code::NoPermission))] {
        let tags = format!(r#"[{{"TagKey":"team","TagValue":"{team}"}}]"#);
        let reply = user.call("TagResource", [("KeyId", key.as_str()), ("Tags", &tags)]).await;
        assert_eq!(reply.err(), expected, "TagResource {team}");
        let reply = user.call("CreateKey", [("Tags", &*tags)]).await;
        assert_eq!(reply.err(), expected, "CreateKey {team}");
        let secret =
            [("SecretName", "s"), ("VersionId", "v"), ("SecretData", "x"), ("Tags", &*tags)];
        assert_eq!(user.call("CreateSecret", secret).await.err(), expected, "CreateSecret {team}");
        let several = [
            ("ResourceType", "key"),
            ("ResourceId.1", key.as_str()),
            ("Tag.1.Key", "team"),
            ("Tag.1.Value", team),
        ];
        let reply = user.call("TagResources", several).await;
        assert_eq!(reply.err(), expected, "TagResources {team}");
        let expected = expected.map(|_| Code::RamNoPermission);
        let of_ram = [
            ("ResourceType", "user"),
            ("ResourceNames.1", "alice"),
            ("Tag.1.Key", "team"),
            ("Tag.1.Value", team),
        ];
        let reply = user.ram("TagResources", of_ram).await;
        assert_eq!(reply.err(), expected, "TagResources of RAM {team}");
    }
    let untagged = user.call("DescribeKey", [("KeyId", key.as_str())]).await.err();
    assert_eq!(untagged, Some(Code::NoPermission), "a request without tags has none");
}

crate::testing::on_postgres_too!(
    exactly_one_resource_is_named,
    tags_that_break_a_rule_are_refused_and_none_is_kept,
    a_resource_has_at_most_twenty_tags,
    tags_are_taken_away_by_an_array_or_by_commas,
    the_plural_operations_have_bounds,
    one_unknown_resource_fails_the_whole_call,
    a_plural_operation_is_permitted_by_the_singular_action_too,
    keys_and_instances_are_tagged_and_untagged_together,
    resources_are_found_by_all_of_their_tags,
    rows_come_by_two_hundred_and_none_twice,
    a_secret_is_tagged_by_its_name_unless_it_waits_for_deletion,
    a_policy_sees_the_tags_that_a_request_would_give,
);

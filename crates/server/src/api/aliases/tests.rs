//! Tests of the operations on aliases, through the pipeline.

use yaoku_model::key::KeyState;
use yaoku_wire::error::Code;

use crate::testing::Kms;

async fn create(kms: &Kms, name: &str, key: &str) -> Result<(), Code> {
    kms.call("CreateAlias", [("KeyId", key), ("AliasName", name)]).await.map(drop)
}

/// The aliases that an operation lists, in order, and the total.
async fn listed(kms: &Kms, action: &str, params: &[(&str, &str)]) -> (Vec<String>, i64) {
    let reply = kms.call_with(action, params).await.unwrap();
    let names = 0..reply.count("Aliases.Alias").unwrap();
    let names = names.map(|at| reply.get(&format!("Aliases.Alias.{at}.AliasName")).unwrap());
    (names.map(str::to_owned).collect(), reply.get("TotalCount").unwrap().parse().unwrap())
}

#[tokio::test]
async fn a_key_whose_date_has_come_leaves_its_name_free_and_no_tags() {
    let kms = Kms::new().await;
    let (key, other) = (kms.key().await.to_string(), kms.key().await.to_string());
    let alias = ("AliasName", "alias/app");
    kms.call("CreateAlias", [("KeyId", &*key), alias]).await.unwrap();
    let tags = ("Tags", r#"[{"TagKey":"a","TagValue":"b"}]"#);
    kms.call("TagResource", [("KeyId", &*key), tags]).await.unwrap();
    kms.call("ScheduleKeyDeletion", [("KeyId", &*key)]).await.unwrap();
    kms.clock.advance_seconds(30 * 86_400);
    let listed = kms.call("ListAliases", []).await.unwrap();
    assert_eq!(listed.get("TotalCount"), Some("1"), "that of the service's key");
    let params = [("ResourceType", "key"), ("Tag.1.Key", "a")];
    let listed = kms.call("ListTagResources", params).await.unwrap();
    assert_eq!(listed.count("TagResources.TagResource"), Some(0));
    kms.call("CreateAlias", [("KeyId", &*other), alias]).await.unwrap();
    let found = kms.call("DescribeKey", [("KeyId", "alias/app")]).await.unwrap();
    assert_eq!(found.get("KeyMetadata.KeyId"), Some(&*other));
}

#[tokio::test]
async fn a_name_that_breaks_the_grammar_is_refused() {
    let kms = Kms::new().await;
    let key = kms.key().await.to_string();
    let of = |len: usize| format!("alias/{}", "x".repeat(len));
    for (name, expected) in [
        ("", Err(Code::MissingParameter)),
        ("app", Err(Code::InvalidParameter)),
        ("application", Err(Code::InvalidParameter)),
        ("alias/", Err(Code::InvalidParameter)),
        ("Alias/app", Err(Code::InvalidParameter)),
        ("alias/a b", Err(Code::InvalidParameter)),
        ("alias/密", Err(Code::InvalidParameter)),
        ("alias/acs/app", Err(Code::InvalidParameter)),
        ("alias/acsapp", Err(Code::InvalidParameter)),
        (&of(256), Err(Code::InvalidParameter)),
        (&of(255), Ok(())),
        ("alias/a", Ok(())),
        ("alias/A_b-c/9", Ok(())),
    ] {
        assert_eq!(create(&kms, name, &key).await, expected, "{name}");
    }
    assert_eq!(listed(&kms, "ListAliasesByKeyId", &[("KeyId", &key)]).await.1, 3);
}

#[tokio::test]
async fn the_services_alias_can_be_neither_moved_nor_removed() {
    let kms = Kms::new().await;
    let key = kms.key().await.to_string();
    let alias = ("AliasName", "alias/acs/secretsmanager");
    let before = listed(&kms, "ListAliases", &[]).await;
    let reply = kms.call("UpdateAlias", [("KeyId", &*key), alias]).await;
    assert_eq!(reply, Err(Code::InvalidParameter));
    assert_eq!(kms.call("DeleteAlias", [alias]).await, Err(Code::InvalidParameter));
    assert_eq!(listed(&kms, "ListAliases", &[]).await, before, "nothing changed");
}

#[tokio::test]
async fn writing_an_alias_needs_the_action_on_the_alias_and_on_the_key() {
    let kms = Kms::new().await;
    let key = kms.key().await.to_string();
    create(&kms, "alias/app", &key).await.unwrap();
    let policy = |resource: &str| {
        format!(
            r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"kms:*",
            "Resource":"acs:kms:*:*:{resource}"}}]}}"#
        )
    };
    let (on_alias, on_key) = (policy("alias/*"), policy("key/*"));
    let other = [("KeyId", &*key), ("AliasName", "alias/other")];
    let app = [("KeyId", &*key), ("AliasName", "alias/app")];
    for (action, params) in [("CreateAlias", other), ("UpdateAlias", app), ("DeleteAlias", app)] {
        for policies in [&[][..], &[&*on_alias], &[&*on_key]] {
            let reply = kms.as_user(policies).call(action, params).await;
            assert_eq!(reply, Err(Code::NoPermission), "{action} with {policies:?}");
        }
        let user = kms.as_user(&[&on_alias, &on_key]);
        user.call(action, params).await.unwrap_or_else(|code| panic!("{action}: {code:?}"));
    }
    let user = kms.as_user(&[&on_alias]);
    let reply = user.call("DeleteAlias", [("AliasName", "alias/none")]).await;
    assert_eq!(reply, Err(Code::NoPermission), "as if there were one");
}

#[tokio::test]
async fn a_name_is_taken_once_in_an_account() {
    let kms = Kms::new().await;
    let (one, two) = (kms.key().await.to_string(), kms.key().await.to_string());
    create(&kms, "alias/app", &one).await.unwrap();
    for key in [&one, &two] {
        assert_eq!(create(&kms, "alias/app", key).await, Err(Code::AliasAlreadyExists));
    }
    create(&kms, "alias/App", &two).await.unwrap();
    let stranger = kms.as_stranger().await;
    let made = stranger.call("CreateKey", []).await.unwrap();
    create(&stranger, "alias/app", made.get("KeyMetadata.KeyId").unwrap()).await.unwrap();
    let reply = kms.call("DescribeKey", [("KeyId", "alias/app")]).await.unwrap();
    assert_eq!(reply.get("KeyMetadata.KeyId"), Some(&*one));
}

#[tokio::test]
async fn an_alias_moves_to_another_key_and_the_caches_follow() {
    let kms = Kms::new().await;
    let (one, two) = (kms.key().await.to_string(), kms.key().await.to_string());
    create(&kms, "alias/app", &one).await.unwrap();
    let encrypt = async || {
        let reply = kms.call("Encrypt", [("KeyId", "alias/app"), ("Plaintext", "x")]).await;
        reply.map(|it| it.get("KeyId").unwrap().to_owned())
    };
    assert_eq!(encrypt().await, Ok(one.clone()));
    for key in [&two, &two] {
        let params = [("KeyId", &**key), ("AliasName", "alias/app")];
        kms.call("UpdateAlias", params).await.unwrap();
        assert_eq!(encrypt().await, Ok(two.clone()));
    }
    kms.call("DeleteAlias", [("AliasName", "alias/app")]).await.unwrap();
    assert_eq!(encrypt().await, Err(Code::AliasNotFound));
    let reply = kms.call("DeleteAlias", [("AliasName", "alias/app")]).await;
    assert_eq!(reply, Err(Code::AliasNotFound));
    let params = [("KeyId", &*one), ("AliasName", "alias/app")];
    assert_eq!(kms.call("UpdateAlias", params).await, Err(Code::AliasNotFound));
    kms.call("DescribeKey", [("KeyId", &*two)]).await.unwrap();
}

/// Source: keys.md §5.
#[tokio::test]
async fn a_key_that_is_to_be_deleted_takes_no_alias_but_lets_go_of_one() {
    use KeyState::{Disabled, Enabled, PendingDeletion, PendingImport, Unavailable};
    let kms = Kms::new().await;
    let (id, other) = (kms.key().await, kms.key().await.to_string());
    let key = id.to_string();
    for state in [Enabled, Disabled, PendingDeletion, PendingImport, Unavailable] {
        kms.edit_key(&id, |it| it.state = state).await;
        create(&kms, "alias/moving", &other).await.unwrap();
        let (created, moved) = match state {
            PendingDeletion => (Err(Code::StateModifiedFailed), Err(Code::KeyPendingDeletion)),
            _ => (Ok(()), Ok(())),
        };
        assert_eq!(create(&kms, "alias/new", &key).await, created, "{state}");
        let params = [("KeyId", &*key), ("AliasName", "alias/moving")];
        let reply = kms.call("UpdateAlias", params).await.map(drop);
        assert_eq!(reply, moved, "{state}");
        kms.call("DeleteAlias", [("AliasName", "alias/moving")]).await.unwrap();
        if created.is_ok() {
            kms.call("DeleteAlias", [("AliasName", "alias/new")]).await.unwrap();
        }
    }
    create(&kms, "alias/kept", &other).await.unwrap();
    let params = [("KeyId", &*key), ("AliasName", "alias/kept")];
    kms.edit_key(&id, |it| it.state = Enabled).await;
    kms.call("UpdateAlias", params).await.unwrap();
    kms.edit_key(&id, |it| it.state = PendingDeletion).await;
    kms.call("DeleteAlias", [("AliasName", "alias/kept")]).await.unwrap();
}

#[tokio::test]
async fn aliases_are_listed_by_pages_of_all_keys_or_of_one() {
    let kms = Kms::new().await;
    let (one, two) = (kms.key().await.to_string(), kms.key().await.to_string());
    for (name, key) in [("alias/c", &one), ("alias/b", &two), ("alias/a", &one)] {
        kms.clock.advance_seconds(1);
        create(&kms, name, key).await.unwrap();
    }
    let all = ["alias/acs/secretsmanager", "alias/c", "alias/b", "alias/a"];
    let all: Vec<_> = all.into_iter().map(str::to_owned).collect();
    for (params, expected) in [
        (&[][..], &all[..]),
        (&[("PageSize", "0")], &all),
        (&[("PageSize", "100")], &all),
        (&[("PageSize", "3")], &all[..3]),
        (&[("PageSize", "3"), ("PageNumber", "2")], &all[3..]),
        (&[("PageSize", "3"), ("PageNumber", "3")], &[]),
    ] {
        let found = listed(&kms, "ListAliases", params).await;
        assert_eq!(found, (expected.to_vec(), 4), "{params:?}");
    }
    let of_one = listed(&kms, "ListAliasesByKeyId", &[("KeyId", &one), ("PageSize", "101")]).await;
    assert_eq!(of_one, (vec!["alias/c".to_owned(), "alias/a".to_owned()], 2));
    for (action, size) in [("ListAliases", "101"), ("ListAliasesByKeyId", "102")] {
        let reply = kms.call(action, [("KeyId", &*one), ("PageSize", size)]).await;
        assert_eq!(reply, Err(Code::InvalidParameter), "{action}");
    }
    let reply = kms.call("ListAliases", [("PageNumber", "2"), ("PageSize", "1")]).await.unwrap();
    let arn = format!("acs:kms:cn-hangzhou:{}:alias/c", kms.account);
    assert_eq!(reply.get("Aliases.Alias.0.AliasArn"), Some(&*arn));
    assert_eq!(reply.get("Aliases.Alias.0.KeyId"), Some(&*one));
}

#[tokio::test]
async fn a_list_without_aliases_keeps_its_wrapper() {
    let kms = Kms::new().await;
    let key = kms.key().await.to_string();
    assert_eq!(listed(&kms, "ListAliasesByKeyId", &[("KeyId", &key)]).await, (Vec::new(), 0));
}

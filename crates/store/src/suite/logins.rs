//! How people log in.

use yaoku_model::{
    identity::{
        LoginProfile, LoginRules, MfaDevice, OidcProvider, PasswordPolicy, SecurityPreference,
    },
    text::PasswordHash,
};

use super::{Place, at, id, user, write};
use crate::Change;

pub(super) fn profile(user: &str) -> LoginProfile {
    LoginProfile {
        account: id("1000"),
        user: id(user),
        password: id("$argon2id$x"),
        past: vec![id("$argon2id$y"), id("$argon2id$z")],
        reset_required: true,
        mfa_required: false,
        created: at(1),
        changed: at(2),
        failures: 3,
        failed_at: Some(at(4)),
    }
}

pub(super) fn device(name: &str, user: Option<&str>) -> MfaDevice {
    MfaDevice {
        account: id("1000"),
        name: id(name),
        sealed: vec![9, 0, 9],
        created: at(1),
        bound: user.map(|it| (id(it), at(2))),
        last_step: 7,
    }
}

pub(super) async fn login_profiles_are_replaced_and_go_with_their_user(place: Place) {
    let (store, account, alice) = (place.open().await, id("1000"), id("alice"));
    let mut tx = write(&*store).await;
    tx.insert_user(&user("alice", 1)).await.unwrap();
    tx.put_login_profile(&profile("alice")).await.unwrap();
    let found = tx.login_profile(&account, &alice).await.unwrap().unwrap();
    assert_eq!(found.password.expose_text(), "$argon2id$x");
    let past: Vec<_> = found.past.iter().map(PasswordHash::expose_text).collect();
    assert_eq!(past, ["$argon2id$y", "$argon2id$z"]);
    assert_eq!((found.failures, found.failed_at), (3, Some(at(4))));
    let changed = LoginProfile { past: Vec::new(), mfa_required: true, ..profile("alice") };
    tx.put_login_profile(&changed).await.unwrap();
    let found = tx.login_profile(&account, &alice).await.unwrap().unwrap();
    assert!(found.mfa_required && found.reset_required && found.past.is_empty());
    tx.delete_login_profile(&account, &alice).await.unwrap();
    assert!(tx.login_profile(&account, &alice).await.unwrap().is_none());
    tx.put_login_profile(&profile("alice")).await.unwrap();
    tx.delete_user(&account, &alice).await.unwrap();
    assert!(tx.login_profile(&account, &alice).await.unwrap().is_none());
}

pub(super) async fn devices_keep_what_they_were_given(place: Place) {
    let (store, account, alice) = (place.open().await, id("1000"), id("alice"));
    let mut tx = write(&*store).await;
    assert!(tx.insert_mfa_device(&device("m", None)).await.unwrap());
    assert!(!tx.insert_mfa_device(&device("m", None)).await.unwrap());
    let bound = MfaDevice { last_step: 8, ..device("m", Some("alice")) };
    tx.update_mfa_device(&bound).await.unwrap();
    tx.insert_mfa_device(&device("a", None)).await.unwrap();
    assert_eq!(tx.mfa_device(&account, &id("m")).await.unwrap(), Some(bound.clone()));
    assert_eq!(tx.mfa_device_of_user(&account, &alice).await.unwrap(), Some(bound.clone()));
    assert_eq!(tx.mfa_devices(&account).await.unwrap(), [device("a", None), bound]);
    tx.delete_mfa_device(&account, &id("m")).await.unwrap();
    assert_eq!(tx.mfa_device_of_user(&account, &alice).await.unwrap(), None);
}

pub(super) async fn an_alias_is_one_accounts(place: Place) {
    let (store, one, two) = (place.open().await, id("1000"), id("2000"));
    let mut tx = write(&*store).await;
    assert_eq!(tx.login_rules(&one).await.unwrap(), LoginRules::default());
    let rules = LoginRules {
        alias: Some("bank".to_owned()),
        passwords: PasswordPolicy { minimum_length: 12, max_attempts: 0, ..Default::default() },
        preference: SecurityPreference { login_hours: 9, ..Default::default() },
    };
    assert!(tx.put_login_rules(&one, &rules).await.unwrap());
    assert!(tx.put_login_rules(&one, &rules).await.unwrap(), "its own");
    assert!(!tx.put_login_rules(&two, &rules).await.unwrap(), "another's");
    assert_eq!(tx.login_rules(&one).await.unwrap(), rules);
    assert_eq!(tx.login_rules(&two).await.unwrap(), LoginRules::default());
    assert_eq!(tx.account_of_alias("bank").await.unwrap(), Some(one.clone()));
    tx.put_login_rules(&one, &LoginRules { alias: None, ..rules }).await.unwrap();
    assert_eq!(tx.account_of_alias("bank").await.unwrap(), None);
}

pub(super) async fn providers_are_put_listed_and_deleted(place: Place) {
    let (store, account) = (place.open().await, id("1000"));
    let provider = OidcProvider {
        account: id("1000"),
        name: id("ci"),
        issuer: "https://ci.example.com".to_owned(),
        client_ids: vec!["one".to_owned(), "two".to_owned()],
        keys: Some("{}".to_owned()),
        description: String::new(),
        created: at(1),
        updated: at(1),
    };
    let mut tx = write(&*store).await;
    tx.put_oidc_provider(&provider).await.unwrap();
    let changed = OidcProvider { keys: None, updated: at(2), ..provider };
    tx.put_oidc_provider(&changed).await.unwrap();
    assert_eq!(tx.oidc_provider(&account, &id("ci")).await.unwrap(), Some(changed.clone()));
    assert_eq!(tx.oidc_providers(&account).await.unwrap(), [changed]);
    assert!(tx.delete_oidc_provider(&account, &id("ci")).await.unwrap());
    assert!(!tx.delete_oidc_provider(&account, &id("ci")).await.unwrap());
    let told = tx.commit().await.unwrap().changes;
    assert!(told.contains(&Change::OidcProvider(account, id("ci"))), "{told:?}");
}

//! Accounts, users, access keys.

use yaoku_model::{
    identity::{About, AccessKey, Account, Holder, PolicyType, User},
    ids::UserName,
    tag::TagKind,
};

use super::{Place, account, at, id, logins, members::group, policies::held, tag, user, write};
use crate::{Change, Slice};

fn access_key(name: &str, user: Option<&str>, created: i64) -> AccessKey {
    AccessKey {
        id: id(name),
        account: id("1000"),
        user: user.map(id),
        sealed: vec![7, 0, 7],
        active: true,
        created: at(created),
        last_used: None,
    }
}

pub(super) async fn accounts_are_listed_in_order_of_creation(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    let (late, early) =
        (Account { created: at(2), ..account() }, Account { id: id("2000"), ..account() });
    tx.insert_account(&late).await.unwrap();
    tx.insert_account(&early).await.unwrap();
    tx.set_kms_open(&late.id, true).await.unwrap();
    let late = Account { kms_open: true, ..late };
    assert_eq!(tx.accounts().await.unwrap(), [early, late.clone()]);
    assert_eq!(tx.account(&late.id).await.unwrap(), Some(late));
    assert_eq!(tx.account(&id("3000")).await.unwrap(), None);
}

pub(super) async fn access_keys_are_switched_and_deleted(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    tx.insert_user(&user("alice", 1)).await.unwrap();
    let (root, first) = (access_key("root", None, 1), access_key("b", Some("alice"), 1));
    let second = access_key("a", Some("alice"), 2);
    for it in [&root, &second, &first] {
        tx.insert_access_key(it).await.unwrap();
    }
    tx.set_access_key_active(&second.id, false).await.unwrap();
    let second = AccessKey { active: false, ..second };
    let account = id("1000");
    assert_eq!(tx.access_keys(&account, None).await.unwrap(), std::slice::from_ref(&root));
    let listed = tx.access_keys(&account, Some(&id("alice"))).await.unwrap();
    assert_eq!(listed, [first, second]);
    tx.delete_access_key(&root.id).await.unwrap();
    assert_eq!(tx.access_key(&root.id).await.unwrap(), None);
}

pub(super) async fn users_have_unique_names_in_their_account(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    assert!(tx.insert_user(&user("Alice", 2)).await.unwrap());
    assert!(tx.insert_user(&user("alice", 1)).await.unwrap(), "case matters");
    assert!(!tx.insert_user(&user("alice", 3)).await.unwrap());
    let elsewhere = User { account: id("2000"), ..user("alice", 1) };
    assert!(tx.insert_user(&elsewhere).await.unwrap());
    assert_eq!(
        tx.users(&id("1000"), Slice::ALL).await.unwrap(),
        [user("Alice", 2), user("alice", 1)]
    );
    assert_eq!(tx.user(&id("1000"), &id("alice")).await.unwrap(), Some(user("alice", 1)));
    assert_eq!(tx.user(&id("1000"), &id("ALICE")).await.unwrap(), None);
}

pub(super) async fn deleting_a_user_takes_keys_and_attachments(place: Place) {
    let store = place.open().await;
    let (account, alice): (_, UserName) = (id("1000"), id("alice"));
    let admin = held(PolicyType::System, "Admin");
    let mut tx = write(&*store).await;
    tx.insert_user(&user("alice", 1)).await.unwrap();
    tx.insert_access_key(&access_key("ak", Some("alice"), 1)).await.unwrap();
    tx.attach(&account, &Holder::User(alice.clone()), &admin).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = write(&*store).await;
    tx.delete_user(&account, &alice).await.unwrap();
    assert_eq!(tx.access_key(&id("ak")).await.unwrap(), None);
    assert_eq!(tx.holders(&account, &admin.policy).await.unwrap(), []);
    let changes = tx.commit().await.unwrap().changes;
    assert_eq!(changes, [Change::AccessKey(id("ak")), Change::User(account, alice)]);
}

pub(super) async fn users_are_listed_by_name_in_slices(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    for name in ["c", "B", "a", "d"] {
        tx.insert_user(&user(name, 1)).await.unwrap();
    }
    let account = id("1000");
    let first = tx.users(&account, Slice { after: "", limit: 2 }).await.unwrap();
    assert_eq!(first, [user("B", 1), user("a", 1)]);
    let rest = tx.users(&account, Slice { after: "a", limit: 9 }).await.unwrap();
    assert_eq!(rest, [user("c", 1), user("d", 1)]);
}

pub(super) async fn the_last_use_of_an_access_key_only_moves_on(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    tx.insert_access_key(&access_key("ak", None, 1)).await.unwrap();
    for used in [5, 9, 7] {
        tx.touch_access_key(&id("ak"), at(used)).await.unwrap();
    }
    let found = tx.access_key(&id("ak")).await.unwrap().unwrap();
    assert_eq!(found.last_used, Some(at(9)));
}

pub(super) async fn a_user_renamed_takes_everything_along(place: Place) {
    let store = place.open().await;
    let (account, old, new) = (id("1000"), id("alice"), id("bob"));
    let admin = held(PolicyType::System, "Admin");
    let mut tx = write(&*store).await;
    tx.insert_user(&user("alice", 1)).await.unwrap();
    tx.insert_user(&user("carol", 1)).await.unwrap();
    tx.insert_access_key(&access_key("ak", Some("alice"), 1)).await.unwrap();
    tx.attach(&account, &Holder::User(id("alice")), &admin).await.unwrap();
    tx.insert_group(&group("g")).await.unwrap();
    tx.join_group(&account, &id("g"), &old, at(2)).await.unwrap();
    tx.put_login_profile(&logins::profile("alice")).await.unwrap();
    tx.insert_mfa_device(&logins::device("m", Some("alice"))).await.unwrap();
    tx.put_tag(&account, TagKind::User, "alice", &tag("team", "a")).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = write(&*store).await;
    assert!(!tx.update_user(&old, &user("carol", 1)).await.unwrap(), "taken");
    let about = About { email: "bob@example.com".to_owned(), ..About::default() };
    let renamed = User { about, updated: at(8), last_login: Some(at(7)), ..user("bob", 1) };
    assert!(tx.update_user(&old, &renamed).await.unwrap());
    let changes = tx.commit().await.unwrap().changes;
    let (was, is) =
        (Change::User(account.clone(), old.clone()), Change::User(account.clone(), new));
    assert_eq!(changes, [is, Change::AccessKey(id("ak")), was]);

    let (mut tx, new) = (write(&*store).await, id("bob"));
    assert_eq!(tx.user(&account, &old).await.unwrap(), None);
    assert_eq!(tx.user(&account, &new).await.unwrap(), Some(renamed.clone()));
    assert_eq!(tx.access_key(&id("ak")).await.unwrap().unwrap().user, Some(id("bob")));
    assert_eq!(tx.held_policies(&account, &Holder::User(id("bob"))).await.unwrap(), [admin]);
    assert_eq!(tx.groups_of_user(&account, &new).await.unwrap().len(), 1);
    assert!(tx.login_profile(&account, &new).await.unwrap().is_some());
    assert!(tx.mfa_device_of_user(&account, &new).await.unwrap().is_some());
    assert_eq!(tx.tags(&account, TagKind::User, "bob").await.unwrap(), [tag("team", "a")]);
    let again = User { updated: at(9), ..renamed };
    assert!(tx.update_user(&new, &again).await.unwrap());
    assert_eq!(tx.user(&account, &new).await.unwrap(), Some(again));
}

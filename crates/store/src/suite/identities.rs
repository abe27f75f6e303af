//! Accounts, users, access keys, policies.

use yaoku_model::identity::{AccessKey, Account, Attachment, CustomPolicy, PolicyType};

use super::{Place, account, at, id, read, user, write};
use crate::Change;

fn access_key(name: &str, user: Option<&str>, created: i64) -> AccessKey {
    AccessKey {
        id: id(name),
        account: id("1000"),
        user: user.map(id),
        sealed: vec![7, 0, 7],
        active: true,
        created: at(created),
    }
}

fn policy(name: &str) -> CustomPolicy {
    let document = "{\"密\": 1}\r\n ".to_owned();
    CustomPolicy { account: id("1000"), name: id(name), document, created: at(5) }
}

fn attachment(kind: PolicyType, name: &str) -> Attachment {
    Attachment { kind, policy: id(name) }
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
    let elsewhere = yaoku_model::identity::User { account: id("2000"), ..user("alice", 1) };
    assert!(tx.insert_user(&elsewhere).await.unwrap());
    assert_eq!(tx.users(&id("1000")).await.unwrap(), [user("alice", 1), user("Alice", 2)]);
    assert_eq!(tx.user(&id("1000"), &id("alice")).await.unwrap(), Some(user("alice", 1)));
    assert_eq!(tx.user(&id("1000"), &id("ALICE")).await.unwrap(), None);
}

pub(super) async fn deleting_a_user_takes_keys_and_attachments(place: Place) {
    let store = place.open().await;
    let (account, alice) = (id("1000"), id("alice"));
    let admin = attachment(PolicyType::System, "Admin");
    let mut tx = write(&*store).await;
    tx.insert_user(&user("alice", 1)).await.unwrap();
    tx.insert_access_key(&access_key("ak", Some("alice"), 1)).await.unwrap();
    tx.attach(&account, &alice, &admin).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = write(&*store).await;
    tx.delete_user(&account, &alice).await.unwrap();
    assert_eq!(tx.access_key(&id("ak")).await.unwrap(), None);
    assert_eq!(tx.attached_users(&account, &admin).await.unwrap(), []);
    let changes = tx.commit().await.unwrap();
    assert_eq!(changes, [Change::AccessKey(id("ak")), Change::User(account, alice)]);
}

pub(super) async fn policies_keep_their_text(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    assert!(tx.insert_custom_policy(&policy("p")).await.unwrap());
    assert!(!tx.insert_custom_policy(&policy("p")).await.unwrap());
    assert!(tx.insert_custom_policy(&policy("P")).await.unwrap());
    let found = tx.custom_policy(&id("1000"), &id("p")).await.unwrap();
    assert_eq!(found, Some(policy("p")));
    let listed = tx.custom_policies(&id("1000")).await.unwrap();
    assert_eq!(listed, [policy("P"), policy("p")], "bytewise where created together");
}

pub(super) async fn a_policy_is_attached_once(place: Place) {
    let store = place.open().await;
    let (account, alice) = (id("1000"), id("alice"));
    let system = attachment(PolicyType::System, "z");
    let custom = attachment(PolicyType::Custom, "z");
    let mut tx = write(&*store).await;
    for name in ["zoe", "alice"] {
        tx.insert_user(&user(name, 1)).await.unwrap();
        assert!(tx.attach(&account, &id(name), &system).await.unwrap());
        assert!(!tx.attach(&account, &id(name), &system).await.unwrap());
    }
    assert!(tx.attach(&account, &alice, &custom).await.unwrap());
    let attached = tx.attachments(&account, &alice).await.unwrap();
    assert_eq!(attached, [system.clone(), custom]);
    let users = tx.attached_users(&account, &system).await.unwrap();
    assert_eq!(users, [id("zoe"), id("alice")], "in order of attaching");
    assert!(tx.detach(&account, &alice, &system).await.unwrap());
    assert!(!tx.detach(&account, &alice, &system).await.unwrap());
}

pub(super) async fn deleting_a_policy_detaches_it_everywhere(place: Place) {
    let store = place.open().await;
    let (account, alice) = (id("1000"), id("alice"));
    let (ours, theirs) = (attachment(PolicyType::System, "p"), attachment(PolicyType::Custom, "p"));
    let mut tx = write(&*store).await;
    tx.insert_user(&user("alice", 1)).await.unwrap();
    tx.insert_custom_policy(&policy("p")).await.unwrap();
    tx.attach(&account, &alice, &ours).await.unwrap();
    tx.attach(&account, &alice, &theirs).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = write(&*store).await;
    tx.delete_custom_policy(&account, &id("p")).await.unwrap();
    let changes = tx.commit().await.unwrap();
    assert_eq!(
        changes,
        [Change::User(account.clone(), alice.clone()), Change::Policy(account.clone(), id("p"))]
    );
    let mut tx = read(&*store).await;
    assert_eq!(tx.custom_policy(&account, &id("p")).await.unwrap(), None);
    assert_eq!(tx.attachments(&account, &alice).await.unwrap(), [ours]);
}

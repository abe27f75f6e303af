//! Custom policies, their versions, and who holds what.

use yaoku_model::identity::{Attachment, CustomPolicy, Holder, PolicyType, PolicyVersion};

use super::{Place, at, id, read, user, write};
use crate::{Change, Held, Slice};

fn policy(name: &str) -> CustomPolicy {
    CustomPolicy::new(id("1000"), id(name), at(5))
}

pub(super) fn held(kind: PolicyType, name: &str) -> Held {
    Held { policy: Attachment { kind, policy: id(name) }, attached: at(6) }
}

pub(super) async fn policies_keep_their_texts(place: Place) {
    let (store, account) = (place.open().await, id("1000"));
    let text = "{\"密\": 1}\r\n ";
    let mut tx = write(&*store).await;
    assert!(tx.insert_custom_policy(&policy("p"), text).await.unwrap());
    assert!(!tx.insert_custom_policy(&policy("p"), "{}").await.unwrap());
    let second = PolicyVersion { number: 2, document: "{ }".to_owned(), created: at(7) };
    tx.insert_policy_version(&account, &id("p"), &second).await.unwrap();
    let first = PolicyVersion { number: 1, document: text.to_owned(), created: at(5) };
    let versions = tx.policy_versions(&account, &id("p")).await.unwrap();
    assert_eq!(versions, [first, second.clone()]);
    assert_eq!(tx.policy_document(&account, &id("p")).await.unwrap().as_deref(), Some(text));

    let description = "what it is for".to_owned();
    let now = CustomPolicy {
        description,
        default_version: 2,
        last_version: 2,
        updated: at(8),
        ..policy("p")
    };
    tx.update_custom_policy(&now).await.unwrap();
    tx.delete_policy_version(&account, &id("p"), 1).await.unwrap();
    assert_eq!(tx.custom_policy(&account, &id("p")).await.unwrap(), Some(now));
    assert_eq!(tx.policy_versions(&account, &id("p")).await.unwrap(), [second]);
    assert_eq!(tx.policy_document(&account, &id("p")).await.unwrap().as_deref(), Some("{ }"));
    assert_eq!(tx.policy_document(&account, &id("q")).await.unwrap(), None);
}

pub(super) async fn policies_are_listed_with_how_many_hold_them(place: Place) {
    let (store, account) = (place.open().await, id("1000"));
    let mut tx = write(&*store).await;
    for name in ["p", "P", "q"] {
        tx.insert_custom_policy(&policy(name), "{}").await.unwrap();
    }
    for holder in [Holder::User(id("u")), Holder::Group(id("u")), Holder::Role(id("u"))] {
        assert!(tx.attach(&account, &holder, &held(PolicyType::Custom, "p")).await.unwrap());
        assert!(tx.attach(&account, &holder, &held(PolicyType::System, "q")).await.unwrap());
    }
    let listed = tx.custom_policies(&account, Slice { after: "", limit: 2 }).await.unwrap();
    assert_eq!(listed, [(policy("P"), 0), (policy("p"), 3)]);
    let listed = tx.custom_policies(&account, Slice { after: "p", limit: 2 }).await.unwrap();
    assert_eq!(listed, [(policy("q"), 0)]);
}

pub(super) async fn a_policy_is_attached_once(place: Place) {
    let store = place.open().await;
    let (account, alice) = (id("1000"), Holder::User(id("alice")));
    let (system, custom) = (held(PolicyType::System, "z"), held(PolicyType::Custom, "z"));
    let mut tx = write(&*store).await;
    for holder in [Holder::Role(id("zoe")), alice.clone()] {
        assert!(tx.attach(&account, &holder, &system).await.unwrap());
        assert!(!tx.attach(&account, &holder, &system).await.unwrap());
    }
    assert!(tx.attach(&account, &alice, &custom).await.unwrap());
    let listed = tx.held_policies(&account, &alice).await.unwrap();
    assert_eq!(listed, [system.clone(), custom]);
    let holders = tx.holders(&account, &system.policy).await.unwrap();
    let expected = [(Holder::Role(id("zoe")), at(6)), (alice.clone(), at(6))];
    assert_eq!(holders, expected, "in order of attaching");
    assert!(tx.detach(&account, &alice, &system.policy).await.unwrap());
    assert!(!tx.detach(&account, &alice, &system.policy).await.unwrap());
}

pub(super) async fn deleting_a_policy_detaches_it_everywhere(place: Place) {
    let store = place.open().await;
    let (account, alice) = (id("1000"), Holder::User(id("alice")));
    let (ours, theirs) = (held(PolicyType::System, "p"), held(PolicyType::Custom, "p"));
    let mut tx = write(&*store).await;
    tx.insert_user(&user("alice", 1)).await.unwrap();
    tx.insert_custom_policy(&policy("p"), "{}").await.unwrap();
    tx.attach(&account, &alice, &ours).await.unwrap();
    tx.attach(&account, &alice, &theirs).await.unwrap();
    tx.attach(&account, &Holder::Role(id("r")), &theirs).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = write(&*store).await;
    tx.delete_custom_policy(&account, &id("p")).await.unwrap();
    let mut changes = tx.commit().await.unwrap().changes;
    let policy = changes.pop();
    assert_eq!(policy, Some(Change::Policy(account.clone(), id("p"))));
    assert!(changes.contains(&Change::User(account.clone(), id("alice"))), "{changes:?}");
    assert!(changes.contains(&Change::Role(account.clone(), id("r"))), "{changes:?}");
    let mut tx = read(&*store).await;
    assert_eq!(tx.custom_policy(&account, &id("p")).await.unwrap(), None);
    assert_eq!(tx.held_policies(&account, &alice).await.unwrap(), [ours]);
}

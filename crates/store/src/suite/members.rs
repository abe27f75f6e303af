//! Groups and roles.

use yaoku_model::{
    identity::{Group, Holder, PolicyType, Role},
    tag::TagKind,
};

use super::{Place, at, id, policies::held, tag, user, write};
use crate::{IdentityCounts, Slice};

pub(super) fn group(name: &str) -> Group {
    Group {
        account: id("1000"),
        name: id(name),
        id: "300".to_owned(),
        comments: String::new(),
        created: at(1),
        updated: at(1),
    }
}

pub(super) fn role(name: &str) -> Role {
    Role {
        account: id("1000"),
        name: id(name),
        id: "400".to_owned(),
        description: "for tests".to_owned(),
        trust: "{\"Version\": \"1\"}".to_owned(),
        max_session: 3600,
        console_login: true,
        created: at(1),
        updated: at(1),
    }
}

pub(super) async fn groups_are_joined_left_renamed_and_deleted(place: Place) {
    let (store, account) = (place.open().await, id("1000"));
    let mut tx = write(&*store).await;
    for name in ["a", "b", "c"] {
        tx.insert_user(&user(name, 1)).await.unwrap();
    }
    assert!(tx.insert_group(&group("g")).await.unwrap());
    assert!(!tx.insert_group(&group("g")).await.unwrap());
    tx.insert_group(&group("h")).await.unwrap();
    for name in ["b", "a", "c"] {
        assert!(tx.join_group(&account, &id("g"), &id(name), at(2)).await.unwrap());
        assert!(!tx.join_group(&account, &id("g"), &id(name), at(3)).await.unwrap());
    }
    let admin = held(PolicyType::System, "Admin");
    tx.attach(&account, &Holder::Group(id("g")), &admin).await.unwrap();
    tx.put_tag(&account, TagKind::Group, "g", &tag("team", "a")).await.unwrap();
    assert!(tx.leave_group(&account, &id("g"), &id("c")).await.unwrap());
    assert!(!tx.leave_group(&account, &id("g"), &id("c")).await.unwrap());

    assert!(!tx.update_group(&id("g"), &group("h")).await.unwrap(), "taken");
    let renamed = Group { comments: "ours".to_owned(), updated: at(4), ..group("i") };
    assert!(tx.update_group(&id("g"), &renamed).await.unwrap());
    assert_eq!(tx.group(&account, &id("g")).await.unwrap(), None);
    assert_eq!(tx.group(&account, &id("i")).await.unwrap(), Some(renamed.clone()));
    let members = tx.users_of_group(&account, &id("i"), Slice::ALL).await.unwrap();
    assert_eq!(members, [(user("a", 1), at(2)), (user("b", 1), at(2))]);
    let after = Slice { after: "a", limit: 1 };
    let members = tx.users_of_group(&account, &id("i"), after).await.unwrap();
    assert_eq!(members, [(user("b", 1), at(2))]);
    let again = Group { updated: at(5), ..renamed };
    assert!(tx.update_group(&id("i"), &again).await.unwrap());
    let groups = tx.groups_of_user(&account, &id("a")).await.unwrap();
    assert_eq!(groups, [(again.clone(), at(2))]);
    assert_eq!(tx.groups(&account, Slice::ALL).await.unwrap(), [group("h"), again]);
    let holder = Holder::Group(id("i"));
    assert_eq!(tx.held_policies(&account, &holder).await.unwrap(), [admin]);
    assert_eq!(tx.tags(&account, TagKind::Group, "i").await.unwrap(), [tag("team", "a")]);

    tx.delete_group(&account, &id("i")).await.unwrap();
    assert_eq!(tx.groups_of_user(&account, &id("a")).await.unwrap(), []);
    assert_eq!(tx.held_policies(&account, &holder).await.unwrap(), []);
    assert_eq!(tx.tags(&account, TagKind::Group, "i").await.unwrap(), []);
}

pub(super) async fn roles_keep_what_they_were_given(place: Place) {
    let (store, account) = (place.open().await, id("1000"));
    let mut tx = write(&*store).await;
    assert!(tx.insert_role(&role("r")).await.unwrap());
    assert!(!tx.insert_role(&role("r")).await.unwrap());
    tx.insert_role(&role("q")).await.unwrap();
    let changed = Role { trust: "{}".to_owned(), max_session: 7200, updated: at(3), ..role("r") };
    tx.update_role(&changed).await.unwrap();
    assert_eq!(tx.role(&account, &id("r")).await.unwrap(), Some(changed.clone()));
    assert_eq!(tx.roles(&account, Slice::ALL).await.unwrap(), [role("q"), changed]);
    let holder = Holder::Role(id("r"));
    tx.attach(&account, &holder, &held(PolicyType::System, "Admin")).await.unwrap();
    tx.delete_role(&account, &id("r")).await.unwrap();
    assert_eq!(tx.role(&account, &id("r")).await.unwrap(), None);
    assert_eq!(tx.held_policies(&account, &holder).await.unwrap(), []);
}

pub(super) async fn things_are_counted_by_account(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    for name in ["a", "b"] {
        tx.insert_user(&user(name, 1)).await.unwrap();
    }
    tx.insert_group(&group("g")).await.unwrap();
    tx.insert_role(&role("r")).await.unwrap();
    tx.insert_mfa_device(&super::logins::device("m", None)).await.unwrap();
    let expected = IdentityCounts { users: 2, groups: 1, roles: 1, policies: 0, mfa_devices: 1 };
    assert_eq!(tx.identity_counts(&id("1000")).await.unwrap(), expected);
    assert_eq!(tx.identity_counts(&id("2000")).await.unwrap(), IdentityCounts::default());
}

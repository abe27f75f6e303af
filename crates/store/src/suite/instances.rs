//! Instances.

use yaoku_model::instance::{Instance, InstanceKind, InstanceStatus};

use super::{Place, all, at, id, instance, page, texts, write};
use crate::InstanceFilter;

pub(super) async fn instances_keep_what_they_were_given(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    let made = instance("kst-a", 1);
    tx.insert_instance(&made).await.unwrap();
    assert_eq!(tx.instance(&made.id).await.unwrap(), Some(made.clone()));
    let changed = Instance {
        name: "名".to_owned(),
        kind: InstanceKind::Hardware,
        status: InstanceStatus::Disconnected,
        ends: at(i64::MAX),
        spec: 4,
        key_quota: 5,
        secret_quota: 6,
        access_quota: 7,
        deletion_protection: Some("why".to_owned()),
        ..made
    };
    tx.update_instance(&changed).await.unwrap();
    assert_eq!(tx.instance(&changed.id).await.unwrap(), Some(changed));
    assert_eq!(tx.instance(&id("kst-b")).await.unwrap(), None);
}

pub(super) async fn instances_are_filtered_by_every_field(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    let odd = Instance {
        name: "odd".to_owned(),
        kind: InstanceKind::Hardware,
        status: InstanceStatus::Error,
        ..instance("kst-b", 2)
    };
    for it in
        [&odd, &instance("kst-a", 1), &Instance { account: id("2000"), ..instance("kst-c", 1) }]
    {
        tx.insert_instance(it).await.unwrap();
    }
    let none = InstanceFilter::default();
    for (filter, expected) in [
        (none.clone(), vec!["kst-a", "kst-b"]),
        (InstanceFilter { ids: texts(&["kst-a", "kst-c"]), ..none.clone() }, vec!["kst-a"]),
        (InstanceFilter { names: texts(&["odd"]), ..none.clone() }, vec!["kst-b"]),
        (InstanceFilter { names: texts(&["Odd"]), ..none.clone() }, vec![]),
        (InstanceFilter { statuses: texts(&["Error"]), ..none.clone() }, vec!["kst-b"]),
        (InstanceFilter { kinds: texts(&["3", "5"]), ..none.clone() }, vec!["kst-a", "kst-b"]),
        (InstanceFilter { kinds: texts(&["5"]), ids: texts(&["kst-a"]), ..none.clone() }, vec![]),
    ] {
        let listed = tx.list_instances(&id("1000"), &filter, all()).await.unwrap();
        let ids: Vec<_> = listed.items.iter().map(|it| it.id.as_str()).collect();
        assert_eq!((ids, listed.total), (expected.clone(), i64::try_from(expected.len()).unwrap()));
    }
    let second = tx.list_instances(&id("1000"), &none, page(2, 1)).await.unwrap();
    assert_eq!((second.items, second.total), (vec![odd], 2));
    let every = tx.instances().await.unwrap();
    let every: Vec<_> = every.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(every, ["kst-a", "kst-c", "kst-b"], "of every account, the oldest first");
}

//! Tags.

use yaoku_model::tag::{TagKey, TagKind, TagValue};

use super::{Place, at, id, tag, texts, write};
use crate::{TagQuery, Transaction};

pub(super) async fn tags_are_put_replaced_and_deleted(place: Place) {
    let store = place.open().await;
    let account = id("1000");
    let mut tx = write(&*store).await;
    for (key, value) in [("b", "1"), ("B", "1"), ("b", "2"), ("区域", "")] {
        tx.put_tag(&account, TagKind::Key, "k", &tag(key, value)).await.unwrap();
    }
    tx.put_tag(&account, TagKind::Instance, "kst-a", &tag("c", "")).await.unwrap();
    tx.delete_tag(&account, TagKind::Key, "k", &id("none")).await.unwrap();
    let tags = tx.tags(&account, TagKind::Key, "k").await.unwrap();
    assert_eq!(tags, [tag("B", "1"), tag("b", "2"), tag("区域", "")]);
    tx.delete_tag(&account, TagKind::Key, "k", &id("b")).await.unwrap();
    assert_eq!(tx.tags(&account, TagKind::Key, "k").await.unwrap().len(), 2);
    assert_eq!(tx.tags(&account, TagKind::Secret, "k").await.unwrap(), []);
    assert_eq!(tx.tags(&id("2000"), TagKind::Key, "k").await.unwrap(), []);
}

async fn list(
    tx: &mut dyn Transaction,
    resources: &[&str],
    tags: &[(&str, Option<&str>)],
    after: Option<(&str, &str)>,
    limit: i64,
) -> Vec<String> {
    let resources = texts(resources);
    let tags: Vec<(TagKey, Option<TagValue>)> =
        tags.iter().map(|(key, value)| (id(key), value.map(id))).collect();
    let kind = TagKind::Secret;
    let query = TagQuery { kind, resources: &resources, tags: &tags, now: at(0), after, limit };
    let rows = tx.list_tags(&id("1000"), &query).await.unwrap();
    let word = |it: &crate::TagRow| {
        format!("{} {}={}", it.resource, it.tag.key.as_str(), it.tag.value.as_str())
    };
    rows.iter().map(word).collect()
}

pub(super) async fn tags_are_listed_across_resources_page_by_page(place: Place) {
    let store = place.open().await;
    let mut tx = write(&*store).await;
    for (resource, key, value) in
        [("b", "x", "1"), ("a", "y", "2"), ("B", "x", "2"), ("a", "x", "1"), ("c", "y", "1")]
    {
        let account = id("1000");
        tx.put_tag(&account, TagKind::Secret, resource, &tag(key, value)).await.unwrap();
    }
    tx.put_tag(&id("2000"), TagKind::Secret, "a", &tag("z", "1")).await.unwrap();
    tx.put_tag(&id("1000"), TagKind::Key, "a", &tag("z", "1")).await.unwrap();
    let tx = &mut *tx;
    let everything = ["B x=2", "a x=1", "a y=2", "b x=1", "c y=1"];
    assert_eq!(list(tx, &[], &[], None, 9).await, everything);
    assert_eq!(list(tx, &[], &[], None, 2).await, everything[..2]);
    assert_eq!(list(tx, &[], &[], Some(("a", "x")), 2).await, everything[2..4]);
    assert_eq!(list(tx, &["c", "B"], &[], None, 9).await, ["B x=2", "c y=1"]);
    assert_eq!(list(tx, &[], &[("x", Some("1"))], None, 9).await, everything[1..4]);
    assert_eq!(list(tx, &[], &[("x", None), ("y", None)], None, 9).await, everything[1..3]);
    assert_eq!(list(tx, &["b"], &[("y", None)], None, 9).await, Vec::<String>::new());
}

//! Tags of identities.

use yaoku_wire::error::Code;

use super::{ALICE, GROUP, allowing, texts, with_alice};
use crate::{node::Limits, testing::Kms};

const USER: (&str, &str) = ("ResourceType", "user");
const ON_ALICE: (&str, &str) = ("ResourceNames.1", "alice");
const TEAM: [(&str, &str); 2] = [("Tag.1.Key", "team"), ("Tag.1.Value", "orders")];

async fn listed(kms: &Kms) -> Vec<String> {
    let answer = kms.ram("ListTagResources", [USER]).await.unwrap();
    let [names, keys, values] =
        ["ResourceName", "TagKey", "TagValue"].map(|it| texts(&answer, "TagResources", it));
    let rows = names.iter().zip(&keys).zip(&values);
    rows.map(|((name, key), value)| format!("{name} {key}={value}")).collect()
}

#[tokio::test]
async fn tags_are_put_on_what_is_there_and_of_a_kind_that_has_them() {
    let kms = with_alice().await;
    for (kind, expected) in [
        ("key", Code::InvalidParameter),
        ("mfa", Code::InvalidParameter),
        ("", Code::MissingParameter),
        ("group", Code::NoGroup),
        ("role", Code::NoRole),
        ("policy", Code::NoPolicy),
    ] {
        let params = [("ResourceType", kind), ON_ALICE, TEAM[0], TEAM[1]];
        assert_eq!(kms.ram("TagResources", params).await.err(), Some(expected), "{kind}");
    }
    for (params, expected) in [
        ([USER, TEAM[0], TEAM[1]], Code::MissingParameter),
        ([USER, ON_ALICE, ("Tag.1.Value", "x")], Code::MissingParameter),
        ([USER, ON_ALICE, ("Tag.1.Key", "acs:x")], Code::InvalidParameter),
        ([USER, ("ResourceNames.1", "a b"), TEAM[0]], Code::NoUser),
    ] {
        assert_eq!(kms.ram("TagResources", params).await.err(), Some(expected), "{params:?}");
    }
    for (name, expected) in [
        ("a\nb".to_owned(), Code::InvalidParameter),
        ("密".repeat(129), Code::InvalidParameter),
        ("密".repeat(128), Code::NoUser),
    ] {
        let params = [USER, ("ResourceNames.1", &*name), TEAM[0]];
        assert_eq!(kms.ram("TagResources", params).await.err(), Some(expected), "{name}");
    }
    let twice = [USER, ON_ALICE, ("Tag.1.Key", "a"), ("Tag.2.Key", "a")];
    assert_eq!(kms.ram("TagResources", twice).await.err(), Some(Code::InvalidParameter));
}

#[tokio::test]
async fn nothing_has_more_tags_than_it_may() {
    let kms = Kms::with_limits(Limits { tags: 1, ..Limits::default() }).await;
    kms.ram("CreateUser", [ALICE]).await.unwrap();
    kms.ram("TagResources", [USER, ON_ALICE, TEAM[0], TEAM[1]]).await.unwrap();
    let second = kms.ram("TagResources", [USER, ON_ALICE, ("Tag.1.Key", "city")]).await.err();
    assert_eq!(second, Some(Code::TooManyTag));
    let other = [USER, ON_ALICE, TEAM[0], ("Tag.1.Value", "stock")];
    kms.ram("TagResources", other).await.unwrap();
    assert_eq!(listed(&kms).await, ["alice team=stock"]);
}

#[tokio::test]
async fn each_thing_that_is_named_is_judged() {
    let kms = with_alice().await;
    kms.ram("CreateUser", [("UserName", "bob")]).await.unwrap();
    let half = kms.as_user(&[&allowing("acs:ram:*:*:user/alice")]);
    let both = [USER, ON_ALICE, ("ResourceNames.2", "bob"), TEAM[0], TEAM[1]];
    assert_eq!(half.ram("TagResources", both).await.err(), Some(Code::RamNoPermission));
    let all = half.ram("ListTagResources", [USER]).await.err();
    assert_eq!(all, Some(Code::RamNoPermission));
    half.ram("ListTagResources", [USER, ON_ALICE]).await.unwrap();
    kms.ram("TagResources", both).await.unwrap();
    assert_eq!(listed(&kms).await, ["alice team=orders", "bob team=orders"]);
}

#[tokio::test]
async fn tags_are_taken_away_by_key_or_all_at_once() {
    let kms = with_alice().await;
    let two = [USER, ON_ALICE, TEAM[0], TEAM[1], ("Tag.2.Key", "city")];
    kms.ram("TagResources", two).await.unwrap();
    let none = kms.ram("UntagResources", [USER, ON_ALICE]).await.err();
    assert_eq!(none, Some(Code::MissingParameter));
    kms.ram("UntagResources", [USER, ON_ALICE, ("TagKeys.1", "city")]).await.unwrap();
    assert_eq!(listed(&kms).await, ["alice team=orders"]);
    kms.ram("TagResources", two).await.unwrap();
    kms.ram("UntagResources", [USER, ON_ALICE, ("All", "true")]).await.unwrap();
    assert!(listed(&kms).await.is_empty());
}

#[tokio::test]
async fn a_page_goes_on_where_the_last_one_ended() {
    let kms = with_alice().await;
    kms.ram("CreateGroup", [GROUP]).await.unwrap();
    let group = [("ResourceType", "group"), ("ResourceNames.1", "developers")];
    let tags = [("Tag.1.Key", "a"), ("Tag.2.Key", "b"), ("Tag.3.Key", "c")];
    let params = [group[0], group[1], tags[0], tags[1], tags[2]];
    kms.ram("TagResources", params).await.unwrap();
    let size = ("PageSize", "2");
    let first = kms.ram("ListTagResources", [group[0], size]).await.unwrap();
    assert_eq!(texts(&first, "TagResources", "TagKey"), ["a", "b"]);
    let next = ("NextToken", first.get("NextToken").unwrap());
    let rest = kms.ram("ListTagResources", [group[0], size, next]).await.unwrap();
    assert_eq!(texts(&rest, "TagResources", "TagKey"), ["c"]);
    assert_eq!(rest.get("NextToken"), Some(""));
    let damaged = kms.ram("ListTagResources", [group[0], ("NextToken", "!")]).await.err();
    assert_eq!(damaged, Some(Code::InvalidParameter));
}

//! Tests of the operations on the root key, through the pipeline.

use yaoku_wire::{error::Code, fields::Fields};

use crate::testing::Kms;

const WORDS: (&str, &str) = ("Passphrase", "correct horse battery staple");
const NAME: (&str, &str) = ("Name", "words");
const KIND: (&str, &str) = ("Kind", "passphrase");

/// A node, and the same called by the operator.
async fn operator() -> (Kms, Kms) {
    let kms = Kms::new().await;
    let operator = kms.as_operator();
    (kms, operator)
}

async fn described(kms: &Kms) -> Fields {
    kms.call("DescribeRootKey", []).await.unwrap()
}

/// Waits until no rotation is under way: the node finishes it beside the calls.
async fn rotated(kms: &Kms, generation: &str) {
    loop {
        let now = described(kms).await;
        assert_eq!(now.get("RootKey.Generation"), Some(generation));
        if now.get("RootKey.Rotation.State") == Some("None") {
            let done = now.get("RootKey.Rotation.Done");
            assert_eq!(done, now.get("RootKey.Rotation.Total"));
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_new_deployment_has_one_wrap_and_it_stays() {
    let (_node, kms) = operator().await;
    let root = described(&kms).await;
    assert_eq!(root.count("RootKey.Wraps.Wrap"), Some(1));
    for (field, value) in [("Name", "key-file"), ("Kind", "key-file"), ("State", "Open")] {
        assert_eq!(root.get(&format!("RootKey.Wraps.Wrap.0.{field}")), Some(value));
    }
    assert_eq!(root.get("RootKey.Generation"), Some("1"));
    let refused = kms.call("RemoveRootKeyWrap", [("Name", "key-file")]).await;
    assert_eq!(refused.err(), Some(Code::StateModifiedFailed));
    let refused = kms.call("RotateRootKey", [("DropWrap.1", "key-file")]).await;
    assert_eq!(refused.err(), Some(Code::StateModifiedFailed));
}

#[tokio::test]
async fn what_is_wrong_with_a_wrap_is_said_before_anything_changes() {
    let (_node, kms) = operator().await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("wrap.key").display().to_string();
    for (params, code) in [
        (vec![NAME], Code::MissingParameter),
        (vec![NAME, ("Kind", "hope")], Code::InvalidParameter),
        (vec![NAME, KIND], Code::MissingParameter),
        (vec![NAME, KIND, ("Passphrase", "too short")], Code::InvalidParameter),
        (vec![("Name", "Big"), KIND, WORDS], Code::InvalidParameter),
        (
            vec![NAME, ("Kind", "key-file"), ("KeyFile", "not/from/the/root")],
            Code::InvalidParameter,
        ),
        (
            vec![NAME, ("Kind", "key-file"), ("KeyFile", "/no/such/folder/f")],
            Code::InvalidParameter,
        ),
        (vec![NAME, ("Kind", "shares"), ("Needed", "2")], Code::MissingParameter),
        (vec![NAME, ("Kind", "shares"), ("Needed", "3"), ("Of", "2")], Code::InvalidParameter),
        (vec![NAME, ("Kind", "shares"), ("Needed", "1"), ("Of", "2")], Code::InvalidParameter),
        (vec![("Name", "key-file"), ("Kind", "key-file"), ("KeyFile", &file)], Code::ResourceExist),
    ] {
        let reply = kms.call_with("AddRootKeyWrap", &params).await;
        assert_eq!(reply.err(), Some(code), "{params:?}");
    }
    let none = [("Name", "none")];
    assert_eq!(kms.call("RemoveRootKeyWrap", none).await.err(), Some(Code::ResourceNotFound));
    let drop = [("DropWrap.1", "none")];
    assert_eq!(kms.call("RotateRootKey", drop).await.err(), Some(Code::ResourceNotFound));
    let open = [("Name", "none"), WORDS];
    assert_eq!(kms.call("OpenRootKeyWrap", open).await.err(), Some(Code::ResourceNotFound));
    for open in [
        vec![("Name", "key-file"), WORDS],
        vec![("Name", "key-file"), WORDS, ("KeyFile", "/x")],
        vec![("Name", "key-file"), ("Shares", "yaoku-share-1:x")],
    ] {
        let reply = kms.call_with("OpenRootKeyWrap", &open).await;
        assert_eq!(reply.err(), Some(Code::InvalidParameter), "{open:?}");
    }
    assert_eq!(described(&kms).await.count("RootKey.Wraps.Wrap"), Some(1));
}

#[tokio::test]
async fn keys_open_before_while_and_after_the_root_key_is_rotated() {
    let (_node, kms) = operator().await;
    let key = kms.key().await;
    let text = [("KeyId", key.as_str()), ("Plaintext", "aGVsbG8=")];
    let blob = kms.call("Encrypt", text).await.unwrap();
    let blob = blob.get("CiphertextBlob").unwrap();
    kms.call("AddRootKeyWrap", [NAME, KIND, WORDS]).await.unwrap();
    for generation in ["2", "3"] {
        let begun = kms.call("RotateRootKey", []).await.unwrap();
        assert_eq!(begun.get("Generation"), Some(generation));
        // Made meanwhile: under the new root key, though the node may not have followed yet.
        kms.call("CreateAccount", []).await.unwrap();
        kms.as_operator().call("CreateInstance", []).await.unwrap();
        rotated(&kms, generation).await;
        let plain = kms.call("Decrypt", [("CiphertextBlob", blob)]).await.unwrap();
        assert_eq!(plain.get("Plaintext"), Some("aGVsbG8="));
    }
}

#[tokio::test]
async fn a_wrap_is_dropped_by_a_rotation_or_removed() {
    let (_node, kms) = operator().await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("wrap.key").display().to_string();
    let second = [("Name", "second"), ("Kind", "key-file"), ("KeyFile", file.as_str())];
    kms.call("AddRootKeyWrap", second).await.unwrap();
    let shares = [("Name", "split"), ("Kind", "shares"), ("Needed", "2"), ("Of", "3")];
    let made = kms.call("AddRootKeyWrap", shares).await.unwrap();
    assert_eq!(made.count("Shares.Share"), Some(3));
    kms.call("RotateRootKey", [("DropWrap.1", "key-file")]).await.unwrap();
    rotated(&kms, "2").await;
    kms.call("RemoveRootKeyWrap", [("Name", "second")]).await.unwrap();
    let left = described(&kms).await;
    assert_eq!(left.count("RootKey.Wraps.Wrap"), Some(1));
    assert_eq!(left.get("RootKey.Wraps.Wrap.0.Name"), Some("split"));

    // Too few, then enough.
    let share = |at: usize| made.get(&format!("Shares.Share.{at}")).unwrap().to_owned();
    let (few, enough) = (share(2), format!("{}\n{}\n", share(2), share(0)));
    let open = |shares| [("Name", "split"), ("Shares", shares)];
    let refused = kms.call("OpenRootKeyWrap", open(&few)).await;
    assert_eq!(refused.err(), Some(Code::InvalidParameter));
    kms.call("OpenRootKeyWrap", open(&enough)).await.unwrap();
}

#[tokio::test]
async fn the_last_wrap_that_opens_outside_the_process_stays() {
    let (node, kms) = operator().await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("wrap.key");
    let path = file.display().to_string();
    let second = [("Name", "second"), ("Kind", "key-file"), ("KeyFile", path.as_str())];
    kms.call("AddRootKeyWrap", second).await.unwrap();
    kms.call("AddRootKeyWrap", [NAME, KIND, WORDS]).await.unwrap();
    let first = node.data.path().join(crate::root::KEY_FILE);
    let away = dir.path().join("away.key");
    std::fs::rename(&first, &away).unwrap();
    std::fs::remove_file(&file).unwrap();
    // Their keys are still in memory, which is of no use after a restart.
    let refused = kms.call("RemoveRootKeyWrap", [NAME]).await;
    assert_eq!(refused.err(), Some(Code::StateModifiedFailed));
    let refused = kms.call("RotateRootKey", [("DropWrap.1", "words")]).await;
    assert_eq!(refused.err(), Some(Code::StateModifiedFailed));
    // A file that is not its wrap's does not count.
    std::fs::write(&file, "not a key").unwrap();
    assert!(kms.call("RemoveRootKeyWrap", [NAME]).await.is_err());
    std::fs::rename(&away, &first).unwrap();
    kms.call("RotateRootKey", [("DropWrap.1", "second")]).await.unwrap();
    rotated(&kms, "2").await;
    kms.call("RemoveRootKeyWrap", [NAME]).await.unwrap();
}

#[tokio::test]
async fn a_key_file_beside_the_data_or_another_is_refused_and_not_written() {
    let (node, kms) = operator().await;
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let key = |name: &str, at: &std::path::Path| {
        [
            ("Name", name.to_owned()),
            ("Kind", "key-file".into()),
            ("KeyFile", at.display().to_string()),
        ]
    };
    let add = async |name: &str, at: &std::path::Path| {
        let params = key(name, at);
        let params: Vec<_> = params.iter().map(|(name, it)| (*name, it.as_str())).collect();
        kms.call_with("AddRootKeyWrap", &params).await.map(drop)
    };
    let in_data = node.data.path().join("x.key");
    assert_eq!(add("x", &in_data).await.err(), Some(Code::InvalidParameter));
    let first = one.path().join("first.key");
    add("first", &first).await.unwrap();
    let beside = one.path().join("x.key");
    for file in [&first, &beside] {
        assert_eq!(add("x", file).await.err(), Some(Code::InvalidParameter), "{file:?}");
    }
    assert!(!in_data.exists() && !beside.exists());
    let copy = two.path().join("copy.key");
    std::fs::copy(&first, &copy).unwrap();
    assert_eq!(add("x", &copy).await.err(), Some(Code::StateModifiedFailed), "the same key");
}

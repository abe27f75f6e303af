//! What no hook is put on, and what a hook may not do.

use rustls::RootCertStore;
use yaoku_wire::error::Code;

use super::{ROLE, hooks, kms, rotate, secret};

const PROGRAM: &str = "/usr/local/libexec/rotate";

#[tokio::test]
async fn what_nothing_rotates_is_not_rotated() {
    let kms = kms(hooks(&[PROGRAM], RootCertStore::empty())).await;
    for version in ["v1", "v2"] {
        assert_eq!(rotate(&kms, version).await.unwrap_err(), Code::RejectedUnsupportedOperation);
    }
    let put = [("SecretName", "db"), ("Command.1", PROGRAM), ("Role", ROLE)];
    kms.as_operator().call("PutHook", put).await.unwrap();
    let policy = [("SecretName", "db"), ("EnableAutomaticRotation", "false")];
    let refused = kms.call("UpdateSecretRotationPolicy", policy).await.unwrap_err();
    assert_eq!(refused, Code::RejectedUnsupportedOperation, "a hook changes nothing else");
    rotate(&kms, "v1").await.unwrap();
    kms.as_operator().call("DeleteHook", [("SecretName", "db")]).await.unwrap();
    assert_eq!(rotate(&kms, "v2").await.unwrap_err(), Code::RejectedUnsupportedOperation);
}

#[tokio::test]
async fn nobody_but_the_operator_puts_or_removes_a_hook() {
    let kms = kms(hooks(&[PROGRAM], RootCertStore::empty())).await;
    let put = [("SecretName", "db"), ("Command.1", PROGRAM), ("Role", ROLE)];
    assert_eq!(kms.call("PutHook", put).await.unwrap_err(), Code::NoPermission);
    kms.as_operator().call("PutHook", put).await.unwrap();
    let remove = [("SecretName", "db")];
    assert_eq!(kms.call("DeleteHook", remove).await.unwrap_err(), Code::NoPermission);
    assert_eq!(
        kms.without("yaoku:GetHook").call("GetHook", remove).await.unwrap_err(),
        Code::NoPermission
    );
    let got = kms.call("GetHook", remove).await.unwrap();
    assert_eq!(got.get("Hook.Command.Word.0"), Some(PROGRAM));
}

#[tokio::test]
async fn a_hook_that_could_not_be_called_is_refused() {
    let kms = kms(hooks(&[PROGRAM], RootCertStore::empty())).await;
    secret(&kms, "leaving", "x").await;
    let leave = [("SecretName", "leaving"), ("RecoveryWindowInDays", "7")];
    kms.call("DeleteSecret", leave).await.unwrap();
    let rds = [
        ("SecretName", "rds"),
        ("VersionId", "v1"),
        ("SecretType", "Rds"),
        ("SecretData", r#"{"Accounts":[{"AccountName":"app","AccountPassword":"p1"}]}"#),
        ("ExtendedConfig", r#"{"SecretSubType":"DoubleUsers","DBInstanceId":"rm-1"}"#),
    ];
    kms.call("CreateSecret", rds).await.unwrap();
    let (db, role, program) = (("SecretName", "db"), ("Role", ROLE), ("Command.1", PROGRAM));
    let (url, key) = (("Url", "https://a.example/b"), ("SigningSecret", "key"));
    for (params, code) in [
        (&[role, program][..], Code::MissingParameter),
        (&[db, program], Code::MissingParameter),
        (&[db, role], Code::MissingParameter),
        (&[db, role, key], Code::MissingParameter),
        (&[db, role, url], Code::MissingParameter),
        (&[db, role, url, key, program], Code::InvalidParameter),
        (&[db, role, key, program], Code::InvalidParameter),
        (&[db, role, key, ("Url", "http://a.example")], Code::InvalidParameter),
        (&[db, role, key, ("Url", "https://me@a.example")], Code::InvalidParameter),
        (&[db, role, key, ("Url", "https://a.example/b?token=c")], Code::InvalidParameter),
        (&[db, role, ("Command.1", "rotate")], Code::InvalidParameter),
        (&[db, role, ("Command.1", "/bin/sh")], Code::InvalidParameter),
        (&[db, role, program, ("Command.2", "a\nb")], Code::InvalidParameter),
        (&[db, role, program, ("RotationInterval", "5h")], Code::InvalidParameter),
        (&[db, program, ("Role", "nobody")], Code::NoRole),
        (&[role, program, ("SecretName", "none")], Code::ResourceNotFound),
        (&[role, program, ("SecretName", "leaving")], Code::ResourceInDeleteWindow),
        (&[role, program, ("SecretName", "rds")], Code::RejectedUnsupportedOperation),
    ] {
        let refused = kms.as_operator().call_with("PutHook", params).await.err();
        assert_eq!(refused, Some(code), "{params:?}");
    }
    for name in ["none", "db"] {
        let it = [("SecretName", name)];
        assert_eq!(kms.call("GetHook", it).await.unwrap_err(), Code::ResourceNotFound);
        let gone = kms.as_operator().call("DeleteHook", it).await.unwrap_err();
        assert_eq!(gone, Code::ResourceNotFound);
    }
}

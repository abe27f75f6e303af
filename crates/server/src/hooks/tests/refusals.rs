//! What no hook is put on, and what a hook may not do.

use std::{fs, os::unix::fs::PermissionsExt as _};

use rustls::RootCertStore;
use yaoku_wire::error::Code;

use super::{Hooks, ROLE, hooks, kms, rotate, secret};
use crate::webhooks::Reach;

/// A program that is there.
const PROGRAM: &str = "/bin/true";

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

#[tokio::test]
async fn a_program_that_would_not_be_run_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("rotate");
    let (path, folder) = (file.to_str().unwrap(), place.path().to_str().unwrap());
    let kms = kms(hooks(&[path, folder], RootCertStore::empty())).await;
    let put = async |program: &str| {
        let params = [("SecretName", "db"), ("Role", ROLE), ("Command.1", program)];
        kms.as_operator().call("PutHook", params).await.err()
    };
    let refused = Some(Code::InvalidParameter);
    assert_eq!(put(path).await, refused, "it is not there");
    assert_eq!(put(folder).await, refused, "it is no file");
    fs::write(&file, "#!/bin/sh\n").unwrap();
    for (mode, expected) in [(0o600, refused), (0o720, refused), (0o702, refused), (0o700, None)] {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(put(path).await, expected, "{mode:o}");
    }
}

#[tokio::test]
async fn a_server_at_an_address_that_is_not_called_is_refused() {
    let reach = |private| Reach { roots: RootCertStore::empty(), private };
    let public = Hooks::new(reach(false), Vec::new(), None).unwrap();
    for (hooks, private) in
        [(public, None), (Hooks::default(), None), (hooks(&[], reach(true).roots), Some(()))]
    {
        let kms = kms(hooks).await;
        for url in [
            "https://127.0.0.1/a",
            "https://localhost:8443/a",
            "https://[::1]/a",
            "https://10.0.0.1",
        ] {
            let params =
                [("SecretName", "db"), ("Role", ROLE), ("Url", url), ("SigningSecret", "key")];
            let done = kms.as_operator().call("PutHook", params).await;
            assert_eq!(done.is_ok().then_some(()), private, "{url}: {:?}", done.err());
        }
    }
}

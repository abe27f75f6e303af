//! Targets: what is registered, what is shown of it, and what is found wrong with it.

use yaoku_model::secret::Credential;
use yaoku_targets::{
    Login, Proof,
    testing::{Authority, TestServer, free_port},
};
use yaoku_wire::{error::Code, fields::Fields};

use crate::testing::Kms;

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";

/// Registers a server, on this machine, as `t`.
async fn put(kms: &Kms, more: &[(&str, &str)]) -> Result<Fields, Code> {
    let all = [("TargetId", "t"), ("Host", "127.0.0.1"), ("AdminSecret", "admin")];
    kms.as_operator().call_with("PutTarget", &[&all[..], more].concat()).await
}

/// Makes a database server at this port of `t`, and says what is the first thing wrong with it.
async fn checked(kms: &Kms, port: u16, tls: &str) -> Option<[String; 3]> {
    let port = port.to_string();
    put(kms, &[("Engine", "Redis"), ("Tls", tls), ("Port", &port)]).await.unwrap();
    let found = kms.as_operator().call("CheckTarget", [("TargetId", "t")]).await.unwrap();
    let problem = |of: &str| found.get(&format!("Problems.Problem.0.{of}")).map(str::to_owned);
    let works = problem("Fault").is_none().to_string();
    assert_eq!(found.get("Works"), Some(&*works));
    Some([problem("Fault")?, problem("Message")?, problem("Remedy")?])
}

async fn secret(kms: &Kms, value: &str, more: &[(&str, &str)]) {
    let all = [("SecretName", "admin"), ("VersionId", "v1"), ("SecretData", value)];
    kms.call_with("CreateSecret", &[&all[..], more].concat()).await.unwrap();
}

fn value_of(admin: &Login) -> String {
    let Proof::Password(password) = admin.proof.clone() else { panic!("a password") };
    let credential = Credential::Account { name: admin.user.clone(), password };
    credential.data().unwrap().expose_text().to_owned()
}

#[tokio::test]
async fn what_is_no_host_key_or_no_authority_is_refused() {
    let kms = Kms::new().await;
    let ssh = [("Engine", "SSH"), ("Port", "22")];
    assert_eq!(put(&kms, &ssh).await.unwrap_err(), Code::MissingParameter);
    let long = format!("{KEY}\n{}", "# ".repeat(20_000));
    for key in ["nonsense", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQ==", &KEY[..60], &long] {
        let refused = put(&kms, &[&ssh[..], &[("HostKey", key)]].concat()).await;
        assert_eq!(refused.unwrap_err(), Code::InvalidParameter, "{key}");
    }
    let no_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let sql = [("Engine", "MySQL"), ("Port", "3306"), ("Ca", no_certificate)];
    assert_eq!(put(&kms, &sql).await.unwrap_err(), Code::InvalidParameter);
}

#[tokio::test]
async fn a_host_key_is_kept_bare_and_shown_with_its_fingerprint() {
    let kms = Kms::new().await;
    let scanned = format!("# h:22 SSH-2.0\n[127.0.0.1]:22 ssh-rsa AAAAB3Nz\n[h]:22 {KEY} root@h\n");
    let ssh = [("Engine", "SSH"), ("Port", "22"), ("HostKey", &*scanned)];
    put(&kms, &ssh).await.unwrap();
    let shown = kms.call("GetTarget", [("TargetId", "t")]).await.unwrap();
    assert_eq!(shown.get("Target.HostKey"), Some(KEY));
    // Source: ssh-keygen -l.
    let fingerprint = "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU";
    assert_eq!(shown.get("Target.HostKeyFingerprint"), Some(fingerprint));
    assert_eq!(shown.get("Target.Authorities.Authority.0.Subject"), None);
}

#[tokio::test]
async fn authorities_are_shown_by_what_people_know_of_them() {
    let kms = Kms::new().await;
    let two = [Authority::new(), Authority::new()].map(|it| it.certificate().to_owned()).concat();
    let sql = [("Engine", "MySQL"), ("Port", "3306"), ("Ca", &*two)];
    let shown = put(&kms, &sql).await.unwrap();
    assert_eq!(shown.count("Target.Authorities.Authority"), Some(2));
    for nth in 0..2 {
        let of = |name: &str| shown.get(&format!("Target.Authorities.Authority.{nth}.{name}"));
        assert!(of("Subject").is_some_and(|it| it.contains("CN=")), "{:?}", of("Subject"));
        assert!(of("NotAfter").is_some_and(|it| it.ends_with('Z')));
        assert_eq!(of("Fingerprint").map(str::len), Some(32 * 3 - 1));
    }
}

#[tokio::test]
async fn why_there_is_no_administrator_is_said_of_the_secret() {
    let kms = Kms::new().await;
    let told = async |why: &str, remedy: &str| {
        let [fault, message, ends] = checked(&kms, 1, "off").await.unwrap();
        assert_eq!(fault, "NoAdministrator");
        assert!(message.contains("secret admin ") && message.contains(why), "{why}: {message}");
        assert!(ends.contains(remedy), "{remedy}: {ends}");
    };
    told("does not exist", "yaoku secret create admin").await;
    let (key, instance) = (kms.key().await, kms.instance_id.to_string());
    let under = [("EncryptionKeyId", key.as_str()), ("DKMSInstanceId", instance.as_str())];
    secret(&kms, "no JSON", &under).await;
    told("does not hold {\"AccountName\":", "yaoku secret put admin").await;
    kms.call("DisableKey", [("KeyId", key.as_str())]).await.unwrap();
    told("is encrypted with a key that is disabled", "key usable again").await;
    kms.call("EnableKey", [("KeyId", key.as_str())]).await.unwrap();
    let leave = [("SecretName", "admin"), ("RecoveryWindowInDays", "7")];
    kms.call("DeleteSecret", leave).await.unwrap();
    told("is being deleted", "yaoku secret restore admin").await;
}

#[tokio::test]
async fn a_server_is_checked_and_what_is_wrong_is_said() {
    let kms = Kms::new().await;
    let server = TestServer::redis();
    let (plain, tls) = (server.target().port, server.target_with_tls().port);
    secret(&kms, &value_of(&server.admin()), &[]).await;
    assert_eq!(checked(&kms, plain, "off").await, None);
    for (port, mode, code, why, ends) in [
        (free_port(), "off", "Unreachable", "cannot be reached", "can be reached"),
        (tls, "off", "Unreachable", "wants TLS", "--tls verify"),
        (tls, "verify", "NotTrusted", "certificate", "--ca"),
    ] {
        let [fault, message, remedy] = checked(&kms, port, mode).await.unwrap();
        assert_eq!(fault, code, "{message}");
        assert!(message.contains(why) && remedy.contains(ends), "{message}: {remedy}");
    }
    let put = [("SecretName", "admin"), ("VersionId", "v2")];
    let other = value_of(&server.admin()).replace("St3ward", "St4ward");
    kms.call("PutSecretValue", [put[0], put[1], ("SecretData", &other)]).await.unwrap();
    let [fault, _, remedy] = checked(&kms, plain, "off").await.unwrap();
    assert_eq!(fault, "WrongAdministrator");
    assert!(remedy.contains("steward") && remedy.contains("secret put admin"), "{remedy}");
    assert!(!remedy.contains("St4ward"));
}

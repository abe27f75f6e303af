//! What is secret is nowhere but in the answers that owe it: not in the database, not in any file,
//! not in the log, not in errors, not in events. In a process of its own: it listens to the log.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail loudly"
)]

#[expect(dead_code, reason = "shared with the other tests, which use all of it")]
mod support;

#[expect(dead_code, reason = "shared with the test of the memory, which needs the forms")]
#[path = "support/canaries.rs"]
mod canaries;

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use data_encoding::BASE32_NOPAD;
use tracing_subscriber::fmt::MakeWriter;
use yaoku_server::api::{Product, operation};
use yaoku_store::testing;

use canaries::Canaries;
use support::{Database, Party, World, client::Scheme, things::Things};

/// A log in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

const PLAINTEXT: &str = "canary-plaintext-4f1e9a73c2";
const VALUE: &str = "canary-secret-value-b07d55e81f";
const SECOND: &str = "canary-second-value-91c3aa60de";
const CONTEXT: &str = r#"{"table":"canary-context-77d0e4b95a"}"#;

#[tokio::test]
async fn nothing_secret_is_left_anywhere() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE);
    let subscriber = subscriber.with_writer(log.clone()).finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    for database in [Database::Sqlite, Database::Postgres] {
        let world = World::new(database).await;
        let mut canaries = Canaries::default();
        let root = world.account().await;
        let denied = world.user(&root, "denied", &[]).await;
        for secret in [&root.key.secret, &denied.key.secret] {
            canaries.add(secret.as_bytes());
        }
        for secret in [PLAINTEXT, VALUE, SECOND, "canary-context-77d0e4b95a"] {
            canaries.add(secret.as_bytes());
        }
        session(&world, &root, &denied, &mut canaries).await;
        identities(&world, &root, &denied, &mut canaries).await;
        // While it runs, so with the write-ahead log; and after it has stopped.
        assert!(canaries.are_not_in_files(world.data.path()) >= 4);
        let stopped = world.stop().await;
        canaries.are_not_in_files(stopped.data.path());
        for (table, lines) in testing::dump(&stopped.url).await {
            canaries.are_not_in(&table, lines.join("\n").as_bytes());
        }
        for event in stopped.events().await {
            canaries.are_not_in("an event", &event.to_row());
        }
        let mut refusals = stopped.told.iter().filter(|it| it.answer.status != 200).peekable();
        assert!(refusals.peek().is_some());
        for refusal in refusals {
            canaries.are_not_in("a refusal", refusal.answer.body.as_bytes());
        }
        let written = log.0.lock().unwrap();
        assert!(written.len() > 10_000, "the log was not heard");
        canaries.are_not_in("the log", &written);
    }
}

/// Uses everything of RAM that takes or gives a secret, well and badly.
async fn identities(world: &World, root: &Party, denied: &Party, canaries: &mut Canaries) {
    const PASSWORDS: [&str; 2] = ["Canary-password-5c1e", "Canary-password-77ab"];
    let call = async |by: &Party, action: &str, params: &[(&str, &str)]| {
        let params = params.iter().map(|(name, it)| ((*name).to_owned(), (*it).to_owned()));
        let spec = operation(Product::Ram, action).unwrap().spec;
        world.call_of(by, spec, &params.collect::<Vec<_>>()).await
    };
    for password in PASSWORDS {
        canaries.add(password.as_bytes());
    }
    let user = ("UserName", "denied");
    let made = call(root, "CreateAccessKey", &[user]).await;
    canaries.add(made.text("/AccessKey/AccessKeySecret").as_bytes());
    let device = call(root, "CreateVirtualMFADevice", &[("VirtualMFADeviceName", "phone")]).await;
    let seed = device.text("/VirtualMFADevice/Base32StringSeed");
    assert_eq!(seed.len(), 32, "{device:?}");
    canaries.add(seed.as_bytes());
    canaries.add(&BASE32_NOPAD.decode(seed.as_bytes()).unwrap());
    let [first, second] = PASSWORDS.map(|it| ("Password", it));
    assert_eq!(call(root, "CreateLoginProfile", &[user, first]).await.status, 200);
    assert_eq!(call(root, "UpdateLoginProfile", &[user, second]).await.status, 200);
    for action in ["CreateLoginProfile", "UpdateLoginProfile"] {
        assert_ne!(call(denied, action, &[user, first]).await.status, 200);
    }
    let change = [("OldPassword", PASSWORDS[1]), ("NewPassword", PASSWORDS[0])];
    assert_eq!(call(denied, "ChangePassword", &change).await.code(), "NoPermission");
    let odd = [user, ("Password", PASSWORDS[1]), ("Pasword", PASSWORDS[0])];
    assert_ne!(call(root, "CreateLoginProfile", &odd).await.status, 200);
}

/// Uses everything that takes or gives a secret, well and badly.
async fn session(world: &World, root: &Party, denied: &Party, canaries: &mut Canaries) {
    let things = Things::of(world, root).await;
    let key = ("KeyId", things.key.as_str());
    let text = [key, ("Plaintext", PLAINTEXT), ("EncryptionContext", CONTEXT)];
    let blob = world.done(root, "Encrypt", &text).await.text("/CiphertextBlob");
    let sealed = [("CiphertextBlob", blob.as_str()), ("EncryptionContext", CONTEXT)];
    let opened = world.done(root, "Decrypt", &sealed).await;
    assert_eq!(opened.text("/Plaintext"), PLAINTEXT);
    for action in ["GenerateDataKey", "GenerateDataKeyWithoutPlaintext"] {
        let made = world.done(root, action, &[key, ("EncryptionContext", CONTEXT)]).await;
        let sealed = made.text("/CiphertextBlob");
        let sealed = [("CiphertextBlob", sealed.as_str()), ("EncryptionContext", CONTEXT)];
        let opened = world.done(root, "Decrypt", &sealed).await.text("/Plaintext");
        canaries.add(&STANDARD.decode(&opened).unwrap());
    }
    let password = world.done(root, "GetRandomPassword", &[]).await.text("/RandomPassword");
    canaries.add(password.as_bytes());
    let name = ("SecretName", "canary/one");
    let value = [name, ("VersionId", "v1"), ("SecretData", VALUE), ("EncryptionKeyId", key.1)];
    world
        .done(root, "CreateSecret", &[&value[..], &[("DKMSInstanceId", &things.instance)]].concat())
        .await;
    let second = [name, ("VersionId", "v2"), ("SecretData", SECOND)];
    world.done(root, "PutSecretValue", &second).await;
    assert_eq!(world.done(root, "GetSecretValue", &[name]).await.text("/SecretData"), SECOND);
    let list = ("SecretsList", r#"[{"SecretName":"canary/one"}]"#);
    assert!(world.done(root, "BatchGetSecretValue", &[list]).await.body.contains(SECOND));
    // Refused: denied, in the wrong state, with a wrong value, with a wrong signature.
    let wrong = [("CiphertextBlob", blob.as_str()), ("EncryptionContext", r#"{"a":"b"}"#)];
    assert_ne!(world.call(root, "Decrypt", &wrong).await.status, 200);
    let bad = [("KeyId", "no such key"), ("Plaintext", PLAINTEXT), ("EncryptionContext", CONTEXT)];
    assert_ne!(world.call(root, "Encrypt", &bad).await.status, 200);
    let bad = [("KeyId", PLAINTEXT), ("PlainText", PLAINTEXT), ("EncryptionContext", VALUE)];
    assert_ne!(world.call(root, "Encrypt", &bad).await.status, 200);
    let bad = [name, ("VersionId", "v2"), ("SecretData", SECOND), ("VersionStages", VALUE)];
    assert_ne!(world.call(root, "PutSecretValue", &bad).await.status, 200);
    for (action, params) in
        [("Encrypt", &text[..]), ("Decrypt", &sealed), ("PutSecretValue", &second)]
    {
        assert_ne!(world.call(denied, action, params).await.status, 200);
    }
    let mut key_with_typo = root.key.clone();
    key_with_typo.secret.push('x');
    let params = second.map(|(name, value)| (name.to_owned(), value.to_owned()));
    for scheme in [Scheme::V1, Scheme::V3] {
        let call = world.outbound(scheme, "PutSecretValue", &params).sign(&key_with_typo);
        assert_eq!(world.send(&call, false).await.code(), "SignatureDoesNotMatch");
    }
    world.done(root, "DisableKey", &[key]).await;
    assert_ne!(world.call(root, "Encrypt", &text).await.status, 200);
    assert_ne!(world.call(root, "GetSecretValue", &[name]).await.status, 200);
}

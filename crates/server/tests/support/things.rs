//! What an account has, so that every operation's example can be called and would be served.

use yaoku_server::{accounts, api::Spec};

use super::{NOW, Party, World, client::Param};

/// An account's things, one of each kind.
#[derive(Clone, Debug)]
pub(crate) struct Things {
    pub(crate) instance: String,
    /// A key in the instance. Bound to `alias/app`.
    pub(crate) key: String,
    /// Its version.
    pub(crate) version: String,
    /// Made by the key.
    pub(crate) blob: String,
}

/// The secret of every [`Things`], sealed under its key, with the versions `v1` and `v2`.
pub(crate) const SECRET: &str = "db/orders";

/// The context of the blob.
pub(crate) const CONTEXT: &str = r#"{"table":"users"}"#;

impl Things {
    /// Makes them.
    pub(crate) async fn of(world: &World, owner: &Party) -> Self {
        let mut tx = world.node.store.write().await.unwrap();
        let account = &owner.account;
        let made = accounts::create_instance(&world.node, tx.tx(), account, NOW).await;
        let instance = made.unwrap().id.to_string();
        world.node.caches.apply(&tx.commit().await.unwrap());
        let made = world.done(owner, "CreateKey", &[("DKMSInstanceId", &instance)]).await;
        let key = made.text("/KeyMetadata/KeyId");
        let alias = [("KeyId", key.as_str()), ("AliasName", "alias/app")];
        world.done(owner, "CreateAlias", &alias).await;
        let tags =
            [("KeyId", key.as_str()), ("Tags", r#"[{"TagKey":"team","TagValue":"orders"}]"#)];
        world.done(owner, "TagResource", &tags).await;
        let secret = [
            ("SecretName", SECRET),
            ("VersionId", "v1"),
            ("SecretData", "one"),
            ("EncryptionKeyId", &key),
            ("DKMSInstanceId", &instance),
        ];
        world.done(owner, "CreateSecret", &secret).await;
        let second = [("SecretName", SECRET), ("VersionId", "v2"), ("SecretData", "two")];
        world.done(owner, "PutSecretValue", &second).await;
        let text =
            [("KeyId", key.as_str()), ("Plaintext", "any text"), ("EncryptionContext", CONTEXT)];
        let sealed = world.done(owner, "Encrypt", &text).await;
        let (version, blob) = (sealed.text("/KeyVersionId"), sealed.text("/CiphertextBlob"));
        Self { instance, key, version, blob }
    }

    /// The example of an operation, on these things.
    pub(crate) fn example(&self, spec: &Spec) -> Vec<Param> {
        let real = |(name, value): &(&str, &str)| {
            let value = match (*name, spec.name) {
                ("SecretName", "CreateSecret") => "db/new",
                ("AliasName", "CreateAlias") => "alias/new",
                ("VersionId", "PutSecretValue") => "v3",
                ("VersionId", "GetSecretValue") => "v2",
                ("SecretsList", _) => r#"[{"SecretName":"db/orders"}]"#,
                _ if value.is_empty() => "",
                ("KeyId" | "DestinationKeyId" | "EncryptionKeyId" | "ResourceId.1", _) => &self.key,
                ("DKMSInstanceId" | "KmsInstanceId", _) => &self.instance,
                ("KeyVersionId", _) => &self.version,
                ("CiphertextBlob", _) => &self.blob,
                _ => value,
            };
            ((*name).to_owned(), value.to_owned())
        };
        spec.example.iter().map(real).collect()
    }
}

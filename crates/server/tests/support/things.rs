//! What an account has, so that every operation's example can be called and would be served.

use yaoku_server::api::Spec;

use super::{Party, World, client::Param};

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
    others: Others,
}

/// Keys of the other kinds, for the operations that need one.
#[derive(Clone, Debug, Default)]
struct Others {
    signer: Pair,
    opener: Pair,
    /// Under the opener.
    sealed: String,
    /// The opener's public key.
    public: String,
    coder: String,
    /// A key that waits for its material.
    external: String,
    /// The version of the data key `orders`.
    data_key: String,
}

#[derive(Clone, Debug, Default)]
struct Pair {
    key: String,
    version: String,
}

impl Pair {
    async fn of(world: &World, owner: &Party, spec: &str, usage: &str) -> Self {
        let params = [("KeySpec", spec), ("KeyUsage", usage)];
        let key = world.done(owner, "CreateKey", &params).await.text("/KeyMetadata/KeyId");
        let listed = world.done(owner, "ListKeyVersions", &[("KeyId", &key)]).await;
        Self { key, version: listed.text("/KeyVersions/KeyVersion/0/KeyVersionId") }
    }
}

impl Others {
    /// Makes them: none is of RSA, whose keys take long.
    async fn of(world: &World, owner: &Party) -> Self {
        let opener = Pair::of(world, owner, "EC_SM2", "ENCRYPT/DECRYPT").await;
        let mut named = vec![("KeyId", &*opener.key), ("KeyVersionId", &opener.version)];
        let pem = world.done(owner, "GetPublicKey", &named).await.text("/PublicKey");
        named.extend([("Algorithm", "SM2PKE"), ("Plaintext", "aGVsbG8=")]);
        let sealed = world.done(owner, "AsymmetricEncrypt", &named).await.text("/CiphertextBlob");
        let external = world.done(owner, "CreateKey", &[("Origin", "EXTERNAL")]).await;
        let coder = Pair::of(world, owner, "Aliyun_HMAC_SHA_256", "GENERATE/VERIFY").await;
        let named = [("DataKeyName", "orders")];
        let data_key = world.done(owner, "CreateManagedDataKeyVersion", &named).await;
        Self {
            signer: Pair::of(world, owner, "EC_P256", "SIGN/VERIFY").await,
            opener,
            sealed,
            public: pem.lines().filter(|it| !it.starts_with('-')).collect(),
            coder: coder.key,
            external: external.text("/KeyMetadata/KeyId"),
            data_key: data_key.text("/DataKeyVersionId"),
        }
    }

    /// What a parameter of an operation is, if it is one of these things.
    fn value(&self, operation: &str, name: &str) -> Option<&str> {
        let pair = match operation {
            "AsymmetricSign" | "AsymmetricVerify" | "GetPublicKey" => &self.signer,
            "AsymmetricEncrypt" | "AsymmetricDecrypt" => &self.opener,
            "ExportDataKey" | "GenerateAndExportDataKey" => {
                return match name {
                    "PublicKeyBlob" => Some(&self.public),
                    "WrappingKeySpec" => Some("EC_SM2"),
                    "WrappingAlgorithm" => Some("SM2PKE"),
                    _ => None,
                };
            }
            "GetManagedDataKey" | "DeleteManagedDataKey" => {
                return (name == "DataKeyVersionId").then_some(&*self.data_key);
            }
            "GenerateMac" | "VerifyMac" => return (name == "KeyId").then_some(&*self.coder),
            "GetParametersForImport" | "ImportKeyMaterial" | "DeleteKeyMaterial" => {
                return (name == "KeyId").then_some(&*self.external);
            }
            _ => return None,
        };
        match name {
            "KeyId" => Some(&pair.key),
            "KeyVersionId" => Some(&pair.version),
            "CiphertextBlob" => Some(&self.sealed),
            "Algorithm" if pair.key == self.opener.key => Some("SM2PKE"),
            "Algorithm" => Some("ECDSA_SHA_256"),
            _ => None,
        }
    }
}

/// The secret of every [`Things`], sealed under its key, with the versions `v1` and `v2`.
pub(crate) const SECRET: &str = "db/orders";

/// The context of the blob.
pub(crate) const CONTEXT: &str = r#"{"table":"users"}"#;

impl Things {
    /// Makes them.
    pub(crate) async fn of(world: &World, owner: &Party) -> Self {
        let instance = world.instance(owner).await;
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
        Self { instance, key, version, blob, others: Others::of(world, owner).await }
    }

    /// What names the blob of an asymmetric key in a call of `ReEncrypt`, and the blob.
    pub(crate) fn source_pair(&self) -> [(&str, &str); 4] {
        let Others { opener, sealed, .. } = &self.others;
        [
            ("SourceKeyId", &opener.key),
            ("SourceKeyVersionId", &opener.version),
            ("SourceEncryptionAlgorithm", "SM2PKE"),
            ("CiphertextBlob", sealed),
        ]
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
                (name, operation) if self.others.value(operation, name).is_some() => {
                    self.others.value(operation, name).unwrap_or_default()
                }
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

impl World {
    /// Lets another account do everything that it can be granted to a key and its secret.
    pub(crate) async fn share(&self, owner: &Party, things: &Things, with: &Party) {
        let policy = format!(
            r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Principal":{{"RAM":["acs:ram::{}:*","acs:ram::{}:*"]}},"Action":["kms:*"],"Resource":["*"]}}]}}"#,
            owner.account, with.account
        );
        let params = [("KeyId", &*things.key), ("Policy", &*policy)];
        self.done(owner, "SetKeyPolicy", &params).await;
        let mut tx = self.node.store.write().await.unwrap();
        let name = SECRET.parse().unwrap();
        let (mut secret, _) = tx.secret(&owner.account, &name).await.unwrap().unwrap();
        secret.policy = Some(policy);
        tx.update_secret(&secret).await.unwrap();
        self.node.caches.apply(&tx.commit().await.unwrap().changes);
    }
}

//! A resource that may carry tags, found.

use yaoku_model::{
    arn::{KeyRef, SecretRef},
    ids::{AccountId, InstanceId},
    key::Key,
    secret::Secret,
    tag::TagKind,
};

use crate::{call::Call, error::ApiError};

/// A resource's name, as a client writes it.
#[derive(Debug)]
pub(super) enum Named {
    /// A key, by id or ARN.
    Key(KeyRef),
    /// A secret, by name or ARN.
    Secret(SecretRef),
    /// An instance, by id.
    Instance(InstanceId),
}

/// A resource that is there, and that the caller may do this to.
#[derive(Debug)]
pub(super) struct Tagged {
    /// What it is.
    pub(super) kind: TagKind,
    /// What the store calls it: a key's or an instance's id, a secret's name.
    pub(super) resource: String,
    /// Whose it is.
    pub(super) account: AccountId,
}

impl Named {
    /// Finds it to change its tags, which its state must allow. Source: keys.md §5, secrets.md §3.
    pub(super) async fn to_change(&self, call: &mut Call<'_>) -> Result<Tagged, ApiError> {
        match self {
            Self::Key(named) => {
                let key = call.key_by_id(named).await?;
                key.must_be_changeable()?;
                Ok(Tagged::key(key))
            }
            Self::Secret(named) => Ok(Tagged::secret(call.live_secret(named).await?)),
            Self::Instance(_) => self.to_read(call).await,
        }
    }

    /// Finds it to read its tags.
    pub(super) async fn to_read(&self, call: &mut Call<'_>) -> Result<Tagged, ApiError> {
        Ok(match self {
            Self::Key(named) => Tagged::key(call.key_by_id(named).await?),
            Self::Secret(named) => Tagged::secret(call.secret(named).await?),
            Self::Instance(id) => {
                let found = call.instance(id).await?;
                let resource = found.id.to_string();
                Tagged { kind: TagKind::Instance, resource, account: found.account }
            }
        })
    }
}

impl Tagged {
    fn key(key: Key) -> Self {
        Self { kind: TagKind::Key, resource: key.id.to_string(), account: key.account }
    }

    fn secret(secret: Secret) -> Self {
        let resource = secret.name.to_string();
        Self { kind: TagKind::Secret, resource, account: secret.account }
    }
}

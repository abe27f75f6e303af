//! A resource that may carry tags, found.

use yaoku_model::{
    arn::{KeyRef, SecretRef},
    ids::InstanceId,
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
}

impl Named {
    /// Finds it to change its tags, which its state must allow. Source: keys.md §5, secrets.md §3.
    pub(super) async fn to_change(&self, call: &mut Call<'_>) -> Result<Tagged, ApiError> {
        match self {
            Self::Key(named) => {
                let key = call.key_by_id(named).await?;
                key.must_be_changeable()?;
                Ok(Tagged { kind: TagKind::Key, resource: key.id.as_str().to_owned() })
            }
            Self::Secret(named) => {
                let name = call.live_secret(named).await?.name;
                Ok(Tagged { kind: TagKind::Secret, resource: name.as_str().to_owned() })
            }
            Self::Instance(_) => self.to_read(call).await,
        }
    }

    /// Finds it to read its tags.
    pub(super) async fn to_read(&self, call: &mut Call<'_>) -> Result<Tagged, ApiError> {
        let (kind, resource) = match self {
            Self::Key(named) => (TagKind::Key, call.key_by_id(named).await?.id.to_string()),
            Self::Secret(named) => (TagKind::Secret, call.secret(named).await?.name.to_string()),
            Self::Instance(id) => (TagKind::Instance, call.instance(id).await?.id.to_string()),
        };
        Ok(Tagged { kind, resource })
    }
}

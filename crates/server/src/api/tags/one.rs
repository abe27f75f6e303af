//! The one resource that `TagResource` and `UntagResource` name. Source: keys.md §14.

use yaoku_model::{arn::Arn, ids::CertificateId};
use yaoku_wire::{error::Code, params::Params};

use crate::{call::Call, error::ApiError};

use super::tagged::{Named, Tagged};

/// A key, a secret or a certificate: exactly one of them is named.
#[derive(Debug)]
pub(super) enum One {
    /// A key or a secret.
    Named(Named),
    /// A certificate. There are none, which is said to who may tag one of that id.
    Certificate(CertificateId),
}

impl One {
    /// Takes `KeyId`, `SecretName` or `CertificateId`. None or more than one is invalid.
    pub(super) fn take(params: &mut Params) -> Result<Self, ApiError> {
        let key = params.optional("KeyId")?;
        let secret = params.optional("SecretName")?;
        let certificate = params.optional("CertificateId")?;
        match (key, secret, certificate) {
            (Some(key), None, None) => Ok(Self::Named(Named::Key(key))),
            (None, Some(secret), None) => Ok(Self::Named(Named::Secret(secret))),
            (None, None, Some(id)) => Ok(Self::Certificate(id)),
            _ => Err(ApiError::invalid("KeyId")),
        }
    }

    /// Finds it to change its tags.
    pub(super) async fn to_change(&self, call: &mut Call<'_>) -> Result<Tagged, ApiError> {
        match self {
            Self::Named(named) => named.to_change(call).await,
            Self::Certificate(id) => {
                call.allow(&Arn::certificate(call.region(), call.account(), id))?;
                Err(Code::CertificateNotFound.into())
            }
        }
    }
}

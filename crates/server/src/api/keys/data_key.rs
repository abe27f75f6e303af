//! Data keys: random bytes for a client's own cipher, sealed under a key. Source: keys.md §9.6.

use base64::{Engine, engine::general_purpose::STANDARD};
use yaoku_model::{arn::KeyRef, context::EncryptionContext, ids::Invalid};
use yaoku_wire::params::Params;
use zeroize::Zeroizing;

use crate::{
    api::Action,
    call::{Ask, Call},
    error::ApiError,
};

use super::{
    blob::{self, Sealed},
    context,
};

/// The longest data key, in bytes.
const MAX_LEN: i64 = 1024;

/// What is asked for, with or without its plaintext.
#[derive(Debug)]
pub(super) struct DataKey {
    key: KeyRef,
    len: usize,
    context: EncryptionContext,
}

/// A data key as its client reads it: Base64. `Decrypt` answers the same text.
pub(super) type DataKeyText = Zeroizing<String>;

impl DataKey {
    /// Takes the parameters that both operations have. `NumberOfBytes` wins; 0 is as if absent.
    pub(super) fn take(params: &mut Params) -> Result<Self, ApiError> {
        let spec = params.optional("KeySpec");
        let Spec(by_spec) =
            spec.map_err(|_| ApiError::invalid_unquoted("KeySpec"))?.unwrap_or(Spec(32));
        let number = params.integer("NumberOfBytes", 0..=MAX_LEN)?.unwrap_or(0);
        Ok(Self {
            key: params.required("KeyId")?,
            len: usize::try_from(number).ok().filter(|it| *it > 0).unwrap_or(by_spec),
            context: context::take(params, "EncryptionContext")?,
        })
    }

    /// How many bytes it will have.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Makes one. What is sealed is the Base64 text, not the bytes: so the service does.
    pub(super) async fn make(
        &self,
        call: &mut Call<'_>,
        action: Action,
    ) -> Result<(Sealed, DataKeyText), ApiError> {
        let key = call.usable_key(&self.key, Ask::cipher(action, &self.context)).await?;
        let mut bytes = Zeroizing::new(vec![0; self.len]);
        call.random().fill(&mut bytes)?;
        let text = Zeroizing::new(STANDARD.encode(&*bytes));
        let sealed = blob::seal(call, &key, &self.context, text.as_bytes()).await?;
        Ok((sealed, text))
    }
}

/// `KeySpec` of a data key, as a length in bytes.
struct Spec(usize);

impl std::str::FromStr for Spec {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        match raw {
            "AES_256" => Ok(Self(32)),
            "AES_128" => Ok(Self(16)),
            _ => Err(Invalid),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::DataKey;

    #[test]
    fn an_unknown_spec_is_refused_in_the_vendor_s_words() {
        let mut params = [("KeyId", "alias/app"), ("KeySpec", "AES_512")].into_iter().collect();
        let refused = DataKey::take(&mut params).unwrap_err();
        assert_eq!(refused.refusal().message(), "The specified parameter KeySpec is not valid.");
    }
}

//! Managed data keys: each version is a secret of the service's own. Source: keys.md §13.

use yaoku_model::{
    arn::{Arn, SecretRef},
    ids::{Invalid, SecretName, VersionId},
    secret::SecretType,
};
use yaoku_store::{Match, SecretFilter};
use yaoku_wire::error::Code;

use super::{Action, Entry};
use crate::{call::Call, error::ApiError};

mod create_managed_data_key_version;
mod delete_managed_data_key;
mod get_managed_data_key;
mod list_managed_data_key_versions;

/// The operations of this folder.
pub const OPERATIONS: &[Entry] = &[
    Entry::of::<create_managed_data_key_version::CreateManagedDataKeyVersion>(),
    Entry::of::<delete_managed_data_key::DeleteManagedDataKey>(),
    Entry::of::<get_managed_data_key::GetManagedDataKey>(),
    Entry::of::<list_managed_data_key_versions::ListManagedDataKeyVersions>(),
];

/// What it takes to read a version, whichever operation reads it. Source: keys.md §13.
pub(super) const OPEN_DATA_KEY: Action = Action::kms("GetManagedDataKey");

/// What the name of each version begins with. Source: keys.md §13.
const PREFIX: &str = "kms-datakeyversion!";

/// Characters of a version's id. Source: keys.md §2.
const ID_LEN: usize = 8;

/// The name of a data key: what is left of a secret's name. Our choice of grammar.
#[derive(Clone, Debug)]
struct DataKeyName(String);

impl std::str::FromStr for DataKeyName {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        let longest = SecretName::MAX_LEN - PREFIX.len() - 1 - ID_LEN;
        if raw.len() > longest || raw.contains('!') {
            return Err(Invalid);
        }
        raw.parse::<SecretName>().map(|it| Self(it.as_str().to_owned()))
    }
}

impl DataKeyName {
    /// The name of the secret that is one version.
    fn version(&self, id: &VersionId) -> Result<SecretName, ApiError> {
        let name = format!("{}{}", self.prefix(), id.as_str()).parse();
        name.map_err(|Invalid| ApiError::invalid("DataKeyVersionId"))
    }

    /// What the names of its versions begin with.
    fn prefix(&self) -> String {
        format!("{PREFIX}{}!", self.0)
    }

    /// What policies call the data key itself: all of its versions. Our choice.
    fn arn(&self, call: &Call<'_>) -> Result<Arn, ApiError> {
        let name = self.prefix().parse().map_err(|Invalid| ApiError::invalid("DataKeyName"))?;
        Ok(call.secret_arn(&name))
    }

    /// Finds its versions.
    fn filter(&self, call: &Call<'_>) -> SecretFilter {
        SecretFilter {
            names: vec![Match::Prefix(self.prefix())],
            kinds: vec![SecretType::Generic.as_str().to_owned()],
            alive_at: Some(call.now),
            ..SecretFilter::default()
        }
    }
}

/// The version that a secret's name stands for.
fn version_id(name: &SecretName) -> &str {
    name.as_str().rsplit('!').next().unwrap_or_default()
}

/// Fails unless the caller may read data keys, if `secret` names a version of one. It is judged as
/// [`DataKeyName::arn`] has it, before anything is looked up, so that a refusal tells nothing.
pub(super) fn must_be_readable(call: &mut Call<'_>, secret: &SecretRef) -> Result<(), ApiError> {
    let (SecretRef::Name(name) | SecretRef::Arn(_, name)) = secret;
    let name = name.as_str();
    let Some(end) = name.rfind('!').filter(|_| name.starts_with(PREFIX)) else { return Ok(()) };
    let all = name[..=end].parse().map_err(|Invalid| Code::InternalFailure)?;
    let all = match secret {
        SecretRef::Name(_) => SecretRef::Name(all),
        SecretRef::Arn(place, _) => SecretRef::Arn(place.clone(), all),
    };
    call.allow_to_secret(&all, OPEN_DATA_KEY)
}

#[cfg(test)]
mod tests;

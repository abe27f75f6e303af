//! Policies: those of the system, which nobody changes, and those that the account wrote.

use std::str::FromStr;

use yaoku_model::{
    arn::Arn,
    identity::{Attachment, CustomPolicy, PolicyType, PolicyVersion},
    ids::{AccountId, Invalid, PolicyName},
    policy::system::{self, SystemPolicy},
    time::Timestamp,
};
use yaoku_wire::{error::Code, fields::Fields, params::Params};

use super::{Rule, resource};
use crate::{api::Entry, call::Call, error::ApiError};

mod create_policy;
mod create_policy_version;
mod delete_policy;
mod delete_policy_version;
mod get_policy;
mod get_policy_version;
mod list_policies;
mod list_policy_versions;
mod set_default_policy_version;
#[cfg(test)]
mod tests;
mod update_policy_description;

/// The operations of this folder.
pub const OPERATIONS: &[Entry] = &[
    Entry::of::<create_policy::CreatePolicy>(),
    Entry::of::<create_policy_version::CreatePolicyVersion>(),
    Entry::of::<delete_policy::DeletePolicy>(),
    Entry::of::<delete_policy_version::DeletePolicyVersion>(),
    Entry::of::<get_policy::GetPolicy>(),
    Entry::of::<get_policy_version::GetPolicyVersion>(),
    Entry::of::<list_policies::ListPolicies>(),
    Entry::of::<list_policy_versions::ListPolicyVersions>(),
    Entry::of::<set_default_policy_version::SetDefaultPolicyVersion>(),
    Entry::of::<update_policy_description::UpdatePolicyDescription>(),
];

/// The name of a policy.
pub(super) const POLICY_NAME: Rule = Rule {
    name: "PolicyName",
    max: PolicyName::MAX_LEN,
    codes: &[Code::PolicyNameLength, Code::PolicyNameChars],
};

/// Whose text a policy is.
pub(super) const POLICY_TYPE: Rule = Rule {
    name: "PolicyType",
    max: 16,
    codes: &[Code::PolicyTypeUnknown, Code::PolicyTypeUnknown],
};

/// What a policy or a role is for.
pub(super) const DESCRIPTION: Rule = Rule {
    name: "Description",
    max: 1024,
    codes: &[Code::DescriptionLength, Code::DescriptionChars],
};

/// The same, when it changes.
pub(super) const NEW_DESCRIPTION: Rule = Rule {
    name: "NewDescription",
    max: 1024,
    codes: &[Code::NewDescriptionLength, Code::NewDescriptionChars],
};

const VERSION_ID: Rule =
    Rule { name: "VersionId", max: 20, codes: &[Code::VersionIdFormat, Code::VersionIdFormat] };

/// What [`document`](super::document::document) answers of a policy.
const DOCUMENT: &[Code] = &[Code::PolicyDocumentLength, Code::MalformedPolicyDocument];

/// The number of a version: `v1`. Source: identity.md §2.2.
#[derive(Clone, Copy, Debug)]
struct VersionId(i64);

impl FromStr for VersionId {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        let digits = raw.strip_prefix('v').ok_or(Invalid)?;
        let decimal = digits.bytes().all(|it| it.is_ascii_digit()) && !digits.starts_with('0');
        digits.parse().ok().filter(|_| decimal).map(Self).ok_or(Invalid)
    }
}

/// Takes `PolicyName` and `PolicyType`: which policy is meant.
pub(super) fn which(params: &mut Params) -> Result<Attachment, ApiError> {
    let policy = POLICY_NAME.required(params)?;
    Ok(Attachment { kind: POLICY_TYPE.required(params)?, policy })
}

/// What an operation on a policy is judged by. Those of the system are nobody's.
/// Source: identity.md §2.5.
pub(super) fn policy_resource(account: &AccountId, policy: &Attachment) -> Arn {
    let path = format!("policy/{}", policy.policy);
    match policy.kind {
        PolicyType::System => Arn::ram_resource("system", &path),
        PolicyType::Custom => resource(account, &path),
    }
}

/// What is told of a policy, whosever text it is.
#[derive(Debug)]
pub(super) struct Told {
    kind: PolicyType,
    name: String,
    description: String,
    default_version: i64,
    created: Timestamp,
    updated: Timestamp,
}

impl Told {
    /// Finds it. Works on the transaction, after the caller was let in.
    pub(super) async fn of(call: &mut Call<'_>, policy: &Attachment) -> Result<Self, ApiError> {
        let found = match policy.kind {
            PolicyType::System => system::named(policy.policy.as_str()).map(Self::from),
            PolicyType::Custom => {
                let account = call.account();
                call.tx()?.custom_policy(account, &policy.policy).await?.map(Self::from)
            }
        };
        found.ok_or(Code::NoPolicy.into())
    }

    /// What every answer has of it. Source: identity.md §2.3.
    pub(super) fn fields(&self) -> Fields {
        Fields::default()
            .text("PolicyName", self.name.as_str())
            .text("PolicyType", self.kind.as_str())
            .text("Description", self.description.as_str())
            .text("DefaultVersion", format!("v{}", self.default_version))
    }

    /// The same, and when it was made.
    fn dated(&self) -> Fields {
        self.fields().text("CreateDate", self.created.to_string())
    }

    /// The same, and when it was last changed.
    fn changed(&self) -> Fields {
        self.dated().text("UpdateDate", self.updated.to_string())
    }
}

impl From<&SystemPolicy> for Told {
    fn from(it: &SystemPolicy) -> Self {
        Self {
            kind: PolicyType::System,
            name: it.name.to_owned(),
            description: it.description.to_owned(),
            default_version: it.version,
            created: system::SINCE,
            updated: system::SINCE,
        }
    }
}

impl From<CustomPolicy> for Told {
    fn from(it: CustomPolicy) -> Self {
        Self {
            kind: PolicyType::Custom,
            name: it.name.to_string(),
            description: it.description,
            default_version: it.default_version,
            created: it.created,
            updated: it.updated,
        }
    }
}

/// The versions of a policy that there is, oldest first. One of the system has one.
async fn versions(
    call: &mut Call<'_>,
    policy: &Attachment,
) -> Result<Vec<PolicyVersion>, ApiError> {
    let account = call.account();
    match policy.kind {
        PolicyType::System => {
            let version = |it: &SystemPolicy| PolicyVersion {
                number: it.version,
                document: it.document.to_owned(),
                created: system::SINCE,
            };
            Ok(system::named(policy.policy.as_str()).map(version).into_iter().collect())
        }
        PolicyType::Custom => Ok(call.tx()?.policy_versions(account, &policy.policy).await?),
    }
}

/// The policy of the account with this name, if the caller may do what it does to it.
async fn custom(call: &mut Call<'_>, name: &PolicyName) -> Result<CustomPolicy, ApiError> {
    let account = call.account();
    call.allow_in_ram(&resource(account, &format!("policy/{name}"))).await?;
    call.tx()?.custom_policy(account, name).await?.ok_or(Code::NoPolicy.into())
}

/// A version, and whether it is the one that counts. Source: identity.md §2.3.
fn version_fields(version: &PolicyVersion, default: i64) -> Fields {
    Fields::default()
        .text("VersionId", format!("v{}", version.number))
        .flag("IsDefaultVersion", version.number == default)
        .text("PolicyDocument", version.document.as_str())
        .text("CreateDate", version.created.to_string())
}

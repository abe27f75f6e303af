//! Who holds which policy. Both the policy and the one who holds it must be allowed.
//! Source: identity.md §2.5.

use yaoku_model::{
    arn::Arn,
    identity::{Attachment, Holder, PolicyType},
    ids::AccountId,
};
use yaoku_store::Held;
use yaoku_wire::{error::Code, fields::Fields, params::Params};

use super::{
    groups, must_have_room,
    policies::{Told, policy_resource, which},
    roles, users,
};
use crate::{api::Entry, call::Call, error::ApiError};

mod attach_policy_to_group;
mod attach_policy_to_role;
mod attach_policy_to_user;
mod detach_policy_from_group;
mod detach_policy_from_role;
mod detach_policy_from_user;
mod list_entities_for_policy;
mod list_policies_for_group;
mod list_policies_for_role;
mod list_policies_for_user;
#[cfg(test)]
mod tests;

/// The operations of this folder.
pub const OPERATIONS: &[Entry] = &[
    Entry::of::<attach_policy_to_group::AttachPolicyToGroup>(),
    Entry::of::<attach_policy_to_role::AttachPolicyToRole>(),
    Entry::of::<attach_policy_to_user::AttachPolicyToUser>(),
    Entry::of::<detach_policy_from_group::DetachPolicyFromGroup>(),
    Entry::of::<detach_policy_from_role::DetachPolicyFromRole>(),
    Entry::of::<detach_policy_from_user::DetachPolicyFromUser>(),
    Entry::of::<list_entities_for_policy::ListEntitiesForPolicy>(),
    Entry::of::<list_policies_for_group::ListPoliciesForGroup>(),
    Entry::of::<list_policies_for_role::ListPoliciesForRole>(),
    Entry::of::<list_policies_for_user::ListPoliciesForUser>(),
];

/// A policy, and the one who gets or loses it.
#[derive(Debug)]
struct Pair {
    policy: Attachment,
    holder: Holder,
}

impl Pair {
    /// Takes the policy. One that would count for a resource group only is refused: there are none
    /// here, and it must not count for everything instead.
    fn take(params: &mut Params, holder: Holder) -> Result<Self, ApiError> {
        const GROUP: &str = "ResourceGroupId";
        match params.text(GROUP) {
            Some(group) if !group.is_empty() => Err(ApiError::invalid(GROUP)),
            _ => Ok(Self { policy: which(params)?, holder }),
        }
    }

    /// Attaches it.
    async fn attach(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        self.must_be_there(call).await?;
        let (account, words) = (call.account(), words(&self.holder));
        let held = call.tx()?.held_policies(account, &self.holder).await?;
        if held.iter().any(|it| it.policy == self.policy) {
            return Err(words.has.into());
        }
        let of_its_kind = held.iter().filter(|it| it.policy.kind == self.policy.kind).count();
        let count = i64::try_from(of_its_kind).unwrap_or(i64::MAX);
        must_have_room(count, limit(call, &self.holder, self.policy.kind), words.too_many)?;
        let held = Held { policy: self.policy.clone(), attached: call.now };
        call.tx()?.attach(account, &self.holder, &held).await?;
        Ok(())
    }

    /// Detaches it.
    async fn detach(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        self.must_be_there(call).await?;
        let account = call.account();
        if call.tx()?.detach(account, &self.holder, &self.policy).await? {
            Ok(())
        } else {
            Err(words(&self.holder).has_not.into())
        }
    }

    /// Fails unless the caller may do this to both, and both are there.
    async fn must_be_there(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        let account = call.account();
        call.allow_in_ram(&holder_resource(account, &self.holder)).await?;
        call.allow_in_ram(&policy_resource(account, &self.policy)).await?;
        must_exist(call, &self.holder).await?;
        Told::of(call, &self.policy).await.map(drop)
    }
}

/// How refusals speak of a holder. Source: identity.md §2.4.
struct Words {
    has: Code,
    has_not: Code,
    too_many: Code,
}

const fn words(holder: &Holder) -> Words {
    match holder {
        Holder::User(_) => Words {
            has: Code::UserPolicyExists,
            has_not: Code::NoUserPolicy,
            too_many: Code::TooManyUserPolicy,
        },
        Holder::Group(_) => Words {
            has: Code::GroupPolicyExists,
            has_not: Code::NoGroupPolicy,
            too_many: Code::TooManyGroupPolicy,
        },
        Holder::Role(_) => Words {
            has: Code::RolePolicyExists,
            has_not: Code::NoRolePolicy,
            too_many: Code::TooManyRolePolicy,
        },
    }
}

/// How many policies of a kind a holder may have. Source: identity.md §2.5.
fn limit(call: &Call<'_>, holder: &Holder, kind: PolicyType) -> usize {
    let limits = &call.node.limits;
    match (holder, kind) {
        (Holder::User(_), PolicyType::System) => limits.system_policies_of_user,
        (Holder::User(_), PolicyType::Custom) => limits.custom_policies_of_user,
        (Holder::Group(_), PolicyType::System) => limits.system_policies_of_group,
        (Holder::Group(_), PolicyType::Custom) => limits.custom_policies_of_group,
        (Holder::Role(_), PolicyType::System) => limits.system_policies_of_role,
        (Holder::Role(_), PolicyType::Custom) => limits.custom_policies_of_role,
    }
}

fn holder_resource(account: &AccountId, holder: &Holder) -> Arn {
    match holder {
        Holder::User(name) => users::at(account, name),
        Holder::Group(name) => groups::at(account, name),
        Holder::Role(name) => roles::at(account, name),
    }
}

async fn must_exist(call: &mut Call<'_>, holder: &Holder) -> Result<(), ApiError> {
    match holder {
        Holder::User(name) => users::user(call, name).await.map(drop),
        Holder::Group(name) => groups::group(call, name).await.map(drop),
        Holder::Role(name) => roles::role(call, name).await.map(drop),
    }
}

/// What somebody holds, if the caller may ask.
async fn held_by(call: &mut Call<'_>, holder: &Holder) -> Result<Vec<(Told, Held)>, ApiError> {
    let account = call.account();
    call.allow_in_ram(&holder_resource(account, holder)).await?;
    must_exist(call, holder).await?;
    let mut found = Vec::new();
    for held in call.tx()?.held_policies(account, holder).await? {
        found.push((Told::of(call, &held.policy).await?, held));
    }
    Ok(found)
}

/// The list of what somebody holds. Source: identity.md §2.3.
fn listed(held: &[(Told, Held)]) -> Fields {
    let fields = |(policy, held): &(Told, Held)| {
        policy.fields().text("AttachDate", held.attached.to_string())
    };
    Fields::default().list("Policies", "Policy", held.iter().map(fields).collect())
}

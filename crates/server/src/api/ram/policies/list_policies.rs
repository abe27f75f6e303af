//! `ListPolicies`: the policies of the system, then the account's own, each by name.
//! Source: identity.md §2.2, §2.3.

use yaoku_model::{
    identity::{Attachment, PolicyType},
    policy::system,
    tag::{Tag, TagKind},
};
use yaoku_store::Slice;
use yaoku_wire::{
    fields::{Encode, Fields},
    params::Params,
};

use super::{POLICY_TYPE, Told};
use crate::{
    api::{
        Operation, Spec,
        ram::{
            Found, Part, RAM, resource,
            tagged::{self, Filter, TagsOf},
        },
    },
    call::Call,
    error::ApiError,
};

/// A request to list policies.
#[derive(Debug)]
pub(super) struct ListPolicies {
    kind: Option<PolicyType>,
    filter: Filter,
    part: Part,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Listed(Found<Item>);

/// A policy, how many hold it, and its tags.
#[derive(Debug)]
struct Item {
    policy: Told,
    holders: i64,
    tags: Vec<Tag>,
}

impl Operation for ListPolicies {
    const SPEC: &'static Spec = &Spec {
        name: "ListPolicies",
        errors: &[POLICY_TYPE.codes],
        example: &[
            ("PolicyType", "Custom"),
            ("Tag.1.Key", "team"),
            ("Tag.1.Value", "orders"),
            ("Marker", "Custom/Orders"),
            ("MaxItems", "100"),
        ],
        ..RAM
    };

    type Response = Listed;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let (kind, filter) = (POLICY_TYPE.optional(params)?, Filter::take(params)?);
        let part = Part::take(params)?;
        match part.after.split_once('/').map(|(kind, _)| kind.parse::<PolicyType>()) {
            Some(Ok(_)) => Ok(Self { kind, filter, part }),
            None if part.after.is_empty() => Ok(Self { kind, filter, part }),
            _ => Err(ApiError::invalid("Marker")),
        }
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Listed, ApiError> {
        call.allow_in_ram(&resource(call.account(), "policy/*")).await?;
        let mut found = Vec::new();
        // Those of the system have no tags.
        if self.kind != Some(PolicyType::Custom) && self.filter.is_none() {
            found.extend(self.of_the_system(call).await?);
        }
        if self.kind != Some(PolicyType::System) {
            found.extend(self.of_the_account(call).await?);
        }
        Ok(Listed(self.part.cut(found, |it| marker(it.policy.kind, &it.policy.name))))
    }
}

impl ListPolicies {
    async fn of_the_system(&self, call: &mut Call<'_>) -> Result<Vec<Item>, ApiError> {
        let account = call.account();
        let mut found = Vec::new();
        // As markers compare: all of the system come before all of the account.
        let before = |name: &str| match self.after(PolicyType::System) {
            Some(after) => name <= after,
            None => !self.part.after.is_empty(),
        };
        for policy in system::ALL.iter().filter(|it| !before(it.name)) {
            let Ok(name) = policy.name.parse() else { continue };
            let attachment = Attachment { kind: PolicyType::System, policy: name };
            let holders = call.tx()?.holders(account, &attachment).await?.len();
            let holders = i64::try_from(holders).unwrap_or(i64::MAX);
            found.push(Item { policy: policy.into(), holders, tags: Vec::new() });
        }
        Ok(found)
    }

    async fn of_the_account(&self, call: &mut Call<'_>) -> Result<Vec<Item>, ApiError> {
        let account = call.account();
        let after = self.after(PolicyType::Custom).unwrap_or_default();
        let all = self.filter.is_none();
        let limit = if all { self.part.slice().limit } else { i64::MAX };
        let mut found = call.tx()?.custom_policies(account, Slice { after, limit }).await?;
        let mut tags = if all {
            let names: Vec<String> = found.iter().map(|(it, _)| it.name.to_string()).collect();
            TagsOf::named(call, TagKind::Policy, &names).await?
        } else {
            self.filter.matching(call, TagKind::Policy).await?
        };
        found.retain(|(it, _)| all || tags.has(it.name.as_str()));
        let item = |(policy, holders)| {
            let policy = Told::from(policy);
            let tags = tags.take(&policy.name);
            Item { policy, holders, tags }
        };
        Ok(found.into_iter().map(item).collect())
    }

    /// The name that the marker has, if it is one of this kind's.
    fn after(&self, kind: PolicyType) -> Option<&str> {
        self.part.after.strip_prefix(kind.as_str())?.strip_prefix('/')
    }
}

/// The place of a policy in the list. Names alone would not do: a new policy of the system may have
/// the name of an account's. Our choice of writing.
fn marker(kind: PolicyType, name: &str) -> String {
    format!("{}/{name}", kind.as_str())
}

impl Encode for Listed {
    fn encode(self) -> Fields {
        self.0.encode("Policies", "Policy", |it| {
            let fields = it.policy.changed().number("AttachmentCount", it.holders);
            tagged::encoded(fields, &it.tags)
        })
    }
}

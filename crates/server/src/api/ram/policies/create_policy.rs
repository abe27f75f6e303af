//! `CreatePolicy`: keeps a policy, which can then be attached. Source: identity.md §2.2, §2.3.

use yaoku_model::{
    identity::CustomPolicy,
    ids::PolicyName,
    policy::{Kind, system},
    tag::{Tag, TagKind},
};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::{DESCRIPTION, DOCUMENT, POLICY_NAME, Told};
use crate::{
    api::{
        Effect, Operation, Spec,
        ram::{Plain, RAM, document::document, must_have_room, resource, tagged},
    },
    call::Call,
    error::ApiError,
};

/// A request to create a policy.
#[derive(Debug)]
pub(super) struct CreatePolicy {
    name: PolicyName,
    document: String,
    description: String,
    tags: Vec<Tag>,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Created(Told);

impl Operation for CreatePolicy {
    const SPEC: &'static Spec = &Spec {
        name: "CreatePolicy",
        effect: Effect::Write,
        errors: &[
            POLICY_NAME.codes,
            DESCRIPTION.codes,
            DOCUMENT,
            &[Code::PolicyExists, Code::TooManyPolicy, Code::TooManyTag],
        ],
        example: &[
            ("PolicyName", "Orders"),
            (
                "PolicyDocument",
                r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"kms:Encrypt","Resource":"*"}]}"#,
            ),
            ("Description", "what the order service does"),
            ("Tag.1.Key", "team"),
            ("Tag.1.Value", "orders"),
        ],
        ..RAM
    };

    type Response = Created;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        const NAME: &str = "PolicyDocument";
        let name = POLICY_NAME.required(params)?;
        let document = document(params, NAME, Kind::Identity, Code::PolicyDocumentLength)?;
        let document = document.ok_or_else(|| ApiError::missing(NAME))?;
        let description = DESCRIPTION.optional(params)?.map(|Plain(it)| it).unwrap_or_default();
        Ok(Self { name, document, description, tags: tagged::tags(params)? })
    }

    fn tags(&self) -> &[Tag] {
        &self.tags
    }

    /// A name of the system's is taken, so that a name alone says which policy is meant. Our choice.
    async fn run(&self, call: &mut Call<'_>) -> Result<Created, ApiError> {
        let account = call.account();
        call.allow_new_in_ram(
            &resource(account, "policy/*"),
            &resource(account, &format!("policy/{}", self.name)),
        )
        .await?;
        if system::named(self.name.as_str()).is_some() {
            return Err(Code::PolicyExists.into());
        }
        let count = call.tx()?.identity_counts(account).await?.policies;
        must_have_room(count, call.node.limits.custom_policies, Code::TooManyPolicy)?;
        let mut policy = CustomPolicy::new(account.clone(), self.name.clone(), call.now);
        policy.description.clone_from(&self.description);
        if !call.tx()?.insert_custom_policy(&policy, &self.document).await? {
            return Err(Code::PolicyExists.into());
        }
        tagged::put(call, TagKind::Policy, self.name.as_str(), &self.tags).await?;
        call.has_made(resource(account, &format!("policy/{}", self.name)));
        Ok(Created(policy.into()))
    }
}

impl Encode for Created {
    fn encode(self) -> Fields {
        Fields::default().object("Policy", self.0.dated())
    }
}

//! `CreatePolicy`: keeps a policy that can then be attached to users. Source: identity.md §2.2.

use yaoku_model::{
    arn::Arn,
    identity::{CustomPolicy, PolicyType},
    ids::PolicyName,
    policy::{Document, Kind, system},
    text::is_plain,
    time::Timestamp,
};
use yaoku_wire::{
    error::{Code, Refusal},
    fields::{Encode, Fields},
    params::Params,
};

use super::{ADMIN, must_have_room};
use crate::{
    api::{Effect, Operation, Spec},
    call::Call,
    error::ApiError,
};

/// A request to create a policy.
#[derive(Debug)]
pub(super) struct CreatePolicy {
    name: PolicyName,
    document: String,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Created {
    name: PolicyName,
    created: Timestamp,
}

impl Operation for CreatePolicy {
    const SPEC: &'static Spec = &Spec {
        name: "CreatePolicy",
        effect: Effect::Write,
        errors: &[&[Code::ResourceExist, Code::LimitExceeded]],
        example: &[
            ("PolicyName", "Orders"),
            (
                "PolicyDocument",
                r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"kms:Encrypt","Resource":"*"}]}"#,
            ),
        ],
        ..ADMIN
    };

    type Response = Created;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { name: params.required("PolicyName")?, document: document(params)? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Created, ApiError> {
        call.allow(&Arn::any())?;
        let (account, limits) = (call.account(), call.node.limits);
        // Our choice: a name alone then says which policy is meant.
        if system::named(self.name.as_str()).is_some() {
            return Err(Code::ResourceExist.into());
        }
        let count = call.tx()?.identity_counts(account).await?.policies;
        must_have_room(count, limits.custom_policies)?;
        let policy = CustomPolicy::new(account.clone(), self.name.clone(), call.now);
        if !call.tx()?.insert_custom_policy(&policy, &self.document).await? {
            return Err(Code::ResourceExist.into());
        }
        call.has_made(Arn::ram(account, &format!("policy/{}", policy.name)));
        Ok(Created { name: policy.name, created: policy.created })
    }
}

/// Takes the document. Whoever wrote it reads why it is refused.
fn document(params: &mut Params) -> Result<String, ApiError> {
    const NAME: &str = "PolicyDocument";
    let text = params.text(NAME).filter(|it| !it.is_empty());
    let text = text.ok_or_else(|| ApiError::missing(NAME))?;
    match Document::parse(&text, Kind::Identity) {
        Ok(_) if is_plain(&text) => Ok(text.as_str().to_owned()),
        Ok(_) => Err(ApiError::invalid(NAME)),
        Err(why) => Err(Refusal::from(Code::InvalidParameter)
            .with_message(format!("The specified parameter \"{NAME}\" is not valid. {why}"))
            .into()),
    }
}

impl Encode for Created {
    fn encode(self) -> Fields {
        let policy = Fields::default()
            .text("PolicyName", self.name.as_str())
            .text("PolicyType", PolicyType::Custom.as_str())
            .text("CreateDate", self.created.to_string());
        Fields::default().object("Policy", policy)
    }
}

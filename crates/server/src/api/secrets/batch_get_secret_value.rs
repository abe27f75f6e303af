//! `BatchGetSecretValue`: opens versions of up to 20 secrets. Source: secrets.md §4.5.

use yaoku_model::ids::upper_uuid;
use yaoku_wire::{
    error::Refusal,
    fields::{Encode, Fields},
    params::Params,
};

use crate::{
    api::{Effect, Operation, Spec},
    call::Call,
    error::ApiError,
    throttle::Class,
};

use super::get_secret_value::{GetSecretValue, Value};

/// How many secrets one call may ask for. Source: secrets.md §1.6.
const MAX: usize = 20;

/// A request for values.
#[derive(Debug)]
pub(super) struct BatchGetSecretValue {
    items: Vec<GetSecretValue>,
}

/// The answer: for each item in order, its request id and value, or its name and refusal.
#[derive(Debug)]
pub(super) struct Values {
    values: Vec<(String, Value)>,
    errors: Vec<(String, Refusal)>,
}

impl Operation for BatchGetSecretValue {
    const SPEC: &'static Spec = &Spec {
        name: "BatchGetSecretValue",
        effect: Effect::Use,
        class: Some(Class::SecretRead),
        also_actions: super::READ,
        example: &[(
            "SecretsList",
            r#"[{"SecretName":"a","VersionId":"v1","VersionStage":"ACSCurrent","FetchExtendedConfig":"true"}]"#,
        )],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, BatchGetSecretValue)",
        ..Spec::DEFAULT
    };

    type Response = Values;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let sent = params.left().any(|it| it.split('.').next() == Some("SecretsList"));
        if !sent {
            return Err(ApiError::missing("SecretsList"));
        }
        let members = ["SecretName", "VersionId", "VersionStage", "FetchExtendedConfig"];
        let mut records = params.records("SecretsList", &members)?;
        let items = records.iter_mut().map(GetSecretValue::parse);
        let items = items.collect::<Result<Vec<_>, _>>()?;
        if !(1..=MAX).contains(&items.len()) {
            return Err(ApiError::invalid("SecretsList"));
        }
        Ok(Self { items })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Values, ApiError> {
        // A name and its own ARN are the same secret.
        let arns: Vec<_> = self.items.iter().map(|it| call.arn_of_secret(&it.secret)).collect();
        if (0..arns.len()).any(|at| arns[..at].contains(&arns[at])) {
            return Err(ApiError::invalid("SecretsList"));
        }
        let mut all = Values { values: Vec::new(), errors: Vec::new() };
        for item in &self.items {
            match item.run(call).await {
                Ok(value) => all.values.push((upper_uuid(call.random())?, value)),
                Err(error) => all.errors.push((item.secret.to_string(), error.refusal().clone())),
            }
        }
        Ok(all)
    }
}

impl Encode for Values {
    fn encode(self) -> Fields {
        let values = self.values.into_iter().map(|(id, it)| it.encode().text("RequestId", id));
        let errors = self.errors.into_iter().map(|(name, it)| {
            Fields::default()
                .text("SecretName", name)
                .text("Code", it.code().wire())
                .text("Message", it.message())
                .number("HttpStatus", it.code().status().into())
        });
        Fields::default()
            .plain_list("SecretValues", values.collect())
            .plain_list("Errors", errors.collect())
    }
}

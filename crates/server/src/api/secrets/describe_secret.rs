//! `DescribeSecret`: what is known about a secret, its values apart. Source: secrets.md §4.2.

use yaoku_model::{
    arn::{Arn, SecretRef},
    ids::{InstanceId, KeyId},
    secret::Secret,
    tag::Tag,
};
use yaoku_wire::{
    fields::{Encode, Fields},
    params::Params,
};

use crate::{
    api::{Operation, Spec},
    call::{Call, SECRET},
    error::ApiError,
    throttle::Class,
};

use super::{managed::with_rotation, tags, with_tags};

/// A request to describe a secret.
#[derive(Debug)]
pub(super) struct DescribeSecret {
    secret: SecretRef,
    tags: bool,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Described {
    arn: Arn,
    secret: Secret,
    tags: Option<Vec<Tag>>,
}

impl Operation for DescribeSecret {
    const SPEC: &'static Spec = &Spec {
        name: "DescribeSecret",
        class: Some(Class::SecretRead),
        errors: &[SECRET],
        example: &[("SecretName", "db/orders"), ("FetchTags", "true")],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, DescribeSecret)",
        ..Spec::DEFAULT
    };

    type Response = Described;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self {
            secret: params.required("SecretName")?,
            tags: params.flag("FetchTags")?.unwrap_or(false),
        })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Described, ApiError> {
        let secret = call.secret(&self.secret).await?;
        let tags = tags(call, &secret, self.tags).await?;
        let arn = Arn::secret(call.region(), &secret.account, &secret.name);
        Ok(Described { arn, secret, tags })
    }
}

impl Encode for Described {
    fn encode(self) -> Fields {
        let it = self.secret;
        let key = Some(it.key).filter(|_| it.customer_key);
        let fields = Fields::default()
            .text("Arn", self.arn.as_str())
            .text("SecretName", it.name.as_str())
            .text("SecretType", it.kind.as_str())
            .text("Description", it.description)
            .maybe_text("EncryptionKeyId", key.as_ref().map(KeyId::as_str))
            .maybe_text("DKMSInstanceId", it.instance.as_ref().map(InstanceId::as_str))
            .text("Creator", it.account.as_str())
            .text("CreateTime", it.created.to_string())
            .text("UpdateTime", it.updated.to_string())
            .maybe_text("PlannedDeleteTime", it.delete_at.map(|it| it.to_string()));
        with_tags(with_rotation(fields, it.managed.as_ref(), true), self.tags)
    }
}

//! `GetKmsInstance`: what is known about an instance. Source: instance.md §1.5.

use yaoku_model::{
    ids::InstanceId,
    instance::{Instance, InstanceStatus},
};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use crate::{
    api::{Operation, Spec},
    call::Call,
    error::ApiError,
    throttle::Class,
};

use super::CHARGE_TYPE;

/// What was bought, in the vendor's shop. Ours is never another.
const PRODUCT_TYPE: &str = "kms_ddi_public_cn";

/// A request to describe an instance.
#[derive(Debug)]
pub(super) struct GetKmsInstance {
    id: InstanceId,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Described {
    instance: Instance,
    /// What clients are to trust; empty until the instance is in service.
    ca_pem: String,
}

impl Operation for GetKmsInstance {
    const SPEC: &'static Spec = &Spec {
        name: "GetKmsInstance",
        class: Some(Class::Instance),
        errors: &[&[Code::DkmsInstanceNotFound]],
        example: &[("KmsInstanceId", "kst-hzz62f1cb66fa42qo1234")],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, GetKmsInstance)",
        ..Spec::DEFAULT
    };

    type Response = Described;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self { id: params.required("KmsInstanceId")? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Described, ApiError> {
        let instance = call.instance(&self.id).await?;
        let ca_pem = match instance.status {
            InstanceStatus::Connected => call.node.ca_pem.clone(),
            _ => String::new(),
        };
        Ok(Described { instance, ca_pem })
    }
}

/// Networks are no concern of ours, and logs are kept for all instances alike: those fields are
/// there, and empty.
impl Encode for Described {
    fn encode(self) -> Fields {
        let Self { instance: it, ca_pem } = self;
        let fields = Fields::default()
            .text("InstanceId", it.id.as_str())
            .text("InstanceName", it.name)
            .text("Status", it.status.as_str())
            .text("CreateTime", it.created.to_string())
            .text("StartDate", it.created.to_string())
            .text("EndDate", it.ends.to_string())
            .number("Spec", it.spec)
            .number("KeyNum", it.key_quota)
            // A text, although the one before it is a number.
            .text("SecretNum", it.secret_quota.to_string())
            .number("VpcNum", it.access_quota)
            .number("Log", 0)
            .number("LogStorage", 0)
            .text("ProductVersion", it.kind.as_str())
            .text("ProductType", PRODUCT_TYPE)
            .text("ChargeType", CHARGE_TYPE)
            .text("SaleStatus", "Normal")
            .text("VpcId", "")
            .plain_texts("VswitchIds", [""; 0])
            .plain_texts("ZoneIds", [""; 0])
            .list("BindVpcs", "BindVpc", Vec::new())
            .text("CaCertificateChainPem", ca_pem)
            .flag("DeletionProtection", it.deletion_protection.is_some());
        Fields::default().object("KmsInstance", fields)
    }
}

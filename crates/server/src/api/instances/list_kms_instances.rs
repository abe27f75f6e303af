//! `ListKmsInstances`: the instances of an account, a page at a time. Source: instance.md §1.5.

use yaoku_model::{arn::Arn, ids::InstanceId};
use yaoku_store::{InstanceFilter, Listed, Page};
use yaoku_wire::{
    fields::{Encode, Fields},
    params::Params,
};

use crate::{
    api::{Operation, Spec, filters, paging},
    call::Call,
    error::ApiError,
    throttle::Class,
};

use super::CHARGE_TYPE;

/// A request to list instances.
#[derive(Debug)]
pub(super) struct ListKmsInstances {
    filter: InstanceFilter,
    /// All have the same one, so it is judged here; empty is no constraint.
    charge_types: Vec<String>,
    page: Page,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Instances {
    items: Vec<(InstanceId, Arn)>,
    page: Page,
    total: i64,
}

impl Operation for ListKmsInstances {
    const SPEC: &'static Spec = &Spec {
        name: "ListKmsInstances",
        class: Some(Class::Instance),
        example: &[
            ("Filters", r#"[{"Key":"Status","Values":["Connected"]}]"#),
            ("PageNumber", "1"),
            ("PageSize", "20"),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, ListKmsInstances)",
        ..Spec::DEFAULT
    };

    type Response = Instances;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let (mut filter, mut charge_types) = (InstanceFilter::default(), Vec::new());
        for (key, values) in filters::filters(params)? {
            let list = match key.as_str() {
                "KmsInstanceId" => &mut filter.ids,
                "InstanceName" => &mut filter.names,
                "Status" => &mut filter.statuses,
                "ProductVersion" => &mut filter.kinds,
                "ChargeType" => &mut charge_types,
                _ => return Err(filters::invalid()),
            };
            list.extend(values);
        }
        Ok(Self { filter, charge_types, page: paging::page(params, 20, 1..=100)? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Instances, ApiError> {
        let (region, account) = (call.region(), call.account());
        call.allow(&Arn::container(region, account, "keystore"))?;
        let listed = if self.charge_types.is_empty() || self.charges_so() {
            call.tx()?.list_instances(account, &self.filter, self.page).await?
        } else {
            Listed { items: Vec::new(), total: 0 }
        };
        let with_arn = |id: InstanceId| {
            let arn = Arn::instance(region, account, &id);
            (id, arn)
        };
        let items = listed.items.into_iter().map(|it| with_arn(it.id)).collect();
        Ok(Instances { items, page: self.page, total: listed.total })
    }
}

impl ListKmsInstances {
    fn charges_so(&self) -> bool {
        self.charge_types.iter().any(|it| it == CHARGE_TYPE)
    }
}

impl Encode for Instances {
    fn encode(self) -> Fields {
        let instance = |(id, arn): (InstanceId, Arn)| {
            Fields::default()
                .text("KmsInstanceId", id.as_str())
                .text("KmsInstanceArn", arn.as_str())
        };
        let instances = self.items.into_iter().map(instance).collect();
        let fields = Fields::default().list("KmsInstances", "KmsInstance", instances);
        paging::paged(fields, self.page, self.total)
    }
}

//! `DescribeRegions`: where the service is. Source: keys.md §15.1.

use yaoku_model::ids::Region;
use yaoku_wire::{
    fields::{Encode, Fields},
    params::Params,
};

use crate::{
    api::{Effect, Operation, Spec},
    call::Call,
    error::ApiError,
    throttle::Class,
};

/// A request for the regions.
#[derive(Debug)]
pub(super) struct DescribeRegions;

/// The answer: this deployment's one region.
#[derive(Debug)]
pub(super) struct Regions(Region);

impl Operation for DescribeRegions {
    const SPEC: &'static Spec = &Spec {
        name: "DescribeRegions",
        effect: Effect::Use,
        class: Some(Class::Read),
        source: "https://www.alibabacloud.com/help/en/kms (API reference, DescribeRegions)",
        ..Spec::DEFAULT
    };

    type Response = Regions;

    fn parse(_params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self)
    }

    /// Whoever is known may ask, so its event names no resource. Source: identity.md §4.2.
    async fn run(&self, call: &mut Call<'_>) -> Result<Regions, ApiError> {
        Ok(Regions(call.region().clone()))
    }
}

impl Encode for Regions {
    fn encode(self) -> Fields {
        let region = Fields::default().text("RegionId", self.0.as_str());
        Fields::default().list("Regions", "Region", vec![region])
    }
}

//! The authorization matrix: every operation, by every kind of caller. Each operation has a row, which
//! says what permissions it takes and what each column is answered; a row that is missing fails.
//!
//! Source: issue 5, "Must show"; identity.md §2.5, §2.6, §3.6, §4.2 to §4.6.

mod allowed;
mod elsewhere;
mod kms;
mod ram;
mod refused;
mod row;
mod scene;

use yaoku_server::api::{self, Product, Spec};

use row::Row;

use crate::support::{
    Party, World,
    client::{Answer, Param, Scheme},
};

/// Operations whose callers do not sign: they have no row, their tests are in `federated.rs`.
const UNSIGNED: &[&str] = &["sts:AssumeRoleWithOIDC"];

/// Of the clock that builds for tests alone have: see `yaoku`'s `tests/clock.rs`.
const OF_TESTS: &[&str] = &["yaoku:AdvanceClock"];

const NOTHING_BUT_REGIONS: &str = r#"{"Version":"1","Statement":[
    {"Effect":"Allow","Action":"kms:DescribeRegions","Resource":"*"}]}"#;

#[test]
fn every_operation_has_a_row() {
    let listed = api::operations().map(|it| it.spec.action().to_string());
    let mut listed: Vec<_> =
        listed.filter(|it| !UNSIGNED.iter().chain(OF_TESTS).any(|other| it == other)).collect();
    let mut rows: Vec<_> = rows().map(|it| it.name).collect();
    listed.sort();
    rows.sort_unstable();
    assert_eq!(rows, listed);
}

fn rows() -> impl Iterator<Item = &'static Row> {
    kms::ROWS.iter().chain(ram::ROWS)
}

/// RAM and STS have another word for it. Source: identity.md §1.8.
fn no_permission(product: Product) -> &'static str {
    match product {
        Product::Ram | Product::Sts => "NoPermission",
        Product::Kms | Product::Yaoku => "Forbidden.NoPermission",
    }
}

async fn send(world: &World, by: &Party, spec: &Spec, params: &[Param], known: bool) -> Answer {
    let call = world.outbound_of(Scheme::V3, spec.product, spec.name, params);
    world.send(&call.sign(&by.key), known).await
}

/// The code of an answer; for one of a batch, that of its only secret. Source: secrets.md §4.6.
fn code(answer: &Answer) -> String {
    let whole = answer.code();
    if whole.is_empty() { answer.text("/Errors/0/Code") } else { whole }
}

/// Whether an answer is that code, with the status that goes with it.
fn is(answer: &Answer, expected: &str) -> bool {
    let one_of_a_batch = answer.code().is_empty();
    let known = yaoku_wire::Code::ALL.iter().filter(|it| it.wire() == expected);
    let mut statuses = known.map(|it| it.status());
    let status = expected.is_empty() || one_of_a_batch;
    code(answer) == expected
        && if status { answer.status == 200 } else { statuses.any(|it| it == answer.status) }
}

/// Asks the simulator, as the account's root, for each of these permissions. Whether all are allowed.
async fn simulated(
    world: &World,
    root: &Party,
    (principal, session): (&str, Option<&str>),
    permissions: &[(String, String)],
) -> bool {
    let spec = api::operation(Product::Yaoku, "SimulatePolicy").unwrap().spec;
    let mut all = true;
    for (action, resource) in permissions {
        let mut params =
            vec![("Principal", principal), ("AuthAction", action), ("AuthResource", resource)];
        params.extend(session.map(|it| ("SessionPolicy", it)));
        let answer = world.call_of(root, spec, &crate::params(&params)).await;
        assert_eq!(answer.status, 200, "{principal} {action}: {answer:?}");
        all &= answer.text("/Decision") == "Allow";
    }
    all
}

//! Prints the list of operations as JSON: what `cargo xtask docs` makes its documents from.

use std::io::{self, Write as _};

use serde::Serialize;
use yaoku_server::api::{self, Action, COMMON, DRY_RUN, Effect, Spec};
use yaoku_wire::error::Code;

/// The whole list.
#[derive(Serialize)]
struct List {
    common_errors: Vec<String>,
    common_errors_of_ram_and_sts: Vec<String>,
    dry_run_errors: Vec<String>,
    operations: Vec<Operation>,
}

/// An operation, as a reader outside the program sees it.
#[derive(Serialize)]
struct Operation {
    name: &'static str,
    product: &'static str,
    version: &'static str,
    action: String,
    effect: &'static str,
    works_while_closed: bool,
    dry_run: bool,
    also_asks_for: Vec<String>,
    secret_parameters: &'static [&'static str],
    example: Vec<[&'static str; 2]>,
    errors: Vec<String>,
    source: &'static str,
}

fn main() -> io::Result<()> {
    // By product and name, so that moving a file changes nothing.
    let mut operations: Vec<_> = api::operations().map(|it| operation(it.spec)).collect();
    operations.sort_by_key(|it| (it.product, it.name));
    // These work in accounts that have not opened KMS.
    let of_ram = COMMON.iter().filter(|it| **it != Code::KmsServiceNotEnabled);
    let of_ram: Vec<_> = of_ram.map(|it| it.in_ram()).collect();
    let list = List {
        common_errors: codes(&[COMMON]),
        common_errors_of_ram_and_sts: codes(&[&of_ram]),
        dry_run_errors: codes(&[DRY_RUN]),
        operations,
    };
    serde_json::to_writer_pretty(io::stdout(), &list)?;
    writeln!(io::stdout())
}

fn operation(spec: &'static Spec) -> Operation {
    Operation {
        name: spec.name,
        product: spec.product.prefix(),
        version: spec.product.version(),
        action: spec.action().to_string(),
        effect: effect(spec.effect),
        works_while_closed: spec.works_while_closed,
        dry_run: spec.dry_run,
        also_asks_for: others(spec).map(ToString::to_string).collect(),
        secret_parameters: spec.secret_params,
        example: spec.example.iter().map(|(name, value)| [*name, *value]).collect(),
        errors: codes(spec.errors),
        source: spec.source,
    }
}

fn others(spec: &'static Spec) -> impl Iterator<Item = &'static Action> {
    spec.also_actions.iter().filter(|it| **it != spec.action())
}

const fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Read => "read",
        Effect::Use => "use",
        Effect::Write => "write",
    }
}

/// Each once.
fn codes(groups: &[&[Code]]) -> Vec<String> {
    let mut codes = Vec::new();
    for code in groups.iter().copied().flatten() {
        let text = format!("{} {}", code.status(), code.wire());
        if !codes.contains(&text) {
            codes.push(text);
        }
    }
    codes
}

//! docs/operations.json for programs and docs/operations.md for people, from the list itself.

use std::fmt::Write as _;

use anyhow::Result;
use serde::Serialize;
use yaoku_server::api::{self, COMMON, DRY_RUN, Effect, Spec};

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
    secret_parameters: &'static [&'static str],
    example: Vec<[&'static str; 2]>,
    errors: Vec<String>,
    source: &'static str,
}

/// The machine's form.
pub(super) fn json() -> Result<String> {
    Ok(serde_json::to_string_pretty(&all())? + "\n")
}

/// The reader's form.
pub(super) fn markdown() -> String {
    let mut text = format!(
        "# Operations\n\nMade by `cargo xtask docs`; do not edit. Any operation may also answer {}; \
         one that takes `DryRun`, also {}.\n",
        codes(&[COMMON]).join(", "),
        codes(&[DRY_RUN]).join(", "),
    );
    for it in all() {
        // Writing to a String cannot fail.
        let _ = section(&mut text, &it);
    }
    text
}

fn section(text: &mut String, it: &Operation) -> std::fmt::Result {
    writeln!(text, "\n## {}\n", it.name)?;
    writeln!(text, "`{}`, version {}: {}.", it.action, it.version, it.effect)?;
    if it.dry_run {
        writeln!(text, "Takes `DryRun`.")?;
    }
    if it.works_while_closed {
        writeln!(text, "Works in an account that has not opened the service.")?;
    }
    if !it.example.is_empty() {
        writeln!(text, "\n| Parameter | Example |\n|---|---|")?;
    }
    for [name, value] in &it.example {
        writeln!(text, "| {name} | `{}` |", value.replace('|', "\\|"))?;
    }
    if !it.errors.is_empty() {
        writeln!(text, "\nErrors: {}.", it.errors.join(", "))?;
    }
    writeln!(text, "\nSource: {}", it.source)
}

/// By product and name, so that moving a file changes nothing.
fn all() -> Vec<Operation> {
    let mut all: Vec<_> = api::operations().map(|it| operation(it.spec)).collect();
    all.sort_by_key(|it| (it.product, it.name));
    all
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
        secret_parameters: spec.secret_params,
        example: spec.example.iter().map(|(name, value)| [*name, *value]).collect(),
        errors: codes(spec.errors),
        source: spec.source,
    }
}

const fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Read => "reads the store",
        Effect::Use => "uses a key, without the store",
        Effect::Write => "writes the store",
    }
}

fn codes(groups: &[&[yaoku_wire::Code]]) -> Vec<String> {
    groups.iter().copied().flatten().map(|it| format!("{} {}", it.status(), it.wire())).collect()
}

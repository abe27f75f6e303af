//! COMPATIBILITY.md: which operation which client was seen to use, where.

use std::{collections::BTreeMap, fmt::Write as _, fs};

use super::{
    List, Operation,
    results::{Results, joined},
};
use crate::run::root;
use anyhow::Result;
use serde::Deserialize;

/// Our own administration, which no foreign client calls.
const OURS: &str = "yaoku";

/// Whose operations stand without their product.
const KMS: &str = "kms";

const HEAD: &str = "\
# Compatibility

Made by `cargo xtask conformance` and `cargo xtask docs`; do not edit. A cell is green only if the
unmodified client was seen to get the documented answer, the state afterwards was right, and the
main refusals had the documented codes. How that is checked: conformance/README.md.

What is not listed is not served yet and answers `InvalidAction.NotFound`, of RAM and STS `InvalidParameter`. `AdvanceEncrypt` and
`DescribeService` are of older clients alone, and `GetChallenge` leads to a `Recipient`, which is refused
everywhere: they answer `UnsupportedOperation`, and that is what was seen. RAM has no service-linked
roles here, as no service of the vendor's is here to assume them. `alibabacloud-credentials-*` are the
providers of one library, which give a KMS client what it calls with. `interop` is no client: its cells
say that `cryptography`, openssl and gmssl open, verify and wrap what we do, and we what they do.
";

/// What may fail, each with its reason. Source: conformance/README.md.
#[derive(Deserialize)]
struct Gaps {
    gaps: BTreeMap<String, String>,
}

/// The document.
pub(super) fn markdown(results: &Results, list: &List) -> Result<String> {
    let gaps: Gaps = toml::from_str(&fs::read_to_string(root().join("conformance/gaps.toml"))?)?;
    let mut text = String::from(HEAD);
    clients(&mut text, results)?;
    table(&mut text, results, list, &gaps)?;
    listed(&mut text, &gaps)?;
    Ok(text)
}

fn clients(text: &mut String, results: &Results) -> Result<()> {
    writeln!(text, "\n## Clients\n")?;
    if results.0.is_empty() {
        writeln!(text, "No full run has been kept yet: no cell is green.")?;
    }
    for (number, client) in (1..).zip(results.0.keys()) {
        writeln!(text, "{number}. {client}: {}", joined(&results.runs_of(client)))?;
    }
    Ok(())
}

fn table(text: &mut String, results: &Results, list: &List, gaps: &Gaps) -> Result<()> {
    writeln!(text, "\n## Operations\n")?;
    writeln!(
        text,
        "Columns are the clients above. `yes`: everywhere that client was run. `gap`: listed below. \
         Empty: the client lacks it. Before a colon: the product, where it is not KMS.\n"
    )?;
    let clients = || results.0.keys();
    let numbers = (1..=results.0.len()).map(|it| it.to_string());
    writeln!(text, "{}", row("Operation", numbers))?;
    writeln!(text, "{}", row("---", clients().map(|_| "---".to_owned())))?;
    let foreign = list.operations.iter().filter(|it| it.product != OURS);
    for name in foreign.map(full_name) {
        writeln!(text, "{}", row(&name, clients().map(|it| cell(results, gaps, it, &name))))?;
    }
    Ok(())
}

/// What results call an operation: several products have some of one name, and KMS was first.
fn full_name(Operation { product, name, .. }: &Operation) -> String {
    if product == KMS { name.clone() } else { format!("{product}:{name}") }
}

fn row(first: &str, rest: impl Iterator<Item = String>) -> String {
    let cells: Vec<_> = [first.to_owned()].into_iter().chain(rest).collect();
    format!("| {} |", cells.join(" | "))
}

fn cell(results: &Results, gaps: &Gaps, client: &str, operation: &str) -> String {
    let green = results.0.get(client).and_then(|it| it.get(operation));
    match green {
        Some(green) if *green == results.runs_of(client) => "yes".into(),
        Some(green) => joined(green),
        None if gaps.gaps.contains_key(&format!("{client}:{operation}")) => "gap".into(),
        None => String::new(),
    }
}

fn listed(text: &mut String, gaps: &Gaps) -> Result<()> {
    writeln!(text, "\n## Gaps\n")?;
    if gaps.gaps.is_empty() {
        writeln!(text, "None.")?;
    }
    for (gap, reason) in &gaps.gaps {
        writeln!(text, "- {gap}: {reason}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(green: &[(&str, &str)]) -> Results {
        let mut results = Results::default();
        for (operation, run) in green {
            let operations = results.0.entry("go".to_owned()).or_default();
            operations.entry((*operation).to_owned()).or_default().insert((*run).to_owned());
        }
        results
    }

    #[test]
    fn a_cell_is_yes_only_where_everything_was_green() {
        let results = results(&[("Encrypt", "a"), ("Encrypt", "b"), ("Decrypt", "a")]);
        let gaps = Gaps { gaps: [("go:ReEncrypt".to_owned(), "no".to_owned())].into() };
        let cell = |operation| cell(&results, &gaps, "go", operation);
        assert_eq!(
            ["Encrypt", "Decrypt", "ReEncrypt", "ListKeys"].map(cell),
            ["yes", "a", "gap", ""]
        );
    }
}

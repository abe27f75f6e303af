//! The arrows between our crates. Source: ARCHITECTURE.md, "Rooms and arrows".

use anyhow::{Result, ensure};
use serde::Deserialize;

use crate::run::cargo;

/// Who may know whom. What is not listed may know nobody.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("yaoku-model", &[]),
    ("yaoku-wire", &["yaoku-model"]),
    ("yaoku-crypto", &["yaoku-model"]),
    ("yaoku-store", &["yaoku-model"]),
    ("yaoku-targets", &["yaoku-model"]),
    (
        "yaoku-server",
        &["yaoku-model", "yaoku-wire", "yaoku-crypto", "yaoku-store", "yaoku-targets"],
    ),
    ("yaoku", &["yaoku-server", "yaoku-wire", "yaoku-model"]),
];

/// Tools of the developer, which no other crate may know and which may know all.
const TOOLS: &[&str] = &["xtask", "yaoku-bench", "yaoku-fuzz", "yaoku-trials"];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// Set for a crate of ours, and only for those.
    path: Option<String>,
}

/// Every arrow between two of our crates, those of tests and build scripts too.
pub(super) fn arrows() -> Result<Vec<(String, String)>> {
    let read = cargo(&["metadata", "--no-deps", "--format-version", "1"]).output()?;
    ensure!(read.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&read.stderr));
    let metadata: Metadata = serde_json::from_slice(&read.stdout)?;
    let arrows = metadata.packages.into_iter().flat_map(|from| {
        let ours = from.dependencies.into_iter().filter(|it| it.path.is_some());
        ours.map(move |to| (from.name.clone(), to.name)).collect::<Vec<_>>()
    });
    Ok(arrows.collect())
}

/// The arrows that should not be.
pub(super) fn faults(arrows: &[(String, String)]) -> Vec<String> {
    let wrong =
        arrows.iter().filter(|(from, to)| !TOOLS.contains(&from.as_str()) && !may(from, to));
    wrong.map(|(from, to)| format!("Cargo.toml of {from}: it may not know {to}")).collect()
}

fn may(from: &str, to: &str) -> bool {
    MAY_KNOW.iter().any(|(name, known)| *name == from && known.contains(&to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_arrows_of_the_plan_are_taken() {
        for (from, to, faults_seen) in [
            ("yaoku-server", "yaoku-store", 0),
            ("xtask", "yaoku-crypto", 0),
            ("yaoku-store", "yaoku-wire", 1),
            ("yaoku-model", "xtask", 1),
            ("yaoku", "yaoku-store", 1),
            ("yaoku-new", "yaoku-model", 1),
        ] {
            let seen = faults(&[(from.to_owned(), to.to_owned())]);
            assert_eq!(seen.len(), faults_seen, "{from} -> {to}");
        }
    }
}

//! What no compiler checks: arrows between crates, first lines, lengths, names, left-overs.
//!
//! Run by `cargo xtask check` and, as a test, by `cargo test`.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

mod manifests;
mod operations;
mod sources;

use crate::run::{command, root};

/// The file with the rules' words and the exceptions; no rule is applied to it.
const RULES: &str = "tidy.toml";

/// tidy.toml.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    long: BTreeMap<String, usize>,
    json: BTreeMap<String, String>,
    words: BTreeMap<String, String>,
    places: BTreeMap<String, String>,
}

/// A file of the repository.
#[derive(Debug)]
struct Source {
    /// From the root.
    path: String,
    text: String,
}

impl Source {
    fn is_rust(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|it| it == "rs")
    }

    /// Whether it is a test and nothing else.
    fn is_test(&self) -> bool {
        let mut parts = self.path.split('/');
        parts.any(|it| matches!(it, "tests" | "tests.rs" | "testing.rs" | "suite" | "suite.rs"))
    }
}

/// All faults of the tree, one a line.
pub(crate) fn faults() -> Result<Vec<String>> {
    let rules: Rules = toml::from_str(&fs::read_to_string(root().join(RULES))?).context(RULES)?;
    let files = files()?;
    Ok([
        manifests::faults(&manifests::arrows()?),
        operations::faults(&files)?,
        sources::faults(&files, &rules),
    ]
    .concat())
}

/// Every text file that is committed or about to be.
fn files() -> Result<Vec<Source>> {
    let list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let listed = command("git", &list).output()?;
    ensure!(listed.status.success(), "git ls-files: {}", String::from_utf8_lossy(&listed.stderr));
    let paths = String::from_utf8(listed.stdout)?;
    let paths = paths.split_terminator('\0').filter(|it| *it != RULES);
    // What is no text, or is listed and deleted, has no lines to judge.
    let read = |path: &str| Some((path.to_owned(), fs::read_to_string(root().join(path)).ok()?));
    Ok(paths.filter_map(read).map(|(path, text)| Source { path, text }).collect())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_tree_is_tidy() {
        assert_eq!(super::faults().unwrap(), Vec::<String>::new());
    }
}

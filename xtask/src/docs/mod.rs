//! `docs`: the generated documents, from the list of operations and the kept results.

use std::{fs, path::Path};

use anyhow::{Context, Result};

mod compatibility;
mod operations;
mod results;

pub(crate) use operations::{List, Operation};
pub(crate) use results::Results;

use crate::run::{Tally, faultless, root};

/// The list of operations, as it was when the documents were written.
pub(crate) const OPERATIONS: &str = "docs/operations.json";

/// The full run that COMPATIBILITY.md tells of.
const RESULTS: &str = "conformance/results.json";

/// Whether files are written or compared.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Mode {
    /// Differences are faults.
    Check,
    /// Files become what they should be.
    Write,
}

impl Mode {
    /// What `--check` says.
    pub(crate) const fn of(check: bool) -> Self {
        if check { Self::Check } else { Self::Write }
    }
}

/// Writes or compares all generated documents.
pub(crate) fn run(mode: Mode) -> Result<Tally> {
    faultless("docs", || {
        let results = Results::load(&root().join(RESULTS))?;
        let json = operations::print()?;
        let list = List::read(&json)?;
        let documents = [
            ("docs/operations.md", list.markdown()),
            ("COMPATIBILITY.md", compatibility::markdown(&results, &list)?),
            (OPERATIONS, json),
        ];
        put_all(&documents, mode)
    })
}

/// Writes or compares what a full conformance run leaves.
pub(crate) fn keep(results: &Results, mode: Mode) -> Result<Vec<String>> {
    let list = List::read(&fs::read_to_string(root().join(OPERATIONS))?)?;
    let documents = [
        (RESULTS, results.json()?),
        ("COMPATIBILITY.md", compatibility::markdown(results, &list)?),
    ];
    put_all(&documents, mode)
}

/// What is not as it should be.
fn put_all(documents: &[(&str, String)], mode: Mode) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for (path, text) in documents {
        let file = root().join(path);
        match mode {
            Mode::Write => write(&file, text)?,
            Mode::Check if fs::read_to_string(&file).is_ok_and(|it| it == *text) => {}
            Mode::Check => faults.push(format!(
                "{path} is stale: run `cargo xtask docs` (or `conformance`) and commit it"
            )),
        }
    }
    Ok(faults)
}

fn write(file: &Path, text: &str) -> Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(file, text).with_context(|| file.display().to_string())
}

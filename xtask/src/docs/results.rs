//! What was green in a full conformance run, in a form small and stable enough to commit.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anyhow::{Context, Result};
use serde::Deserialize;

/// Where a client was run: `sqlite https`.
pub(crate) type Runs = BTreeSet<String>;

/// The green cells: client, operation, where.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct Results(pub(crate) BTreeMap<String, BTreeMap<String, Runs>>);

/// The committed form: client, where (joined), operations.
type Kept = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// A line of a results file. Source: conformance/README.md.
#[derive(Deserialize)]
struct Row {
    client: String,
    operation: String,
    scheme: String,
    store: String,
    verdict: String,
}

impl Results {
    /// Reads the results files that `run.py` leaves in `folder`.
    pub(crate) fn of_runs(folder: &Path) -> Result<Self> {
        let mut results = Self::default();
        for entry in folder.read_dir().with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with("results-") && name.ends_with(".jsonl") {
                results.add(&fs::read_to_string(&path)?)?;
            }
        }
        Ok(results)
    }

    /// Adds the green rows; `(start)` and `(audit)` are no operations.
    fn add(&mut self, lines: &str) -> Result<()> {
        for line in lines.lines() {
            let row: Row = serde_json::from_str(line)?;
            if row.verdict == "ok" && !row.operation.starts_with('(') {
                let runs = self.0.entry(row.client).or_default().entry(row.operation).or_default();
                runs.insert(format!("{} {}", row.store, row.scheme));
            }
        }
        Ok(())
    }

    /// Reads the committed form. No file: nothing was ever green.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        if !path.exists() {
            return Ok(Self::default());
        }
        let kept: Kept = serde_json::from_str(&fs::read_to_string(path)?)?;
        let mut results = Self::default();
        for (client, wheres) in kept {
            let operations = results.0.entry(client).or_default();
            for (joined, names) in wheres {
                let runs: Runs = joined.split(", ").map(str::to_owned).collect();
                operations.extend(names.into_iter().map(|it| (it, runs.clone())));
            }
        }
        Ok(results)
    }

    /// The committed form.
    pub(crate) fn json(&self) -> Result<String> {
        let mut kept = Kept::new();
        for (client, operations) in &self.0 {
            let wheres = kept.entry(client.clone()).or_default();
            for (operation, runs) in operations {
                wheres.entry(joined(runs)).or_default().insert(operation.clone());
            }
        }
        Ok(serde_json::to_string_pretty(&kept)? + "\n")
    }

    /// Everywhere that `client` was green at all.
    pub(crate) fn runs_of(&self, client: &str) -> Runs {
        self.0.get(client).into_iter().flat_map(BTreeMap::values).flatten().cloned().collect()
    }
}

/// `postgres http, sqlite http`.
pub(crate) fn joined(runs: &Runs) -> String {
    runs.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = r#"{"client": "a", "operation": "Encrypt", "scheme": "http", "store": "sqlite", "verdict": "ok", "why": ""}
{"client": "a", "operation": "Encrypt", "scheme": "https", "store": "sqlite", "verdict": "ok", "why": ""}
{"client": "a", "operation": "Decrypt", "scheme": "http", "store": "sqlite", "verdict": "failed", "why": "no"}
{"client": "b", "operation": "(audit)", "scheme": "both", "store": "sqlite", "verdict": "ok", "why": ""}
"#;

    #[test]
    fn only_green_operations_are_kept() {
        let mut results = Results::default();
        results.add(LINES).unwrap();
        assert_eq!(results.0.keys().collect::<Vec<_>>(), ["a"]);
        assert_eq!(results.0["a"].keys().collect::<Vec<_>>(), ["Encrypt"]);
        assert_eq!(joined(&results.runs_of("a")), "sqlite http, sqlite https");
    }

    #[test]
    fn what_is_kept_reads_back() {
        let mut results = Results::default();
        results.add(LINES).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("results.json");
        fs::write(&file, results.json().unwrap()).unwrap();
        assert_eq!(Results::load(&file).unwrap(), results);
    }

    #[test]
    fn a_line_of_another_form_is_refused() {
        assert!(Results::default().add("{}").is_err());
    }
}

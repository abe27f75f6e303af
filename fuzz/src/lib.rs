//! Hostile input: what reads bytes of strangers is given any bytes at all.
//!
//! A target takes an input and panics if something does not hold that must: that nothing panics, that
//! what is written reads back as it was, that nothing answered is much longer than what was asked. One
//! file a target. `cargo xtask fuzz` runs them under libFuzzer, guided by coverage; `cargo test` runs
//! each over its seeds and over every input that once broke it (`regressions/<target>/`).

#![expect(clippy::expect_used, reason = "a target says by a panic what does not hold")]

mod arns;
mod audit;
mod blobs;
mod heads;
mod home;
mod imports;
mod json;
mod jwts;
mod operations;
mod policies;
mod requests;
mod signatures;
mod signed;
mod tokens;

use std::path::Path;

/// Something that reads what strangers send.
#[derive(Debug)]
pub struct Target {
    /// What `cargo xtask fuzz --target` calls it.
    pub name: &'static str,
    /// Gives it one input. Panics if something does not hold.
    pub run: fn(&[u8]),
    seeds: fn() -> Vec<Vec<u8>>,
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "arns", run: arns::run, seeds: arns::seeds },
    Target { name: "audit", run: audit::run, seeds: audit::seeds },
    Target { name: "blobs", run: blobs::run, seeds: blobs::seeds },
    Target { name: "heads", run: heads::run, seeds: heads::seeds },
    Target { name: "imports", run: imports::run, seeds: imports::seeds },
    Target { name: "json", run: json::run, seeds: json::seeds },
    Target { name: "jwts", run: jwts::run, seeds: jwts::seeds },
    Target { name: "operations", run: operations::run, seeds: operations::seeds },
    Target { name: "policies", run: policies::run, seeds: policies::seeds },
    Target { name: "requests", run: requests::run, seeds: requests::seeds },
    Target { name: "signatures", run: signatures::run, seeds: signatures::seeds },
    Target { name: "signed", run: signed::run, seeds: signed::seeds },
    Target { name: "tokens", run: tokens::run, seeds: tokens::seeds },
];

impl Target {
    /// What to begin with: fixtures and examples, and what once broke it.
    ///
    /// Panics if the fixtures are not there: this is no program to take elsewhere.
    #[must_use]
    pub fn seeds(&self) -> Vec<Vec<u8>> {
        let mut seeds = (self.seeds)();
        let broken = Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions").join(self.name);
        if broken.is_dir() {
            seeds.extend(files(&broken));
        }
        seeds
    }
}

/// The target of a name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|it| it.name == name)
}

/// The files of a folder, in order of their names.
fn files(folder: &Path) -> Vec<Vec<u8>> {
    let entries = folder.read_dir().expect("a folder of the repository");
    let mut paths: Vec<_> = entries.flatten().map(|it| it.path()).collect();
    paths.sort_unstable();
    paths.iter().map(|it| std::fs::read(it).expect("a file of the repository")).collect()
}

/// The fixtures of a folder in `vectors/`: those files that are JSON.
fn vectors(folder: &str) -> Vec<serde_json::Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors").join(folder);
    files(&folder).iter().filter_map(|it| serde_json::from_slice(it).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::TARGETS;

    #[test]
    fn every_seed_and_every_input_that_once_broke_a_target_holds() {
        for target in TARGETS {
            let seeds = target.seeds();
            assert!(!seeds.is_empty(), "{}", target.name);
            for seed in seeds {
                (target.run)(&seed);
            }
        }
    }

    #[test]
    fn halves_and_nothing_at_all_hold_too() {
        for target in TARGETS {
            (target.run)(&[]);
            for seed in target.seeds() {
                (target.run)(&seed[..seed.len() / 2]);
                (target.run)(&seed[seed.len() / 2..]);
            }
        }
    }
}

//! docs/operations.json for programs and docs/operations.md for people, from the server's own list.

use std::fmt::Write as _;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::run::{cargo, command};

/// The list, as `crates/server/examples/operations.rs` prints it.
#[derive(Debug, Deserialize)]
pub(crate) struct List {
    common_errors: Vec<String>,
    common_errors_of_ram_and_sts: Vec<String>,
    dry_run_errors: Vec<String>,
    /// All operations, by product and name.
    pub(crate) operations: Vec<Operation>,
}

/// An operation.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Operation {
    /// The `Action` on the wire.
    pub(crate) name: String,
    /// Where its behaviour was taken from.
    pub(crate) source: String,
    /// What its policy action begins with: `kms`.
    pub(crate) product: String,
    version: String,
    effect: String,
    works_while_closed: bool,
    dry_run: bool,
    also_asks_for: Vec<String>,
    example: Vec<[String; 2]>,
    errors: Vec<String>,
}

/// What the server of this very tree says, as text. Built as the tests are, so shared with them.
pub(super) fn print() -> Result<String> {
    let built = cargo(&["build", "-q", "--workspace", "--example", "operations"]).status()?;
    ensure!(built.success(), "the list of operations does not build");
    let printed = command("target/debug/examples/operations", &[]).output()?;
    ensure!(printed.status.success(), "the list of operations does not run");
    Ok(String::from_utf8(printed.stdout)?)
}

impl List {
    /// Reads what was printed, or kept in docs/operations.json.
    pub(crate) fn read(json: &str) -> Result<Self> {
        serde_json::from_str(json).context("the list of operations")
    }

    /// The reader's form.
    pub(super) fn markdown(&self) -> String {
        let mut text = format!(
            "# Operations\n\nMade by `cargo xtask docs`; do not edit.\n\nAny operation of KMS or of our own administration may also answer: {}.\n\n\
             One of RAM or STS: {}.\n\n\
             One that takes `DryRun`, also: {}.\n\n\
             What `ExtendedConfig` and `SecretData` of managed secrets hold, and what `RotationWindow` of \
             `RotateSecret` is, a parameter of our own: [managed-secrets.md](managed-secrets.md).\n",
            self.common_errors.join(", "),
            self.common_errors_of_ram_and_sts.join(", "),
            self.dry_run_errors.join(", "),
        );
        for it in &self.operations {
            // Writing to a String cannot fail.
            let _ = it.section(&mut text);
        }
        text
    }
}

impl Operation {
    fn section(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "\n## {}\n", self.name)?;
        writeln!(text, "Version {}; {}.", self.version, self.works_on())?;
        if self.dry_run {
            writeln!(text, "Takes `DryRun`.")?;
        }
        if self.works_while_closed {
            writeln!(text, "Works in an account that has not opened the service.")?;
        }
        if !self.also_asks_for.is_empty() {
            let also = self.also_asks_for.join(", ");
            writeln!(text, "Also asks for {also}, where the call leads there.")?;
        }
        if !self.example.is_empty() {
            writeln!(text, "\n| Parameter | Example |\n|---|---|")?;
        }
        for [name, value] in &self.example {
            writeln!(text, "| {name} | `{}` |", value.replace('|', "\\|"))?;
        }
        if !self.errors.is_empty() {
            writeln!(text, "\nErrors: {}.", self.errors.join(", "))?;
        }
        writeln!(text, "\nSource: {}", self.source)
    }

    fn works_on(&self) -> &str {
        match self.effect.as_str() {
            "use" => "works on the caches, without the store",
            "read" => "reads the store",
            "write" => "writes the store",
            other => other,
        }
    }
}

//! `yaoku run`: a program with secrets in its environment, and nowhere else.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::{ErrorKind, Write as _},
    os::unix::process::CommandExt as _,
    process::{Command, ExitCode},
};

use clap::Args;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{
    calls::Calls,
    finish, misuse,
    options::{NOTES, Options},
    output::cell,
};
use crate::{clock::environment, screen::harmless};

/// What asks for one variable for each member of a value.
const SPREAD: &str = ":json";

/// What the names of variables that the loader obeys begin with. Source: ld.so(8).
const LOADER: &str = "LD_";

/// Exit statuses of a program that is not there, and of one that cannot be started. Source: env(1).
const NOT_FOUND: u8 = 127;
const NOT_STARTED: u8 = 126;

/// Runs a program with secrets in its environment (`GetSecretValue`).
///
/// The program takes this one's place: its exit status and the signals that it gets are its own, and
/// no copy of a value stays behind. Nothing is started if a secret is not to be had.
#[derive(Debug, Args)]
#[command(after_help = NOTES)]
pub(crate) struct Run {
    #[command(flatten)]
    options: Options,
    /// A secret, and the variable that gets its current value: without ENV, its name in capitals, with
    /// _ for all else but digits. `NAME:json` makes a variable of each member of a JSON object, and ENV
    /// then goes before their names. As often as needed.
    #[arg(
        long = "secret",
        value_name = "NAME[:json][=ENV]",
        required = true,
        value_parser = Wanted::parse
    )]
    secrets: Vec<Wanted>,
    /// The program and its arguments.
    #[arg(last = true, required = true, value_name = "PROGRAM")]
    program: Vec<OsString>,
}

/// A secret that a program wants.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Wanted {
    secret: String,
    /// Whether each member gets a variable.
    spread: bool,
    /// The variable, or what goes before those of its members.
    variable: String,
}

/// Variables and their values.
type Variables = BTreeMap<String, Zeroizing<String>>;

impl Run {
    /// Becomes the program.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        finish(self.call().await)
    }

    async fn call(self) -> anyhow::Result<ExitCode> {
        let calls = Calls::open(&self.options)?;
        let mut variables = Variables::new();
        for wanted in &self.secrets {
            let name = [("SecretName", Some(wanted.secret.as_str()))];
            let held = calls.ask("GetSecretValue", &name).await?;
            wanted.add(held.text("/SecretData"), &mut variables)?;
        }
        become_program(&self.program, &variables)
    }
}

/// Returns only if the program cannot be started.
fn become_program(program: &[OsString], variables: &Variables) -> anyhow::Result<ExitCode> {
    let (name, words) = program.split_first().ok_or_else(|| misuse("no program to run"))?;
    let values = variables.iter().map(|(name, value)| (name, value.as_str()));
    let error = Command::new(name).args(words).envs(values).exec();
    let shown = name.to_string_lossy();
    writeln!(std::io::stderr(), "yaoku: {} cannot be started: {error}", harmless(&shown))?;
    let absent = error.kind() == ErrorKind::NotFound;
    Ok(if absent { NOT_FOUND } else { NOT_STARTED }.into())
}

impl Wanted {
    /// Reads `NAME[:json][=ENV]`.
    fn parse(text: &str) -> Result<Self, String> {
        let (named, variable) = match text.rsplit_once('=') {
            Some((named, variable)) => (named, Some(variable)),
            None => (text, None),
        };
        let (secret, spread) = match named.strip_suffix(SPREAD) {
            Some(secret) => (secret, true),
            None => (named, false),
        };
        if secret.is_empty() {
            return Err("it names no secret".to_owned());
        }
        let variable = match variable {
            Some(variable) => must_be_name(variable.to_owned())?,
            None if spread => String::new(),
            None => must_be_name(variable_of(secret))?,
        };
        Ok(Self { secret: secret.to_owned(), spread, variable })
    }

    /// Adds the variables that a value makes.
    fn add(&self, value: &str, to: &mut Variables) -> anyhow::Result<()> {
        if !self.spread {
            return self.insert(self.variable.clone(), value.to_owned(), to);
        }
        let members: Map<String, Value> = serde_json::from_str(value).map_err(|_| {
            misuse(format!("the value of {} is no JSON object", harmless(&self.secret)))
        })?;
        for (name, value) in &members {
            self.insert(self.member(name)?, cell(value), to)?;
        }
        Ok(())
    }

    /// The variable of a member. Whoever may change the value chooses its members, but is not to choose
    /// what else the program is told by its environment.
    fn member(&self, name: &str) -> anyhow::Result<String> {
        let variable = format!("{}{name}", self.variable);
        let (secret, shown) = (harmless(&self.secret), harmless(&variable));
        if !is_name(&variable) {
            return Err(misuse(format!(
                "a member of {secret} makes no name of a variable: {shown}"
            )));
        }
        if variable.starts_with(LOADER) || environment().any(|(it, _)| it == variable.as_str()) {
            return Err(misuse(format!(
                "a member of {secret} would change {shown}, which is there already or obeyed by the \
                 loader: give a beginning for its variables, {secret}{SPREAD}=ENV_"
            )));
        }
        Ok(variable)
    }

    fn insert(&self, variable: String, value: String, to: &mut Variables) -> anyhow::Result<()> {
        let value = Zeroizing::new(value);
        let secret = harmless(&self.secret);
        if value.contains('\0') {
            return Err(misuse(format!(
                "the value of {secret} has a NUL: no variable can hold it"
            )));
        }
        if to.contains_key(&variable) {
            return Err(misuse(format!("two secrets would be {variable}: give one another =ENV")));
        }
        to.insert(variable, value);
        Ok(())
    }
}

/// What the variable of a secret is called: `db/orders` makes `DB_ORDERS`, of an ARN too.
fn variable_of(secret: &str) -> String {
    let name = secret.split_once(":secret/").map_or(secret, |(_, name)| name);
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    name.chars().map(letter).collect()
}

fn must_be_name(text: String) -> Result<String, String> {
    if is_name(&text) {
        Ok(text)
    } else {
        Err(format!("{text:?} is no name of a variable: give =ENV"))
    }
}

/// Whether a text can be the name of a variable. Source: POSIX, Environment Variables.
fn is_name(text: &str) -> bool {
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    begins && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::{Variables, Wanted};

    fn wanted(text: &str) -> (String, bool, String) {
        let Wanted { secret, spread, variable } = Wanted::parse(text).unwrap();
        (secret, spread, variable)
    }

    #[test]
    fn what_names_no_secret_or_no_variable_is_refused() {
        for text in ["", "=A", ":json", "a=", "a=1", "a=b-c", "1st", "a:json=", "a:json=-"] {
            assert!(Wanted::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_secret_is_named_with_or_without_its_variable() {
        for (text, secret, spread, variable) in [
            ("db/orders-1.a", "db/orders-1.a", false, "DB_ORDERS_1_A"),
            ("db/orders=URL", "db/orders", false, "URL"),
            ("a=b=URL", "a=b", false, "URL"),
            (
                "acs:kms:cn-hangzhou:1:secret/db/x",
                "acs:kms:cn-hangzhou:1:secret/db/x",
                false,
                "DB_X",
            ),
            ("db:json", "db", true, ""),
            ("db:json=DB_", "db", true, "DB_"),
        ] {
            assert_eq!(wanted(text), (secret.to_owned(), spread, variable.to_owned()), "{text}");
        }
    }

    fn variables(text: &str, value: &str) -> anyhow::Result<Variables> {
        let mut made = Variables::new();
        Wanted::parse(text).unwrap().add(value, &mut made).map(|()| made)
    }

    #[test]
    fn members_that_would_be_obeyed_are_refused() {
        for (text, value) in [
            ("a:json", r#"{"LD_PRELOAD":"x"}"#),
            ("a:json", r#"{"PATH":"x"}"#),
            ("a:json", r#"{"a-b":"x"}"#),
            ("a:json", r#"{"a=b":"x"}"#),
            ("a:json", "[1]"),
            ("a:json", "c4n4ry"),
            ("a:json", r#"{"A":"\u0000"}"#),
            ("a", "\0"),
        ] {
            let error = variables(text, value).unwrap_err().to_string();
            assert!(!error.contains("c4n4ry"), "{error}");
        }
        let path = variables("a:json=DB_", r#"{"PATH":"x"}"#).unwrap();
        assert_eq!(path["DB_PATH"].as_str(), "x");
    }

    #[test]
    fn an_object_makes_a_variable_of_each_member() {
        let made = variables("a:json", r#"{"User":"u","Port":5432,"On":true,"L":[1]}"#).unwrap();
        let made: Vec<_> = made.iter().map(|(name, it)| (name.as_str(), it.as_str())).collect();
        assert_eq!(made, [("L", "[1]"), ("On", "true"), ("Port", "5432"), ("User", "u")]);
        let mut twice = variables("a=X", "1").unwrap();
        assert!(Wanted::parse("b=X").unwrap().add("2", &mut twice).is_err());
    }
}

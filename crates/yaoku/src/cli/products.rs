//! `yaoku kms <Action> --Param value`, and so for other products: every operation by its own name, as
//! the list has it.

use std::{fmt::Write as _, io::Read as _, path::Path, process::ExitCode};

use anyhow::Context as _;
use clap::{ArgMatches, Args as _, Command, FromArgMatches as _};
use yaoku_server::api::{Entry, FOLDERS, KnownBy, Product, Spec, operation, operations};
use zeroize::Zeroizing;

use super::{
    client::Client,
    finish, misuse,
    options::{Form, NOTES, Options},
    output::{Writer, query},
    parameters::{self, FILE, in_file},
};

/// A product as a command.
struct Front {
    product: Product,
    /// The command.
    command: &'static str,
    /// What a person calls the product.
    title: &'static str,
    /// Adds its operations to the command, once that is asked for: they are many.
    operations: fn(Command) -> Command,
}

/// All of them. One that has no operations yet is no command.
const FRONTS: &[Front] = &[
    Front {
        product: Product::Kms,
        command: "kms",
        title: "Key Management Service",
        operations: |it| with_operations(it, Product::Kms),
    },
    Front {
        product: Product::Ram,
        command: "ram",
        title: "Resource Access Management",
        operations: |it| with_operations(it, Product::Ram),
    },
    Front {
        product: Product::Sts,
        command: "sts",
        title: "Security Token Service",
        operations: |it| with_operations(it, Product::Sts),
    },
    Front {
        product: Product::Yaoku,
        command: "admin",
        title: "Yaoku's own administration",
        operations: |it| with_operations(it, Product::Yaoku),
    },
];

/// Adds the products' operations to the program's own commands.
pub(crate) fn with_products(program: Command) -> Command {
    FRONTS.iter().filter_map(Front::command).fold(program, Command::subcommand)
}

/// What was asked of a product; `None`: it was another command.
pub(crate) fn asked(matches: &ArgMatches) -> Option<Asked<'_>> {
    let (command, matches) = matches.subcommand()?;
    let front = FRONTS.iter().find(|it| it.command == command)?;
    let (name, matches) = matches.subcommand()?;
    Some(Asked { spec: operation(front.product, name)?.spec, matches })
}

/// An operation, and what was given for it.
pub(crate) struct Asked<'a> {
    spec: &'static Spec,
    matches: &'a ArgMatches,
}

impl Asked<'_> {
    /// Calls it, and writes its answer.
    pub(crate) async fn run(&self) -> anyhow::Result<ExitCode> {
        finish(self.call().await)
    }

    async fn call(&self) -> anyhow::Result<ExitCode> {
        let options = Options::from_arg_matches(self.matches)?;
        let query = query(options.output.query.as_deref())?;
        let params = self.params()?;
        let given: Vec<(&str, &str)> =
            params.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let client = match self.spec.known_by {
            KnownBy::Signature => Client::open(&options.reach)?,
            KnownBy::ProviderToken => Client::anonymous(&options.reach)?,
        };
        let answer = client.call(self.spec.product, self.spec.name, &given).await?;
        Writer { query, form: options.output.output.unwrap_or(Form::Json) }.write(answer.json())?;
        Ok(ExitCode::SUCCESS)
    }

    fn params(&self) -> anyhow::Result<Vec<(String, Zeroizing<String>)>> {
        let mut params = Vec::new();
        for name in parameters::names(self.spec) {
            if let Some(value) = self.matches.get_one::<String>(&name) {
                params.push((name, Zeroizing::new(value.clone())));
            } else if let Some(file) = self.matches.get_one::<String>(&in_file(&name)) {
                let text = text_of(Path::new(file))?;
                let one_line = self.spec.product == Product::Ram
                    && self.spec.secret_params.contains(&name.as_str());
                params.push((name, if one_line { line_of(&text) } else { text }));
            }
        }
        Ok(params)
    }
}

/// The text of a file, to the last byte; `-` is standard input.
pub(super) fn text_of(file: &Path) -> anyhow::Result<Zeroizing<String>> {
    let bytes = bytes_of(file)?;
    let text = std::str::from_utf8(&bytes);
    let text = text.map_err(|_| misuse(format!("{} is no text", file.display())))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// A text without the one line end that an editor leaves: what people type, as passwords, has none.
fn line_of(text: &str) -> Zeroizing<String> {
    let line = text.strip_suffix('\n').unwrap_or(text);
    Zeroizing::new(line.strip_suffix('\r').unwrap_or(line).to_owned())
}

/// What is in a file; `-` is standard input.
pub(super) fn bytes_of(file: &Path) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    let unreadable = || format!("{} cannot be read", file.display());
    if file.as_os_str() == "-" {
        std::io::stdin().lock().read_to_end(&mut bytes)?;
    } else {
        std::fs::File::open(file)
            .and_then(|mut it| it.read_to_end(&mut bytes))
            .with_context(unreadable)?;
    }
    Ok(bytes)
}

impl Front {
    /// The command; `None`: there are no operations.
    fn command(&self) -> Option<Command> {
        specs(self.product).next()?;
        let about = format!("Calls an operation of {}", self.title);
        let notes = format!(
            "yaoku {} <OPERATION> --help says what one takes. Any parameter is read from a file (or, \
             with -, from standard input) by adding {FILE} to its name: --Plaintext{FILE} note.txt. \
             Secrets belong there, as command lines are seen by others.\n\n{NOTES}",
            self.command
        );
        let template = "{about-with-newline}\n{usage-heading} {usage}\n\n{before-help}\
                        Options:\n{options}{after-help}";
        // What the options say of themselves must not stand for the command.
        let command = Options::augment_args(Command::new(self.command))
            .about(about.clone())
            .long_about(format!("{about}."))
            .help_template(template)
            .before_help(self.subjects())
            .after_help(notes)
            .subcommand_value_name("OPERATION")
            .subcommand_required(true)
            .arg_required_else_help(true);
        Some(command.defer(self.operations))
    }

    /// The operations by what they are about.
    fn subjects(&self) -> String {
        let mut out = String::new();
        for (subject, entries) in FOLDERS {
            let of_product = entries.iter().map(|it| it.spec);
            let names: Vec<&str> =
                of_product.filter(|it| it.product == self.product).map(|it| it.name).collect();
            if !names.is_empty() {
                // Writing to a string cannot fail.
                _ = writeln!(out, "{subject}:\n{}", paragraph(&names));
            }
        }
        out
    }
}

fn specs(product: Product) -> impl Iterator<Item = &'static Spec> {
    operations().map(|it| it.spec).filter(move |it| it.product == product)
}

fn with_operations(command: Command, product: Product) -> Command {
    let mut entries: Vec<&'static Entry> =
        operations().filter(|it| it.spec.product == product).collect();
    entries.sort_by_key(|it| it.spec.name);
    command.subcommands(entries.into_iter().map(operation_command))
}

fn operation_command(entry: &'static Entry) -> Command {
    let spec = entry.spec;
    let mut words = Vec::new();
    for (name, _) in spec.example {
        words.extend(Some(*name).filter(|it| !words.contains(it)));
    }
    Command::new(spec.name)
        .about(words.join(", "))
        .long_about(format!("Calls {}.", spec.name))
        .after_help(format!("Permission: {}\nSource: {}", spec.action(), spec.source))
        .args(parameters::args(entry))
}

/// Names with commas, in lines of at most 80 columns.
fn paragraph(names: &[&str]) -> String {
    let (mut out, mut width) = (String::new(), 0);
    for (nth, name) in names.iter().enumerate() {
        let comma = if nth + 1 < names.len() { "," } else { "" };
        if width == 0 || width + 2 + name.len() > 80 {
            out += if width == 0 { "  " } else { "\n  " };
            width = 2;
        } else {
            out.push(' ');
            width += 1;
        }
        out.push_str(name);
        out.push_str(comma);
        width += name.len() + comma.len();
    }
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use clap::Command;
    use yaoku_server::api::operations;

    use super::{FRONTS, asked, specs, with_products};

    fn program() -> Command {
        with_products(Command::new("yaoku"))
    }

    #[test]
    fn what_the_list_does_not_know_is_a_usage_error_with_a_suggestion() {
        for (words, suggestion) in [
            (&["yaoku", "kms", "Encript"][..], "Encrypt"),
            (&["yaoku", "kms", "Encrypt", "--PlainText", "x"], "--Plaintext"),
        ] {
            let error = program().try_get_matches_from(words).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().contains(suggestion), "{error}");
        }
    }

    #[test]
    fn every_operation_is_a_command_and_takes_its_example() {
        program().debug_assert();
        for spec in operations().map(|it| it.spec) {
            let front = FRONTS.iter().find(|it| it.product == spec.product).unwrap();
            let mut words =
                vec!["yaoku".to_owned(), front.command.to_owned(), spec.name.to_owned()];
            words.extend(spec.example.iter().map(|(name, value)| format!("--{name}={value}")));
            let matches = program().try_get_matches_from(words).unwrap();
            let asked = asked(&matches).unwrap();
            let taken = asked.params().unwrap();
            let taken: Vec<_> = taken.iter().map(|(name, it)| (&**name, it.as_str())).collect();
            let mut expected = spec.example.to_vec();
            expected.sort_unstable();
            let mut sorted = taken.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, expected, "{}", spec.name);
        }
    }

    #[test]
    fn the_help_of_a_product_has_all_of_its_operations() {
        for front in FRONTS {
            let names: Vec<&str> = specs(front.product).map(|it| it.name).collect();
            let found = program().find_subcommand_mut(front.command).map(Command::render_help);
            assert_eq!(found.is_some(), !names.is_empty(), "{}", front.command);
            let help = found.map(|it| it.to_string()).unwrap_or_default();
            for name in names {
                let words = |it: char| it.is_whitespace() || it == ',';
                assert_eq!(help.split(words).filter(|it| *it == name).count(), 1, "{name}\n{help}");
            }
        }
    }

    #[test]
    fn a_value_can_come_from_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "line\n").unwrap();
        let path = file.path().to_str().unwrap();
        let words = ["yaoku", "kms", "Encrypt", "--Plaintext-FILE", path];
        let matches = program().try_get_matches_from(words).unwrap();
        let params = asked(&matches).unwrap().params().unwrap();
        assert_eq!((params[0].0.as_str(), params[0].1.as_str()), ("Plaintext", "line\n"));
        let words = ["yaoku", "ram", "CreateLoginProfile", "--UserName=a", "--Password-FILE", path];
        let matches = program().try_get_matches_from(words).unwrap();
        let params = asked(&matches).unwrap().params().unwrap();
        assert!(params.iter().any(|it| it.1.as_str() == "line"), "as it is typed");
        let words = ["yaoku", "kms", "Encrypt", "--Plaintext-FILE", path];
        let both = [&words[..], &["--Plaintext", "x"]].concat();
        assert_eq!(program().try_get_matches_from(both).unwrap_err().exit_code(), 2);
    }
}

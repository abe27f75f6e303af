//! `yaoku kms <Action> --Param value`: every operation by its own name, as the list has it.

use std::{io::Read as _, path::Path, process::ExitCode};

use anyhow::Context as _;
use clap::{Arg, ArgMatches, Args as _, Command, FromArgMatches as _};
use yaoku_server::api::{Product, Spec, operation, operations};
use zeroize::Zeroizing;

use super::{
    client::Client,
    finish, misuse,
    options::{Form, Options},
    output::{Writer, query},
};

/// The products that are called so, and what a person calls them. RAM and STS come with their
/// operations.
const PRODUCTS: &[(Product, &str)] = &[(Product::Kms, "Key Management Service")];

/// How many items of a repeated parameter are taken: as many tags as a thing has. Source: keys.md §7.
const ITEMS: usize = 20;

/// What is added to a parameter's name to read its value from a file. Source: clients.md A.3.
const FILE: &str = "-FILE";

/// Adds the products' operations to the program's own commands.
pub(crate) fn with_products(program: Command) -> Command {
    PRODUCTS.iter().fold(program, |program, (product, name)| {
        program.subcommand(product_command(*product, name))
    })
}

/// What was asked of a product; `None`: it was another command.
pub(crate) fn asked(matches: &ArgMatches) -> Option<Asked<'_>> {
    let (command, matches) = matches.subcommand()?;
    let product = PRODUCTS.iter().map(|(it, _)| *it).find(|it| it.prefix() == command)?;
    let (name, matches) = matches.subcommand()?;
    Some(Asked { spec: operation(product, name)?.spec, matches })
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
        let client = Client::open(&options.reach)?;
        let answer = client.call(self.spec.product, self.spec.name, &given).await?;
        Writer { query, form: options.output.output.unwrap_or(Form::Json) }.write(answer.json())?;
        Ok(ExitCode::SUCCESS)
    }

    fn params(&self) -> anyhow::Result<Vec<(String, Zeroizing<String>)>> {
        let mut params = Vec::new();
        for name in names(self.spec) {
            if let Some(value) = self.matches.get_one::<String>(&name) {
                params.push((name, Zeroizing::new(value.clone())));
            } else if let Some(file) = self.matches.get_one::<String>(&in_file(&name)) {
                let text = text_of(Path::new(file))?;
                params.push((name, text));
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

fn product_command(product: Product, name: &str) -> Command {
    let mut specs: Vec<&'static Spec> =
        operations().map(|it| it.spec).filter(|it| it.product == product).collect();
    specs.sort_by_key(|it| it.name);
    let about = format!("Calls an operation of {name}");
    // What the options say of themselves must not stand for the command.
    Options::augment_args(Command::new(product.prefix()))
        .about(about.clone())
        .long_about(format!(
            "{about}.\n\nAny parameter is read from a file (or, with -, from standard input) by \
             adding {FILE} to its name: --Plaintext{FILE} note.txt. Secrets belong there, as \
             command lines are seen by others."
        ))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands(specs.into_iter().map(operation_command))
}

fn operation_command(spec: &'static Spec) -> Command {
    let mut words = Vec::new();
    for (name, _) in spec.example {
        words.extend(Some(*name).filter(|it| !words.contains(it)));
    }
    Command::new(spec.name)
        .about(words.join(", "))
        .long_about(format!("Calls {}.", spec.name))
        .after_help(format!("Permission: {}\nSource: {}", spec.action(), spec.source))
        .next_help_heading("Parameters")
        .args(spec.example.iter().flat_map(|(name, example)| parameter(spec, name, example)))
        .args(spec.dry_run.then(|| parameter(spec, "DryRun", "true")).into_iter().flatten())
}

/// A parameter, each of its items if it is repeated, and the same from files.
fn parameter(spec: &Spec, name: &str, example: &str) -> Vec<Arg> {
    let secret = spec.secret_params.contains(&name);
    let such = match example {
        _ if secret => "A secret: others see a command line, so give it in a file".to_owned(),
        "" => String::new(),
        _ => format!("Such as {example}"),
    };
    let mut args = Vec::new();
    for (nth, item) in items(name).into_iter().enumerate() {
        let file = in_file(&item);
        let value = Arg::new(item.clone()).long(item.clone()).value_name("VALUE");
        args.push(value.help(such.clone()).hide(nth > 0).conflicts_with(file.clone()));
        let file = Arg::new(file.clone()).long(file).value_name("PATH");
        args.push(file.help("The same, from a file").hide(nth > 0 || !secret));
    }
    args
}

/// The names of all parameters that an operation reads.
fn names(spec: &Spec) -> Vec<String> {
    let dry_run = spec.dry_run.then_some("DryRun");
    spec.example.iter().map(|(name, _)| *name).chain(dry_run).flat_map(items).collect()
}

/// The names that an example's stands for: `Tag.1.Key` for `Tag.2.Key` too.
fn items(name: &str) -> Vec<String> {
    let mut parts = name.splitn(3, '.');
    let (prefix, first, rest) = (parts.next(), parts.next(), parts.next());
    let (Some(prefix), Some("1")) = (prefix, first) else { return vec![name.to_owned()] };
    let rest = rest.map_or(String::new(), |it| format!(".{it}"));
    (1..=ITEMS).map(|nth| format!("{prefix}.{nth}{rest}")).collect()
}

fn in_file(name: &str) -> String {
    format!("{name}{FILE}")
}

#[cfg(test)]
mod tests {
    use clap::Command;
    use yaoku_server::api::{Product, operations};

    use super::{asked, items, with_products};

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
        let of_kms = operations().map(|it| it.spec).filter(|it| it.product == Product::Kms);
        for spec in of_kms {
            let mut words = vec!["yaoku".to_owned(), "kms".to_owned(), spec.name.to_owned()];
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
    fn repeated_parameters_have_items() {
        assert_eq!(items("KeyId"), ["KeyId"]);
        assert_eq!(items("Tag.1.Key")[1], "Tag.2.Key");
        assert_eq!(items("ResourceId.1").len(), super::ITEMS);
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
        let both = [&words[..], &["--Plaintext", "x"]].concat();
        assert_eq!(program().try_get_matches_from(both).unwrap_err().exit_code(), 2);
    }
}

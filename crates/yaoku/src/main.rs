//! Yaoku: a self-hosted key and secret manager that speaks Alibaba Cloud's KMS API.

use std::{io::Write as _, process::ExitCode};

use clap::{
    ArgMatches, CommandFactory as _, FromArgMatches as _, Parser, Subcommand,
    builder::StyledStr,
    error::{ContextKind, ContextValue, ErrorKind},
};
use mimalloc::MiMalloc;
use yaoku_server::process::{WipingAllocator, harden_process};

mod admin;
mod audit;
mod cli;
mod clock;
mod config;
mod data;
mod dev;
mod doctor;
mod exchange;
mod init;
mod log;
mod passphrase;
mod screen;
mod seals;
mod serve;
mod server;
mod settings;
mod systemd;
#[cfg(feature = "otel")]
mod traces;
mod trust;

/// What is freed is wiped first.
#[global_allocator]
static ALLOCATOR: WipingAllocator<MiMalloc> = WipingAllocator(MiMalloc);

/// A self-hosted key and secret manager that speaks Alibaba Cloud's KMS API.
///
/// Independent of Alibaba Cloud.
#[derive(Debug, Parser)]
#[command(name = "yaoku", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    AccessKey(admin::access_key::AccessKey),
    Account(admin::account::Account),
    Audit(audit::Audit),
    Completion(cli::Completion),
    Credentials(Box<cli::credentials::Credentials>),
    DataKey(Box<cli::data_key::DataKey>),
    Dev(dev::Dev),
    Doctor(doctor::Doctor),
    Init(init::Init),
    Hook(admin::hook::Hook),
    Instance(admin::instance::Instance),
    Key(Box<cli::key::Key>),
    Notices(admin::notices::Notices),
    OidcProvider(admin::oidc_provider::OidcProvider),
    Policy(admin::policy::Policy),
    RootKey(admin::root_key::RootKey),
    Run(Box<cli::run::Run>),
    Secret(Box<cli::secret::Secret>),
    Server(server::Server),
    Target(admin::target::Target),
    Unseal(admin::unseal::Unseal),
    User(admin::user::User),
}

fn main() -> ExitCode {
    let mut program = command();
    let matches = match program.try_get_matches_from_mut(std::env::args_os()) {
        Ok(matches) => matches,
        Err(error) if error.kind() == ErrorKind::MissingSubcommand => return help(program),
        Err(error) => nearest_first(error).exit(),
    };
    run(&matches).unwrap_or_else(|error| {
        // Without a backtrace: it is the user's to mend, and the causes say how.
        _ = writeln!(std::io::stderr(), "yaoku: {error:#}");
        ExitCode::FAILURE
    })
}

/// All commands: our own, and the products' operations by their names.
fn command() -> clap::Command {
    plain(cli::with_products(Cli::command()))
}

/// The same without the backticks of its documentation, which mean nothing on a screen.
fn plain(command: clap::Command) -> clap::Command {
    let text = |it: Option<&StyledStr>| it.map(|it| it.to_string().replace('`', ""));
    let (about, long) = (text(command.get_about()), text(command.get_long_about()));
    let command = command.mut_args(|it| {
        let (help, long) = (text(it.get_help()), text(it.get_long_help()));
        let it = if let Some(help) = help { it.help(help) } else { it };
        if let Some(long) = long { it.long_help(long) } else { it }
    });
    let command = if let Some(about) = about { command.about(about) } else { command };
    let command = if let Some(long) = long { command.long_about(long) } else { command };
    command.mut_subcommands(plain)
}

/// The same fault with the three names that are nearest to what was written, the nearest first.
fn nearest_first(mut error: clap::Error) -> clap::Error {
    let kind = ContextKind::SuggestedSubcommand;
    if let Some(ContextValue::Strings(names)) = error.get(kind) {
        // They come with the nearest last.
        let names = names.iter().rev().take(3).cloned().collect();
        error.insert(kind, ContextValue::Strings(names));
    }
    error
}

/// The help of the innermost command that was named: what it lacks is a command of its own.
fn help(program: clap::Command) -> ExitCode {
    let mut named = program;
    for word in std::env::args_os().skip(1) {
        if let Some(it) = named.find_subcommand(&word) {
            named = it.clone();
        }
    }
    _ = write!(std::io::stderr(), "{}", named.render_help());
    ExitCode::from(2)
}

fn run(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    // A server's log is as its configuration says.
    if matches.subcommand_name() != Some("server") {
        log::plain();
    }
    harden_process()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if let Some(asked) = cli::asked(matches) {
        return runtime.block_on(asked.run());
    }
    let cli = Cli::from_arg_matches(matches).unwrap_or_else(|error| error.exit());
    runtime.block_on(async {
        match cli.command {
            Command::AccessKey(it) => it.run().await,
            Command::Account(it) => it.run().await,
            Command::Audit(it) => it.run().await,
            Command::Completion(it) => it.run(command()),
            Command::Credentials(it) => it.run().await,
            Command::DataKey(it) => it.run().await,
            Command::Dev(it) => it.run().await,
            Command::Doctor(it) => it.run().await,
            Command::Init(it) => it.run().await,
            Command::Hook(it) => it.run().await,
            Command::Instance(it) => it.run().await,
            Command::Key(it) => it.run().await,
            Command::Notices(it) => it.run().await,
            Command::OidcProvider(it) => it.run().await,
            Command::Policy(it) => it.run().await,
            Command::RootKey(it) => it.run().await,
            Command::Run(it) => it.run().await,
            Command::Secret(it) => it.run().await,
            Command::Target(it) => it.run().await,
            Command::Server(it) => it.run().await,
            Command::Unseal(it) => it.run().await,
            Command::User(it) => it.run().await,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{command, nearest_first};

    fn help(command: &clap::Command) -> String {
        let own = command.clone().render_long_help().to_string();
        let of_others = command.get_subcommands().map(help);
        [own].into_iter().chain(of_others).collect()
    }

    #[test]
    fn help_has_no_backticks() {
        let help = help(&command());
        let line = help.lines().find(|it| it.contains('`'));
        assert_eq!(line, None);
    }

    #[test]
    fn the_nearest_name_is_suggested_first() {
        let error = command().try_get_matches_from(["yaoku", "ram", "CreateUsr"]).unwrap_err();
        let text = nearest_first(error).to_string();
        let tip = text.lines().find(|it| it.contains("tip:")).unwrap();
        assert!(tip.contains("'CreateUser'") && tip.matches('\'').count() <= 6, "{tip}");
        assert!(tip.find("'CreateUser'") == tip.find('\''), "{tip}");
    }
}

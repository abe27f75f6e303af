//! Administration from the command line, through the admin socket of the server that runs.

pub(crate) mod access_key;
pub(crate) mod account;
#[cfg(feature = "test-clock")]
pub(crate) mod clock;
pub(crate) mod connection;
pub(crate) mod hook;
pub(crate) mod instance;
pub(crate) mod notices;
pub(crate) mod oidc_provider;
pub(crate) mod policy;
pub(crate) mod root_key;
pub(crate) mod target;
pub(crate) mod unseal;
pub(crate) mod user;

use std::{
    io::{BufRead as _, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use clap::Args;
use serde_json::json;
use yaoku_model::ids::AccountId;
use yaoku_server::api::Product;

use crate::{
    data::DEFAULT_DATA,
    exchange::{Answer, Refused},
    screen::{harmless, table},
};

/// Where the server is, whom it is about, and how the answer is written.
#[derive(Debug, Args)]
struct Reach {
    /// The data directory of the server that runs.
    #[arg(long, global = true, value_name = "DIR", default_value = DEFAULT_DATA)]
    data: PathBuf,
    /// The account that it is about. Without it, the one that the server was started with.
    #[arg(long, global = true, value_name = "ID")]
    account: Option<AccountId>,
    /// Writes the answer as JSON.
    #[arg(long, global = true)]
    json: bool,
}

/// Leave to do what cannot be undone.
#[derive(Debug, Args)]
pub(crate) struct Leave {
    /// Does not ask.
    #[arg(long)]
    yes: bool,
}

impl Reach {
    /// Calls an operation, and shows its answer: as JSON, or as `show` writes it.
    ///
    /// The exit status is 1 if the server refuses.
    async fn call(
        &self,
        action: &str,
        params: &[(&str, Option<&str>)],
        show: impl FnOnce(&Answer) -> String,
    ) -> anyhow::Result<ExitCode> {
        self.tell(self.ask(Product::Yaoku, action, params).await?, show)
    }

    /// The same of an operation of RAM.
    async fn ram(
        &self,
        action: &str,
        params: &[(&str, Option<&str>)],
        show: impl FnOnce(&Answer) -> String,
    ) -> anyhow::Result<ExitCode> {
        self.tell(self.ask(Product::Ram, action, params).await?, show)
    }

    /// Shows all parts of a list of RAM's: the entries of `item` in `wrapper`.
    async fn ram_list(
        &self,
        action: &str,
        [wrapper, item]: [&str; 2],
        columns: &[(&str, &str)],
    ) -> anyhow::Result<ExitCode> {
        let path = format!("/{wrapper}/{item}");
        let (mut entries, mut marker) = (Vec::new(), String::new());
        loop {
            let params = [("MaxItems", Some("1000")), ("Marker", Some(&*marker))];
            match self.ask(Product::Ram, action, &params).await? {
                Ok(answer) => {
                    entries.extend_from_slice(answer.list(&path));
                    answer.text("/Marker").clone_into(&mut marker);
                }
                refused => return self.tell(refused, |_| String::new()),
            }
            if marker.is_empty() {
                break;
            }
        }
        let all = Answer::of(json!({ wrapper: { item: entries } }));
        self.tell(Ok(all), |it| table(it.list(&path), columns))
    }

    /// Looks whether a thing is there, asks, and removes it. One that is not there is no failure: it
    /// says so. `actions` are those that show and remove it, `said` what is said when it is removed
    /// and when there is none.
    async fn remove(
        &self,
        actions: [&str; 2],
        params: &[(&str, Option<&str>)],
        (leave, question): (&Leave, &str),
        said: [String; 2],
    ) -> anyhow::Result<ExitCode> {
        let ([show, remove], [removed, absent]) = (actions, said);
        let mut called = self.ask(Product::Yaoku, show, params).await?;
        if called.is_ok() {
            if !leave.given(question)? {
                return Ok(NOT_CONFIRMED.into());
            }
            called = self.ask(Product::Yaoku, remove, params).await?;
        }
        match called {
            Err(refused) if refused.code == NOT_FOUND => {
                self.tell(Ok(Answer::of(refused.json)), |_| absent)
            }
            called => self.tell(called, |_| removed),
        }
    }

    async fn ask(
        &self,
        product: Product,
        action: &str,
        params: &[(&str, Option<&str>)],
    ) -> anyhow::Result<Result<Answer, Refused>> {
        connection::call(&self.data, self.account.as_ref(), product, action, params).await
    }

    fn tell(
        &self,
        called: Result<Answer, Refused>,
        show: impl FnOnce(&Answer) -> String,
    ) -> anyhow::Result<ExitCode> {
        let mut out = std::io::stdout().lock();
        match called {
            Ok(answer) if self.json => writeln!(out, "{}", answer.json())?,
            Ok(answer) => out.write_all(show(&answer).as_bytes())?,
            Err(refused) => {
                if self.json {
                    writeln!(out, "{}", refused.json)?;
                }
                let Refused { code, message, request_id, .. } = refused;
                let message = in_our_words(message);
                let [code, message, request_id] =
                    [&code, &message, &request_id].map(|it| harmless(it));
                writeln!(std::io::stderr(), "{code}: {message}\nRequestId: {request_id}")?;
                return Ok(ExitCode::FAILURE);
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// What the server says of a thing of ours that is not there.
const NOT_FOUND: &str = "Forbidden.ResourceNotFound";

/// What a refusal calls parameters, and what options are called here.
const OPTIONS: &[(&str, &str)] = &[
    ("\"x-yaoku-account\" is not valid.", "--account is not valid: `yaoku account list` has all."),
    ("\"x-yaoku-account\"", "--account"),
    ("\"AuthAction\"", "--action"),
    ("\"AuthResource\"", "--resource"),
    ("\"Ca\"", "--ca"),
    (
        "parameter \"Command\" is not valid.",
        "program is not valid: it has an absolute path, and is one of hooks.commands.",
    ),
    ("\"Command\"", "the program"),
    ("\"Context\"", "--context"),
    ("\"HostKey\"", "--host-key"),
    ("\"Principal\"", "--principal"),
    ("\"RotationInterval\"", "--interval"),
    ("\"SessionPolicy\"", "--session-policy"),
    ("\"Url\"", "--url"),
];

/// A refusal that names options as they were given.
fn in_our_words(message: String) -> String {
    OPTIONS.iter().fold(message, |text, (theirs, ours)| text.replace(theirs, ours))
}

impl Leave {
    /// Whether somebody will be asked.
    pub(crate) const fn asks(&self) -> bool {
        !self.yes
    }

    /// Asks, unless told not to. Whoever cannot be asked has not said yes.
    pub(crate) fn given(&self, question: &str) -> anyhow::Result<bool> {
        if self.yes {
            return Ok(true);
        }
        let mut screen = std::io::stderr();
        write!(screen, "{question} [y/N] ")?;
        screen.flush()?;
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        let yes = ["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str());
        if !yes {
            writeln!(screen, "Nothing was done. (--yes does it without asking.)")?;
        }
        Ok(yes)
    }
}

/// The exit status of what was not wanted after all.
pub(crate) const NOT_CONFIRMED: u8 = 2;

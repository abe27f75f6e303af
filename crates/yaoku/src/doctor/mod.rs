//! `yaoku doctor`: what is wrong, in plain words.

mod actions;
mod captured;
mod limits;
mod verdict;

use std::{io::Write as _, path::PathBuf, process::ExitCode};

use clap::{Args, Subcommand};

use self::{captured::Captured, verdict::judge};

/// Finds out what is wrong.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    #[command(subcommand)]
    subject: Subject,
}

#[derive(Debug, Subcommand)]
enum Subject {
    Limits(limits::Limits),
    Signature(Signature),
}

/// Judges a captured request as the server would, and says what differs.
///
/// The file holds one request as JSON: `method`, `target`, `headers` (pairs), `body_base64`,
/// `credentials` (`access_key_id`, `access_key_secret`, `security_token`), `clock.server_now`
/// (null: the clock is not looked at) and `nonces_already_seen`. The verdict goes to standard
/// output as JSON. Exit status: 0 if there is a verdict, whichever; 2 if the file cannot be read.
#[derive(Debug, Args)]
struct Signature {
    /// The captured request.
    file: PathBuf,
    /// Hides the values of parameters and tokens, so that the output may be passed on.
    #[arg(long)]
    redact: bool,
}

impl Doctor {
    /// Examines the subject.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        match self.subject {
            Subject::Limits(it) => it.run(),
            Subject::Signature(it) => it.run().await,
        }
    }
}

impl Signature {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let captured = match Captured::read(&self.file) {
            Ok(captured) => captured,
            Err(error) => {
                writeln!(std::io::stderr(), "{}: {error:#}", self.file.display())?;
                return Ok(ExitCode::from(2));
            }
        };
        let verdict = judge(&captured, self.redact).await;
        let mut out = std::io::stdout().lock();
        serde_json::to_writer_pretty(&mut out, &verdict)?;
        writeln!(out)?;
        Ok(ExitCode::SUCCESS)
    }
}

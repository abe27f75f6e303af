//! Asking the operator for a secret: it is not shown while it is typed. What is piped in is read.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use anyhow::{Context as _, bail};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::SecretString;
use zeroize::Zeroizing;

/// Asks once, and reads one line of standard input.
pub(crate) fn ask(question: &str) -> anyhow::Result<SecretString> {
    let stdin = io::stdin();
    let mut line = Zeroizing::new(String::new());
    if stdin.is_terminal() {
        let mut screen = io::stderr();
        write!(screen, "{question}: ")?;
        screen.flush()?;
        let hidden = Hidden::new().context("the terminal shows what is typed")?;
        stdin.lock().read_line(&mut line)?;
        drop(hidden);
        writeln!(screen)?;
    } else {
        stdin.lock().read_line(&mut line)?;
    }
    let secret = line.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        bail!("{question}: nothing was given");
    }
    Ok(secret.into())
}

/// The terminal, showing nothing until this is dropped.
struct Hidden(Termios);

impl Hidden {
    fn new() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &quiet)?;
        Ok(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // Nothing else can be done about it.
        _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
    }
}

//! Passphrases and shares: from a file, from the terminal or from a pipe, never from a command line.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, IsTerminal as _, Read as _, Write as _, stdin},
    path::Path,
};

use anyhow::{Context as _, bail};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use yaoku_server::private::{OTHERS, closed_to};
use zeroize::Zeroizing;

/// Bytes of the longest file of passphrases or shares that is read.
const MAX_LEN: usize = 64 << 10;

/// Fails if anybody but its owner may open a file that is handed to a verb.
pub(crate) fn must_be_private(path: &Path) -> anyhow::Result<()> {
    let it = path.metadata().with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(closed_to(OTHERS, path, &it)?)
}

/// The first line of a file, without its end.
pub(crate) fn first_line(path: &Path) -> anyhow::Result<Zeroizing<String>> {
    let text = read_file(path)?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        bail!("{}: its first line is empty", path.display());
    }
    Ok(Zeroizing::new(line.to_owned()))
}

/// A small file that holds something secret.
pub(crate) fn read_file(path: &Path) -> anyhow::Result<Zeroizing<String>> {
    let unreadable = || format!("{} cannot be read", path.display());
    let file = File::open(path).with_context(unreadable)?;
    // One allocation, so that no copy stays behind.
    let mut text = Zeroizing::new(String::with_capacity(MAX_LEN));
    file.take(MAX_LEN as u64).read_to_string(&mut text).with_context(unreadable)?;
    Ok(text)
}

/// Asks for a passphrase twice.
pub(crate) fn ask_for_new(question: &str) -> anyhow::Result<Zeroizing<String>> {
    let words = ask(question)?;
    if *ask("Once more: ")? != *words {
        bail!("these are two different passphrases");
    }
    Ok(words)
}

/// Asks for a passphrase or a share on the terminal, which does not show it. If standard input is no
/// terminal, its next line is taken instead.
pub(crate) fn ask(question: &str) -> anyhow::Result<Zeroizing<String>> {
    let line = if stdin().is_terminal() {
        ask_on_terminal(question)?
    } else {
        let mut line = Zeroizing::new(String::with_capacity(4096));
        stdin().lock().read_line(&mut line)?;
        line
    };
    let line = line.trim_end_matches(['\r', '\n']);
    if line.is_empty() {
        bail!("{question}nothing was given");
    }
    Ok(Zeroizing::new(line.to_owned()))
}

fn ask_on_terminal(question: &str) -> anyhow::Result<Zeroizing<String>> {
    let terminal = File::options().read(true).write(true).open("/dev/tty");
    let terminal = terminal.context("there is no terminal to ask for a passphrase on")?;
    (&terminal).write_all(question.as_bytes())?;
    let hidden = Hidden::on(&terminal)?;
    let mut line = Zeroizing::new(String::with_capacity(4096));
    BufReader::new(&terminal).read_line(&mut line)?;
    drop(hidden);
    (&terminal).write_all(b"\n")?;
    Ok(line)
}

/// A terminal that does not show what is typed, until this is dropped.
struct Hidden<'a> {
    terminal: &'a File,
    before: Termios,
}

impl<'a> Hidden<'a> {
    fn on(terminal: &'a File) -> anyhow::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        tcsetattr(terminal, OptionalActions::Flush, &hidden)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Hidden<'_> {
    fn drop(&mut self) {
        // The terminal may be gone.
        _ = tcsetattr(self.terminal, OptionalActions::Now, &self.before);
    }
}

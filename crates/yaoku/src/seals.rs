//! The seals of a configuration, as the server takes them. Secrets come from files, or are asked
//! for: never from arguments.

use std::path::Path;

use anyhow::{Context as _, ensure};
use secrecy::SecretString;
use yaoku_server::{
    root::{NamedOpener, NewWrap, NewWrapHow, Opener, Share, WrapKind},
    sealed::Awaited,
};
use zeroize::Zeroizing;

use crate::{
    config::{Seal, SealHow},
    prompt,
};

/// What opens the root key without anybody being asked. What cannot be read is told to the log, and
/// left out: another seal may open.
pub(crate) fn openers(seals: &[Seal]) -> Vec<NamedOpener> {
    let mut openers = Vec::new();
    for seal in seals.iter().filter(|it| it.how.opens_by_itself()) {
        match opener(&seal.how) {
            Ok(by) => openers.push(NamedOpener { wrap: seal.name.clone(), by }),
            Err(error) => tracing::warn!(seal = %seal.name, "it cannot be used: {error:#}"),
        }
    }
    openers
}

/// What somebody may be asked for.
pub(crate) fn awaited(seals: &[Seal]) -> Vec<Awaited> {
    let of = |it: &Seal| {
        let (kind, needed) = match it.how {
            SealHow::KeyFile(_) => return None,
            SealHow::Passphrase(_) => (WrapKind::Passphrase, 1),
            SealHow::Shares { needed, .. } => (WrapKind::Shares, needed),
        };
        Some(Awaited { name: it.name.clone(), kind, needed })
    };
    seals.iter().filter_map(of).collect()
}

/// What `yaoku init` is to make. A passphrase that is in no file is asked for.
pub(crate) fn new_wraps(seals: &[Seal]) -> anyhow::Result<Vec<NewWrap>> {
    let new = |it: &Seal| {
        let how = match &it.how {
            SealHow::KeyFile(path) => NewWrapHow::KeyFile(path.clone()),
            SealHow::Passphrase(Some(file)) => NewWrapHow::Passphrase(read(file)?),
            SealHow::Passphrase(None) => NewWrapHow::Passphrase(new_passphrase(it)?),
            SealHow::Shares { needed, of, .. } => NewWrapHow::Shares { needed: *needed, of: *of },
        };
        Ok(NewWrap { name: it.name.clone(), how })
    };
    seals.iter().map(new).collect()
}

/// The one line of a file that holds a secret.
pub(crate) fn read(file: &Path) -> anyhow::Result<SecretString> {
    let text = std::fs::read_to_string(file).map(Zeroizing::new);
    let text = text.with_context(|| file.display().to_string())?;
    let line = text.trim_end_matches(['\r', '\n']);
    ensure!(!line.is_empty(), "{} is empty", file.display());
    Ok(line.into())
}

fn opener(how: &SealHow) -> anyhow::Result<Opener> {
    Ok(match how {
        SealHow::KeyFile(path) => Opener::KeyFile(path.clone()),
        SealHow::Passphrase(file) => {
            Opener::Passphrase(read(file.as_deref().context("it is in no file")?)?)
        }
        SealHow::Shares { files, .. } => {
            Opener::Shares(files.iter().map(|it| share(it)).collect::<anyhow::Result<_>>()?)
        }
    })
}

fn share(file: &Path) -> anyhow::Result<Share> {
    use secrecy::ExposeSecret as _;
    let text = read(file)?;
    let share = text.expose_secret().parse();
    share.map_err(|_| anyhow::anyhow!("{} holds no share", file.display()))
}

fn new_passphrase(seal: &Seal) -> anyhow::Result<SecretString> {
    use secrecy::ExposeSecret as _;
    let first = prompt::ask(&format!("New passphrase of seal {}", seal.name))?;
    let again = prompt::ask("The same again")?;
    ensure!(first.expose_secret() == again.expose_secret(), "the passphrases are not the same");
    Ok(first)
}

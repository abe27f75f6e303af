//! The seals of a configuration, as the server takes them. Secrets come from files, or are asked
//! for: never from arguments.

use std::path::Path;

use anyhow::{Context as _, bail};
use secrecy::SecretString;
use yaoku_server::{
    root::{NamedOpener, NewWrap, NewWrapHow, Opener, Share, WrapKind, must_be_key_file},
    sealed::Awaited,
};
use zeroize::Zeroizing;

use crate::{
    config::{Seal, SealHow},
    passphrase::{ask_for_new, first_line},
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

/// The seals that should open without anybody being asked and cannot be used as they are now, and
/// why. Fails if these are all that there are, and nobody may be asked either.
pub(crate) fn doubts(seals: &[Seal]) -> anyhow::Result<Vec<String>> {
    let mut doubts = Vec::new();
    for seal in seals.iter().filter(|it| it.how.opens_by_itself()) {
        let tried = match opener(&seal.how) {
            Ok(Opener::KeyFile(path)) => must_be_key_file(&path)
                .map_err(|error| anyhow::anyhow!("{}: {error}", path.display())),
            other => other.map(drop),
        };
        if let Err(error) = tried {
            doubts.push(format!("seal {}: it cannot be used: {error:#}", seal.name));
        }
    }
    if doubts.len() == seals.len() && awaited(seals).is_empty() {
        bail!("no seal can be opened:\n  {}", doubts.join("\n  "));
    }
    Ok(doubts)
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
            SealHow::Passphrase(Some(file)) => NewWrapHow::Passphrase(secret(&first_line(file)?)),
            SealHow::Passphrase(None) => NewWrapHow::Passphrase(secret(&ask_for_new(&format!(
                "New passphrase of seal {}: ",
                it.name
            ))?)),
            SealHow::Shares { needed, of, .. } => NewWrapHow::Shares { needed: *needed, of: *of },
        };
        Ok(NewWrap { name: it.name.clone(), how })
    };
    seals.iter().map(new).collect()
}

fn opener(how: &SealHow) -> anyhow::Result<Opener> {
    Ok(match how {
        SealHow::KeyFile(path) => Opener::KeyFile(path.clone()),
        SealHow::Passphrase(file) => {
            Opener::Passphrase(secret(&first_line(file.as_deref().context("it is in no file")?)?))
        }
        SealHow::Shares { files, .. } => {
            Opener::Shares(files.iter().map(|it| share(it)).collect::<anyhow::Result<_>>()?)
        }
    })
}

fn share(file: &Path) -> anyhow::Result<Share> {
    let share = first_line(file)?.parse();
    share.map_err(|_| anyhow::anyhow!("{} holds no share", file.display()))
}

fn secret(text: &Zeroizing<String>) -> SecretString {
    text.as_str().into()
}

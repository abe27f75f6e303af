//! One wrap: its key made, or had again, and the root key opened by it.

use std::{path::PathBuf, sync::Arc};

use secrecy::{ExposeSecret as _, SecretString};
use yaoku_crypto::{
    backend::BackendError,
    rootkey::{Generation, RootKey},
    seal::{
        SealError, WrapKey,
        key_file::KeyFile,
        passphrase::{Cost, PassphraseParameters, must_be_strong},
        shares::{self, Share, ShareParameters},
    },
};
use yaoku_model::{
    ids::{Invalid, WrapName},
    random::Random,
    time::Timestamp,
    wrap::WrapKind,
};
use yaoku_store::WrapRow;

use super::{NewWrapHow, Opener};

/// Why a wrap does not open the root key. Holds nothing secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WrapError {
    /// The store has none of that name.
    #[error("the store has no wrap of that name")]
    NoSuchWrap,
    /// Its key comes from elsewhere.
    #[error("it is of kind {0}")]
    OtherKind(WrapKind),
    /// What was given is not its passphrase, file or shares.
    #[error("it does not open the root key: this is not what the wrap was made with")]
    DoesNotOpen,
    /// Its key could not be had.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl From<BackendError> for WrapError {
    fn from(error: BackendError) -> Self {
        match error {
            BackendError::DoesNotOpen => Self::DoesNotOpen,
            other => Self::Seal(other.into()),
        }
    }
}

/// Opens every generation of the root key by the wrap called `name`, one of `rows`.
pub(super) async fn open(
    rows: &[WrapRow],
    name: &WrapName,
    by: &Opener,
) -> Result<(WrapKey, Vec<RootKey>), WrapError> {
    let mine: Vec<_> = rows.iter().filter(|it| it.name == *name).collect();
    let row = mine.last().ok_or(WrapError::NoSuchWrap)?;
    let key = key_of(row, by).await?;
    let roots = mine.iter().map(|it| open_row(it, &key)).collect::<Result<_, _>>()?;
    Ok((key, roots))
}

/// Opens what one row holds.
pub(super) fn open_row(row: &WrapRow, key: &WrapKey) -> Result<RootKey, BackendError> {
    key.open_root(&row.name, Generation(row.generation), &row.sealed)
}

async fn key_of(row: &WrapRow, by: &Opener) -> Result<WrapKey, WrapError> {
    let damaged = |Invalid| SealError::Damaged("its parameters in the store");
    match (row.kind, by) {
        (WrapKind::KeyFile, Opener::KeyFile(path)) => Ok(KeyFile::at(path).read()?),
        (WrapKind::Passphrase, Opener::Passphrase(passphrase)) => {
            let parameters = row.parameters.parse().map_err(damaged)?;
            Ok(derive(parameters, passphrase.clone()).await?)
        }
        (WrapKind::Shares, Opener::Shares(shares)) => {
            let parameters: ShareParameters = row.parameters.parse().map_err(damaged)?;
            Ok(parameters.combine(&row.name, shares)?)
        }
        (kind, _) => Err(WrapError::OtherKind(kind)),
    }
}

/// Off the threads that answer calls: it takes some tenths of a second.
async fn derive(
    parameters: PassphraseParameters,
    passphrase: SecretString,
) -> Result<WrapKey, SealError> {
    let derived =
        tokio::task::spawn_blocking(move || parameters.derive(passphrase.expose_secret())).await;
    derived.unwrap_or(Err(SealError::Backend(BackendError::Failed("Argon2id was stopped"))))
}

/// A wrap whose key was made, or found in its file.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) name: WrapName,
    pub(crate) key: Arc<WrapKey>,
    /// Empty, unless its key is kept as shares.
    pub(crate) shares: Vec<Share>,
    /// Where its key lies, if that is a file.
    pub(crate) file: Option<PathBuf>,
    kind: WrapKind,
    parameters: String,
}

impl Made {
    /// Makes the key of a wrap. A key file is on disk when this returns.
    pub(crate) async fn of(
        how: &NewWrapHow,
        name: &WrapName,
        random: &dyn Random,
    ) -> Result<Self, SealError> {
        let name = name.clone();
        let (kind, key, parameters, shares) = match how {
            NewWrapHow::KeyFile(path) => {
                (WrapKind::KeyFile, key_file(path.into(), random)?, String::new(), Vec::new())
            }
            NewWrapHow::Passphrase(passphrase) => {
                must_be_strong(passphrase.expose_secret())?;
                let parameters = PassphraseParameters::generate(Cost::DEFAULT, random)?;
                let text = parameters.to_string();
                let key = derive(parameters, passphrase.clone()).await?;
                (WrapKind::Passphrase, key, text, Vec::new())
            }
            NewWrapHow::Shares { needed, of } => {
                let key = WrapKey::generate(random)?;
                let (parameters, shares) = shares::split(&name, &key, *needed, *of, random)?;
                (WrapKind::Shares, key, parameters.to_string(), shares)
            }
        };
        let file = match how {
            NewWrapHow::KeyFile(path) => Some(path.clone()),
            NewWrapHow::Passphrase(_) | NewWrapHow::Shares { .. } => None,
        };
        Ok(Self { name, key: Arc::new(key), shares, file, kind, parameters })
    }

    /// The row that holds `root` under this wrap.
    pub(crate) fn row(
        &self,
        root: &RootKey,
        random: &dyn Random,
        created: Timestamp,
    ) -> Result<WrapRow, BackendError> {
        Ok(WrapRow {
            name: self.name.clone(),
            kind: self.kind,
            parameters: self.parameters.clone(),
            generation: root.generation().0,
            sealed: self.key.seal_root(&self.name, root, random)?,
            created,
        })
    }
}

fn key_file(path: PathBuf, random: &dyn Random) -> Result<WrapKey, SealError> {
    let file = KeyFile::at(path);
    let key = WrapKey::generate(random)?;
    match file.create(&key, random) {
        Ok(()) => Ok(key),
        Err(SealError::Exists) => file.read(),
        Err(other) => Err(other),
    }
}

//! A new root key while the old one is in use.
//!
//! It goes in steps, each one transaction, so that whoever is killed in between finishes later:
//!
//! 1. [`begin`]: the next generation is in the store, sealed under every wrap.
//! 2. [`step`], often: some wrapping keys are sealed under it, in place of the old one. Each says
//!    which generation it needs, and both are in the ring, so calls do not notice.
//! 3. [`step`], once: the old generation leaves the store, and then the ring.
//!
//! Any node may take any step, and two may take the same one at once.

use std::{path::Path, sync::Arc};

use yaoku_crypto::{
    backend::BackendError,
    keyring::{Keyring, generation_of},
    rootkey::{Generation, RootKey, WrappingPlace},
};
use yaoku_model::{ids::WrapName, random::Random, time::Timestamp};
use yaoku_store::{Store, Tx, WrapRow, WrappingKeyRow};
use yaoku_wire::error::{Code, Refusal};

use super::{
    Held, Made, Opener, Places, ROOT_KEY_CHECK, RootError, WrapError, checks, generations, wraps,
};
use crate::{error::ApiError, node::Node};

/// Wrapping keys that one transaction moves. Our choice: it is over in some milliseconds.
const BATCH: usize = 64;

/// How far a rotation is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Progress {
    /// The newest generation.
    pub(crate) newest: Generation,
    /// Whether there is an older one too.
    pub(crate) rotating: bool,
    /// Wrapping keys that are sealed under the newest.
    pub(crate) done: usize,
    /// All of them.
    pub(crate) total: usize,
}

/// How far the rotation is, if one is under way.
pub(crate) async fn progress(tx: &mut dyn Tx) -> Result<Progress, RootError> {
    let generations = generations(&tx.wraps().await?);
    let newest = generations.last().copied().ok_or(RootError::NotInitialised)?;
    let keys = tx.wrapping_keys().await?;
    let done = keys.iter().filter(|it| generation_of(&it.sealed) == Ok(newest)).count();
    Ok(Progress { newest, rotating: generations.len() > 1, done, total: keys.len() })
}

/// Begins a rotation: answers the new generation. The wraps in `dropped` end with it; the key of
/// every other must be at hand, and one of them must open from outside this process
/// ([`Held::can_be_opened_again`]).
///
/// Leaves no trace outside the transaction: the ring learns of it once it is committed.
pub(crate) async fn begin(
    tx: &mut dyn Tx,
    held: &Held,
    dropped: &[WrapName],
    random: &dyn Random,
) -> Result<Generation, ApiError> {
    let wraps = tx.wraps().await?;
    let [current] = generations(&wraps)[..] else {
        return Err(refused("A rotation of the root key is under way."));
    };
    if dropped.iter().any(|name| wraps.iter().all(|it| it.name != *name)) {
        return Err(Code::ResourceNotFound.into());
    }
    let next = current.next().ok_or(Code::LimitExceeded)?;
    let root = RootKey::generate(next, random)?;
    let kept: Vec<_> = wraps.iter().filter(|it| !dropped.contains(&it.name)).collect();
    if kept.is_empty() {
        return Err(refused("No wrap of the root key would be left."));
    }
    one_must_open(held, kept.iter().copied())?;
    let mut missing = Vec::new();
    for row in kept {
        match held.open(row) {
            Some((key, _)) => {
                let sealed = key.seal_root(&row.name, &root, random)?;
                tx.insert_wrap(&WrapRow { generation: next.0, sealed, ..row.clone() }).await?;
            }
            None => missing.push(row.name.as_str()),
        }
    }
    if !missing.is_empty() {
        let missing = missing.join(", ");
        let message = format!("Not open here: {missing}. Open these wraps first, or drop them.");
        return Err(refused(message));
    }
    for name in dropped {
        tx.delete_wrap(name).await?;
    }
    let old = tx.setting(ROOT_KEY_CHECK).await?.ok_or(RootError::NotInitialised)?;
    tx.put_setting(ROOT_KEY_CHECK, &format!("{old} {}", root.check())).await?;
    Ok(next)
}

/// Refuses a key file in the data directory, beside the database, or with another wrap's.
pub(crate) fn must_lie_apart(node: &Node, wraps: &[WrapRow], file: &Path) -> Result<(), ApiError> {
    let places = Places::new(&node.data, node.store.directory());
    let others = node.held.files_of(wraps);
    let apart = places.check(file, others.iter().map(|(name, it)| (name, it.as_path())));
    apart.map_err(|why| {
        let message = format!("The wrap cannot be made: its key file {why}.");
        Refusal::from(Code::InvalidParameter).with_message(message).into()
    })
}

/// Adds a wrap. Its key is at hand from then on.
pub(crate) async fn add_wrap(
    node: &Node,
    tx: &mut dyn Tx,
    made: &Made,
    now: Timestamp,
) -> Result<(), ApiError> {
    let wraps = tx.wraps().await?;
    if wraps.iter().any(|it| it.name == made.name) {
        return Err(Code::ResourceExist.into());
    }
    if let Some(file) = &made.file {
        must_lie_apart(node, &wraps, file)?;
    }
    if let Some(other) = wraps
        .iter()
        .find(|it| made.key.open_root(&it.name, Generation(it.generation), &it.sealed).is_ok())
    {
        return Err(refused(format!("Its key is that of wrap {}.", other.name)));
    }
    for generation in generations(&wraps) {
        learn(&wraps, generation, &node.keyring, &node.held)?;
        let root = node.keyring.root(generation)?;
        tx.insert_wrap(&made.row(&root, &*node.random, now)?).await?;
    }
    // If the transaction is not kept, this is a key that opens nothing.
    node.held.keep(made.name.clone(), Arc::clone(&made.key));
    if let Some(file) = &made.file {
        node.held.learn_file(made.name.clone(), file.clone());
    }
    Ok(())
}

/// Removes a wrap, unless nobody could then open the root key: one must be left that opens from
/// outside this process ([`Held::can_be_opened_again`]).
pub(crate) async fn remove_wrap(
    tx: &mut dyn Tx,
    held: &Held,
    name: &WrapName,
) -> Result<(), ApiError> {
    let (gone, left): (Vec<_>, Vec<_>) =
        tx.wraps().await?.into_iter().partition(|it| it.name == *name);
    match () {
        () if gone.is_empty() => Err(Code::ResourceNotFound.into()),
        () if left.is_empty() => Err(refused("It is the only wrap of the root key.")),
        () => {
            one_must_open(held, &left)?;
            Ok(tx.delete_wrap(name).await.map(drop)?)
        }
    }
}

/// Refuses unless one of these wraps is known to open when this process is gone.
fn one_must_open<'a>(
    held: &Held,
    wraps: impl IntoIterator<Item = &'a WrapRow>,
) -> Result<(), ApiError> {
    if wraps.into_iter().any(|it| held.can_be_opened_again(it)) {
        return Ok(());
    }
    Err(refused(
        "None of the wraps that would be left is known to open: a key file must be there now, \
         and a passphrase or shares must have opened here. Open one first, to show that it can be.",
    ))
}

/// Opens a wrap: its key is at hand from then on.
pub(crate) async fn open_wrap(
    tx: &mut dyn Tx,
    held: &Held,
    name: &WrapName,
    by: &Opener,
) -> Result<Result<(), WrapError>, ApiError> {
    let opened = wraps::open(&tx.wraps().await?, name, by).await;
    Ok(opened.map(|(key, _)| {
        held.keep(name.clone(), Arc::new(key));
        if let Opener::KeyFile(path) = by {
            held.learn_file(name.clone(), path.clone());
        }
    }))
}

/// A refusal that is about the state of the root key's wraps. The code is our choice.
fn refused(message: impl Into<String>) -> ApiError {
    Refusal::from(Code::StateModifiedFailed).with_message(message.into()).into()
}

/// What a step has done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Step {
    /// Nothing is to be done: there is one generation.
    Idle,
    /// It moved so many wrapping keys.
    Moved(usize),
    /// It ended the rotation.
    Ended,
}

/// Takes the next step of a rotation, if one is under way: one transaction at most. Before that it
/// brings the ring up to date with what other nodes, or this one, have committed.
pub(crate) async fn step(
    store: &dyn Store,
    keyring: &Keyring,
    held: &Held,
    random: &dyn Random,
) -> Result<Step, RootError> {
    let mut tx = store.read().await?;
    let (wraps, keys) = (tx.wraps().await?, tx.wrapping_keys().await?);
    drop(tx);
    let generations = generations(&wraps);
    for generation in &generations {
        learn(&wraps, *generation, keyring, held)?;
    }
    load_missing(keyring, &keys)?;
    let &[old, new] = &generations[..] else {
        keyring.keep_roots(&generations);
        held.keep_only(&wraps);
        return Ok(Step::Idle);
    };
    let left: Vec<_> = under(&keys, old).take(BATCH).collect();
    if left.is_empty() {
        end(store, old).await
    } else {
        move_to(store, keyring, new, left, random).await
    }
}

/// The generation of the root key that new wrapping keys are sealed under, in the ring.
///
/// Asked in the transaction that adds one: sealed under a generation that another node has just
/// replaced, it would never open again.
pub(crate) async fn newest(node: &Node, tx: &mut dyn Tx) -> Result<Generation, ApiError> {
    let wraps = tx.wraps().await?;
    let newest = generations(&wraps).last().copied().ok_or(BackendError::NoRootKey)?;
    learn(&wraps, newest, &node.keyring, &node.held)?;
    Ok(newest)
}

/// Puts a generation of the root key in the ring, opened by any wrap whose key is at hand.
fn learn(
    wraps: &[WrapRow],
    generation: Generation,
    keyring: &Keyring,
    held: &Held,
) -> Result<(), BackendError> {
    if keyring.root(generation).is_ok() {
        return Ok(());
    }
    let mut of_it = wraps.iter().filter(|it| it.generation == generation.0);
    let (_, root) = of_it.find_map(|it| held.open(it)).ok_or(BackendError::NoRootKey)?;
    keyring.add_root(root);
    Ok(())
}

/// Loads the wrapping keys that another node has made.
fn load_missing(keyring: &Keyring, keys: &[WrappingKeyRow]) -> Result<(), BackendError> {
    for row in keys {
        let owner = owner(row);
        if !keyring.has(&owner) {
            keyring.load(&owner, &row.sealed)?;
        }
    }
    Ok(())
}

/// The wrapping keys that a generation seals.
fn under(keys: &[WrappingKeyRow], generation: Generation) -> impl Iterator<Item = &WrappingKeyRow> {
    keys.iter().filter(move |it| generation_of(&it.sealed) == Ok(generation))
}

async fn move_to(
    store: &dyn Store,
    keyring: &Keyring,
    new: Generation,
    rows: Vec<&WrappingKeyRow>,
    random: &dyn Random,
) -> Result<Step, RootError> {
    let mut tx = store.write().await?;
    // Another node may have ended this rotation, and even begun the next one.
    if generations(&tx.wraps().await?).last() != Some(&new) {
        return Ok(Step::Moved(0));
    }
    for row in &rows {
        let sealed = keyring.reseal(&owner(row), &row.sealed, new, random)?;
        tx.reseal_wrapping_key(row, &sealed).await?;
    }
    tx.commit().await?;
    Ok(Step::Moved(rows.len()))
}

async fn end(store: &dyn Store, old: Generation) -> Result<Step, RootError> {
    let mut tx = store.write().await?;
    let rotating = generations(&tx.wraps().await?).first() == Some(&old);
    // One may have come in while the last ones were moved.
    if !rotating || under(&tx.wrapping_keys().await?, old).next().is_some() {
        return Ok(Step::Moved(0));
    }
    let checks = checks(tx.tx()).await?.ok_or(RootError::NotInitialised)?;
    let [_, check] = &checks[..] else { return Err(RootError::Damaged(ROOT_KEY_CHECK)) };
    tx.put_setting(ROOT_KEY_CHECK, &check.to_string()).await?;
    tx.delete_wrapped_generation(old.0).await?;
    tx.commit().await?;
    Ok(Step::Ended)
}

fn owner(row: &WrappingKeyRow) -> WrappingPlace<'_> {
    WrappingPlace { account: &row.account, instance: row.instance.as_ref() }
}

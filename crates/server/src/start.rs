//! Starting and stopping a node: its root key, its journal, its nonces, and what runs beside calls.

use std::{
    io,
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Duration,
};

use tokio::{sync::watch, task::JoinHandle};
use yaoku_crypto::{
    backend::BackendError,
    keyring::Keyring,
    memory::MemoryError,
    random::SystemRandom,
    rootkey::{RootKey, WrappingPlace},
    software::Software,
};
use yaoku_model::{
    ids::{Invalid, Region},
    random::NoRandomness,
    time::Clock,
};
use yaoku_store::{Store, StoreError};

use crate::{
    audit::{self, AuditError, Event, Head, Journal, NodeName, Unknown},
    auth::{
        nonces::{self, Nonces},
        sessions::Sessions,
    },
    cache::{CacheSizes, Caches},
    claim::{self, Place},
    disk::Disk,
    follow::{self, Followed, SoFar},
    heavy::{Aside, Heavy},
    hooks::Hooks,
    last_uses::LastUses,
    lease::Lease,
    metrics::Metrics,
    node::{Limits, Node},
    oidc::Oidc,
    peers::{self, Peers, Run},
    root::OpenedRoot,
    rotation::Engine,
    throttle::{self, Throttle},
    turns::Turns,
    uses::Uses,
    webhooks::Webhook,
    witness::Witness,
};

/// What a node is started with.
pub struct Setup {
    /// The data directory. It must be there, and be locked by this process.
    pub data: PathBuf,
    /// Its name, unique in the deployment.
    pub name: NodeName,
    /// The database.
    pub store: Arc<dyn Store>,
    /// The root key of that database's data ([`crate::root::open`]).
    pub root: OpenedRoot,
    /// The region to serve.
    pub region: Region,
    /// The gateway's clock.
    pub clock: Arc<dyn Clock>,
    /// The domain's clock.
    pub domain_clock: Arc<dyn Clock>,
    /// A clock that never jumps (`CLOCK_BOOTTIME`).
    pub steady_clock: Arc<dyn Clock>,
    /// What `/proc/sys/kernel/random/boot_id` says.
    pub boot_id: String,
    /// The certificates that clients are told to trust, PEM.
    pub ca_pem: String,
    /// Quotas and switches.
    pub limits: Limits,
    /// Calls a second, and failed proofs a minute.
    pub throttle: throttle::Limits,
    /// How the journal is kept.
    pub journal: audit::Options,
    /// Who is told of notices; the same at every node.
    pub webhooks: Vec<Webhook>,
    /// What may be called to rotate generic secrets; the same at every node.
    pub hooks: Hooks,
    /// What our own files are written with.
    pub disk: Arc<dyn Disk>,
}

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Something that was sealed here does not open.
    #[error("a wrapping key does not open: {0}")]
    Backend(#[from] BackendError),
    /// No protected memory.
    #[error("protected memory: {0}")]
    Memory(#[from] MemoryError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The audit journal.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// Another process is this node, or was a moment ago.
    #[error(
        "another process serves this store as node {0}: stop it first, or wait ten seconds if it was killed"
    )]
    NameTaken(NodeName),
    /// A file in the data directory.
    #[error("{file}: {source}")]
    File {
        /// Its name.
        file: &'static str,
        /// What went wrong.
        source: io::Error,
    },
    /// A file or setting does not hold what it should.
    #[error("{0} does not hold what this program wrote")]
    Damaged(&'static str),
    /// No randomness.
    #[error(transparent)]
    Random(#[from] NoRandomness),
}

/// A node that runs, and the tasks beside it. Stop it, or its nonces are doubtful at the next start.
pub struct Running {
    /// The node.
    pub node: Arc<Node>,
    stop: watch::Sender<()>,
    tasks: Vec<JoinHandle<()>>,
}

impl Running {
    /// Starts a node on a data directory, which is made ready if it is new.
    pub async fn start(setup: Setup) -> Result<Self, StartError> {
        let place = Place::of(&setup.data)
            .map_err(|source| StartError::File { file: "the data directory", source })?;
        claim_name(&setup, &place).await?;
        let witness = Witness::of(&*setup.store, &setup.name).await?;
        let nonces = open_nonces(&setup)?;
        let journal = open_journal(&setup, &witness)?;
        // Only of a journal that opens: another key may lie beside it.
        witness.adopt(&*setup.store, &setup.name, &journal.public_key()).await?;
        let run = Run::new(&place, &SystemRandom)?;
        // Before anything is cached, so that no change falls between.
        let followed = Followed::from(peers::enter(&*setup.store, &setup.name, &run).await?);
        let keyring = Arc::new(load_keyring(&*setup.store, setup.root.roots).await?);
        let backend = Arc::new(Software::new(Arc::clone(&keyring)));
        let (store, sizes) = (Arc::clone(&setup.store), CacheSizes::default());
        let caches = Caches::new(store, backend.clone(), Arc::clone(&keyring), sizes);
        let lease = Lease::new(Arc::clone(&setup.steady_clock), setup.store.is_shared());
        let processors = tokio::runtime::Handle::current().metrics().num_workers();
        let node = Arc::new(Node {
            name: setup.name,
            data: setup.data,
            place,
            region: setup.region,
            store: setup.store,
            caches,
            sessions: Sessions::new(Arc::clone(&keyring)),
            oidc: Oidc::default(),
            turns: Turns::default(),
            lease,
            backend,
            keyring,
            held: setup.root.held,
            journal,
            followed,
            peers: Peers::new(run),
            webhooks: setup.webhooks.into_iter().map(Arc::new).collect(),
            hooks: setup.hooks,
            tls: OnceLock::new(),
            wrote: tokio::sync::Notify::new(),
            rotations: Engine::default(),
            throttle: Throttle::new(setup.throttle, setup.steady_clock),
            metrics: Metrics::default(),
            uses: Uses::default(),
            last_uses: LastUses::default(),
            unknown: Unknown::new(Unknown::DEFAULT_ROWS),
            nonces,
            clock: setup.clock,
            domain_clock: setup.domain_clock,
            random: Arc::new(SystemRandom),
            heavy: Heavy::new(processors),
            aside: Aside::new(processors),
            limits: setup.limits,
            ca_pem: setup.ca_pem,
        });
        copy_events(&node).await?;
        // Who else there is must be known before the first call is answered.
        follow::look(&node, &mut SoFar::default()).await?;
        Ok(Self::beside_calls(node))
    }

    /// Begins what goes on beside the calls.
    fn beside_calls(node: Arc<Node>) -> Self {
        let (stop, stopped) = watch::channel(());
        let tasks = background::begin(&node, &stopped);
        Self { node, stop, tasks }
    }

    /// Stops: every event and head is written down, and the nonces are marked as whole.
    pub async fn stop(self) -> Result<(), StartError> {
        drop(self.stop);
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task beside the calls failed");
            }
        }
        let written = write_down(&self.node).await;
        // Also if that failed: what is in memory is whole.
        let closed = self.node.nonces.close(self.node.clock.now());
        written?;
        closed.map_err(|source| StartError::File { file: "nonces", source })
    }
}

/// What a node writes down before it stops.
async fn write_down(node: &Node) -> Result<(), StartError> {
    copy_events(node).await?;
    // It can be done without, and the rest cannot.
    if let Err(error) = node.uses.write_down(&*node.store).await {
        tracing::error!(%error, "the last uses of keys are not in the store");
    }
    if let Err(error) = node.last_uses.write_down(&*node.store).await {
        tracing::error!(%error, "when access keys were last used is not in the store");
    }
    let now = node.clock.now();
    node.journal.append_counts(&node.unknown.take_all(now))?;
    write_refusals(node)?;
    node.journal.sync()?;
    keep_head(node).await?;
    let mut tx = node.store.write().await?;
    claim::release(tx.tx(), &node.name, &node.place).await?;
    tx.delete_node(node.name.as_str(), node.peers.run().as_str()).await?;
    tx.commit().await?;
    // Nobody need wait for it any longer.
    if let Err(error) = node.store.tell(node.name.as_str()).await {
        tracing::debug!(%error, "other nodes are not told that this one stops");
    }
    Ok(())
}

async fn claim_name(setup: &Setup, place: &Place) -> Result<(), StartError> {
    let mut tx = setup.store.write().await?;
    if !claim::hold(tx.tx(), &setup.name, place, setup.clock.now()).await? {
        return Err(StartError::NameTaken(setup.name.clone()));
    }
    tx.commit().await?;
    Ok(())
}

/// The ring with every wrapping key of the store.
async fn load_keyring(store: &dyn Store, roots: Vec<RootKey>) -> Result<Keyring, StartError> {
    let keyring = Keyring::new(roots);
    for row in store.read().await?.wrapping_keys().await? {
        let owner = WrappingPlace { account: &row.account, instance: row.instance.as_ref() };
        keyring.load(&owner, &row.sealed)?;
    }
    Ok(keyring)
}

fn open_journal(setup: &Setup, witness: &Witness) -> Result<Journal, StartError> {
    Ok(Journal::open(audit::Setup {
        data: &setup.data,
        node: setup.name.clone(),
        signer: witness.signer(&setup.data, &*setup.disk)?,
        clock: Arc::clone(&setup.clock),
        steady: Arc::clone(&setup.steady_clock),
        disk: Arc::clone(&setup.disk),
        known: witness.head,
        options: setup.journal,
    })?)
}

fn open_nonces(setup: &Setup) -> Result<Nonces, StartError> {
    let new = !setup.data.join("audit").exists();
    let opened = Nonces::open(&nonces::Setup {
        data: &setup.data,
        new,
        now: setup.clock.now(),
        boot_id: &setup.boot_id,
        random: &SystemRandom,
        disk: Arc::clone(&setup.disk),
        max_entries: setup.limits.nonces,
    });
    let (nonces, doubt) = opened.map_err(|source| StartError::File { file: "nonces", source })?;
    if doubt != nonces::Doubt::None {
        tracing::warn!(?doubt, "nonces may be missing: calls signed earlier are refused");
    }
    Ok(nonces)
}

/// The head of a node's journal, as the store knows it: what [`crate::audit::verify`] compares with.
pub async fn known_head(store: &dyn Store, name: &NodeName) -> Result<Option<Head>, StartError> {
    let Some(bytes) = store.read().await?.audit_head(name.as_str()).await? else {
        return Ok(None);
    };
    let text = String::from_utf8(bytes).map_err(|_| StartError::Damaged("audit head"))?;
    text.parse().map(Some).map_err(|Invalid| StartError::Damaged("audit head"))
}

/// Writes down how many calls of known callers were too many. Like each event of theirs, it may take
/// of the reserve.
fn write_refusals(node: &Node) -> Result<(), AuditError> {
    let written = |it: &Event| node.journal.append(&it.to_row()).map(drop);
    node.throttle.take_counts().iter().try_for_each(written)
}

/// Copies the events of writes from the store into the journal, each exactly once.
async fn copy_events(node: &Node) -> Result<(), StartError> {
    const AT_ONCE: u16 = 256;
    loop {
        let after = node.journal.highest_row().unwrap_or(0);
        let rows =
            node.store.read().await?.events(node.name.as_str(), after, AT_ONCE.into()).await?;
        for row in &rows {
            node.journal.append_row(row.row, &row.event)?;
        }
        // There may be more.
        if rows.len() < usize::from(AT_ONCE) {
            return Ok(());
        }
    }
}

/// Renews the claim to the node's name, keeps the journal's head in the store, and removes the
/// events that the head has passed. If another process is this node now, this one serves no more.
async fn keep_head(node: &Node) -> Result<(), StartError> {
    let (head, copied) = (node.journal.head(), node.journal.synced_row());
    // Its own name, head and events are all that it touches.
    let mut tx = node.store.write_one().await?;
    if !claim::hold(tx.tx(), &node.name, &node.place, node.clock.now()).await? {
        node.lease.lose();
        return Err(StartError::NameTaken(node.name.clone()));
    }
    tx.put_audit_head(node.name.as_str(), head.to_string().as_bytes()).await?;
    if let Some(row) = copied {
        // One stays, so that the numbers of rows go on from it.
        tx.delete_events(node.name.as_str(), row - 1).await?;
    }
    tx.commit().await?;
    node.journal.store_knows(head);
    Ok(())
}

mod background {
    //! What runs beside the calls of a node, until it stops.

    use super::{
        Arc, Duration, JoinHandle, Node, StoreError, Webhook, copy_events, keep_head, watch,
        write_refusals,
    };
    use crate::{
        due::{self, Due},
        follow, last_uses,
        notices::watch as notices,
        peers::Census,
        prune,
        root::{
            RootError,
            rotation::{self as root_key, Step},
        },
        rotation, uses, webhooks,
    };

    /// How soon it is tried again to copy events.
    const AGAIN: Duration = Duration::from_millis(250);

    /// How long the events of writes are awaited that come next, so as to copy them together.
    const GATHER: Duration = Duration::from_millis(20);

    /// How many idle seconds pass between renewals of the claim to the node's name.
    const RENEWAL: u32 = 2;

    type Stopped = watch::Receiver<()>;
    type AtRest = watch::Sender<()>;

    /// Begins all of it.
    pub(super) fn begin(node: &Arc<Node>, stopped: &Stopped) -> Vec<JoinHandle<()>> {
        // What rotations have come to is kept by a node that still has its lease and its name.
        let (at_rest, rested) = watch::channel(());
        let (node, stopped, rested) = (|| Arc::clone(node), || stopped.clone(), || rested.clone());
        let mut tasks = vec![
            tokio::spawn(copy_on_write(node(), stopped())),
            tokio::spawn(each_second(node(), rested())),
            tokio::spawn(until(rested(), follow::run(node()))),
            tokio::spawn(until(rested(), follow::tell(node()))),
            tokio::spawn(until(rested(), follow::hear(node()))),
            tokio::spawn(follow_root_key(node(), stopped())),
            tokio::spawn(prune(node(), stopped())),
            tokio::spawn(write_uses(node(), stopped())),
            tokio::spawn(write_last_uses(node(), stopped())),
            tokio::spawn(do_what_is_due(node(), stopped())),
            tokio::spawn(rotate_credentials(node(), stopped(), at_rest)),
            tokio::spawn(tell_of_limits(node(), stopped())),
        ];
        let told = node();
        let told = told.webhooks.iter();
        tasks.extend(told.map(|it| tokio::spawn(tell(node(), Arc::clone(it), stopped()))));
        tasks
    }

    /// Copies events into the journal whenever a write was committed.
    async fn copy_on_write(node: Arc<Node>, mut stopped: Stopped) {
        loop {
            tokio::select! {
                _ = stopped.changed() => return,
                () = node.wrote.notified() => {}
            }
            if !tick(&mut stopped, GATHER).await {
                return;
            }
            while let Err(error) = copy_events(&node).await {
                tracing::error!(%error, "events are not copied into the journal");
                if !tick(&mut stopped, AGAIN).await {
                    return;
                }
            }
        }
    }

    /// Keeps the head in the store and writes down what was counted.
    async fn each_second(node: Arc<Node>, mut stopped: Stopped) {
        let mut kept = None;
        let mut idle = 0;
        while tick(&mut stopped, Duration::from_secs(1)).await {
            let counts = node.unknown.take_ended(node.clock.now());
            if let Err(error) = node.journal.append_counts(&counts) {
                tracing::error!(%error, "counts of refused strangers are not written");
            }
            if let Err(error) = write_refusals(&node) {
                tracing::error!(%error, "counts of calls that were too many are not written");
            }
            let head = node.journal.head();
            // Without news, only a shared store is told now and then that this node is alive.
            if kept == Some(head) && (!node.store.is_shared() || idle < RENEWAL) {
                idle += 1;
                continue;
            }
            match keep_head(&node).await {
                Ok(()) => (kept, idle) = (Some(head), 0),
                Err(error) => tracing::warn!(%error, "the audit head is not in the store"),
            }
        }
    }

    /// Finishes a rotation of the root key that was begun, here or elsewhere, now or before the
    /// last stop.
    async fn follow_root_key(node: Arc<Node>, mut stopped: Stopped) {
        loop {
            match root_key::step(&*node.store, &node.keyring, &node.held, &*node.random).await {
                Ok(Step::Moved(keys)) => tracing::debug!(keys, "moved to the new root key"),
                Ok(Step::Ended) => tracing::info!("the root key is rotated: the old one is gone"),
                // The store is away, or another transaction came first.
                Err(RootError::Store(error)) => {
                    tracing::warn!(%error, "the rotation of the root key waits");
                    if !tick(&mut stopped, Duration::from_secs(1)).await {
                        return;
                    }
                }
                end @ (Ok(Step::Idle) | Err(_)) => {
                    if let Err(error) = end {
                        tracing::error!(%error, "the root key cannot be followed");
                    }
                    tokio::select! {
                        _ = stopped.changed() => return,
                        () = node.caches.root_key_changed() => {}
                    }
                }
            }
            // A sender that is gone has stopped it.
            if stopped.has_changed().is_err() || node.lease.is_lost() {
                return;
            }
        }
    }

    /// Removes from the store what need not be kept.
    async fn prune(node: Arc<Node>, mut stopped: Stopped) {
        let mut census = Census::default();
        while tick(&mut stopped, prune::EVERY).await {
            let looked = census.look(&*node.store, &node.name).await;
            match looked.and(prune::run(&node).await) {
                // Another node does the same.
                Ok(()) | Err(StoreError::Conflict) => {}
                Err(error) => tracing::warn!(%error, "the store is not pruned"),
            }
        }
    }

    /// Writes into the store who used which key, now and then, and sooner if there is much of it.
    async fn write_uses(node: Arc<Node>, mut stopped: Stopped) {
        loop {
            tokio::select! {
                _ = stopped.changed() => return,
                () = tokio::time::sleep(uses::EVERY) => {}
                () = node.uses.many() => {}
            }
            match node.uses.write_down(&*node.store).await {
                // Another node adds to the same: the next time will do.
                Ok(()) | Err(StoreError::Conflict) => {}
                Err(error) => tracing::warn!(%error, "uses of keys are not in the store yet"),
            }
        }
    }

    /// Writes into the store when access keys were last used.
    async fn write_last_uses(node: Arc<Node>, mut stopped: Stopped) {
        while tick(&mut stopped, last_uses::EVERY).await {
            match node.last_uses.write_down(&*node.store).await {
                // Another node has told of a later use.
                Ok(()) | Err(StoreError::Conflict) => {}
                Err(error) => tracing::warn!(%error, "last uses are not in the store yet"),
            }
        }
    }

    /// Rotates keys, deletes them, and forgets their material, when it is time.
    async fn do_what_is_due(node: Arc<Node>, mut stopped: Stopped) {
        let mut due = Due::default();
        while tick(&mut stopped, due::EVERY).await {
            match due.run(&node, tokio::time::Instant::now()).await {
                Ok(_) => {}
                Err(error) if due::waits(&error) => {
                    tracing::warn!(%error, "what is due has to wait for the store");
                }
                Err(error) => tracing::error!(%error, "what is due cannot be done"),
            }
        }
    }

    /// Turns the credentials of managed secrets when it is time; `at_rest` goes when that is over.
    async fn rotate_credentials(node: Arc<Node>, mut stopped: Stopped, at_rest: AtRest) {
        loop {
            tokio::select! {
                _ = stopped.changed() => break,
                () = tokio::time::sleep(rotation::EVERY) => {}
                () = node.rotations.woken() => {}
            }
            match node.rotations.run(&node).await {
                Ok(()) => {}
                Err(error) if due::waits(&error) => {
                    tracing::warn!(%error, "rotations have to wait for the store");
                }
                Err(error) => tracing::error!(%error, "what is to be rotated cannot be found"),
            }
        }
        node.rotations.stop().await;
        drop(at_rest);
    }

    /// Leaves notices of what fills up and of what ends.
    async fn tell_of_limits(node: Arc<Node>, mut stopped: Stopped) {
        while tick(&mut stopped, notices::EVERY).await {
            match notices::run(&node).await {
                Ok(()) => {}
                // Another node tells the same, or the store is away.
                Err(error) if due::waits(&error) => {
                    tracing::warn!(%error, "notices of quotas and ends have to wait");
                }
                Err(error) => tracing::error!(%error, "notices of quotas and ends are not left"),
            }
        }
    }

    /// Tells a webhook of notices. It ends between two calls, so that what arrived is written down.
    async fn tell(node: Arc<Node>, webhook: Arc<Webhook>, mut stopped: Stopped) {
        while tick(&mut stopped, webhooks::EVERY).await {
            loop {
                match webhooks::round(&node, &webhook).await {
                    Ok(true) if stopped.has_changed().is_ok() => {}
                    Ok(_) => break,
                    Err(error) => {
                        // Another node tells the same, or the store is away.
                        tracing::warn!(%error, "a webhook has to wait for the store");
                        break;
                    }
                }
            }
        }
    }

    /// Does it until the node stops.
    async fn until(mut stopped: Stopped, task: impl Future<Output = ()>) {
        tokio::select! {
            _ = stopped.changed() => {}
            () = task => {}
        }
    }

    async fn tick(stopped: &mut Stopped, every: Duration) -> bool {
        tokio::select! {
            _ = stopped.changed() => false,
            () = tokio::time::sleep(every) => true,
        }
    }
}

//! A node in this process, on a store and a disk that the trial has in its hands.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::Context as _;
use rustix::time::{ClockId, clock_gettime};
use tokio::{sync::oneshot, task::JoinHandle};
use yaoku_crypto::random::SystemRandom;
use yaoku_model::{
    ids::Region,
    time::{Clock, Timestamp},
};
use yaoku_server::{
    audit,
    dev::{self, DevAccount},
    disk::Disk,
    gateway::{Door, Gateway},
    hooks::Hooks,
    listen::{self, Listener},
    node, root,
    start::{Running, Setup},
    throttle,
};
use yaoku_store::Store;

use crate::client::{Client, Key};

/// The name of the node.
pub(crate) const NAME: &str = "one";

/// A node that serves plain HTTP on loopback.
pub(crate) struct Node {
    /// What `yaoku dev` would show.
    pub(crate) account: DevAccount,
    /// The account's root.
    pub(crate) client: Client,
    running: Running,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

impl Node {
    /// Starts it on a data directory.
    pub(crate) async fn start(
        data: &Path,
        store: Arc<dyn Store>,
        disk: Arc<dyn Disk>,
        boot_id: String,
    ) -> anyhow::Result<Self> {
        let setup = setup(NAME, data.join(root::KEY_FILE), data, store, disk, boot_id).await?;
        Self::start_with(setup).await
    }

    /// Starts what [`setup`] made.
    pub(crate) async fn start_with(setup: Setup) -> anyhow::Result<Self> {
        let running = Running::start(setup).await.context("the node does not start")?;
        let account = dev::prepare(&running.node).await?;
        let listener = Listener::bind(([127, 0, 0, 1], 0).into(), None).await?;
        let key = Key {
            id: account.root.id.to_string(),
            secret: account.root.secret.expose_text().to_owned(),
        };
        let client = Client { address: listener.local_addr(), key };
        let gateway = Arc::new(Gateway::new(Arc::clone(&running.node), Door::Network));
        let (stop, stopped) = oneshot::channel::<()>();
        let until = async { _ = stopped.await };
        let limits = listen::Limits::default();
        let served = tokio::spawn(listen::serve(vec![listener], gateway, limits, until));
        Ok(Self { account, client, running, stop, served })
    }

    /// Stops it, as well as its disk lets it.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        drop(self.stop);
        self.served.await?;
        self.running.stop().await?;
        Ok(())
    }
}

/// What a node of a name starts with, on a data directory and with the root key of a key file.
pub(crate) async fn setup(
    name: &str,
    key_file: PathBuf,
    data: &Path,
    store: Arc<dyn Store>,
    disk: Arc<dyn Disk>,
    boot_id: String,
) -> anyhow::Result<Setup> {
    let region: Region = "cn-hangzhou".parse()?;
    let now = MachineClock.now();
    let root = root::open_or_create(&*store, &region, key_file, &SystemRandom, now).await?;
    Ok(Setup {
        data: data.to_owned(),
        name: name.parse()?,
        store,
        root,
        region,
        clock: Arc::new(MachineClock),
        domain_clock: Arc::new(MachineClock),
        steady_clock: Arc::new(SteadyClock),
        boot_id,
        ca_pem: String::new(),
        limits: node::Limits::default(),
        throttle: throttle::Limits::NONE,
        journal: audit::Options::default(),
        webhooks: Vec::new(),
        hooks: Hooks::default(),
        disk,
    })
}

/// The machine's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MachineClock;

impl Clock for MachineClock {
    #[expect(clippy::disallowed_methods, reason = "the clients of a trial go by it too")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_unix_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// Time since the machine was started.
#[derive(Clone, Copy, Debug)]
struct SteadyClock;

impl Clock for SteadyClock {
    fn now(&self) -> Timestamp {
        let since = clock_gettime(ClockId::Boottime);
        Timestamp::from_unix_ms(since.tv_sec.saturating_mul(1000) + since.tv_nsec / 1_000_000)
    }
}

//! How the program serves, in development and in production: its doors, the certificate that is
//! renewed, the signals that it listens to, and what systemd hears of it.

use std::{pin::pin, sync::Arc, time::Duration};

use anyhow::Context as _;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::{Notify, watch},
    task::JoinSet,
};
use yaoku_model::{
    ids::{AccountId, Region},
    time::Clock as _,
};
use yaoku_server::{
    audit::{self, AuditError},
    disk::RealDisk,
    gate::Gate,
    gateway::Door,
    hooks::Hooks,
    listen::{self, AdminSocket, Limits, Listener, renewal::Certificate},
    node,
    oidc::Fetcher,
    operations::Operations,
    process::{self, Store},
    root::OpenedRoot,
    sealed::Sealed,
    standing::Standing,
    start::{Running, Setup, StartError},
    throttle,
};

use crate::{
    clock::{MachineClock, SteadyClock, boot_id},
    config,
    data::DataDir,
    systemd, trust,
};

/// How often the files of a certificate are looked at, and the private CA's end is thought of.
const LOOK: Duration = Duration::from_mins(1);

/// Everything that is bound: connections queue from now on.
pub(crate) struct Bound {
    /// Where calls are taken.
    pub(crate) listeners: Vec<Listener>,
    /// Where the operations view is.
    pub(crate) operations: Option<Listener>,
    /// Where administration is.
    pub(crate) admin: AdminSocket,
    /// What the listeners take on.
    pub(crate) limits: Limits,
}

impl Bound {
    /// Binds the admin socket beside listeners that are bound already.
    pub(crate) fn with_admin(
        data: &DataDir,
        listeners: Vec<Listener>,
        operations: Option<Listener>,
        limits: Limits,
    ) -> anyhow::Result<Self> {
        let admin = AdminSocket::bind(data.path()).context("the admin socket cannot be made")?;
        let limits = limits.within(process::raise_open_files());
        Ok(Self { listeners, operations, admin, limits })
    }
}

/// What a node on this machine is started with: called `one`, with the quotas and the journal that
/// are the default.
pub(crate) fn setup(
    data: &DataDir,
    store: Arc<dyn Store>,
    region: Region,
    root: OpenedRoot,
) -> anyhow::Result<Setup> {
    tracing::info!(protection = ?process::protection()?, "memory for root and wrapping keys");
    Ok(Setup {
        data: data.path().to_owned(),
        name: "one".parse()?,
        store,
        root,
        region,
        clock: Arc::new(MachineClock),
        domain_clock: Arc::new(MachineClock),
        steady_clock: Arc::new(SteadyClock),
        boot_id: boot_id()?,
        ca_pem: String::new(),
        limits: node::Limits::default(),
        throttle: throttle::Limits::NONE,
        journal: audit::Options::default(),
        webhooks: Vec::new(),
        hooks: Hooks::default(),
        disk: Arc::new(RealDisk),
    })
}

/// Starts a node. If its journal is refused, the error names the verbs for that; `deployment` is the
/// option that they find it by.
pub(crate) async fn start(setup: Setup, deployment: &str) -> anyhow::Result<Running> {
    Box::pin(Running::start(setup)).await.map_err(|error| match error {
        StartError::Audit(AuditError::Tampered { .. }) => anyhow::Error::from(error).context(format!(
            "not started: `yaoku audit verify {deployment}` shows what is wrong with the journal, \
             and `yaoku audit accept {deployment} --reason …` takes it upon you and goes on"
        )),
        other => other.into(),
    })
}

/// Lets a node fetch the keys of identity providers.
pub(crate) fn fetch_keys(node: &node::Node, how: &config::Oidc) -> anyhow::Result<()> {
    let roots = trust::roots(how.ca.as_deref()).context("oidc.ca")?;
    node.oidc.fetch_by(Fetcher::new(roots, how.private_networks)?);
    Ok(())
}

/// The doors of the program.
pub(crate) struct Doors {
    pub(crate) standing: Arc<Standing>,
    network: Arc<Gate>,
    operator: Arc<Gate>,
}

impl Doors {
    /// Closed doors. What `sealed` serves is served to the operator meanwhile.
    pub(crate) fn new(standing: Arc<Standing>, sealed: Option<Arc<Sealed>>) -> Self {
        let gate = |sealed| Arc::new(Gate::new(Arc::clone(&standing), sealed));
        Self { network: gate(None), operator: gate(sealed), standing }
    }

    /// Opens them for the node that runs. At the admin socket, `account` is meant by default.
    pub(crate) fn open(&self, running: &Running, account: AccountId) {
        self.standing.runs(Arc::clone(&running.node));
        self.network.open(Door::Network);
        self.operator.open(Door::AdminSocket(account));
    }

    /// Serves while `start` opens the doors, and from then on, until it is told to stop; then stops
    /// the node. If `start` fails, so does this.
    pub(crate) async fn serve(
        &self,
        bound: Bound,
        start: impl Future<Output = anyhow::Result<Running>>,
        certificate: Option<Certificate>,
    ) -> anyhow::Result<()> {
        let failed = Notify::new();
        let told = shutdown()?;
        let stop = async {
            tokio::select! {
                () = told => {}
                () = failed.notified() => {}
            }
        };
        let mut beside = JoinSet::new();
        beside.spawn(follow_certificate(certificate, Arc::clone(&self.standing))?);
        beside.spawn(systemd::watchdog());
        let mut listening = pin!(self.listen(bound, stop));
        let started = tokio::select! {
            started = start => started,
            // Stopped before it began.
            () = &mut listening => return Ok(()),
        };
        if started.is_err() {
            failed.notify_one();
        }
        listening.await;
        started?.stop().await?;
        Ok(())
    }

    /// Until `stop` completes and the calls in flight are answered, or their grace is over.
    async fn listen(&self, bound: Bound, stop: impl Future<Output = ()>) {
        let Bound { listeners, operations, admin, limits } = bound;
        let (network, operator) = (Arc::clone(&self.network), Arc::clone(&self.operator));
        let view = Arc::new(Operations::new(Arc::clone(&self.standing)));
        let (stopping, stopped) = watch::channel(());
        let (over, done) = watch::channel(());
        let until = |mut it: watch::Receiver<()>| async move { _ = it.changed().await };
        let calls = async {
            tokio::join!(
                listen::serve(listeners, network, limits, until(stopped.clone())),
                admin.serve(operator, limits, until(stopped)),
            );
            drop(over);
        };
        tokio::join!(
            async {
                stop.await;
                self.standing.stops();
                systemd::stopping();
                drop(stopping);
            },
            calls,
            // It stays until the last call is answered: it says that we are stopping.
            listen::serve(operations.into_iter().collect(), view, limits, until(done)),
        );
    }
}

/// The signals that stop the program, registered from now on.
fn shutdown() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Looks for the next certificate at each SIGHUP and each minute, until it is dropped.
fn follow_certificate(
    mut certificate: Option<Certificate>,
    standing: Arc<Standing>,
) -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        let mut looks = tokio::time::interval(LOOK);
        looks.tick().await;
        loop {
            let asked = tokio::select! {
                it = hangup.recv() => it.is_some(),
                _ = looks.tick() => false,
            };
            if asked {
                systemd::reloading();
            }
            if let Some(certificate) = &mut certificate {
                renew(certificate);
            }
            if asked {
                systemd::ready(&standing);
            }
        }
    })
}

fn renew(certificate: &mut Certificate) {
    match certificate.renew(MachineClock.now()) {
        Ok(true) => tracing::info!("a new certificate is served"),
        Ok(false) => {}
        Err(error) => tracing::error!(%error, "no new certificate: the old one is served on"),
    }
}

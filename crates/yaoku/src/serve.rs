//! How the program serves, in development and in production: its doors, the certificate that is
//! renewed, the signals that it listens to, and what systemd hears of it.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::Context as _;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};
use yaoku_model::{ids::AccountId, time::Clock as _};
use yaoku_server::{
    gate::Gate,
    gateway::Door,
    listen::{self, AdminSocket, Limits, Listener, renewal::Certificate},
    operations::Operations,
    standing::Standing,
    start::Running,
};

use crate::{clock::MachineClock, systemd};

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
        data: &Path,
        listeners: Vec<Listener>,
        operations: Option<Listener>,
        limits: Limits,
    ) -> anyhow::Result<Self> {
        let admin = AdminSocket::bind(data).context("the admin socket cannot be made")?;
        Ok(Self { listeners, operations, admin, limits })
    }
}

/// The doors of the program.
pub(crate) struct Doors {
    pub(crate) standing: Arc<Standing>,
    network: Arc<Gate>,
    operator: Arc<Gate>,
}

impl Doors {
    /// Sealed doors.
    pub(crate) fn new(standing: Arc<Standing>) -> Self {
        let gate = || Arc::new(Gate::new(Arc::clone(&standing)));
        Self { network: gate(), operator: gate(), standing }
    }

    /// Opens them for the node that runs. At the admin socket, `account` is meant by default.
    pub(crate) fn open(&self, running: &Running, account: AccountId) {
        self.standing.runs(Arc::clone(&running.node));
        self.network.open(Door::Network);
        self.operator.open(Door::AdminSocket(account));
    }

    /// Serves until `stop` completes and the calls in flight are answered, or their grace is over.
    pub(crate) async fn serve(&self, bound: Bound, stop: impl Future<Output = ()>) {
        let Bound { listeners, operations, admin, limits } = bound;
        let (stopping, stopped) = watch::channel(());
        let until = |mut it: watch::Receiver<()>| async move { _ = it.changed().await };
        let view = Arc::new(Operations::new(Arc::clone(&self.standing)));
        let (over, done) = watch::channel(());
        tokio::join!(
            async {
                stop.await;
                self.standing.stops();
                systemd::stopping();
                drop(stopping);
            },
            async {
                tokio::join!(
                    listen::serve(
                        listeners,
                        Arc::clone(&self.network),
                        limits,
                        until(stopped.clone())
                    ),
                    admin.serve(Arc::clone(&self.operator), limits, until(stopped)),
                );
                drop(over);
            },
            // The view stays until the last call is answered: it says that we are stopping.
            listen::serve(operations.into_iter().collect(), view, limits, until(done)),
        );
    }
}

/// The signals that stop the program, registered from now on.
pub(crate) fn shutdown() -> anyhow::Result<impl Future<Output = ()>> {
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
pub(crate) fn follow_certificate(
    mut certificate: Option<Certificate>,
    standing: Arc<Standing>,
) -> anyhow::Result<impl Future<Output = ()>> {
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

//! `yaoku server`: production. It serves what `yaoku init` made, and makes nothing itself.

use std::{io::Write as _, process::ExitCode, sync::Arc};

use anyhow::{Context as _, bail};
use secrecy::ExposeSecret as _;
use yaoku_model::time::Clock as _;
use yaoku_server::{
    accounts,
    listen::{
        Listener,
        ca::Names,
        renewal::{Certificate, Origin},
    },
    process::{self, Store, open_store},
    root::{self, OpenedRoot, RootError},
    sealed::Sealed,
    standing::Standing,
    start::{Running, Setup},
};

use crate::{
    clock::{MachineClock, hostname},
    config::{Config, Purpose},
    data::DataDir,
    log, seals,
    serve::{self, Bound, Doors},
    settings::Settings,
    systemd,
};

/// Serves a deployment that `yaoku init` has made.
#[derive(Debug, clap::Args)]
pub(crate) struct Server {
    #[command(flatten)]
    settings: Settings,
    /// Checks the configuration, tells everything that is wrong with it, and starts nothing.
    #[arg(long)]
    check_config: bool,
}

impl Server {
    /// Serves until it is told to stop.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let (config, warnings) = self.settings.load(Purpose::Serve)?;
        if self.check_config {
            let mut screen = std::io::stderr();
            for warning in warnings {
                writeln!(screen, "warning: {warning}")?;
            }
            writeln!(screen, "The configuration is in order.")?;
            return Ok(ExitCode::SUCCESS);
        }
        log::configured(&config.log)?;
        for warning in warnings {
            tracing::warn!("{warning}");
        }
        House::open(config).await?.serve().await
    }
}

/// Everything a server has before its root key is opened.
struct House {
    config: Config,
    data: DataDir,
    store: Arc<dyn Store>,
    certificate: Option<Certificate>,
    doors: Doors,
    bound: Bound,
    sealed: Arc<Sealed>,
}

impl House {
    async fn open(config: Config) -> anyhow::Result<Self> {
        let (data, store) = open(&config).await?;
        let now = MachineClock.now();
        let certificate = match config.listen.https {
            Some(_) => Some(Certificate::open(origin(&config), now).context("tls")?),
            None => None,
        };
        let tls = certificate.as_ref().map(|it| it.settings().clone());
        let mut listeners = Vec::new();
        for (name, address, tls) in
            [("https", config.listen.https, tls.clone()), ("http", config.listen.http, None)]
        {
            if let Some(address) = address {
                let bound = Listener::bind(address, tls).await;
                listeners.push(bound.with_context(|| format!("listen.{name} {address}"))?);
            }
        }
        let operations = match config.listen.operations {
            Some(address) => Some(
                Listener::bind(address, None)
                    .await
                    .with_context(|| format!("listen.operations {address}"))?,
            ),
            None => None,
        };
        let bound = Bound::with_admin(data.path(), listeners, operations, config.limits)?;
        let sealed = Arc::new(Sealed::new(Arc::clone(&store), config.region.clone()));
        let doors = Doors::new(Arc::new(Standing::new(now, tls)), Some(Arc::clone(&sealed)));
        Ok(Self { config, data, store, certificate, doors, bound, sealed })
    }

    async fn serve(self) -> anyhow::Result<ExitCode> {
        let stop = serve::shutdown()?;
        let Self { config, data, store, certificate, doors, bound, sealed } = self;
        let addresses: Vec<_> =
            bound.listeners.iter().map(|it| it.local_addr().to_string()).collect();
        let operations = bound.operations.as_ref().map(|it| it.local_addr().to_string());
        tracing::info!(?addresses, ?operations, "listening");
        let trusted = certificate.as_ref().map_or("", Certificate::trusted_pem).to_owned();
        let renewal = serve::follow_certificate(certificate, Arc::clone(&doors.standing))?;
        let start = async {
            let root = match seals::open(&config, &*store).await {
                Ok(root) => root,
                Err(RootError::Sealed) => wait_for_root(&config, &doors, &sealed).await?,
                Err(error) => return Err(error.into()),
            };
            let setup = serve::setup(&data, Arc::clone(&store), config.region.clone(), root)?;
            let running = Running::start(Setup {
                name: config.name.clone(),
                ca_pem: trusted,
                limits: config.quotas,
                journal: config.journal,
                ..setup
            });
            let running = running.await?;
            let Some(first) = accounts::first(&running.node).await? else {
                bail!("the store has no account: run yaoku init")
            };
            doors.open(&running, first);
            systemd::ready(&doors.standing);
            tracing::info!("serving");
            anyhow::Ok(running)
        };
        let running = doors.serve_once(bound, start, stop, renewal).await?;
        if let Some(running) = running {
            running.stop().await?;
        }
        tracing::info!("stopped");
        Ok(ExitCode::SUCCESS)
    }
}

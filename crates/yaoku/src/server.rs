//! `yaoku server`: production. It serves what `yaoku init` made, and makes nothing itself.

use std::{io::Write as _, net::SocketAddr, process::ExitCode, sync::Arc};

use anyhow::Context as _;
use yaoku_model::time::Clock as _;
use yaoku_server::{
    accounts,
    listen::{
        Listener, TlsSettings,
        ca::Names,
        renewal::{Certificate, Origin},
    },
    process::Store,
    root::{self, OpenedRoot, RootError},
    sealed::Sealed,
    standing::Standing,
    start::Setup,
};

use crate::{
    clock::{MachineClock, hostname},
    config::{self, Config, Purpose},
    data::DataDir,
    log,
    seals::{awaited, doubts, openers},
    serve::{self, Bound, Doors},
    settings::Settings,
    systemd,
};

/// Serves a deployment that `yaoku init` has made.
#[derive(Debug, clap::Args)]
pub(crate) struct Server {
    #[command(flatten)]
    settings: Settings,
    /// Checks the configuration, with the files and directories that it names, tells everything that
    /// is wrong with it, and starts nothing. The store is not opened.
    #[arg(long)]
    check_config: bool,
}

impl Server {
    /// Serves until it is told to stop.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let (config, warnings) = self.settings.load(Purpose::Serve { now: MachineClock.now() })?;
        if self.check_config {
            let mut screen = std::io::stderr();
            for warning in warnings.into_iter().chain(doubts(&config.seals)?) {
                writeln!(screen, "warning: {warning}")?;
            }
            writeln!(screen, "The configuration is in order. The store was not opened.")?;
            return Ok(ExitCode::SUCCESS);
        }
        let _guard = log::configured(&config.log)?;
        for warning in warnings {
            tracing::warn!("{warning}");
        }
        serve(&config, &format!("--config {}", self.settings.file().display())).await?;
        tracing::info!("stopped");
        Ok(ExitCode::SUCCESS)
    }
}

/// `deployment` is the option that other verbs find this deployment by.
async fn serve(config: &Config, deployment: &str) -> anyhow::Result<()> {
    let (data, store) = config.open().await?;
    let now = MachineClock.now();
    let certificate = match config.listen.https {
        Some(_) => Some(Certificate::open(origin(config, &data), now).context("tls")?),
        None => None,
    };
    let tls = certificate.as_ref().map(|it| it.settings().clone());
    let trusted = certificate.as_ref().map_or("", Certificate::trusted_pem).to_owned();
    let (listeners, operations) = listeners(config, tls.clone()).await?;
    let bound = Bound::with_admin(&data, listeners, operations, config.limits)?;
    let sealed = Sealed::new(Arc::clone(&store), config.region.clone(), awaited(&config.seals));
    let sealed = Arc::new(sealed);
    let doors = Doors::new(Arc::new(Standing::new(now, tls)), Some(Arc::clone(&sealed)));
    let start = async {
        let root = open_root(config, &*store, &doors, &sealed).await?;
        let setup = serve::setup(&data, Arc::clone(&store), config.region.clone(), root)?;
        let webhooks = config.webhooks.iter().map(config::Webhook::open).collect();
        let webhooks: anyhow::Result<Vec<_>> = webhooks;
        let setup = Setup {
            name: config.name.clone(),
            ca_pem: trusted,
            limits: config.quotas,
            throttle: config.throttle.clone(),
            journal: config.journal,
            webhooks: webhooks.context("webhook")?,
            hooks: config.hooks.open(&config.listen, &config.tls)?,
            ..setup
        };
        let running = serve::start(setup, deployment).await?;
        serve::fetch_keys(&running.node, &config.oidc)?;
        let first = accounts::first(&running.node).await?;
        doors.open(&running, first.context("the store has no account: run yaoku init")?);
        systemd::ready(&doors.standing);
        tracing::info!("serving");
        Ok(running)
    };
    doors.serve(bound, start, certificate).await
}

/// Opens the root key by what is there, or waits until somebody opens it.
async fn open_root(
    config: &Config,
    store: &dyn Store,
    doors: &Doors,
    sealed: &Sealed,
) -> anyhow::Result<OpenedRoot> {
    let openers = openers(&config.seals);
    match root::open(store, &config.region, &openers).await {
        Err(error @ RootError::NotInitialised) => Err(error).context("run yaoku init"),
        Err(error @ RootError::Sealed(_)) if !sealed.can_be_opened() => Err(error.into()),
        Err(RootError::Sealed(_)) => {
            tracing::warn!("sealed: waiting for yaoku unseal");
            systemd::ready(&doors.standing);
            Ok(sealed.opened().await.with_files_of(&openers))
        }
        other => Ok(other?),
    }
}

/// Binds every address: those of calls, and the operations view's.
async fn listeners(
    config: &Config,
    tls: Option<TlsSettings>,
) -> anyhow::Result<(Vec<Listener>, Option<Listener>)> {
    let mut listeners = Vec::new();
    for (name, address, tls) in
        [("https", config.listen.https, tls), ("http", config.listen.http, None)]
    {
        listeners.extend(bind(name, address, tls).await?);
    }
    Ok((listeners, bind("operations", config.listen.operations, None).await?))
}

async fn bind(
    name: &str,
    address: Option<SocketAddr>,
    tls: Option<TlsSettings>,
) -> anyhow::Result<Option<Listener>> {
    let Some(address) = address else { return Ok(None) };
    let bound = Listener::bind(address, tls).await;
    let bound = bound.with_context(|| format!("listen.{name} {address}"))?;
    tracing::info!(address = %bound.local_addr(), "listening: {name}");
    Ok(Some(bound))
}

fn origin(config: &Config, data: &DataDir) -> Origin {
    match &config.tls.files {
        Some((chain, key)) => Origin::Files {
            chain: chain.clone(),
            key: key.clone(),
            privacy: config.privacy.clone(),
        },
        None => Origin::PrivateCa {
            directory: data.path().to_owned(),
            names: Names {
                region: config.region.to_string(),
                hostname: hostname(),
                addresses: config.listen.https.iter().map(SocketAddr::ip).collect(),
                others: config.tls.names.clone(),
            },
        },
    }
}

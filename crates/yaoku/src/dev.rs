//! `yaoku dev`: one command, no configuration; a whole KMS to develop and test against.

use std::{
    io::Write as _,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context as _, bail};
use serde::Serialize;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};
use yaoku_model::{ids::Region, time::Clock as _};
use yaoku_server::{
    audit,
    dev::{self, DevAccount},
    disk::{self, RealDisk},
    gateway::{Door, Gateway},
    listen::{
        self, AdminSocket, Limits, Listener,
        ca::{Names, PrivateCa},
        tls::TlsSettings,
    },
    node,
    process::{self, SystemRandom, open_store},
    root,
    start::{Running, Setup},
};

use crate::{
    clock::{MachineClock, SteadyClock},
    data::{DEFAULT_DATA, DataDir},
};

/// Starts a KMS for development and tests: everything is made at the first start, and kept.
#[derive(Debug, clap::Args)]
pub(crate) struct Dev {
    /// Where everything is kept.
    #[arg(long, value_name = "DIR", default_value = DEFAULT_DATA)]
    data: PathBuf,
    /// The address to serve HTTPS on. Port 0 takes any free port.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8443")]
    listen: SocketAddr,
    /// The address to serve plain HTTP on: loopback only. Port 0 takes any free port.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    http: SocketAddr,
    /// The database: `postgres://…`, or `sqlite:FILE`. A file in the data directory without it.
    #[arg(long, value_name = "URL", env = "YAOKU_STORE", hide_env_values = true)]
    store: Option<String>,
    /// The region that ARNs name. It cannot change later.
    #[arg(long, value_name = "REGION", default_value = "cn-hangzhou")]
    region: String,
    /// How large a segment of the audit journal grows: trials make it small.
    #[arg(long, hide = true, value_name = "BYTES")]
    audit_segment_bytes: Option<u64>,
}

/// `dev.json`: everything a client needs.
#[derive(Serialize)]
struct DevFile<'a> {
    endpoint: String,
    http_endpoint: String,
    ca: &'a Path,
    region: &'a str,
    account_id: &'a str,
    access_key_id: &'a str,
    access_key_secret: &'a str,
    user_name: &'a str,
    user_access_key_id: &'a str,
    user_access_key_secret: &'a str,
    instance_id: &'a str,
    key_id: &'a str,
    key_alias: &'a str,
}

impl Dev {
    /// Serves until it is told to stop.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        if !self.http.ip().is_loopback() {
            bail!("--http {}: plain HTTP is served on loopback only; use --listen", self.http);
        }
        let region: Region = self.region.parse().context("--region is not a region's name")?;
        let mut data = DataDir::open(&self.data)?;
        data.must_be_for(self.store.as_deref())?;
        let ca = PrivateCa::create_or_load(data.path(), &self.names(), MachineClock.now())?;
        let running = self.start(&data, region.clone(), ca.ca_pem.clone()).await?;
        let account = dev::prepare(&running.node).await?;
        let tls = Listener::bind(self.listen, Some(TlsSettings::new(&ca.server)?));
        let tls = tls.await.with_context(|| format!("--listen {}", self.listen))?;
        let plain = Listener::bind(self.http, None).await;
        let plain = plain.with_context(|| format!("--http {}", self.http))?;

        let file = DevFile {
            endpoint: tls.local_addr().to_string(),
            http_endpoint: plain.local_addr().to_string(),
            ca: &ca.ca_file,
            region: region.as_str(),
            account_id: account.account.as_str(),
            access_key_id: account.root.id.as_str(),
            access_key_secret: account.root.secret.expose_text(),
            user_name: account.user.as_str(),
            user_access_key_id: account.user_key.id.as_str(),
            user_access_key_secret: account.user_key.secret.expose_text(),
            instance_id: &account.instance,
            key_id: account.key.as_str(),
            key_alias: account.alias.as_str(),
        };
        let admin = AdminSocket::bind(data.path()).context("the admin socket cannot be made")?;
        let stop = shutdown()?;
        write_file(&data, &file)?;
        show(&data, &file)?;
        serve(&running, &account, vec![tls, plain], admin, stop).await;
        running.stop().await?;
        Ok(ExitCode::SUCCESS)
    }

    async fn start(
        &self,
        data: &DataDir,
        region: Region,
        ca_pem: String,
    ) -> anyhow::Result<Running> {
        let file = || format!("sqlite:{}", data.path().join("yaoku.db").display());
        let store = open_store(&self.store.clone().unwrap_or_else(file)).await?;
        tracing::info!(protection = ?process::protection()?, "memory for root and wrapping keys");
        let key_file = data.path().join(root::KEY_FILE);
        let now = MachineClock.now();
        let root = root::open_or_create(&*store, &region, key_file, &SystemRandom, now).await?;
        let running = Running::start(Setup {
            data: data.path().to_owned(),
            name: "one".parse()?,
            store,
            root,
            region,
            clock: Arc::new(MachineClock),
            domain_clock: Arc::new(MachineClock),
            steady_clock: Arc::new(SteadyClock),
            boot_id: std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?,
            ca_pem,
            limits: node::Limits::default(),
            journal: self.journal(),
            disk: Arc::new(RealDisk),
        });
        Ok(running.await?)
    }

    fn journal(&self) -> audit::Options {
        let usual = audit::Options::default();
        let segment_bytes = self.audit_segment_bytes.unwrap_or(usual.segment_bytes);
        audit::Options { segment_bytes, ..usual }
    }

    fn names(&self) -> Names {
        let fixed = |it: IpAddr| (!it.is_unspecified()).then_some(it);
        Names {
            region: self.region.clone(),
            hostname: rustix::system::uname().nodename().to_str().ok().map(str::to_owned),
            addresses: fixed(self.listen.ip()).into_iter().collect(),
        }
    }
}

async fn serve(
    running: &Running,
    account: &DevAccount,
    listeners: Vec<Listener>,
    admin: AdminSocket,
    stop: impl Future<Output = ()>,
) {
    let door = |door| Arc::new(Gateway::new(Arc::clone(&running.node), door));
    let (network, operator) =
        (door(Door::Network), door(Door::AdminSocket(account.account.clone())));
    let limits = Limits::default().within(process::raise_open_files());
    let (stopping, stopped) = watch::channel(());
    let until = |mut it: watch::Receiver<()>| async move { _ = it.changed().await };
    tokio::join!(
        async {
            stop.await;
            drop(stopping);
        },
        listen::serve(listeners, network, limits, until(stopped.clone())),
        admin.serve(operator, limits, until(stopped)),
    );
}

/// Completes when the program is told to stop. Registered before anything is announced.
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

fn write_file(data: &DataDir, file: &DevFile<'_>) -> anyhow::Result<()> {
    let text = zeroize::Zeroizing::new(serde_json::to_vec_pretty(file)?);
    disk::replace(&data.path().join("dev.json"), &text).context("dev.json cannot be written")
}

fn show(data: &DataDir, file: &DevFile<'_>) -> anyhow::Result<()> {
    let screen = screen(data.path(), file);
    let mut out = std::io::stdout().lock();
    out.write_all(screen.as_bytes())?;
    Ok(out.flush()?)
}

/// What a new user reads. Secrets are not on it: they are taken from `dev.json`.
fn screen(data: &Path, file: &DevFile<'_>) -> String {
    let (dev, ca) = (data.join("dev.json"), file.ca.display());
    let (dev, endpoint, http) = (dev.display(), &file.endpoint, &file.http_endpoint);
    let DevFile { region, account_id, instance_id, key_id, key_alias, .. } = file;
    format!(
        r#"
  Yaoku is running: a key and secret manager that speaks Alibaba Cloud's KMS API.
  (Not affiliated with Alibaba Cloud. This is development mode: do not keep real secrets here.)

    HTTPS     {endpoint}   (CA: {ca})
    HTTP      {http}   (loopback only)
    account   {account_id}   region {region}
    instance  {instance_id}
    key       {key_id}   ({key_alias})

  Access keys and all of the above are in {dev}.

  aliyun CLI
    export SSL_CERT_FILE={ca}
    aliyun configure set --profile yaoku --mode AK --region {region} \
      --access-key-id "$(jq -r .access_key_id {dev})" \
      --access-key-secret "$(jq -r .access_key_secret {dev})"
    aliyun kms ListKeys --profile yaoku --endpoint {endpoint}

  Python    (pip install alibabacloud-kms20160120)
    import json
    from alibabacloud_kms20160120.client import Client
    from alibabacloud_kms20160120.models import EncryptRequest
    from alibabacloud_tea_openapi.models import Config
    dev = json.load(open("{dev}"))
    kms = Client(Config(access_key_id=dev["access_key_id"], ca=dev["ca"],
                        access_key_secret=dev["access_key_secret"], endpoint=dev["endpoint"]))
    print(kms.encrypt(EncryptRequest(key_id=dev["key_alias"], plaintext="hello")).body)

  Node      (npm install @alicloud/pop-core; NODE_EXTRA_CA_CERTS={ca})
    const dev = require("{dev}"), Core = require("@alicloud/pop-core");
    const kms = new Core({{ accessKeyId: dev.access_key_id, endpoint: "https://" + dev.endpoint,
                           accessKeySecret: dev.access_key_secret, apiVersion: "2016-01-20" }});
    kms.request("ListSecrets", {{}}, {{ method: "POST" }}).then(console.log);

  curl      (any answer, even this refusal, shows that it is up)
    curl --cacert {ca} "https://{endpoint}/?Action=ListKeys&Version=2016-01-20"

  Stop with Ctrl-C. Start again with the same --data (and --store), and everything is still there.

"#
    )
}

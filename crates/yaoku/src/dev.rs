//! `yaoku dev`: one command, no configuration; a whole KMS to develop and test against.

use std::{
    io::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context as _, bail};
use serde::Serialize;
use yaoku_model::{ids::Region, time::Clock as _};
#[cfg(feature = "test-clock")]
use yaoku_server::test_clock::TestClock;
use yaoku_server::{
    audit, dev, disk,
    hooks::Hooks,
    listen::{
        self, Limits, Listener,
        ca::{CA_FILE, Names},
        renewal::{Certificate, Origin},
    },
    process::{SystemRandom, open_store},
    root,
    standing::Standing,
    start::Setup,
};

use crate::{
    clock::{MachineClock, hostname},
    config::{self, Oidc, meet},
    data::{DEFAULT_DATA, DataDir},
    serve::{self, Bound, Doors},
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
    /// A program that hooks may run. May be given again.
    #[arg(long = "hook-program", value_name = "FILE")]
    hook_programs: Vec<PathBuf>,
    /// The certificates that servers of hooks are trusted by. Without it, the machine's.
    #[arg(long, value_name = "FILE")]
    hook_ca: Option<PathBuf>,
    /// How large a segment of the audit journal grows: trials make it small.
    #[arg(long, hide = true, value_name = "BYTES")]
    audit_segment_bytes: Option<u64>,
    #[cfg(feature = "test-clock")]
    #[command(subcommand)]
    verb: Option<Verb>,
}

/// What is said to one that runs, instead of starting it.
#[cfg(feature = "test-clock")]
#[derive(Debug, clap::Subcommand)]
enum Verb {
    Clock(crate::admin::clock::Clock),
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
    /// Serves until it is told to stop, or says something to one that runs.
    #[cfg(feature = "test-clock")]
    pub(crate) async fn run(mut self) -> anyhow::Result<ExitCode> {
        match self.verb.take() {
            Some(Verb::Clock(clock)) => clock.run().await,
            None => self.serve().await,
        }
    }

    /// Serves until it is told to stop.
    #[cfg(not(feature = "test-clock"))]
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        self.serve().await
    }

    async fn serve(self) -> anyhow::Result<ExitCode> {
        if !self.http.ip().is_loopback() {
            bail!("--http {}: plain HTTP is served on loopback only; use --listen", self.http);
        }
        if meet(self.listen, self.http) {
            bail!("--listen {} and --http {} are the same address", self.listen, self.http);
        }
        let region: Region = self.region.parse().context("--region is not a region's name")?;
        let mut data = DataDir::open(&self.data)?;
        listen::must_fit(data.path())?;
        data.must_be_for(self.store.as_deref())?;
        let now = MachineClock.now();
        let certificate = Certificate::open(self.private_ca(&data), now)?;
        let (tls, plain) = self.bind(&certificate).await?;
        let setup = self.setup(&data, region.clone(), certificate.trusted_pem()).await?;
        let hooks = self.hooks(tls.local_addr())?;
        let setup = Setup { hooks, ..setup };
        let running = serve::start(setup, &format!("--data {}", self.data.display())).await?;
        // Whoever develops has identity providers on this machine.
        let anywhere = Oidc { private_networks: true, ..Oidc::default() };
        serve::fetch_keys(&running.node, &anywhere)?;
        let account = dev::prepare(&running.node).await?;
        let standing = Arc::new(Standing::new(now, Some(certificate.settings().clone())));
        let doors = Doors::new(standing, None);
        doors.open(&running, account.account.clone());

        let ca = data.path().join(CA_FILE);
        let file = DevFile {
            endpoint: tls.local_addr().to_string(),
            http_endpoint: plain.local_addr().to_string(),
            ca: &ca,
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
        let listeners = vec![tls, plain];
        let bound = Bound::with_admin(&data, listeners, None, Limits::default())?;
        let start = async {
            write_file(&data, &file)?;
            show(&data, &file)?;
            Ok(running)
        };
        doors.serve(bound, start, Some(certificate)).await?;
        Ok(ExitCode::SUCCESS)
    }

    async fn bind(&self, certificate: &Certificate) -> anyhow::Result<(Listener, Listener)> {
        let tls = Listener::bind(self.listen, Some(certificate.settings().clone())).await;
        let tls = tls.with_context(|| format!("--listen {}", self.listen))?;
        let plain = Listener::bind(self.http, None).await;
        let plain = plain.with_context(|| format!("--http {}", self.http))?;
        Ok((tls, plain))
    }

    async fn setup(&self, data: &DataDir, region: Region, ca_pem: &str) -> anyhow::Result<Setup> {
        let url = self.store.clone().unwrap_or_else(|| data.own_store());
        let store = open_store(&url).await?;
        let key_file = data.path().join(root::KEY_FILE);
        let now = MachineClock.now();
        let root = root::open_or_create(&*store, &region, key_file, &SystemRandom, now).await?;
        let setup = serve::setup(data, store, region, root)?;
        let setup = Setup { ca_pem: ca_pem.to_owned(), journal: self.journal(), ..setup };
        #[cfg(feature = "test-clock")]
        let setup = Setup { domain_clock: Arc::new(TestClock::new(setup.domain_clock)), ..setup };
        Ok(setup)
    }

    /// What may be called: whoever develops has servers on this machine, as identity providers.
    fn hooks(&self, own: SocketAddr) -> anyhow::Result<Hooks> {
        let programs = self.hook_programs.iter().map(std::path::absolute);
        let programs = programs.collect::<Result<Vec<_>, _>>().context("--hook-program")?;
        let hooks = config::Hooks::of_developer(programs, self.hook_ca.clone());
        if let Some(fault) = hooks.faults().first() {
            bail!("--hook-program: {fault}");
        }
        hooks.open_at(Some(format!("https://localhost:{}", own.port())))
    }

    fn journal(&self) -> audit::Options {
        let usual = audit::Options::default();
        let segment_bytes = self.audit_segment_bytes.unwrap_or(usual.segment_bytes);
        audit::Options { segment_bytes, ..usual }
    }

    fn private_ca(&self, data: &DataDir) -> Origin {
        let names = Names {
            region: self.region.clone(),
            hostname: hostname(),
            addresses: vec![self.listen.ip()],
            others: Vec::new(),
        };
        Origin::PrivateCa { directory: data.path().to_owned(), names }
    }
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

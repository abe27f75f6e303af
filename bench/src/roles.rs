//! What else this program can be: a server under measurement, as a child of itself. So the released
//! program needs no switch that only a bench would use.

use std::{
    collections::BTreeSet,
    fs::File,
    future::pending,
    io::{self, Write as _},
    net::{Ipv4Addr, SocketAddr},
    os::fd::{AsRawFd as _, RawFd},
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use anyhow::Context as _;
use async_trait::async_trait;
use serde::Serialize;
use tokio::net::TcpListener;
use yaoku_model::{
    ids::Region,
    time::{Clock, Timestamp},
};
use yaoku_server::{
    audit, dev,
    disk::{Disk, RealDisk},
    gateway::{Door, Gateway},
    hooks::Hooks,
    listen::{
        self, Fault, Handler, HttpCall, HttpReply, Limits, Listener, TlsSettings,
        ca::{Names, PrivateCa},
        tls::ServerIdentity,
    },
    node,
    process::{SystemRandom, open_store},
    root,
    start::{Running, Setup},
    throttle,
};
use yaoku_store::{Ears, Feed, Mark, Store, StoreError, Transaction};

use crate::{
    bare,
    calls::now,
    server::{Account, Addresses, Ready},
};

/// The loopback, any free port.
const ANY: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

/// As many policies as the bench attaches: RAM allows ten custom ones.
const POLICIES: usize = 64;

/// As many versions as the bench makes of a key: 50 are allowed, with the first.
const KEY_VERSIONS: i64 = 51;

/// Is the bare server, with the certificate of the Yaoku whose data directory this is.
pub(crate) async fn bare(data: &Path) -> anyhow::Result<()> {
    let identity = ServerIdentity {
        chain_pem: std::fs::read_to_string(data.join("server.pem"))?,
        key_pem: std::fs::read_to_string(data.join("server.key"))?.into(),
    };
    let tls = TlsSettings::new(&identity)?.config();
    let (plain, secure) = (TcpListener::bind(ANY).await?, TcpListener::bind(ANY).await?);
    say(&Addresses { http_endpoint: plain.local_addr()?, endpoint: secure.local_addr()? })?;
    let key = bare::key()?;
    tokio::spawn(bare::serve(plain, None, Arc::clone(&key)));
    tokio::spawn(bare::serve(secure, Some(tls.into()), key)).await?;
    Ok(())
}

/// Is Yaoku's server as a library, as `yaoku dev` starts it: what is measured is one thing that the program does not let one
/// change. Each line on standard input is answered with the number of database accesses by calls.
pub(crate) async fn node(data: &Path, null_sink: bool) -> anyhow::Result<()> {
    let ca = PrivateCa::create_or_load(data, &Names::default(), now())?;
    let store = open_store(&format!("sqlite:{}", data.join("yaoku.db").display())).await?;
    let region: Region = "cn-hangzhou".parse()?;
    let key_file = data.join(root::KEY_FILE);
    let root = root::open_or_create(&*store, &region, key_file, &SystemRandom, now()).await?;
    let clock = Arc::new(MachineClock);
    let running = Running::start(Setup {
        data: data.to_owned(),
        name: "one".parse()?,
        store: Arc::new(Counted(store)),
        root,
        disk: if null_sink { Arc::new(NullDisk::default()) } else { Arc::new(RealDisk) },
        region,
        clock: clock.clone(),
        domain_clock: clock.clone(),
        steady_clock: clock,
        boot_id: std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?,
        ca_pem: ca.ca_pem,
        limits: node::Limits {
            custom_policies_of_user: POLICIES,
            key_versions: KEY_VERSIONS,
            ..node::Limits::default()
        },
        throttle: throttle::Limits::NONE,
        journal: audit::Options::default(),
        webhooks: Vec::new(),
        hooks: Hooks::default(),
    })
    .await?;
    let account = dev::prepare(&running.node).await?;
    let plain = Listener::bind(ANY.into(), None).await?;
    let secure = Listener::bind(ANY.into(), Some(TlsSettings::new(&ca.server)?)).await?;
    let addresses = Addresses { http_endpoint: plain.local_addr(), endpoint: secure.local_addr() };
    let account = Account {
        access_key_id: account.root.id.to_string(),
        access_key_secret: account.root.secret.expose_text().to_owned(),
        key_id: account.key.to_string(),
        user_name: account.user.to_string(),
        user_access_key_id: account.user_key.id.to_string(),
        user_access_key_secret: account.user_key.secret.expose_text().to_owned(),
    };
    say(&Ready { addresses, account })?;
    std::thread::spawn(count_when_asked);
    let gateway = Gateway::new(Arc::clone(&running.node), Door::Network);
    let handler = Arc::new(Marked(gateway));
    listen::serve(vec![plain, secure], handler, Limits::default(), pending()).await;
    Ok(())
}

fn say(ready: &impl Serialize) -> anyhow::Result<()> {
    let mut out = io::stdout();
    writeln!(out, "{}", serde_json::to_string(ready)?)?;
    out.flush().context("nobody listens")
}

fn count_when_asked() {
    for _ in io::stdin().lines().map_while(Result::ok) {
        _ = writeln!(io::stdout(), "{}", ACCESSES.load(Relaxed));
    }
}

/// Transactions opened by calls: reads and writes. What a node does beside them is not counted.
static ACCESSES: AtomicU64 = AtomicU64::new(0);

tokio::task_local! {
    /// Set while a call is served.
    static CALL: ();
}

/// A gateway whose calls are told from what runs beside them.
struct Marked(Gateway);

impl Handler for Marked {
    async fn handle(&self, call: HttpCall) -> HttpReply {
        CALL.scope((), self.0.handle(call)).await
    }

    fn refuse(&self, fault: Fault, peer: SocketAddr) -> HttpReply {
        self.0.refuse(fault, peer)
    }
}

/// A store that counts the transactions of calls.
#[derive(Debug)]
struct Counted(Arc<dyn Store>);

impl Counted {
    fn count() {
        if CALL.try_with(|()| ()).is_ok() {
            ACCESSES.fetch_add(1, Relaxed);
        }
    }
}

#[async_trait]
impl Store for Counted {
    fn is_shared(&self) -> bool {
        self.0.is_shared()
    }

    async fn read(&self) -> Result<Box<dyn Transaction>, StoreError> {
        Self::count();
        self.0.read().await
    }

    async fn write(&self) -> Result<Box<dyn Transaction>, StoreError> {
        Self::count();
        self.0.write().await
    }

    async fn changes(&self, done: &Mark) -> Result<Feed, StoreError> {
        self.0.changes(done).await
    }

    async fn mark(&self) -> Result<Mark, StoreError> {
        self.0.mark().await
    }

    async fn beat(&self, name: &str, run: &str, mark: &Mark) -> Result<bool, StoreError> {
        self.0.beat(name, run, mark).await
    }

    async fn tell(&self, name: &str) -> Result<(), StoreError> {
        self.0.tell(name).await
    }

    async fn ears(&self) -> Result<Option<Box<dyn Ears>>, StoreError> {
        self.0.ears().await
    }
}

/// A disk that writes nothing to the audit segments: they get the length that they would have, and no
/// byte. Other files are written.
#[derive(Debug, Default)]
struct NullDisk {
    /// The segments that are open.
    segments: Mutex<BTreeSet<RawFd>>,
}

impl NullDisk {
    fn segments(&self) -> MutexGuard<'_, BTreeSet<RawFd>> {
        self.segments.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk for NullDisk {
    fn open_append(&self, path: &Path) -> io::Result<File> {
        let file = RealDisk.open_append(path)?;
        let fd = file.as_raw_fd();
        if path.iter().any(|it| it == "audit") {
            self.segments().insert(fd);
        } else {
            // The number was a segment's that is closed, perhaps.
            self.segments().remove(&fd);
        }
        Ok(file)
    }

    fn append(&self, file: &File, bytes: &[u8]) -> io::Result<()> {
        if self.segments().contains(&file.as_raw_fd()) {
            return file.set_len(file.metadata()?.len() + bytes.len() as u64);
        }
        RealDisk.append(file, bytes)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        if self.segments().contains(&file.as_raw_fd()) { Ok(()) } else { RealDisk.sync(file) }
    }
}

/// The machine's clock.
struct MachineClock;

impl Clock for MachineClock {
    fn now(&self) -> Timestamp {
        now()
    }
}

//! A whole node, served over HTTP in this process, on either database; and the parties that call it.

pub(crate) mod client;
mod stall;
pub(crate) mod things;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use tempfile::TempDir;
use tokio::{sync::oneshot, task::JoinHandle};
use yaoku_crypto::random::SystemRandom;
use yaoku_model::{
    identity::{Attachment, CustomPolicy, Holder, PolicyType, Role, User},
    ids::{AccountId, UserName},
    time::{Clock as _, ManualClock, Timestamp},
};
use yaoku_server::{
    accounts,
    api::{self, Product, Spec},
    audit::{self, Event, Tail},
    disk::RealDisk,
    gateway::{Door, Gateway},
    hooks::Hooks,
    listen::{self, Listener},
    node::{self, Node},
    root,
    start::{Running, Setup, StartError},
    throttle,
};
use yaoku_store::{Held, Transaction, testing};
use yaoku_wire::rpc::Format;

pub(crate) use stall::Stall;

use client::{Answer, KMS, Key, Outbound, Param, Scheme, exchange};

/// 2026-01-02T03:04:05Z.
pub(crate) const NOW: Timestamp = Timestamp::from_unix_seconds(1_767_323_045);

pub(crate) const ALLOW_ALL: &str =
    r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
pub(crate) const DENY_ALL: &str =
    r#"{"Version":"1","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#;

/// Which engine keeps a world.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Database {
    Sqlite,
    Postgres,
}

/// A data directory, its database, and the node that runs on them.
pub(crate) struct World {
    pub(crate) data: Arc<TempDir>,
    pub(crate) url: String,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) node: Arc<Node>,
    address: SocketAddr,
    running: Running,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
    told: Mutex<Vec<Told>>,
}

/// What is left of a world that has stopped.
pub(crate) struct Stopped {
    pub(crate) data: Arc<TempDir>,
    pub(crate) url: String,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) told: Vec<Told>,
}

/// An answer that was given, and whether the caller was known.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) known: bool,
    pub(crate) answer: Answer,
}

/// Somebody with an access key.
#[derive(Clone, Debug)]
pub(crate) struct Party {
    pub(crate) account: AccountId,
    pub(crate) key: Key,
}

impl World {
    /// An empty one.
    pub(crate) async fn new(database: Database) -> Self {
        Self::throttled(database, throttle::Limits::NONE).await
    }

    /// An empty one with limits on calls.
    pub(crate) async fn throttled(database: Database, limits: throttle::Limits) -> Self {
        let data = Arc::new(tempfile::tempdir().unwrap());
        let url = match database {
            Database::Sqlite => format!("sqlite:{}", data.path().join("yaoku.db").display()),
            Database::Postgres => testing::TestPostgres::shared().new_database().await,
        };
        let node = Place { name: "one", key_file: data.path().join(root::KEY_FILE), stall: None };
        Self::open_at(&node, data, url, Arc::new(ManualClock::at(NOW)), limits).await
    }

    /// Another node on the same database, with a data directory and nonces of its own.
    pub(crate) async fn beside(&self) -> Self {
        self.beside_by(Arc::clone(&self.clock)).await
    }

    /// The same, and `stall` can make it hang: then it does not poll.
    pub(crate) async fn beside_stalled_by(&self, stall: &Stall) -> Self {
        self.beside_as(Arc::clone(&self.clock), Some(stall.clone())).await
    }

    /// The same, with clocks of its own too.
    pub(crate) async fn beside_by(&self, clock: Arc<ManualClock>) -> Self {
        self.beside_as(clock, None).await
    }

    async fn beside_as(&self, clock: Arc<ManualClock>, stall: Option<Stall>) -> Self {
        let data = Arc::new(tempfile::tempdir().unwrap());
        let key_file = self.data.path().join(root::KEY_FILE);
        let node = Place { name: "two", key_file, stall };
        Self::open_at(&node, data, self.url.clone(), clock, throttle::Limits::NONE).await
    }

    /// Starts a node on what is there.
    pub(crate) async fn open(data: Arc<TempDir>, url: String, clock: Arc<ManualClock>) -> Self {
        let node = Place { name: "one", key_file: data.path().join(root::KEY_FILE), stall: None };
        Self::open_at(&node, data, url, clock, throttle::Limits::NONE).await
    }

    async fn open_at(
        place: &Place,
        data: Arc<TempDir>,
        url: String,
        clock: Arc<ManualClock>,
        limits: throttle::Limits,
    ) -> Self {
        let running = start_at(place, data.path().to_owned(), &url, &clock, limits).await.unwrap();
        let node = Arc::clone(&running.node);
        let listener = Listener::bind(([127, 0, 0, 1], 0).into(), None).await.unwrap();
        let address = listener.local_addr();
        let gateway = Arc::new(Gateway::new(Arc::clone(&node), Door::Network));
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async { _ = stopped.await };
        let limits = listen::Limits::default();
        let served = tokio::spawn(listen::serve(vec![listener], gateway, limits, stopped));
        let told = Mutex::default();
        Self { data, url, clock, node, address, running, stop, served, told }
    }

    /// Stops gracefully.
    pub(crate) async fn stop(self) -> Stopped {
        drop(self.stop);
        self.served.await.unwrap();
        drop(self.node);
        self.running.stop().await.unwrap();
        let told = self.told.into_inner().unwrap();
        Stopped { data: self.data, url: self.url, clock: self.clock, told }
    }

    /// Ends as a kill does: nothing more is written down.
    pub(crate) async fn kill(self) -> Stopped {
        drop(self.stop);
        self.served.await.unwrap();
        let left = Arc::downgrade(&self.node);
        drop((self.node, self.running));
        while left.strong_count() > 0 {
            tokio::task::yield_now().await;
        }
        let told = self.told.into_inner().unwrap();
        Stopped { data: self.data, url: self.url, clock: self.clock, told }
    }

    /// A new account, called by its root.
    pub(crate) async fn account(&self) -> Party {
        let mut tx = self.node.store.write().await.unwrap();
        let account = accounts::create_account(&self.node, tx.tx(), NOW).await.unwrap().id;
        self.party(tx, account, None).await
    }

    /// A new user of `of`'s account, with these policies.
    pub(crate) async fn user(&self, of: &Party, name: &str, policies: &[&str]) -> Party {
        let (account, user): (_, UserName) = (of.account.clone(), name.parse().unwrap());
        let mut tx = self.node.store.write().await.unwrap();
        let id = format!("{:018}", Self::unique());
        let row = User::new(account.clone(), user.clone(), id, NOW);
        assert!(tx.insert_user(&row).await.unwrap());
        give(&mut *tx, &account, &Holder::User(user.clone()), policies).await;
        self.party(tx, account, Some(user)).await
    }

    /// A session of a new role of `of`'s account, with these policies, narrowed to `session` if there
    /// is one. It lasts as short as one can.
    pub(crate) async fn session(
        &self,
        of: &Party,
        name: &str,
        policies: &[&str],
        session: Option<&str>,
    ) -> Party {
        let account = &of.account;
        let mut tx = self.node.store.write().await.unwrap();
        let role = Role {
            account: account.clone(),
            name: name.parse().unwrap(),
            id: format!("{:018}", Self::unique()),
            description: String::new(),
            trust: format!(
                r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{{"RAM":"acs:ram::{account}:root"}}}}]}}"#
            ),
            max_session: 3600,
            console_login: false,
            created: NOW,
            updated: NOW,
        };
        assert!(tx.insert_role(&role).await.unwrap());
        give(&mut *tx, account, &Holder::Role(role.name.clone()), policies).await;
        self.node.caches.apply(&tx.commit().await.unwrap().changes);
        let by = self.user(of, &format!("begins-{name}"), &[ALLOW_ALL]).await;
        let arn = format!("acs:ram::{account}:role/{name}");
        let mut sent = vec![("RoleArn", &*arn), ("RoleSessionName", "one")];
        sent.push(("DurationSeconds", "900"));
        sent.extend(session.map(|it| ("Policy", it)));
        let sent: Vec<Param> = sent.iter().map(|it| (it.0.to_owned(), it.1.to_owned())).collect();
        let spec = api::operation(Product::Sts, "AssumeRole").unwrap().spec;
        let begun = self.call_of(&by, spec, &sent).await;
        let text = |name: &str| begun.text(&format!("/Credentials/{name}"));
        let (id, secret) = (text("AccessKeyId"), text("AccessKeySecret"));
        assert!(!id.is_empty(), "{begun:?}");
        let token = Some(text("SecurityToken"));
        Party { account: account.clone(), key: Key { id, secret, token } }
    }

    /// Switches somebody's access key off.
    pub(crate) async fn switch_off(&self, party: &Party) {
        let mut tx = self.node.store.write().await.unwrap();
        tx.set_access_key_active(&party.key.id.parse().unwrap(), false).await.unwrap();
        self.node.caches.apply(&tx.commit().await.unwrap().changes);
    }

    /// A new instance of `of`'s account.
    pub(crate) async fn instance(&self, of: &Party) -> String {
        let mut tx = self.node.store.write().await.unwrap();
        let made = accounts::create_instance(&self.node, tx.tx(), &of.account, NOW).await.unwrap();
        self.node.caches.apply(&tx.commit().await.unwrap().changes);
        made.id.to_string()
    }

    async fn party(
        &self,
        mut tx: Box<dyn Transaction>,
        account: AccountId,
        user: Option<UserName>,
    ) -> Party {
        let key =
            accounts::create_access_key(&self.node, tx.tx(), &account, user.as_ref(), NOW).await;
        let key = key.unwrap();
        self.node.caches.apply(&tx.commit().await.unwrap().changes);
        let secret = key.secret.expose_text().to_owned();
        Party { account, key: Key { id: key.id.to_string(), secret, token: None } }
    }

    /// Calls KMS as somebody it knows.
    pub(crate) async fn call(&self, by: &Party, action: &str, params: &[(&str, &str)]) -> Answer {
        let params: Vec<Param> =
            params.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        self.call_with(by, action, &params).await
    }

    /// The same, with parameters that were put together.
    pub(crate) async fn call_with(&self, by: &Party, action: &str, params: &[Param]) -> Answer {
        self.send(&self.outbound(Scheme::V3, action, params).sign(&by.key), true).await
    }

    /// Calls an operation of any product as somebody it knows.
    pub(crate) async fn call_of(&self, by: &Party, spec: &Spec, params: &[Param]) -> Answer {
        let call = self.outbound_of(Scheme::V3, spec.product, spec.name, params);
        self.send(&call.sign(&by.key), true).await
    }

    /// A success, or the test fails.
    pub(crate) async fn done(&self, by: &Party, action: &str, params: &[(&str, &str)]) -> Answer {
        let answer = self.call(by, action, params).await;
        assert_eq!(answer.status, 200, "{action}: {answer:?}");
        answer
    }

    /// A call of KMS or of our administration, of today, with a nonce of its own.
    pub(crate) fn outbound<'a>(
        &self,
        scheme: Scheme,
        action: &'a str,
        params: &'a [Param],
    ) -> Outbound<'a> {
        // Several have operations of one name: that of KMS is meant then.
        let products = [Product::Kms, Product::Yaoku, Product::Sts, Product::Ram];
        let has = |it: &Product| api::operation(*it, action).is_some();
        let version = products.into_iter().find(has).map_or(KMS, Product::version);
        Outbound { version, ..self.outbound_of(scheme, Product::Kms, action, params) }
    }

    /// The same, of any product.
    pub(crate) fn outbound_of<'a>(
        &self,
        scheme: Scheme,
        product: Product,
        action: &'a str,
        params: &'a [Param],
    ) -> Outbound<'a> {
        let nonce: &'static str = format!("nonce-{}", Self::unique()).leak();
        let (at, format) = (self.clock.now(), Format::Json);
        Outbound { scheme, version: product.version(), action, format, params, at, nonce }
    }

    /// Sends bytes. `known`: whether the server must know who calls.
    pub(crate) async fn send(&self, request: &[u8], known: bool) -> Answer {
        let answer = exchange(self.address, request).await.expect("an answer");
        self.told.lock().unwrap().push(Told { known, answer: answer.clone() });
        answer
    }

    /// A number that nobody else gets.
    pub(crate) fn unique() -> u64 {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        NEXT.fetch_add(1, Ordering::Relaxed)
    }

    /// Every table that a refusal must leave as it is.
    pub(crate) async fn state(&self) -> BTreeMap<String, Vec<String>> {
        let mut dump = testing::dump(&self.url).await;
        // The last one numbers events.
        // The feed is pruned meanwhile; what it tells of is in the other tables.
        let pruned = ["feed", "feed_floor", "nodes"];
        for free in ["events", "audit_heads", "nonces", "feed_place"].into_iter().chain(pruned) {
            assert!(dump.remove(free).is_some(), "no table {free}");
        }
        // SQLite counts the feed's places here.
        if let Some(counters) = dump.get_mut("sqlite_sequence") {
            counters.retain(|it| !it.starts_with("'feed'"));
        }
        // Who used a key is counted in memory, and written down now and then.
        assert!(dump.remove("key_uses").is_some(), "no table key_uses");
        // So is when an access key was used, which is its last column.
        for key in dump.get_mut("access_keys").into_iter().flatten() {
            key.truncate(key.rfind(',').expect("columns"));
        }
        // A node renews its claim to its name whatever is called.
        dump.entry("settings".to_owned()).or_default().retain(|it| !it.contains("claim/"));
        dump
    }
}

impl Stopped {
    /// The data directory of a node that was [`World::beside`] another, served again.
    pub(crate) async fn again_beside(self, other: &World) -> World {
        World::open_at(
            &Place { name: "two", key_file: other.data.path().join(root::KEY_FILE), stall: None },
            self.data,
            self.url,
            self.clock,
            throttle::Limits::NONE,
        )
        .await
    }

    /// The same data directory, served again.
    pub(crate) async fn again(self) -> World {
        World::open(self.data, self.url, self.clock).await
    }

    /// One event for each answer to somebody known, with the same code, and none by name for
    /// strangers, who are only counted.
    pub(crate) async fn events_equal_answers(&self) {
        let events = self.events().await;
        let mut counted = 0;
        for told in &self.told {
            let id = told.answer.request_id();
            let its: Vec<_> = events.iter().filter(|it| it.request_id == id).collect();
            assert!(!id.is_empty(), "{told:?}");
            assert_eq!(its.len(), usize::from(told.known), "{told:?} {its:?}");
            for event in its {
                assert_eq!(event.status, told.answer.status, "{told:?}");
                assert_eq!(event.code.as_deref().unwrap_or_default(), told.answer.code());
            }
            counted += u64::from(!told.known);
        }
        let strangers = events.iter().filter(|it| it.account.is_none());
        assert_eq!(strangers.map(|it| it.count).sum::<u64>(), counted);
        assert_eq!(events.iter().map(|it| it.count).sum::<u64>(), self.told.len() as u64);
    }

    /// Every event: those of its journal, and those of writes that still wait in the store, because
    /// PostgreSQL had an older transaction open.
    pub(crate) async fn events(&self) -> Vec<Event> {
        let segments = audit::directory(self.data.path(), &"one".parse().unwrap());
        let (entries, _) = Tail::last(&segments, usize::MAX).unwrap();
        let highest = entries.iter().filter_map(|it| it.row).max().unwrap_or(0);
        let mut events: Vec<_> = entries.into_iter().map(|it| it.event).collect();
        for line in &testing::dump(&self.url).await["events"] {
            let number: String = line.chars().filter(|it| *it != '(').collect();
            let number: i64 = number.split(',').next().unwrap().parse().unwrap();
            let bytes = line.rsplit(['x', 'X']).next().unwrap();
            let bytes = bytes.trim_matches(|it: char| !it.is_ascii_hexdigit());
            if number > highest {
                events.push(Event::from_row(&hex::decode(bytes).unwrap()).unwrap());
            }
        }
        events
    }
}

/// Gives an identity policies of its own.
async fn give(tx: &mut dyn Transaction, account: &AccountId, to: &Holder, policies: &[&str]) {
    for (index, document) in policies.iter().enumerate() {
        let own = format!("{}-{}-{index}", to.kind(), to.name()).parse().unwrap();
        let policy = CustomPolicy::new(account.clone(), own, NOW);
        tx.insert_custom_policy(&policy, document).await.unwrap();
        let policy = Attachment { kind: PolicyType::Custom, policy: policy.name };
        let held = Held { policy, attached: NOW };
        tx.attach(account, to, &held).await.unwrap();
    }
}

/// A node's name, and where its root key is.
struct Place {
    name: &'static str,
    key_file: PathBuf,
    stall: Option<Stall>,
}

/// Starts a node, or says why not.
pub(crate) async fn start(
    data: PathBuf,
    url: &str,
    clock: &Arc<ManualClock>,
) -> Result<Running, StartError> {
    let place = Place { name: "one", key_file: data.join(root::KEY_FILE), stall: None };
    start_at(&place, data, url, clock, throttle::Limits::NONE).await
}

async fn start_at(
    place: &Place,
    data: PathBuf,
    url: &str,
    clock: &Arc<ManualClock>,
    limits: throttle::Limits,
) -> Result<Running, StartError> {
    let store = yaoku_store::open(url).await?;
    let store = match &place.stall {
        Some(stall) => stall.over(store),
        None => store,
    };
    let region = "cn-hangzhou".parse().unwrap();
    let key_file = place.key_file.clone();
    let root = root::open_or_create(&*store, &region, key_file, &SystemRandom, NOW).await;
    Running::start(Setup {
        data,
        name: place.name.parse().unwrap(),
        store,
        root: root.unwrap(),
        region,
        clock: clock.clone(),
        domain_clock: clock.clone(),
        steady_clock: clock.clone(),
        boot_id: "boot".to_owned(),
        ca_pem: "the CA".to_owned(),
        limits: node::Limits::default(),
        throttle: limits,
        journal: audit::Options::default(),
        webhooks: Vec::new(),
        hooks: Hooks::default(),
        disk: Arc::new(RealDisk),
    })
    .await
}

//! The tests' harness: a whole node on a temporary SQLite file, with clocks that stand until they
//! are moved, called through the pipeline. Of a file that lists them ([`on_postgres_too`]), tests run
//! a second time on PostgreSQL.

use std::{cell::Cell, path::PathBuf, sync::Arc};

use tempfile::TempDir;
use yaoku_crypto::random::SystemRandom;
use yaoku_model::{
    arn::Arn,
    identity::Identity,
    ids::{AccountId, InstanceId, KeyId, UserName},
    key::Key,
    policy::{Document, Kind, Layer},
    time::{ManualClock, Timestamp},
};
use yaoku_store::{EventRow, testing::TestPostgres};
use yaoku_wire::{error::Code, fields::Fields, rpc::Format};

use crate::{
    accounts,
    api::{Entry, Product, Spec, operation, tests::must_be_known},
    audit::{self, Event, Source, Tail, UserAgent},
    caller::{Caller, Principal},
    disk::{Disk, RealDisk},
    hooks::Hooks,
    node::{Limits, Node},
    pipeline::Turn,
    root,
    start::{Running, Setup},
    throttle,
    webhooks::Webhook,
};

/// A node with one account, one instance and (once asked for) one key.
pub(crate) struct Kms {
    pub(crate) node: Arc<Node>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) account: AccountId,
    pub(crate) instance_id: InstanceId,
    caller: Caller,
    format: Format,
    running: Option<Running>,
    pub(crate) data: Arc<TempDir>,
    url: String,
}

thread_local! {
    /// Whether the nodes that this thread's test makes stand on PostgreSQL.
    static ON_POSTGRES: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread's test is run on PostgreSQL.
pub(crate) fn is_on_postgres() -> bool {
    ON_POSTGRES.get()
}

/// Runs a test, which brings a runtime of its own, with nodes that stand on PostgreSQL.
pub(crate) fn on_postgres(test: fn()) {
    struct Back;
    impl Drop for Back {
        fn drop(&mut self) {
            ON_POSTGRES.set(false);
        }
    }
    ON_POSTGRES.set(true);
    let _back = Back;
    test();
}

/// Runs these tests of a file a second time, on PostgreSQL.
macro_rules! on_postgres_too {
    ($($test:ident),+ $(,)?) => {
        mod on_postgres {
            $(#[test] fn $test() { crate::testing::on_postgres(super::$test) })+
        }
    };
}

pub(crate) use on_postgres_too;

/// What a node stands on.
struct Ground<'a> {
    name: &'a str,
    /// Whether its steady clock stands whatever the others do, so that no lease on a shared store ends.
    stands: bool,
    /// Holds its journal.
    data: TempDir,
    key_file: PathBuf,
    url: String,
    disk: Arc<dyn Disk>,
    limits: Limits,
    webhooks: Vec<Webhook>,
    hooks: Hooks,
}

impl Ground<'_> {
    fn sqlite() -> Self {
        let data = tempfile::tempdir().unwrap();
        Self {
            name: "one",
            stands: false,
            key_file: data.path().join(root::KEY_FILE),
            url: format!("sqlite:{}", data.path().join("yaoku.db").display()),
            data,
            disk: Arc::new(RealDisk),
            limits: Limits::default(),
            webhooks: Vec::new(),
            hooks: Hooks::default(),
        }
    }
}

impl Ground<'_> {
    /// What this test is run on.
    async fn new() -> Self {
        if !ON_POSTGRES.get() {
            return Self::sqlite();
        }
        let url = TestPostgres::shared().new_database().await;
        Self { url, stands: true, ..Self::sqlite() }
    }

    async fn start(&mut self, clock: &Arc<ManualClock>) -> Running {
        let region = "cn-hangzhou".parse().unwrap();
        let store = yaoku_store::open(&self.url).await.unwrap();
        let key_file = self.key_file.clone();
        let root = root::open_or_create(&*store, &region, key_file, &SystemRandom, NOW).await;
        let steady = if self.stands { Arc::new(ManualClock::at(NOW)) } else { Arc::clone(clock) };
        let setup = Setup {
            data: self.data.path().to_owned(),
            name: self.name.parse().unwrap(),
            store,
            root: root.unwrap(),
            region,
            clock: clock.clone(),
            domain_clock: clock.clone(),
            steady_clock: steady,
            boot_id: "boot".to_owned(),
            ca_pem: "the CA".to_owned(),
            limits: self.limits,
            throttle: throttle::Limits::NONE,
            journal: audit::Options::default(),
            webhooks: std::mem::take(&mut self.webhooks),
            hooks: std::mem::take(&mut self.hooks),
            disk: Arc::clone(&self.disk),
        };
        Running::start(setup).await.unwrap()
    }
}

/// Stands after the last event.
const LAST: &[u8] = b"last";

/// 2026-01-02T03:04:05Z.
pub(crate) const NOW: Timestamp = Timestamp::from_unix_seconds(1_767_323_045);

impl Kms {
    /// A new node, called as the account's root.
    pub(crate) async fn new() -> Self {
        Self::with_limits(Limits::default()).await
    }

    /// A new node where so much may be had.
    pub(crate) async fn with_limits(limits: Limits) -> Self {
        Self::on(Ground { limits, ..Ground::new().await }).await
    }

    /// A new node whose journal is on this disk.
    pub(crate) async fn on_disk(disk: Arc<dyn Disk>) -> Self {
        Self::on(Ground { disk, ..Ground::sqlite() }).await
    }

    /// A new node that tells these webhooks.
    pub(crate) async fn with_webhooks(webhooks: Vec<Webhook>) -> Self {
        Self::on(Ground { webhooks, ..Ground::new().await }).await
    }

    /// A new node that may call these hooks.
    pub(crate) async fn with_hooks(hooks: Hooks) -> Self {
        Self::on(Ground { hooks, ..Ground::sqlite() }).await
    }

    /// The same node after a stop and a start, with these webhooks.
    pub(crate) async fn started_again(self, webhooks: Vec<Webhook>) -> Self {
        self.started_again_with(webhooks, Hooks::default()).await
    }

    /// The same node after a stop and a start, with these webhooks and hooks.
    pub(crate) async fn started_again_with(mut self, webhooks: Vec<Webhook>, hooks: Hooks) -> Self {
        self.running.take().unwrap().stop().await.unwrap();
        let data = Arc::into_inner(self.data).unwrap();
        let key_file = data.path().join(root::KEY_FILE);
        let url = self.url.clone();
        let mut ground = Ground { data, key_file, url, webhooks, hooks, ..Ground::sqlite() };
        let running = ground.start(&self.clock).await;
        let (node, data) = (Arc::clone(&running.node), Arc::new(ground.data));
        Self { node, data, running: Some(running), ..self }
    }

    /// Two nodes on one PostgreSQL, each called as the root of an account of its own. Their clocks
    /// are two.
    pub(crate) async fn two() -> (Self, Self) {
        let url = TestPostgres::shared().new_database().await;
        let one = Self::on(Ground { url: url.clone(), ..Ground::sqlite() }).await;
        let key_file = one.data.path().join(root::KEY_FILE);
        let two = Self::on(Ground { name: "two", url, key_file, ..Ground::sqlite() }).await;
        (one, two)
    }

    async fn on(mut ground: Ground<'_>) -> Self {
        let clock = Arc::new(ManualClock::at(NOW));
        let running = ground.start(&clock).await;
        let Ground { data, url, .. } = ground;
        let node = Arc::clone(&running.node);
        let mut tx = node.store.write().await.unwrap();
        let account = accounts::create_account(&node, tx.tx(), NOW).await.unwrap().id;
        let instance = accounts::create_instance(&node, tx.tx(), &account, NOW).await.unwrap().id;
        node.caches.apply(&tx.commit().await.unwrap().changes);
        let caller = Caller {
            account: account.clone(),
            principal: Principal::Root,
            session: None,
            access_key: None,
            policies: Arc::default(),
            kms_open: true,
            source: Some([127, 0, 0, 1].into()),
            secure: true,
        };
        Self {
            node,
            clock,
            account,
            instance_id: instance,
            caller,
            format: Format::Json,
            running: Some(running),
            data: Arc::new(data),
            url,
        }
    }

    /// The same node, called as a RAM user with these policies.
    pub(crate) fn as_user(&self, policies: &[&str]) -> Self {
        let parse = |it: &&str| Arc::new(Document::parse(it, Kind::Identity).unwrap());
        let user: UserName = "alice".parse().unwrap();
        self.with(Caller {
            principal: Principal::User(user),
            policies: Arc::new(Layer::new(policies.iter().map(parse).collect())),
            ..self.caller.clone()
        })
    }

    /// The same node, called in a session of a role that may do everything.
    pub(crate) fn in_session(&self, role: &str, name: &str) -> Self {
        let all = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
        let all = Arc::new(Document::parse(all, Kind::Identity).unwrap());
        self.with(Caller {
            principal: Principal::Role(role.parse().unwrap(), name.parse().unwrap()),
            policies: Arc::new(Layer::new(vec![all])),
            ..self.caller.clone()
        })
    }

    /// The same node, called in the session that an access key and its token stand for. What they sign
    /// is not looked at.
    pub(crate) async fn in_session_of(&self, id: &str, token: &str) -> Result<Self, Code> {
        let (node, now) = (&self.node, self.clock_now());
        let id = id.parse().unwrap();
        let found = node.sessions.credential(&id, Some(token), now);
        let credential = found.map_err(|error| error.code())?;
        let rights = node.caches.rights(&credential.account, &credential.identity).await.unwrap();
        let session = credential.session.clone().unwrap();
        let Identity::Role(role) = &credential.identity else { panic!("a role's") };
        Ok(self.with(Caller {
            principal: Principal::Role(role.clone(), session.name.clone()),
            policies: rights.unwrap().policies,
            access_key: Some(id),
            session: Some(session),
            ..self.caller.clone()
        }))
    }

    /// The same node, called as a RAM user who may do everything but `action` (`kms:Encrypt`).
    pub(crate) fn without(&self, action: &str) -> Self {
        self.as_user(&[
            r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#,
            &format!(
                r#"{{"Version":"1","Statement":[{{"Effect":"Deny","Action":"{action}","Resource":"*"}}]}}"#
            ),
        ])
    }

    /// The same node, called as the root of another account, which is made for it.
    pub(crate) async fn as_stranger(&self) -> Self {
        let mut tx = self.node.store.write().await.unwrap();
        let account = accounts::create_account(&self.node, tx.tx(), NOW).await.unwrap().id;
        self.node.caches.apply(&tx.commit().await.unwrap().changes);
        let mut kms = self.with(Caller { account: account.clone(), ..self.caller.clone() });
        kms.account = account;
        kms
    }

    /// The same node, called as the root of the account before it has opened the service.
    pub(crate) async fn closed(&self) -> Self {
        let mut tx = self.node.store.write().await.unwrap();
        tx.set_kms_open(&self.account, false).await.unwrap();
        self.node.caches.apply(&tx.commit().await.unwrap().changes);
        self.with(Caller { kms_open: false, ..self.caller.clone() })
    }

    /// Changes the row of a key, past all rules.
    pub(crate) async fn edit_key(&self, id: &KeyId, change: impl FnOnce(&mut Key)) {
        let mut tx = self.node.store.write().await.unwrap();
        let mut key = tx.key(id).await.unwrap().unwrap();
        change(&mut key);
        tx.update_key(&key).await.unwrap();
        self.node.caches.apply(&tx.commit().await.unwrap().changes);
    }

    /// The same node, called by the one who runs the program.
    pub(crate) fn as_operator(&self) -> Self {
        self.with(Caller { principal: Principal::Operator, source: None, ..self.caller.clone() })
    }

    /// The same node, called by one who wants XML.
    pub(crate) fn in_xml(&self) -> Self {
        Self { format: Format::Xml, ..self.with(self.caller.clone()) }
    }

    /// Does all that is due of rotations, until nothing is in hand.
    pub(crate) async fn settle(&self) {
        self.node.rotations.run(&self.node).await.unwrap();
        self.node.rotations.rest().await;
    }

    /// What its clocks say.
    pub(crate) fn clock_now(&self) -> Timestamp {
        yaoku_model::time::Clock::now(&*self.clock)
    }

    /// The address of its database.
    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    fn with(&self, caller: Caller) -> Self {
        Self {
            node: Arc::clone(&self.node),
            clock: Arc::clone(&self.clock),
            account: self.account.clone(),
            instance_id: self.instance_id.clone(),
            caller,
            format: self.format,
            running: None,
            data: Arc::clone(&self.data),
            url: self.url.clone(),
        }
    }

    /// Makes an AES-256 key in the instance.
    pub(crate) async fn key(&self) -> KeyId {
        let instance = self.instance_id.to_string();
        let made = self.call("CreateKey", [("DKMSInstanceId", instance.as_str())]).await.unwrap();
        made.get("KeyMetadata.KeyId").unwrap().parse().unwrap()
    }

    /// Calls an operation of KMS.
    pub(crate) async fn call<const N: usize>(
        &self,
        action: &str,
        params: [(&str, &str); N],
    ) -> Result<Fields, Code> {
        self.call_with(action, &params).await
    }

    /// Calls an operation of KMS, or (if KMS has none of that name) of our administration.
    pub(crate) async fn call_with(
        &self,
        action: &str,
        params: &[(&str, &str)],
    ) -> Result<Fields, Code> {
        let entry = operation(Product::Kms, action).or(operation(Product::Yaoku, action));
        self.call_entry(entry.unwrap_or_else(|| panic!("no operation is called {action}")), params)
            .await
    }

    /// Calls an operation of RAM.
    pub(crate) async fn ram<const N: usize>(
        &self,
        action: &str,
        params: [(&str, &str); N],
    ) -> Result<Fields, Code> {
        let entry = operation(Product::Ram, action);
        self.call_entry(entry.unwrap_or_else(|| panic!("RAM has no {action}")), &params).await
    }

    /// Calls an operation of any product.
    pub(crate) async fn call_entry(
        &self,
        entry: &'static Entry,
        params: &[(&str, &str)],
    ) -> Result<Fields, Code> {
        let event =
            |asked: &[Arn], code: Option<Code>| self.event(entry.spec, asked, code).to_row();
        let turn = Turn {
            node: &self.node,
            caller: &self.caller,
            now: yaoku_model::time::Clock::now(&*self.clock),
            entry,
            nonce: None,
            format: self.format,
            fresh: true,
            event: &event,
        };
        let reply = turn.run(&mut params.iter().copied().collect()).await;
        if let Ok(answer) = &reply {
            must_be_known(entry, answer);
        }
        reply.map_err(|error| error.code())
    }

    fn event(&self, spec: &Spec, asked: &[Arn], code: Option<Code>) -> Event {
        Event {
            at: yaoku_model::time::Clock::now(&*self.clock),
            request_id: String::new(),
            account: Some(self.account.clone()),
            principal: self.caller.principal.to_string(),
            access_key: None,
            source_identity: None,
            source: Source::from(std::net::IpAddr::from([127, 0, 0, 1])),
            user_agent: UserAgent::new("tests"),
            action: spec.action().to_string().into(),
            resources: asked.iter().map(|it| it.as_str().to_owned()).collect(),
            code: code.map(|it| it.wire().into()),
            status: code.map_or(200, Code::status),
            tls: true,
            count: 1,
        }
    }

    /// Stops the node and gives what its journal holds.
    pub(crate) async fn events(mut self) -> Vec<Event> {
        self.running.take().unwrap().stop().await.unwrap();
        let mut told = self.told();
        // On PostgreSQL, what was written beside an older transaction, of another test's too, is not
        // shown yet. What comes last is shown when all before it is.
        let (name, after) = (self.node.name.as_str(), self.node.journal.highest_row().unwrap_or(0));
        let mut tx = self.node.store.write().await.unwrap();
        tx.tx().insert_event(name, LAST).await.unwrap();
        tx.commit().await.unwrap();
        let mut waiting = Vec::new();
        while waiting.last().is_none_or(|it: &EventRow| it.event != LAST) {
            let mut tx = self.node.store.read().await.unwrap();
            waiting = tx.events(name, after, 1000).await.unwrap();
            drop(tx);
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        waiting.pop();
        told.extend(waiting.iter().map(|it| Event::from_row(&it.event).unwrap()));
        told
    }

    /// What its journal holds by now.
    pub(crate) fn told(&self) -> Vec<Event> {
        let segments = audit::directory(self.data.path(), &self.node.name);
        let (entries, _) = Tail::last(&segments, usize::MAX).unwrap();
        entries.into_iter().map(|it| it.event).collect()
    }
}

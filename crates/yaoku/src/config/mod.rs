//! What `yaoku init` and `yaoku server` are told: a file, over it the environment, over it `--set`.
//!
//! Each setting is read in one line below, and described in `docs/configuration.md`; a test holds
//! the two together.

mod checks;
mod hooks;
mod layers;
mod section;
mod webhook;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use secrecy::{ExposeSecret as _, SecretString};
use yaoku_model::ids::Region;
use yaoku_server::{
    audit::{self, Fsync, NodeName},
    listen, node,
    private::Privacy,
    root::WrapName,
    throttle::{self, Class, Override, PerClass},
};
use zeroize::Zeroizing;

pub(crate) use self::checks::{Purpose, meet};
pub(crate) use self::hooks::Hooks;
pub(crate) use self::layers::Layers;
use self::section::Section;
pub(crate) use self::webhook::Webhook;

/// All settings.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) name: NodeName,
    pub(crate) data: PathBuf,
    pub(crate) region: Region,
    pub(crate) listen: Listen,
    pub(crate) tls: Tls,
    pub(crate) store: Store,
    pub(crate) seals: Vec<Seal>,
    pub(crate) journal: audit::Options,
    pub(crate) limits: listen::Limits,
    pub(crate) quotas: node::Limits,
    pub(crate) throttle: throttle::Limits,
    pub(crate) oidc: Oidc,
    pub(crate) webhooks: Vec<Webhook>,
    pub(crate) hooks: Hooks,
    pub(crate) log: Log,
    /// Whose files with secrets must be.
    pub(crate) privacy: Privacy,
}

/// `[listen]`: where calls are taken.
#[derive(Debug)]
pub(crate) struct Listen {
    pub(crate) https: Option<SocketAddr>,
    pub(crate) http: Option<SocketAddr>,
    pub(crate) operations: Option<SocketAddr>,
    pub(crate) operations_anywhere: bool,
}

/// `[tls]`: whose certificate is served.
#[derive(Debug)]
pub(crate) struct Tls {
    /// The certificate chain and its key. Without them, the private CA's.
    pub(crate) files: Option<(PathBuf, PathBuf)>,
    /// What clients call the server besides what the private CA certifies anyway.
    pub(crate) names: Vec<String>,
}

/// `[oidc]`: how the keys of identity providers are fetched.
#[derive(Debug, Default)]
pub(crate) struct Oidc {
    /// The certificates that their servers are trusted by. Without it, the machine's.
    pub(crate) ca: Option<PathBuf>,
    /// Whether they may be at addresses that are not public.
    pub(crate) private_networks: bool,
}

/// `[store]`: where the database is.
#[derive(Debug)]
pub(crate) struct Store {
    url: Option<String>,
    url_file: Option<PathBuf>,
}

/// `[[seal]]`: one wrap of the root key.
#[derive(Debug)]
pub(crate) struct Seal {
    pub(crate) name: WrapName,
    pub(crate) how: SealHow,
}

/// How a wrap is opened.
#[derive(Debug)]
pub(crate) enum SealHow {
    /// With a key in a file.
    KeyFile(PathBuf),
    /// With a passphrase: from a file, or given to `yaoku unseal`.
    Passphrase(Option<PathBuf>),
    /// With `needed` of `of` shares: from files, or given to `yaoku unseal`.
    Shares { files: Vec<PathBuf>, needed: u8, of: u8 },
}

/// `[log]`: what is said, and how.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) json: bool,
    pub(crate) level: String,
    pub(crate) calls: bool,
}

impl Config {
    /// Reads all layers. `Err` holds every fault, each with the name of its setting.
    pub(crate) fn read(layers: Layers) -> Result<Self, Vec<String>> {
        let Layers { table, credentials, faults } = layers;
        let mut root = Section::root(table, credentials.clone());
        let notes = root.notes();
        notes.borrow_mut().faults.extend(faults);
        let read = Self::of(&mut root, credentials);
        drop(root);
        let faults = std::mem::take(&mut notes.borrow_mut().faults);
        read.filter(|_| faults.is_empty()).ok_or(faults)
    }

    /// The name of every setting there is.
    #[cfg(test)]
    pub(crate) fn known() -> std::collections::BTreeSet<String> {
        let text = "data = \"/d\"\n[[seal]]\nkind = \"key-file\"\n[[seal]]\nkind = \"passphrase\"\n\
                    [[seal]]\nkind = \"shares\"\n[[throttle.override]]\n[[webhook]]\n";
        let mut root = Section::root(toml::from_str(text).unwrap_or_default(), None);
        let notes = root.notes();
        drop(Self::of(&mut root, None));
        drop(root);
        std::mem::take(&mut notes.borrow_mut().known)
    }

    fn of(root: &mut Section, credentials: Option<PathBuf>) -> Option<Self> {
        let name = root.parsed("name", "1 to 64 of a-z, 0-9 and -");
        let data = root.path("data");
        if data.is_none() {
            root.fault("data", "is needed: the directory where everything is kept");
        }
        let region = root.parsed("region", "a region's name such as cn-hangzhou");
        let listen = Listen::of(&mut root.section("listen"));
        let tls = Tls::of(&mut root.section("tls"));
        let store = Store::of(&mut root.section("store"));
        let seals = Seal::all(root);
        let journal = journal(&mut root.section("audit"));
        let mut quotas = quotas(&mut root.section("quotas"));
        let limits = limits(&mut root.section("limits"), &mut quotas.nonces);
        let throttle = throttle(&mut root.section("throttle"));
        let oidc = Oidc::of(&mut root.section("oidc"));
        let webhooks = Webhook::all(root);
        let hooks = Hooks::of(&mut root.section("hooks"));
        let log = Log::of(&mut root.section("log"));
        Some(Self {
            name: name.or_else(|| "one".parse().ok())?,
            data: data?,
            region: region.or_else(|| "cn-hangzhou".parse().ok())?,
            listen,
            tls,
            store,
            seals,
            journal,
            limits,
            quotas,
            throttle,
            oidc,
            webhooks,
            hooks,
            log,
            privacy: Privacy { credentials },
        })
    }
}

impl Oidc {
    fn of(it: &mut Section) -> Self {
        let mut oidc = Self { ca: it.path("ca"), ..Self::default() };
        it.flag("private_networks", &mut oidc.private_networks);
        oidc
    }
}

impl Listen {
    fn of(it: &mut Section) -> Self {
        const WHAT: &str = "an address with a port such as 127.0.0.1:8443";
        let mut operations_anywhere = false;
        it.flag("operations_anywhere", &mut operations_anywhere);
        Self {
            https: it.parsed("https", WHAT),
            http: it.parsed("http", WHAT),
            operations: it.parsed("operations", WHAT),
            operations_anywhere,
        }
    }
}

impl Tls {
    fn of(it: &mut Section) -> Self {
        let (certificate, key) = (it.path("certificate"), it.path("key"));
        if certificate.is_some() != key.is_some() {
            it.fault("certificate", "and key go together: give both, or neither");
        }
        Self { files: certificate.zip(key), names: it.texts("names") }
    }
}

impl Store {
    fn of(it: &mut Section) -> Self {
        let (url, url_file) = (it.text("url"), it.path("url_file"));
        if url.is_some() && url_file.is_some() {
            it.fault("url", "and url_file are two ways to say the same: give one");
        }
        if url.as_deref().is_some_and(has_password) {
            it.fault("url", "holds a password: put the URL into a file, and name it in url_file");
        }
        Self { url, url_file }
    }

    /// The database's URL; `None` for the file in the data directory.
    pub(crate) fn url(&self) -> anyhow::Result<Option<SecretString>> {
        if let Some(file) = &self.url_file {
            let text = std::fs::read_to_string(file).map(Zeroizing::new);
            let text = text.with_context(|| format!("store.url_file {}", file.display()))?;
            return Ok(Some(text.trim().into()));
        }
        Ok(self.url.as_deref().map(SecretString::from))
    }

    /// The directory of an SQLite database.
    fn directory(&self, data: &Path) -> Option<PathBuf> {
        match self.url().ok()? {
            None => Some(data.to_owned()),
            Some(url) => {
                let file = url.expose_secret().strip_prefix("sqlite:")?;
                Path::new(file).parent().map(Path::to_owned)
            }
        }
    }
}

/// Whether a database's URL tells a password: `…//user:password@…` or `…?password=…`.
fn has_password(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    let user = rest.rsplit_once('@').map_or("", |(user, _)| user);
    let query = rest.split_once('?').map_or("", |(_, query)| query);
    user.contains(':')
        || form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "password")
}

impl Seal {
    fn all(root: &mut Section) -> Vec<Self> {
        let mut seals: Vec<Self> = Vec::new();
        for mut it in root.sections("seal") {
            let Some(seal) = Self::of(&mut it) else { continue };
            if seals.iter().any(|other| other.name == seal.name) {
                it.fault("name", &format!("{} is the name of another seal too", seal.name));
            }
            seals.push(seal);
        }
        seals
    }

    fn of(it: &mut Section) -> Option<Self> {
        let name = it.parsed("name", "1 to 32 of a-z, 0-9 and -");
        if name.is_none() {
            it.fault("name", "is needed: every seal has its own");
        }
        let kinds = [("key-file", 0), ("passphrase", 1), ("shares", 2)];
        let how = match it.choice("kind", &kinds) {
            Some(0) => SealHow::key_file(it),
            Some(1) => Some(SealHow::Passphrase(it.path("passphrase_file"))),
            Some(_) => Some(SealHow::shares(it)),
            None => {
                it.fault("kind", "is needed: \"key-file\", \"passphrase\" or \"shares\"");
                None
            }
        };
        Some(Self { name: name?, how: how? })
    }
}

impl SealHow {
    fn key_file(it: &mut Section) -> Option<Self> {
        let path = it.path("path");
        if path.is_none() {
            it.fault("path", "is needed: the file with the key");
        }
        path.map(Self::KeyFile)
    }

    fn shares(it: &mut Section) -> Self {
        let (mut needed, mut of) = (3_u8, 5_u8);
        it.number("needed", &mut needed);
        it.number("of", &mut of);
        if needed < 2 || needed > of {
            it.fault("needed", &format!("must be from 2 to {of}, the number of shares"));
        }
        Self::Shares { files: it.paths("share_files"), needed, of }
    }

    /// Whether it may be opened without anybody being asked.
    pub(crate) fn opens_by_itself(&self) -> bool {
        match self {
            Self::KeyFile(_) => true,
            Self::Passphrase(file) => file.is_some(),
            Self::Shares { files, needed, .. } => files.len() >= usize::from(*needed),
        }
    }
}

impl Log {
    fn of(it: &mut Section) -> Self {
        let json = it.choice("format", &[("json", true), ("text", false)]).unwrap_or(true);
        let level = it.text("level").unwrap_or_else(|| "info".to_owned());
        if tracing_subscriber::EnvFilter::try_new(&level).is_err() {
            it.fault("level", "must be error, warn, info, debug, trace or off");
        }
        let mut calls = false;
        it.flag("calls", &mut calls);
        Self { json, level, calls }
    }
}

fn journal(it: &mut Section) -> audit::Options {
    let mut options = audit::Options::default();
    let within = it.milliseconds("fsync_within_ms");
    options.fsync = match it.choice("fsync", &[("within", false), ("always", true)]) {
        Some(true) => Fsync::Always,
        _ => within.map_or(options.fsync, Fsync::Within),
    };
    it.number("segment_bytes", &mut options.segment_bytes);
    if let Some(hours) = it.hours("segment_age_h") {
        options.segment_age = hours;
    }
    options.keep_days = it.count("keep_days");
    options.keep_bytes = it.count("keep_bytes");
    it.number("reserve_bytes", &mut options.reserve_bytes);
    options
}

fn limits(it: &mut Section, nonces: &mut usize) -> listen::Limits {
    let mut limits = listen::Limits::default();
    it.seconds("head_timeout_s", &mut limits.head_timeout);
    it.seconds("idle_timeout_s", &mut limits.idle_timeout);
    it.seconds("stranger_timeout_s", &mut limits.stranger_timeout);
    it.seconds("body_timeout_s", &mut limits.body_timeout);
    it.seconds("write_timeout_s", &mut limits.write_timeout);
    it.seconds("handshake_timeout_s", &mut limits.handshake_timeout);
    it.seconds("grace_s", &mut limits.grace);
    it.number("max_connections", &mut limits.max_connections);
    it.number("max_handshakes", &mut limits.max_handshakes);
    it.number("body_bytes", &mut limits.body_bytes);
    it.number("large", &mut limits.large);
    it.number("nonces", nonces);
    limits
}

fn quotas(it: &mut Section) -> node::Limits {
    let mut quotas = node::Limits::default();
    it.number("keys", &mut quotas.keys);
    it.number("aliases", &mut quotas.aliases);
    it.flag("more_default_keys", &mut quotas.more_default_keys);
    it.number("key_versions", &mut quotas.key_versions);
    it.number("asymmetric_version_days", &mut quotas.asymmetric_version_days);
    it.number("tags", &mut quotas.tags);
    it.number("instance_keys", &mut quotas.instance_keys);
    it.number("instance_secrets", &mut quotas.instance_secrets);
    it.number("instance_access", &mut quotas.instance_access);
    it.number("users", &mut quotas.users);
    it.number("access_keys", &mut quotas.access_keys);
    it.number("groups", &mut quotas.groups);
    it.number("groups_of_user", &mut quotas.groups_of_user);
    it.number("mfa_devices", &mut quotas.mfa_devices);
    it.number("custom_policies", &mut quotas.custom_policies);
    it.number("policy_versions", &mut quotas.policy_versions);
    it.number("system_policies_of_user", &mut quotas.system_policies_of_user);
    it.number("custom_policies_of_user", &mut quotas.custom_policies_of_user);
    it.number("system_policies_of_group", &mut quotas.system_policies_of_group);
    it.number("custom_policies_of_group", &mut quotas.custom_policies_of_group);
    it.number("system_policies_of_role", &mut quotas.system_policies_of_role);
    it.number("custom_policies_of_role", &mut quotas.custom_policies_of_role);
    it.number("roles", &mut quotas.roles);
    quotas
}

fn throttle(it: &mut Section) -> throttle::Limits {
    let mut limits = throttle::Limits::generous();
    it.number("burst_s", &mut limits.burst_seconds);
    it.bound("failures_a_minute", &mut limits.failures_a_minute);
    calls_a_second(&mut it.section("account"), &mut limits.account);
    calls_a_second(&mut it.section("principal"), &mut limits.principal);
    limits.overrides = overrides(it, limits.principal);
    limits
}

/// `[[throttle.override]]`: what one identity has instead of `usual`.
fn overrides(it: &mut Section, usual: PerClass) -> Vec<Override> {
    const WHAT: &str = "acs:ram::ACCOUNT:root, or …:user/NAME, …:role/NAME or …:oidc-provider/NAME";
    let mut found: Vec<Override> = Vec::new();
    for mut it in it.sections("override") {
        let given = it.has("principal");
        let of: Option<throttle::Named> = it.parsed("principal", WHAT);
        if !given {
            it.fault("principal", &format!("is needed: whose limits these are, {WHAT}"));
        } else if it.is_empty() {
            it.fault("principal", "has no limit of its own: add one, as in symmetric = 100");
        }
        let mut calls = usual;
        calls_a_second(&mut it, &mut calls);
        let Some(of) = of else { continue };
        if found.iter().any(|other| other.of == of) {
            it.fault("principal", &format!("{of} has another [[throttle.override]] already"));
        }
        found.push(Override { of, calls });
    }
    found
}

fn calls_a_second(it: &mut Section, limits: &mut PerClass) {
    for class in Class::ALL {
        let mut calls = limits.of(class);
        it.bound(class.word(), &mut calls);
        *limits = limits.with(class, calls);
    }
}

#[cfg(test)]
mod tests;

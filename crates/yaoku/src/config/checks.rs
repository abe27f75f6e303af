//! What is wrong with settings that read well: unsafe addresses, files that others may read, a root
//! key beside what it protects. Looks at files, changes nothing.

use std::{
    fs::Metadata,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
};

use rustix::fs::{Access, access};
use secrecy::ExposeSecret as _;
use yaoku_model::time::Timestamp;
use yaoku_server::{
    listen::{
        must_fit,
        tls::{ServerIdentity, TlsSettings},
    },
    root::{Places, WrapName},
};

use super::{Config, Seal, SealHow};

/// What the settings are checked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Purpose {
    /// The deployment is about to be made: key files are not there yet.
    Init,
    /// A server is about to start.
    Serve {
        /// When: a certificate must be valid then.
        now: Timestamp,
    },
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    /// What must be mended first.
    pub(crate) faults: Vec<String>,
    /// What works, but not as it was meant to.
    pub(crate) warnings: Vec<String>,
}

impl Config {
    /// Everything that can be checked without starting.
    pub(crate) fn check(&self, purpose: Purpose) -> Checked {
        let mut found = Checked::default();
        self.addresses(&mut found);
        self.seals(purpose, &mut found);
        self.places(&mut found);
        self.store_file(&mut found);
        self.webhooks(purpose, &mut found);
        if let Err(error) = self.limits.check() {
            found.fault("limits", &error.to_string());
        }
        if let Purpose::Serve { now } = purpose {
            self.certificate(now, &mut found);
            for fault in self.hooks.faults() {
                found.fault("hooks.commands", &fault);
            }
            self.directories(&mut found);
        }
        found
    }

    fn addresses(&self, found: &mut Checked) {
        let listen = &self.listen;
        if listen.https.is_none() && listen.http.is_none() {
            found.fault("listen.https", "is needed: where calls are taken");
        }
        let named = [
            ("listen.https", listen.https),
            ("listen.http", listen.http),
            ("listen.operations", listen.operations),
        ];
        for (nth, (name, address)) in named.iter().enumerate() {
            let before = named.iter().take(nth);
            let taken = before.filter(|(_, it)| it.zip(*address).is_some_and(|(a, b)| meet(a, b)));
            for (other, _) in taken {
                found.fault(name, &format!("is the same address as {other}: each has its own"));
            }
        }
        let open = |it: &Option<SocketAddr>| it.is_some_and(|it| !it.ip().is_loopback());
        if open(&listen.http) {
            found.fault("listen.http", "plain HTTP is served on loopback only: use listen.https");
        }
        if open(&listen.operations) && !listen.operations_anywhere {
            found.fault(
                "listen.operations",
                "is not on loopback, and answers anybody: set listen.operations_anywhere = true \
                 if that is what you want",
            );
        }
    }

    fn seals(&self, purpose: Purpose, found: &mut Checked) {
        if self.seals.is_empty() {
            return found
                .fault("seal", "at least one [[seal]] is needed; two, so that one may be lost");
        }
        let mut missing = 0;
        for seal in &self.seals {
            for file in seal.files() {
                let is_key = matches!(seal.how, SealHow::KeyFile(_));
                match (purpose, file.metadata()) {
                    (_, Ok(it)) => self.private(&seal.setting(), file, &it, found),
                    (Purpose::Init, Err(_)) if is_key || seal.is_shared() => {}
                    (Purpose::Init, Err(error)) => {
                        found.fault(&seal.setting(), &format!("{}: {error}", file.display()));
                    }
                    (Purpose::Serve { .. }, Err(error)) => {
                        missing += 1;
                        found.warn(&seal.setting(), &format!("{}: {error}", file.display()));
                    }
                }
            }
        }
        let asks = self.seals.iter().any(|it| !it.how.opens_by_itself());
        let files: usize = self.seals.iter().map(|it| it.files().len()).sum();
        if missing == files && !asks {
            found.fault("seal", "none can be opened: every file is missing");
        }
    }

    /// A copy of the database must not be a copy of what opens it.
    fn places(&self, found: &mut Checked) {
        let database = self.store.directory(&self.data);
        let places = Places::new(&self.data, database.as_deref());
        let mut keys: Vec<(&WrapName, &Path)> = Vec::new();
        for seal in &self.seals {
            let is_key = matches!(seal.how, SealHow::KeyFile(_));
            for file in seal.files() {
                let others = if is_key { &keys[..] } else { &[] };
                if let Err(why) = places.check(file, others.iter().copied()) {
                    found.fault(&seal.setting(), &why.to_string());
                }
                if is_key {
                    keys.push((&seal.name, file));
                }
            }
        }
    }

    fn store_file(&self, found: &mut Checked) {
        if let Some(file) = &self.store.url_file {
            match file.metadata() {
                Ok(it) => self.private("store.url_file", file, &it, found),
                Err(error) => {
                    return found.fault("store.url_file", &format!("{}: {error}", file.display()));
                }
            }
        }
        if let Ok(Some(url)) = self.store.url() {
            let known = ["sqlite:/", "postgres://", "postgresql://"];
            if !known.iter().any(|it| url.expose_secret().starts_with(it)) {
                found.fault("store", "its URL begins with sqlite:/ (a path) or postgres://");
            }
        }
    }

    /// A server does not start without what it needs to tell whom it should.
    fn webhooks(&self, purpose: Purpose, found: &mut Checked) {
        for it in &self.webhooks {
            if let Ok(about) = it.secret_file.metadata() {
                self.private("webhook.secret_file", &it.secret_file, &about, found);
            }
            if let (Purpose::Serve { .. }, Err(error)) = (purpose, it.open()) {
                found.fault("webhook", &format!("{error:#}"));
            }
        }
    }

    fn certificate(&self, now: Timestamp, found: &mut Checked) {
        let Some((chain, key)) = &self.tls.files else { return };
        let judged = ServerIdentity::read(chain, key, &self.privacy)
            .and_then(|it| TlsSettings::new(&it))
            .and_then(|it| it.must_be_valid_at(now));
        if let Err(error) = judged {
            found.fault("tls", &error.to_string());
        }
    }

    /// The data directory must be there, private and writable; that of an SQLite file, writable.
    fn directories(&self, found: &mut Checked) {
        match self.data.metadata() {
            Err(error) => found.fault("data", &format!("{}: {error}", self.data.display())),
            Ok(it) if !it.is_dir() => found.fault("data", "is not a directory"),
            Ok(it) => {
                self.private("data", &self.data, &it, found);
                if let Err(error) = self.data.canonicalize().and_then(|it| must_fit(&it)) {
                    found.fault("data", &error.to_string());
                }
                writable("data", &self.data, found);
            }
        }
        if let Some(database) = self.store.directory(&self.data).filter(|it| *it != self.data) {
            writable("store", &database, found);
        }
    }

    fn private(&self, setting: &str, path: &Path, it: &Metadata, found: &mut Checked) {
        if let Err(what) = self.privacy.check(path, it) {
            found.fault(setting, &what.to_string());
        }
    }
}

fn writable(setting: &str, directory: &Path, found: &mut Checked) {
    let needed = Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK;
    if let Err(error) = access(directory, needed) {
        found.fault(setting, &format!("{} cannot be written: {error}", directory.display()));
    }
}

/// Whether two listeners would take the same port of the same address. Port 0 is any free one; `::`
/// takes IPv4 too.
pub(crate) fn meet(a: SocketAddr, b: SocketAddr) -> bool {
    let all = |a: IpAddr, b: IpAddr| a.is_unspecified() && (a.is_ipv6() || b.is_ipv4());
    let (one, two) = (a.ip(), b.ip());
    a.port() != 0 && a.port() == b.port() && (one == two || all(one, two) || all(two, one))
}

impl Checked {
    fn fault(&mut self, setting: &str, what: &str) {
        self.faults.push(format!("{setting}: {what}"));
    }

    fn warn(&mut self, setting: &str, what: &str) {
        self.warnings.push(format!("{setting}: {what}"));
    }
}

impl Seal {
    /// The files that it is opened with.
    fn files(&self) -> Vec<&PathBuf> {
        match &self.how {
            SealHow::KeyFile(file) => vec![file],
            SealHow::Passphrase(file) => file.iter().collect(),
            SealHow::Shares { files, .. } => files.iter().collect(),
        }
    }

    fn is_shared(&self) -> bool {
        matches!(self.how, SealHow::Shares { .. })
    }

    fn setting(&self) -> String {
        format!("seal {}", self.name)
    }
}

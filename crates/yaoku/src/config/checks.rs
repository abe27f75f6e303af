//! What is wrong with settings that read well: unsafe addresses, files that others may read, a root
//! key beside what it protects. Looks at files, changes nothing.

use std::{
    fs::Metadata,
    net::SocketAddr,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use secrecy::ExposeSecret as _;
use yaoku_server::{
    listen::tls::{ServerIdentity, TlsSettings},
    root::{Places, WrapName},
};

use super::{Config, Seal, SealHow};

/// What the settings are checked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Purpose {
    /// The deployment is about to be made: key files are not there yet.
    Init,
    /// A server is about to start.
    Serve,
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
        if let Err(error) = self.limits.check() {
            found.fault("limits", &error.to_string());
        }
        if purpose == Purpose::Serve {
            self.certificate(&mut found);
            self.directory(&mut found);
        }
        found
    }

    fn addresses(&self, found: &mut Checked) {
        let listen = &self.listen;
        if listen.https.is_none() && listen.http.is_none() {
            found.fault("listen.https", "is needed: where calls are taken");
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
                    (Purpose::Serve, Err(error)) => {
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

    fn certificate(&self, found: &mut Checked) {
        let Some((chain, key)) = &self.tls.files else { return };
        if let Ok(it) = key.metadata() {
            self.private("tls.key", key, &it, found);
        }
        match ServerIdentity::read(chain, key) {
            Err(error) => found.fault("tls.certificate", &error.to_string()),
            Ok(identity) => {
                if let Err(error) = TlsSettings::new(&identity) {
                    found.fault("tls.certificate", &error.to_string());
                }
            }
        }
    }

    fn directory(&self, found: &mut Checked) {
        match self.data.metadata() {
            Err(error) => found.fault("data", &format!("{}: {error}", self.data.display())),
            Ok(it) if !it.is_dir() => found.fault("data", "is not a directory"),
            Ok(it) => self.private("data", &self.data, &it, found),
        }
    }

    /// Fails what anybody but its owner may open. Credentials of systemd show a group's bits: the
    /// mask of an access list, which names the service's user alone.
    fn private(&self, setting: &str, path: &Path, it: &Metadata, found: &mut Checked) {
        let credential = self.credentials.as_ref().is_some_and(|home| path.starts_with(home));
        let others = if credential { 0o007 } else { 0o077 };
        if let Some(what) = open_to(others, path, it) {
            found.fault(setting, &what);
        }
        let (owner, us) = (it.uid(), rustix::process::geteuid().as_raw());
        if !credential && owner != us && owner != 0 {
            let what = format!("{} belongs to user {owner}, and this is user {us}", path.display());
            found.fault(setting, &what);
        }
    }
}

/// What is wrong with a path whose mode has one of the bits `others`.
pub(crate) fn open_to(others: u32, path: &Path, it: &Metadata) -> Option<String> {
    let mode = it.permissions().mode() & 0o777;
    let path = path.display();
    (mode & others != 0)
        .then(|| format!("{path} may be opened by others (mode {mode:04o}): chmod go= {path}"))
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

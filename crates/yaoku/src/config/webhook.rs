//! `[[webhook]]`: servers that are told of notices.

use std::path::PathBuf;

use anyhow::Context as _;
use secrecy::{ExposeSecret as _, SecretString};
use yaoku_server::webhooks::{self, Reach};

use super::Section;
use crate::{passphrase::first_line, trust};

/// One webhook.
#[derive(Debug)]
pub(crate) struct Webhook {
    /// May let in whoever knows it: shown nowhere.
    url: SecretString,
    /// The file whose first line is what is signed with.
    pub(super) secret_file: PathBuf,
    names: Vec<String>,
    /// The certificates that it is trusted by. Without it, the machine's.
    ca: Option<PathBuf>,
    allow_private: bool,
}

impl Webhook {
    /// All of them.
    pub(super) fn all(root: &mut Section) -> Vec<Self> {
        let mut found: Vec<Self> = Vec::new();
        for mut it in root.sections("webhook") {
            let Some(webhook) = Self::of(&mut it) else { continue };
            let url = webhook.url.expose_secret();
            if found.iter().any(|other| other.url.expose_secret() == url) {
                it.fault("url", "is that of another [[webhook]] too: give one all its names");
            }
            found.push(webhook);
        }
        found
    }

    fn of(it: &mut Section) -> Option<Self> {
        let url = it.text("url");
        if !url.as_deref().is_some_and(webhooks::is_url) {
            it.fault("url", "must be https://… without user and fragment: who is told");
        }
        let given = it.has("secret_file");
        let secret_file = it.path("secret_file");
        if !given {
            it.fault("secret_file", "is needed: the file with the secret that is signed with");
        }
        let names = it.texts("names");
        for name in names.iter().filter(|name| !webhooks::is_name(name)) {
            it.fault("names", &format!("no notice fits {name:?}, where one * stands for anything"));
        }
        let ca = it.path("ca");
        let mut allow_private = false;
        it.flag("allow_private", &mut allow_private);
        Some(Self { url: url?.into(), secret_file: secret_file?, names, ca, allow_private })
    }

    /// The webhook, with its secret read.
    pub(crate) fn open(&self) -> anyhow::Result<webhooks::Webhook> {
        let secret = first_line(&self.secret_file)?;
        let reach = Reach { roots: trust::roots(self.ca.as_deref())?, private: self.allow_private };
        let (url, names) = (self.url.expose_secret(), self.names.clone());
        webhooks::Webhook::new(url, names, secret.as_bytes(), reach)
            .with_context(|| format!("with the secret in {}", self.secret_file.display()))
    }
}

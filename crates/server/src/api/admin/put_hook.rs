//! `PutHook`: says what rotates a generic secret, or changes it.
//!
//! The operator alone may: the program will run or call what is written here, in a session of the role
//! that is named.

use std::path::Path;

use yaoku_model::{
    hook::{Command, Hook, Way},
    ids::{Invalid, RoleName, SecretName},
    secret::{RotationInterval, SecretType},
};
use yaoku_wire::{
    error::{Code, Refusal},
    fields::{Encode, Fields},
    params::Params,
};

use super::{
    ADMIN,
    hook::{MOST, Url, Word, fields},
    must_be_operator,
};
use crate::{
    api::{Effect, Operation, Spec},
    call::{Call, LIVE_SECRET},
    error::ApiError,
    hooks::program_fault,
};

/// What is said of a program that the configuration does not name.
const NOT_ALLOWED: &str = "The programs that hooks may run are in hooks.commands of the server's configuration (yaoku dev: \
     --hook-program).";

/// A request to put a hook on a secret: all of it, each time.
#[derive(Debug)]
pub(super) struct PutHook {
    secret: SecretName,
    url: Option<Url>,
    key: Option<SecretName>,
    command: Option<Command>,
    role: RoleName,
    interval: Option<RotationInterval>,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Put(Hook);

impl Operation for PutHook {
    const SPEC: &'static Spec = &Spec {
        name: "PutHook",
        effect: Effect::Write,
        errors: &[
            LIVE_SECRET,
            &[Code::LimitExceeded, Code::NoRole, Code::RejectedUnsupportedOperation],
        ],
        example: &[
            ("SecretName", "db/orders"),
            ("Url", "https://hooks.example.com/rotate"),
            ("SigningSecret", "hooks/key"),
            ("Command.1", "/usr/local/libexec/rotate-orders"),
            ("Role", "rotate-orders"),
            ("RotationInterval", "7d"),
        ],
        ..ADMIN
    };

    type Response = Put;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let words: Vec<Word> = params.list("Command")?;
        let words: Vec<_> = words.into_iter().map(|Word(it)| it).collect();
        let command = (!words.is_empty()).then(|| Command::new(words)).transpose();
        Ok(Self {
            secret: params.required("SecretName")?,
            url: Url::of(params)?,
            key: params.optional("SigningSecret")?,
            command: command.map_err(|Invalid| ApiError::invalid("Command"))?,
            role: params.required("Role")?,
            interval: params.optional("RotationInterval")?,
        })
    }

    /// Looks whether what is named could be called: on this node, and now.
    async fn prepare(&mut self, call: &mut Call<'_>) -> Result<(), ApiError> {
        must_be_operator(call)?;
        let (name, fault) = match &self.way(call)? {
            Way::Webhook { url, .. } => ("Url", call.node.hooks.url_fault(url).await),
            Way::Command(command) => ("Command", program_fault(Path::new(command.program()))),
        };
        fault.map_or(Ok(()), |why| Err(ApiError::invalid_because(name, &why)))
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Put, ApiError> {
        must_be_operator(call)?;
        let way = self.way(call)?;
        self.must_fit(call).await?;
        let (account, now) = (call.account(), call.now);
        let before = call.tx()?.hook(account, &self.secret).await?;
        if before.is_none() && call.tx()?.hooks(account).await?.len() >= MOST {
            return Err(Code::LimitExceeded.into());
        }
        let interval = self.interval.map(RotationInterval::seconds);
        let hook = Hook {
            account: account.clone(),
            secret: self.secret.clone(),
            way,
            role: self.role.clone(),
            interval,
            last_rotation: before.as_ref().and_then(|it| it.last_rotation),
            next_rotation: interval.map(|it| now.plus_seconds(it)),
            created: before.map_or(now, |it| it.created),
            updated: now,
        };
        call.tx()?.put_hook(&hook).await?;
        Ok(Put(hook))
    }
}

impl PutHook {
    /// A server that can check who calls, or a program that may be run.
    fn way(&self, call: &Call<'_>) -> Result<Way, ApiError> {
        match (&self.url, &self.key, &self.command) {
            (Some(Url(url)), Some(key), None) => {
                Ok(Way::Webhook { url: url.clone(), key: key.clone() })
            }
            (None, None, Some(command)) if call.node.hooks.allow(command) => {
                Ok(Way::Command(command.clone()))
            }
            (None, None, Some(_)) => {
                Err(Refusal::from(Code::InvalidParameter).with_message(NOT_ALLOWED).into())
            }
            (Some(_), None, None) => Err(ApiError::missing("SigningSecret")),
            (None, _, None) => Err(ApiError::missing("Url")),
            (_, _, Some(_)) => Err(ApiError::invalid("Command")),
        }
    }

    /// Fails unless the secret is one that is rotated by hooks, and the role is there.
    async fn must_fit(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        let (account, now) = (call.account(), call.now);
        let found = call.tx()?.secret(account, &self.secret).await?;
        let (secret, _) = found.filter(|(it, _)| !it.is_gone(now)).ok_or(Code::ResourceNotFound)?;
        secret.must_not_be_scheduled()?;
        if secret.kind != SecretType::Generic || secret.name.as_str().contains('!') {
            return Err(Code::RejectedUnsupportedOperation.into());
        }
        match call.tx()?.role(account, &self.role).await? {
            Some(_) => Ok(()),
            None => Err(Code::NoRole.into()),
        }
    }
}

impl Encode for Put {
    fn encode(self) -> Fields {
        Fields::default().object("Hook", fields(&self.0))
    }
}

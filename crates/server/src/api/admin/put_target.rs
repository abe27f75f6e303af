//! `PutTarget`: registers a server under the id that secrets name it by, or changes what is known of it.
//!
//! The operator alone may: the program will connect to whatever is written here, and read the
//! administrator's credential without asking anybody.
//!
//! Whether that secret is there is not asked: it may be made later. `CheckTarget` says whether it is,
//! and `DeleteSecret` of it, which its owner may do, does not know of targets.

use yaoku_model::{
    ids::{SecretName, TargetId},
    target::{Engine, Target, TlsMode},
};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::{
    ADMIN, must_be_operator,
    target::{Ca, Host, MOST, Port, fields, host_key},
};
use crate::{
    api::{Effect, Operation, Spec},
    call::Call,
    error::ApiError,
};

/// A request to add or change a target: all of it, each time.
#[derive(Debug)]
pub(super) struct PutTarget {
    id: TargetId,
    engine: Engine,
    host: String,
    port: u16,
    tls: TlsMode,
    ca: Option<String>,
    host_key: Option<String>,
    admin: SecretName,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Put(Target);

impl Operation for PutTarget {
    const SPEC: &'static Spec = &Spec {
        name: "PutTarget",
        effect: Effect::Write,
        errors: &[&[Code::LimitExceeded]],
        example: &[
            ("TargetId", "rm-bp1orders"),
            ("Engine", "MySQL"),
            ("Host", "db.example.com"),
            ("Port", "3306"),
            ("Tls", "verify"),
            ("Ca", ""),
            ("HostKey", ""),
            ("AdminSecret", "db/orders/admin"),
        ],
        ..ADMIN
    };

    type Response = Put;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let engine = params.required("Engine")?;
        let Host(host) = params.required("Host")?;
        let Port(port) = params.required("Port")?;
        let ca = params.optional("Ca")?.map(|Ca(it)| it);
        let host_key = host_key(params)?.map(|it| it.to_string());
        // A server that is reached by SSH and could be any other would be given the password.
        if engine == Engine::Ssh && host_key.is_none() {
            return Err(ApiError::missing("HostKey"));
        }
        Ok(Self {
            id: params.required("TargetId")?,
            engine,
            host,
            port,
            tls: params.optional("Tls")?.unwrap_or(TlsMode::Verify),
            ca,
            host_key,
            admin: params.required("AdminSecret")?,
        })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Put, ApiError> {
        must_be_operator(call)?;
        let (account, now) = (call.account(), call.now);
        let before = call.tx()?.target(account, &self.id).await?;
        if before.is_none() && call.tx()?.targets(account).await?.len() >= MOST {
            return Err(Code::LimitExceeded.into());
        }
        let target = Target {
            account: account.clone(),
            id: self.id.clone(),
            engine: self.engine,
            host: self.host.clone(),
            port: self.port,
            tls: self.tls,
            ca: self.ca.clone(),
            host_key: self.host_key.clone(),
            admin: self.admin.clone(),
            created: before.map_or(now, |it| it.created),
            updated: now,
        };
        call.tx()?.put_target(&target).await?;
        Ok(Put(target))
    }
}

impl Encode for Put {
    fn encode(self) -> Fields {
        Fields::default().object("Target", fields(&self.0))
    }
}

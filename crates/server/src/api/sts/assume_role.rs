//! `AssumeRole`: takes on a role. The caller's policies and the role's trust policy must both allow
//! it. Source: identity.md §2.6, §3.6.

use std::str::FromStr;

use yaoku_model::{identity::Role, ids::Invalid};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::{NewSession, PARAMETERS, STS, Session, trust_of};
use crate::{
    api::{Effect, Operation, Spec},
    call::{Ask, Call},
    error::ApiError,
    judge::LayerName,
};

/// Seconds that a session lasts at most if it was begun by a session. Our choice: each could
/// otherwise begin the next for ever, and none would have to come back to a key that can be revoked.
const CHAINED: i64 = 3600;

/// A request to take on a role.
#[derive(Debug)]
pub(super) struct AssumeRole {
    session: NewSession,
    external_id: Option<ExternalId>,
    source_identity: Option<SourceIdentity>,
}

/// What a third party is known by: 2 to 1224 of `\w+=,.@:/-`. Source: identity.md §2.6.
#[derive(Debug)]
struct ExternalId(String);

/// Who is behind a session: 2 to 64 of `\w+=,.@-`, so that none begins `acs:`, `aliyun:` or
/// `alibabacloud:`. Source: identity.md §2.6.
#[derive(Debug)]
struct SourceIdentity(String);

impl Operation for AssumeRole {
    // A write, of its event alone, so that its nonce is in the store too: replayed to another node,
    // it begins no session for whoever replays it. What it reads decides nothing later: the role is
    // looked at again whenever the session is used.
    const SPEC: &'static Spec = &Spec {
        name: "AssumeRole",
        effect: Effect::Write,
        one_thing: true,
        errors: &[PARAMETERS, &[Code::NoRole]],
        example: &[
            ("RoleArn", "acs:ram::1234567890123456:role/deploy"),
            ("RoleSessionName", "ci-4711"),
            ("DurationSeconds", "900"),
            (
                "Policy",
                r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}]}"#,
            ),
            ("ExternalId", "customer:42"),
            ("SourceIdentity", "alice@example.com"),
        ],
        ..STS
    };

    type Response = Session;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self {
            session: NewSession::take(params)?,
            external_id: params.optional("ExternalId")?,
            source_identity: params.optional("SourceIdentity")?,
        })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Session, ApiError> {
        let role = self.role(call).await?;
        let source_identity = self.source_identity(call)?;
        if call.caller.session.is_some() {
            self.session.must_end_within(CHAINED)?;
        }
        self.session.begin(call, role, source_identity)
    }
}

impl AssumeRole {
    /// The role, if the caller may take it on. That there is none is told only to who may take it on
    /// and belongs to its account: to another account, none is the same as one that does not trust it.
    async fn role(&self, call: &mut Call<'_>) -> Result<Role, ApiError> {
        let presented = self.external_id.as_ref().map(|it| ("sts:ExternalId", it.0.as_str()));
        let ask = Ask::to(Self::ACTION).presenting(presented.as_slice());
        let wanted = &self.session.role;
        let tags = call.tags_in_ram(&wanted.account, &wanted.path()).await?;
        call.may_take_on(ask, wanted, &tags)?;
        let found = call.tx()?.role(&wanted.account, &wanted.name).await?;
        match found {
            Some(role) if call.is_trusted(ask, wanted, &trust_of(&role)?, &tags) => Ok(role),
            None if wanted.account == *call.account() => Err(Code::NoRole.into()),
            _ => {
                // What tags another account's role has would be told by who it is that refuses.
                if wanted.account != *call.account() {
                    call.may_take_on(ask, wanted, &[])?;
                }
                Err(call.denied(Self::ACTION, &wanted.as_resource(), LayerName::Trust))
            }
        }
    }

    /// Who is behind the new session. Who is behind a session stays behind those that it begins: it
    /// may not name another (our choice).
    fn source_identity(&self, call: &Call<'_>) -> Result<Option<String>, ApiError> {
        let asked = self.source_identity.as_ref().map(|it| it.0.clone());
        let before = call.caller.session.as_ref().and_then(|it| it.source_identity.clone());
        match (before, asked) {
            (Some(before), Some(asked)) if before != asked => {
                Err(ApiError::invalid("SourceIdentity"))
            }
            (before, asked) => Ok(before.or(asked)),
        }
    }
}

impl FromStr for ExternalId {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        Ok(Self(of(raw, 2..=1224, "_+=,.@:/-")?))
    }
}

impl FromStr for SourceIdentity {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        Ok(Self(of(raw, 2..=64, "_+=,.@-")?))
    }
}

/// A text of so many letters, digits and `others`.
fn of(raw: &str, length: std::ops::RangeInclusive<usize>, others: &str) -> Result<String, Invalid> {
    let allowed = |it: char| it.is_ascii_alphanumeric() || others.contains(it);
    if length.contains(&raw.len()) && raw.chars().all(allowed) {
        Ok(raw.to_owned())
    } else {
        Err(Invalid)
    }
}

impl Encode for Session {
    fn encode(self) -> Fields {
        self.fields()
    }
}

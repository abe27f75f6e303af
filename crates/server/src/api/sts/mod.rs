//! STS (2015-04-01): sessions of roles. What the operations that begin one have in common.
//!
//! A session is nothing but its token: see [`crate::auth::token`]. Source: identity.md §2.6.

use std::str::FromStr;

use yaoku_model::{
    arn::Arn,
    identity::Role,
    ids::{AccessKeyId, AccountId, Invalid, RoleName, RoleSessionName},
    policy::{Document, Kind},
    text::AccessKeySecret,
    time::Timestamp,
};
use yaoku_wire::{
    error::{Code, Refusal},
    fields::Fields,
    params::Params,
};
use zeroize::Zeroizing;

use super::{Entry, Product, Spec};
use crate::{
    accounts,
    auth::token::{self, Content},
    call::Call,
    error::ApiError,
};

mod assume_role;
mod assume_role_with_oidc;
mod get_caller_identity;

/// The operations of this folder.
pub const OPERATIONS: &[Entry] = &[
    Entry::of::<assume_role::AssumeRole>(),
    Entry::of::<assume_role_with_oidc::AssumeRoleWithOIDC>(),
    Entry::of::<get_caller_identity::GetCallerIdentity>(),
];

/// What these operations have in common; each says what is different.
const STS: Spec = Spec {
    product: Product::Sts,
    works_while_closed: true,
    source: "https://www.alibabacloud.com/help/en/ram (STS API reference)",
    ..Spec::DEFAULT
};

/// Seconds that any session lasts at least. Source: identity.md §2.6.
const SHORTEST: i64 = 900;

/// Seconds that no session lasts longer than: the most that a role can be given. Source: §2.2.
const LONGEST: i64 = 43_200;

/// Seconds that a session lasts if nobody says. Source: §2.6.
const USUAL: i64 = 3600;

/// The longest session policy, in characters. Source: §2.6.
const MAX_POLICY: usize = 2048;

/// The codes of what [`NewSession`] takes.
const PARAMETERS: &[Code] = &[
    Code::RoleArnMalformed,
    Code::RoleSessionNameMalformed,
    Code::DurationSecondsRange,
    Code::PolicySize,
    Code::PolicyGrammar,
];

/// A role of some account, as its ARN names it: `acs:ram::<account>:role/<name>`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct RoleRef {
    pub(crate) account: AccountId,
    pub(crate) name: RoleName,
}

impl RoleRef {
    /// Its ARN.
    pub(crate) fn arn(&self) -> Arn {
        Arn::ram(&self.account, &self.path())
    }

    /// As policies name it, with a star for the region that it does not have. Source: §2.6.
    pub(crate) fn as_resource(&self) -> Arn {
        Arn::ram_resource(self.account.as_str(), &self.path())
    }

    /// Its path in its account.
    pub(crate) fn path(&self) -> String {
        format!("role/{}", self.name)
    }
}

impl FromStr for RoleRef {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        let (account, path) =
            raw.strip_prefix("acs:ram::").and_then(|it| it.split_once(':')).ok_or(Invalid)?;
        let name = path.strip_prefix("role/").ok_or(Invalid)?.parse()?;
        Ok(Self { account: account.parse()?, name })
    }
}

/// A session that is asked for.
#[derive(Debug)]
struct NewSession {
    role: RoleRef,
    name: RoleSessionName,
    /// Seconds.
    lasts: i64,
    /// What it is narrowed to: a policy that can be read.
    policy: Option<String>,
}

/// A session that was begun.
#[derive(Debug)]
struct Session {
    id: AccessKeyId,
    secret: AccessKeySecret,
    token: Zeroizing<String>,
    expires: Timestamp,
    role: RoleRef,
    role_id: String,
    name: RoleSessionName,
    source_identity: Option<String>,
}

impl NewSession {
    /// Takes what every such operation takes. Each refusal has its own code.
    fn take(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self {
            role: required(params, "RoleArn", Code::RoleArnMalformed)?,
            name: required(params, "RoleSessionName", Code::RoleSessionNameMalformed)?,
            lasts: duration(params)?,
            policy: policy(params)?,
        })
    }

    /// Fails if it is to last longer than `most` seconds, or not long enough.
    fn must_end_within(&self, most: i64) -> Result<(), ApiError> {
        if (SHORTEST..=most).contains(&self.lasts) { Ok(()) } else { Err(bounds(most)) }
    }

    /// Begins it. Nothing is kept of it here but the event of the call.
    fn begin(
        &self,
        call: &mut Call<'_>,
        role: Role,
        source_identity: Option<String>,
    ) -> Result<Session, ApiError> {
        self.must_end_within(role.max_session)?;
        let node = call.node;
        let id = AccessKeyId::generate_session(&*node.random)?;
        let ends = node.clock.now().unix_seconds().saturating_add(self.lasts);
        let content = Content {
            secret: accounts::new_secret(node)?,
            role: role.name,
            role_id: role.id,
            name: self.name.clone(),
            policy: self.policy.clone(),
            source_identity,
            // Who took one role after another has shown what it had shown before.
            mfa: call.caller.session.as_ref().is_some_and(|it| it.mfa),
            expires: Timestamp::from_unix_seconds(ends),
        };
        let token = token::seal(&node.keyring, &role.account, &id, &content, &*node.random)?;
        // So that the journal tells who is behind what this access key does. RAM has no such ARN.
        call.has_made(Arn::ram(&role.account, &format!("accesskey/{id}")));
        Ok(Session {
            id,
            secret: content.secret,
            token,
            expires: content.expires,
            role: self.role.clone(),
            role_id: content.role_id,
            name: content.name,
            source_identity: content.source_identity,
        })
    }
}

impl Session {
    /// Source: identity.md §2.6. Clients read `Expiration` without fractions only (§1.9).
    fn fields(&self) -> Fields {
        let credentials = Fields::default()
            .text("AccessKeyId", self.id.as_str())
            .secret("AccessKeySecret", self.secret.expose_text())
            .secret("SecurityToken", self.token.as_str())
            .text("Expiration", self.expires.to_string());
        let user = Fields::default()
            .text("Arn", format!("{}/{}", self.role.arn(), self.name))
            .text("AssumedRoleId", format!("{}:{}", self.role_id, self.name));
        Fields::default()
            .object("Credentials", credentials)
            .object("AssumedRoleUser", user)
            .maybe_text("SourceIdentity", self.source_identity.as_deref())
    }
}

/// A role's trust policy, ready. One that cannot be read must not be passed over: it may deny.
fn trust_of(role: &Role) -> Result<Document, ApiError> {
    Document::parse(&role.trust, Kind::Trust).map_err(|_| {
        ApiError::caused(Code::InternalFailure, "a stored trust policy cannot be read")
    })
}

fn required<T: FromStr<Err = Invalid>>(
    params: &mut Params,
    name: &str,
    code: Code,
) -> Result<T, ApiError> {
    let text = params.text(name).filter(|it| !it.is_empty());
    let text = text.ok_or_else(|| ApiError::missing(name))?;
    text.parse().map_err(|Invalid| code.into())
}

/// What is too short is refused once the role is known, whose maximum the message names.
fn duration(params: &mut Params) -> Result<i64, ApiError> {
    let asked = params.integer("DurationSeconds", i64::MIN..=LONGEST);
    Ok(asked.map_err(|_| bounds(LONGEST))?.unwrap_or(USUAL))
}

/// The message names the bounds. Source: identity.md §2.6.
fn bounds(most: i64) -> ApiError {
    let (unit, seconds) = match most {
        _ if most % 3600 == 0 => ("hr", 3600),
        _ if most % 60 == 0 => ("min", 60),
        _ => ("s", 1),
    };
    let message =
        format!("The Min/Max value of DurationSeconds is 15min/{}{unit}.", most / seconds);
    Refusal::from(Code::DurationSecondsRange).with_message(message).into()
}

fn policy(params: &mut Params) -> Result<Option<String>, ApiError> {
    let Some(text) = params.text("Policy").filter(|it| !it.is_empty()) else { return Ok(None) };
    if text.chars().count() > MAX_POLICY {
        return Err(Code::PolicySize.into());
    }
    match Document::parse(&text, Kind::Session) {
        Ok(_) => Ok(Some(text.as_str().to_owned())),
        Err(why) => {
            let message = format!("{} {why}", Code::PolicyGrammar.message());
            Err(Refusal::from(Code::PolicyGrammar).with_message(message).into())
        }
    }
}

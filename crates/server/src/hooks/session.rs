//! The session that a hook works in: of a role that the operator named, so that it may do what that
//! role may; and of that, only what it takes to rotate the one secret.

use std::time::Duration;

use yaoku_model::{
    arn::Arn,
    ids::{AccessKeyId, Invalid, RoleName},
    secret::Secret,
    text::AccessKeySecret,
    time::Timestamp,
};
use yaoku_wire::error::Code;
use zeroize::Zeroizing;

use super::Fault;
use crate::{
    accounts,
    api::keys::SEAL_SECRET,
    auth::token::{self, Content},
    error::ApiError,
    node::Node,
};

/// What the session is called in the journal.
const NAME: &str = "yaoku-hook";

/// A session that was begun.
pub(super) struct Session {
    pub(super) id: AccessKeyId,
    pub(super) secret: AccessKeySecret,
    pub(super) token: Zeroizing<String>,
    pub(super) expires: Timestamp,
}

/// Begins a session that lasts as long as the step may. Whether the role trusts the service is not
/// asked (our choice): the operator, who alone can name it, could hand out keys of its account as well.
pub(super) async fn begin(
    node: &Node,
    secret: &Secret,
    role: &RoleName,
    lasts: Duration,
) -> Result<Session, Fault> {
    let role = read_role(node, secret, role).await?;
    let id = AccessKeyId::generate_session(&*node.random).map_err(ApiError::from)?;
    let lasts = i64::try_from(lasts.as_secs()).unwrap_or_default();
    let content = Content {
        secret: accounts::new_secret(node)?,
        role: role.name,
        role_id: role.id,
        name: NAME.parse().map_err(|Invalid| ApiError::from(Code::InternalFailure))?,
        policy: Some(policy(node, secret)),
        source_identity: None,
        mfa: false,
        expires: node.clock.now().plus_seconds(lasts),
    };
    let token = token::seal(&node.keyring, &secret.account, &id, &content, &*node.random)?;
    Ok(Session { id, secret: content.secret, token, expires: content.expires })
}

async fn read_role(
    node: &Node,
    secret: &Secret,
    role: &RoleName,
) -> Result<yaoku_model::identity::Role, Fault> {
    let mut tx = node.store.read().await.map_err(ApiError::from)?;
    let found = tx.role(&secret.account, role).await.map_err(ApiError::from)?;
    found.ok_or(Fault::NoRole)
}

/// All that it may do. New values are sealed under the customer's key, if the secret has one: that asks
/// for a permission of its own; reading them in a session does not (secrets.md §1.7, identity.md §4.3).
/// No name or ARN holds what JSON would have to escape.
fn policy(node: &Node, secret: &Secret) -> String {
    let arn = Arn::secret(&node.region, &secret.account, &secret.name);
    let key = Arn::key(&node.region, &secret.account, &secret.key);
    let seal = if secret.customer_key {
        format!(r#",{{"Effect":"Allow","Action":"{SEAL_SECRET}","Resource":"{key}"}}"#)
    } else {
        String::new()
    };
    format!(
        r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":["kms:DescribeSecret","kms:GetSecretValue","kms:ListSecretVersionIds","kms:PutSecretValue","kms:UpdateSecretVersionStage"],"Resource":"{arn}"}},{{"Effect":"Allow","Action":"kms:GetRandomPassword","Resource":"*"}}{seal}]}}"#
    )
}

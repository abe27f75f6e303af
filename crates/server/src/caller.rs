//! Who calls: known before an operation is looked up, the same for all that follows.

use std::{fmt, net::IpAddr, sync::Arc};

use yaoku_model::{
    ids::{AccessKeyId, AccountId, RoleName, RoleSessionName, UserName},
    policy::{self, Document, Layer},
    time::Timestamp,
};

use crate::oidc::Federated;

/// A caller whose signature was found right, or who came in through the admin socket.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The account it belongs to.
    pub account: AccountId,
    /// Which identity of that account.
    pub principal: Principal,
    /// The access key that signed; `None` at the admin socket.
    pub access_key: Option<AccessKeyId>,
    /// The policies that apply to it. The root has none and needs none.
    pub policies: Arc<Layer>,
    /// Whether the account has opened the service.
    pub kms_open: bool,
    /// The session, if it is a role's.
    pub session: Option<Arc<Session>>,
    /// Where it calls from; `None` at the admin socket.
    pub source: Option<IpAddr>,
    /// Whether it came over TLS, or through the admin socket.
    pub secure: bool,
}

/// A session of a role: what its security token says. Source: identity.md §2.6.
#[derive(Debug)]
pub struct Session {
    /// The id of the role that was assumed: another one under the same name is not meant.
    pub role_id: String,
    /// What it was called.
    pub name: RoleSessionName,
    /// What it was narrowed to.
    pub policy: Option<Arc<Document>>,
    /// Who is behind it, as the one who began it said.
    pub source_identity: Option<String>,
    /// Whether the one who began it had shown an MFA code.
    pub mfa: bool,
    /// When it ends.
    pub expires: Timestamp,
}

/// An identity of an account.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Principal {
    /// The account itself.
    Root,
    /// A RAM user.
    User(UserName),
    /// A session of a role.
    Role(RoleName, RoleSessionName),
    /// Somebody whom an identity provider of the account vouches for: who takes a role on by its token,
    /// and does nothing else.
    Federated(Arc<Federated>),
    /// Whoever may open the admin socket: the one who runs the program.
    Operator,
}

impl Caller {
    /// Whether it may do everything to what its account owns. Source: identity.md §3.5.
    #[must_use]
    pub fn is_root(&self) -> bool {
        matches!(self.principal, Principal::Root | Principal::Operator)
    }

    /// The caller as policies with principals see it.
    #[must_use]
    pub fn as_asked(&self) -> policy::Caller<'_> {
        let who = match &self.principal {
            Principal::Root | Principal::Operator => policy::Who::Root,
            Principal::User(name) => policy::Who::User(name.as_str()),
            Principal::Role(name, _) => policy::Who::Role(name.as_str()),
            Principal::Federated(it) => policy::Who::Federated(&it.path),
        };
        policy::Caller { account: self.account.as_str(), who }
    }
}

impl Principal {
    /// As events name it, in parts: `user/alice`, `assumed-role/admin/alice`,
    /// `oidc-provider/cluster/<subject>`.
    #[must_use]
    pub fn parts(&self) -> [&str; 4] {
        match self {
            Self::Root => ["root", "", "", ""],
            Self::User(name) => ["user/", name.as_str(), "", ""],
            Self::Role(name, session) => ["assumed-role/", name.as_str(), "/", session.as_str()],
            Self::Federated(it) => {
                ["oidc-provider/", it.provider.as_str(), "/", &it.vouched.subject]
            }
            Self::Operator => ["operator", "", "", ""],
        }
    }

    /// As its uses of keys are counted, in parts: a session as its role.
    #[must_use]
    pub fn counted(&self) -> [&str; 2] {
        match self {
            Self::Role(name, _) => ["role/", name.as_str()],
            other => {
                let [kind, name, ..] = other.parts();
                [kind, name]
            }
        }
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts().iter().try_for_each(|it| f.write_str(it))
    }
}

//! Who calls: known before an operation is looked up, the same for all that follows.

use std::{fmt, net::IpAddr, sync::Arc};

use yaoku_model::{
    ids::{AccessKeyId, AccountId, UserName},
    policy::{self, Layer},
};

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
    /// Where it calls from; `None` at the admin socket.
    pub source: Option<IpAddr>,
    /// Whether it came over TLS, or through the admin socket.
    pub secure: bool,
}

/// An identity of an account.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Principal {
    /// The account itself.
    Root,
    /// A RAM user.
    User(UserName),
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
        };
        policy::Caller { account: self.account.as_str(), who }
    }
}

impl Principal {
    /// As events name it, in two parts: `user/alice`.
    #[must_use]
    pub fn parts(&self) -> [&str; 2] {
        match self {
            Self::Root => ["root", ""],
            Self::User(name) => ["user/", name.as_str()],
            Self::Operator => ["operator", ""],
        }
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts().iter().try_for_each(|it| f.write_str(it))
    }
}

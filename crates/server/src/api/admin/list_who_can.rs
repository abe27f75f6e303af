//! `ListWhoCan`: everybody who may do something to something, and why.

use tokio::task::yield_now;
use yaoku_model::{
    arn::Arn,
    identity::Identity,
    ids::Invalid,
    policy::{self, Document, Verdict, Who, principal::Principal as Named},
};
use yaoku_store::Slice;
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::{
    ADMIN,
    asked::Asked,
    simulation::{Supposed, as_caller, explained, path_of},
};
use crate::{
    api::{Effect, Operation, Spec},
    call::Call,
    caller::Principal,
    error::ApiError,
};

/// A question about everybody.
#[derive(Debug)]
pub(super) struct ListWhoCan(Supposed);

/// The answer.
#[derive(Debug)]
pub(super) struct Found {
    /// Of the caller's account.
    own: Vec<Fields>,
    /// Of others: the thing's own policy lets them, and theirs are not known here.
    others: Vec<String>,
}

impl Operation for ListWhoCan {
    const SPEC: &'static Spec = &Spec {
        name: "ListWhoCan",
        effect: Effect::Use,
        example: &[
            ("AuthAction", "kms:Encrypt"),
            ("AuthResource", "acs:kms:cn-hangzhou:1540355698840000:key/key-hzz62f1cb66fa42qo1234"),
            ("Context.1.Key", "acs:SourceIp"),
            ("Context.1.Value", "192.0.2.7"),
        ],
        ..ADMIN
    };

    type Response = Found;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        Ok(Self(Supposed::take(params)?))
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Found, ApiError> {
        call.allow(&Arn::any())?;
        let asked = self.0.asked(call).await?;
        let mut own = Vec::new();
        for identity in everybody(call).await? {
            own.extend(self.one(call, &identity, &asked).await?);
            yield_now().await;
        }
        Ok(Found { own, others: self.others(call, &asked).await })
    }
}

impl ListWhoCan {
    /// Somebody of the caller's account, if they may.
    async fn one(
        &self,
        call: &mut Call<'_>,
        identity: &Identity,
        asked: &Asked,
    ) -> Result<Option<Fields>, ApiError> {
        let account = call.account();
        // Whoever was removed meanwhile may nothing.
        let Some(rights) = call.node.caches.rights(account, identity).await? else {
            return Ok(None);
        };
        let session = "any".parse().map_err(|Invalid| Code::InternalFailure)?;
        let principal = match identity {
            Identity::Root => Principal::Root,
            Identity::User(name) => Principal::User(name.clone()),
            Identity::Role(name) => Principal::Role(name.clone(), session),
        };
        let caller = as_caller(account, principal, rights, None);
        let judged = self.0.weigh(call, Self::ACTION, &caller, asked);
        if judged.verdict != Verdict::Allow {
            return Ok(None);
        }
        let fields = Fields::default().text("Principal", path_of(identity));
        Ok(Some(match judged.layers.decisive() {
            Some((name, decision)) => {
                fields.object("DecidedBy", explained(&caller, name, decision))
            }
            None => fields,
        }))
    }

    /// The principals of other accounts that the thing's policy names and lets.
    async fn others(&self, call: &mut Call<'_>, asked: &Asked) -> Vec<String> {
        let own = call.account();
        let named = asked.first.policy().into_iter().flat_map(Document::principals_let_in);
        let mut others = Vec::new();
        for it in named.filter(|it| it.account().is_some_and(|it| it != own)) {
            let (account, who, path) = match it {
                Named::Account(account) => (account, Who::Root, "*".to_owned()),
                Named::User(account, name) => (account, Who::User(name), format!("user/{name}")),
                Named::Role(account, name) => (account, Who::Role(name), format!("role/{name}")),
                Named::Service(_) | Named::Federated(..) => continue,
            };
            let caller = policy::Caller { account: account.as_str(), who };
            if self.0.lets_in(call, Self::ACTION, caller, asked) {
                others.push(format!("acs:ram::{account}:{path}"));
            }
            // They may be a thousand, and each may take as long as a call: others come between.
            yield_now().await;
        }
        others.sort();
        others.dedup();
        others
    }
}

/// The account itself, its users and its roles: at most as many as RAM lets it have.
async fn everybody(call: &mut Call<'_>) -> Result<Vec<Identity>, ApiError> {
    let (account, mut tx) = (call.account(), call.node.store.read().await?);
    let users = tx.users(account, Slice::ALL).await?.into_iter().map(|it| Identity::User(it.name));
    let mut all: Vec<_> = [Identity::Root].into_iter().chain(users).collect();
    let roles = tx.roles(account, Slice::ALL).await?;
    all.extend(roles.into_iter().map(|it| Identity::Role(it.name)));
    Ok(all)
}

impl Encode for Found {
    fn encode(self) -> Fields {
        Fields::default().list("Principals", "Principal", self.own).texts(
            "OtherAccounts",
            "Principal",
            self.others,
        )
    }
}

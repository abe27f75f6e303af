//! What a call would ask for, if there were one: what a simulated decision is about.

use std::sync::Arc;

use yaoku_model::{
    arn::{Arn, KeyRef, Place, SecretRef},
    ids::AccountId,
    policy::{self, Document, Object, Work},
    tag::Tag,
};

use crate::{
    api::{
        self, Action, Spec,
        keys::{OPEN_SECRET, SEAL_SECRET},
    },
    cache::{CachedKey, CachedSecret},
    call::Call,
    caller::{Caller, Principal},
    error::ApiError,
    judge,
};

/// What a call would ask for: what it is supposed to and, of a secret whose owner named its key, what
/// that key is asked for. Source: identity.md §4.3.
pub(super) struct Asked {
    pub(super) first: Permission,
    pub(super) of_its_key: Option<Permission>,
}

/// One action on one thing.
pub(super) struct Permission {
    pub(super) action: String,
    /// Another action that does as well.
    pub(super) or_action: Option<Action>,
    /// Every spelling of what it is asked for; the first is its name.
    spellings: Vec<String>,
    /// Whose it is.
    owner: String,
    parts: Parts,
    /// Whether sessions of its account do without: see [`Call::usable_key_of_secret`].
    spares_sessions: bool,
}

/// What the caller's account has of a thing, and by what it is judged besides its name.
enum Parts {
    None,
    Key(Arc<CachedKey>),
    Secret(Option<Document>, Arc<CachedSecret>),
    /// Something of RAM's: its tags.
    InRam(Vec<Tag>),
}

impl Asked {
    /// What a call that asks for `action` on `resource` would ask for. Of another account's thing,
    /// nothing is looked at: that it refuses is what is supposed.
    pub(super) async fn by(
        call: &mut Call<'_>,
        action: &str,
        resource: &str,
    ) -> Result<Self, ApiError> {
        let is_it = |it: &Spec| it.action().to_string().eq_ignore_ascii_case(action);
        let spec = api::operations().map(|it| it.spec).find(|it| is_it(it));
        let mut first = Permission::new(call, action.to_owned(), resource).await?;
        first.or_action = spec.and_then(|it| it.or_action);
        if spec.is_some_and(|it| it.or_container) {
            let container = Arn::container_of(resource);
            first.spellings.extend([container.to_owned(), format!("{container}/*")]);
        }
        let of_its_key = match (&first.parts, spec) {
            (Parts::Secret(_, secret), Some(spec)) => {
                let secret = Arc::clone(secret);
                Permission::of_key(call, spec, &secret).await?
            }
            _ => None,
        };
        Ok(Self { first, of_its_key })
    }
}

impl Permission {
    async fn new(call: &mut Call<'_>, action: String, name: &str) -> Result<Self, ApiError> {
        let named = name.split(':').nth(3).filter(|it| it.parse::<AccountId>().is_ok());
        Ok(Self {
            action,
            or_action: None,
            spellings: Arn::spellings_of(name),
            owner: named.unwrap_or(call.account().as_str()).to_owned(),
            parts: Parts::of(call, name).await?,
            spares_sessions: false,
        })
    }

    /// What the key of a secret is asked for by an operation on the secret.
    async fn of_key(
        call: &mut Call<'_>,
        spec: &Spec,
        found: &CachedSecret,
    ) -> Result<Option<Self>, ApiError> {
        let action =
            [OPEN_SECRET, SEAL_SECRET].into_iter().find(|it| spec.also_actions.contains(it));
        let Some(action) = action.filter(|_| found.secret.customer_key) else { return Ok(None) };
        let arn = Arn::key(call.region(), &found.secret.account, &found.secret.key);
        let permission = Self::new(call, action.to_string(), arn.as_str()).await?;
        Ok(Some(Self { spares_sessions: action == OPEN_SECRET, ..permission }))
    }

    /// Whether it is asked of `caller`, of the account that is looked into.
    pub(super) fn is_asked_of(&self, caller: &Caller) -> bool {
        !(self.spares_sessions && matches!(caller.principal, Principal::Role(..)))
    }

    /// The name of what it is asked for.
    pub(super) fn name(&self) -> &str {
        self.spellings.first().map_or("", |it| it)
    }

    /// The question, as `caller` asks for it or for another action.
    pub(super) fn ask<T>(
        &self,
        action: &str,
        caller: policy::Caller<'_>,
        context: &dyn policy::Context,
        put: impl FnOnce(&policy::Question<'_>, Option<&Document>) -> T,
    ) -> T {
        let spellings: Vec<&str> = self.spellings.iter().map(String::as_str).collect();
        let question = policy::Question {
            action,
            resources: &spellings,
            caller: Some(caller),
            owner: &self.owner,
            context,
            work: &Work::default(),
        };
        put(&question, self.policy())
    }

    /// The thing's own policy.
    pub(super) fn policy(&self) -> Option<&Document> {
        match &self.parts {
            Parts::None | Parts::InRam(_) => None,
            Parts::Key(key) => key.policy.as_ref(),
            Parts::Secret(policy, _) => policy.as_ref(),
        }
    }

    /// Its tags.
    pub(super) fn tags(&self) -> &[Tag] {
        match &self.parts {
            Parts::None => &[],
            Parts::Key(key) => &key.tags,
            Parts::Secret(_, secret) => &secret.tags,
            Parts::InRam(tags) => tags,
        }
    }
}

impl Parts {
    async fn of(call: &mut Call<'_>, name: &str) -> Result<Self, ApiError> {
        let (account, region, caches) = (call.account(), call.region(), &call.node.caches);
        let own = |place: &Place| place.account == *account && place.region == *region;
        if let Ok(KeyRef::Arn(place, id)) = name.parse()
            && own(&place)
            && let Some(key) = caches.key(&id).await?.filter(|it| it.key.account == *account)
        {
            return Ok(Self::Key(key));
        }
        if let Ok(SecretRef::Arn(place, name)) = name.parse()
            && own(&place)
            && let Some(found) = caches.secret(account, &name).await?
        {
            let policy = found.secret.policy.as_deref();
            let policy = policy.map(|it| judge::read(Object::Secret, it)).transpose()?;
            return Ok(Self::Secret(policy, found));
        }
        Ok(match Arn::in_ram_of(name).filter(|it| it.0 == account.as_str()) {
            Some((_, path)) => Self::InRam(call.tags_in_ram(account, path).await?),
            None => Self::None,
        })
    }
}

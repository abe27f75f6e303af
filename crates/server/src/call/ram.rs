//! Things of RAM's: who may do what to them, by every spelling of their names and by their tags.

use yaoku_model::{
    arn::Arn,
    ids::AccountId,
    tag::{Tag, TagKind},
};

use super::{Ask, Call, On};
use crate::error::ApiError;

impl Call<'_> {
    /// Fails unless the caller may do this operation to something of RAM's, whether or not it is there.
    pub(crate) async fn allow_in_ram(&mut self, thing: &Arn) -> Result<(), ApiError> {
        let own = &self.caller.account;
        // Root is not asked about its own. Policies of the system are nobody's, and have none.
        let path = Arn::in_ram_of(thing.as_str()).filter(|it| it.0 == own.as_str());
        let tags = match path.filter(|_| !self.caller.is_root()) {
            Some((_, path)) => self.tags_in_ram(own, path).await?,
            None => Vec::new(),
        };
        let spellings = thing.spellings();
        let spellings: Vec<&Arn> = spellings.iter().collect();
        let ask = Ask::to(self.spec.action());
        self.judge(ask, own, &spellings, &tags, None)
    }

    /// The same of something to be made. It is the container that must be allowed, `user/*`; but a Deny
    /// on the name itself counts too (our choice). Source: identity.md §2.5.
    pub(crate) async fn allow_new_in_ram(
        &mut self,
        container: &Arn,
        thing: &Arn,
    ) -> Result<(), ApiError> {
        self.allow_in_ram(container).await?;
        self.must_not_be_denied(Ask::to(self.spec.action()), &thing.spellings())
    }

    /// The tags of something of an account's in RAM, if it is of a kind that has any: `role/deploy`.
    pub(crate) async fn tags_in_ram(
        &mut self,
        owner: &AccountId,
        path: &str,
    ) -> Result<Vec<Tag>, ApiError> {
        let Some((kind, name)) = tagged(path) else { return Ok(Vec::new()) };
        Ok(match &mut self.on {
            On::Store(tx) => tx.tags(owner, kind, name).await?,
            On::Caches(_) => self.node.store.read().await?.tags(owner, kind, name).await?,
        })
    }
}

/// What it is, and how it is called, if it is of a kind that can have tags.
fn tagged(path: &str) -> Option<(TagKind, &str)> {
    let (kind, name) = path.split_once('/')?;
    let kind = match kind {
        "user" => TagKind::User,
        "group" => TagKind::Group,
        "role" => TagKind::Role,
        "policy" => TagKind::Policy,
        _ => return None,
    };
    Some((kind, name))
}

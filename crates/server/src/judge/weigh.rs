//! The decision: what each layer of policies says, and what that comes to. Source: identity.md §3.6,
//! §4.6.

use yaoku_model::policy::{self, Decision, Document, Question, Verdict, evaluate};

use crate::caller::Caller;

/// What each layer says to one question. Every decision of ours is one of these.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layers {
    /// What the caller's session was narrowed to, if it was.
    pub(crate) session: Option<Decision>,
    /// The caller's own policies. An account's root has none and needs none.
    pub(crate) identity: Option<Decision>,
    /// The policy of the key or secret itself, if it has one.
    pub(crate) object: Option<Decision>,
    /// Whether it is another account's.
    pub(crate) crosses: bool,
}

/// Asks every layer.
pub(crate) fn weigh(caller: &Caller, question: &Question<'_>, object: Option<&Document>) -> Layers {
    let session = caller.session.as_ref().and_then(|it| it.policy.as_deref());
    Layers {
        session: session.map(|it| policy::decide([it], question)),
        identity: (!caller.is_root()).then(|| caller.policies.decide(question)),
        object: object.map(|it| policy::decide([it], question)),
        crosses: question.owner != caller.account.as_str(),
    }
}

impl Layers {
    /// What they come to. An account's root may do what it likes to what the account owns, whatever
    /// the thing's policy says; and as far as it is for its account to say, to what others own.
    pub(crate) fn verdict(&self) -> Verdict {
        let identity = self.identity.map_or(Verdict::Allow, |it| it.verdict);
        let granted = self.object.map_or(Verdict::ImplicitDeny, |it| it.verdict);
        let together = match (self.identity, self.crosses) {
            (None, false) => Verdict::Allow,
            (Some(_), false) => evaluate::same_account(identity, granted),
            (_, true) => evaluate::cross_account(identity, granted),
        };
        evaluate::narrowed(self.session.map(|it| it.verdict), together)
    }

    /// Of a question that is for the caller's own side alone: what is asked of the other side is
    /// asked by itself. Source: identity.md §3.6 (`AssumeRole`).
    pub(crate) fn own_verdict(&self) -> Verdict {
        let identity = self.identity.map_or(Verdict::Allow, |it| it.verdict);
        evaluate::narrowed(self.session.map(|it| it.verdict), identity)
    }
}

/// A layer, in the vendor's words.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum LayerName {
    Session,
    Identity,
    Object,
}

impl LayerName {
    /// The word. Source: identity.md §1.7; that of sessions and things is the vendor's elsewhere.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Session => "SessionPolicy",
            Self::Identity => "AccountLevelIdentityBasedPolicy",
            Self::Object => "ResourceBasedPolicy",
        }
    }
}

impl Layers {
    /// What each layer that was asked says, in the order in which they are asked.
    pub(crate) fn asked(&self) -> impl Iterator<Item = (LayerName, Decision)> {
        let all = [
            (LayerName::Session, self.session),
            (LayerName::Identity, self.identity),
            (LayerName::Object, self.object),
        ];
        all.into_iter().filter_map(|(name, it)| Some((name, it?)))
    }

    /// The layer whose statement decides; `None` where nothing was said, or an account's root asked
    /// for what is its own. A session that refuses goes first, then whatever denies, then what allows.
    pub(crate) fn decisive(&self) -> Option<(LayerName, Decision)> {
        let verdict = self.verdict();
        if self.identity.is_none() && !self.crosses {
            return None;
        }
        let session = self
            .asked()
            .find(|(name, it)| *name == LayerName::Session && it.verdict != Verdict::Allow);
        let others = || self.asked().filter(|it| it.0 != LayerName::Session);
        let found = session.or_else(|| others().find(|(_, it)| it.verdict == verdict));
        found.filter(|(_, it)| it.by.is_some())
    }
}

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

/// What two permissions come to of which one is enough, and a Deny of either counts; and what the
/// layers say that it comes from.
pub(crate) fn either(own: Layers, other: Option<Layers>) -> (Verdict, Layers) {
    let Some(other) = other else { return (own.verdict(), own) };
    let verdict = evaluate::same_account(own.verdict(), other.verdict());
    let from = if own.verdict() == verdict { own } else { other };
    (verdict, from)
}

/// A layer, in the vendor's words.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum LayerName {
    Session,
    Identity,
    Object,
    /// A role's trust policy, which is asked by itself.
    Trust,
}

impl LayerName {
    /// The word. Source: identity.md §1.7; that of sessions and things is the vendor's elsewhere.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Session => "SessionPolicy",
            Self::Identity => "AccountLevelIdentityBasedPolicy",
            Self::Object => "ResourceBasedPolicy",
            Self::Trust => "AssumeRolePolicy",
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

#[cfg(test)]
mod tests {
    use super::{Decision, Layers, Verdict, either};

    const VERDICTS: [Verdict; 3] = [Verdict::Allow, Verdict::ImplicitDeny, Verdict::ExplicitDeny];

    fn said(verdict: Verdict) -> Decision {
        Decision { verdict, by: None }
    }

    /// Every combination of what each layer says, if it is there.
    fn all() -> Vec<Layers> {
        let maybe = || [None].into_iter().chain(VERDICTS.map(|it| Some(said(it))));
        let mut all = Vec::new();
        for session in maybe() {
            for identity in maybe() {
                for object in maybe() {
                    for crosses in [false, true] {
                        all.push(Layers { session, identity, object, crosses });
                    }
                }
            }
        }
        all
    }

    #[test]
    fn another_deny_in_any_layer_never_allows_more() {
        let denied = Some(said(Verdict::ExplicitDeny));
        for before in all() {
            let deny_more = [
                Layers { session: denied, ..before },
                Layers { object: denied, ..before },
                Layers { identity: before.identity.and(denied), ..before },
            ];
            for after in deny_more {
                let (before_it, after_it) = (before.verdict(), after.verdict());
                assert!(
                    after_it != Verdict::Allow || before_it == Verdict::Allow,
                    "{before:?} {after:?}"
                );
            }
        }
    }

    #[test]
    fn a_session_only_takes_away() {
        for it in all() {
            let whole = Layers { session: None, ..it };
            let narrowed = it.verdict() == Verdict::Allow;
            assert!(!narrowed || whole.verdict() == Verdict::Allow, "{it:?}");
            let refused = it.session.is_some_and(|it| it.verdict != Verdict::Allow);
            assert!(!(narrowed && refused), "{it:?}");
        }
    }

    #[test]
    fn another_accounts_thing_takes_both_sides() {
        for it in all().into_iter().filter(|it| it.crosses && it.verdict() == Verdict::Allow) {
            assert_eq!(it.object, Some(said(Verdict::Allow)), "{it:?}");
            assert!(it.identity.is_none_or(|it| it.verdict == Verdict::Allow), "{it:?}");
        }
    }

    #[test]
    fn either_permission_is_enough_and_a_deny_of_one_refuses() {
        for one in all() {
            for other in all() {
                let (verdict, from) = either(one, Some(other));
                let verdicts = [one.verdict(), other.verdict()];
                let expected = match verdicts {
                    _ if verdicts.contains(&Verdict::ExplicitDeny) => Verdict::ExplicitDeny,
                    _ if verdicts.contains(&Verdict::Allow) => Verdict::Allow,
                    _ => Verdict::ImplicitDeny,
                };
                assert_eq!((verdict, from.verdict()), (expected, expected));
            }
        }
    }
}

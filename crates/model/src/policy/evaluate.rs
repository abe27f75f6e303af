//! Questions and answers: one layer of policies at a time, then the layers together.
//!
//! Source: identity.md §3.5, §3.6, §4.5, §4.6.

use std::borrow::Cow;

use super::{
    condition::Context,
    document::{Document, Effect, Kind, Statement},
    matching::Pattern,
    principal::{AccountMeans, Caller, Principal},
    work::Work,
};

/// What is to be decided.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// The action: `kms:Encrypt`. Its case does not matter.
    pub action: &'a str,
    /// The resource's ARN, or `*`. Where several spellings are acceptable (§4.1: the container or
    /// the item to be created), all of them: a statement that matches one applies.
    pub resources: &'a [&'a str],
    /// Who asks, for documents with principals. Without it they can only deny.
    pub caller: Option<Caller<'a>>,
    /// The account that owns the key or secret. Looked at for its own policy only.
    pub owner: &'a str,
    /// The values of condition keys.
    pub context: &'a dyn Context,
    /// What it may take.
    pub work: &'a Work,
}

/// An answer, and the statement it comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Decision {
    /// The answer.
    pub verdict: Verdict,
    /// Which document, in the order given, and which of its statements; both from 0. `None` for
    /// an implicit Deny, and for one because the work is used up.
    pub by: Option<(usize, usize)>,
}

/// The answer of one or more layers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// Something allows and nothing denies.
    Allow,
    /// Something denies.
    ExplicitDeny,
    /// Nothing applies.
    ImplicitDeny,
}

impl From<Effect> for Verdict {
    fn from(effect: Effect) -> Self {
        match effect {
            Effect::Allow => Self::Allow,
            Effect::Deny => Self::ExplicitDeny,
        }
    }
}

/// Decides by the documents of one layer together: a Deny wins, then an Allow. Source: §3.5.
///
/// The account's root is not asked about its own resources: that is for the caller to know.
/// Documents without conditions are judged without allocating.
pub fn decide<'d>(
    documents: impl IntoIterator<Item = &'d Document>,
    question: &Question<'_>,
) -> Decision {
    with_lower(question.action, |action| {
        let about = documents.into_iter().enumerate().flat_map(|(number, document)| {
            let about = document.statements.iter().enumerate();
            let about = about.filter(|(_, it)| it.is_about(action, question.work));
            about.map(move |(index, it)| ((number, index), document.kind, it))
        });
        decide_by(about, question)
    })
}

/// Decides by statements that are about the action: which each is, its document's kind, itself.
///
/// Refuses if the work is used up, then or before: whatever was found until then.
pub(super) fn decide_by<'d>(
    statements: impl Iterator<Item = ((usize, usize), Kind, &'d Statement)>,
    question: &Question<'_>,
) -> Decision {
    let mut decision = Decision { verdict: Verdict::ImplicitDeny, by: None };
    for (number, kind, statement) in statements {
        question.work.spend(Work::LOOK);
        if question.work.is_used_up() {
            break;
        }
        let allowed = decision.verdict == Verdict::Allow && statement.effect == Effect::Allow;
        if allowed || !statement.applies_to_rest(kind, question) {
            continue;
        }
        decision = Decision { verdict: statement.effect.into(), by: Some(number) };
        if statement.effect == Effect::Deny {
            break;
        }
    }
    if question.work.is_used_up() {
        return Decision { verdict: Verdict::ExplicitDeny, by: None };
    }
    decision
}

/// Gives `action` in lower case, without allocating if it is as short as every real action.
pub(super) fn with_lower<T>(action: &str, judge: impl FnOnce(&str) -> T) -> T {
    judge(&lower(action, &mut [0; ROOM]))
}

/// More than the longest action there is.
const ROOM: usize = 96;

/// `action` in lower case, in `room` if it fits, as every real action does.
fn lower<'r>(action: &str, room: &'r mut [u8; ROOM]) -> Cow<'r, str> {
    if let Some(place) = room.get_mut(..action.len()) {
        place.copy_from_slice(action.as_bytes());
        place.make_ascii_lowercase();
        if let Ok(text) = std::str::from_utf8(place) {
            return Cow::Borrowed(text);
        }
    }
    Cow::Owned(action.to_ascii_lowercase())
}

impl Statement {
    /// Whether resource, principal and conditions all match, the action besides. Source: §3.2.
    pub(super) fn applies_to_rest(&self, kind: Kind, question: &Question<'_>) -> bool {
        self.resources.as_deref().is_none_or(|it| any(it, question))
            && self.principals.as_deref().is_none_or(|it| self.reaches(it, kind, question))
            && self.conditions.iter().all(|it| it.met(self.effect, question.context, question.work))
    }

    /// Whether the statement is about `action`, which is in lower case.
    pub(super) fn is_about(&self, action: &str, work: &Work) -> bool {
        Pattern::any(&self.actions, action, work) != self.not_action
    }

    /// Whether it is about who asks, and may say so.
    fn reaches(&self, principals: &[Principal], kind: Kind, question: &Question<'_>) -> bool {
        let Some(caller) = &question.caller else {
            return self.effect == Effect::Deny;
        };
        let owner = question.owner;
        let (account, can_grant) = match (self.effect, kind) {
            (Effect::Allow, Kind::Object(object)) => {
                let foreign = caller.account != owner;
                (AccountMeans::Delegation { owner }, object.can_grant(question.action, foreign))
            }
            _ => (AccountMeans::Everyone, true),
        };
        can_grant && principals.iter().any(|it| it.means(caller, account))
    }
}

fn any(patterns: &[Pattern], question: &Question<'_>) -> bool {
    let Question { resources, work, .. } = *question;
    resources.iter().any(|it| Pattern::any(patterns, it, work))
}

/// Within one account: either side may allow, either may deny. Source: §3.6, §4.6.
///
/// An object without a policy answers [`Verdict::ImplicitDeny`].
#[must_use]
pub fn same_account(identity: Verdict, resource: Verdict) -> Verdict {
    match (identity, resource) {
        (Verdict::ExplicitDeny, _) | (_, Verdict::ExplicitDeny) => Verdict::ExplicitDeny,
        (Verdict::Allow, _) | (_, Verdict::Allow) => Verdict::Allow,
        (Verdict::ImplicitDeny, Verdict::ImplicitDeny) => Verdict::ImplicitDeny,
    }
}

/// Both sides must allow. So across accounts: the caller's own policies and the key's or secret's
/// (§4.6). So for `AssumeRole`: the caller's policies and the role's trust policy (§3.6). So
/// wherever an operation needs two permissions.
#[must_use]
pub fn both(one: Verdict, other: Verdict) -> Verdict {
    match (one, other) {
        (Verdict::ExplicitDeny, _) | (_, Verdict::ExplicitDeny) => Verdict::ExplicitDeny,
        (Verdict::Allow, Verdict::Allow) => Verdict::Allow,
        _ => Verdict::ImplicitDeny,
    }
}

/// A caller and an object of different accounts: [`both`] must allow. Source: §4.6.
#[must_use]
pub fn cross_account(identity: Verdict, resource: Verdict) -> Verdict {
    both(identity, resource)
}

/// A session policy, where there is one, must allow as well: [`both`]. That it says nothing hides no
/// Deny of the rest, which counts where something else allows. Source: §3.6.
#[must_use]
pub fn narrowed(session: Option<Verdict>, rest: Verdict) -> Verdict {
    session.map_or(rest, |it| both(it, rest))
}

/// Policies on a resource group are asked only if those on the account say nothing. Source: §3.6.
#[must_use]
pub fn levels(account: Verdict, group: Verdict) -> Verdict {
    if account == Verdict::ImplicitDeny { group } else { account }
}

#[cfg(test)]
mod tests {
    use super::{ROOM, Verdict, both, cross_account, levels, lower, narrowed, same_account};
    use Verdict::{Allow, ExplicitDeny as Deny, ImplicitDeny as Nothing};

    #[test]
    fn layers_are_put_together_as_the_tables_say() {
        for (one, other, either, and, level) in [
            (Allow, Allow, Allow, Allow, Allow),
            (Allow, Nothing, Allow, Nothing, Allow),
            (Allow, Deny, Deny, Deny, Allow),
            (Nothing, Allow, Allow, Nothing, Allow),
            (Nothing, Nothing, Nothing, Nothing, Nothing),
            (Nothing, Deny, Deny, Deny, Deny),
            (Deny, Allow, Deny, Deny, Deny),
            (Deny, Nothing, Deny, Deny, Deny),
            (Deny, Deny, Deny, Deny, Deny),
        ] {
            assert_eq!(same_account(one, other), either, "{one:?} {other:?}");
            assert_eq!(both(one, other), and, "{one:?} {other:?}");
            assert_eq!(cross_account(one, other), and, "{one:?} {other:?}");
            assert_eq!(levels(one, other), level, "{one:?} {other:?}");
        }
    }

    #[test]
    fn a_session_policy_only_narrows() {
        for rest in [Allow, Deny, Nothing] {
            assert_eq!(narrowed(None, rest), rest);
            assert_eq!(narrowed(Some(Allow), rest), rest);
            assert_eq!(narrowed(Some(Deny), rest), Deny);
            let hidden = if rest == Deny { Deny } else { Nothing };
            assert_eq!(narrowed(Some(Nothing), rest), hidden);
        }
    }

    #[test]
    fn an_action_of_any_length_is_lowered() {
        for action in ["", "kms:Encrypt", "kms:密钥A", &"A密".repeat(ROOM)] {
            assert_eq!(lower(action, &mut [0; ROOM]), action.to_ascii_lowercase());
        }
    }
}

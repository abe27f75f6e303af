//! Why a caller was refused: what it is told at once, and what its account can have decoded.
//!
//! Source: identity.md §1.7, §2.3. Whatever the vendor's words leave open is our choice. The message
//! is sealed for the caller's account: nobody else's opens it, and whoever holds it learns nothing.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use yaoku_crypto::{
    keyring::{CredentialPlace, Keyring},
    rootkey::WrappingPlace,
};
use yaoku_model::{
    arn::Arn,
    ids::AccountId,
    policy::{Context as _, Decision, Origin, Verdict, object::Object},
    random::Random,
};
use yaoku_wire::fields::Fields;

use super::{Facts, LayerName, Layers};
use crate::caller::{Caller, Principal};

/// The longest message that is looked at, in characters: longer than any that is made.
const MAX_MESSAGE: usize = 8192;

/// The kind of a sealed message, so that nothing else opens in its place.
const PLACE: CredentialPlace<'static> = CredentialPlace { kind: "diagnostic message", id: "" };

/// The first text of a message. Another form will have another.
const VERSION: &str = "3";

/// What a refused request is known by, whatever it was for.
const CONDITIONS: [&str; 5] = [
    "acs:CurrentTime",
    "acs:MFAPresent",
    "acs:SecureTransport",
    "acs:SourceIp",
    "kms:EncryptionAlgorithm",
];

/// Why a caller was refused.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Denial {
    action: String,
    resource: String,
    /// `SubUser`, `AssumedRoleUser` or `RootUser`, and the identity as its account calls it.
    principal: [String; 2],
    owner: String,
    /// Which layer refused it.
    layer: String,
    explicit: bool,
    /// The policy that denies it, if one does: its name, whose text it is, its version, what it is
    /// attached to.
    matched: Option<[String; 4]>,
    conditions: Vec<(String, String)>,
}

impl Denial {
    /// Why `layers` refuse what `facts` ask of `arn`. A session that does not allow it goes before
    /// the caller's own policies, and these before the thing's: so a refusal by the caller's own
    /// says nothing of the thing.
    pub(crate) fn of(facts: &Facts<'_>, arn: &Arn, layers: &Layers) -> Self {
        let (layer, decision) = blamed(layers);
        let explicit = decision.is_some_and(|it| it.verdict == Verdict::ExplicitDeny);
        let origin = |it: Decision| facts.caller.policies.origin(it.by?.0);
        let matched = match layer {
            _ if !explicit => None,
            LayerName::Object => Some([Object::POLICY_NAME, "", "", ""].map(str::to_owned)),
            LayerName::Identity => decision.and_then(origin).map(named),
            LayerName::Session | LayerName::Trust => None,
        };
        Self { explicit, matched, ..Self::by(facts, arn, layer) }
    }

    /// That a layer does not allow it, and no more.
    pub(crate) fn by(facts: &Facts<'_>, arn: &Arn, layer: LayerName) -> Self {
        let conditions = CONDITIONS
            .into_iter()
            .filter_map(|key| facts.value(key).map(|value| (key.to_owned(), value.into_owned())));
        Self {
            action: facts.ask.action.to_string(),
            resource: arn.as_str().to_owned(),
            principal: principal(facts.caller),
            owner: facts.caller.account.to_string(),
            layer: layer.as_str().to_owned(),
            explicit: false,
            matched: None,
            conditions: conditions.collect(),
        }
    }

    /// What the caller is told: the `AccessDeniedDetail` of its refusal, with the sealed message if it
    /// could be sealed.
    pub(crate) fn detail(&self, sealed: Option<String>) -> Fields {
        let [kind, name] = &self.principal;
        let denied = if self.explicit { "ExplicitDeny" } else { "ImplicitDeny" };
        Fields::default()
            .text("AuthAction", &*self.action)
            .text("AuthResource", &*self.resource)
            .text("AuthPrincipalType", &**kind)
            .text("AuthPrincipalDisplayName", &**name)
            .text("AuthPrincipalOwnerId", &*self.owner)
            .text("PolicyType", &*self.layer)
            .text("NoPermissionType", denied)
            .maybe_text("EncodedDiagnosticMessage", sealed)
    }

    /// What a message says to who may decode it. Source: identity.md §2.3.
    pub(crate) fn decoded(&self) -> Fields {
        let [kind, name] = &self.principal;
        let principal = Fields::default()
            .text("AuthPrincipalType", &**kind)
            .text("AuthPrincipalDisplayName", &**name)
            .text("AuthPrincipalOwnerId", &*self.owner);
        let conditions = self.conditions.iter().map(|(key, value)| {
            Fields::default()
                .text("ConditionKey", &**key)
                .plain_texts("ConditionValues", [value.as_str()])
        });
        let matched = self.matched.iter().map(|[name, kind, version, holder]| {
            let known = |it: &str| Some(it.to_owned()).filter(|it| !it.is_empty());
            Fields::default()
                .text("PolicyIdentifier", &**name)
                .text("PolicyType", if kind.is_empty() { &*self.layer } else { kind })
                .maybe_text("PolicyVersion", known(version))
                .text("Effect", "Deny")
                .maybe_text("AttachedEntityType", known(holder))
                .text("AttachedScope", "Account")
        });
        Fields::default()
            .text("AuthAction", &*self.action)
            .text("AuthResource", &*self.resource)
            .object("AuthPrincipal", principal)
            .plain_list("AuthConditions", conditions.collect())
            .flag("ExplicitDeny", self.explicit)
            .text("NoPermissionPolicyType", &*self.layer)
            .plain_list("MatchedPolicies", matched.collect())
    }

    /// Seals it for an account. `None` if that cannot be: a refusal is then answered without it.
    pub(crate) fn seal(
        &self,
        keyring: &Keyring,
        account: &AccountId,
        random: &dyn Random,
    ) -> Option<String> {
        let owner = WrappingPlace { account, instance: None };
        let sealed = keyring.seal_credential(&owner, &PLACE, self.encode().as_bytes(), random);
        sealed.ok().map(|it| URL_SAFE_NO_PAD.encode(it))
    }

    /// Opens a message that was sealed for an account. `None`: it was not, or is none.
    pub(crate) fn open(keyring: &Keyring, account: &AccountId, message: &str) -> Option<Self> {
        let message = Some(message).filter(|it| it.len() <= MAX_MESSAGE)?;
        let sealed = URL_SAFE_NO_PAD.decode(message).ok()?;
        let owner = WrappingPlace { account, instance: None };
        let opened = keyring.open_credential(&owner, &PLACE, &sealed).ok()?;
        Self::decode(std::str::from_utf8(&opened).ok()?)
    }

    /// As it is sealed: each text after its length, then two for each condition. A name may hold
    /// whatever its caller wrote, so nothing in a text ends it.
    fn encode(&self) -> String {
        let [kind, name] = &self.principal;
        let explicit = if self.explicit { "yes" } else { "no" };
        let fixed = [VERSION, &self.action, &self.resource, kind, name, &self.owner, &self.layer];
        let none = [const { String::new() }; 4];
        let matched = self.matched.as_ref().unwrap_or(&none).iter().map(String::as_str);
        let conditions = self.conditions.iter().flat_map(|(key, value)| [&**key, &**value]);
        let texts = fixed.into_iter().chain([explicit]).chain(matched).chain(conditions);
        texts.fold(String::new(), |all, it| all + &it.len().to_string() + ":" + it)
    }

    fn decode(text: &str) -> Option<Self> {
        let mut left = text;
        let mut next = || {
            let (length, rest) = left.split_once(':')?;
            let (text, rest) = rest.split_at_checked(length.parse().ok()?)?;
            left = rest;
            Some(text.to_owned())
        };
        if next()? != VERSION {
            return None;
        }
        let (action, resource, principal) = (next()?, next()?, [next()?, next()?]);
        let (owner, layer, explicit) = (next()?, next()?, next()? == "yes");
        let matched = [next()?, next()?, next()?, next()?];
        let matched = Some(matched).filter(|it| !it[0].is_empty());
        let mut conditions = Vec::new();
        while let Some(key) = next() {
            conditions.push((key, next()?));
        }
        Some(Self { action, resource, principal, owner, layer, explicit, matched, conditions })
    }
}

/// The first layer that does not allow it, and what it said.
fn blamed(layers: &Layers) -> (LayerName, Option<Decision>) {
    let refuses = |it: &Decision| it.verdict != Verdict::Allow;
    match (layers.session.filter(refuses), layers.identity.filter(refuses)) {
        (Some(session), _) => (LayerName::Session, Some(session)),
        (None, Some(identity)) => (LayerName::Identity, Some(identity)),
        // Whether another account's thing has a policy, or is there at all, is not told.
        (None, None) => (LayerName::Object, layers.object.filter(|_| !layers.crosses)),
    }
}

fn named(origin: &Origin) -> [String; 4] {
    let Origin { policy, version, holder } = origin;
    let (name, kind) = (policy.policy.to_string(), policy.kind.as_str().to_owned());
    [name, kind, format!("v{version}"), holder.kind().to_owned()]
}

/// Source: identity.md §1.7 (`SubUser`); the others are the vendor's words elsewhere.
fn principal(caller: &Caller) -> [String; 2] {
    match &caller.principal {
        Principal::Root | Principal::Operator => {
            ["RootUser".to_owned(), caller.account.to_string()]
        }
        Principal::User(name) => ["SubUser".to_owned(), name.to_string()],
        Principal::Role(role, session) => {
            ["AssumedRoleUser".to_owned(), format!("{role}:{session}")]
        }
        Principal::Federated(it) => ["Federated".to_owned(), it.path.clone()],
    }
}

#[cfg(test)]
mod tests {
    use super::Denial;

    #[test]
    fn whatever_a_name_holds_a_message_says_what_was_put_into_it() {
        for name in ["acs:ram:*:1:user/a\nSubUser\nroot", "3:abc", "", "密\0"] {
            let text = |it: &str| format!("{it}{name}");
            let denial = Denial {
                action: text("a"),
                resource: text("r"),
                principal: [text("k"), text("n")],
                owner: text("o"),
                layer: text("l"),
                explicit: true,
                matched: Some(["n", "k", "v", "h"].map(text)),
                conditions: vec![(text("c"), text("v"))],
            };
            assert_eq!(Denial::decode(&denial.encode()), Some(denial));
        }
        for text in ["", "1:3", "9:3", "1:3x:", "4:abcd"] {
            assert_eq!(Denial::decode(text), None, "{text}");
        }
    }
}

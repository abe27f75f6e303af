//! Documents: a policy's text, checked against the whole grammar and compiled.
//!
//! Source: identity.md §3.1 to §3.4, §4.5.

use std::{borrow::Cow, fmt};

use crate::ids::AccountId;

use super::{
    condition::{Condition, is_supplied},
    json::Json,
    matching::Pattern,
    object::Object,
    principal::Principal,
};

/// What a policy is for, which decides its size and its members.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Kind {
    /// Attached to users, groups and roles: 6144 characters.
    Identity,
    /// Narrows one session: 2048 characters.
    Session,
    /// Says who may take a role on: a Principal, no Resource; 6144 characters (our choice: the
    /// limit of any custom policy).
    Trust,
    /// On a key or a secret: a Principal, and `["*"]` for a Resource; 32768 bytes.
    Object(Object),
}

impl Kind {
    /// All there are.
    pub const ALL: [Self; 5] = [
        Self::Identity,
        Self::Session,
        Self::Trust,
        Self::Object(Object::Key),
        Self::Object(Object::Secret),
    ];
}

/// A policy, ready to be asked. The text itself is kept elsewhere, byte for byte.
#[derive(Clone, Debug)]
pub struct Document {
    pub(super) kind: Kind,
    pub(super) statements: Box<[Statement]>,
    bytes: usize,
}

/// What a statement does when it applies.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Effect {
    /// It allows.
    Allow,
    /// It denies, whatever else allows.
    Deny,
}

#[derive(Clone, Debug)]
pub(super) struct Statement {
    pub(super) effect: Effect,
    /// In lower case.
    pub(super) actions: Box<[Pattern]>,
    /// Whether it is about every action but these.
    pub(super) not_action: bool,
    /// `None`: about any resource.
    pub(super) resources: Option<Box<[Pattern]>>,
    /// `None`: about whoever holds the policy.
    pub(super) principals: Option<Box<[Principal]>>,
    pub(super) conditions: Box<[Condition]>,
}

/// Why a text is not a policy. Says nothing of what was in it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Malformed {
    /// The rule it breaks, in plain words.
    pub reason: &'static str,
    /// The number of the statement that breaks it, from 1; `None` for the document as a whole.
    pub statement: Option<usize>,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.statement {
            Some(number) => write!(f, "Statement {number}: {}.", self.reason),
            None => write!(f, "{}.", self.reason),
        }
    }
}

impl std::error::Error for Malformed {}

type Checked<T> = Result<T, &'static str>;

impl Document {
    /// Compiles `text`. Never panics, whatever it is given.
    pub fn parse(text: &str, kind: Kind) -> Result<Self, Malformed> {
        let whole = |reason| Malformed { reason, statement: None };
        let statements = envelope(text, kind).map_err(whole)?;
        let compile = |(index, it): (usize, Json)| {
            let number = index + 1;
            statement(&it, kind).map_err(|reason| Malformed { reason, statement: Some(number) })
        };
        let statements: Box<[Statement]> =
            statements.into_iter().enumerate().map(compile).collect::<Result<_, _>>()?;
        let bytes = statements.iter().map(Statement::size_in_bytes).sum();
        Ok(Self { kind, statements, bytes })
    }

    /// What it was compiled as.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The accounts that its Allow statements name, themselves or one of their users or roles. One
    /// that is named twice comes twice.
    pub fn accounts_let_in(&self) -> impl Iterator<Item = &AccountId> {
        self.principals_let_in().filter_map(Principal::account)
    }

    /// Everybody whom it allows something, as its statements name them.
    pub fn principals_let_in(&self) -> impl Iterator<Item = &Principal> {
        let allows = self.statements.iter().filter(|it| it.effect == Effect::Allow);
        allows.filter_map(|it| it.principals.as_deref()).flatten()
    }

    /// How many statements it has: at least one.
    #[must_use]
    pub fn statements(&self) -> usize {
        self.statements.len()
    }

    /// The memory that it takes compiled, which may be thirty times that of its text: for the
    /// accounts of a cache.
    #[must_use]
    pub const fn size_in_bytes(&self) -> usize {
        size_of::<Self>() + self.bytes
    }
}

impl Statement {
    fn size_in_bytes(&self) -> usize {
        let patterns = self.actions.iter().chain(self.resources.iter().flatten());
        let patterns: usize = patterns.map(Pattern::size_in_bytes).sum();
        let principals = self.principals.iter().flatten();
        let principals: usize = principals.map(Principal::size_in_bytes).sum();
        let conditions: usize = self.conditions.iter().map(Condition::size_in_bytes).sum();
        size_of::<Self>() + patterns + principals + conditions
    }
}

/// The checks on the document as a whole. Answers its statements.
fn envelope(text: &str, kind: Kind) -> Checked<Vec<Json>> {
    fits(text, kind)?;
    let json = Json::parse(text).ok_or("The document is not JSON, or is nested too deeply")?;
    if json.repeats_a_member() {
        return Err("A member is given twice");
    }
    let Json::Object(members) = json else { return Err("The document is not a JSON object") };
    let (mut version, mut statements) = (false, None);
    for (name, value) in members {
        match (&*name, value) {
            ("Version", Json::Text(it)) if it == "1" => version = true,
            ("Version", _) => return Err("Version must be \"1\""),
            ("Statement", Json::List(it)) => statements = Some(it),
            ("Statement", _) => return Err("Statement must be a list"),
            _ => return Err("The document has a member other than Version and Statement"),
        }
    }
    if !version {
        return Err("Version is missing: it must be \"1\"");
    }
    match statements {
        Some(list) if !list.is_empty() => Ok(list),
        _ => Err("There is no statement"),
    }
}

fn fits(text: &str, kind: Kind) -> Checked<()> {
    let (size, max, reason) = match kind {
        Kind::Identity | Kind::Trust => {
            (text.chars().count(), 6144, "The document is longer than 6144 characters")
        }
        Kind::Session => {
            (text.chars().count(), 2048, "The document is longer than 2048 characters")
        }
        Kind::Object(_) => {
            (text.len(), Object::MAX_POLICY_LEN, "The document is longer than 32768 bytes")
        }
    };
    if size <= max { Ok(()) } else { Err(reason) }
}

/// The members of one statement, each still as written.
#[derive(Default)]
struct Members<'a> {
    effect: Option<&'a Json>,
    action: Option<&'a Json>,
    not_action: Option<&'a Json>,
    resource: Option<&'a Json>,
    principal: Option<&'a Json>,
    condition: Option<&'a Json>,
    sid: Option<&'a Json>,
}

impl<'a> Members<'a> {
    fn of(json: &'a Json) -> Checked<Self> {
        let mut it = Self::default();
        for (name, value) in json.members().ok_or("It is not an object")? {
            let place = match &**name {
                "Effect" => &mut it.effect,
                "Action" => &mut it.action,
                "NotAction" => &mut it.not_action,
                "Resource" => &mut it.resource,
                "Principal" => &mut it.principal,
                "Condition" => &mut it.condition,
                "Sid" => &mut it.sid,
                "NotResource" => return Err("NotResource is not part of the language"),
                "NotPrincipal" => return Err("NotPrincipal is not part of the language"),
                _ => return Err("It has an unknown member"),
            };
            *place = Some(value);
        }
        Ok(it)
    }
}

fn statement(json: &Json, kind: Kind) -> Checked<Statement> {
    let members = Members::of(json)?;
    let effect = effect(members.effect)?;
    let (not_action, actions) = match (members.action, members.not_action) {
        (Some(it), None) => (false, texts(it, "Action must be a string or a list of strings")?),
        (None, Some(it)) => (true, texts(it, "NotAction must be a string or a list of strings")?),
        _ => return Err("It needs exactly one of Action and NotAction"),
    };
    check_actions(&actions, not_action, kind)?;
    let condition = members.condition.map(condition_keys).transpose()?.unwrap_or_default();
    check_source_vpc(&condition, &actions, not_action)?;
    check_can_deny(&condition, effect, kind)?;
    check_sid(members.sid, kind)?;
    Ok(Statement {
        effect,
        actions: (actions.iter().map(|it| Pattern::new(&it.to_ascii_lowercase())))
            .collect::<Checked<_>>()?,
        not_action,
        resources: resources(members.resource, kind)?,
        principals: principals(members.principal, kind)?,
        conditions: conditions(&condition, kind)?,
    })
}

fn effect(json: Option<&Json>) -> Checked<Effect> {
    match json {
        Some(Json::Text(it)) if it == "Allow" => Ok(Effect::Allow),
        Some(Json::Text(it)) if it == "Deny" => Ok(Effect::Deny),
        _ => Err("Effect must be Allow or Deny"),
    }
}

/// One string, or a list of them that is not empty.
fn texts<'a>(json: &'a Json, otherwise: &'static str) -> Checked<Vec<&'a str>> {
    let text = |it: &'a Json| match it {
        Json::Text(text) => Ok(&**text),
        _ => Err(otherwise),
    };
    match json {
        Json::List(list) if list.is_empty() => Err("A list is empty"),
        Json::List(list) => list.iter().map(text).collect(),
        one => Ok(vec![text(one)?]),
    }
}

fn check_actions(actions: &[&str], not_action: bool, kind: Kind) -> Checked<()> {
    let is_object = matches!(kind, Kind::Object(_));
    if is_object && not_action {
        return Err("A key or secret policy takes Action, not NotAction");
    }
    if is_object && !actions.iter().all(|it| it.starts_with("kms:")) {
        return Err("Every Action of a key or secret policy must begin with kms:");
    }
    // What could match no action at all is a slip, and in a Deny a dangerous one (our choice).
    let sensible =
        |it: &&str| it.contains([':', '*']) && it.bytes().all(|it| it.is_ascii_graphic());
    if actions.iter().all(sensible) {
        Ok(())
    } else {
        Err("An action is written <service>:<Name>, with * and ? for wildcards")
    }
}

/// One key of one operator, with its values as text.
struct ConditionKey<'a> {
    operator: &'a str,
    key: &'a str,
    values: Vec<Cow<'a, str>>,
}

/// An empty Condition or operator is refused: it would hold always (our choice).
fn condition_keys(json: &Json) -> Checked<Vec<ConditionKey<'_>>> {
    let mut found = Vec::new();
    let operators = json.members().ok_or("Condition must be an object")?;
    for (operator, keys) in operators {
        let keys = keys.members().ok_or("A condition operator must hold an object")?;
        if keys.is_empty() {
            return Err("A condition operator is empty");
        }
        for (key, values) in keys {
            found.push(ConditionKey { operator, key, values: condition_values(values)? });
        }
    }
    if found.is_empty() { Err("Condition is empty") } else { Ok(found) }
}

fn condition_values(json: &Json) -> Checked<Vec<Cow<'_, str>>> {
    let text = |it| match it {
        &Json::Text(ref text) | &Json::Bare(ref text) => Ok(Cow::Borrowed(text.as_str())),
        _ => Err("A condition value must be a string, a boolean or a number of at most 15 digits"),
    };
    match json {
        Json::List(list) if list.is_empty() => Err("A list is empty"),
        Json::List(list) => list.iter().map(text).collect(),
        one => Ok(vec![text(one)?]),
    }
}

fn check_source_vpc(
    condition: &[ConditionKey<'_>],
    actions: &[&str],
    not_action: bool,
) -> Checked<()> {
    let kms_only = !not_action && actions.iter().all(|it| it.starts_with("kms:"));
    if !kms_only && condition.iter().any(|it| it.key == "acs:SourceVpc") {
        return Err("With acs:SourceVpc, every Action must begin with kms:");
    }
    Ok(())
}

/// What a Deny cannot test it could not enforce. Source: architecture.md, "Policies fail closed".
fn check_can_deny(condition: &[ConditionKey<'_>], effect: Effect, kind: Kind) -> Checked<()> {
    if effect == Effect::Allow || condition.iter().all(|it| is_supplied(it.key, kind)) {
        return Ok(());
    }
    Err(match kind {
        Kind::Trust => {
            "A Deny has a condition on a key that this server never supplies, so it could not be \
             enforced. Supplied to trust policies are acs:CurrentTime, acs:SecureTransport, \
             acs:SourceIp, acs:MFAPresent, acs:RequestTag/<k>, acs:ResourceTag/<k>, kms:tag/<k>, \
             kms:EncryptionAlgorithm, kms:EncryptionContext:<k>, sts:ExternalId, oidc:iss, \
             oidc:aud, oidc:sub and saml:recipient"
        }
        Kind::Identity | Kind::Session | Kind::Object(_) => {
            "A Deny has a condition on a key that this server never supplies, so it could not be \
             enforced. Supplied are acs:CurrentTime, acs:SecureTransport, acs:SourceIp, \
             acs:MFAPresent, acs:RequestTag/<k>, acs:ResourceTag/<k>, kms:tag/<k>, \
             kms:EncryptionAlgorithm and kms:EncryptionContext:<k>"
        }
    })
}

fn conditions(condition: &[ConditionKey<'_>], kind: Kind) -> Checked<Box<[Condition]>> {
    condition.iter().map(|it| Condition::new(it.operator, it.key, &it.values, kind)).collect()
}

/// `Sid`: at most 128 of `A-Za-z0-9 _/+=.@-` on keys and secrets; elsewhere any string.
fn check_sid(json: Option<&Json>, kind: Kind) -> Checked<()> {
    let allowed = |it: u8| it.is_ascii_alphanumeric() || b" _/+=.@-".contains(&it);
    match (json, kind) {
        (Some(Json::Text(sid)), Kind::Object(_))
            if sid.len() > 128 || !sid.bytes().all(allowed) =>
        {
            Err("Sid is at most 128 letters, digits, spaces and _/+=.@-")
        }
        (None | Some(Json::Text(_)), _) => Ok(()),
        _ => Err("Sid must be a string"),
    }
}

fn resources(json: Option<&Json>, kind: Kind) -> Checked<Option<Box<[Pattern]>>> {
    let Some(json) = json else {
        return if kind == Kind::Trust { Ok(None) } else { Err("Resource is missing") };
    };
    let resources = texts(json, "Resource must be a string or a list of strings")?;
    match kind {
        Kind::Trust => Err("A trust policy has no Resource"),
        Kind::Object(_) if resources == ["*"] => Ok(None),
        Kind::Object(_) => Err("Resource of a key or secret policy must be [\"*\"]"),
        Kind::Identity | Kind::Session if resources.iter().all(|it| is_resource(it)) => {
            resources.iter().map(|it| Pattern::new(it)).collect::<Checked<_>>().map(Some)
        }
        Kind::Identity | Kind::Session => {
            Err("A resource is written acs:<service>:<region>:<account>:<id>, or *")
        }
    }
}

/// Whether a resource could match any ARN, by how it begins. (The refusal is our choice: see
/// `check_actions`.)
fn is_resource(text: &str) -> bool {
    match text.split_once(['*', '?']) {
        Some((start, _)) if start.len() < "acs:".len() => "acs:".starts_with(start),
        Some((start, _)) => start.starts_with("acs:"),
        None => text.starts_with("acs:"),
    }
}

fn principals(json: Option<&Json>, kind: Kind) -> Checked<Option<Box<[Principal]>>> {
    let json = match (json, kind) {
        (None, Kind::Identity | Kind::Session) => return Ok(None),
        (Some(_), Kind::Identity | Kind::Session) => {
            return Err("Principal belongs in trust, key and secret policies only");
        }
        (None, _) => return Err("Principal is missing"),
        (Some(json), _) => json,
    };
    let members = json.members().ok_or("Principal must be an object")?;
    let mut found = Vec::new();
    for (name, values) in members {
        let parse = match (&**name, kind) {
            ("RAM", _) => Principal::ram,
            ("Service", Kind::Trust) => Principal::service,
            ("Federated", Kind::Trust) => Principal::federated,
            (_, Kind::Trust) => return Err("Principal takes RAM, Service and Federated only"),
            _ => return Err("Principal of a key or secret policy takes RAM only"),
        };
        for text in texts(values, "A principal must be a string or a list of strings")? {
            found.push(parse(text).ok_or(
                "A principal is not of a known form: acs:ram::<account>:root, :*, :user/<name> or \
                 :role/<name>; in trust policies also a service or an identity provider",
            )?);
        }
    }
    if found.is_empty() { Err("Principal is empty") } else { Ok(Some(found.into())) }
}

#[cfg(test)]
mod tests {
    use super::{Document, Kind};

    fn refusal(text: &str) -> String {
        Document::parse(text, Kind::Identity).unwrap_err().to_string()
    }

    #[test]
    fn a_refusal_names_the_statement_and_the_rule() {
        let text = r#"{"Version":"1","Statement":[
            {"Effect":"Allow","Action":"*","Resource":"*"},
            {"Effect":"Maybe","Action":"*","Resource":"*"}]}"#;
        assert_eq!(refusal(text), "Statement 2: Effect must be Allow or Deny.");
        assert_eq!(refusal("{}"), "Version is missing: it must be \"1\".");
    }

    #[test]
    fn a_deny_that_could_not_be_enforced_is_told_which_keys_are_supplied() {
        let text = r#"{"Version":"1","Statement":[{"Effect":"Deny","Action":"kms:*","Resource":"*",
            "Condition":{"StringNotEquals":{"acs:SourceVpc":"vpc-canary"}}}]}"#;
        let refusal = refusal(text);
        assert!(refusal.contains("never supplies") && refusal.contains("acs:SourceIp"));
        assert!(!refusal.contains("canary"));
    }

    #[test]
    fn a_pattern_of_many_question_marks_is_refused_wherever_it_stands() {
        let text = |action: &str, resource: &str, value: &str| {
            format!(
                r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"kms:{action}",
                    "Resource":"acs:{resource}",
                    "Condition":{{"StringNotLike":{{"kms:tag/a":"{value}"}}}}}}]}}"#
            )
        };
        let (most, more) = (&*"?".repeat(64), &*"?".repeat(65));
        for text in [text(more, "*", "a"), text("*", more, "a"), text("*", "*", more)] {
            assert_eq!(refusal(&text), "Statement 1: A pattern holds more than 64 ?.");
        }
        assert!(Document::parse(&text(most, most, most), Kind::Identity).is_ok());
    }

    #[test]
    fn a_document_weighs_what_it_takes_and_not_what_its_text_does() {
        let text = |values: &str| {
            format!(
                r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"kms:*",
                    "Resource":"*","Condition":{{"StringLike":{{"kms:tag/a":[{values}"z"]}}}}}}]}}"#
            )
        };
        let weight =
            |values| Document::parse(&text(values), Kind::Identity).unwrap().size_in_bytes();
        // On 64 bits: a pattern and a part of some 60 bytes each, and 32 for each of two characters.
        let one = weight(r#""*?a0?*","#) - weight("");
        assert!((170..=400).contains(&one), "{one}");
        assert!(weight(&r#""*?a0?*","#.repeat(600)) >= 600 * one);
    }

    #[test]
    fn a_refusal_does_not_repeat_what_was_sent() {
        for text in [
            r#"{"canary":"1"}"#,
            r#"{"Version":"canary"}"#,
            r#"{"Version":"1","Statement":[{"canary":"1"}]}"#,
            r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"canary","Resource":"*"}]}"#,
            r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"canary"}]}"#,
            r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*",
                "Condition":{"canary":{"a":"b"}}}]}"#,
        ] {
            assert!(!refusal(text).contains("canary"), "{text}");
        }
    }
}

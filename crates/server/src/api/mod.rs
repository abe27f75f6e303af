//! The API: what an operation is, and the list of them. Its path is [`crate::pipeline`].
//!
//! One operation is one file, named after it, and one line in the list of its folder.

use std::{collections::HashMap, fmt, future::Future, pin::Pin, sync::LazyLock};

use yaoku_model::tag::Tag;
use yaoku_wire::{
    error::{Code, Refusal},
    fields::{Encode, Fields},
    params::Params,
};

use crate::{call::Call, error::ApiError, node::Node, throttle::Class};

pub mod admin;
pub mod aliases;
pub mod asymmetric;
mod bytes;
pub mod data_keys;
mod filters;
pub mod import;
pub mod instances;
pub mod keys;
pub mod mac;
mod paging;
pub mod ram;
pub mod secrets;
pub mod service;
pub mod sts;
pub mod tags;

/// An operation: the type is its request; [`parse`](Self::parse) makes it, [`run`](Self::run) does it.
/// Its `Debug` shows no secret: a test tries each.
pub trait Operation: Sized + fmt::Debug + Send + Sync + 'static {
    /// What is true of the operation before it runs.
    const SPEC: &'static Spec;

    /// What a policy calls it. Another operation that needs this permission names this type.
    const ACTION: Action = Self::SPEC.action();

    /// What it answers.
    type Response: Encode;

    /// Makes the request from its parameters. All limits are checked here, by the fields' types.
    fn parse(params: &mut Params) -> Result<Self, ApiError>;

    /// The tags that it would give: `acs:RequestTag/<key>` to policies. Source: identity.md §3.4.
    fn tags(&self) -> &[Tag] {
        &[]
    }

    /// Does, on the caches and with no transaction held, what may take long: a write that needs a
    /// cipher seals here, and `run` then checks that what it sealed under still stands. A `Use`
    /// operation has none: its `run` is on the caches.
    fn prepare(
        &mut self,
        _call: &mut Call<'_>,
    ) -> impl Future<Output = Result<(), ApiError>> + Send {
        std::future::ready(Ok(()))
    }

    /// Waits for what begins by itself once the write is kept, if the answer is to be true of that too.
    /// Bounded: whoever called waits as well.
    fn settle(&self, _node: &Node) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// Does the work. Sees no HTTP, no signature, no wire text, and no commit.
    ///
    /// May run again (after `prepare`) when another transaction came first, so it leaves no trace
    /// outside `call`.
    fn run(
        &self,
        call: &mut Call<'_>,
    ) -> impl Future<Output = Result<Self::Response, ApiError>> + Send;
}

/// The facts of an operation, for routing, policy, throttling, audit, docs, the CLI and the tests.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is one fact, and none excludes another")]
pub struct Spec {
    /// Which API it belongs to.
    pub product: Product,
    /// The `Action` on the wire.
    pub name: &'static str,
    /// Another action that permits it as well as its own. A Deny of either counts.
    /// Source: secrets.md §1.7 (inferred there).
    pub or_action: Option<Action>,
    /// Whether policies may name what it is about by its container too: all secrets, say. A Deny of
    /// either counts. Source: identity.md §4.1.
    pub or_container: bool,
    /// Other actions that it asks for as well, of things that the call leads to: the key of a secret.
    /// Asking for any that is not here is a bug of ours.
    pub also_actions: &'static [Action],
    /// What it works on, so whether the pipeline opens a transaction.
    pub effect: Effect,
    /// Whether a write changes one thing alone, as [`yaoku_store::Store::write_one`] asks.
    pub one_thing: bool,
    /// What it is counted with where calls are limited, if not with what its product and effect say:
    /// see [`Spec::class`].
    pub class: Option<Class>,
    /// The codes it may answer, besides [`COMMON`]. Anything else is a bug of ours.
    pub errors: &'static [&'static [Code]],
    /// The parameters whose values are never echoed or logged.
    pub secret_params: &'static [&'static str],
    /// Whether it works in an account that has not opened the service. Source: keys.md §15.1.
    pub works_while_closed: bool,
    /// Whether it takes `DryRun`. Source: keys.md §9.1.
    pub dry_run: bool,
    /// What proves who calls.
    pub known_by: KnownBy,
    /// A call with every parameter it reads: for docs, fuzz seeds and the tests.
    pub example: &'static [(&'static str, &'static str)],
    /// Where its behaviour was taken from.
    pub source: &'static str,
}

impl Spec {
    /// What most operations have in common; each says what is different.
    pub const DEFAULT: Self = Self {
        product: Product::Kms,
        name: "",
        or_action: None,
        or_container: false,
        also_actions: &[],
        effect: Effect::Read,
        one_thing: false,
        class: None,
        errors: &[],
        secret_params: &[],
        works_while_closed: false,
        dry_run: false,
        known_by: KnownBy::Signature,
        example: &[],
        source: "https://www.alibabacloud.com/help/en/kms (API reference)",
    };

    /// What a policy and an event call it.
    #[must_use]
    pub const fn action(&self) -> Action {
        Action { product: self.product, name: self.name }
    }

    /// What it is counted with where calls are limited.
    #[must_use]
    pub const fn class(&self) -> Class {
        match (self.class, self.product, self.effect) {
            (Some(class), ..) => class,
            (None, Product::Ram, _) => Class::Ram,
            (None, Product::Sts, _) => Class::Sts,
            (None, Product::Yaoku, _) => Class::Administration,
            (None, Product::Kms, Effect::Use) => Class::Symmetric,
            (None, Product::Kms, Effect::Read) => Class::Read,
            (None, Product::Kms, Effect::Write) => Class::KeyWrite,
        }
    }

    /// Whether it may ask for `action`.
    #[must_use]
    pub fn asks_for(&self, action: Action) -> bool {
        action == self.action() || self.also_actions.contains(&action)
    }

    /// Whether it may answer `code`.
    #[must_use]
    pub fn declares(&self, code: Code) -> bool {
        let dry = if self.dry_run { DRY_RUN } else { &[] };
        let product = if self.product.speaks_as_ram() { COMMON_IN_RAM } else { &[] };
        self.errors.iter().copied().chain([COMMON, product, dry]).flatten().any(|it| *it == code)
    }
}

/// An API: operations of one version.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Product {
    /// Key Management Service.
    Kms,
    /// Resource Access Management.
    Ram,
    /// Security Token Service.
    Sts,
    /// Our own administration.
    Yaoku,
}

impl Product {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Kms, Self::Ram, Self::Sts, Self::Yaoku];

    /// Its `Version` on the wire. Source: identity.md §1.2; ours is our choice.
    #[must_use]
    pub const fn version(self) -> &'static str {
        match self {
            Self::Kms => "2016-01-20",
            Self::Ram => "2015-05-01",
            Self::Sts => "2015-04-01",
            Self::Yaoku => "2026-11-21",
        }
    }

    /// The product of a `Version`.
    #[must_use]
    pub fn of_version(version: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.version() == version)
    }

    /// Whether it has RAM's words for what any operation may answer. Source: identity.md §1.8.
    #[must_use]
    pub const fn speaks_as_ram(self) -> bool {
        matches!(self, Self::Ram | Self::Sts)
    }

    /// What stands before the colon in a policy's action.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Kms => "kms",
            Self::Ram => "ram",
            Self::Sts => "sts",
            Self::Yaoku => "yaoku",
        }
    }
}

/// A policy action: `kms:Encrypt`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Action {
    /// The product.
    pub product: Product,
    /// The name, as policies spell it.
    pub name: &'static str,
}

impl Action {
    /// An action of KMS that is no operation: `ReEncryptFrom`. Source: identity.md §4.2.
    #[must_use]
    pub const fn kms(name: &'static str) -> Self {
        Self { product: Product::Kms, name }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.product.prefix(), self.name)
    }
}

/// What proves who calls. Source: identity.md §1.1.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KnownBy {
    /// The signature of an access key.
    Signature,
    /// The token of an identity provider, a parameter (F9). Whatever signs such a call besides is not
    /// looked at.
    ProviderToken,
}

/// What an operation works on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Effect {
    /// The caches, without a transaction: the hot path.
    Use,
    /// A transaction that changes nothing.
    Read,
    /// A transaction that the pipeline commits.
    Write,
}

/// Codes that any operation may answer.
pub const COMMON: &[Code] = &[
    Code::MissingParameter,
    Code::InvalidParameter,
    Code::NoPermission,
    Code::KmsServiceNotEnabled,
    Code::SignatureNonceUsed,
    Code::InternalFailure,
    Code::ServiceUnavailableTemporary,
    Code::RejectedThrottling,
    // Of an answer that XML cannot carry.
    Code::InvalidFormat,
];

/// The same in the words of RAM and STS: see [`Code::in_ram`].
pub const COMMON_IN_RAM: &[Code] =
    &[Code::RamNoPermission, Code::InternalError, Code::ServiceUnavailable, Code::ThrottlingUser];

/// The verdicts of a dry run. Source: keys.md §9.1.
pub const DRY_RUN: &[Code] =
    &[Code::DryRunOperationError, Code::ValidationError, Code::AccessDeniedError];

/// A boxed future: the price of an erased type.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A parsed request, its type erased: made once, run as often as it takes.
pub trait Request: fmt::Debug + Send + Sync {
    /// See [`Operation::tags`].
    fn tags(&self) -> &[Tag];

    /// See [`Operation::prepare`].
    fn prepare<'a>(&'a mut self, call: &'a mut Call<'_>) -> BoxFuture<'a, Result<(), ApiError>>;

    /// See [`Operation::settle`].
    fn settle<'a>(&'a self, node: &'a Node) -> BoxFuture<'a, ()>;

    /// Runs the operation and encodes its answer.
    fn answer<'a>(&'a self, call: &'a mut Call<'_>) -> BoxFuture<'a, Result<Fields, ApiError>>;
}

impl<O: Operation> Request for O {
    fn tags(&self) -> &[Tag] {
        Operation::tags(self)
    }

    fn prepare<'a>(&'a mut self, call: &'a mut Call<'_>) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(Operation::prepare(self, call))
    }

    fn settle<'a>(&'a self, node: &'a Node) -> BoxFuture<'a, ()> {
        Box::pin(Operation::settle(self, node))
    }

    fn answer<'a>(&'a self, call: &'a mut Call<'_>) -> BoxFuture<'a, Result<Fields, ApiError>> {
        Box::pin(async move { Ok(self.run(call).await?.encode()) })
    }
}

/// An operation in the list, its type erased.
#[derive(Debug)]
pub struct Entry {
    /// Its facts.
    pub spec: &'static Spec,
    nth: usize,
    parse: fn(&mut Params) -> Result<Box<dyn Request>, ApiError>,
}

impl Entry {
    /// Makes a request of `params`, and takes what it reads.
    pub fn parse(&self, params: &mut Params) -> Result<Box<dyn Request>, ApiError> {
        (self.parse)(params)
    }

    /// The parameters that no call can do without, in the order that they are asked for.
    ///
    /// Found by asking: a call without parameters is given, from the example, the one that it misses,
    /// until it misses none. So one that only another parameter calls for is not among them, nor is
    /// one that the example does without. Of a list (`ResourceId.1`), the bare name stands here.
    #[must_use]
    pub fn required(&self) -> Vec<&'static str> {
        let mut given = Vec::new();
        while let Some(name) = self.missing(|it| given.contains(&it)) {
            if given.contains(&name) {
                break;
            }
            given.push(name);
        }
        given.retain(|name| self.missing(|it| it != *name) == Some(*name));
        given
    }

    /// The parameter that a call is refused for want of, if it has those of the example that are `sent`.
    fn missing(&self, sent: impl Fn(&'static str) -> bool) -> Option<&'static str> {
        let bare = |it: &'static str| it.split('.').next().unwrap_or(it);
        let params = self.spec.example.iter().filter(|it| sent(bare(it.0)));
        let refused = self.parse(&mut params.copied().collect()).err()?;
        let names = self.spec.example.iter().flat_map(|it| [it.0, bare(it.0)]);
        let is_named = |name: &&str| {
            let missing = Refusal::parameter(Code::MissingParameter, name);
            refused.code() == missing.code() && refused.refusal().message() == missing.message()
        };
        names.into_iter().find(is_named).map(bare)
    }

    /// Its place among all [`operations`].
    #[must_use]
    pub const fn nth(&self) -> usize {
        self.nth
    }

    /// The line in a folder's list. Its place among all is found when the lists are joined.
    #[must_use]
    pub const fn of<O: Operation>() -> Self {
        Self { spec: O::SPEC, nth: 0, parse: |params| Ok(Box::new(O::parse(params)?)) }
    }
}

/// All operations.
pub fn operations() -> impl Iterator<Item = &'static Entry> {
    static ALL: LazyLock<Vec<Entry>> = LazyLock::new(|| {
        let placed = |(nth, it): (usize, &Entry)| Entry { nth, ..*it };
        FOLDERS.iter().flat_map(|(_, it)| *it).enumerate().map(placed).collect()
    });
    ALL.iter()
}

/// The folders: what each is about, and its operations.
pub const FOLDERS: &[(&str, &[Entry])] = &[
    ("Administration", admin::OPERATIONS),
    ("Aliases", aliases::OPERATIONS),
    ("Asymmetric keys", asymmetric::OPERATIONS),
    ("Managed data keys", data_keys::OPERATIONS),
    ("Imported material", import::OPERATIONS),
    ("Instances", instances::OPERATIONS),
    ("Keys", keys::OPERATIONS),
    ("Message codes", mac::OPERATIONS),
    ("Diagnosis", ram::diagnostics::OPERATIONS),
    ("Policies", ram::policies::OPERATIONS),
    ("Who holds which policy", ram::attachments::OPERATIONS),
    ("Roles", ram::roles::OPERATIONS),
    ("Users", ram::users::OPERATIONS),
    ("Access keys", ram::access_keys::OPERATIONS),
    ("Groups of users", ram::groups::OPERATIONS),
    ("Logins", ram::logins::OPERATIONS),
    ("MFA devices", ram::mfa::OPERATIONS),
    ("Rules of an account", ram::account::OPERATIONS),
    ("Tags of identities", ram::tags::OPERATIONS),
    ("Secrets", secrets::OPERATIONS),
    ("Sessions", sts::OPERATIONS),
    ("The service", service::OPERATIONS),
    ("Tags", tags::OPERATIONS),
];

/// Finds an operation by product and name.
#[must_use]
pub fn operation(product: Product, name: &str) -> Option<&'static Entry> {
    static BY_NAME: LazyLock<HashMap<(Product, &str), &Entry>> =
        LazyLock::new(|| operations().map(|it| ((it.spec.product, it.spec.name), it)).collect());
    BY_NAME.get(&(product, name)).copied()
}

#[cfg(test)]
pub(crate) mod tests;

//! An error on its way to the client: what they read, and (apart) what the log reads.

use std::{error::Error, fmt};

use yaoku_crypto::backend::BackendError;
use yaoku_model::{
    key::{CannotChange, KeyState, NotImported, WrongState},
    random::NoRandomness,
    secret::{StageError, Unfit, WrongLife},
};
use yaoku_store::StoreError;
use yaoku_wire::error::{Code, Refusal};

use crate::{api::Product, audit::AuditError, root::RootError};

/// Why a call was not served.
#[derive(Debug)]
pub struct ApiError {
    refusal: Refusal,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl ApiError {
    /// The parameter called `name` does not parse, or breaks a limit.
    #[must_use]
    pub fn invalid(name: &str) -> Self {
        Refusal::parameter(Code::InvalidParameter, name).into()
    }

    /// The same, and what is wrong with it. Its value is the caller's own: `why` need not hide it.
    #[must_use]
    pub fn invalid_because(name: &str, why: &impl fmt::Display) -> Self {
        let message = format!("The specified parameter \"{name}\" is not valid: {why}.");
        Refusal::from(Code::InvalidParameter).with_message(message).into()
    }

    /// The same, and what was expected: behind the vendor's words, which is our choice.
    #[must_use]
    pub fn invalid_for(name: &str, expected: &str) -> Self {
        let refusal = Refusal::parameter(Code::InvalidParameter, name);
        let message = format!("{} Expected: {expected}.", refusal.message());
        refusal.with_message(message).into()
    }

    /// The same of a member of the parameter called `name`, which it names.
    #[must_use]
    pub fn unfit(name: &str, Unfit { member, expected }: Unfit) -> Self {
        match member {
            "" => Self::invalid_for(name, expected),
            member => Self::invalid_for(&format!("{name}.{member}"), expected),
        }
    }

    /// The same of the few parameters whose message has no quotation marks. Source: errors.md §2.
    #[must_use]
    pub fn invalid_unquoted(name: &str) -> Self {
        let message = format!("The specified parameter {name} is not valid.");
        Refusal::from(Code::InvalidParameter).with_message(message).into()
    }

    /// The parameter called `name` is needed.
    #[must_use]
    pub fn missing(name: &str) -> Self {
        Refusal::parameter(Code::MissingParameter, name).into()
    }

    /// `code`, with its cause for the log.
    #[must_use]
    pub fn caused(code: Code, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { refusal: code.into(), source: Some(source.into()) }
    }

    /// What was prepared no longer holds: run the call again, from `prepare` on.
    #[must_use]
    pub fn conflict() -> Self {
        StoreError::Conflict.into()
    }

    /// The same in the words of a product, where RAM and STS have others than KMS. Source: identity.md
    /// §1.8, §2.4, §2.6.
    #[must_use]
    pub fn in_words_of(mut self, product: Product) -> Self {
        if !product.speaks_as_ram() {
            return self;
        }
        let (was, is) = (self.code(), self.code().in_ram());
        if was != is {
            self.refusal = is.into();
        }
        let words = match (is, product) {
            (Code::AccessKeyIdNotFound, _) => "Specified access key is not found.",
            (Code::InternalError, Product::Sts) => "STS Server Internal Error happened.",
            _ => return self,
        };
        self.refusal = Refusal::from(is).with_message(words);
        self
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.refusal.code()
    }

    /// The same for another call, which waited for what failed.
    pub(crate) fn for_another(&self) -> Self {
        let source = self.source.as_ref().map(|it| match it.downcast_ref::<StoreError>() {
            Some(store) => Box::from(store.clone()),
            None => it.to_string().into(),
        });
        Self { refusal: self.refusal.clone(), source }
    }

    /// What the client reads.
    #[must_use]
    pub fn refusal(&self) -> &Refusal {
        &self.refusal
    }

    /// What caused it, for the log and the counters.
    #[must_use]
    pub fn cause(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        self.source.as_deref()
    }

    /// Whether another transaction came first, so that the same call may succeed if run again.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        let source = self.source.as_ref().and_then(|it| it.downcast_ref());
        matches!(source, Some(StoreError::Conflict))
    }
}

impl From<Code> for ApiError {
    fn from(code: Code) -> Self {
        Self { refusal: code.into(), source: None }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, source: None }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::caused(Code::ServiceUnavailableTemporary, error)
    }
}

/// What leaves no event is not done.
impl From<AuditError> for ApiError {
    fn from(error: AuditError) -> Self {
        Self::caused(Code::ServiceUnavailableTemporary, error)
    }
}

impl From<BackendError> for ApiError {
    fn from(error: BackendError) -> Self {
        match error {
            BackendError::Unsupported => Code::UnsupportedOperation.into(),
            BackendError::Exhausted => Code::LimitExceeded.into(),
            other => Self::caused(Code::InternalFailure, other),
        }
    }
}

impl From<NotImported> for ApiError {
    fn from(_: NotImported) -> Self {
        Code::UnsupportedOrigin.into()
    }
}

impl From<RootError> for ApiError {
    fn from(error: RootError) -> Self {
        match error {
            RootError::Store(error) => error.into(),
            RootError::Backend(error) => error.into(),
            other => Self::caused(Code::InternalFailure, other),
        }
    }
}

impl From<NoRandomness> for ApiError {
    fn from(error: NoRandomness) -> Self {
        Self::caused(Code::InternalFailure, error)
    }
}

/// The code for a key that cannot be used in its state. Source: keys.md §5, first row.
impl From<WrongState> for ApiError {
    fn from(WrongState(state): WrongState) -> Self {
        match state {
            KeyState::Enabled => Code::KeyEnabled,
            KeyState::Disabled => Code::KeyDisabled,
            KeyState::PendingDeletion => Code::KeyPendingDeletion,
            KeyState::PendingImport => Code::KeyPendingImport,
            KeyState::Unavailable => Code::KeyUnavailable,
        }
        .into()
    }
}

/// Source: keys.md §5, §6.4.
impl From<CannotChange> for ApiError {
    fn from(error: CannotChange) -> Self {
        match error {
            CannotChange::State(state) => state.into(),
            CannotChange::Transition => Code::StateModifiedFailed.into(),
            CannotChange::ServiceKey => Code::UnsupportedOperation.into(),
            CannotChange::NotApplicable => Code::RejectedUnsupportedOperation.into(),
            // Source: keys.md §6.5 (inferred there).
            CannotChange::Protected => Refusal::from(Code::RejectedUnsupportedOperation)
                .with_message("The key is protected from deletion.")
                .into(),
        }
    }
}

/// The code for a secret that waits for its deletion, or does not. Source: secrets.md §1.5.
impl From<WrongLife> for ApiError {
    fn from(wrong: WrongLife) -> Self {
        match wrong {
            WrongLife::Scheduled => Code::ResourceInDeleteWindow.into(),
            // The code is also that of a secret being rotated.
            WrongLife::NotScheduled => {
                Refusal::from(Code::ResourceInUse).with_message("restore normal secret").into()
            }
        }
    }
}

/// The code for a label that cannot be put there. Source: secrets.md §2.
impl From<StageError> for ApiError {
    fn from(error: StageError) -> Self {
        match error {
            StageError::NoSuchVersion => Code::ResourceNotFound.into(),
            StageError::TooMany => Code::LimitExceeded.into(),
            StageError::NotThere => Self::invalid("RemoveFromVersion"),
            StageError::CurrentIsNotPrevious => Self::invalid("VersionStage"),
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.refusal.fmt(f)
    }
}

impl Error for ApiError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|it| it as _)
    }
}

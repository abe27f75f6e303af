//! A refusal: its code, its message, and what may be said of why.

use std::{borrow::Cow, error::Error, fmt};

use crate::{error::Code, fields::Fields};

/// What a client reads when its call is refused. The cause of a fault is not in it: that is logged.
///
/// Never holds what the client sent, except the names of resources it asked for and of parameters
/// that the server knows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refusal {
    code: Code,
    message: Cow<'static, str>,
    detail: Option<Box<Fields>>,
}

impl Refusal {
    /// A refusal because of the parameter called `name`.
    ///
    /// Source: errors.md §1 (the form with the quoted name).
    #[must_use]
    pub fn parameter(code: Code, name: &str) -> Self {
        Self::from(code).with_message(match code {
            Code::MissingParameter => {
                format!("The parameter \"{name}\" is needed but not provided.")
            }
            _ => format!("The specified parameter \"{name}\" is not valid."),
        })
    }

    /// A refusal to let the caller at `arn`. Source: identity.md §1.7.
    #[must_use]
    pub fn no_permission(arn: &impl fmt::Display) -> Self {
        Self::from(Code::NoPermission)
            .with_message(format!("This operation for {arn} is forbidden by permission system."))
    }

    /// The same in the words of RAM and STS. Source: identity.md §1.7.
    #[must_use]
    pub fn no_ram_permission(action: &impl fmt::Display, arn: &impl fmt::Display) -> Self {
        Self::from(Code::RamNoPermission).with_message(format!(
            "You are not authorized to do this action. Resource: {arn} Action: {action}"
        ))
    }

    /// The same in the words of STS alone. Source: identity.md §2.6.
    #[must_use]
    pub fn no_sts_permission() -> Self {
        Self::from(Code::RamNoPermission).with_message(
            "You are not authorized to do this action. You should be authorized by RAM.",
        )
    }

    /// The same code with another message.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.message = message.into();
        self
    }

    /// The same, with what the caller may know of why: `AccessDeniedDetail`. Source: identity.md §1.7.
    #[must_use]
    pub fn with_detail(mut self, detail: Fields) -> Self {
        self.detail = Some(Box::new(detail));
        self
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// The message.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What the caller may know of why, if it was refused for want of permission.
    #[must_use]
    pub fn detail(&self) -> Option<&Fields> {
        self.detail.as_deref()
    }
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Self { code, message: Cow::Borrowed(code.message()), detail: None }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.wire(), self.message)
    }
}

impl Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::Refusal;
    use crate::error::Code;

    #[test]
    fn a_refusal_names_the_parameter() {
        let missing = Refusal::parameter(Code::MissingParameter, "KeyId");
        assert_eq!(missing.message(), "The parameter \"KeyId\" is needed but not provided.");
        let invalid = Refusal::parameter(Code::InvalidParameter, "KeyId");
        assert_eq!(invalid.message(), "The specified parameter \"KeyId\" is not valid.");
        assert_eq!(invalid.code().status(), 400);
    }

    #[test]
    fn a_refusal_names_the_resource_in_the_service_s_words() {
        let refusal = Refusal::no_permission(&"acs:kms:cn-hangzhou:1:key/k");
        assert_eq!(
            refusal.message(),
            "This operation for acs:kms:cn-hangzhou:1:key/k is forbidden by permission system."
        );
    }
}

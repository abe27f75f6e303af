//! Every refusal a client can read: one table, one type.

use std::{borrow::Cow, error::Error, fmt};

/// Declares [`Code`]: variant, HTTP status, wire code, default message.
macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $status:literal $wire:literal $message:literal;)+) => {
        /// An error code of the RPC API. Source: identity.md §1.8, errors.md §2-6, secrets.md §1.5.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum Code { $($(#[$doc])* $variant),+ }

        impl Code {
            /// All codes, in table order.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The HTTP status sent with this code.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status),+ }
            }

            /// The text of the `Code` field.
            #[must_use]
            pub const fn wire(self) -> &'static str {
                match self { $(Self::$variant => $wire),+ }
            }

            /// The text of the `Message` field, unless the refusal carries a better one.
            #[must_use]
            pub const fn message(self) -> &'static str {
                match self { $(Self::$variant => $message),+ }
            }
        }
    };
}

codes! {
    // The request as such. Source: identity.md §1.8, errors.md §2.

    /// A required parameter is absent or empty. The message names it.
    MissingParameter = 400 "MissingParameter" "A parameter is needed but not provided.";
    /// No access key id came with a call that needs one.
    MissingAccessKeyId = 400 "MissingAccessKeyId" "AccessKeyId is mandatory for this action.";
    /// A session's access key came without its token.
    MissingSecurityToken = 400 "MissingSecurityToken" "SecurityToken is mandatory for this action.";
    /// A parameter does not parse or breaks a limit. The message names it, never its value.
    InvalidParameter = 400 "InvalidParameter" "The specified parameter is not valid.";
    /// `Format` is neither JSON nor XML.
    InvalidFormat = 400 "InvalidParameter.Format" "The specified parameter \"Format\" is not valid.";
    /// `Accept` asks for a form that is not spoken here.
    InvalidAccept = 400 "InvalidParameter.Accept" "The specified header \"Accept\" is not valid.";
    /// The request cannot be taken apart at all.
    ParseRequestParameterException = 400 "ParseRequestParameterException" "Server parse parameters exception. Please check your input params.";
    /// No operation of that name.
    ActionNotFound = 404 "InvalidAction.NotFound" "Specified api is not found, please check your url and method.";
    /// No such path.
    ApiNotFound = 404 "InvalidApi.NotFound" "Specified api is not found, please check your url and method.";
    /// No product has this version.
    InvalidVersion = 400 "InvalidVersion" "Specified parameter Version is not valid.";
    /// No such product.
    ProductNotFound = 404 "InvalidProduct.NotFound" "Cannot find product according to your specified domain.";
    /// No such region. The message is our choice.
    RegionNotFound = 404 "InvalidRegion.NotFound" "The specified region is not found.";
    /// Plain HTTP where TLS is asked for. The message is our choice.
    NeedSsl = 400 "InvalidProtocol.NeedSsl" "Your request is denied as lack of ssl protect.";
    /// A method other than GET and POST.
    UnsupportedHttpMethod = 403 "UnsupportedHTTPMethod" "This http method is not supported.";
    /// The body is shorter or longer than announced. The message is our choice.
    ContentLengthDoesNotMatch = 400 "ContentLengthDoesNotMatch" "The specified Content-Length does not match the body.";
    /// The body's digest is another. The message is our choice.
    ContentMd5NotMatched = 400 "ContentMD5NotMatched" "The specified Content-MD5 does not match the body.";

    // What the HTTP layer refuses. Codes and messages are our choice; statuses are HTTP's.

    /// The request did not come whole in time.
    RequestTimeout = 408 "RequestTimeout" "The request did not arrive in time.";
    /// The body is longer than is taken.
    RequestBodyTooLarge = 413 "RequestBodyTooLarge" "The body of the request is too large.";
    /// The request target is longer than 256 KiB.
    RequestUriTooLong = 414 "RequestUriTooLong" "The URL of the request is too long.";
    /// The head is longer, or has more headers, than is taken.
    RequestHeadTooLarge = 431 "RequestHeadTooLarge" "The headers of the request are too large.";

    // The caller. Source: identity.md §1.8, errors.md §2.

    /// No such access key.
    AccessKeyIdNotFound = 404 "InvalidAccessKeyId.NotFound" "The Access Key ID provided does not exist in our records.";
    /// The access key is disabled.
    AccessKeyIdInactive = 400 "InvalidAccessKeyId.Inactive" "Specified access key is disabled.";
    /// As [`Self::AccessKeyIdInactive`], in the words of the KMS list.
    AccessKeyNotEnabled = 403 "Forbidden.AccessKey" "This AccessKey is not enabled.";
    /// As [`Self::AccessKeyIdInactive`], in the words of an older KMS list.
    AccessKeyDisabled = 403 "Forbidden.AccessKeyDisabled" "This AccessKey is disabled.";
    /// Authentication parameters are there but malformed.
    IncompleteSignature = 400 "IncompleteSignature" "The request signature does not conform to Aliyun standards.";
    /// A signature method or version that is not spoken here. The message is our choice.
    InvalidSignatureMethod = 400 "InvalidSignatureMethod" "Specified signature method is not valid.";
    /// The signature is not the one computed here.
    SignatureDoesNotMatch = 400 "SignatureDoesNotMatch" "Specified signature is not matched with our calculation. server string to sign is:";
    /// The nonce came before.
    SignatureNonceUsed = 400 "SignatureNonceUsed" "Specified signature nonce was used already.";
    /// The timestamp is not `YYYY-MM-DDThh:mm:ssZ`.
    TimestampFormat = 400 "InvalidTimeStamp.Format" "Specified time stamp or date value is not well formatted.";
    /// The timestamp is more than 15 minutes off.
    TimestampExpired = 400 "InvalidTimeStamp.Expired" "Specified time stamp or date value is expired.";
    /// The timestamp is missing, in the words of the KMS list.
    IllegalTimestamp = 400 "IllegalTimestamp" "The input parameter \"Timestamp\" that is mandatory for processing this request is not supplied.";
    /// The session is over.
    SecurityTokenExpired = 400 "InvalidSecurityToken.Expired" "Specified SecurityToken is expired.";
    /// The token is not one of ours.
    SecurityTokenMalformed = 400 "InvalidSecurityToken.Malformed" "Specified SecurityToken is malformed.";
    /// The token belongs to another access key.
    SecurityTokenMismatch = 400 "InvalidSecurityToken.MismatchWithAccessKey" "Specified SecurityToken mismatch with the AccessKey.";

    // Permission and account. Source: errors.md §2.

    /// The caller may not do this to this resource. [`Refusal::no_permission`] names it.
    NoPermission = 403 "Forbidden.NoPermission" "This operation is forbidden by permission system.";
    /// The account is not valid for the product.
    UbsmsInvalidUserid = 403 "Forbidden.UbsmsInvalidUserid" "Userid Invalid For Ubsms.";
    /// The account belongs to a partner without the product.
    UbsmsInvalidBid = 403 "Forbidden.UbsmsInvalidBid" "Your account partner does not have KMS Service.";
    /// The service is not opened for the account.
    KmsServiceNotEnabled = 403 "Forbidden.KmsServiceNotEnabled" "Kms service is not Enabled for current user. Please get access permission first.";
    /// The account is blocked.
    ProhibitedByRiskControl = 403 "Forbidden.ProhibitedByRiskControl" "Current user is Prohibited By Risk Control.";
    /// The account is in debt.
    InDebt = 403 "Forbidden.InDebt" "Current user is indebted.";
    /// The account is in debt for too long.
    InDebtOverdue = 403 "Forbidden.InDebtOverdue" "Current user is indebted Overdue.";

    // Load and faults. Source: identity.md §1.8, errors.md §2.

    /// Too many calls, said by the platform.
    Throttling = 400 "Throttling" "Request was denied due to request throttling.";
    /// Too many calls of one account to RAM or STS.
    ThrottlingUser = 400 "Throttling.User" "Request was denied due to user flow control.";
    /// Too many calls of one operation.
    ThrottlingApi = 400 "Throttling.Api" "Request was denied due to api flow control.";
    /// Too many calls to KMS.
    RejectedThrottling = 429 "Rejected.Throttling" "QPS Limit Exceeded";
    /// A fault of ours. The cause is logged, never sent.
    InternalFailure = 500 "InternalFailure" "Internal Failure";
    /// A fault of ours, in the words of RAM and STS. The message is our choice.
    InternalError = 500 "InternalError" "The request processing has failed due to some unknown error.";
    /// Not now, in the words of RAM and STS. The message is our choice.
    ServiceUnavailable = 503 "ServiceUnavailable" "The request has failed due to a temporary failure of the server.";
    /// The store or the journal did not take it. The client may try again.
    ServiceUnavailableTemporary = 503 "ServiceUnavailableTemporary" "Service Unavailable Temporary.";
    /// What has no better code. The message is our choice.
    UnknownError = 400 "UnknownError" "The request has failed due to an unknown error.";

    // Lookup. Although two begin with "Forbidden", they are 404. Source: errors.md §3.

    /// No such key, said only to a caller who may use a key of that name.
    KeyNotFound = 404 "Forbidden.KeyNotFound" "The specified Key is not found.";
    /// The key has no such version.
    KeyVersionNotFound = 404 "Forbidden.KeyVersionNotFound" "The specified Key version is not found.";
    /// The caller's account has no such alias.
    AliasNotFound = 404 "Forbidden.AliasNotFound" "The specified Alias is not found.";
    /// No such secret, version or stage; no such policy.
    ResourceNotFound = 404 "Forbidden.ResourceNotFound" "Resource not found.";
    /// No such certificate.
    CertificateNotFound = 404 "Certificate.NotFound" "The specified certificate is not found.";
    /// No such instance.
    DkmsInstanceNotFound = 403 "Forbidden.DKMSInstanceNotFound" "The specified DKMS Instance is not found.";
    /// The instance is not started. The message is our choice.
    DkmsInstanceStateInvalid = 403 "Forbidden.DKMSInstanceStateInvalid" "The state of the specified DKMS Instance is not valid for this operation.";
    /// The instance is not initialised. The message is our choice.
    Uninitialized = 409 "Rejected.Uninitialized" "The request was rejected because the instance is not initialized.";

    // Not applicable. Source: errors.md §4, secrets.md §1.5.

    /// This key cannot do that.
    UnsupportedOperation = 400 "UnsupportedOperation" "This action is not supported.";
    /// This key's usage, algorithm or protection, or this secret's type, does not allow that.
    RejectedUnsupportedOperation = 400 "Rejected.UnsupportedOperation" "Unsupported operation.";
    /// A quota is used up.
    LimitExceeded = 400 "Rejected.LimitExceeded" "The request was rejected because user create resource limit was exceeded.";
    /// The share of the instance is used up.
    ShareQuotaExceedLimit = 400 "Rejected.ShareQuotaExceedLimit" "Instance Share Quota Exceed Limit.";
    /// An alias where only an id will do.
    UnsupportedAlias = 400 "Unsupported.Alias" "Alias is not valid for this api.";
    /// A key of another origin is needed.
    UnsupportedOrigin = 400 "Unsupported.Origin" "This key origin is not valid for this api.";
    /// The region has no such protection level.
    UnsupportedProtectionLevel = 400 "Unsupported.ProtectionLevel" "This protection level is not valid for this region";
    /// The alias is taken.
    AliasAlreadyExists = 400 "AliasAlreadyExists" "AliasName Already Exists.";
    /// Imported material does not open, or is not the right one.
    InvalidKeyMaterial = 400 "InvalidKeyMaterial" "key material is invalid.";
    /// The import token is not one of ours, or of another key.
    InvalidImportToken = 400 "InvalidImportToken" "import token is invalid.";
    /// The import token is too old.
    ExpiredImportToken = 400 "ExpiredImportToken" "import token is expired.";
    /// The service is open already.
    Opened = 400 "Forbidden.Opened" "Your kms service has been opened.";
    /// The account has no verified name.
    NoRealNameAuthentication = 400 "Forbidden.NoRealNameAuthentication" "Real name authentication is needed.";
    /// The order failed.
    CreateLxOrderFailed = 400 "CreateLXOrderFailed" "Create order failed";

    // State. Source: errors.md §5, secrets.md §1.5.

    /// The key is disabled.
    KeyDisabled = 409 "Rejected.Disabled" "The request was rejected because the key state is Disabled.";
    /// The key waits for its deletion date.
    KeyPendingDeletion = 409 "Rejected.PendingDeletion" "The request was rejected because the key state is PendingDeletion.";
    /// The key has no material yet.
    KeyPendingImport = 409 "Rejected.PendingImport" "The request was rejected because the key state is PendingImport.";
    /// The key's instance expired or was released.
    KeyUnavailable = 409 "Rejected.Unavailable" "The request was rejected because the key state is Unavailable.";
    /// The key is enabled. No state table uses it: kept, not sent.
    KeyEnabled = 409 "Rejected.Enabled" "The request was rejected because the key state is Enabled.";
    /// The key cannot go from its state to that one.
    StateModifiedFailed = 409 "Rejected.StateModifiedFailed" "Keystate modified failed.";
    /// A secret of that name, or a version of that id, exists.
    ResourceExist = 409 "Rejected.ResourceExist" "The resource already exists.";
    /// A secret of that name waits for its deletion date.
    ResourceInDeleteWindow = 409 "Rejected.ResourceInDeleteWindow" "The secret is planned to be deleted.";
    /// The secret is not waiting for deletion, or is being rotated.
    ResourceInUse = 409 "Rejected.ResourceInUse" "Your secret is being rotated, please try again later.";

    // Verdicts of a dry run. The messages are our choice. Source: errors.md §6.

    /// It would have worked.
    DryRunOperationError = 400 "DryRunOperationError" "The request would have succeeded, but DryRun is set.";
    /// It would have failed: a parameter, a lookup or a state.
    ValidationError = 400 "ValidationError" "The request would have failed validation.";
    /// It would have been forbidden.
    AccessDeniedError = 403 "AccessDeniedError" "The request would have been denied.";
}

/// What a client reads when its call is refused. The cause of a fault is not in it: that is logged.
///
/// Never holds what the client sent, except the names of resources it asked for and of parameters
/// that the server knows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refusal {
    code: Code,
    message: Cow<'static, str>,
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

    /// The same code with another message.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.message = message.into();
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
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Self { code, message: Cow::Borrowed(code.message()) }
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
    use std::collections::BTreeSet;

    use super::{Code, Refusal};

    #[test]
    fn each_code_has_its_own_wire_name_and_an_error_status() {
        let mut seen = BTreeSet::new();
        for code in Code::ALL {
            assert!(seen.insert(code.wire()), "{code:?}");
            assert!((400..600).contains(&code.status()), "{code:?}");
            assert!(!code.message().is_empty(), "{code:?}");
        }
    }

    /// Terraform takes an expected code that begins with the answered one as a match.
    /// Source: identity.md §1.7.
    #[test]
    fn no_message_quotes_another_code() {
        for (one, other) in Code::ALL.iter().flat_map(|a| Code::ALL.iter().map(move |b| (a, b))) {
            let dotted = other.wire().contains('.');
            assert!(!(dotted && one.message().contains(other.wire())), "{one:?} quotes {other:?}");
        }
    }

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

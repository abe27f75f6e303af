//! Every code a client can read: one table. What else a refusal says is in `refusal.rs`.

pub use crate::refusal::Refusal;

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

impl Code {
    /// The same in the words of RAM and STS, where they have others. Source: identity.md §1.8.
    #[must_use]
    pub const fn in_ram(self) -> Self {
        match self {
            Self::NoPermission => Self::RamNoPermission,
            Self::InternalFailure => Self::InternalError,
            Self::ServiceUnavailableTemporary => Self::ServiceUnavailable,
            Self::RejectedThrottling => Self::ThrottlingUser,
            other => other,
        }
    }
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
    /// A fault of ours, in the words of RAM and STS; STS has a message of its own. Source: identity.md
    /// §2.4, §2.6.
    InternalError = 500 "InternalError" "An internal error occurred.";
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

    // RAM: its parameters. Source: identity.md §2.4; those of roles are inferred there.

    /// `UserName` has a character that it may not have.
    UserNameChars = 400 "InvalidParameter.UserName.InvalidChars" "The parameter - \"UserName\" contains invalid chars.";
    /// `NewUserName` has a character that it may not have.
    NewUserNameChars = 400 "InvalidParameter.NewUserName.InvalidChars" "The parameter - \"NewUserName\" contains invalid chars.";
    /// `DisplayName` has a character that it may not have.
    DisplayNameChars = 400 "InvalidParameter.DisplayName.InvalidChars" "The parameter - \"DisplayName\" contains invalid chars.";
    /// `NewDisplayName` has a character that it may not have.
    NewDisplayNameChars = 400 "InvalidParameter.NewDisplayName.InvalidChars" "The parameter - \"NewDisplayName\" contains invalid chars.";
    /// `GroupName` has a character that it may not have.
    GroupNameChars = 400 "InvalidParameter.GroupName.InvalidChars" "The parameter - \"GroupName\" contains invalid chars.";
    /// `NewGroupName` has a character that it may not have.
    NewGroupNameChars = 400 "InvalidParameter.NewGroupName.InvalidChars" "The parameter - \"NewGroupName\" contains invalid chars.";
    /// `PolicyName` has a character that it may not have.
    PolicyNameChars = 400 "InvalidParameter.PolicyName.InvalidChars" "The parameter - \"PolicyName\" contains invalid chars.";
    /// `RoleName` has a character that it may not have.
    RoleNameChars = 400 "InvalidParameter.RoleName.InvalidChars" "The parameter - \"RoleName\" contains invalid chars.";
    /// `VirtualMFADeviceName` has a character that it may not have.
    VirtualMfaDeviceNameChars = 400 "InvalidParameter.VirtualMFADeviceName.InvalidChars" "The parameter - \"VirtualMFADeviceName\" contains invalid chars.";
    /// `UserName` is too short or too long.
    UserNameLength = 400 "InvalidParameter.UserName.Length" "The parameter - \"UserName\" beyond the length limit.";
    /// `NewUserName` is too short or too long.
    NewUserNameLength = 400 "InvalidParameter.NewUserName.Length" "The parameter - \"NewUserName\" beyond the length limit.";
    /// `DisplayName` is too short or too long.
    DisplayNameLength = 400 "InvalidParameter.DisplayName.Length" "The parameter - \"DisplayName\" beyond the length limit.";
    /// `NewDisplayName` is too short or too long.
    NewDisplayNameLength = 400 "InvalidParameter.NewDisplayName.Length" "The parameter - \"NewDisplayName\" beyond the length limit.";
    /// `GroupName` is too short or too long.
    GroupNameLength = 400 "InvalidParameter.GroupName.Length" "The parameter - \"GroupName\" beyond the length limit.";
    /// `NewGroupName` is too short or too long.
    NewGroupNameLength = 400 "InvalidParameter.NewGroupName.Length" "The parameter - \"NewGroupName\" beyond the length limit.";
    /// `PolicyName` is too short or too long.
    PolicyNameLength = 400 "InvalidParameter.PolicyName.Length" "The parameter - \"PolicyName\" beyond the length limit.";
    /// `RoleName` is too short or too long.
    RoleNameLength = 400 "InvalidParameter.RoleName.Length" "The parameter - \"RoleName\" beyond the length limit.";
    /// `VirtualMFADeviceName` is too short or too long.
    VirtualMfaDeviceNameLength = 400 "InvalidParameter.VirtualMFADeviceName.Length" "The parameter - \"VirtualMFADeviceName\" beyond the length limit.";
    /// `Comments` is too short or too long.
    CommentsLength = 400 "InvalidParameter.Comments.Length" "The parameter - \"Comments\" beyond the length limit.";
    /// `Comments` has a character that it may not have. Our choice.
    CommentsChars = 400 "InvalidParameter.Comments.InvalidChars" "The parameter - \"Comments\" contains invalid chars.";
    /// `NewComments` is too short or too long.
    NewCommentsLength = 400 "InvalidParameter.NewComments.Length" "The parameter - \"NewComments\" beyond the length limit.";
    /// `NewComments` has a character that it may not have. Our choice.
    NewCommentsChars = 400 "InvalidParameter.NewComments.InvalidChars" "The parameter - \"NewComments\" contains invalid chars.";
    /// `Description` is too short or too long.
    DescriptionLength = 400 "InvalidParameter.Description.Length" "The parameter - \"Description\" beyond the length limit.";
    /// `Description` has a character that it may not have. Our choice.
    DescriptionChars = 400 "InvalidParameter.Description.InvalidChars" "The parameter - \"Description\" contains invalid chars.";
    /// `NewDescription` is too short or too long.
    NewDescriptionLength = 400 "InvalidParameter.NewDescription.Length" "The parameter - \"NewDescription\" beyond the length limit.";
    /// `NewDescription` has a character that it may not have. Our choice.
    NewDescriptionChars = 400 "InvalidParameter.NewDescription.InvalidChars" "The parameter - \"NewDescription\" contains invalid chars.";
    /// `PolicyDocument` is too short or too long.
    PolicyDocumentLength = 400 "InvalidParameter.PolicyDocument.Length" "The parameter - \"PolicyDocument\" beyond the length limit.";
    /// `AssumeRolePolicyDocument` is too short or too long.
    AssumeRolePolicyDocumentLength = 400 "InvalidParameter.AssumeRolePolicyDocument.Length" "The parameter - \"AssumeRolePolicyDocument\" beyond the length limit.";
    /// `MobilePhone` is not written as it should be.
    MobilePhoneFormat = 400 "InvalidParameter.MobilePhone.Format" "The format of the parameter - \"MobilePhone\" is incorrect.";
    /// `NewMobilePhone` is not written as it should be.
    NewMobilePhoneFormat = 400 "InvalidParameter.NewMobilePhone.Format" "The format of the parameter - \"NewMobilePhone\" is incorrect.";
    /// `Email` is not written as it should be.
    EmailFormat = 400 "InvalidParameter.Email.Format" "The format of the parameter - \"Email\" is incorrect.";
    /// `NewEmail` is not written as it should be.
    NewEmailFormat = 400 "InvalidParameter.NewEmail.Format" "The format of the parameter - \"NewEmail\" is incorrect.";
    /// `VersionId` is not written as it should be.
    VersionIdFormat = 400 "InvalidParameter.VersionId.Format" "The format of the parameter - \"VersionId\" is incorrect.";
    /// `AccountAlias` is not written as it should be.
    AccountAliasFormat = 400 "InvalidParameter.AccountAlias.Format" "The format of parameter - \"AccountAlias\" is incorrect.";
    /// The account's password policy refuses it.
    PasswordTooWeak = 400 "InvalidParameter.Password.TooWeak" "The parameter - \"Password\" is not compliant with the password policy.";
    /// `PolicyType` is neither `System` nor `Custom`.
    PolicyTypeUnknown = 400 "InvalidParameter.PolicyType" "The parameter - \"PolicyType\" is incorrect.";
    /// `MinimumPasswordLength` is out of range.
    MinimumPasswordLengthRange = 400 "InvalidParameter.MinimumPasswordLength.Range" "The parameter - \"MinimumPasswordLength\" MUST be in the range of 8 and 32.";
    /// A code of an MFA device is not six digits.
    AuthenticationCodeFormat = 400 "InvalidParameter.AuthenticationCode.Format" "The parameter - \"AuthenticationCode\" MUST be 6 numbers.";
    /// The policy cannot be read. The message says why.
    MalformedPolicyDocument = 400 "MalformedPolicyDocument" "The policy document is malformed.";
    /// A code of an MFA device is wrong.
    CheckAuthenticationCodeFail = 403 "CheckAuthenticationCodeFail" "The parameter - \"AuthenticationCode\" is inccorrect.";
    /// The old password is another. Our choice.
    OldPasswordWrong = 400 "InvalidParameter.OldPassword" "The parameter - \"OldPassword\" is incorrect.";

    // RAM and STS: permission. Source: identity.md §1.7, §2.4, §2.6.

    /// The caller may not do this. [`Refusal::no_ram_permission`] names what.
    RamNoPermission = 403 "NoPermission" "You are not authorized to do this action. You should be authorized by RAM.";
    /// The service is not opened.
    RamInactive = 403 "Inactive" "Your ram service is inactive, please activate it.";

    // RAM: what is not there. Source: identity.md §2.4; texts of login profiles, roles and
    // providers are our choice.

    /// Not there: `User`.
    NoUser = 404 "EntityNotExist.User" "The user does not exist.";
    /// Not there: `User.AccessKey`.
    NoUserAccessKey = 404 "EntityNotExist.User.AccessKey" "The user access key does not exist.";
    /// Not there: `User.MFADevice`.
    NoUserMfaDevice = 404 "EntityNotExist.User.MFADevice" "The user has not bound any MFA device.";
    /// Not there: `User.Group`.
    NoUserGroup = 404 "EntityNotExist.User.Group" "The user has not joined the group.";
    /// Not there: `User.LoginProfile`.
    NoUserLoginProfile = 404 "EntityNotExist.User.LoginProfile" "The user login profile does not exist.";
    /// Not there: `User.Policy`.
    NoUserPolicy = 404 "EntityNotExist.User.Policy" "The indicate policy of the user does not exist.";
    /// Not there: `VirtualMFADevice`.
    NoVirtualMfaDevice = 404 "EntityNotExist.VirtualMFADevice" "The virtual mfa device does not exist.";
    /// Not there: `Group`.
    NoGroup = 404 "EntityNotExist.Group" "The group does not exist.";
    /// Not there: `Group.Policy`.
    NoGroupPolicy = 404 "EntityNotExist.Group.Policy" "The indicate policy attached to the group does not exist.";
    /// Not there: `Role`.
    NoRole = 404 "EntityNotExist.Role" "The specified Role not exists.";
    /// Not there: `Role.Policy`.
    NoRolePolicy = 404 "EntityNotExist.Role.Policy" "The indicate policy attached to the role does not exist.";
    /// Not there: `Policy`.
    NoPolicy = 404 "EntityNotExist.Policy" "The policy does not exist.";
    /// Not there: `Policy.Version`.
    NoPolicyVersion = 404 "EntityNotExist.Policy.Version" "The policy version does not exist.";
    /// Not there: `OIDCProvider`.
    NoOidcProvider = 404 "EntityNotExist.OIDCProvider" "The OIDC provider does not exist.";

    // RAM: what is there already. Source: identity.md §2.4.

    /// There already: `User`.
    UserExists = 409 "EntityAlreadyExists.User" "The user does already EXIST.";
    /// There already: `User.LoginProfile`.
    UserLoginProfileExists = 409 "EntityAlreadyExists.User.LoginProfile" "The user login profile does already EXIST.";
    /// There already: `User.MFADevice`.
    UserMfaDeviceExists = 409 "EntityAlreadyExists.User.MFADevice" "The user has already bound a MFA device.";
    /// There already: `User.Group`.
    UserGroupExists = 409 "EntityAlreadyExists.User.Group" "The user has already joined the group.";
    /// There already: `User.Policy`.
    UserPolicyExists = 409 "EntityAlreadyExists.User.Policy" "The user has already been attached this policy.";
    /// There already: `VirtualMFADevice`.
    VirtualMfaDeviceExists = 409 "EntityAlreadyExists.VirtualMFADevice" "The virtual mfa device does already EXIST.";
    /// There already: `VirtualMFADevice.User`.
    VirtualMfaDeviceUserExists = 409 "EntityAlreadyExists.VirtualMFADevice.User" "The virtual mfa device has already been bound to a user.";
    /// There already: `Group`.
    GroupExists = 409 "EntityAlreadyExists.Group" "The group does already EXIST.";
    /// There already: `Group.Policy`.
    GroupPolicyExists = 409 "EntityAlreadyExists.Group.Policy" "The group has already been attached this policy.";
    /// There already: `Policy`.
    PolicyExists = 409 "EntityAlreadyExists.Policy" "The policy does already EXIST.";
    /// There already: `Role`.
    RoleExists = 409 "EntityAlreadyExists.Role" "The role does already EXIST.";
    /// There already: `Role.Policy`.
    RolePolicyExists = 409 "EntityAlreadyExists.Role.Policy" "The role has already been attached this policy.";
    /// There already: `AccountAlias`.
    AccountAliasExists = 409 "EntityAlreadyExists.AccountAlias" "The account alias does already EXIST.";

    // RAM: what stands in the way of a deletion. Source: identity.md §2.4; some texts are our
    // choice, in its style.

    /// In the way: `User.Group`.
    UserGroupInTheWay = 409 "DeleteConflict.User.Group" "The user CAN NOT be in any group while deleting the user.";
    /// In the way: `User.AccessKey`.
    UserAccessKeyInTheWay = 409 "DeleteConflict.User.AccessKey" "The user CAN NOT have any access key while deleting the user.";
    /// In the way: `User.LoginProfile`.
    UserLoginProfileInTheWay = 409 "DeleteConflict.User.LoginProfile" "The user CAN NOT have the login profile while deleting the user.";
    /// In the way: `User.MFADevice`.
    UserMfaDeviceInTheWay = 409 "DeleteConflict.User.MFADevice" "The user CAN NOT bind any MFA device while deleting the user.";
    /// In the way: `User.Policy`.
    UserPolicyInTheWay = 409 "DeleteConflict.User.Policy" "The user CAN NOT be attached any policy while deleting the user.";
    /// In the way: `VirtualMFADevice.User`.
    VirtualMfaDeviceUserInTheWay = 409 "DeleteConflict.VirtualMFADevice.User" "The virtual mfa device CAN NOT be bound to any user while deleting it.";
    /// In the way: `Group.User`.
    GroupUserInTheWay = 409 "DeleteConflict.Group.User" "The group CAN NOT have any user while deleting the group.";
    /// In the way: `Group.Policy`.
    GroupPolicyInTheWay = 409 "DeleteConflict.Group.Policy" "The group CAN NOT be attached any policy while deleting the group.";
    /// In the way: `Policy.User`.
    PolicyUserInTheWay = 409 "DeleteConflict.Policy.User" "The policy CAN NOT be attached to any user while deleting it.";
    /// In the way: `Policy.Group`.
    PolicyGroupInTheWay = 409 "DeleteConflict.Policy.Group" "The policy CAN NOT be attached to any group while deleting it.";
    /// In the way: `Policy.Role`.
    PolicyRoleInTheWay = 409 "DeleteConflict.Policy.Role" "The policy CAN NOT be attached to any role while deleting it.";
    /// In the way: `Policy.Version`.
    PolicyVersionInTheWay = 409 "DeleteConflict.Policy.Version" "The policy CAN NOT has any version except the default version.";
    /// In the way: `Policy.Version.Default`.
    PolicyVersionDefaultInTheWay = 409 "DeleteConflict.Policy.Version.Default" "The default policy version CAN NOT been deleted directly.";
    /// In the way: `Role.Policy`.
    RolePolicyInTheWay = 409 "DeleteConflict.Role.Policy" "The role CAN NOT be attached any policy while deleting the role.";

    // RAM: quotas. Source: identity.md §2.4, §2.5.

    /// Too many users.
    TooManyUser = 409 "LimitExceeded.User" "The count of users beyond the current limits.";
    /// Too many access keys of the user.
    TooManyUserAccessKey = 409 "LimitExceeded.User.AccessKey" "The count of access keys of the user beyond the current limits.";
    /// Too many groups of the user.
    TooManyUserGroup = 409 "LimitExceeded.User.Group" "The count of groups of the user beyond the current limits.";
    /// Too many policies of the user.
    TooManyUserPolicy = 409 "LimitExceeded.User.Policy" "The count of policies of the user beyond the current limits.";
    /// Too many virtual mfa devices.
    TooManyVirtualMfaDevice = 409 "LimitExceeded.VirtualMFADevice" "The count of virtual mfa devices beyond the current limits.";
    /// Too many groups.
    TooManyGroup = 409 "LimitExceeded.Group" "The count of groups beyond the current limits.";
    /// Too many policies of the group.
    TooManyGroupPolicy = 409 "LimitExceeded.Group.Policy" "The count of policies of the group beyond the current limits.";
    /// Too many policies.
    TooManyPolicy = 409 "LimitExceeded.Policy" "The count of policies beyond the current limits.";
    /// Too many versions of the policy.
    TooManyPolicyVersion = 409 "LimitExceeded.Policy.Version" "The count of versions of the policy beyond the current limits.";
    /// Too many roles.
    TooManyRole = 409 "LimitExceeded.Role" "The count of roles beyond the current limits.";
    /// Too many tags on one thing. Our choice.
    TooManyTag = 409 "LimitExceeded.Tag" "The count of tags beyond the current limits.";
    /// Too many policies of the role.
    TooManyRolePolicy = 409 "LimitExceeded.Role.Policy" "The count of policies of the role beyond the current limits.";

    // STS. Source: identity.md §2.6.

    /// `RoleArn` is no role's.
    RoleArnMalformed = 400 "InvalidParameter.RoleArn" "The parameter RoleArn is wrongly formed.";
    /// `RoleSessionName` breaks its rule.
    RoleSessionNameMalformed = 400 "InvalidParameter.RoleSessionName" "The parameter RoleSessionName is wrongly formed.";
    /// `DurationSeconds` is out of range. The message says which.
    DurationSecondsRange = 400 "InvalidParameter.DurationSeconds" "The Min/Max value of DurationSeconds is 15min/1hr.";
    /// The session policy cannot be read.
    PolicyGrammar = 400 "InvalidParameter.PolicyGrammar" "The parameter Policy has not passed grammar check.";
    /// The session policy is too long.
    PolicySize = 400 "InvalidParameter.PolicySize" "The size of Policy must be smaller than 2048 bytes.";
    /// The role that an identity provider's token asks for is not there. The message is our choice.
    NoRoleArn = 404 "EntityNotExist.RoleArn" "The specified RoleArn does not exist.";
    /// The token is not one of the provider's, or not for us. Codes of OIDC below their first word are our choice.
    OidcTokenInvalid = 401 "AuthenticationFail.OIDCToken.Invalid" "The OIDC token is invalid.";
    /// The token is too old.
    OidcTokenExpired = 401 "AuthenticationFail.OIDCToken.Expired" "The OIDC token has expired.";
    /// The role's trust policy does not allow it.
    OidcNotTrusted = 401 "AuthenticationFail.NoPermission" "The role does not trust this OIDC token.";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Code;

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
}

//! Accounts, and who there is in them: users, groups, roles, their access keys, logins and policies.
//!
//! Names and limits: identity.md §2.2, §2.3, §2.5.

use crate::{
    ids::{
        AccessKeyId, AccountId, GroupName, MfaDeviceName, PolicyName, ProviderName, RoleName,
        UserName,
    },
    key::words,
    text::PasswordHash,
    time::Timestamp,
};

/// An account: the owner of everything else.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Account {
    /// Its number.
    pub id: AccountId,
    /// When it was made.
    pub created: Timestamp,
    /// Whether the service is open for it (`OpenKmsService`). Source: keys.md §15.1.
    pub kms_open: bool,
}

/// A RAM user.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct User {
    /// The account it belongs to.
    pub account: AccountId,
    /// Its name, unique in the account.
    pub name: UserName,
    /// Its id: 18 decimal digits, for ever, whatever the name. Source: identity.md §2.3.
    pub id: String,
    /// What people and programs may know of it besides.
    pub about: About,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub updated: Timestamp,
    /// When it last logged in to the console.
    pub last_login: Option<Timestamp>,
}

impl User {
    /// A new user, of whom nothing is written yet.
    #[must_use]
    pub fn new(account: AccountId, name: UserName, id: String, now: Timestamp) -> Self {
        let about = About::default();
        Self { account, name, id, about, created: now, updated: now, last_login: None }
    }
}

/// What is written about a user. Each text may be empty.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct About {
    /// Up to 128 characters.
    pub display_name: String,
    /// `<country code>-<number>`.
    pub mobile_phone: String,
    /// An address.
    pub email: String,
    /// Up to 128 characters.
    pub comments: String,
}

/// A group of users. What is attached to it is attached to each.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Group {
    /// The account it belongs to.
    pub account: AccountId,
    /// Its name, unique in the account.
    pub name: GroupName,
    /// Its id: 18 decimal digits.
    pub id: String,
    /// Up to 128 characters; may be empty.
    pub comments: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub updated: Timestamp,
}

/// A role: an identity without credentials of its own, assumed by those whom it trusts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Role {
    /// The account it belongs to.
    pub account: AccountId,
    /// Its name, unique in the account.
    pub name: RoleName,
    /// Its id: 18 decimal digits. Sessions name it too, so that a role made again under an old name
    /// does not revive them.
    pub id: String,
    /// Up to 1,024 characters; may be empty.
    pub description: String,
    /// Its trust policy as submitted, byte for byte.
    pub trust: String,
    /// How long a session may last, in seconds: 3,600 to 43,200.
    pub max_session: i64,
    /// Whether people may switch to it in a console.
    pub console_login: bool,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub updated: Timestamp,
}

/// An access key of a user, or of the account itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AccessKey {
    /// Its id.
    pub id: AccessKeyId,
    /// The account.
    pub account: AccountId,
    /// The user; `None` is the account's root.
    pub user: Option<UserName>,
    /// The secret half, sealed by the account's wrapping key.
    pub sealed: Vec<u8>,
    /// Whether it may sign.
    pub active: bool,
    /// When it was made.
    pub created: Timestamp,
    /// When it last signed a call, to within a minute or so.
    pub last_used: Option<Timestamp>,
}

words! {
    /// Whose text a policy is.
    PolicyType {
        /// Ours: the same in every account.
        System = "System",
        /// The account's own.
        Custom = "Custom",
    }
}

/// A policy that an account wrote. Its documents are its versions.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CustomPolicy {
    /// The account.
    pub account: AccountId,
    /// Its name, unique in the account.
    pub name: PolicyName,
    /// Up to 1,024 characters; may be empty.
    pub description: String,
    /// The version that counts.
    pub default_version: i64,
    /// The newest version there ever was: numbers are not used again.
    pub last_version: i64,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub updated: Timestamp,
}

impl CustomPolicy {
    /// A new policy of one version.
    #[must_use]
    pub fn new(account: AccountId, name: PolicyName, now: Timestamp) -> Self {
        let description = String::new();
        let (created, updated) = (now, now);
        Self { account, name, description, default_version: 1, last_version: 1, created, updated }
    }
}

/// One text of a policy. On the wire its number has a `v` before it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PolicyVersion {
    /// Its number, from 1.
    pub number: i64,
    /// The document as submitted, byte for byte.
    pub document: String,
    /// When it was made.
    pub created: Timestamp,
}

/// A policy in somebody's hands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Attachment {
    /// Whose text it is.
    pub kind: PolicyType,
    /// Its name.
    pub policy: PolicyName,
}

/// An identity of an account: whoever signs is one, and has its rights.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Identity {
    /// The account itself.
    Root,
    /// A user.
    User(UserName),
    /// A role, in one of its sessions.
    Role(RoleName),
}

/// Who may hold policies.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Holder {
    /// A user.
    User(UserName),
    /// A group: each of its users holds them.
    Group(GroupName),
    /// A role: its sessions hold them.
    Role(RoleName),
}

impl Holder {
    /// What it is, in RAM's words.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "User",
            Self::Group(_) => "Group",
            Self::Role(_) => "Role",
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::User(name) => name.as_str(),
            Self::Group(name) => name.as_str(),
            Self::Role(name) => name.as_str(),
        }
    }
}

/// How a user logs in to the console.
#[derive(Clone, Debug)]
pub struct LoginProfile {
    /// The account.
    pub account: AccountId,
    /// The user.
    pub user: UserName,
    /// The password, hashed.
    pub password: PasswordHash,
    /// Hashes of the passwords before, newest first: at most 24.
    pub past: Vec<PasswordHash>,
    /// Whether the next login must change the password.
    pub reset_required: bool,
    /// Whether a login needs an MFA device.
    pub mfa_required: bool,
    /// When it was made.
    pub created: Timestamp,
    /// When the password was set.
    pub changed: Timestamp,
    /// Failed logins in a row since `failed_at`.
    pub failures: i64,
    /// The first of them.
    pub failed_at: Option<Timestamp>,
}

/// A virtual MFA device: a seed of time-based codes (RFC 6238).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MfaDevice {
    /// The account.
    pub account: AccountId,
    /// Its name, unique in the account.
    pub name: MfaDeviceName,
    /// The seed, sealed by the account's wrapping key.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created: Timestamp,
    /// The user who has bound it, and when.
    pub bound: Option<(UserName, Timestamp)>,
    /// The last time step whose code was taken: none is taken twice.
    pub last_step: i64,
}

/// What passwords of an account must be like. Source: identity.md §2.2.
#[expect(clippy::struct_excessive_bools, reason = "the vendor's switches, each its own parameter")]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PasswordPolicy {
    /// 8 to 32.
    pub minimum_length: i64,
    /// Whether there must be a lower-case letter.
    pub lowercase: bool,
    /// Whether there must be an upper-case letter.
    pub uppercase: bool,
    /// Whether there must be a digit.
    pub numbers: bool,
    /// Whether there must be another character.
    pub symbols: bool,
    /// Whether who lets a password expire cannot log in to change it.
    pub hard_expiry: bool,
    /// Days until a password expires; 0: never.
    pub max_age: i64,
    /// How many of the last passwords may not come again: 0 to 24.
    pub reuse_prevention: i64,
    /// How many logins an hour may fail: 0 to 32; 0: any number.
    pub max_attempts: i64,
}

/// The vendor's defaults. Source: identity.md §2.2; where it gives none, our choice.
impl Default for PasswordPolicy {
    fn default() -> Self {
        Self {
            minimum_length: 8,
            lowercase: true,
            uppercase: true,
            numbers: true,
            symbols: true,
            hard_expiry: false,
            max_age: 0,
            reuse_prevention: 0,
            max_attempts: 5,
        }
    }
}

/// What users of an account may do for themselves, and how long a login lasts.
/// Source: identity.md §2.2.
#[expect(clippy::struct_excessive_bools, reason = "the vendor's switches, each its own parameter")]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SecurityPreference {
    /// Whether users may change their own passwords.
    pub change_password: bool,
    /// Whether users may manage their own access keys.
    pub manage_access_keys: bool,
    /// Whether users may manage their own MFA devices.
    pub manage_mfa_devices: bool,
    /// Whether users may manage their own public keys. There are none here: kept only.
    pub manage_public_keys: bool,
    /// Whether a browser may remember for 7 days that it has shown a code.
    pub save_mfa_ticket: bool,
    /// Where logins may come from: masks with `;` between them, at most 40; empty: anywhere.
    pub login_networks: String,
    /// Hours: 1 to 24.
    pub login_hours: i64,
}

/// What an account has before it sets anything: users change their passwords and MFA devices, and make
/// no access keys. Hours of a login: identity.md §2.2; the switches: the API reference of
/// `SetSecurityPreference`, as the specification names no defaults.
impl Default for SecurityPreference {
    fn default() -> Self {
        Self {
            change_password: true,
            manage_access_keys: false,
            manage_mfa_devices: true,
            manage_public_keys: false,
            save_mfa_ticket: false,
            login_networks: String::new(),
            login_hours: 6,
        }
    }
}

/// How people log in to an account's console.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct LoginRules {
    /// Another name of the account.
    pub alias: Option<String>,
    /// What passwords must be like.
    pub passwords: PasswordPolicy,
    /// What users may do for themselves.
    pub preference: SecurityPreference,
}

/// An `OpenID` Connect provider whose tokens roles of the account may trust.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OidcProvider {
    /// The account.
    pub account: AccountId,
    /// Its name, unique in the account.
    pub name: ProviderName,
    /// The issuer, as tokens name it: an `https` URL.
    pub issuer: String,
    /// The audiences it may speak to.
    pub client_ids: Vec<String>,
    /// Its key set (JWKS), if it was given; otherwise it is fetched from the issuer.
    pub keys: Option<String>,
    /// Up to 256 characters; may be empty.
    pub description: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub updated: Timestamp,
}

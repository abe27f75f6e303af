//! `SetPasswordPolicy`: says what passwords must be like from now on. What is not sent stays (our
//! choice); passwords that are set already stay good. Source: identity.md §2.2.

use yaoku_model::identity::{LoginRules, PasswordPolicy};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::{policy_fields, rules};
use crate::{
    api::{Effect, Operation, Spec, ram::RAM},
    call::Call,
    error::ApiError,
};

/// A request to set the password policy.
#[derive(Debug)]
pub(super) struct SetPasswordPolicy {
    minimum_length: Option<i64>,
    lowercase: Option<bool>,
    uppercase: Option<bool>,
    numbers: Option<bool>,
    symbols: Option<bool>,
    hard_expiry: Option<bool>,
    max_age: Option<i64>,
    reuse_prevention: Option<i64>,
    max_attempts: Option<i64>,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Set(PasswordPolicy);

impl Operation for SetPasswordPolicy {
    const SPEC: &'static Spec = &Spec {
        name: "SetPasswordPolicy",
        effect: Effect::Write,
        errors: &[&[Code::MinimumPasswordLengthRange]],
        example: &[
            ("MinimumPasswordLength", "12"),
            ("RequireLowercaseCharacters", "true"),
            ("RequireUppercaseCharacters", "true"),
            ("RequireNumbers", "true"),
            ("RequireSymbols", "false"),
            ("HardExpiry", "false"),
            ("MaxPasswordAge", "90"),
            ("PasswordReusePrevention", "5"),
            ("MaxLoginAttemps", "5"),
        ],
        ..RAM
    };

    type Response = Set;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let length = params.integer("MinimumPasswordLength", i64::MIN..=i64::MAX)?;
        if length.is_some_and(|it| !PasswordPolicy::LENGTHS.contains(&it)) {
            return Err(Code::MinimumPasswordLengthRange.into());
        }
        let remembered = 0..=PasswordPolicy::MAX_REMEMBERED;
        Ok(Self {
            minimum_length: length,
            lowercase: params.flag("RequireLowercaseCharacters")?,
            uppercase: params.flag("RequireUppercaseCharacters")?,
            numbers: params.flag("RequireNumbers")?,
            symbols: params.flag("RequireSymbols")?,
            hard_expiry: params.flag("HardExpiry")?,
            max_age: params.integer("MaxPasswordAge", 0..=PasswordPolicy::MAX_AGE)?,
            reuse_prevention: params.integer("PasswordReusePrevention", remembered)?,
            max_attempts: params.integer("MaxLoginAttemps", 0..=PasswordPolicy::MAX_ATTEMPTS)?,
        })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Set, ApiError> {
        let rules = rules(call).await?;
        let old = &rules.passwords;
        let passwords = PasswordPolicy {
            minimum_length: self.minimum_length.unwrap_or(old.minimum_length),
            lowercase: self.lowercase.unwrap_or(old.lowercase),
            uppercase: self.uppercase.unwrap_or(old.uppercase),
            numbers: self.numbers.unwrap_or(old.numbers),
            symbols: self.symbols.unwrap_or(old.symbols),
            hard_expiry: self.hard_expiry.unwrap_or(old.hard_expiry),
            max_age: self.max_age.unwrap_or(old.max_age),
            reuse_prevention: self.reuse_prevention.unwrap_or(old.reuse_prevention),
            max_attempts: self.max_attempts.unwrap_or(old.max_attempts),
        };
        let rules = LoginRules { passwords, ..rules };
        let account = call.account();
        call.tx()?.put_login_rules(account, &rules).await?;
        Ok(Set(rules.passwords))
    }
}

impl Encode for Set {
    fn encode(self) -> Fields {
        policy_fields(&self.0)
    }
}

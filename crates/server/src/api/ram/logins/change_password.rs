//! `ChangePassword`: a user sets its own password, if it knows the old one and the account lets its
//! users do that. Source: identity.md §2.2, §2.4, §2.5.
//!
//! Guesses at the old one are failed logins: too many in an hour, and no more are looked at.

use yaoku_model::{
    identity::LoginProfile,
    ids::{AccountId, UserName},
    text::Password,
    time::Timestamp,
};
use yaoku_wire::{error::Code, params::Params};

use super::{
    must_be_there, must_not_be_locked,
    new_password::{Before, Work, is},
    password, profile,
};
use crate::{
    api::{
        Effect, Operation, Spec,
        ram::{RAM, must_be_let, resource, users},
    },
    call::Call,
    caller::Principal,
    error::ApiError,
    judge::LayerName,
    node::Node,
    pipeline::{again_if_conflict, must_take_writes},
};

/// A request to change the caller's password.
#[derive(Debug)]
pub(super) struct ChangePassword {
    old: Password,
    new: Password,
    work: Work,
}

impl Operation for ChangePassword {
    const SPEC: &'static Spec = &Spec {
        name: "ChangePassword",
        effect: Effect::Write,
        errors: &[&[
            Code::NoUser,
            Code::NoUserLoginProfile,
            Code::OldPasswordWrong,
            Code::PasswordTooWeak,
        ]],
        secret_params: &["OldPassword", "NewPassword"],
        example: &[("OldPassword", "Correct-horse-7"), ("NewPassword", "Correct-horse-8")],
        ..RAM
    };

    type Response = ();

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let mut take = |name| password(params, name)?.ok_or_else(|| ApiError::missing(name));
        Ok(Self { old: take("OldPassword")?, new: take("NewPassword")?, work: Work::default() })
    }

    async fn prepare(&mut self, call: &mut Call<'_>) -> Result<(), ApiError> {
        let user = own(call)?;
        call.allow_in_ram(&users::at(call.account(), &user)).await?;
        self.work.begin(call.node, call.caller, &user).await?;
        let before = Before::read(call.node, call.account(), &user).await?;
        if !before.rules.preference.change_password {
            return Err(refused(call, &user));
        }
        let profile = before.profile.as_ref().ok_or(Code::NoUserLoginProfile)?;
        if profile.is_expired_hard(&before.rules.passwords, call.now) {
            return Err(refused(call, &user));
        }
        if self.work.is_done(profile) {
            return Ok(());
        }
        if !before.rules.passwords.accepts(&self.new) {
            return Err(Code::PasswordTooWeak.into());
        }
        let profile = count_guess(call.node, call.account(), &user, call.now).await?;
        if !is(call.node, call.account(), &self.old, &profile.password).await? {
            return Err(Code::OldPasswordWrong.into());
        }
        // Who must set another has not, with the same.
        if profile.reset_required && self.new.expose() == self.old.expose() {
            return Err(Code::PasswordTooWeak.into());
        }
        let before = Before { profile: Some(profile), ..before };
        self.work.make(call.node, &self.new, &before).await
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<(), ApiError> {
        let user = own(call)?;
        must_be_there(call, &user).await?;
        must_be_let(call, &user, |it| it.change_password).await?;
        let mut profile = profile(call, &user).await?;
        let made = self.work.made().filter(|it| it.replaces(Some(&profile)));
        profile.change_password(made.ok_or_else(ApiError::conflict)?.hash(), call.now);
        profile.reset_required = false;
        Ok(call.tx()?.put_login_profile(&profile).await?)
    }
}

/// The caller, who must be a user: nobody else has a password.
fn own(call: &Call<'_>) -> Result<UserName, ApiError> {
    if let Principal::User(user) = &call.caller.principal {
        return Ok(user.clone());
    }
    let at = resource(call.account(), "user/*");
    Err(call.denied(ChangePassword::ACTION, &at, LayerName::Identity))
}

fn refused(call: &Call<'_>, user: &UserName) -> ApiError {
    let at = users::at(call.account(), user);
    call.denied(ChangePassword::ACTION, &at, LayerName::Identity)
}

/// Counts a guess before it is looked at, in a transaction of its own: that of the call will not be
/// kept if the guess is wrong. Who has made too many is told to come again later.
async fn count_guess(
    node: &Node,
    account: &AccountId,
    user: &UserName,
    now: Timestamp,
) -> Result<LoginProfile, ApiError> {
    again_if_conflict(|| try_count_guess(node, account, user, now)).await
}

async fn try_count_guess(
    node: &Node,
    account: &AccountId,
    user: &UserName,
    now: Timestamp,
) -> Result<LoginProfile, ApiError> {
    must_take_writes(node)?;
    node.metrics.store_writes.add_one();
    let mut tx = node.store.write().await?;
    let rules = tx.login_rules(account).await?.passwords;
    let mut profile = tx.login_profile(account, user).await?.ok_or(Code::NoUserLoginProfile)?;
    must_not_be_locked(&profile, &rules, now)?;
    profile.tried(now);
    tx.put_login_profile(&profile).await?;
    node.caches.apply(&tx.commit().await?.changes);
    Ok(profile)
}

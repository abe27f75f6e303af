//! A user's new password: looked at, compared with those before it, and hashed, with no transaction
//! held and on none of the threads that answer calls.

use yaoku_crypto::password;
use yaoku_model::{
    identity::{LoginProfile, LoginRules},
    ids::{AccountId, UserName},
    text::{Password, PasswordHash},
};
use yaoku_wire::error::Code;

use crate::{caller::Caller, error::ApiError, node::Node, turns::Turn};

/// What is done about a user's password: whose turn it is, and what came of it.
#[derive(Debug, Default)]
pub(super) struct Work {
    turns: Option<[Turn; 2]>,
    made: Option<NewPassword>,
}

/// A password, hashed, and the one that it is to replace.
#[derive(Debug)]
pub(super) struct NewPassword {
    hash: PasswordHash,
    replaced: Option<PasswordHash>,
}

/// What is known of a user before its password is set.
#[derive(Debug)]
pub(super) struct Before {
    pub(super) account: AccountId,
    pub(super) rules: LoginRules,
    pub(super) profile: Option<LoginProfile>,
}

impl Before {
    /// Reads it. The user must be there, and the caller must have been let at it.
    pub(super) async fn read(
        node: &Node,
        account: &AccountId,
        user: &UserName,
    ) -> Result<Self, ApiError> {
        node.metrics.store_reads.add_one();
        let mut tx = node.store.read().await?;
        tx.user(account, user).await?.ok_or(Code::NoUser)?;
        let profile = tx.login_profile(account, user).await?;
        let rules = tx.login_rules(account).await?;
        Ok(Self { rules, profile, account: account.clone() })
    }
}

impl Work {
    /// Waits for the caller's turn at passwords and for that at this profile, and holds both to the end
    /// of the call. Calls at once for one profile would undo each other's work, and a caller with many
    /// would leave no room for other heavy work of its account.
    pub(super) async fn begin(
        &mut self,
        node: &Node,
        by: &Caller,
        user: &UserName,
    ) -> Result<(), ApiError> {
        if self.turns.is_none() {
            let (turns, account) = (&node.turns, &by.account);
            let caller = format!("caller {}", by.principal.counted().concat());
            let caller = turns.take(account, caller).await?;
            let profile = turns.take(account, format!("profile {user}")).await?;
            self.turns = Some([caller, profile]);
        }
        Ok(())
    }

    /// Whether it was made for the profile as it is.
    pub(super) fn is_done(&self, profile: &LoginProfile) -> bool {
        self.made.as_ref().is_some_and(|it| it.replaces(Some(profile)))
    }

    /// What was made, if anything was.
    pub(super) const fn made(&self) -> Option<&NewPassword> {
        self.made.as_ref()
    }

    /// Makes it, unless it has been made: the call may be run again.
    pub(super) async fn make(
        &mut self,
        node: &Node,
        password: &Password,
        before: &Before,
    ) -> Result<(), ApiError> {
        if !before.rules.passwords.accepts(password) {
            return Err(Code::PasswordTooWeak.into());
        }
        let profile = before.profile.as_ref();
        if self.made.as_ref().is_none_or(|it| !it.replaces(profile)) {
            let not_again =
                profile.into_iter().flat_map(|it| it.not_again(&before.rules.passwords));
            let hash = hash(node, &before.account, password, not_again.cloned().collect()).await?;
            let replaced = profile.map(|it| it.password.clone());
            self.made = Some(NewPassword { hash, replaced });
        }
        Ok(())
    }
}

impl NewPassword {
    /// Whether the profile is still as it was.
    pub(super) fn replaces(&self, profile: Option<&LoginProfile>) -> bool {
        let bytes = |it: Option<&PasswordHash>| it.map(|it| it.expose().to_vec());
        bytes(self.replaced.as_ref()) == bytes(profile.map(|it| &it.password))
    }

    /// What to keep.
    pub(super) fn hash(&self) -> PasswordHash {
        self.hash.clone()
    }
}

/// Hashes a password, unless it is one of those that may not come again.
async fn hash(
    node: &Node,
    account: &AccountId,
    password: &Password,
    not_again: Vec<PasswordHash>,
) -> Result<PasswordHash, ApiError> {
    let (password, random) = (password.clone(), node.random.clone());
    let hashed = node.heavy.run(account, move || {
        for old in &not_again {
            if password::is(&password, old)? {
                return Ok(None);
            }
        }
        password::hash(&password, password::COST, &*random).map(Some)
    });
    hashed.await??.ok_or(Code::PasswordTooWeak.into())
}

/// Whether a password is the one that was hashed.
pub(super) async fn is(
    node: &Node,
    account: &AccountId,
    password: &Password,
    hash: &PasswordHash,
) -> Result<bool, ApiError> {
    let (password, hash) = (password.clone(), hash.clone());
    Ok(node.heavy.run(account, move || password::is(&password, &hash)).await??)
}

//! Administration: what no API of the vendor's has: accounts, who used which key, and the root key.
//!
//! A product of our own, by the same pipeline, permission (`yaoku:<Operation>` on `*`) and audit
//! as any other. Users, access keys, roles and policies are RAM's. Source: architecture.md, "The
//! path of a call".

use yaoku_model::arn::Arn;
use yaoku_wire::error::{Code, Refusal};

use super::{Entry, Product, Spec};
use crate::{call::Call, caller::Principal, error::ApiError};

mod add_root_key_wrap;
#[cfg(feature = "test-clock")]
mod advance_clock;
mod asked;
mod check_target;
mod create_account;
mod create_instance;
mod delete_hook;
mod delete_oidc_provider;
mod delete_target;
mod describe_account;
mod describe_root_key;
mod get_hook;
mod get_oidc_provider;
mod get_target;
mod hook;
mod list_accounts;
mod list_hooks;
mod list_key_uses;
mod list_notices;
mod list_oidc_providers;
mod list_targets;
mod list_who_can;
mod oidc_provider;
mod open_root_key_wrap;
mod put_hook;
mod put_oidc_provider;
mod put_target;
mod remove_root_key_wrap;
mod root_key;
#[cfg(test)]
mod root_key_tests;
mod rotate_root_key;
mod simulate_policy;
mod simulation;
#[cfg(test)]
mod simulation_tests;
mod target;
#[cfg(test)]
mod target_tests;
#[cfg(test)]
mod tests;

/// The operations of this folder.
pub const OPERATIONS: &[Entry] = &[
    Entry::of::<add_root_key_wrap::AddRootKeyWrap>(),
    #[cfg(feature = "test-clock")]
    Entry::of::<advance_clock::AdvanceClock>(),
    Entry::of::<check_target::CheckTarget>(),
    Entry::of::<create_account::CreateAccount>(),
    Entry::of::<create_instance::CreateInstance>(),
    Entry::of::<delete_hook::DeleteHook>(),
    Entry::of::<delete_oidc_provider::DeleteOidcProvider>(),
    Entry::of::<delete_target::DeleteTarget>(),
    Entry::of::<describe_account::DescribeAccount>(),
    Entry::of::<describe_root_key::DescribeRootKey>(),
    Entry::of::<get_hook::GetHook>(),
    Entry::of::<get_oidc_provider::GetOidcProvider>(),
    Entry::of::<get_target::GetTarget>(),
    Entry::of::<list_accounts::ListAccounts>(),
    Entry::of::<list_hooks::ListHooks>(),
    Entry::of::<list_key_uses::ListKeyUses>(),
    Entry::of::<list_notices::ListNotices>(),
    Entry::of::<list_oidc_providers::ListOidcProviders>(),
    Entry::of::<list_targets::ListTargets>(),
    Entry::of::<list_who_can::ListWhoCan>(),
    Entry::of::<open_root_key_wrap::OpenRootKeyWrap>(),
    Entry::of::<put_hook::PutHook>(),
    Entry::of::<put_oidc_provider::PutOidcProvider>(),
    Entry::of::<put_target::PutTarget>(),
    Entry::of::<remove_root_key_wrap::RemoveRootKeyWrap>(),
    Entry::of::<rotate_root_key::RotateRootKey>(),
    Entry::of::<simulate_policy::SimulatePolicy>(),
];

/// What these operations have in common; each says what is different.
pub(super) const ADMIN: Spec =
    Spec { product: Product::Yaoku, works_while_closed: true, source: "our own", ..Spec::DEFAULT };

/// What is said to everybody else.
const OPERATORS: &str =
    "This operation is the operator's alone: it is served on the server's admin socket.";

/// Fails unless the one who runs the program calls: what crosses accounts is nobody else's.
fn must_be_operator(call: &mut Call<'_>) -> Result<(), ApiError> {
    call.allow(&Arn::any())?;
    match call.caller.principal {
        Principal::Operator => Ok(()),
        _ => Err(Refusal::from(Code::NoPermission).with_message(OPERATORS).into()),
    }
}

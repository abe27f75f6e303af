//! Key material and everything that touches it. No other crate of ours sees a key's bytes.
//!
//! [`rootkey::RootKey`] → one wrapping key per account and instance, held by a
//! [`keyring::Keyring`] → key material, made and used by a [`backend::Backend`] through a
//! [`backend::KeyHandle`] → the data key of each secret version, in an [`envelope::Envelope`].
//!
//! Every sealed blob is bound to what it is and where it lives: moved, it does not open.
//! Source: architecture.md, "Keys at rest".

pub mod allocator;
pub mod backend;
pub mod envelope;
pub mod export;
pub mod import;
pub mod keyring;
pub mod memory;
pub mod password;
pub mod random;
pub mod rootkey;
pub mod seal;
pub mod software;
pub mod ssh;
pub mod totp;

#[cfg(test)]
mod answers;
mod binding;
mod cipher;
mod loaded;
mod mac;
mod material;
mod pair;
mod sealed;
#[cfg(test)]
mod suite;

//! Servers whose credentials managed secrets turn: how each kind is administered, and tried.
//!
//! One file per engine, one contract for all: [`Admin`] changes accounts, [`log_in`] tries them.
//! Everything an [`Admin`] does may be done again and then changes nothing more, so that a rotation
//! that was cut off anywhere is put right by doing it once more. Source: secrets.md §6.2 to §6.6, §6.9.

use std::time::Duration;

use async_trait::async_trait;
use yaoku_model::{
    target::{Engine, Target},
    text::SecretData,
};

mod aside;
mod fault;
mod host_key;
mod lack;
mod link;
mod mysql;
mod postgres;
mod redis;
mod ssh;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod text;

/// The public key that a user's private key has, as `authorized_keys` has it. Fails if it cannot be read.
pub fn public_key(private: &SecretData) -> Result<String, Fault> {
    ssh::public_key(private)
}

pub use aside::Aside;
pub use fault::Fault;
pub use host_key::{HostKey, NotAHostKey};
pub use lack::Lack;

/// How long connecting, and each statement, may take. Our choice: far below the two minutes after which
/// a rotation has failed (secrets.md §6.1).
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Who logs in, and by what. Its `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct Login {
    /// The account.
    pub user: String,
    /// What it proves itself by.
    pub proof: Proof,
}

impl Login {
    /// The password, where nothing else is taken.
    fn password(&self) -> Result<&SecretData, Fault> {
        match &self.proof {
            Proof::Password(password) => Ok(password),
            Proof::PrivateKey(_) => Err(Fault::Unsupported),
        }
    }
}

/// What an account proves itself by.
#[derive(Clone, Debug)]
pub enum Proof {
    /// A password.
    Password(SecretData),
    /// SSH: a private key, PEM.
    PrivateKey(SecretData),
}

/// What a new account is for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Rights {
    /// The same as another account of the server has.
    Like(String),
    /// What the vendor's word for a privilege means (`RoleReadOnly`, `ReadWrite`, …), in one database
    /// if it is given. Source: secrets.md §6.3, §6.4.
    Named {
        /// The word.
        privilege: String,
        /// The database; none is all of them.
        database: Option<String>,
    },
    /// None: a server that knows no rights of accounts, or an account that must exist.
    Existing,
}

/// An administrator's connection to a target. After a fault, connect anew.
#[async_trait]
pub trait Admin: Send {
    /// Gives an account its password, and makes the account first if it is not there and `rights` say
    /// what it may do. One that is there keeps the rights it has.
    async fn set_password(
        &mut self,
        user: &str,
        password: &SecretData,
        rights: &Rights,
    ) -> Result<(), Fault>;

    /// Whether there is such an account, from wherever it may come.
    async fn has_account(&mut self, user: &str) -> Result<bool, Fault>;

    /// Whether who proves one password of this name has proved all. In `MySQL` accounts of one name are
    /// several, one for each host, and get one password: they must have had one. Which is seen only where
    /// passwords are kept without salt.
    async fn is_one_account(&mut self, user: &str) -> Result<bool, Fault> {
        let _ = user;
        Ok(true)
    }

    /// What rotations would lack here, as far as it can be seen without changing anything: whether the
    /// server takes changes, whether it keeps them, and whether this administrator may make them.
    async fn lacks(&mut self) -> Result<Vec<Lack>, Fault>;

    /// SSH: lets the user log in by `public_key` (as OpenSSH writes it) too, on the terms of the key
    /// `like`, which must be there. All other keys stay.
    async fn add_key(
        &mut self,
        user: &str,
        public_key: &str,
        like: Option<&str>,
    ) -> Result<(), Fault> {
        let _ = (user, public_key, like);
        Err(Fault::Unsupported)
    }

    /// SSH: lets the user log in by `public_key` no longer. What is no key is on no line, and removed.
    async fn remove_key(&mut self, user: &str, public_key: &str) -> Result<(), Fault> {
        let _ = (user, public_key);
        Err(Fault::Unsupported)
    }
}

/// Logs in to a target as its administrator.
pub async fn connect(target: &Target, admin: &Login) -> Result<Box<dyn Admin>, Fault> {
    Ok(match target.engine {
        Engine::MySql => Box::new(link::patiently(mysql::connect(target, admin)).await?),
        Engine::Postgres => Box::new(link::patiently(postgres::connect(target, admin)).await?),
        Engine::Redis => Box::new(link::patiently(redis::connect(target, admin)).await?),
        Engine::Ssh => Box::new(link::patiently(ssh::connect(target, admin)).await?),
    })
}

/// Logs in to a target as anybody, and out again: whether a credential works. One whose account has no
/// connection to spare is believed where the server says so after it has looked at the password.
pub async fn log_in(target: &Target, login: &Login) -> Result<(), Fault> {
    link::patiently(async {
        match target.engine {
            Engine::MySql => mysql::log_in(target, login).await,
            Engine::Postgres => postgres::log_in(target, login).await,
            Engine::Redis => redis::connect(target, login).await.map(drop),
            Engine::Ssh => ssh::log_in(target, login).await,
        }
    })
    .await
}

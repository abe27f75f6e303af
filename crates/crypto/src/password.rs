//! Passwords of people, hashed by Argon2id (RFC 9106) in the PHC format.

use argon2::{
    Algorithm, Argon2, CustomizedPasswordHasher as _, Params, PasswordVerifier as _, Version,
    password_hash,
};
use yaoku_model::{
    random::Random,
    text::{Password, PasswordHash},
};

use crate::{backend::BackendError, seal::passphrase::Cost};

/// What one guess costs: 19 MiB, two passes, some hundredths of a second. Source: OWASP's first
/// choice for Argon2id. Not for a thread that must answer soon.
pub const COST: Cost = Cost { memory: 19 << 10, passes: 2, lanes: 1 };

const SALT_LEN: usize = 16;

/// Hashes a new password, with a salt of its own.
pub fn hash(
    password: &Password,
    cost: Cost,
    random: &dyn Random,
) -> Result<PasswordHash, BackendError> {
    let mut salt = [0; SALT_LEN];
    random.fill(&mut salt)?;
    let params = Params::new(cost.memory, cost.passes, cost.lanes, None);
    let params = params.map_err(|_| BackendError::Failed("Argon2id: its cost"))?;
    let (kind, version) = (Algorithm::Argon2id, Version::V0x13);
    let hash = Argon2::new(kind, version, params.clone()).hash_password_customized(
        password.expose(),
        &salt,
        None,
        None,
        params,
    );
    let hash = hash.map_err(|_| BackendError::Failed("Argon2id"))?;
    hash.to_string().parse().map_err(|_| BackendError::Failed("Argon2id: a hash too long"))
}

/// Whether a password is the one that was hashed. In constant time, but for its cost.
///
/// Fails on what is no hash, or would cost more than is bearable: whoever writes to a store must
/// not exhaust this machine.
pub fn is(password: &Password, hash: &PasswordHash) -> Result<bool, BackendError> {
    let unreadable = BackendError::Failed("a password's hash cannot be read");
    let Ok(hash) = argon2::PasswordHash::new(hash.expose_text()) else { return Err(unreadable) };
    let Ok(params) = Params::try_from(&hash) else { return Err(unreadable) };
    let cost = Cost { memory: params.m_cost(), passes: params.t_cost(), lanes: params.p_cost() };
    if !cost.is_bearable() || hash.hash.is_none() {
        return Err(unreadable);
    }
    match Argon2::default().verify_password(password.expose(), &hash) {
        Ok(()) => Ok(true),
        Err(password_hash::Error::PasswordInvalid) => Ok(false),
        Err(_) => Err(unreadable),
    }
}

#[cfg(test)]
mod tests {
    use super::{Cost, hash, is};
    use crate::random::SystemRandom;

    const CHEAP: Cost = Cost { memory: 64, passes: 1, lanes: 1 };

    #[test]
    fn only_the_password_itself_is_the_one_that_was_hashed() {
        let password = "correct horse".parse().unwrap();
        let kept = hash(&password, CHEAP, &SystemRandom).unwrap();
        assert!(kept.expose_text().starts_with("$argon2id$v=19$m=64,t=1,p=1$"));
        assert!(!is(&"correct horsf".parse().unwrap(), &kept).unwrap());
        assert!(is(&password, &kept).unwrap());
        let again = hash(&password, CHEAP, &SystemRandom).unwrap();
        assert_ne!(again.expose(), kept.expose(), "each has its salt");
    }

    /// From the tests of the reference implementation (phc-winner-argon2, test.c).
    #[test]
    fn a_hash_of_the_reference_implementation_is_known_again() {
        let theirs = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        let theirs = theirs.parse().unwrap();
        assert!(is(&"password".parse().unwrap(), &theirs).unwrap());
        assert!(!is(&"passwore".parse().unwrap(), &theirs).unwrap());
    }

    #[test]
    fn what_is_no_hash_or_would_exhaust_the_machine_is_not_looked_at() {
        let password = "password".parse().unwrap();
        for bad in [
            "x",
            "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ",
            "$argon2id$v=19$m=1048577,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=19$m=65536,t=17,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        ] {
            assert!(is(&password, &bad.parse().unwrap()).is_err(), "{bad}");
        }
    }
}

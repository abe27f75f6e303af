//! Sessions whose tokens were opened, so that the calls after the first open nothing.
//!
//! Nothing here is looked up: a token says it all, and whether its role still stands is asked of
//! the [`Caches`](crate::cache::Caches) on every call.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    digest::{SHA256, digest},
};
use quick_cache::{Weighter, sync::Cache};
use yaoku_crypto::keyring::Keyring;
use yaoku_model::{identity::Identity, ids::AccessKeyId, policy::Kind, time::Timestamp};
use yaoku_wire::{error::Code, rpc::SigningKey};

use super::{
    Credential,
    token::{self, BadToken, Content},
};
use crate::{
    cache::Weigh, caller::Session, compiled::Compiled, error::ApiError, last_uses::LastUse,
    metrics::Counter, shelf::Vitals,
};

/// How many bytes opened sessions may take. Our choice: some ten thousand sessions.
const BYTES: u64 = 16 << 20;

/// As many sessions as room is made for at first.
const ITEMS: usize = 16_384;

/// Those that have ended leave as often as this, in seconds. Our choice.
const SWEEP: i64 = 60;

/// Opened sessions, by access key.
pub struct Sessions {
    keyring: Arc<Keyring>,
    /// What sessions were narrowed to.
    compiled: Compiled,
    opened: Cache<AccessKeyId, Opened, Weigh>,
    hits: Counter,
    misses: Counter,
    swept: AtomicI64,
}

/// A session whose token was opened.
#[derive(Clone)]
pub(crate) struct Opened {
    /// SHA-256 of the token: another one of the same access key is opened for itself.
    token: [u8; 32],
    credential: Arc<Credential>,
    expires: Timestamp,
    /// What its policy takes, in full, whoever else has it too.
    bytes: u64,
}

impl Weighter<AccessKeyId, Opened> for Weigh {
    fn weight(&self, _: &AccessKeyId, it: &Opened) -> u64 {
        768 + it.bytes
    }
}

impl Sessions {
    /// None yet.
    #[must_use]
    pub fn new(keyring: Arc<Keyring>) -> Self {
        Self {
            keyring,
            compiled: Compiled::of(Kind::Session),
            opened: Cache::with_weighter(ITEMS, BYTES, Weigh),
            hits: Counter::default(),
            misses: Counter::default(),
            swept: AtomicI64::new(0),
        }
    }

    /// The session that an access key and a token stand for, unless it has ended. `now` is the
    /// gateway's time. Source: identity.md §1.6 (the order), §1.8 (the codes).
    pub fn credential(
        &self,
        id: &AccessKeyId,
        token: Option<&str>,
        now: Timestamp,
    ) -> Result<Arc<Credential>, ApiError> {
        let token = token.ok_or(Code::MissingSecurityToken)?;
        let opened = if let Some(opened) = self.opened.get(id).filter(|it| it.is_of(token)) {
            self.hits.add_one();
            opened
        } else {
            self.misses.add_one();
            self.open(id, token, now)?
        };
        if opened.expires <= now {
            self.opened.remove(id);
            return Err(Code::SecurityTokenExpired.into());
        }
        Ok(opened.credential)
    }

    /// How the cache does.
    #[must_use]
    pub fn vitals(&self) -> Vitals {
        Vitals {
            items: self.opened.len(),
            bytes: self.opened.weight(),
            hits: self.hits.value(),
            misses: self.misses.value(),
        }
    }

    fn open(&self, id: &AccessKeyId, token: &str, now: Timestamp) -> Result<Opened, ApiError> {
        let (account, content) =
            token::open(&self.keyring, id, token).map_err(|bad| match bad {
                BadToken::Malformed => Code::SecurityTokenMalformed,
                BadToken::OfAnother => Code::SecurityTokenMismatch,
            })?;
        let Content { secret, role, role_id, name, policy, source_identity, mfa, expires } =
            content;
        // A policy that cannot be read must not be passed over: it narrows.
        let policy = policy.map(|it| self.compiled.document(&it)).transpose();
        let policy = policy.map_err(|_| Code::SecurityTokenMalformed)?;
        let bytes = policy.as_ref().map_or(0, |it| it.size_in_bytes() as u64);
        let session = Session { role_id, name, policy, source_identity, mfa, expires };
        let credential = Credential {
            account,
            identity: Identity::Role(role),
            session: Some(Arc::new(session)),
            secret: SigningKey::new(secret.expose()),
            active: true,
            last_use: LastUse::default(),
        };
        let credential = Arc::new(credential);
        let opened = Opened { token: hash(token), credential, expires, bytes };
        if now < expires {
            self.sweep(now);
            self.opened.insert(id.clone(), opened.clone());
        }
        Ok(opened)
    }

    /// Lets those go that have ended, now and then.
    fn sweep(&self, now: Timestamp) {
        let seconds = now.unix_seconds();
        let before = self.swept.load(Ordering::Relaxed);
        if seconds - before >= SWEEP && self.swept.swap(seconds, Ordering::Relaxed) == before {
            self.opened.retain(|_, it| now < it.expires);
        }
    }
}

impl Opened {
    fn is_of(&self, token: &str) -> bool {
        verify_slices_are_equal(&self.token, &hash(token)).is_ok()
    }
}

fn hash(token: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use yaoku_crypto::{
        keyring::Keyring,
        random::SystemRandom,
        rootkey::{Generation, RootKey, WrappingPlace},
    };
    use yaoku_model::{
        ids::{AccessKeyId, AccountId},
        time::Timestamp,
    };
    use yaoku_wire::error::Code;

    use super::{Sessions, token};
    use crate::auth::token::Content;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_767_323_045);

    struct World {
        sessions: Sessions,
        ring: Arc<Keyring>,
        account: AccountId,
    }

    impl World {
        fn new() -> Self {
            let account: AccountId = "1".parse().unwrap();
            let root = RootKey::generate(Generation::FIRST, &SystemRandom).unwrap();
            let ring = Arc::new(Keyring::new([root]));
            let owner = WrappingPlace { account: &account, instance: None };
            let sealed = ring.create(&owner, Generation::FIRST, &SystemRandom).unwrap();
            ring.load(&owner, &sealed).unwrap();
            Self { sessions: Sessions::new(Arc::clone(&ring)), ring, account }
        }

        fn token(&self, id: &AccessKeyId, seconds: i64, policy: Option<&str>) -> String {
            let content = Content {
                secret: "a secret".parse().unwrap(),
                role: "deploy".parse().unwrap(),
                role_id: "2".to_owned(),
                name: "ci".parse().unwrap(),
                policy: policy.map(str::to_owned),
                source_identity: None,
                mfa: false,
                expires: NOW.plus_seconds(seconds),
            };
            token::seal(&self.ring, &self.account, id, &content, &SystemRandom).unwrap().to_string()
        }

        fn asked(&self, id: &AccessKeyId, token: Option<&str>, after: i64) -> Option<Code> {
            let found = self.sessions.credential(id, token, NOW.plus_seconds(after));
            found.err().map(|it| it.code())
        }
    }

    #[test]
    fn a_bad_token_is_refused_also_while_a_good_one_is_cached() {
        let world = World::new();
        let [id, other]: [AccessKeyId; 2] = ["STS.a", "STS.b"].map(|it| it.parse().unwrap());
        let good = world.token(&id, 900, None);
        let of_another = world.token(&other, 900, None);
        let unreadable = world.token(&id, 900, Some("{"));
        for _ in 0..2 {
            assert_eq!(world.asked(&id, None, 0), Some(Code::MissingSecurityToken));
            assert_eq!(world.asked(&id, Some("x"), 0), Some(Code::SecurityTokenMalformed));
            assert_eq!(world.asked(&id, Some(&unreadable), 0), Some(Code::SecurityTokenMalformed));
            assert_eq!(world.asked(&id, Some(&of_another), 0), Some(Code::SecurityTokenMismatch));
            assert_eq!(world.asked(&id, Some(&good), 0), None);
        }
        let vitals = world.sessions.vitals();
        assert_eq!((vitals.items, vitals.misses), (1, 7), "only what opened is kept");
    }

    #[test]
    fn a_session_ends_to_the_second_and_leaves_the_cache() {
        let world = World::new();
        let ids: [AccessKeyId; 2] = ["STS.a", "STS.b"].map(|it| it.parse().unwrap());
        let [short, long] = [(0, 900), (1, 3600)].map(|(it, end)| world.token(&ids[it], end, None));
        assert_eq!(world.asked(&ids[0], Some(&short), 899), None);
        assert_eq!(world.asked(&ids[0], Some(&short), 900), Some(Code::SecurityTokenExpired));
        assert_eq!(world.sessions.vitals().items, 0);
        assert_eq!(world.asked(&ids[0], Some(&short), 900), Some(Code::SecurityTokenExpired));
        assert_eq!(world.sessions.vitals().items, 0, "nor does it come back");
        assert_eq!(world.asked(&ids[0], Some(&short), 0), None);
        // Nobody asks for it again: the next one that is opened sweeps it out.
        assert_eq!(world.asked(&ids[1], Some(&long), 961), None);
        assert_eq!(world.sessions.vitals().items, 1);
    }
}

//! What a node works with: made once at start, shared by all calls.

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use yaoku_crypto::{backend::Backend, keyring::Keyring};
use yaoku_model::{ids::Region, random::Random, tag::Tag, time::Clock};
use yaoku_store::Store;

use crate::{
    audit::{Journal, NodeName, Unknown},
    auth::{nonces::Nonces, sessions::Sessions},
    cache::Caches,
    claim,
    follow::Followed,
    heavy::{Aside, Heavy},
    hooks::Hooks,
    last_uses::LastUses,
    lease::Lease,
    listen::TlsSettings,
    metrics::Metrics,
    oidc::Oidc,
    peers::Peers,
    root::Held,
    rotation::Engine,
    throttle::Throttle,
    turns::Turns,
    uses::Uses,
    webhooks::Webhook,
};

/// A node.
pub struct Node {
    /// Its name, unique in the deployment.
    pub name: NodeName,
    /// Its data directory.
    pub data: PathBuf,
    /// Where it works: what holds its name in the store.
    pub place: claim::Place,
    /// The region served.
    pub region: Region,
    /// The database.
    pub store: Arc<dyn Store>,
    /// The caches.
    pub caches: Caches,
    /// Sessions of roles whose tokens were opened.
    pub sessions: Sessions,
    /// What identity providers sign with.
    pub oidc: Oidc,
    /// Turns at passwords.
    pub turns: Turns,
    /// Whether the caches may be used.
    pub lease: Lease,
    /// The backend of software keys.
    pub backend: Arc<dyn Backend>,
    /// The root key and the wrapping keys.
    pub keyring: Arc<Keyring>,
    /// The keys of the root key's wraps.
    pub held: Held,
    /// Where events go.
    pub journal: Journal,
    /// How far the feed was followed.
    pub followed: Followed,
    /// The other nodes.
    pub peers: Peers,
    /// Who is told of notices.
    pub webhooks: Vec<Arc<Webhook>>,
    /// What may be called to rotate generic secrets.
    pub hooks: Hooks,
    /// The TLS side of the listeners, once they serve this node.
    pub tls: OnceLock<TlsSettings>,
    /// Wakes the task that copies the events of writes into the journal.
    pub wrote: tokio::sync::Notify,
    /// What turns credentials.
    pub(crate) rotations: Engine,
    /// Refusals of callers who are not known, counted.
    pub unknown: Unknown,
    /// How near everybody is to the limits on calls.
    pub throttle: Throttle,
    /// What is counted for the operations view.
    pub metrics: Metrics,
    /// Who used which key, until it is written into the store.
    pub uses: Uses,
    /// When access keys were last used, until it is written into the store.
    pub last_uses: LastUses,
    /// The nonces used.
    pub nonces: Nonces,
    /// The gateway's clock: signatures, TLS, sessions, events.
    pub clock: Arc<dyn Clock>,
    /// The domain's clock: what is written on things, due dates, windows, expiry.
    pub domain_clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Where work is done that keeps a processor busy for long.
    pub heavy: Heavy,
    /// Where work is done that takes milliseconds.
    pub aside: Aside,
    /// What may be had, and how much of it.
    pub limits: Limits,
    /// The certificate chain that clients of an instance are told to trust, PEM.
    pub ca_pem: String,
}

/// Quotas and switches, in one place. Source: keys.md §15.3, identity.md §2.5, §4.7.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Keys of an account. The service's default is 200; ours is generous.
    pub keys: i64,
    /// Aliases of an account. The service's default is 300; ours is generous.
    pub aliases: i64,
    /// Whether an account may have more keys outside instances than one, and of other kinds than
    /// AES-256. The service allows neither; ours does (keys.md §16 #15, #16): clients of the years
    /// before instances, and their tests, make RSA keys and several of each.
    pub more_default_keys: bool,
    /// Versions of a key that are made by hand. Source: keys.md §8.1.
    pub key_versions: i64,
    /// Days that must pass before an asymmetric key is given its next version. Source: keys.md §8.1.
    pub asymmetric_version_days: i64,
    /// Tags of a key, a secret or an instance. At most [`Tag::MAX_PER_RESOURCE`]
    /// of them come in one call. Source: keys.md §14.
    pub tags: usize,
    /// Key versions that a new instance may hold. Source: instance.md §1.4.
    pub instance_keys: i64,
    /// Secrets that a new instance may hold.
    pub instance_secrets: i64,
    /// Grants to other accounts that a new instance may hold. Source: identity.md §4.7.
    pub instance_access: i64,
    /// Users of an account.
    pub users: usize,
    /// Access keys of a user, or of the account itself.
    pub access_keys: usize,
    /// Groups of users of an account.
    pub groups: usize,
    /// Groups that a user is in.
    pub groups_of_user: usize,
    /// Virtual MFA devices of an account.
    pub mfa_devices: usize,
    /// Policies that an account has written.
    pub custom_policies: usize,
    /// Versions of such a policy.
    pub policy_versions: usize,
    /// Policies of the system that a user has.
    pub system_policies_of_user: usize,
    /// Policies of the account that a user has.
    pub custom_policies_of_user: usize,
    /// Policies of the system that a group has.
    pub system_policies_of_group: usize,
    /// Policies of the account that a group has.
    pub custom_policies_of_group: usize,
    /// Policies of the system that a role has.
    pub system_policies_of_role: usize,
    /// Policies of the account that a role has.
    pub custom_policies_of_role: usize,
    /// Roles of an account.
    pub roles: usize,
    /// Nonces that are remembered; from half of it on, callers that have more than others are
    /// throttled. Our choice: see [`Nonces`].
    pub nonces: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            keys: 100_000,
            aliases: 100_000,
            more_default_keys: true,
            key_versions: 50,
            asymmetric_version_days: 7,
            tags: Tag::MAX_PER_RESOURCE,
            instance_keys: 100_000,
            instance_secrets: 100_000,
            instance_access: 10_000,
            users: 1000,
            access_keys: 2,
            groups: 50,
            groups_of_user: 5,
            mfa_devices: 1000,
            custom_policies: 1500,
            policy_versions: 5,
            system_policies_of_user: 20,
            custom_policies_of_user: 10,
            system_policies_of_group: 20,
            custom_policies_of_group: 5,
            system_policies_of_role: 20,
            custom_policies_of_role: 5,
            roles: 1000,
            nonces: Nonces::DEFAULT_ENTRIES,
        }
    }
}

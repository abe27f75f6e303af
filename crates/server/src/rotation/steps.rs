//! What is done at a target, one step of a rotation after the other. Each may be done again.

use yaoku_model::{
    ids::Stage,
    secret::{Config, Credential, Rotation, Secret, SecretType, Step, SubType},
    target::{Engine, Target},
};
use yaoku_targets::{Admin, Fault, Login, Proof, Rights};

use super::begin::{self, credential};
use crate::{cache::CachedSecret, error::ApiError, node::Node, values};

/// Why a step was not done.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The secret names a server that nobody registered.
    NoTarget,
    /// The secret's kind is not for servers like this.
    WrongEngine,
    /// The administrator's credential cannot be read.
    NoAdmin,
    /// The server did not do it.
    Target(Fault),
    /// We could not do our part.
    Ours(ApiError),
}

impl From<ApiError> for Trouble {
    fn from(error: ApiError) -> Self {
        Self::Ours(error)
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Target(fault)
    }
}

impl Trouble {
    /// Whether the same may succeed a little later.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Target(fault) => fault.may_pass(),
            Self::Ours(_) => true,
            Self::NoTarget | Self::WrongEngine | Self::NoAdmin => false,
        }
    }

    /// A word for events.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::NoTarget => "TargetNotFound",
            Self::WrongEngine => "WrongEngine",
            Self::NoAdmin => "NoAdministrator",
            Self::Target(fault) => fault.word(),
            Self::Ours(error) => error.code().wire(),
        }
    }

    /// What is said to operators.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::NoTarget => "no server is registered under this id".to_owned(),
            Self::WrongEngine => "the server is of another kind than the secret".to_owned(),
            Self::NoAdmin => "the administrator's credential cannot be read".to_owned(),
            Self::Target(fault) => format!("the server {fault}"),
            Self::Ours(_) => "the log has the reason".to_owned(),
        }
    }
}

/// Does the step that a rotation is at.
pub(super) async fn take(
    node: &Node,
    found: &CachedSecret,
    rotation: &Rotation,
) -> Result<(), Trouble> {
    let config = begin::config(&found.secret)?;
    let target = target(node, &found.secret, &config).await?;
    match rotation.step {
        Step::Create => create(node, found, &config, &target).await,
        Step::Apply => {
            let new = candidate(node, &found.secret, &config, rotation).await?;
            apply(node, found, &config, &target, &new).await
        }
        Step::Settle => {
            let new = candidate(node, &found.secret, &config, rotation).await?;
            Ok(yaoku_targets::log_in(&target, &login(&new)?).await?)
        }
        // Of the store alone: see `ram`.
        Step::Window => Ok(()),
    }
}

/// Makes both accounts of a new secret, with the one password that both its versions hold.
/// Source: secrets.md §6.3, §6.4.
async fn create(
    node: &Node,
    found: &CachedSecret,
    config: &Config,
    target: &Target,
) -> Result<(), Trouble> {
    let rights = Rights::Named {
        privilege: config.privilege().unwrap_or_default().to_owned(),
        database: config.database().map(str::to_owned),
    };
    let mut admin = administrator(node, target).await?;
    for stage in [Stage::current(), Stage::previous()] {
        let made = credential(node, found, config, &stage).await?;
        if let Some(account) = made {
            give(&mut *admin, found, &account, &rights).await?;
            yaoku_targets::log_in(target, &login(&account)?).await?;
        }
    }
    Ok(())
}

/// Gives the target the candidate, and tries it there.
async fn apply(
    node: &Node,
    found: &CachedSecret,
    config: &Config,
    target: &Target,
    new: &Credential,
) -> Result<(), Trouble> {
    let current = credential(node, found, config, &Stage::current()).await?;
    let rights = match (config.sub_type, &current) {
        (SubType::DoubleUsers, Some(current)) => Rights::Like(current.name().to_owned()),
        _ => Rights::Existing,
    };
    let mut admin = administrator(node, target).await?;
    match (new, &current) {
        (
            Credential::KeyPair { user, public, .. },
            Some(Credential::KeyPair { public: old, .. }),
        ) => {
            admin.add_key(user, public, Some(old)).await?;
            yaoku_targets::log_in(target, &login(new)?).await?;
            return Ok(admin.remove_key(user, old).await?);
        }
        _ => give(&mut *admin, found, new, &rights).await?,
    }
    Ok(yaoku_targets::log_in(target, &login(new)?).await?)
}

async fn give(
    admin: &mut dyn Admin,
    found: &CachedSecret,
    account: &Credential,
    rights: &Rights,
) -> Result<(), Trouble> {
    match account {
        Credential::Account { name: user, password } | Credential::Password { user, password } => {
            Ok(admin.set_password(user, password, rights).await?)
        }
        _ => {
            tracing::error!(secret = %found.secret.name, "its value is of another kind");
            Err(Trouble::WrongEngine)
        }
    }
}

/// Opens what the rotation has made.
async fn candidate(
    node: &Node,
    secret: &Secret,
    config: &Config,
    rotation: &Rotation,
) -> Result<Credential, ApiError> {
    let version = rotation.candidate.as_ref().ok_or_else(lost)?;
    let data = values::open_for_service(node, secret, version).await?;
    begin::read(secret, config, &data)
}

fn lost() -> ApiError {
    let code = yaoku_wire::error::Code::InternalFailure;
    ApiError::caused(code, "a rotation has no candidate")
}

/// The server that a secret is about. Of the secret's own account.
async fn target(node: &Node, secret: &Secret, config: &Config) -> Result<Target, Trouble> {
    let id = config.target().ok_or(Trouble::NoTarget)?;
    let mut tx = node.store.read().await.map_err(ApiError::from)?;
    let found = tx.target(&secret.account, &id).await.map_err(ApiError::from)?;
    let target = found.ok_or(Trouble::NoTarget)?;
    let fits = match secret.kind {
        SecretType::Rds => matches!(target.engine, Engine::MySql | Engine::Postgres),
        SecretType::PolarDb => config.engine() == Some(target.engine),
        SecretType::Redis => target.engine == Engine::Redis,
        SecretType::Ecs => target.engine == Engine::Ssh,
        SecretType::Generic | SecretType::RamCredentials => false,
    };
    if fits { Ok(target) } else { Err(Trouble::WrongEngine) }
}

/// Logs in to a target as its administrator, and out again.
pub(crate) async fn check(node: &Node, target: &Target) -> Result<(), Trouble> {
    administrator(node, target).await.map(drop)
}

/// Logs in as a target's administrator.
async fn administrator(node: &Node, target: &Target) -> Result<Box<dyn Admin>, Trouble> {
    let login = admin_login(node, target).await?;
    Ok(yaoku_targets::connect(target, &login).await?)
}

/// The administrator's credential: the current value of the secret that the target names, in one of
/// the forms that values of managed secrets have.
async fn admin_login(node: &Node, target: &Target) -> Result<Login, Trouble> {
    const FORMS: [(SecretType, SubType); 3] = [
        (SecretType::Rds, SubType::SingleUser),
        (SecretType::Ecs, SubType::Password),
        (SecretType::Ecs, SubType::SshKey),
    ];
    let found = node.caches.secret(&target.account, &target.admin).await?;
    let now = node.domain_clock.now();
    let found = found.filter(|it| !it.secret.is_gone(now)).ok_or(Trouble::NoAdmin)?;
    let current = found.secret.stages.get(&Stage::current());
    let version = found.versions.iter().find(|it| Some(&it.version.id) == current);
    let version = version.ok_or(Trouble::NoAdmin)?;
    let data = values::open_for_service(node, &found.secret, &version.version).await?;
    let mut read = FORMS.iter().filter_map(|(kind, sub)| Credential::read(*kind, *sub, &data).ok());
    login(&read.next().ok_or(Trouble::NoAdmin)?)
}

fn login(credential: &Credential) -> Result<Login, Trouble> {
    let (user, proof) = match credential {
        Credential::Account { name: user, password } | Credential::Password { user, password } => {
            (user, Proof::Password(password.clone()))
        }
        Credential::KeyPair { user, private, .. } => (user, Proof::PrivateKey(private.clone())),
        Credential::AccessKey { .. } => return Err(Trouble::WrongEngine),
    };
    Ok(Login { user: user.clone(), proof })
}

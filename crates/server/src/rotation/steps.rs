//! What is done at a target, one step of a rotation after the other. Each may be done again.

use std::time::Duration;

use yaoku_model::{
    ids::Stage,
    secret::{Config, Credential, Rotation, Secret, SecretType, Step, SubType},
    target::{Engine, Target},
};
use yaoku_targets::{Admin, Fault, Login, Proof, Rights};

use super::begin::{self, credential};
use crate::{cache::CachedSecret, error::ApiError, node::Node, values};

/// When a change of the only account is not answered for so long, there is a look whether it was made:
/// while nobody knows, no password that can be read may work. Our choice.
const LATE: Duration = Duration::from_secs(2);

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
    /// It was asked whether it has taken the candidate, and has not: the current credential works.
    NotTaken,
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
            Self::NotTaken | Self::Ours(_) => true,
            Self::NoTarget | Self::WrongEngine | Self::NoAdmin => false,
        }
    }

    /// Whether nobody answered, so that nothing is known of the target.
    pub(super) fn is_silence(&self) -> bool {
        use yaoku_targets::Fault::{TimedOut, Unreachable};
        matches!(self, Self::Target(Unreachable(_) | TimedOut))
    }

    /// A word for events.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::NoTarget => "TargetNotFound",
            Self::WrongEngine => "WrongEngine",
            Self::NoAdmin => "NoAdministrator",
            Self::Target(fault) => fault.word(),
            Self::NotTaken => "NotTaken",
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
            Self::NotTaken => "the server has not taken the new credential".to_owned(),
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
            settle(node, found, &config, &target, &new).await
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
            verify(target, &login(&account)?).await?;
        }
    }
    Ok(())
}

/// Gives the target the candidate, and tries it there.
///
/// Of two accounts the other one works meanwhile. Where there is one only, and the target may have
/// taken the candidate though nobody says so, the password that is current is dead perhaps: so
/// whatever went wrong, and while an answer is late, the candidate itself is tried.
async fn apply(
    node: &Node,
    found: &CachedSecret,
    config: &Config,
    target: &Target,
    new: &Credential,
) -> Result<(), Trouble> {
    let (as_new, change) = (login(new)?, change(node, found, config, target, new));
    if !is_of_one_account(config.sub_type) {
        change.await?;
        return verify(target, &as_new).await;
    }
    let changed = tokio::select! {
        biased;
        changed = change => changed,
        () = taken_all_the_same(target, &as_new) => return Ok(()),
    };
    match changed {
        Ok(()) => verify(target, &as_new).await,
        Err(trouble) => yaoku_targets::log_in(target, &as_new).await.map_err(|_| trouble),
    }
}

/// Gives the target the candidate.
async fn change(
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
        ) => Ok(admin.replace_key(user, public, Some(old)).await?),
        _ => give(&mut *admin, found, new, &rights).await,
    }
}

/// Ends when the target has taken a candidate whose change it does not answer.
async fn taken_all_the_same(target: &Target, candidate: &Login) {
    loop {
        tokio::time::sleep(LATE).await;
        if yaoku_targets::log_in(target, candidate).await.is_ok() {
            return;
        }
    }
}

/// Logs in by what the target was given. A connection that was cut says nothing: once more then.
async fn verify(target: &Target, login: &Login) -> Result<(), Trouble> {
    match yaoku_targets::log_in(target, login).await.map_err(Trouble::from) {
        Err(trouble) if trouble.is_silence() => Ok(yaoku_targets::log_in(target, login).await?),
        done => done,
    }
}

/// Whether a rotation changes the very password by which its users log in.
fn is_of_one_account(kind: SubType) -> bool {
    matches!(kind, SubType::SingleUser | SubType::Password | SubType::SshKey)
}

/// Asks whether a target has taken the candidate of a rotation that failed.
async fn settle(
    node: &Node,
    found: &CachedSecret,
    config: &Config,
    target: &Target,
    new: &Credential,
) -> Result<(), Trouble> {
    match yaoku_targets::log_in(target, &login(new)?).await {
        Ok(()) if is_of_one_account(config.sub_type) => Ok(()),
        // Perhaps not all was done that belongs to it.
        Ok(()) => apply(node, found, config, target, new).await,
        Err(fault @ yaoku_targets::Fault::WrongCredential(_)) => {
            let current = credential(node, found, config, &Stage::current()).await?;
            let Some(current) = current else { return Err(fault.into()) };
            let works = yaoku_targets::log_in(target, &login(&current)?).await.is_ok();
            Err(if works { Trouble::NotTaken } else { fault.into() })
        }
        Err(fault) => Err(fault.into()),
    }
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

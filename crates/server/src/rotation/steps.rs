//! What is done at a target, one step of a rotation after the other. Each may be done again.

use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};

use yaoku_model::{
    ids::Stage,
    secret::{Config, Credential, Rotation, Secret, SecretType, Step, SubType},
    target::{Engine, Target},
};
use yaoku_targets::{Admin, Fault, Login, Proof, Rights, public_key};

use super::{
    administrator::{NoAdmin, administrator},
    begin::{self, credential},
    password::password,
    patience::{MAY_PASS, WRONG_ADMIN},
};
use crate::{cache::CachedSecret, error::ApiError, hooks, node::Node, values};

/// When a change of the only account is not answered for so long, there is a look whether it was made:
/// while nobody knows, no password that can be read may work. Our choice.
const LATE: Duration = Duration::from_secs(2);

/// Why an account that is several is not turned.
const SEVERAL: &str = "has accounts of this name for several hosts, with different passwords: give \
                       them one, or remove all but one";

/// Why a step was not done.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The secret names a server that nobody registered.
    NoTarget,
    /// The secret's kind is not for servers like this.
    WrongEngine,
    /// The administrator's credential cannot be read.
    NoAdmin(NoAdmin),
    /// The server did not do it.
    Target(Fault),
    /// It was asked whether it has taken the candidate, and has not: the current credential works.
    NotTaken,
    /// The account does not take what the secret holds of it: so it is not the secret's to change.
    CurrentRefused,
    /// An account that was to be made is there, and is somebody else's.
    AccountExists,
    /// Any password is taken, so that nothing can be tried.
    BelievesAll,
    /// The administrator's log-in failed.
    Admin(Fault),
    /// The secret's hook did not do it.
    Hook(hooks::Fault),
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

impl From<hooks::Fault> for Trouble {
    fn from(fault: hooks::Fault) -> Self {
        Self::Hook(fault)
    }
}

impl Trouble {
    /// For so many seconds the same is tried again; none if it cannot succeed.
    pub(super) fn patience(&self) -> i64 {
        match self {
            Self::Target(fault) | Self::Admin(fault) if fault.may_pass() => MAY_PASS,
            Self::Hook(fault) if fault.may_pass() => MAY_PASS,
            Self::NoTarget | Self::NoAdmin(_) | Self::NotTaken | Self::Ours(_) => MAY_PASS,
            Self::Admin(Fault::WrongCredential(_)) => WRONG_ADMIN,
            _ => 0,
        }
    }

    /// Whether nobody answered, so that nothing is known of the target.
    pub(super) fn is_silence(&self) -> bool {
        use Fault::{TimedOut, Unreachable};
        matches!(self, Self::Target(it) | Self::Admin(it) if matches!(it, Unreachable(_) | TimedOut))
    }

    /// A word for events.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::NoTarget => "TargetNotFound",
            Self::WrongEngine => "WrongEngine",
            Self::NoAdmin(_) => "NoAdministrator",
            Self::Admin(Fault::WrongCredential(_)) => "WrongAdministrator",
            Self::Target(fault) | Self::Admin(fault) => fault.word(),
            Self::NotTaken => "NotTaken",
            Self::CurrentRefused => "CurrentRefused",
            Self::AccountExists => "AccountExists",
            Self::BelievesAll => "BelievesAll",
            Self::Hook(fault) => fault.word(),
            Self::Ours(error) => error.code().wire(),
        }
    }

    /// What is said to operators.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::NoTarget => "no server is registered under this id".to_owned(),
            Self::WrongEngine => "the server is of another kind than the secret".to_owned(),
            Self::NoAdmin(why) => why.to_string(),
            Self::Target(fault) | Self::Admin(fault) => format!("the server {fault}"),
            Self::NotTaken => "the server has not taken the new credential".to_owned(),
            Self::CurrentRefused => "the server does not take the current credential: nothing was \
                changed; give the account this password, or make the secret anew"
                .to_owned(),
            Self::AccountExists => "the server has an account of this name already".to_owned(),
            Self::BelievesAll => "the server takes any password from here, so none can be tried; \
                see its rules for this address"
                .to_owned(),
            Self::Hook(fault) => fault.to_string(),
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
    let at = At { node, found, config: &config, target: &target };
    match rotation.step {
        Step::Create => Box::pin(at.create()).await,
        Step::Apply => {
            let new = candidate(node, &found.secret, &config, rotation).await?;
            let kept = rotation.candidate.as_ref().is_some_and(|it| it.created < rotation.started);
            Box::pin(at.apply(&new, kept || rotation.tries > 0)).await
        }
        Step::Settle => {
            let new = candidate(node, &found.secret, &config, rotation).await?;
            Box::pin(at.settle(&new)).await
        }
        Step::Retire => at.retire().await,
        // Of the store alone, or of a hook: see `ram`, `hook`.
        Step::Window | Step::HookNew | Step::HookSet | Step::HookTest | Step::HookEnd => Ok(()),
    }
}

/// A secret, and the server that it is about.
#[derive(Clone, Copy)]
struct At<'a> {
    node: &'a Node,
    found: &'a CachedSecret,
    config: &'a Config,
    target: &'a Target,
}

impl At<'_> {
    /// Makes both accounts of a new secret, with the one password that both its versions hold. An
    /// account that was there before is not taken: whoever makes a secret need not be whose it is.
    /// Source: secrets.md §6.3, §6.4.
    async fn create(self) -> Result<(), Trouble> {
        let rights = Rights::Named {
            privilege: self.config.privilege().unwrap_or_default().to_owned(),
            database: self.config.database().map(str::to_owned),
        };
        let mut admin = self.administrator().await?;
        for stage in [Stage::current(), Stage::previous()] {
            let Some(account) = self.credential(&stage).await? else { continue };
            if admin.has_account(account.name()).await? {
                self.must_be_ours(&account).await?;
            }
            self.give(&mut *admin, &account, &rights).await?;
            self.verify(&account).await?;
        }
        Ok(())
    }

    /// Gives the target the candidate, and tries it there.
    ///
    /// Of two accounts the other one works meanwhile. Where there is one only, and the target may have
    /// taken the candidate though nobody says so, the password that is current is dead perhaps: so
    /// whatever went wrong, and while an answer is late, the candidate itself is tried; but not if
    /// nothing was asked yet, now or (`again`) before, for servers lock out who is wrong too often.
    async fn apply(self, new: &Credential, again: bool) -> Result<(), Trouble> {
        let asked = AtomicBool::new(again);
        // No administrator is needed to find out what an earlier try has come to.
        let change = async {
            let mut admin = self.administrator().await?;
            self.may_change(&mut *admin, new).await?;
            asked.store(true, Relaxed);
            self.change(&mut *admin, new).await
        };
        if !is_of_one_account(self.config.sub_type) {
            change.await?;
            return self.verify(new).await;
        }
        let changed = tokio::select! {
            biased;
            changed = change => changed,
            () = self.taken_all_the_same(new, &asked) => return Ok(()),
        };
        match changed {
            Ok(()) => self.verify(new).await,
            Err(trouble) if !asked.load(Relaxed) => Err(trouble),
            Err(trouble) => self.must_be_ours(new).await.map_err(|_| trouble),
        }
    }

    /// Before the first rotation: fails unless the accounts are the secret's to change. They take what
    /// the secret holds of them, or the candidate, or the one that is to be made is not there yet. So
    /// nobody comes by an account whose password they do not know, and none is changed that cannot be
    /// tried from here. Our choice: in secrets.md §6.2 the server belongs to whoever owns the secret.
    async fn may_change(self, admin: &mut dyn Admin, new: &Credential) -> Result<(), Trouble> {
        if self.found.secret.managed.as_ref().is_some_and(|it| it.last_rotation.is_some()) {
            return Ok(());
        }
        let mut is_held = false;
        for stage in [Stage::current(), Stage::previous()] {
            let Some(held) = self.credential(&stage).await? else { continue };
            let is_new = held.name() == new.name();
            is_held |= is_new;
            if !admin.is_one_account(held.name()).await? {
                return Err(Fault::Failed(SEVERAL.to_owned()).into());
            }
            match self.must_be_ours(&held).await {
                // Only who is refused both, and answered both times, is somebody else.
                Err(Trouble::AccountExists) if is_new => match self.must_be_ours(new).await {
                    Err(Trouble::AccountExists) => return Err(Trouble::CurrentRefused),
                    done => done?,
                },
                Err(Trouble::AccountExists) => return Err(Trouble::CurrentRefused),
                done => done?,
            }
        }
        if !is_held && admin.has_account(new.name()).await? {
            return self.must_be_ours(new).await;
        }
        Ok(())
    }

    /// Gives the target the candidate. A new key gets the rights of the one that logs in, not of whichever
    /// the secret calls its public key.
    async fn change(self, admin: &mut dyn Admin, new: &Credential) -> Result<(), Trouble> {
        let current = self.credential(&Stage::current()).await?;
        let rights = match (self.config.sub_type, &current) {
            (SubType::DoubleUsers, Some(current)) => Rights::Like(current.name().to_owned()),
            _ => Rights::Existing,
        };
        match (new, &current) {
            (
                Credential::KeyPair { user, public, .. },
                Some(Credential::KeyPair { private: old, .. }),
            ) => Ok(admin.add_key(user, public, Some(&public_key(old)?)).await?),
            _ => self.give(admin, new, &rights).await,
        }
    }

    /// Takes the key before away. It works until the new one is current, so that there is no moment in
    /// which the current key does not.
    async fn retire(self) -> Result<(), Trouble> {
        let before = self.credential(&Stage::previous()).await?;
        let Some(Credential::KeyPair { user, private, .. }) = before else { return Ok(()) };
        Ok(self.administrator().await?.remove_key(&user, &public_key(&private)?).await?)
    }

    /// Ends when the target has taken a candidate whose change it does not answer.
    async fn taken_all_the_same(self, candidate: &Credential, asked: &AtomicBool) {
        let mut pause = LATE;
        loop {
            tokio::time::sleep(pause).await;
            if asked.load(Relaxed) {
                if self.must_be_ours(candidate).await.is_ok() {
                    return;
                }
                pause *= 2;
            }
        }
    }

    /// Asks whether a target has taken the candidate of a rotation that failed.
    async fn settle(self, new: &Credential) -> Result<(), Trouble> {
        match self.log_in(new).await {
            // Perhaps not all was done that belongs to it.
            Ok(()) if !is_of_one_account(self.config.sub_type) => {
                Box::pin(self.apply(new, true)).await
            }
            Ok(()) => self.must_be_ours(new).await,
            Err(fault @ Fault::WrongCredential(_)) => {
                let current = self.credential(&Stage::current()).await?;
                let Some(current) = current else { return Err(fault.into()) };
                let works = self.log_in(&current).await.is_ok();
                Err(if works { Trouble::NotTaken } else { fault.into() })
            }
            Err(fault) => Err(fault.into()),
        }
    }

    /// Logs in by what the target was given. A connection that was cut says nothing: once more then.
    async fn verify(self, account: &Credential) -> Result<(), Trouble> {
        match self.log_in(account).await {
            Err(Fault::Unreachable(_) | Fault::TimedOut) => Ok(self.log_in(account).await?),
            done => Ok(done?),
        }
    }

    /// Fails unless an account has just this credential: it takes it, and does not take another one, as
    /// a server does that believes everybody.
    async fn must_be_ours(self, account: &Credential) -> Result<(), Trouble> {
        match self.log_in(account).await {
            Err(Fault::WrongCredential(_)) => return Err(Trouble::AccountExists),
            done => done?,
        }
        let password = password(&*self.node.random).map_err(ApiError::from)?;
        let other = match account {
            Credential::Account { name, .. } => {
                Credential::Account { name: name.clone(), password }
            }
            Credential::Password { user, .. } => {
                Credential::Password { user: user.clone(), password }
            }
            _ => return Ok(()),
        };
        match self.log_in(&other).await {
            Err(Fault::WrongCredential(_)) => Ok(()),
            Err(fault) => Err(fault.into()),
            Ok(()) => Err(Trouble::BelievesAll),
        }
    }

    async fn log_in(self, account: &Credential) -> Result<(), Fault> {
        let login = login(account).map_err(|_| Fault::Unsupported)?;
        self.node.rotations.aside().log_in(self.target, &login).await
    }

    async fn credential(self, stage: &Stage) -> Result<Option<Credential>, Trouble> {
        Ok(credential(self.node, self.found, self.config, stage).await?)
    }

    async fn administrator(self) -> Result<Box<dyn Admin>, Trouble> {
        administrator(self.node, self.target).await
    }

    async fn give(
        self,
        admin: &mut dyn Admin,
        account: &Credential,
        rights: &Rights,
    ) -> Result<(), Trouble> {
        match account {
            Credential::Account { name: user, password }
            | Credential::Password { user, password } => {
                Ok(admin.set_password(user, password, rights).await?)
            }
            _ => {
                tracing::error!(secret = %self.found.secret.name, "its value is of another kind");
                Err(Trouble::WrongEngine)
            }
        }
    }
}

/// Whether a rotation changes the very password by which its users log in. Of two keys both work until
/// the new one is current.
fn is_of_one_account(kind: SubType) -> bool {
    matches!(kind, SubType::SingleUser | SubType::Password)
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

/// Who a credential is, and by what they prove it.
pub(super) fn login(credential: &Credential) -> Result<Login, Trouble> {
    let (user, proof) = match credential {
        Credential::Account { name: user, password } | Credential::Password { user, password } => {
            (user, Proof::Password(password.clone()))
        }
        Credential::KeyPair { user, private, .. } => (user, Proof::PrivateKey(private.clone())),
        Credential::AccessKey { .. } => return Err(Trouble::WrongEngine),
    };
    Ok(Login { user: user.clone(), proof })
}

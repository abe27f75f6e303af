//! A target's administrator: whose credential is the current value of a secret.

use yaoku_model::{
    ids::SecretName,
    secret::{Credential, SecretType, SubType},
    target::{Engine, Target},
};
use yaoku_targets::{Admin, Login};

use super::steps::{Trouble, login};
use crate::{
    node::Node,
    values::{self, Unreadable},
};

/// Why there is no credential of a target's administrator.
#[derive(Debug, thiserror::Error)]
#[error("the administrator's credential cannot be read: secret {secret} {why}")]
pub(crate) struct NoAdmin {
    /// The secret that holds it.
    pub(super) secret: SecretName,
    /// What is the matter with that.
    pub(super) why: Why,
}

/// What is the matter with an administrator's secret.
#[derive(Debug, thiserror::Error)]
pub(super) enum Why {
    /// Nobody can read it now.
    #[error(transparent)]
    Unreadable(Unreadable),
    /// It holds something else.
    #[error("does not hold {0}, as JSON")]
    Form(&'static str),
}

/// Logs in as a target's administrator.
pub(super) async fn administrator(node: &Node, target: &Target) -> Result<Box<dyn Admin>, Trouble> {
    let login = admin_login(node, target).await?;
    node.rotations.aside().connect(target, &login).await.map_err(Trouble::Admin)
}

/// The administrator's credential: the current value of the secret that the target names, in one of
/// the forms that values of managed secrets have.
async fn admin_login(node: &Node, target: &Target) -> Result<Login, Trouble> {
    const FORMS: [(SecretType, SubType); 3] = [
        (SecretType::Rds, SubType::SingleUser),
        (SecretType::Ecs, SubType::Password),
        (SecretType::Ecs, SubType::SshKey),
    ];
    let no = |why| Trouble::NoAdmin(NoAdmin { secret: target.admin.clone(), why });
    let data = match values::current_for_service(node, &target.account, &target.admin).await {
        Err(Unreadable::Ours(error)) => return Err(error.into()),
        read => read.map_err(|why| no(Why::Unreadable(why)))?,
    };
    let mut read = FORMS.iter().filter_map(|(kind, sub)| Credential::read(*kind, *sub, &data).ok());
    login(&read.next().ok_or_else(|| no(Why::Form(form(target.engine))))?)
}

/// What an administrator's secret holds. Source: secrets.md §6.2, §6.5.
pub(super) const fn form(engine: Engine) -> &'static str {
    match engine {
        Engine::Ssh => {
            r#"{"UserName":…,"Password":…} or {"UserName":…,"PublicKey":…,"PrivateKey":…}"#
        }
        Engine::MySql | Engine::Postgres | Engine::Redis => {
            r#"{"AccountName":…,"AccountPassword":…}"#
        }
    }
}

//! What is wrong with a target, in words for its operator. Nothing is changed there.

use yaoku_model::target::{Engine, Target, TlsMode};
use yaoku_targets::{Fault, Lack};

use super::{
    administrator::{NoAdmin, Why, administrator, form},
    steps::Trouble,
};
use crate::{node::Node, values::Unreadable};

/// What is in the way of rotations at a target.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    /// A word for it, as events of rotations have it.
    pub(crate) code: &'static str,
    /// What it is.
    pub(crate) message: String,
    /// What would end it.
    pub(crate) remedy: String,
    /// Whether no rotation can succeed while it lasts.
    pub(crate) stops_all: bool,
}

/// Logs in to a target as its administrator, and looks whether it is fit for rotations.
pub(crate) async fn check(node: &Node, target: &Target) -> Vec<Problem> {
    let looked = async {
        let mut admin = administrator(node, target).await?;
        admin.lacks().await.map_err(Trouble::Admin)
    };
    match looked.await {
        Ok(lacks) => lacks.into_iter().map(Problem::from).collect(),
        Err(trouble) => vec![Problem {
            code: trouble.code(),
            message: trouble.message(),
            remedy: remedy(&trouble, target),
            stops_all: true,
        }],
    }
}

impl From<Lack> for Problem {
    fn from(it: Lack) -> Self {
        let Lack { word: code, what: message, remedy, stops_all } = it;
        Self { code, message, remedy, stops_all }
    }
}

/// What would end it.
fn remedy(trouble: &Trouble, target: &Target) -> String {
    let (host, port, admin) = (&target.host, target.port, &target.admin);
    match trouble {
        Trouble::NoAdmin(it) => of_secret(it, target.engine),
        Trouble::Admin(Fault::WrongCredential(user)) => format!(
            "put the password that {user} has there into secret {admin} (yaoku secret put {admin} \
             --from-file FILE), or give {user} the one that is in it"
        ),
        Trouble::Admin(Fault::Unreachable(_) | Fault::TimedOut) => {
            let tls = match (target.engine, target.tls) {
                (Engine::Redis, TlsMode::Off) => "; if it takes TLS only, --tls verify",
                // Spoken to in TLS, it waits for more.
                (Engine::Redis, TlsMode::Verify) => "; if it speaks no TLS there, --tls off",
                _ => "",
            };
            format!("see that port {port} of {host} can be reached from the server's machine{tls}")
        }
        Trouble::Admin(Fault::NotTrusted(_)) if target.engine == Engine::Ssh => format!(
            "compare ssh-keyscan -p {port} {host} with what the server itself has in \
             /etc/ssh/ssh_host_*_key.pub, and register that with --host-key"
        ),
        Trouble::Admin(Fault::NotTrusted(_)) => format!(
            "give the authority of its certificate with --ca, and as --host a name that the \
             certificate has (now {host}); if it speaks no TLS, --tls off, for loopback and for \
             networks in which nobody listens"
        ),
        Trouble::Admin(Fault::Unsupported) => {
            format!(
                "an administrator logs in by a password here: put {} into {admin}",
                form(target.engine)
            )
        }
        Trouble::Ours(_) => "look into the server's log".to_owned(),
        _ => "see what the administrator needs and what the server must be: docs/targets.md"
            .to_owned(),
    }
}

/// What makes an administrator's credential readable.
fn of_secret(NoAdmin { secret, why }: &NoAdmin, engine: Engine) -> String {
    let form = form(engine);
    match why {
        Why::Unreadable(Unreadable::Absent) => {
            format!("make it, with {form}: yaoku secret create {secret} --from-file FILE")
        }
        Why::Unreadable(Unreadable::Leaving) => format!("yaoku secret restore {secret}"),
        Why::Unreadable(_) => {
            format!("make the key usable again that yaoku secret show {secret} names")
        }
        Why::Form(_) => format!("yaoku secret put {secret} --from-file FILE, with {form}"),
    }
}

#[cfg(test)]
mod tests {
    use yaoku_model::target::{Engine, Target, TlsMode};
    use yaoku_targets::{Fault, testing::target};

    use super::{Trouble, remedy};

    #[test]
    fn who_does_not_answer_may_want_tls_or_have_none() {
        let said = |engine, tls, fault| {
            remedy(&Trouble::Admin(fault), &Target { tls, ..target(engine, 6379) })
        };
        let silent = said(Engine::Redis, TlsMode::Verify, Fault::TimedOut);
        assert!(
            silent.contains("port 6379 of 127.0.0.1") && silent.contains("--tls off"),
            "{silent}"
        );
        let gone = said(Engine::Redis, TlsMode::Off, Fault::Unreachable(String::new()));
        assert!(gone.contains("--tls verify"), "{gone}");
        let gone = said(Engine::MySql, TlsMode::Off, Fault::TimedOut);
        assert!(!gone.contains("--tls"), "{gone}");
    }

    #[test]
    fn a_host_key_that_is_another_is_to_be_compared() {
        let trouble = Trouble::Admin(Fault::NotTrusted("its host key is another".to_owned()));
        let said = remedy(&trouble, &target(Engine::Ssh, 22));
        assert!(
            said.contains("ssh-keyscan -p 22 127.0.0.1") && said.contains("--host-key"),
            "{said}"
        );
        assert!(remedy(&trouble, &target(Engine::MySql, 3306)).contains("--ca"));
    }
}

//! Redis 6 or later, with access control lists.
//!
//! The administrator needs `ACL`, `ROLE` and `CONFIG REWRITE`. Passwords are sent as their SHA-256,
//! which is what Redis keeps of them.
//!
//! Redis forgets its accounts when it stops, unless they are saved. So each change is saved at once:
//! to the file of accounts (`aclfile`) if it has one, or else to its configuration file. One that has
//! neither is refused, after the change: its accounts would be lost logins. Replicas have accounts of
//! their own; each node is a target.

use async_trait::async_trait;
use redis::{
    AsyncConnectionConfig, Cmd, ErrorKind, RedisConnectionInfo, RedisError, ServerErrorKind, Value,
    aio::MultiplexedConnection, cmd,
};
use yaoku_model::{target::Target, text::SecretData};

use crate::{
    Admin, Fault, Login, PATIENCE, Rights,
    link::{broken, open, patiently},
    text::{said, sha256},
};

/// What `RoleReadWrite` may do: everything, but for administration and what stops or empties the
/// server. Some harmless commands count as dangerous. Source: secrets.md §6.3 (the word); the rules
/// are our choice.
const READ_WRITE: &[&str] = &[
    "~*",
    "&*",
    "+@all",
    "-@admin",
    "-@dangerous",
    "+info",
    "+keys",
    "+sort",
    "+client|setname",
    "+client|getname",
];

/// What `RoleReadOnly` may do: read, and listen. Our choice.
const READ_ONLY: &[&str] = &[
    "~*",
    "&*",
    "-@all",
    "+@read",
    "+@connection",
    "+@transaction",
    "+subscribe",
    "+psubscribe",
    "+unsubscribe",
    "+punsubscribe",
    "-@admin",
    "-@dangerous",
    "+info",
    "+keys",
    "+client|setname",
    "+client|getname",
];

pub(crate) struct Server {
    connection: MultiplexedConnection,
    /// What reads and writes for it.
    driver: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Logs in, which is all that a connection does by itself.
pub(crate) async fn connect(target: &Target, login: &Login) -> Result<Server, Fault> {
    let password = login.password()?;
    let stream = open(target).await?;
    let plain = RedisConnectionInfo::default().set_skip_set_lib_name();
    let config = AsyncConnectionConfig::new().set_response_timeout(Some(PATIENCE));
    let opened = MultiplexedConnection::new_with_config(&plain, stream, config).await;
    let (connection, driver) = opened.map_err(|error| refusal(&error, None))?;
    let mut server = Server { connection, driver: tokio::spawn(driver) };
    let auth = cmd("AUTH").arg(&login.user).arg(password.expose()).take();
    let answer: Result<Value, RedisError> = auth.query_async(&mut server.connection).await;
    match answer {
        Ok(_) => Ok(server),
        Err(error) if error.code() == Some("WRONGPASS") => {
            Err(Fault::WrongCredential(login.user.clone()))
        }
        Err(error) => Err(refusal(&error, Some(password))),
    }
}

#[async_trait]
impl Admin for Server {
    async fn set_password(
        &mut self,
        user: &str,
        password: &SecretData,
        rights: &Rights,
    ) -> Result<(), Fault> {
        self.writable().await?;
        let mut change = cmd("ACL");
        change.arg("SETUSER").arg(user);
        if self.has_account(user).await? {
            change.arg("resetpass");
        } else {
            change.arg("reset").arg("on");
            for rule in self.rules(user, rights).await? {
                change.arg(rule);
            }
        }
        change.arg(hashed(password));
        self.ask(&change).await?;
        self.save().await
    }

    async fn has_account(&mut self, user: &str) -> Result<bool, Fault> {
        let found = self.ask(cmd("ACL").arg("GETUSER").arg(user)).await?;
        Ok(found != Value::Nil)
    }
}

impl Server {
    /// A replica would take the change, and keep it for itself.
    async fn writable(&mut self) -> Result<(), Fault> {
        let role = self.ask(&cmd("ROLE")).await?;
        let replica = match &role {
            Value::Array(it) => {
                it.first().is_some_and(|it| *it == Value::BulkString(b"slave".into()))
            }
            _ => false,
        };
        if replica { Err(Fault::ReadOnly("it is a replica".to_owned())) } else { Ok(()) }
    }

    /// The rules of a new account, from nothing on.
    async fn rules(&mut self, user: &str, rights: &Rights) -> Result<Vec<String>, Fault> {
        match rights {
            Rights::Existing => Err(Fault::NoAccount(user.to_owned())),
            Rights::Named { privilege, database: None } => {
                let rules = match privilege.as_str() {
                    "RoleReadWrite" => READ_WRITE,
                    "RoleReadOnly" => READ_ONLY,
                    _ => return Err(Fault::Unsupported),
                };
                Ok(rules.iter().map(|&rule| rule.to_owned()).collect())
            }
            // Its databases are no matter of accounts.
            Rights::Named { .. } => Err(Fault::Unsupported),
            Rights::Like(model) => self.rules_of(model).await,
        }
    }

    /// The rules of an account that is there.
    async fn rules_of(&mut self, user: &str) -> Result<Vec<String>, Fault> {
        let nobody = || Fault::NoAccount(user.to_owned());
        // No name has a space, and what follows one in a list is no part of it.
        if user.contains(' ') {
            return Err(nobody());
        }
        let Value::Array(lines) = self.ask(cmd("ACL").arg("LIST")).await? else {
            return Err(Fault::Failed("ACL LIST answered no list".to_owned()));
        };
        let found = lines.iter().find_map(|line| match line {
            Value::BulkString(line) => {
                let line = std::str::from_utf8(line).ok()?;
                line.strip_prefix("user ")?.strip_prefix(user)?.strip_prefix(' ')
            }
            _ => None,
        });
        found.map(copied).ok_or_else(nobody)
    }

    /// Makes the accounts outlive the server.
    async fn save(&mut self) -> Result<(), Fault> {
        let unsaved = |fault| match fault {
            Fault::Failed(text) if !text.contains("config file") => {
                Fault::ReadOnly(format!("its accounts cannot be saved: {text}"))
            }
            Fault::Failed(_) => Fault::Failed(
                "it forgets its accounts when it stops: start it with a configuration file, \
                 or with an aclfile"
                    .to_owned(),
            ),
            other => other,
        };
        match self.ask(cmd("ACL").arg("SAVE")).await {
            Err(Fault::Failed(text)) if text.contains("not configured to use an ACL file") => {
                self.ask(cmd("CONFIG").arg("REWRITE")).await.map(drop).map_err(unsaved)
            }
            other => other.map(drop).map_err(unsaved),
        }
    }

    async fn ask(&mut self, what: &Cmd) -> Result<Value, Fault> {
        let connection = &mut self.connection;
        patiently(async { what.query_async(connection).await.map_err(|it| refusal(&it, None)) })
            .await
    }
}

/// The rules of a line of `ACL LIST`, without what is the account's own: its passwords, and whether it
/// is on. A selector is one rule, with spaces in brackets.
fn copied(line: &str) -> Vec<String> {
    let mut rules: Vec<String> = Vec::new();
    for word in line.split(' ') {
        match rules.last_mut() {
            Some(last) if last.starts_with('(') && !last.ends_with(')') => {
                last.push(' ');
                last.push_str(word);
            }
            _ => rules.push(word.to_owned()),
        }
    }
    rules.retain(|it| !it.starts_with('#') && !["", "on", "off", "nopass"].contains(&it.as_str()));
    rules
}

/// A password, as Redis takes it without learning it.
fn hashed(password: &SecretData) -> String {
    format!("#{}", sha256(password.expose()))
}

fn refusal(error: &RedisError, secret: Option<&SecretData>) -> Fault {
    let text = said(&error.to_string(), secret);
    match (error.kind(), error.code()) {
        (ErrorKind::Server(ServerErrorKind::NoPerm), _) | (_, Some("NOAUTH")) => {
            Fault::NotPermitted(text)
        }
        (ErrorKind::Server(ServerErrorKind::ReadOnly), _) | (_, Some("MISCONF" | "OOM")) => {
            Fault::ReadOnly(text)
        }
        _ if error.is_timeout() => Fault::TimedOut,
        (ErrorKind::Io, _) => broken(error),
        _ => Fault::Failed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::{copied, hashed};

    #[test]
    fn rules_are_copied_and_what_is_the_account_s_own_is_not() {
        let line = "on nopass sanitize-payload #00ff ~a* %R~b* resetchannels &c -@all +get \
                    (~z resetchannels -@all +set) (+get)";
        assert_eq!(
            copied(line),
            [
                "sanitize-payload",
                "~a*",
                "%R~b*",
                "resetchannels",
                "&c",
                "-@all",
                "+get",
                "(~z resetchannels -@all +set)",
                "(+get)"
            ]
        );
    }

    #[test]
    fn a_password_is_sent_as_its_hash() {
        // Source: FIPS 180-2, appendix B.1.
        assert_eq!(
            hashed(&"abc".parse().unwrap()),
            "#ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}

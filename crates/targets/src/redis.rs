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
use yaoku_model::{
    target::{Target, TlsMode},
    text::SecretData,
};

use crate::{
    Admin, Fault, Lack, Login, PATIENCE, Rights,
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

/// What a rotation does, and where it does that only where accounts are kept so. Names of accounts are
/// `x` here.
const NEEDED: [(&str, Option<Kept>); 6] = [
    ("ROLE", None),
    ("ACL GETUSER x", None),
    ("ACL LIST", None),
    ("ACL SETUSER x", None),
    ("ACL SAVE", None),
    ("CONFIG REWRITE", Some(Kept::ConfigFile)),
];

pub(crate) struct Server {
    /// Whose connection it is.
    user: String,
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
    let (user, driver) = (login.user.clone(), tokio::spawn(driver));
    let mut server = Server { user, connection, driver };
    let auth = cmd("AUTH").arg(&login.user).arg(password.expose()).take();
    let answer: Result<Value, RedisError> = auth.query_async(&mut server.connection).await;
    match answer {
        Ok(_) => Ok(server),
        Err(error) if error.code() == Some("WRONGPASS") => {
            Err(Fault::WrongCredential(login.user.clone()))
        }
        // A server that takes TLS alone says nothing to who speaks without.
        Err(error) if target.tls == TlsMode::Off && error.is_connection_dropped() => {
            let why = "it hung up before it answered, as one does that wants TLS on this port";
            Err(Fault::Unreachable(why.to_owned()))
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

    async fn lacks(&mut self) -> Result<Vec<Lack>, Fault> {
        let mut lacks = Vec::new();
        match self.writable().await {
            Err(Fault::ReadOnly(_)) => lacks.push(Lack::of_all(
                "ReadOnly",
                "the server takes no changes: it is a replica, whose accounts are its own",
                "register the master that it follows",
            )),
            // That is among what comes.
            Err(Fault::NotPermitted(_)) => {}
            done => done?,
        }
        let kept = self.is_kept().await?;
        lacks.extend(self.not_permitted(kept).await?);
        if kept == Some(Kept::Nowhere) {
            lacks.push(Lack::of_all(
                "Failed",
                "the server forgets its accounts when it stops: it has no aclfile, and no \
                 configuration file either",
                "start it with a configuration file, or with an aclfile",
            ));
        }
        Ok(lacks)
    }
}

/// Where accounts outlive the server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kept {
    AclFile,
    ConfigFile,
    Nowhere,
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

    /// Where it keeps its accounts; `None` if the administrator may not know.
    async fn is_kept(&mut self) -> Result<Option<Kept>, Fault> {
        let no_acl_file = match self.ask(cmd("CONFIG").arg("GET").arg("aclfile")).await {
            Ok(Value::Array(found)) => match found.get(1) {
                Some(Value::BulkString(file)) if !file.is_empty() => {
                    return Ok(Some(Kept::AclFile));
                }
                _ => true,
            },
            Err(fault) if !is_refusal(&fault) => return Err(fault),
            _ => false,
        };
        let info = match self.ask(cmd("INFO").arg("server")).await {
            Ok(Value::BulkString(info)) => String::from_utf8_lossy(&info).into_owned(),
            Err(fault) if !is_refusal(&fault) => return Err(fault),
            _ => return Ok(None),
        };
        let file = info.lines().find_map(|it| it.trim_end().strip_prefix("config_file:"));
        Ok(match file {
            Some("") if no_acl_file => Some(Kept::Nowhere),
            Some("") | None => None,
            Some(_) => Some(Kept::ConfigFile),
        })
    }

    /// What this administrator may not do, of all that a rotation does: asked of the server, which from
    /// Redis 7 on says so without doing it.
    async fn not_permitted(&mut self, kept: Option<Kept>) -> Result<Option<Lack>, Fault> {
        let needed = NEEDED.iter().filter(|(_, only)| only.is_none() || kept == *only);
        let mut missing = Vec::new();
        for (command, _) in needed {
            let mut ask = cmd("ACL");
            ask.arg("DRYRUN").arg(&self.user);
            command.split(' ').for_each(|it| _ = ask.arg(it));
            match self.ask(&ask).await {
                Ok(Value::Okay) => {}
                Ok(_) => missing.push(command.trim_end_matches(" x")),
                Err(Fault::NotPermitted(_)) => {
                    missing = vec!["ACL"];
                    break;
                }
                // Redis 6 has no such command.
                Err(Fault::Failed(_)) => return Ok(None),
                Err(fault) => return Err(fault),
            }
        }
        let what = || format!("the administrator may not use {}", missing.join(", "));
        let remedy = || format!("ACL SETUSER {} +acl +role +config|rewrite", self.user);
        let lack = || Lack::of_all("NotPermitted", what(), remedy());
        Ok((!missing.is_empty()).then(lack))
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

/// Whether the server answered, and would not.
const fn is_refusal(fault: &Fault) -> bool {
    matches!(fault, Fault::NotPermitted(_) | Fault::Failed(_))
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

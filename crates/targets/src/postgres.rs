//! PostgreSQL 14 or later.
//!
//! The administrator needs `CREATEROLE`, and (from version 16 on) `ADMIN OPTION` on the roles that are
//! cloned. Passwords are sent as SCRAM-SHA-256 verifiers, so that none is in the server's log or
//! statistics, whatever it is set to log.
//!
//! **Clones.** A clone is a member of its model and becomes it at every login (`ALTER ROLE … SET role`).
//! Membership alone would give it every privilege of the model, those of an owner too; but what the
//! clone makes would be the clone's, and the model could not use it when its turn comes. As it is, both
//! act as one role. The membership inherits, for a pool may reset the role (`DISCARD ALL`). Settings and
//! attributes of the model, which are nobody's by membership, are copied.

use std::{error::Error as _, fmt::Write as _, pin::Pin, time::Duration};

use async_trait::async_trait;
use postgres_protocol::password::scram_sha_256;
use tokio::net::TcpStream;
use tokio_postgres::{
    Client, Config, SimpleQueryMessage, SimpleQueryRow,
    config::SslMode,
    error::SqlState,
    tls::{ChannelBinding, NoTls, TlsConnect, TlsStream},
};
use yaoku_model::{target::Target, text::SecretData};

use crate::{
    Admin, Fault, Lack, Login, Rights,
    link::{Secure, Stream, broken, patiently, reach},
    text::{said, whole},
};

/// Where everybody may go. Our choice.
const DATABASE: &str = "postgres";

/// The longest name of a role, in bytes; the server cuts longer ones off. Source: `NAMEDATALEN`.
const LONGEST_NAME: usize = 63;

/// How long a connection is kept at most. Our choice.
const LONGEST: Duration = Duration::from_mins(5);

/// Settings whose values are lists, kept as they must be written. Source: `GUC_LIST_QUOTE`.
const LISTS: [&str; 6] = [
    "local_preload_libraries",
    "search_path",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
    "unix_socket_directories",
];

/// The functions of the server that say 53300 after a look at the password: of the role's connections
/// and of the database's. Before it, all places are taken (`InitProcess`). Tried on version 15.
const NO_CONNECTION_LEFT: [&str; 2] = ["InitializeSessionUserId", "CheckMyDatabase"];

/// What waits for longer is given up by the server too: it must not happen when nobody expects it.
const LIMITS: &str = "SET lock_timeout = '9s'; SET statement_timeout = '9s'";

/// The administrator's name, whether the server is in recovery and whether it takes changes; whether the
/// administrator is a superuser or may make roles; and the server's version.
const ABOUT: &str = "SELECT quote_ident(current_user), pg_is_in_recovery(), \
    current_setting('transaction_read_only'), rolsuper, rolcreaterole, \
    current_setting('server_version_num') FROM pg_roles WHERE rolname = current_user";

/// From this version on `CREATEROLE` alone changes no role. Source: PostgreSQL 16's release notes.
const ADMIN_OPTION_SINCE: u32 = 160_000;

/// The first few roles that log in and that this administrator cannot change.
pub(crate) const OUT_OF_REACH: &str = "SELECT quote_ident(rolname) FROM pg_roles WHERE rolcanlogin \
    AND NOT rolsuper AND rolname <> current_user \
    AND NOT pg_has_role(current_user, oid, 'MEMBER WITH ADMIN OPTION') ORDER BY 1 LIMIT 5";

pub(crate) struct Server {
    client: Client,
}

pub(crate) async fn connect(target: &Target, admin: &Login) -> Result<Server, Fault> {
    let refused = |error: tokio_postgres::Error| match error.code() {
        Some(&SqlState::INVALID_PASSWORD | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION) => {
            Fault::WrongCredential(admin.user.clone())
        }
        _ => refusal(&error),
    };
    let client = open(target, admin).await?.map_err(refused)?;
    let mut server = Server { client };
    server.ask(LIMITS.to_owned()).await?;
    Ok(server)
}

/// Logs in, and out again. Who is told that the database is not for them, or has no connection to
/// spare, has been believed already.
pub(crate) async fn log_in(target: &Target, login: &Login) -> Result<(), Fault> {
    match open(target, login).await? {
        Ok(_) => Ok(()),
        Err(error) => match error.code() {
            Some(&SqlState::INVALID_CATALOG_NAME | &SqlState::INSUFFICIENT_PRIVILEGE) => Ok(()),
            Some(&SqlState::INVALID_PASSWORD | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION) => {
                Err(Fault::WrongCredential(login.user.clone()))
            }
            Some(&SqlState::TOO_MANY_CONNECTIONS) if is_of_the_role(&error) => Ok(()),
            _ => Err(refusal(&error)),
        },
    }
}

fn is_of_the_role(error: &tokio_postgres::Error) -> bool {
    let said_by = error.as_db_error().and_then(tokio_postgres::error::DbError::routine);
    said_by.is_some_and(|it| NO_CONNECTION_LEFT.contains(&it))
}

#[async_trait]
impl Admin for Server {
    async fn set_password(
        &mut self,
        user: &str,
        password: &SecretData,
        rights: &Rights,
    ) -> Result<(), Fault> {
        whole(password.expose_text())?;
        let role = identifier(user)?;
        let verifier = literal(&scram_sha_256(password.expose()))?;
        match self.run(format!("ALTER ROLE {role} PASSWORD {verifier}")).await {
            Err(Fault::NoAccount(_)) => {}
            done => return done,
        }
        let create = match rights {
            Rights::Existing => return Err(Fault::NoAccount(user.to_owned())),
            // By its words the vendor means databases of `MySQL`. Here they could hold in the whole
            // cluster alone: `pg_read_all_data` reads everybody's password verifiers too.
            // Source: secrets.md §6.4.
            Rights::Named { privilege, .. } if !["", "Normal"].contains(&privilege.as_str()) => {
                return Err(Fault::Unsupported);
            }
            Rights::Named { .. } => format!("CREATE ROLE {role} LOGIN PASSWORD {verifier};"),
            Rights::Like(model) => self.clone_of(model, &role, &verifier).await?,
        };
        // Several statements in one message are one transaction.
        self.run(create).await
    }

    async fn has_account(&mut self, user: &str) -> Result<bool, Fault> {
        let user = literal(user)?;
        let rows = self.ask(format!("SELECT 1 FROM pg_roles WHERE rolname = {user}")).await?;
        Ok(!rows.is_empty())
    }

    async fn lacks(&mut self) -> Result<Vec<Lack>, Fault> {
        let rows = self.ask(ABOUT.to_owned()).await?;
        let about = |at| rows.first().and_then(|it| it.get(at)).unwrap_or_default();
        let (is, me) = (|at| matches!(about(at), "t" | "on"), about(0));
        let mut lacks = Vec::new();
        if is(1) {
            lacks.push(Lack::of_all(
                "ReadOnly",
                "the server takes no changes: it is a standby, in recovery",
                "register the primary server that it follows",
            ));
        } else if is(2) {
            lacks.push(Lack::of_all(
                "ReadOnly",
                "the server takes no changes: default_transaction_read_only is on for the \
                 administrator",
                format!("ALTER ROLE {me} SET default_transaction_read_only = off"),
            ));
        }
        if !is(3) && !is(4) {
            lacks.push(Lack::of_all(
                "NotPermitted",
                "the administrator may not change roles: it has neither CREATEROLE nor SUPERUSER",
                format!("ALTER ROLE {me} CREATEROLE"),
            ));
        } else if !is(3) && about(5).parse().is_ok_and(|it: u32| it >= ADMIN_OPTION_SINCE) {
            lacks.extend(self.out_of_reach(me).await?);
        }
        Ok(lacks)
    }
}

impl Server {
    /// Some roles that this administrator, who is no superuser, cannot change.
    async fn out_of_reach(&mut self, me: &str) -> Result<Option<Lack>, Fault> {
        let rows = self.ask(OUT_OF_REACH.to_owned()).await?;
        let roles: Vec<_> = rows.iter().filter_map(|it| it.get(0)).collect();
        Ok(roles.first().map(|first| {
            Lack::of_some(
                "NotPermitted",
                said(
                    &format!(
                        "roles that the administrator lacks ADMIN OPTION on cannot be changed, \
                         among them {}",
                        roles.join(", ")
                    ),
                    None,
                ),
                format!("GRANT {first} TO {me} WITH ADMIN OPTION, for each that is to be rotated"),
            )
        }))
    }

    /// The statements that make a role which is like another.
    async fn clone_of(&mut self, model: &str, role: &str, verifier: &str) -> Result<String, Fault> {
        let (name, named) = (identifier(model)?, literal(model)?);
        let attributes = "concat_ws(' ', CASE WHEN rolsuper THEN 'SUPERUSER' END, \
             CASE WHEN rolcreatedb THEN 'CREATEDB' END, \
             CASE WHEN rolcreaterole THEN 'CREATEROLE' END, \
             CASE WHEN rolreplication THEN 'REPLICATION' END, \
             CASE WHEN rolbypassrls THEN 'BYPASSRLS' END, 'CONNECTION LIMIT ' || rolconnlimit)";
        let found =
            self.ask(format!("SELECT {attributes} FROM pg_roles WHERE rolname = {named}")).await?;
        let Some(attributes) = found.first().and_then(|it| it.get(0)) else {
            return Err(Fault::NoAccount(model.to_owned()));
        };
        let mut create = format!(
            "CREATE ROLE {role} LOGIN INHERIT {attributes} PASSWORD {verifier};GRANT {name} TO {role};"
        );
        let settings = self
            .ask(format!(
                "SELECT d.datname, s FROM pg_db_role_setting r \
                 LEFT JOIN pg_database d ON d.oid = r.setdatabase CROSS JOIN unnest(r.setconfig) s \
                 WHERE r.setrole = (SELECT oid FROM pg_roles WHERE rolname = {named})"
            ))
            .await?;
        let mut becomes = name;
        for row in &settings {
            let Some((setting, value)) = row.get(1).and_then(|it| it.split_once('=')) else {
                continue;
            };
            match row.get(0) {
                // A clone itself: then as whom it acts, its clone does.
                None if setting == "role" => becomes = literal(value)?,
                database => create.push_str(&set(role, database, setting, value)?),
            }
        }
        _ = write!(create, "ALTER ROLE {role} SET role = {becomes};");
        Ok(create)
    }

    async fn ask(&mut self, query: String) -> Result<Vec<SimpleQueryRow>, Fault> {
        let told = patiently(async {
            self.client.simple_query(&query).await.map_err(|error| refusal(&error))
        })
        .await?;
        let rows = told.into_iter().filter_map(|it| match it {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        Ok(rows.collect())
    }

    async fn run(&mut self, statements: String) -> Result<(), Fault> {
        patiently(async {
            self.client.batch_execute(&statements).await.map_err(|error| refusal(&error))
        })
        .await
    }
}

/// The statement that gives a role a setting, in one database or all.
fn set(role: &str, database: Option<&str>, setting: &str, value: &str) -> Result<String, Fault> {
    let place = match database {
        Some(database) => format!(" IN DATABASE {}", identifier(database)?),
        None => String::new(),
    };
    let value = if LISTS.contains(&setting) && !value.is_empty() {
        let unread = || Fault::Failed(format!("the setting {setting} of the model is no list"));
        let all = elements(value).ok_or_else(unread)?;
        all.iter().map(|it| literal(it)).collect::<Result<Vec<_>, _>>()?.join(", ")
    } else {
        literal(value)?
    };
    Ok(format!("ALTER ROLE {role}{place} SET {} = {value};", identifier(setting)?))
}

/// The elements of a list, as the server reads it: names with commas between, bare or in quotes.
/// Anybody may keep nearly anything as a bare name in a setting of their own. One with capital letters,
/// which the server would take for small ones in some lists only, is not read: our choice.
/// Source: `SplitIdentifierString`, as PostgreSQL's manual of the settings describes it.
fn elements(list: &str) -> Option<Vec<String>> {
    let space: &[char] = &[' ', '\t', '\n', '\r', '\x0b', '\x0c'];
    let (mut found, mut rest) = (Vec::new(), list);
    loop {
        rest = rest.trim_start_matches(space);
        if let Some(mut quoted) = rest.strip_prefix('"') {
            let mut name = String::new();
            loop {
                let (part, behind) = quoted.split_once('"')?;
                name.push_str(part);
                let Some(more) = behind.strip_prefix('"') else {
                    rest = behind;
                    break;
                };
                name.push('"');
                quoted = more;
            }
            found.push(name);
        } else {
            let ends = |it: char| it == ',' || space.contains(&it);
            let (name, behind) = rest.split_at(rest.find(ends).unwrap_or(rest.len()));
            if name.is_empty() || name.contains('"') || name.to_lowercase() != name {
                return None;
            }
            found.push(name.to_owned());
            rest = behind;
        }
        rest = rest.trim_start_matches(space);
        if rest.is_empty() {
            return Some(found);
        }
        rest = rest.strip_prefix(',')?;
    }
}

/// A name as an identifier in SQL.
fn identifier(name: &str) -> Result<String, Fault> {
    whole(name)?;
    if name.is_empty() || name.len() > LONGEST_NAME {
        return Err(Fault::Failed(format!("a name has 1 to {LONGEST_NAME} bytes")));
    }
    Ok(format!("\"{}\"", name.replace('"', "\"\"")))
}

/// A text as a string in SQL, the same whatever the server takes a backslash for.
fn literal(text: &str) -> Result<String, Fault> {
    whole(text)?;
    let escape = if text.contains('\\') { "E" } else { "" };
    Ok(format!("{escape}'{}'", text.replace('\\', r"\\").replace('\'', "''")))
}

/// A session, or why PostgreSQL refuses one.
async fn open(
    target: &Target,
    login: &Login,
) -> Result<Result<Client, tokio_postgres::Error>, Fault> {
    let password = login.password()?.expose();
    whole(&login.user)?;
    let mut config = Config::new();
    config.user(login.user.as_str()).password(password).dbname(DATABASE).application_name("yaoku");
    let stream = reach(target).await?;
    Ok(match Secure::of(target)? {
        None => {
            let opened =
                config.ssl_mode(SslMode::Disable).connect_raw(Stream::plain(stream), NoTls).await;
            opened.map(|(client, connection)| kept(client, connection))
        }
        Some(secure) => {
            let opened = config.ssl_mode(SslMode::Require).connect_raw(stream, secure).await;
            opened.map(|(client, connection)| kept(client, connection))
        }
    })
}

/// Lets a connection work for its client, until that is gone.
fn kept(client: Client, connection: impl Future + Send + 'static) -> Client {
    tokio::spawn(async move { tokio::time::timeout(LONGEST, connection).await.is_ok() });
    client
}

impl TlsConnect<TcpStream> for Secure {
    type Stream = Stream;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = std::io::Result<Stream>> + Send>>;

    fn connect(self, stream: TcpStream) -> Self::Future {
        Box::pin(self.handshake(stream))
    }
}

/// Without binding to the channel: who answers is proved by its certificate.
impl TlsStream for Stream {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

/// Source: the codes are those of PostgreSQL's manual, appendix A.
fn refusal(error: &tokio_postgres::Error) -> Fault {
    let Some(server) = error.as_db_error() else {
        // The library has no other sign of it.
        let said = error.source().map(ToString::to_string).unwrap_or_default();
        return if said.contains("does not support TLS") {
            Fault::NotTrusted("it speaks no TLS".to_owned())
        } else {
            broken(error)
        };
    };
    let text = said(&format!("{} ({})", server.message(), server.code().code()), None);
    match server.code().code() {
        "42501" => Fault::NotPermitted(text),
        "42704" => Fault::NoAccount(text),
        "25006" | "53100" => Fault::ReadOnly(text),
        "57P01" | "57P02" | "57P03" => Fault::Unreachable(text),
        _ => Fault::Failed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_end_no_string_and_no_name() {
        assert_eq!(literal(r"it's \ so").unwrap(), r"E'it''s \\ so'");
        assert_eq!(literal("' OR '1'='1").unwrap(), "''' OR ''1''=''1'");
        assert_eq!(identifier(r#"a"b\"#).unwrap(), r#""a""b\""#);
    }

    #[test]
    fn names_that_the_server_would_cut_off_are_refused() {
        assert!(identifier(&"é".repeat(32)).is_err());
        assert!(identifier(&"a".repeat(63)).is_ok());
        assert!(identifier("").is_err());
        assert!(identifier("a\0b").is_err());
    }

    #[test]
    fn a_list_stays_a_list_and_no_setting_ends_its_string() {
        let path = set("\"b\"", None, "search_path", "\"$user\", public").unwrap();
        assert_eq!(path, "ALTER ROLE \"b\" SET \"search_path\" = '$user', 'public';");
        let attack = "x;alter/**/role/**/b/**/superuser;--, it's";
        let path = set("\"b\"", None, "search_path", attack).unwrap();
        let wanted = "'x;alter/**/role/**/b/**/superuser;--', 'it''s'";
        assert_eq!(path, format!("ALTER ROLE \"b\" SET \"search_path\" = {wanted};"));
        let other = set("\"b\"", Some("d"), "a.b", "x'; DROP ROLE y").unwrap();
        assert_eq!(other, "ALTER ROLE \"b\" IN DATABASE \"d\" SET \"a.b\" = 'x''; DROP ROLE y';");
    }

    #[test]
    fn what_is_no_list_is_not_read_as_one() {
        let read = |list| elements(list).map(|it| it.join("|"));
        assert_eq!(read(" \"a, \"\"B\"\"\" ,\tc\n, \"\"").unwrap(), "a, \"B\"|c|");
        for no in ["", "a,", ",a", "a b", "\"a", "\"a\"b", "a\"b", "a,,b", "Abc", "x;ALTER"] {
            assert_eq!(read(no), None, "{no}");
        }
    }
}

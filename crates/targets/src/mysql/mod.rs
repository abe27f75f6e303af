//! `MySQL` and `MariaDB`, and the vendor's products that speak like them.
//!
//! The administrator needs `CREATE USER`, `SELECT` on `mysql.*`, and with the grant option whatever
//! new accounts are to have. An account is a name: all its `'name'@'host'` share a password.
//!
//! A new account is made under another name ([`unfinished`]) and renamed once it has its rights: one
//! that bears its own name is whole, wherever the making was cut off. Each making has a name of its
//! own, so that of two that meet none gets what the other one has half made.

mod grants;
mod lacks;

use std::{
    pin::pin,
    task::{Context, Waker},
};

use async_trait::async_trait;
use mysql_async::{
    Conn, OptsBuilder, Row, SslOpts, Value,
    prelude::{FromRow, Queryable as _},
};
use yaoku_model::{
    target::{Engine, Target, TlsMode},
    text::SecretData,
};

use self::grants::{account, quoted};
use crate::{
    Admin, Fault, Lack, Login, Rights,
    link::{LONGEST_ANSWER, authorities, broken, patiently},
    text::{said, sha256, whole},
};

/// The longest packet that is taken, in bytes. Our choice.
const LONGEST_PACKET: usize = 1 << 20;

/// What makes quoting simple, and the same on every server. And `MariaDB` shall make no account that
/// something is granted to: it would have no password. `MySQL` knows no such thing, nor the word.
const SESSION: &str = "SET sql_mode = CONCAT('NO_BACKSLASH_ESCAPES' /*M! , ',NO_AUTO_CREATE_USER' */), \
     NAMES utf8mb4";

/// As many hosts as one account may have. Our choice.
const MOST_HOSTS: usize = 1000;

/// As many rows as are read of an answer. Our choice.
const MOST_ROWS: usize = 10_000;

/// What is answered, after a look at the password, to one whose account has no connection to spare: it
/// has its own number, or all have the same. Tried on `MariaDB`; a wrong password is answered by 1045.
const NO_CONNECTION_LEFT: [u16; 2] = [1226, 1203];

pub(crate) struct Server {
    /// There until it is dropped.
    conn: Option<Conn>,
}

impl Drop for Server {
    /// Hangs up at once. The library would read to the end what was asked, and a server need not end.
    fn drop(&mut self) {
        if let Some(conn) = self.conn.take() {
            // Its first step is to be over; the rest is courtesy.
            _ = pin!(conn.disconnect()).poll(&mut Context::from_waker(Waker::noop()));
        }
    }
}

pub(crate) async fn connect(target: &Target, admin: &Login) -> Result<Server, Fault> {
    let options = options(target, admin)?.setup(vec![SESSION]);
    let conn = Conn::new(options).await.map_err(|error| refused(&error, admin))?;
    Ok(Server { conn: Some(conn) })
}

pub(crate) async fn log_in(target: &Target, login: &Login) -> Result<(), Fault> {
    match Conn::new(options(target, login)?).await {
        Ok(conn) => {
            // That it is over is the server's business.
            _ = conn.disconnect().await;
            Ok(())
        }
        Err(mysql_async::Error::Server(it)) if NO_CONNECTION_LEFT.contains(&it.code) => Ok(()),
        Err(error) => Err(refused(&error, login)),
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
        whole(user)?;
        whole(password.expose_text())?;
        self.writable().await?;
        let hosts = self.hosts(user).await?;
        if hosts.is_empty() {
            return self.create(user, password, rights).await;
        }
        let by = quoted(password.expose_text());
        let each = |host: &String| format!("{} IDENTIFIED BY {by}", account(user, host));
        let each: Vec<_> = hosts.iter().map(each).collect();
        self.run(format!("ALTER USER {}", each.join(", ")), Some(password)).await
    }

    async fn has_account(&mut self, user: &str) -> Result<bool, Fault> {
        Ok(!self.hosts(user).await?.is_empty())
    }

    async fn is_one_account(&mut self, user: &str) -> Result<bool, Fault> {
        let user = quoted(user);
        let passwords = self
            .ask(format!(
                "SELECT CONVERT(COUNT(DISTINCT plugin, authentication_string) USING utf8mb4) \
                 FROM mysql.user WHERE Host <> '' AND plugin NOT LIKE '%sha2%' \
                 AND plugin <> 'sha256_password' \
                 AND CAST(User AS BINARY) = CAST({user} AS BINARY)"
            ))
            .await?;
        Ok(matches!(passwords.first().map(String::as_str), Some("0" | "1")))
    }

    async fn lacks(&mut self) -> Result<Vec<Lack>, Fault> {
        self.what_is_missing().await
    }
}

impl Server {
    /// An administrator may be exempt from `read_only`: a replica would take the change, and keep it
    /// for itself. Newer ones answer a word. Where `super_read_only` is on, this is too.
    async fn writable(&mut self) -> Result<(), Fault> {
        let query = "SELECT CONVERT(@@global.read_only USING utf8mb4)".to_owned();
        let read_only: Vec<String> = self.ask(query).await?;
        if read_only.iter().any(|it| ["0", "OFF"].contains(&it.as_str())) {
            return Ok(());
        }
        Err(Fault::ReadOnly("its read_only is on".to_owned()))
    }

    /// Where an account may come from; nothing if there is no such account. Roles of `MariaDB` have no
    /// host. Compared as bytes, for the server takes `a` and `a ` for the same.
    async fn hosts(&mut self, user: &str) -> Result<Vec<String>, Fault> {
        let user = quoted(user);
        self.ask(format!(
            "SELECT CONVERT(Host USING utf8mb4) FROM mysql.user WHERE Host <> '' \
             AND CAST(User AS BINARY) = CAST({user} AS BINARY) ORDER BY 1 LIMIT {MOST_HOSTS}"
        ))
        .await
    }

    async fn create(
        &mut self,
        user: &str,
        password: &SecretData,
        rights: &Rights,
    ) -> Result<(), Fault> {
        let (model, hosts) = match rights {
            Rights::Existing => return Err(Fault::NoAccount(user.to_owned())),
            Rights::Named { .. } => (user, vec!["%".to_owned()]),
            Rights::Like(model) => (model.as_str(), self.hosts(model).await?),
        };
        if hosts.is_empty() {
            return Err(Fault::NoAccount(model.to_owned()));
        }
        self.remove_unfinished(user).await?;
        let new = self.unfinished(user).await?;
        let made = match self.make((&new, user), &hosts, password, rights).await {
            Ok(again) => self.rename(&new, user, &hosts, again).await,
            Err(fault) => Err(fault),
        };
        // After these nothing more is heard from here; what is left lying is removed by the next making.
        if made.as_ref().is_err_and(|it| !matches!(it, Fault::TimedOut | Fault::Unreachable(_))) {
            _ = self.remove(&new).await;
        }
        made
    }

    /// Makes an account under its first name. Answers the grants that must be given again under its
    /// second.
    async fn make(
        &mut self,
        (new, user): (&str, &str),
        hosts: &[String],
        password: &SecretData,
        rights: &Rights,
    ) -> Result<Vec<String>, Fault> {
        let by = quoted(password.expose_text());
        let mut again = Vec::new();
        for host in hosts {
            let new = account(new, host);
            let terms = match rights {
                Rights::Like(model) => self.terms(model, host).await?,
                _ => String::new(),
            };
            let create = format!("CREATE USER {new} IDENTIFIED BY {by}{terms}");
            self.run(create, Some(password)).await?;
            for grant in self.grants(rights, host, &new).await? {
                if grant.ends_with(grants::ADMIN_OPTION) {
                    again.extend(grants::retargeted(&grant, &account(user, host)));
                }
                self.run(grant, None).await.map_err(|fault| match fault {
                    // Another making of it has begun meanwhile.
                    Fault::NoAccount(text) => Fault::Failed(text),
                    other => other,
                })?;
            }
        }
        Ok(again)
    }

    /// Gives an account its name, and grants that do not stand a change of name.
    async fn rename(
        &mut self,
        from: &str,
        to: &str,
        hosts: &[String],
        again: Vec<String>,
    ) -> Result<(), Fault> {
        // MariaDB would rename what is there of it.
        if self.hosts(from).await? != hosts {
            return Err(Fault::Failed("somebody has removed it meanwhile".to_owned()));
        }
        let each = |host: &String| format!("{} TO {}", account(from, host), account(to, host));
        let each: Vec<_> = hosts.iter().map(each).collect();
        self.run(format!("RENAME USER {}", each.join(", ")), None).await?;
        // MariaDB 10.11 keeps this option when it renames, but does not know of it until it restarts.
        for grant in again {
            self.run(grant, None).await?;
        }
        Ok(())
    }

    /// A name for an account that is still being made, which no other making of it has. The server makes
    /// it up: whoever else is at it may know all that is known here.
    async fn unfinished(&mut self, user: &str) -> Result<String, Fault> {
        let made_up: Vec<String> =
            self.ask("SELECT CONVERT(UUID() USING utf8mb4)".to_owned()).await?;
        Ok(format!("{}{:.6}", unfinished(user), sha256(made_up.concat().as_bytes())))
    }

    /// Removes what was left lying when an account was made before, or is being made elsewhere by a node
    /// that should no longer do so.
    async fn remove_unfinished(&mut self, user: &str) -> Result<(), Fault> {
        // Nothing in it is a pattern.
        let like = quoted(&format!("{}%", unfinished(user)));
        let left: Vec<String> = self
            .ask(format!(
                "SELECT DISTINCT CONVERT(User USING utf8mb4) FROM mysql.user WHERE Host <> '' \
                 AND User LIKE {like} LIMIT {MOST_HOSTS}"
            ))
            .await?;
        for user in left {
            self.remove(&user).await?;
        }
        Ok(())
    }

    /// Removes an account, if it is there.
    async fn remove(&mut self, user: &str) -> Result<(), Fault> {
        let hosts = self.hosts(user).await?;
        if hosts.is_empty() {
            return Ok(());
        }
        // In one statement, so that of one that is being renamed all goes or nothing.
        let each: Vec<_> = hosts.iter().map(|host| account(user, host)).collect();
        self.run(format!("DROP USER {}", each.join(", ")), None).await
    }

    /// What gives an account its rights.
    async fn grants(
        &mut self,
        rights: &Rights,
        host: &str,
        new: &str,
    ) -> Result<Vec<String>, Fault> {
        let model = match rights {
            Rights::Existing => return Ok(Vec::new()),
            Rights::Named { privilege, database } => {
                if database.as_deref().is_some_and(|it| Engine::MySql.is_system_database(it)) {
                    return Err(Fault::NotPermitted(
                        "that database is the server's own".to_owned(),
                    ));
                }
                let grant = grants::named(privilege, database.as_deref(), new);
                return grant.ok_or(Fault::Unsupported);
            }
            Rights::Like(model) => account(model, host),
        };
        let lines: Vec<String> = self.ask(format!("SHOW GRANTS FOR {model}")).await?;
        let unknown = |line: &String| Fault::Failed(said(&format!("unknown grant: {line}"), None));
        let each = |line: &String| grants::retargeted(line, new).ok_or_else(|| unknown(line));
        // This one gives nothing, but an administrator needs more than `CREATE USER` to say it.
        let gives = |it: &&String| {
            !it.starts_with("GRANT USAGE ON *.* ") || it.ends_with("WITH GRANT OPTION")
        };
        let mut grants = lines.iter().filter(gives).map(each).collect::<Result<Vec<_>, _>>()?;
        // MariaDB lists the role that is on after a login; MySQL, which is not at version 10 yet,
        // keeps it elsewhere. There all are switched on: our choice.
        if self.conn()?.server_version().0 < 10 && lines.iter().any(|it| grants::is_role(it)) {
            grants.push(format!("SET DEFAULT ROLE ALL TO {new}"));
        }
        Ok(grants)
    }

    /// On what terms an account may log in: TLS, and limits.
    async fn terms(&mut self, user: &str, host: &str) -> Result<String, Fault> {
        type Row = (String, String, String, String, u64, u64, u64, u64);
        let text = |column| format!("CONVERT({column} USING utf8mb4)");
        let rows: Vec<Row> = self
            .ask(format!(
                "SELECT {}, {}, {}, {}, max_questions, max_updates, max_connections, \
                 GREATEST(max_user_connections, 0) FROM mysql.user \
                 WHERE CAST(User AS BINARY) = CAST({} AS BINARY) AND Host = {}",
                text("ssl_type"),
                text("ssl_cipher"),
                text("x509_issuer"),
                text("x509_subject"),
                quoted(user),
                quoted(host)
            ))
            .await?;
        let Some((kind, cipher, issuer, subject, questions, updates, connections, at_once)) =
            rows.into_iter().next()
        else {
            return Err(Fault::NoAccount(user.to_owned()));
        };
        let specified = [("CIPHER", cipher), ("ISSUER", issuer), ("SUBJECT", subject)];
        let specified = specified.iter().filter(|(_, value)| !value.is_empty());
        let specified: Vec<_> =
            specified.map(|(word, value)| format!("{word} {}", quoted(value))).collect();
        let tls = match kind.as_str() {
            "" => String::new(),
            "ANY" => " REQUIRE SSL".to_owned(),
            "X509" => " REQUIRE X509".to_owned(),
            _ => format!(" REQUIRE {}", specified.join(" AND ")),
        };
        Ok(format!(
            "{tls} WITH MAX_QUERIES_PER_HOUR {questions} MAX_UPDATES_PER_HOUR {updates} \
             MAX_CONNECTIONS_PER_HOUR {connections} MAX_USER_CONNECTIONS {at_once}"
        ))
    }

    fn conn(&mut self) -> Result<&mut Conn, Fault> {
        self.conn.as_mut().ok_or_else(|| Fault::Unreachable("it was hung up".to_owned()))
    }

    /// What is answered, if it is not too much. Each packet has its own bound.
    async fn ask<T: FromRow + Send>(&mut self, query: String) -> Result<Vec<T>, Fault> {
        let conn = self.conn()?;
        let failed = |error: mysql_async::Error| refusal(&error, None);
        patiently(async {
            let mut answer = conn.query_iter(query).await.map_err(failed)?;
            let (mut rows, mut size) = (Vec::new(), 0);
            while let Some(row) = answer.next().await.map_err(failed)? {
                size += size_of_row(&row);
                if rows.len() == MOST_ROWS || size > LONGEST_ANSWER {
                    return Err(Fault::Failed("its answer is too long".to_owned()));
                }
                let read = T::from_row_opt(row);
                rows.push(read.map_err(|_| Fault::Failed("its answer is no such row".to_owned()))?);
            }
            Ok(rows)
        })
        .await
    }

    async fn run(&mut self, statement: String, secret: Option<&SecretData>) -> Result<(), Fault> {
        let conn = self.conn()?;
        patiently(async { conn.query_drop(statement).await.map_err(|it| refusal(&it, secret)) })
            .await
    }
}

fn size_of_row(row: &Row) -> usize {
    let long = |at| match row.as_ref(at) {
        Some(Value::Bytes(bytes)) => bytes.len(),
        _ => 0,
    };
    (0..row.len()).map(long).sum()
}

/// How the name of an account begins that is still being made: 26 characters, others for each name, to
/// which six are added. Source: 32 is `MySQL`'s limit; the name is ours, and nobody else may use its like.
pub(crate) fn unfinished(user: &str) -> String {
    format!("yaoku~{:.20}", sha256(user.as_bytes()))
}

fn options(target: &Target, login: &Login) -> Result<OptsBuilder, Fault> {
    let password = login.password()?.expose_text();
    whole(&login.user)?;
    whole(password)?;
    let tls = match target.tls {
        TlsMode::Off => None,
        TlsMode::Verify => {
            let roots = authorities(target)?.into_iter().map(|it| it.to_vec().into()).collect();
            Some(SslOpts::default().with_root_certs(roots).with_disable_built_in_roots(true))
        }
    };
    Ok(OptsBuilder::default()
        .ip_or_hostname(target.host.as_str())
        .tcp_port(target.port)
        .user(Some(login.user.as_str()))
        .pass(Some(password))
        .ssl_opts(tls)
        .prefer_socket(false)
        .max_allowed_packet(Some(LONGEST_PACKET))
        .wait_timeout(Some(60))
        .stmt_cache_size(0))
}

/// Why a login was refused.
fn refused(error: &mysql_async::Error, login: &Login) -> Fault {
    match error {
        // Denied; denied without a password; locked (two of them); must change the password.
        mysql_async::Error::Server(it) if [1045, 1698, 3118, 4151, 1862].contains(&it.code) => {
            Fault::WrongCredential(login.user.clone())
        }
        _ => refusal(error, login.password().ok()),
    }
}

/// Source: the numbers are those of `MySQL`'s and `MariaDB`'s error references.
fn refusal(error: &mysql_async::Error, secret: Option<&SecretData>) -> Fault {
    use mysql_async::{DriverError, Error, IoError};
    let server = match error {
        Error::Server(it) => it,
        Error::Driver(DriverError::NoClientSslFlagFromServer) => {
            return Fault::NotTrusted("it speaks no TLS".to_owned());
        }
        Error::Io(IoError::Tls(tls)) => return Fault::NotTrusted(said(&tls.to_string(), None)),
        Error::Io(_) | Error::Driver(DriverError::ConnectionClosed) => return broken(error),
        other => return Fault::Failed(said(&other.to_string(), secret)),
    };
    let text = said(&format!("{} ({})", server.message, server.code), secret);
    match server.code {
        // What is denied after the login is not the login.
        1044 | 1045 | 1130 | 1142 | 1143 | 1227 | 1370 | 1410 | 1873 => Fault::NotPermitted(text),
        1133 | 1141 => Fault::NoAccount(text),
        // Full disks, and tables that can grow no more.
        1021 | 1114 | 1792 | 1836 => Fault::ReadOnly(text),
        1290 if server.message.contains("read-only") => Fault::ReadOnly(text),
        1030 if server.message.contains("28") => Fault::ReadOnly(text),
        1053 | 1129 => Fault::Unreachable(text),
        _ => Fault::Failed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::{connect, unfinished};
    use crate::{Fault, testing::TestServer};

    #[tokio::test]
    async fn each_making_of_each_name_has_another_one_until_it_is_whole() {
        let server = TestServer::mariadb();
        let mut admin = connect(&server.target(), &server.admin()).await.unwrap();
        let (one, other) = ("a".repeat(31) + "b", "a".repeat(31) + "c");
        assert_ne!(unfinished(&one), unfinished(&other));
        let names = [admin.unfinished(&one).await.unwrap(), admin.unfinished(&one).await.unwrap()];
        assert_ne!(names[0], names[1]);
        assert!(names.iter().all(|it| it.len() == 32 && it.starts_with(&unfinished(&one))));
    }

    #[tokio::test]
    async fn nothing_is_granted_to_who_is_not_there() {
        let server = TestServer::mariadb();
        let mut admin = connect(&server.target(), &server.admin()).await.unwrap();
        let done = admin.run("GRANT SELECT ON x.* TO 'absent'@'%'".to_owned(), None).await;
        assert!(matches!(done, Err(Fault::NoAccount(_))), "{done:?}");
    }

    #[tokio::test]
    async fn an_answer_that_is_too_long_is_not_kept() {
        let server = TestServer::mariadb();
        for (query, good) in [
            ("SELECT CONVERT(seq USING utf8mb4) FROM mysql.seq_1_to_10000", true),
            ("SELECT CONVERT(seq USING utf8mb4) FROM mysql.seq_1_to_10001", false),
            ("SELECT REPEAT('x', 500000) FROM mysql.seq_1_to_8", true),
            ("SELECT REPEAT('x', 500000) FROM mysql.seq_1_to_9", false),
        ] {
            let mut admin = connect(&server.target(), &server.admin()).await.unwrap();
            let answer: Result<Vec<String>, Fault> = admin.ask(query.to_owned()).await;
            match answer {
                Ok(_) => assert!(good, "{query}"),
                Err(Fault::Failed(why)) => assert!(!good && why.contains("too long"), "{query}"),
                Err(fault) => panic!("{query}: {fault}"),
            }
        }
    }
}

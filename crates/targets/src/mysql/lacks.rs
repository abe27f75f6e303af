//! What rotations would lack on `MySQL` and `MariaDB`, read from what the server says of itself and of
//! the administrator.

use super::{
    Server,
    grants::{account, has_everywhere, passes_on},
};
use crate::{Fault, Lack};

impl Server {
    /// See [`Admin::lacks`](crate::Admin::lacks).
    pub(super) async fn what_is_missing(&mut self) -> Result<Vec<Lack>, Fault> {
        let mut lacks = Vec::new();
        match self.writable().await {
            Err(Fault::ReadOnly(why)) => lacks.push(Lack::of_all(
                "ReadOnly",
                format!("the server takes no changes: {why}"),
                "if it is a replica, register the server that it follows; if not, SET GLOBAL \
                 read_only = OFF",
            )),
            done => done?,
        }
        let me = self.administrator().await?;
        let grants = self.own_grants().await?;
        if !grants.iter().any(|it| has_everywhere(it, "CREATE USER")) {
            lacks.push(Lack::of_all(
                "NotPermitted",
                "the administrator may not change accounts: it lacks CREATE USER",
                format!("GRANT CREATE USER ON *.* TO {me}"),
            ));
        }
        match self.hosts("").await {
            Err(Fault::NotPermitted(_)) => lacks.push(Lack::of_all(
                "NotPermitted",
                "the administrator may not see which accounts there are: it lacks SELECT on mysql.*",
                format!("GRANT SELECT ON mysql.* TO {me}"),
            )),
            done => drop(done?),
        }
        if !grants.iter().any(|it| passes_on(it)) {
            lacks.push(Lack::of_some(
                "NotPermitted",
                "the administrator may give no rights to new accounts: none of its grants has the \
                 grant option, so secrets with two accounts (DoubleUsers, PolarDB) cannot have the \
                 second one made; SingleUser can be rotated",
                format!(
                    "GRANT … ON … TO {me} WITH GRANT OPTION, for what new accounts are to have"
                ),
            ));
        }
        Ok(lacks)
    }

    /// The administrator's account, as the server knows it and SQL names it.
    async fn administrator(&mut self) -> Result<String, Fault> {
        let query = "SELECT CONVERT(CURRENT_USER() USING utf8mb4)".to_owned();
        let found: Vec<String> = self.ask(query).await?;
        let name = found.first().map_or("", String::as_str);
        let (user, host) = name.rsplit_once('@').unwrap_or((name, "%"));
        Ok(account(user, host))
    }

    /// The lines of `SHOW GRANTS`, with those of the roles that are on after a login. `MariaDB` shows
    /// these unasked, `MySQL` from version 8 on when it is told their names.
    async fn own_grants(&mut self) -> Result<Vec<String>, Fault> {
        let mut show = "SHOW GRANTS".to_owned();
        if (8..10).contains(&self.conn()?.server_version().0) {
            let query = "SELECT CONVERT(CURRENT_ROLE() USING utf8mb4)".to_owned();
            let roles: Vec<String> = self.ask(query).await?;
            if let Some(roles) = roles.first().filter(|it| *it != "NONE") {
                show = format!("SHOW GRANTS FOR CURRENT_USER() USING {roles}");
            }
        }
        self.ask(show).await
    }
}

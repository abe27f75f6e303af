//! Rights of `MySQL` and `MariaDB`: what the vendor's words mean, and those of one account for another.

/// How the grant of a role ends that may be granted on.
pub(super) const ADMIN_OPTION: &str = " WITH ADMIN OPTION";

/// A text as a string in SQL. The session must be in the mode `NO_BACKSLASH_ESCAPES`, in which a
/// quote is the one character that means anything; a statement with a password takes no parameters.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A name as an identifier in SQL.
pub(super) fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// An account as SQL names it.
pub(super) fn account(user: &str, host: &str) -> String {
    format!("{}@{}", quoted(user), quoted(host))
}

/// The statements that give an account what the vendor's word for a privilege means in a database;
/// `None` for a word that is not known, and for all databases: the server's own would be among them.
///
/// Source: secrets.md §6.4 (the words); what each holds is our choice, after what the vendor's
/// documentation of RDS lists for accounts of its own.
pub(super) fn named(privilege: &str, database: Option<&str>, account: &str) -> Option<Vec<String>> {
    let held = match privilege {
        "ReadWrite" => {
            "ALTER, ALTER ROUTINE, CREATE, CREATE ROUTINE, CREATE TEMPORARY TABLES, CREATE VIEW, DELETE, \
             DROP, EVENT, EXECUTE, INDEX, INSERT, LOCK TABLES, REFERENCES, SELECT, SHOW VIEW, TRIGGER, \
             UPDATE"
        }
        "ReadOnly" => "LOCK TABLES, SELECT, SHOW VIEW",
        "ReadIndex" => "INDEX, LOCK TABLES, SELECT, SHOW VIEW",
        "DMLOnly" => {
            "CREATE TEMPORARY TABLES, DELETE, EVENT, EXECUTE, INSERT, LOCK TABLES, SELECT, SHOW VIEW, \
             TRIGGER, UPDATE"
        }
        "DDLOnly" => {
            "ALTER, ALTER ROUTINE, CREATE, CREATE ROUTINE, CREATE TEMPORARY TABLES, CREATE VIEW, DROP, \
             INDEX, LOCK TABLES, SHOW VIEW"
        }
        "" | "Normal" => return Some(Vec::new()),
        _ => return None,
    };
    // Where a database is granted, its name is a pattern.
    let pattern = |it: &str| it.replace('\\', r"\\").replace('_', r"\_").replace('%', r"\%");
    let place = identifier(&pattern(database?));
    Some(vec![format!("GRANT {held} ON {place}.* TO {account}")])
}

/// A line of `SHOW GRANTS`, for another account. What it says of passwords, TLS and limits is left
/// out: it comes with the account.
pub(super) fn retargeted(line: &str, account: &str) -> Option<String> {
    let word = if line.starts_with("GRANT ") {
        " TO "
    } else if line.starts_with("SET DEFAULT ROLE ") {
        " FOR "
    } else if line.starts_with("REVOKE ") {
        " FROM "
    } else {
        return None;
    };
    let at = outside_quotes(line, word)?;
    let (what, rest) = line.split_at(at);
    let options = [" WITH GRANT OPTION", ADMIN_OPTION];
    let option = options.into_iter().find(|it| outside_quotes(rest, it).is_some());
    Some(format!("{what}{word}{account}{}", option.unwrap_or_default()))
}

/// Whether a line of `SHOW GRANTS` gives a role.
pub(super) fn is_role(line: &str) -> bool {
    line.starts_with("GRANT ") && outside_quotes(line, " ON ").is_none()
}

/// Whether a line of `SHOW GRANTS` gives a right on everything.
pub(super) fn has_everywhere(line: &str, right: &str) -> bool {
    let rights = line.strip_prefix("GRANT ");
    let rights = rights.and_then(|it| it.get(..outside_quotes(it, " ON *.* TO ")?));
    rights.is_some_and(|it| it.split(", ").any(|it| it == right || it == "ALL PRIVILEGES"))
}

/// Whether a line of `SHOW GRANTS` gives rights that may be granted on.
pub(super) fn passes_on(line: &str) -> bool {
    line.starts_with("GRANT ")
        && !line.starts_with("GRANT PROXY ")
        && outside_quotes(line, " WITH GRANT OPTION").is_some()
}

/// Where a text first holds another, outside all quotes. A doubled quote closes and opens again.
fn outside_quotes(text: &str, wanted: &str) -> Option<usize> {
    let mut open = None;
    for (at, c) in text.char_indices() {
        match open {
            Some(quote) if c == quote => open = None,
            None if "`'\"".contains(c) => open = Some(c),
            None if text[at..].starts_with(wanted) => return Some(at),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_end_no_string_and_no_name() {
        assert_eq!(quoted(r#"it's \ "so" `"#), r#"'it''s \ "so" `'"#);
        assert_eq!(quoted("' OR '1'='1"), "''' OR ''1''=''1'");
        assert_eq!(identifier("a`b"), "`a``b`");
        assert_eq!(account("o'neil", "%"), "'o''neil'@'%'");
    }

    #[test]
    fn a_database_that_is_granted_is_no_pattern() {
        let grant = &named("ReadOnly", Some(r"my_d%b`\"), "'a'@'%'").unwrap()[0];
        assert!(grant.ends_with(r"ON `my\_d\%b``\\`.* TO 'a'@'%'"), "{grant}");
        assert_eq!(named("ReadOnly", None, "x"), None);
        assert_eq!(named("Super", None, "x"), None);
        for nothing in ["", "Normal"] {
            assert_eq!(named(nothing, None, "x"), Some(Vec::new()));
        }
    }

    #[test]
    fn grants_are_read_outside_quotes_only() {
        let to = |line| retargeted(line, "'b'@'%'");
        assert_eq!(
            to("GRANT SELECT, INSERT ON `x`` TO ``y`.* TO `a`@`10.%` WITH GRANT OPTION").unwrap(),
            "GRANT SELECT, INSERT ON `x`` TO ``y`.* TO 'b'@'%' WITH GRANT OPTION"
        );
        assert_eq!(
            to("GRANT USAGE ON *.* TO `a`@`%` IDENTIFIED BY PASSWORD '*6C' REQUIRE SSL").unwrap(),
            "GRANT USAGE ON *.* TO 'b'@'%'"
        );
        assert_eq!(to("GRANT `r` TO 'a'@'%'").unwrap(), "GRANT `r` TO 'b'@'%'");
        assert_eq!(
            to("SET DEFAULT ROLE `r` FOR `a`@`%`").unwrap(),
            "SET DEFAULT ROLE `r` FOR 'b'@'%'"
        );
        assert_eq!(to("DROP TABLE x"), None);
        assert!(has_everywhere("GRANT SELECT, CREATE USER ON *.* TO `a`@`%`", "CREATE USER"));
        assert!(has_everywhere("GRANT ALL PRIVILEGES ON *.* TO `a`@`%`", "CREATE USER"));
        assert!(!has_everywhere("GRANT CREATE USER ON `x ON *.* TO `.* TO `a`@`%`", "CREATE USER"));
        assert!(!has_everywhere("GRANT CREATE ON *.* TO `a`@`%`", "CREATE USER"));
        assert!(passes_on("GRANT SELECT ON `x`.* TO `a`@`%` WITH GRANT OPTION"));
        assert!(!passes_on("GRANT PROXY ON ''@'%' TO `a`@`%` WITH GRANT OPTION"));
        assert!(!passes_on("GRANT SELECT ON ` WITH GRANT OPTION`.* TO `a`@`%`"));
        assert!(is_role("GRANT `r ON ` TO `a`@`%`"));
        assert!(!is_role("GRANT SELECT ON *.* TO `a`@`%`"));
    }
}

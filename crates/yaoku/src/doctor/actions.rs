//! Which operations there are: those of the vendor, whether or not this server has them.

use std::{collections::HashSet, sync::LazyLock};

use yaoku_server::api::Product;
use yaoku_wire::error::Code;

/// The operations of KMS, RAM and STS, one a line.
const LIST: &str = include_str!("../../../../vectors/api/actions.txt");

/// The versions of other products that the vendor's published vectors are signed for.
const PUBLISHED: [&str; 3] = ["2014-05-26", "2014-05-15", "2014-05-28"];

/// Fails unless the vendor has such an operation. Of products other than ours, any name that
/// could be an operation's will do.
pub(super) fn must_be_known(version: &str, action: &str) -> Result<(), Code> {
    static ACTIONS: LazyLock<HashSet<&str>> = LazyLock::new(|| LIST.lines().collect());
    let ours = match Product::of_version(version) {
        Some(Product::Kms | Product::Ram | Product::Sts) => true,
        _ if PUBLISHED.contains(&version) => false,
        _ => return Err(Code::InvalidVersion),
    };
    let capital = action.starts_with(|it: char| it.is_ascii_uppercase());
    let letters = action.len() > 1 && action.bytes().all(|it| it.is_ascii_alphabetic());
    if capital && letters && (!ours || ACTIONS.contains(action)) {
        Ok(())
    } else {
        Err(Code::ActionNotFound)
    }
}

#[cfg(test)]
mod tests {
    use yaoku_server::api::{Product, operations};
    use yaoku_wire::error::Code;

    use super::must_be_known;

    #[test]
    fn what_nobody_has_is_refused() {
        for (version, action, code) in [
            ("2016-01-21", "Encrypt", Code::InvalidVersion),
            ("", "Encrypt", Code::InvalidVersion),
            (Product::Yaoku.version(), "CreateAccount", Code::InvalidVersion),
            ("2016-01-20", "NoSuchAction", Code::ActionNotFound),
            ("2016-01-20", "encrypt", Code::ActionNotFound),
            ("2014-05-26", "runInstances", Code::ActionNotFound),
            ("2014-05-26", "Run Instances", Code::ActionNotFound),
            ("2014-05-26", "R", Code::ActionNotFound),
        ] {
            assert_eq!(must_be_known(version, action), Err(code), "{version} {action}");
        }
        assert_eq!(must_be_known("2014-05-26", "RunInstances"), Ok(()));
    }

    #[test]
    fn what_we_serve_is_known() {
        for spec in operations().map(|it| it.spec).filter(|it| it.product != Product::Yaoku) {
            assert_eq!(must_be_known(spec.product.version(), spec.name), Ok(()), "{}", spec.name);
        }
    }
}

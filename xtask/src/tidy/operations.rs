//! An operation is found without searching: its file has its name.

use anyhow::{Context, Result};

use super::Source;
use crate::docs::{List, OPERATIONS, Operation};

const API: &str = "crates/server/src/api/";

/// Operations that are not where their name says, or do not say where they come from.
///
/// The list is the kept one: that it is the server's is what `docs --check` sees.
pub(super) fn faults(files: &[Source]) -> Result<Vec<String>> {
    let kept = files.iter().find(|it| it.path == OPERATIONS).context(OPERATIONS)?;
    let list = List::read(&kept.text)?;
    Ok(list.operations.iter().flat_map(|it| faults_of(it, files)).collect())
}

fn faults_of(operation: &Operation, files: &[Source]) -> Vec<String> {
    let name = &operation.name;
    let file = format!("/{}.rs", snake(name));
    let mut faults = Vec::new();
    if !files.iter().any(|it| it.path.starts_with(API) && it.path.ends_with(&file)) {
        faults.push(format!("{API}*{file}: {name} should be there"));
    }
    if operation.source.is_empty() {
        faults.push(format!("{name}: its Spec has no source"));
    }
    faults
}

/// `ListKmsInstances` is `list_kms_instances`, `BindMFADevice` is `bind_mfa_device`.
fn snake(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let after = letters.get(at + 1).is_some_and(char::is_ascii_lowercase);
        let before = at > 0 && letters[at - 1].is_ascii_lowercase();
        if at > 0 && letter.is_ascii_uppercase() && (before || after) {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_names_of_files() {
        for (name, file) in [
            ("Encrypt", "encrypt"),
            ("ListKmsInstances", "list_kms_instances"),
            ("GetUserMFAInfo", "get_user_mfa_info"),
            ("AssumeRoleWithOIDC", "assume_role_with_oidc"),
        ] {
            assert_eq!(snake(name), file);
        }
    }

    #[test]
    fn an_operation_elsewhere_is_a_fault() {
        let mut encrypt = Operation::default();
        encrypt.name = "Encrypt".to_owned();
        encrypt.source = "a page".to_owned();
        let at = |path: &str| [Source { path: path.to_owned(), text: String::new() }];
        assert_eq!(faults_of(&encrypt, &at("crates/server/src/api/keys/encrypt.rs")), [""; 0]);
        assert_eq!(faults_of(&encrypt, &at("crates/server/src/api/keys/seal.rs")).len(), 1);
        assert_eq!(faults_of(&encrypt, &at("crates/server/src/encrypt.rs")).len(), 1);
    }
}

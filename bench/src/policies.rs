//! Policies for the user who calls.

use serde_json::{Value, json};

use crate::calls::{Signer, Who};

/// The first policy that [`leave`] makes.
pub(crate) const FIRST: &str = "bench-0";

/// Custom policies that the user of `yaoku dev` gets besides its own: with that, as many as RAM lets
/// it have.
const CUSTOM: usize = 9;

/// System policies that the user gets besides its two.
const SYSTEM: [&str; 8] = [
    "AliyunKMSCryptoAdminAccess",
    "AliyunKMSFullAccess",
    "AliyunKMSReadOnlyAccess",
    "AliyunKMSSecretAdminAccess",
    "AliyunRAMFullAccess",
    "AliyunRAMReadOnlyAccess",
    "AliyunSTSAssumeRoleAccess",
    "ReadOnlyAccess",
];

/// What the user of `yaoku dev` has.
const GIVEN: [(&str, &str); 3] = [
    ("AliyunKMSCryptoUserAccess", "System"),
    ("AliyunKMSSecretUserAccess", "System"),
    ("DecryptSecrets", "Custom"),
];

/// Attaches policies until there are twenty: as many as RAM allows of custom ones, each with ten
/// statements that are looked at, and system policies.
pub(crate) fn make_twenty(signer: Signer<'_>) -> anyhow::Result<()> {
    for number in 0..CUSTOM {
        attach(signer, number, &document(number, 10, None))?;
    }
    let user = signer.user();
    for name in SYSTEM {
        let attached = [("PolicyName", name), ("PolicyType", "System"), ("UserName", user)];
        signer.call(Who::Administrator, "AttachPolicyToUser", &attached)?;
    }
    Ok(())
}

/// Leaves the user `count` policies of so many statements each, one of which allows everything.
pub(crate) fn leave(signer: Signer<'_>, count: usize, statements: usize) -> anyhow::Result<()> {
    for (name, kind) in GIVEN {
        let detached = [("PolicyName", name), ("PolicyType", kind), ("UserName", signer.user())];
        signer.call(Who::Administrator, "DetachPolicyFromUser", &detached)?;
    }
    for number in 0..count {
        let first =
            (number == 0).then(|| json!({ "Effect": "Allow", "Action": "kms:*", "Resource": "*" }));
        attach(signer, number, &document(number, statements, first))?;
    }
    Ok(())
}

fn attach(signer: Signer<'_>, number: usize, document: &str) -> anyhow::Result<()> {
    let name = format!("bench-{number}");
    let made = [("PolicyName", name.as_str()), ("PolicyDocument", document)];
    signer.call(Who::Administrator, "CreatePolicy", &made)?;
    let attached = [("PolicyName", &*name), ("PolicyType", "Custom"), ("UserName", signer.user())];
    signer.call(Who::Administrator, "AttachPolicyToUser", &attached)?;
    Ok(())
}

/// Statements that deny the use of other keys: none can be left out when Encrypt is judged. `first`
/// takes the place of one. A policy has room for some 58 of them.
fn document(number: usize, statements: usize, first: Option<Value>) -> String {
    let deny = |key: usize| {
        let resource = format!("acs:kms:*:*:key/key-bench-{number}-{key}");
        json!({ "Effect": "Deny", "Action": ["kms:Encrypt", "kms:Decrypt"], "Resource": resource })
    };
    let statements: Vec<Value> =
        first.into_iter().chain((0..).map(deny)).take(statements).collect();
    json!({ "Version": "1", "Statement": statements }).to_string()
}

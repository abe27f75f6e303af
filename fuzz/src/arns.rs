//! ARNs, ids and names: what is taken is written as it came, and taken again.

use std::{fmt, str::FromStr};

use yaoku_model::{
    arn::{KeyRef, SecretRef},
    ids::{
        AccessKeyId, AccountId, AliasName, CertificateId, InstanceId, KeyId, KeyVersionId,
        PolicyName, Region, SecretName, Stage, UserName, VersionId,
    },
    tag::{TagKey, TagValue},
};

pub(crate) fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    if let Ok(key) = text.parse::<KeyRef>() {
        assert_eq!(text.parse(), Ok(key), "a key is named one way");
    }
    comes_back::<SecretRef>(text);
    comes_back::<AccessKeyId>(text);
    comes_back::<AccountId>(text);
    comes_back::<AliasName>(text);
    comes_back::<CertificateId>(text);
    comes_back::<InstanceId>(text);
    comes_back::<KeyId>(text);
    comes_back::<KeyVersionId>(text);
    comes_back::<PolicyName>(text);
    comes_back::<Region>(text);
    comes_back::<SecretName>(text);
    comes_back::<Stage>(text);
    comes_back::<UserName>(text);
    comes_back::<VersionId>(text);
    _ = text.parse::<TagKey>();
    _ = text.parse::<TagValue>();
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let seeds = [
        "acs:kms:cn-hangzhou:1540355698848459:key/key-hzz62f1cb66fa42qo7ftz",
        "acs:kms:cn-hangzhou:1540355698848459:alias/dev",
        "acs:kms:cn-hangzhou:1540355698848459:secret/db/orders",
        "alias/dev",
        "key-hzz62f1cb66fa42qo7ftz",
        "86a9efd9-3d16-4894-bd4f-1fc43f3f2abf",
        "kst-hzz62f1cb66fa42qo7ftz",
        "LTAI5tFAKEfakeFAKEfake01",
        "db/orders@1+a=b",
        "acs:sm4",
    ];
    seeds.iter().map(|it| it.as_bytes().to_vec()).collect()
}

fn comes_back<T: FromStr + fmt::Display>(text: &str) {
    if let Ok(it) = text.parse::<T>() {
        assert_eq!(it.to_string(), text, "written otherwise");
    }
}

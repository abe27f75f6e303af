//! The policies that every account has: names, purposes, documents.
//!
//! Source: identity.md §4.8. Where the vendor's text was not read, the document is our choice and
//! says so. Actions of other services (`rds:`, `ecs:`) are kept for fidelity and grant nothing.

use crate::time::Timestamp;

/// A policy of the system.
#[derive(Clone, Copy, Debug)]
pub struct SystemPolicy {
    /// Its name.
    pub name: &'static str,
    /// The version whose text it has: the vendor's number, and 1 where we do not know it.
    pub version: i64,
    /// What it is for, in one sentence.
    pub description: &'static str,
    /// Its text.
    pub document: &'static str,
}

/// When they were made, as far as anybody is told: 2026-01-01. Our choice.
pub const SINCE: Timestamp = Timestamp::from_unix_seconds(1_767_225_600);

/// The policy of this name.
#[must_use]
pub fn named(name: &str) -> Option<&'static SystemPolicy> {
    ALL.iter().find(|it| it.name == name)
}

/// All of them, in order of their names.
pub const ALL: &[SystemPolicy] = &[
    SystemPolicy {
        name: "AdministratorAccess",
        version: 1,
        description: "Everything.",
        document: r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#,
    },
    // The resources of the last statement are our choice: those of AliyunKMSSecretAdminAccess.
    SystemPolicy {
        name: "AliyunKMSCryptoAdminAccess",
        version: 2,
        description: "Managing and using all keys and aliases, and so the instances they live in.",
        document: r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":["acs:kms:*:*:key*","acs:kms:*:*:alias*"]},{"Effect":"Allow","Action":["ecs:TagResources","ecs:UntagResources","ecs:ListTagResources"],"Resource":["acs:kms:*:*:key/*","acs:kms:*:*:secret/*"]}]}"#,
    },
    SystemPolicy {
        name: "AliyunKMSCryptoUserAccess",
        version: 2,
        description: "Using all keys: encrypting, decrypting, signing, verifying.",
        document: r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":["kms:Encrypt","kms:Decrypt","kms:GenerateDataKey","kms:GenerateDataKeyWithoutPlaintext","kms:AsymmetricEncrypt","kms:AsymmetricDecrypt","kms:AsymmetricSign","kms:AsymmetricVerify","kms:GetPublicKey","kms:GenerateMac","kms:VerifyMac"],"Resource":"*"}]}"#,
    },
    SystemPolicy {
        name: "AliyunKMSFullAccess",
        version: 3,
        description: "Managing and using all keys, secrets and instances.",
        document: r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*"},{"Effect":"Allow","Action":"ram:CreateServiceLinkedRole","Resource":"*","Condition":{"StringEquals":{"ram:ServiceName":["secretsmanager-rds.kms.aliyuncs.com","keystore.kms.aliyuncs.com"]}}}]}"#,
    },
    // Its actions are the vendor's (secrets.md §6), its resource is our choice.
    SystemPolicy {
        name: "AliyunKMSManageRAMCredentialsRolePolicy",
        version: 1,
        description: "For the role by which the access keys of users are rotated.",
        document: r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":["ram:ListAccessKeys","ram:CreateAccessKey","ram:DeleteAccessKey","ram:UpdateAccessKey"],"Resource":"*"}]}"#,
    },
    SystemPolicy {
        name: "AliyunKMSReadOnlyAccess",
        version: 3,
        description: "Reading about keys, secrets and instances, but not the values of secrets.",
        document: r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":["kms:List*","kms:Describe*","kms:GetPublicKey","kms:GetUploadBackupDataInfo","kms:GetKmsInstanceSharedAccounts","kms:GetKmsInstanceQuotaInfos","kms:GetCheckAssociateResourceTaskResults","kms:GetKeyPolicy","kms:GetKeyDefaultPolicy","kms:GetSecretPolicy","kms:GetSecretDefaultPolicy","kms:GetKmsInstance","kms:GetDefaultKmsInstance"],"Resource":"*"}]}"#,
    },
    SystemPolicy {
        name: "AliyunKMSSecretAdminAccess",
        version: 5,
        description: "Managing and using all secrets.",
        document: r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"acs:kms:*:*:secret*"},{"Effect":"Allow","Action":"kms:GetRandomPassword","Resource":"*"},{"Effect":"Allow","Action":["rds:DescribeDBInstances","rds:DescribeDBInstanceAttribute","rds:DescribeDatabases","rds:DescribeAccounts","rds:DescribeDBInstanceNetInfo","rds:CreateAccount","rds:GrantAccountPrivilege"],"Resource":"*"},{"Effect":"Allow","Action":"ecs:DescribeInstances","Resource":"acs:ecs:*:*:instance/*"},{"Effect":"Allow","Action":["ecs:TagResources","ecs:UntagResources","ecs:ListTagResources"],"Resource":["acs:kms:*:*:key/*","acs:kms:*:*:secret/*"]},{"Effect":"Allow","Action":"ram:CreateServiceLinkedRole","Resource":"*","Condition":{"StringEquals":{"ram:ServiceName":["secretsmanager-rds.kms.aliyuncs.com","secretsmanager-ecs.kms.aliyuncs.com"]}}}]}"#,
    },
    SystemPolicy {
        name: "AliyunKMSSecretUserAccess",
        version: 1,
        description: "Reading secrets and their values.",
        document: r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":["kms:GetSecretValue","kms:DescribeSecret","kms:ListSecretVersionIds"],"Resource":"*"}]}"#,
    },
    // Its text was not read: the obvious one, our choice.
    SystemPolicy {
        name: "AliyunRAMFullAccess",
        version: 1,
        description: "Managing users, groups, roles and policies.",
        document: r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"ram:*","Resource":"*"}]}"#,
    },
    // Its text was not read: the obvious one, our choice.
    SystemPolicy {
        name: "AliyunRAMReadOnlyAccess",
        version: 1,
        description: "Reading about users, groups, roles and policies.",
        document: r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":["ram:Get*","ram:List*"],"Resource":"*"}]}"#,
    },
    // Its text was not read: the obvious one, our choice.
    SystemPolicy {
        name: "AliyunSTSAssumeRoleAccess",
        version: 1,
        description: "Taking on any role that trusts the caller.",
        document: r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}]}"#,
    },
    // Our choice: what AliyunKMSReadOnlyAccess and AliyunRAMReadOnlyAccess read, and client keys.
    // Not GetSecretValue: it hands out secrets.
    SystemPolicy {
        name: "ReadOnlyAccess",
        version: 1,
        description: "Reading everything but the values of secrets.",
        document: r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":["kms:List*","kms:Describe*","kms:GetPublicKey","kms:GetUploadBackupDataInfo","kms:GetKmsInstanceSharedAccounts","kms:GetKmsInstanceQuotaInfos","kms:GetCheckAssociateResourceTaskResults","kms:GetKeyPolicy","kms:GetKeyDefaultPolicy","kms:GetSecretPolicy","kms:GetSecretDefaultPolicy","kms:GetKmsInstance","kms:GetDefaultKmsInstance","kms:GetClientKey","ram:Get*","ram:List*","sts:GetCallerIdentity"],"Resource":"*"}]}"#,
    },
];

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::{ALL, named};
    use crate::policy::{Context, Document, Kind, Question, Verdict, Work, decide};

    struct Nothing;

    impl Context for Nothing {
        fn value(&self, _: &str) -> Option<Cow<'_, str>> {
            None
        }
    }

    #[test]
    fn they_stand_in_order_of_their_names() {
        assert!(ALL.is_sorted_by(|one, other| one.name < other.name));
    }

    #[test]
    fn all_parse_and_are_found_by_name() {
        for it in ALL {
            let parsed = Document::parse(it.document, Kind::Identity);
            assert!(parsed.is_ok(), "{}: {:?}", it.name, parsed.err());
            assert_eq!(named(it.name).map(|it| it.document), Some(it.document));
        }
        assert!(named("aliyunkmsfullaccess").is_none());
    }

    #[test]
    fn each_covers_what_its_name_says_and_no_more() {
        let key = "acs:kms:cn-hangzhou:1:key/k";
        let secret = "acs:kms:cn-hangzhou:1:secret/s";
        let instance = "acs:kms:cn-hangzhou:1:keystore/kst-1";
        for (name, action, resource, expected) in [
            ("AdministratorAccess", "yaoku:Backup", "*", true),
            ("AliyunKMSFullAccess", "kms:GetSecretValue", secret, true),
            ("AliyunKMSFullAccess", "ram:CreateServiceLinkedRole", "*", false),
            ("AliyunKMSReadOnlyAccess", "kms:DescribeKey", key, true),
            ("AliyunKMSReadOnlyAccess", "kms:GetSecretValue", secret, false),
            ("ReadOnlyAccess", "kms:GetSecretValue", secret, false),
            ("ReadOnlyAccess", "ram:GetUser", "acs:ram:*:1:user/a", true),
            ("AliyunKMSSecretUserAccess", "kms:GetSecretValue", secret, true),
            ("AliyunKMSSecretUserAccess", "kms:Decrypt", key, false),
            ("AliyunKMSSecretAdminAccess", "kms:Decrypt", key, false),
            ("AliyunKMSSecretAdminAccess", "kms:CreateSecret", secret, true),
            ("AliyunKMSSecretAdminAccess", "kms:GetRandomPassword", "*", true),
            ("AliyunKMSCryptoUserAccess", "kms:DescribeKey", key, false),
            ("AliyunKMSCryptoUserAccess", "kms:GenerateMac", key, true),
            ("AliyunKMSCryptoAdminAccess", "kms:DescribeSecret", secret, false),
            ("AliyunKMSCryptoAdminAccess", "kms:GetKmsInstance", instance, true),
            ("AliyunRAMReadOnlyAccess", "ram:CreateUser", "acs:ram:*:1:user/a", false),
            ("AliyunKMSManageRAMCredentialsRolePolicy", "ram:UpdateAccessKey", "*", true),
            ("AliyunKMSManageRAMCredentialsRolePolicy", "ram:CreateUser", "*", false),
            ("AliyunSTSAssumeRoleAccess", "sts:AssumeRole", "acs:ram:*:1:role/a", true),
        ] {
            let document = named(name).unwrap().document;
            let document = Document::parse(document, Kind::Identity).unwrap();
            let resources = [resource];
            let question = Question {
                action,
                resources: &resources,
                caller: None,
                owner: "1",
                context: &Nothing,
                work: &Work::default(),
            };
            let allowed = decide([&document], &question).verdict == Verdict::Allow;
            assert_eq!(allowed, expected, "{name} {action}");
        }
    }
}

//! The rows of KMS. Source: identity.md §4.2, §4.3; secrets.md §1.7; keys.md §13.

use super::row::{Row, row};

pub(super) const ROWS: &[Row] = &[
    // Of older clients alone.
    row("kms:AdvanceEncrypt", &[("kms:AdvanceEncrypt", "*")])
        .served("UnsupportedOperation")
        .elsewhere("UnsupportedOperation"),
    row("kms:AsymmetricDecrypt", &[("kms:AsymmetricDecrypt", "key/{KeyId}")])
        .elsewhere("Forbidden.KeyNotFound")
        .shared("Forbidden.KeyVersionNotFound"),
    row("kms:AsymmetricEncrypt", &[("kms:AsymmetricEncrypt", "key/{KeyId}")])
        .elsewhere("Forbidden.KeyNotFound")
        .shared("Forbidden.KeyVersionNotFound"),
    row("kms:AsymmetricSign", &[("kms:AsymmetricSign", "key/{KeyId}")])
        .elsewhere("Forbidden.KeyNotFound"),
    row("kms:AsymmetricVerify", &[("kms:AsymmetricVerify", "key/{KeyId}")])
        .elsewhere("Forbidden.KeyNotFound"),
    row(
        "kms:BatchGetSecretValue",
        &[("kms:GetSecretValue", "secret/db/orders"), ("kms:Decrypt", "key/{key}")],
    )
    .elsewhere("Forbidden.ResourceNotFound")
    .shared(""),
    row("kms:CancelKeyDeletion", &[("kms:CancelKeyDeletion", "key/{KeyId}")])
        .elsewhere("Forbidden.KeyNotFound")
        .before(&[("ScheduleKeyDeletion", &[("KeyId", "{key}"), ("PendingWindowInDays", "7")])]),
    row(
        "kms:CreateAlias",
        &[("kms:CreateAlias", "{AliasName}"), ("kms:CreateAlias", "key/{KeyId}")],
    )
    .elsewhere("Forbidden.KeyNotFound"),
    row("kms:CreateKey", &[("kms:CreateKey", "key")]).elsewhere("Forbidden.DKMSInstanceNotFound"),
    row("kms:CreateKeyVersion", &[("kms:CreateKeyVersion", "key/{KeyId}")])
        .elsewhere("Forbidden.KeyNotFound"),
    row(
        "kms:CreateSecret",
        &[
            ("kms:CreateSecret", "secret/{SecretName}"),
            ("kms:GenerateDataKey", "key/{EncryptionKeyId}"),
        ],
    )
    .or(&[("kms:CreateSecret", "secret"), ("kms:GenerateDataKey", "key/{EncryptionKeyId}")])
    .elsewhere("Forbidden.KeyNotFound"),
    row("kms:Decrypt", &[("kms:Decrypt", "key/{key}")])
        .elsewhere("Forbidden.KeyNotFound")
        .shared(""),
    row("kms:DeleteAlias", &[("kms:DeleteAlias", "{AliasName}"), ("kms:DeleteAlias", "key/{key}")])
        .elsewhere("Forbidden.AliasNotFound"),
    row("kms:DeleteKeyMaterial", &[("kms:DeleteKeyMaterial", "key/{KeyId}")])
        .elsewhere("Forbidden.KeyNotFound"),
    row("kms:DeleteSecret", &[("kms:DeleteSecret", "secret/{SecretName}")])
        .elsewhere("Forbidden.ResourceNotFound"),
    row("kms:DescribeAccountKmsStatus", &[("kms:DescribeAccountKmsStatus", "*")]),
    row("kms:DescribeKey", &[("kms:DescribeKey", "key/{KeyId}")])
        .elsewhere("Forbidden.KeyNotFound")
        .shared(""),
    row("kms:DescribeKeyVersion", &[("kms:DescribeKeyVersion", "key/{KeyId}")])
        .elsewhere("Forbidden.KeyNotFound")
        .shared(""),
    row("kms:DescribeRegions", &[]),
    row("kms:DescribeSecret", &[("kms:DescribeSecret", "secret/{SecretName}")])
        .elsewhere("Forbidden.ResourceNotFound")
        .shared(""),
    // Of older clients alone.
    row("kms:DescribeService", &[("kms:DescribeService", "*")])
        .served("UnsupportedOperation")
        .elsewhere("UnsupportedOperation"),
    row("kms:DisableKey", &[("kms:DisableKey", "key/{KeyId}")]).elsewhere("Forbidden.KeyNotFound"),
    row("kms:EnableKey", &[("kms:EnableKey", "key/{KeyId}")]).elsewhere("Forbidden.KeyNotFound"),
    row("kms:Encrypt", &[("kms:Encrypt", "key/{KeyId}")])
        .elsewhere("Forbidden.KeyNotFound")
        .shared(""),
    row("kms:ExportDataKey", &[("kms:ExportDataKey", "key/{key}")])
        .elsewhere("Forbidden.KeyNotFound"),
    row("kms:GenerateAndExportDataKey", &[("kms:GenerateAndExportDataKey", "key/{KeyId}")])
        .elsewhere("Forbidden.KeyNotFound")
        .shared(""),
    row("kms:GenerateDataKey", &[("kms:GenerateDataKey", "key/{KeyId}")])
        .elsewhere("Forbidden.KeyNotFound")
        .shared(""),
    row(
        "kms:GenerateDataKeyWithoutPlaintext",
        &[("kms:GenerateDataKeyWithoutPlaintext", "key/{KeyId}")],
    )
    .elsewhere("Forbidden.KeyNotFound"),
    row("kms:GenerateMac", &[("kms:GenerateMac", "key/{KeyId}")])
        .elsewhere("Forbidden.KeyNotFound"),
    // A Recipient is refused everywhere.
    row("kms:GetChallenge", &[("kms:GetChallenge", "*")])
        .served("UnsupportedOperation")
        .elsewhere("UnsupportedOperation"),
    row("kms:GetKeyPolicy", &[("kms:GetKeyPolicy", "key/{KeyId}")])
        .elsewhere("Forbidden.KeyNotFound"),
    row("kms:GetKmsInstance", &[("kms:GetKmsInstance", "keystore/{KmsInstanceId}")])
        .elsewhere("Forbidden.DKMSInstanceNotFound"),
    row(
        "kms:GetManagedDataKey",
        &[
            ("kms:GetManagedDataKey", "secret/kms-datakeyversion!{DataKeyName}!"),
            ("kms:GetSecretValue", "secret/kms-datakeyversion!{DataKeyName}!{DataKeyVersionId}"),
        ],
    )
    .elsewhere("Forbidden.ResourceNotFound"),
    row("kms:GetParametersForImport", &[("kms:GetParametersForImport", "key/{KeyId}")])
        .elsewhere("Forbidden.KeyNotFound"),
    row("kms:GetPublicKey", &[("kms:GetPublicKey", "key/{KeyId}")])
        .elsewhere("Forbidden.KeyNotFound"),
    row("kms:GetRandomPassword", &[("kms:GetRandomPassword", "*")]),
    row(
        "kms:GetSecretValue",
        &[("kms:GetSecretValue", "secret/{SecretName}"), ("kms:Decrypt", "key/{key}")],
    )
    .elsewhere("Forbidden.ResourceNotFound")
    .shared(""),
    // A real token is one call's: import/tests.rs.
    row("kms:ImportKeyMaterial", &[("kms:ImportKeyMaterial", "key/{KeyId}")])
        .served("InvalidImportToken")
        .elsewhere("Forbidden.KeyNotFound"),
    row("kms:ListAliases", &[("kms:ListAliases", "alias")]),
    row("kms:ListAliasesByKeyId", &[("kms:ListAliasesByKeyId", "key/{KeyId}")])
        .elsewhere("Forbidden.KeyNotFound")
        .shared(""),
    row("kms:ListKeyVersions", &[("kms:ListKeyVersions", "key/{KeyId}")])
        .elsewhere("Forbidden.KeyNotFound")
        .shared(""),
    row("kms:ListKeys", &[("kms:ListKeys", "key")]),
    row("kms:ListKmsInstances", &[("kms:ListKmsInstances", "keystore")]),
    row(
        "kms:ListManagedDataKeyVersions",
        &[("kms:ListManagedDataKeyVersions", "secret/kms-datakeyversion!{DataKeyName}!")],
    )
    .elsewhere("Forbidden.ResourceNotFound"),
    row("kms:ListResourceTags", &[("kms:ListResourceTags", "key/{KeyId}")])
        .elsewhere("Forbidden.KeyNotFound"),
    row("kms:ListSecretVersionIds", &[("kms:ListSecretVersionIds", "secret/{SecretName}")])
        .elsewhere("Forbidden.ResourceNotFound")
        .shared(""),
    row("kms:ListSecrets", &[("kms:ListSecrets", "secret")]).or(&[("kms:ListSecrets", "secret/*")]),
    row("kms:ListTagResources", &[("kms:ListTagResources", "key/{ResourceId.1}")])
        .or(&[("kms:ListResourceTags", "key/{ResourceId.1}")])
        .elsewhere("Forbidden.KeyNotFound"),
    // Accounts are made with an open service.
    row("kms:OpenKmsService", &[("kms:OpenKmsService", "*")])
        .served("Forbidden.Opened")
        .elsewhere("Forbidden.Opened"),
    row(
        "kms:PutSecretValue",
        &[("kms:PutSecretValue", "secret/{SecretName}"), ("kms:GenerateDataKey", "key/{key}")],
    )
    .elsewhere("Forbidden.ResourceNotFound"),
    row(
        "kms:ReEncrypt",
        &[("kms:ReEncryptFrom", "key/{key}"), ("kms:ReEncryptTo", "key/{DestinationKeyId}")],
    )
    .or(&[("kms:ReEncrypt*", "key/{key}")])
    .elsewhere("Forbidden.KeyNotFound"),
    row("kms:RestoreSecret", &[("kms:RestoreSecret", "secret/{SecretName}")])
        .elsewhere("Forbidden.ResourceNotFound")
        .before(&[("DeleteSecret", &[("SecretName", "db/orders")])]),
    row("kms:ScheduleKeyDeletion", &[("kms:ScheduleKeyDeletion", "key/{KeyId}")])
        .elsewhere("Forbidden.KeyNotFound"),
    row("kms:SetDeletionProtection", &[("kms:SetDeletionProtection", "key/{KeyId}")])
        .elsewhere("Forbidden.KeyNotFound"),
    row("kms:SetKeyPolicy", &[("kms:SetKeyPolicy", "key/{KeyId}")])
        .elsewhere("Forbidden.KeyNotFound"),
    row("kms:TagResource", &[("kms:TagResource", "key/{KeyId}")])
        .elsewhere("Forbidden.KeyNotFound")
        .shared(""),
    row("kms:TagResources", &[("kms:TagResources", "key/{ResourceId.1}")])
        .or(&[("kms:TagResource", "key/{ResourceId.1}")])
        .elsewhere("Forbidden.KeyNotFound")
        .shared(""),
    row("kms:UntagResource", &[("kms:UntagResource", "key/{KeyId}")])
        .elsewhere("Forbidden.KeyNotFound"),
    row("kms:UntagResources", &[("kms:UntagResources", "key/{ResourceId.1}")])
        .or(&[("kms:UntagResource", "key/{ResourceId.1}")])
        .elsewhere("Forbidden.KeyNotFound"),
    row(
        "kms:UpdateAlias",
        &[("kms:UpdateAlias", "{AliasName}"), ("kms:UpdateAlias", "key/{KeyId}")],
    )
    .elsewhere("Forbidden.KeyNotFound"),
    row("kms:UpdateKeyDescription", &[("kms:UpdateKeyDescription", "key/{KeyId}")])
        .elsewhere("Forbidden.KeyNotFound"),
    row("kms:UpdateRotationPolicy", &[("kms:UpdateRotationPolicy", "key/{KeyId}")])
        .elsewhere("Forbidden.KeyNotFound"),
    row("kms:UpdateSecret", &[("kms:UpdateSecret", "secret/{SecretName}")])
        .elsewhere("Forbidden.ResourceNotFound"),
    row("kms:UpdateSecretVersionStage", &[("kms:UpdateSecretVersionStage", "secret/{SecretName}")])
        .elsewhere("Forbidden.ResourceNotFound"),
    row("kms:VerifyMac", &[("kms:VerifyMac", "key/{KeyId}")]).elsewhere("Forbidden.KeyNotFound"),
];

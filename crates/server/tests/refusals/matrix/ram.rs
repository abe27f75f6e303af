//! The rows of RAM, of STS and of our own administration. Source: identity.md §2.5, §2.6.

use super::row::{Before, Row, row};

const ALICE: Before = ("CreateUser", &[("UserName", "alice")]);
const DEVELOPERS: Before = ("CreateGroup", &[("GroupName", "developers")]);
const ADMINS: Before = ("CreateGroup", &[("GroupName", "admins")]);
const JOINED: Before = ("AddUserToGroup", &[("UserName", "alice"), ("GroupName", "developers")]);
const DEPLOY: Before = (
    "CreateRole",
    &[
        ("RoleName", "deploy"),
        (
            "AssumeRolePolicyDocument",
            r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"RAM":"acs:ram::{account}:root"}}]}"#,
        ),
    ],
);
const FULL: (&str, &str) = ("PolicyName", "AliyunKMSFullAccess");
const SYSTEM: (&str, &str) = ("PolicyType", "System");
const ATTACHED_TO_USER: Before = ("AttachPolicyToUser", &[SYSTEM, FULL, ("UserName", "alice")]);
const ATTACHED_TO_GROUP: Before = ("AttachPolicyToGroup", &[SYSTEM, FULL, ("GroupName", "admins")]);
const ATTACHED_TO_ROLE: Before = ("AttachPolicyToRole", &[SYSTEM, FULL, ("RoleName", "deploy")]);
const ENCRYPT: (&str, &str) = (
    "PolicyDocument",
    r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"kms:Encrypt","Resource":"*"}]}"#,
);
const ORDERS: Before = ("CreatePolicy", &[("PolicyName", "Orders"), ENCRYPT]);
const ORDERS_V2: Before = ("CreatePolicyVersion", &[("PolicyName", "Orders"), ENCRYPT]);
const ACCESS_KEY: Before = ("CreateAccessKey", &[("UserName", "alice")]);
const LOGIN: Before =
    ("CreateLoginProfile", &[("UserName", "alice"), ("Password", "Correct-horse-7")]);
const OWN_LOGIN: Before =
    ("CreateLoginProfile", &[("UserName", "{caller}"), ("Password", "Correct-horse-7")]);
const PHONE: Before = ("CreateVirtualMFADevice", &[("VirtualMFADeviceName", "phone")]);
const BOUND: Before = (
    "BindMFADevice",
    &[
        ("SerialNumber", "acs:ram::{account}:mfa/phone"),
        ("UserName", "alice"),
        ("AuthenticationCode1", "{code1}"),
        ("AuthenticationCode2", "{code2}"),
    ],
);
const CLUSTER: Before = (
    "PutOidcProvider",
    &[("Name", "cluster"), ("Issuer", "https://issuer.example"), ("ClientId.1", "us")],
);

pub(super) const ROWS: &[Row] = &[
    row(
        "ram:AddUserToGroup",
        &[("ram:AddUserToGroup", "user/{UserName}"), ("ram:AddUserToGroup", "group/{GroupName}")],
    )
    .elsewhere("EntityNotExist.User")
    .before(&[ALICE, DEVELOPERS]),
    row(
        "ram:AttachPolicyToGroup",
        &[
            ("ram:AttachPolicyToGroup", "group/{GroupName}"),
            ("ram:AttachPolicyToGroup", "acs:ram:*:system:policy/{PolicyName}"),
        ],
    )
    .elsewhere("EntityNotExist.Group")
    .before(&[ADMINS]),
    row(
        "ram:AttachPolicyToRole",
        &[
            ("ram:AttachPolicyToRole", "role/{RoleName}"),
            ("ram:AttachPolicyToRole", "acs:ram:*:system:policy/{PolicyName}"),
        ],
    )
    .elsewhere("EntityNotExist.Role")
    .before(&[DEPLOY]),
    row(
        "ram:AttachPolicyToUser",
        &[
            ("ram:AttachPolicyToUser", "user/{UserName}"),
            ("ram:AttachPolicyToUser", "acs:ram:*:system:policy/{PolicyName}"),
        ],
    )
    .elsewhere("EntityNotExist.User")
    .before(&[ALICE]),
    row("ram:BindMFADevice", &[("ram:BindMFADevice", "user/{UserName}")])
        .elsewhere("EntityNotExist.User")
        .before(&[ALICE, PHONE])
        .with(&[
            ("SerialNumber", "acs:ram::{account}:mfa/phone"),
            ("AuthenticationCode1", "{code1}"),
            ("AuthenticationCode2", "{code2}"),
        ]),
    // A user's own: nobody else has a password.
    row("ram:ChangePassword", &[("ram:ChangePassword", "user/{caller}")])
        .but(&[
            ("root", "NoPermission"),
            ("role session", "NoPermission"),
            ("narrowed session", "NoPermission"),
        ])
        .elsewhere("EntityNotExist.User.LoginProfile")
        .before(&[OWN_LOGIN]),
    row("ram:ClearAccountAlias", &[("ram:ClearAccountAlias", "*")]),
    row("ram:CreateAccessKey", &[("ram:CreateAccessKey", "user/{UserName}")])
        .elsewhere("EntityNotExist.User")
        .before(&[ALICE]),
    row("ram:CreateGroup", &[("ram:CreateGroup", "group/*")]),
    row("ram:CreateLoginProfile", &[("ram:CreateLoginProfile", "user/{UserName}")])
        .elsewhere("EntityNotExist.User")
        .before(&[ALICE]),
    row("ram:CreatePolicy", &[("ram:CreatePolicy", "policy/*")]),
    row("ram:CreatePolicyVersion", &[("ram:CreatePolicyVersion", "policy/{PolicyName}")])
        .elsewhere("EntityNotExist.Policy")
        .before(&[ORDERS]),
    row("ram:CreateRole", &[("ram:CreateRole", "role/*")]),
    row("ram:CreateUser", &[("ram:CreateUser", "user/*")]),
    row("ram:CreateVirtualMFADevice", &[("ram:CreateVirtualMFADevice", "mfa/*")]),
    row("ram:DecodeDiagnosticMessage", &[("ram:DecodeDiagnosticMessage", "*")])
        .elsewhere("InvalidParameter")
        .with(&[("EncodedDiagnosticMessage", "{message}")]),
    row("ram:DeleteAccessKey", &[("ram:DeleteAccessKey", "user/{UserName}")])
        .elsewhere("EntityNotExist.User")
        .before(&[ALICE, ACCESS_KEY])
        .with(&[("UserAccessKeyId", "{access_key}")]),
    row("ram:DeleteGroup", &[("ram:DeleteGroup", "group/{GroupName}")])
        .elsewhere("EntityNotExist.Group")
        .before(&[DEVELOPERS]),
    row("ram:DeleteLoginProfile", &[("ram:DeleteLoginProfile", "user/{UserName}")])
        .elsewhere("EntityNotExist.User")
        .before(&[ALICE, LOGIN]),
    row("ram:DeletePolicy", &[("ram:DeletePolicy", "policy/{PolicyName}")])
        .elsewhere("EntityNotExist.Policy")
        .before(&[ORDERS]),
    row("ram:DeletePolicyVersion", &[("ram:DeletePolicyVersion", "policy/{PolicyName}")])
        .elsewhere("EntityNotExist.Policy")
        .before(&[ORDERS, ORDERS_V2])
        .with(&[("VersionId", "v2")]),
    row("ram:DeleteRole", &[("ram:DeleteRole", "role/{RoleName}")])
        .elsewhere("EntityNotExist.Role")
        .before(&[DEPLOY]),
    row("ram:DeleteUser", &[("ram:DeleteUser", "user/{UserName}")])
        .elsewhere("EntityNotExist.User")
        .before(&[ALICE]),
    row(
        "ram:DeleteVirtualMFADevice",
        &[("ram:DeleteVirtualMFADevice", "acs:ram::{account}:mfa/phone")],
    )
    .elsewhere("EntityNotExist.VirtualMFADevice")
    .before(&[PHONE])
    .with(&[("SerialNumber", "acs:ram::{account}:mfa/phone")]),
    row(
        "ram:DetachPolicyFromGroup",
        &[
            ("ram:DetachPolicyFromGroup", "group/{GroupName}"),
            ("ram:DetachPolicyFromGroup", "acs:ram:*:system:policy/{PolicyName}"),
        ],
    )
    .elsewhere("EntityNotExist.Group")
    .before(&[ADMINS, ATTACHED_TO_GROUP]),
    row(
        "ram:DetachPolicyFromRole",
        &[
            ("ram:DetachPolicyFromRole", "role/{RoleName}"),
            ("ram:DetachPolicyFromRole", "acs:ram:*:system:policy/{PolicyName}"),
        ],
    )
    .elsewhere("EntityNotExist.Role")
    .before(&[DEPLOY, ATTACHED_TO_ROLE]),
    row(
        "ram:DetachPolicyFromUser",
        &[
            ("ram:DetachPolicyFromUser", "user/{UserName}"),
            ("ram:DetachPolicyFromUser", "acs:ram:*:system:policy/{PolicyName}"),
        ],
    )
    .elsewhere("EntityNotExist.User")
    .before(&[ALICE, ATTACHED_TO_USER]),
    row("ram:GetAccessKeyLastUsed", &[("ram:GetAccessKeyLastUsed", "user/{UserName}")])
        .elsewhere("EntityNotExist.User")
        .before(&[ALICE, ACCESS_KEY])
        .with(&[("UserAccessKeyId", "{access_key}")]),
    row("ram:GetAccountAlias", &[("ram:GetAccountAlias", "*")]),
    row("ram:GetGroup", &[("ram:GetGroup", "group/{GroupName}")])
        .elsewhere("EntityNotExist.Group")
        .before(&[DEVELOPERS]),
    row("ram:GetLoginProfile", &[("ram:GetLoginProfile", "user/{UserName}")])
        .elsewhere("EntityNotExist.User")
        .before(&[ALICE, LOGIN]),
    row("ram:GetPasswordPolicy", &[("ram:GetPasswordPolicy", "*")]),
    row("ram:GetPolicy", &[("ram:GetPolicy", "policy/{PolicyName}")])
        .elsewhere("EntityNotExist.Policy")
        .before(&[ORDERS]),
    row("ram:GetPolicyVersion", &[("ram:GetPolicyVersion", "policy/{PolicyName}")])
        .elsewhere("EntityNotExist.Policy")
        .before(&[ORDERS]),
    row("ram:GetRole", &[("ram:GetRole", "role/{RoleName}")])
        .elsewhere("EntityNotExist.Role")
        .before(&[DEPLOY]),
    row("ram:GetSecurityPreference", &[("ram:GetSecurityPreference", "*")]),
    row("ram:GetUser", &[("ram:GetUser", "user/{UserName}")])
        .elsewhere("EntityNotExist.User")
        .before(&[ALICE]),
    row("ram:GetUserMFAInfo", &[("ram:GetUserMFAInfo", "user/{UserName}")])
        .elsewhere("EntityNotExist.User")
        .before(&[ALICE, PHONE, BOUND]),
    row("ram:ListAccessKeys", &[("ram:ListAccessKeys", "user/{UserName}")])
        .elsewhere("EntityNotExist.User")
        .before(&[ALICE]),
    row(
        "ram:ListEntitiesForPolicy",
        &[("ram:ListEntitiesForPolicy", "acs:ram:*:system:policy/{PolicyName}")],
    ),
    row("ram:ListGroups", &[("ram:ListGroups", "group/*")]),
    row("ram:ListGroupsForUser", &[("ram:ListGroupsForUser", "user/{UserName}")])
        .elsewhere("EntityNotExist.User")
        .before(&[ALICE]),
    row("ram:ListPolicies", &[("ram:ListPolicies", "policy/*")]),
    row("ram:ListPoliciesForGroup", &[("ram:ListPoliciesForGroup", "group/{GroupName}")])
        .elsewhere("EntityNotExist.Group")
        .before(&[ADMINS]),
    row("ram:ListPoliciesForRole", &[("ram:ListPoliciesForRole", "role/{RoleName}")])
        .elsewhere("EntityNotExist.Role")
        .before(&[DEPLOY]),
    row("ram:ListPoliciesForUser", &[("ram:ListPoliciesForUser", "user/{UserName}")])
        .elsewhere("EntityNotExist.User")
        .before(&[ALICE]),
    row("ram:ListPolicyVersions", &[("ram:ListPolicyVersions", "policy/{PolicyName}")])
        .elsewhere("EntityNotExist.Policy")
        .before(&[ORDERS]),
    row("ram:ListRoles", &[("ram:ListRoles", "role/*")]),
    row("ram:ListTagResources", &[("ram:ListTagResources", "{ResourceType}/{ResourceNames.1}")])
        .elsewhere("EntityNotExist.User")
        .before(&[ALICE]),
    row("ram:ListUsers", &[("ram:ListUsers", "user/*")]),
    row("ram:ListUsersForGroup", &[("ram:ListUsersForGroup", "group/{GroupName}")])
        .elsewhere("EntityNotExist.Group")
        .before(&[DEVELOPERS]),
    row("ram:ListVirtualMFADevices", &[("ram:ListVirtualMFADevices", "mfa/*")]),
    row(
        "ram:RemoveUserFromGroup",
        &[
            ("ram:RemoveUserFromGroup", "user/{UserName}"),
            ("ram:RemoveUserFromGroup", "group/{GroupName}"),
        ],
    )
    .elsewhere("EntityNotExist.User")
    .before(&[ALICE, DEVELOPERS, JOINED]),
    row("ram:SetAccountAlias", &[("ram:SetAccountAlias", "*")])
        .with(&[("AccountAlias", "of-{unique}")]),
    row("ram:SetDefaultPolicyVersion", &[("ram:SetDefaultPolicyVersion", "policy/{PolicyName}")])
        .elsewhere("EntityNotExist.Policy")
        .before(&[ORDERS, ORDERS_V2])
        .with(&[("VersionId", "v2")]),
    row("ram:SetPasswordPolicy", &[("ram:SetPasswordPolicy", "*")]),
    row("ram:SetSecurityPreference", &[("ram:SetSecurityPreference", "*")]),
    row("ram:TagResources", &[("ram:TagResources", "{ResourceType}/{ResourceNames.1}")])
        .elsewhere("EntityNotExist.User")
        .before(&[ALICE]),
    row("ram:UnbindMFADevice", &[("ram:UnbindMFADevice", "user/{UserName}")])
        .elsewhere("EntityNotExist.User")
        .before(&[ALICE, PHONE, BOUND]),
    row("ram:UntagResources", &[("ram:UntagResources", "{ResourceType}/{ResourceNames.1}")])
        .elsewhere("EntityNotExist.User")
        .before(&[ALICE]),
    row("ram:UpdateAccessKey", &[("ram:UpdateAccessKey", "user/{UserName}")])
        .elsewhere("EntityNotExist.User")
        .before(&[ALICE, ACCESS_KEY])
        .with(&[("UserAccessKeyId", "{access_key}")]),
    row(
        "ram:UpdateGroup",
        &[("ram:UpdateGroup", "group/{GroupName}"), ("ram:UpdateGroup", "group/{NewGroupName}")],
    )
    .elsewhere("EntityNotExist.Group")
    .before(&[DEVELOPERS]),
    row("ram:UpdateLoginProfile", &[("ram:UpdateLoginProfile", "user/{UserName}")])
        .elsewhere("EntityNotExist.User")
        .before(&[ALICE, LOGIN]),
    row("ram:UpdatePolicyDescription", &[("ram:UpdatePolicyDescription", "policy/{PolicyName}")])
        .elsewhere("EntityNotExist.Policy")
        .before(&[ORDERS]),
    row("ram:UpdateRole", &[("ram:UpdateRole", "role/{RoleName}")])
        .elsewhere("EntityNotExist.Role")
        .before(&[DEPLOY]),
    row(
        "ram:UpdateUser",
        &[("ram:UpdateUser", "user/{UserName}"), ("ram:UpdateUser", "user/{NewUserName}")],
    )
    .elsewhere("EntityNotExist.User")
    .before(&[ALICE]),
    // Root has no sessions (§2.6, part 5).
    row("sts:AssumeRole", &[("sts:AssumeRole", "acs:ram:*:{account}:role/deploy")])
        .but(&[("root", "NoPermission")])
        .elsewhere("NoPermission")
        .before(&[DEPLOY])
        .with(&[("RoleArn", "acs:ram::{account}:role/deploy")]),
    row("sts:GetCallerIdentity", &[]),
    // The operator's alone, at the admin socket.
    row("yaoku:AddRootKeyWrap", &[("yaoku:AddRootKeyWrap", "*")])
        .served("Forbidden.NoPermission")
        .elsewhere("Forbidden.NoPermission"),
    // The operator's alone, at the admin socket.
    row("yaoku:CheckTarget", &[("yaoku:CheckTarget", "*")])
        .served("Forbidden.NoPermission")
        .elsewhere("Forbidden.NoPermission"),
    // The operator's alone, at the admin socket.
    row("yaoku:CreateAccount", &[("yaoku:CreateAccount", "*")])
        .served("Forbidden.NoPermission")
        .elsewhere("Forbidden.NoPermission"),
    row("yaoku:CreateInstance", &[("yaoku:CreateInstance", "*")])
        .served("Forbidden.NoPermission")
        .elsewhere("Forbidden.NoPermission"),
    row(
        "yaoku:CreateManagedDataKeyVersion",
        &[
            ("yaoku:CreateManagedDataKeyVersion", "*"),
            ("kms:GenerateDataKey", "acs:kms:cn-hangzhou:{account}:key/{EncryptionKeyId}"),
        ],
    )
    .elsewhere("Forbidden.KeyNotFound"),
    row("yaoku:DeleteManagedDataKey", &[("yaoku:DeleteManagedDataKey", "*")])
        .elsewhere("Forbidden.ResourceNotFound"),
    // The operator's alone, at the admin socket.
    row("yaoku:DeleteHook", &[("yaoku:DeleteHook", "*")])
        .served("Forbidden.NoPermission")
        .elsewhere("Forbidden.NoPermission"),
    row("yaoku:DeleteOidcProvider", &[("yaoku:DeleteOidcProvider", "*")])
        .elsewhere("Forbidden.ResourceNotFound")
        .before(&[CLUSTER]),
    // The operator's alone, at the admin socket.
    row("yaoku:DeleteTarget", &[("yaoku:DeleteTarget", "*")])
        .served("Forbidden.NoPermission")
        .elsewhere("Forbidden.NoPermission"),
    row("yaoku:DescribeAccount", &[("yaoku:DescribeAccount", "*")]),
    // The operator's alone, at the admin socket.
    row("yaoku:DescribeRootKey", &[("yaoku:DescribeRootKey", "*")])
        .served("Forbidden.NoPermission")
        .elsewhere("Forbidden.NoPermission"),
    // The operator alone can put one there.
    row("yaoku:GetHook", &[("yaoku:GetHook", "*")])
        .served("Forbidden.ResourceNotFound")
        .elsewhere("Forbidden.ResourceNotFound"),
    row("yaoku:GetOidcProvider", &[("yaoku:GetOidcProvider", "*")])
        .elsewhere("Forbidden.ResourceNotFound")
        .before(&[CLUSTER]),
    // The operator alone can register one.
    row("yaoku:GetTarget", &[("yaoku:GetTarget", "*")])
        .served("Forbidden.ResourceNotFound")
        .elsewhere("Forbidden.ResourceNotFound"),
    // The operator's alone, at the admin socket.
    row("yaoku:ListAccounts", &[("yaoku:ListAccounts", "*")])
        .served("Forbidden.NoPermission")
        .elsewhere("Forbidden.NoPermission"),
    row("yaoku:ListHooks", &[("yaoku:ListHooks", "*")]),
    row("yaoku:ListKeyUses", &[("yaoku:ListKeyUses", "acs:kms:cn-hangzhou:{account}:key/{KeyId}")])
        .elsewhere("Forbidden.KeyNotFound"),
    row("yaoku:ListNotices", &[("yaoku:ListNotices", "*")]),
    row("yaoku:ListOidcProviders", &[("yaoku:ListOidcProviders", "*")]),
    row("yaoku:ListTargets", &[("yaoku:ListTargets", "*")]),
    row("yaoku:ListWhoCan", &[("yaoku:ListWhoCan", "*")]),
    // The operator's alone, at the admin socket.
    row("yaoku:OpenRootKeyWrap", &[("yaoku:OpenRootKeyWrap", "*")])
        .served("Forbidden.NoPermission")
        .elsewhere("Forbidden.NoPermission"),
    // The operator's alone, at the admin socket.
    row("yaoku:PutHook", &[("yaoku:PutHook", "*")])
        .served("Forbidden.NoPermission")
        .elsewhere("Forbidden.NoPermission"),
    row("yaoku:PutOidcProvider", &[("yaoku:PutOidcProvider", "*")]),
    // The operator's alone, at the admin socket.
    row("yaoku:PutTarget", &[("yaoku:PutTarget", "*")])
        .served("Forbidden.NoPermission")
        .elsewhere("Forbidden.NoPermission"),
    // The operator's alone, at the admin socket.
    row("yaoku:RemoveRootKeyWrap", &[("yaoku:RemoveRootKeyWrap", "*")])
        .served("Forbidden.NoPermission")
        .elsewhere("Forbidden.NoPermission"),
    // The operator's alone, at the admin socket.
    row("yaoku:RotateRootKey", &[("yaoku:RotateRootKey", "*")])
        .served("Forbidden.NoPermission")
        .elsewhere("Forbidden.NoPermission"),
    row("yaoku:SimulatePolicy", &[("yaoku:SimulatePolicy", "*")])
        .elsewhere("EntityNotExist.User")
        .before(&[ALICE]),
];

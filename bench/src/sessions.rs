//! A session of a role, for calls that are signed by it.

use anyhow::Context as _;
use serde_json::json;

use crate::{
    calls::{Signer, Who, json, text},
    policies::FIRST,
};

/// What the user signs by.
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) token: String,
}

/// Begins a session of a new role that has the first of the user's policies, and no more.
pub(crate) fn begin(signer: Signer<'_>) -> anyhow::Result<Session> {
    let me = signer.call(Who::Applicant, "GetCallerIdentity", &[])?;
    let account = text(&me, "AccountId")?;
    let trust = json!({ "Version": "1", "Statement": [{
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": { "RAM": [format!("acs:ram::{account}:root")] },
    }]});
    let role = ("RoleName", "bench");
    let made = [role, ("AssumeRolePolicyDocument", &trust.to_string())];
    signer.call(Who::Administrator, "CreateRole", &made)?;
    let attached = [("PolicyName", FIRST), ("PolicyType", "Custom"), role];
    signer.call(Who::Administrator, "AttachPolicyToRole", &attached)?;
    let may = [("PolicyName", "AliyunSTSAssumeRoleAccess"), ("PolicyType", "System")];
    let may = [&may[..], &[("UserName", signer.user())]].concat();
    signer.call(Who::Administrator, "AttachPolicyToUser", &may)?;
    let arn = format!("acs:ram::{account}:role/bench");
    let begun = [("RoleArn", arn.as_str()), ("RoleSessionName", "bench")];
    let begun = json(&signer.call(Who::Applicant, "AssumeRole", &begun)?)?;
    let part = |name: &str| {
        let part = begun["Credentials"][name].as_str().map(str::to_owned);
        part.with_context(|| format!("a session without {name}"))
    };
    Ok(Session {
        id: part("AccessKeyId")?,
        secret: part("AccessKeySecret")?,
        token: part("SecurityToken")?,
    })
}

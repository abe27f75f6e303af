//! `AssumeRoleWithOIDC`: takes on a role by an identity provider's token instead of a signature.
//! Source: identity.md §1.1 (F9), §2.6.

use std::str::FromStr;

use yaoku_model::ids::Invalid;
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::{NewSession, PARAMETERS, STS, Session, assume_role::AssumeRole, trust_of};
use crate::{
    api::{Effect, KnownBy, Operation, Spec},
    call::{Ask, Call},
    caller::Principal,
    error::ApiError,
    oidc::{Federated, provider_of_arn},
};

/// A request to take on a role. Its token was checked before there was a caller: see
/// [`crate::oidc::prove`].
#[derive(Debug)]
pub(super) struct AssumeRoleWithOIDC {
    session: NewSession,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Begun {
    session: Session,
    by: Federated,
}

struct ProviderArn;

impl FromStr for ProviderArn {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        provider_of_arn(raw).map(|_| Self)
    }
}

impl Operation for AssumeRoleWithOIDC {
    // Of its event alone, as `AssumeRole` is.
    const SPEC: &'static Spec = &Spec {
        name: "AssumeRoleWithOIDC",
        effect: Effect::Write,
        one_thing: true,
        known_by: KnownBy::ProviderToken,
        also_actions: &[AssumeRole::ACTION],
        errors: &[
            PARAMETERS,
            &[
                Code::NoRoleArn,
                Code::OidcNotTrusted,
                Code::OidcTokenInvalid,
                Code::OidcTokenExpired,
            ],
        ],
        secret_params: &["OIDCToken"],
        example: &[
            ("OIDCProviderArn", "acs:ram::1234567890123456:oidc-provider/cluster"),
            ("OIDCToken", "eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl"),
            ("RoleArn", "acs:ram::1234567890123456:role/deploy"),
            ("RoleSessionName", "pod-4711"),
            ("DurationSeconds", "900"),
            (
                "Policy",
                r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}]}"#,
            ),
        ],
        ..STS
    };

    type Response = Begun;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        params.required::<ProviderArn>("OIDCProviderArn")?;
        params.text("OIDCToken").ok_or_else(|| ApiError::missing("OIDCToken"))?;
        Ok(Self { session: NewSession::take(params)? })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Begun, ApiError> {
        // The operator has no token.
        let Principal::Federated(by) = &call.caller.principal else {
            return Err(Code::OidcTokenInvalid.into());
        };
        let wanted = &self.session.role;
        call.touch(wanted.arn());
        // Whom an account lets vouch is no other account's affair. Our choice.
        if wanted.account != *call.account() {
            return Err(Code::OidcNotTrusted.into());
        }
        let role = call.tx()?.role(&wanted.account, &wanted.name).await?;
        let role = role.ok_or(Code::NoRoleArn)?;
        let trust = trust_of(&role)?;
        let tags = call.tags_in_ram(&wanted.account, &wanted.path()).await?;
        // A token for several of the provider's clients must be trusted as one for each of them: who
        // denies one denies it. Our choice.
        for audience in &by.vouched.audiences {
            let presented = [
                ("oidc:iss", by.issuer.as_str()),
                ("oidc:aud", audience.as_str()),
                ("oidc:sub", by.vouched.subject.as_str()),
            ];
            // What a trust policy allows is always `sts:AssumeRole`.
            let ask = Ask::to(AssumeRole::ACTION).presenting(&presented);
            if !call.is_trusted(ask, wanted, &trust, &tags) {
                return Err(Code::OidcNotTrusted.into());
            }
        }
        let session = self.session.begin(call, role, None)?;
        Ok(Begun { session, by: (**by).clone() })
    }
}

impl Encode for Begun {
    fn encode(self) -> Fields {
        let vouched = &self.by.vouched;
        let token = Fields::default()
            .text("Subject", vouched.subject.as_str())
            .text("Issuer", self.by.issuer.as_str())
            .text("ClientIds", vouched.audiences.join(","))
            .text("ExpirationTime", vouched.expires.to_string())
            .text("IssuanceTime", vouched.issued.to_string())
            .text("VerificationInfo", "Success");
        self.session.fields().object("OIDCTokenInfo", token)
    }
}

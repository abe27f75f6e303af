//! `PutOidcProvider`: lets an identity provider vouch for callers, or changes what is known of it.

use yaoku_model::{arn::Arn, identity::OidcProvider, ids::ProviderName};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};

use super::{
    ADMIN,
    oidc_provider::{CLIENT_IDS, ClientId, Description, Issuer, Keys, MOST, fields},
};
use crate::{
    api::{Effect, Operation, Spec},
    call::Call,
    error::ApiError,
};

/// A request to add or change a provider: all of it, each time.
#[derive(Debug)]
pub(super) struct PutOidcProvider {
    name: ProviderName,
    issuer: String,
    client_ids: Vec<String>,
    keys: Option<String>,
    description: String,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Put(OidcProvider);

impl Operation for PutOidcProvider {
    const SPEC: &'static Spec = &Spec {
        name: "PutOidcProvider",
        effect: Effect::Write,
        errors: &[&[Code::LimitExceeded]],
        example: &[
            ("Name", "cluster"),
            ("Issuer", "https://issuer.example.com"),
            ("ClientId.1", "sts.example.com"),
            (
                "Keys",
                r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#,
            ),
            ("Description", "the cluster of the orders"),
        ],
        ..ADMIN
    };

    type Response = Put;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let name = params.required("Name")?;
        let Issuer(issuer) = params.required("Issuer")?;
        let client_ids: Vec<ClientId> = params.list("ClientId")?;
        match client_ids.len() {
            0 => return Err(ApiError::missing("ClientId")),
            1..=CLIENT_IDS => {}
            _ => return Err(ApiError::invalid("ClientId")),
        }
        let client_ids = client_ids.into_iter().map(|ClientId(it)| it).collect();
        let keys = params.optional("Keys")?.map(|Keys(it)| it);
        let description = params.optional("Description")?;
        let description = description.map(|Description(it)| it).unwrap_or_default();
        Ok(Self { name, issuer, client_ids, keys, description })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Put, ApiError> {
        call.allow(&Arn::any())?;
        let (account, now) = (call.account(), call.now);
        let before = call.tx()?.oidc_provider(account, &self.name).await?;
        if before.is_none() {
            let count = call.tx()?.oidc_providers(account).await?.len();
            if count >= MOST {
                return Err(Code::LimitExceeded.into());
            }
        }
        let provider = OidcProvider {
            account: account.clone(),
            name: self.name.clone(),
            issuer: self.issuer.clone(),
            client_ids: self.client_ids.clone(),
            keys: self.keys.clone(),
            description: self.description.clone(),
            created: before.map_or(now, |it| it.created),
            updated: now,
        };
        call.tx()?.put_oidc_provider(&provider).await?;
        call.has_made(Arn::ram(account, &format!("oidc-provider/{}", self.name)));
        Ok(Put(provider))
    }
}

impl Encode for Put {
    fn encode(self) -> Fields {
        Fields::default().object("OidcProvider", fields(&self.0))
    }
}

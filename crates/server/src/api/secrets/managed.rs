//! What is different when a managed secret is made, and when it is shown. Source: secrets.md §4.1, §6.

use aws_lc_rs::constant_time;
use yaoku_model::{
    ids::{AccountId, Invalid, SecretName, Stage, VersionId},
    secret::{
        AutomaticRotation, Config, Credential, CustomData, DataType, Managed, Rotation,
        RotationInterval, Secret, SecretType, Step, Unfit,
    },
    text::SecretData,
    time::Timestamp,
};
use yaoku_wire::{error::Code, fields::Fields, params::Params};

use super::update_secret_rotation_policy::{interval, set};
use crate::{
    accounts,
    call::Call,
    error::ApiError,
    node::Node,
    rotation::{begin, password, ram},
    values::NewValue,
};

/// What a managed secret is about.
const CONFIG: &str = "ExtendedConfig";

/// The one part of it that can change.
const CUSTOM_DATA: &str = "ExtendedConfig.CustomData";

/// What a request says of a managed secret that is to be made.
#[derive(Debug)]
pub(super) struct NewManaged {
    kind: SecretType,
    config: Config,
    /// The credentials: one, or two, or none if the service is to make them.
    sent: Vec<Credential>,
    interval: Option<RotationInterval>,
}

impl NewManaged {
    /// Takes what a secret of this kind needs besides its name; `None` for a generic one, which has
    /// nothing of it, whatever is sent.
    pub(super) fn take(
        params: &mut Params,
        kind: SecretType,
        value: &NewValue,
    ) -> Result<Option<Self>, ApiError> {
        let automatic = params.flag("EnableAutomaticRotation")?.unwrap_or(false);
        let config = params.text(CONFIG).filter(|it| !it.is_empty());
        if kind == SecretType::Generic {
            _ = params.text("RotationInterval");
            return Ok(None);
        }
        let config = config.ok_or(ApiError::missing(CONFIG))?;
        let config = Config::parse(kind, &config);
        let config = config.map_err(|unfit| ApiError::unfit(CONFIG, unfit))?;
        if value.data_type != DataType::Text {
            return Err(ApiError::invalid_for("SecretDataType", "text"));
        }
        // When access keys were made is known once they are found.
        let unknown = Timestamp::from_unix_seconds(0);
        let sent = Credential::sent(kind, config.sub_type, &value.data, unknown);
        let sent = sent.map_err(|unfit| ApiError::unfit("SecretData", unfit))?;
        Ok(Some(Self { kind, config, sent, interval: interval(params, automatic)? }))
    }

    /// The name that it gets: access keys are named after their user. Source: secrets.md §6.5.
    pub(super) fn name(&self, sent: &str) -> Result<SecretName, ApiError> {
        const NAME: &str = "SecretName";
        let invalid = |Invalid| ApiError::invalid(NAME);
        match (self.kind, self.config.user_name()) {
            (SecretType::RamCredentials, Some(user)) if sent == "$Auto" => {
                format!("acs/ram/user/{user}").parse().map_err(invalid)
            }
            (SecretType::Ecs, _) if sent.starts_with("acs/ecs/") && !sent.contains('!') => {
                sent.parse().map_err(invalid)
            }
            (SecretType::RamCredentials, _) => {
                Err(ApiError::invalid_for(NAME, "$Auto, which makes acs/ram/user/<UserName> of it"))
            }
            (SecretType::Ecs, _) => {
                Err(ApiError::invalid_for(NAME, "a name that begins with acs/ecs/, without !"))
            }
            _ => super::own_name(sent),
        }
    }

    /// What the secret has besides.
    pub(super) fn managed(&self, version: &VersionId, created: Timestamp) -> Managed {
        let mut managed = Managed {
            config: self.config.text(),
            automatic: AutomaticRotation::Disabled,
            interval: None,
            last_rotation: None,
            next_rotation: None,
            recent: vec![version.clone()],
        };
        set(&mut managed, self.interval, created);
        managed
    }

    /// The values of its versions: the current one under the id that the client chose, and the
    /// previous one if there are two credentials.
    pub(super) async fn values(
        &self,
        node: &Node,
        account: &AccountId,
        version: &VersionId,
    ) -> Result<Vec<NewValue>, ApiError> {
        let credentials = match self.kind {
            _ if self.makes_accounts() => self.new_accounts(node)?,
            SecretType::RamCredentials => self.access_keys(node, account).await?,
            _ => self.sent.clone(),
        };
        let mut ids = vec![version.clone()];
        while ids.len() < credentials.len() {
            ids.push(password::version_id(&*node.random)?);
        }
        let value = |(id, it): (VersionId, &Credential)| {
            let data = it.data().map_err(|Invalid| ApiError::invalid("SecretData"))?;
            Ok(NewValue { id, data, data_type: DataType::Text })
        };
        ids.into_iter().zip(&credentials).map(value).collect()
    }

    /// Two accounts with one password, which the engine will make. Source: secrets.md §6.3, §6.4.
    fn new_accounts(&self, node: &Node) -> Result<Vec<Credential>, ApiError> {
        let names = self.config.accounts().ok_or(Code::InternalFailure)?;
        let password: SecretData = password::password(&*node.random)?;
        let account =
            |name: &str| Credential::Account { name: name.to_owned(), password: password.clone() };
        Ok(names.map(account).into())
    }

    /// The access keys that were sent, the newest first, each with the date that it was made on. They
    /// must be all that the user has. Source: secrets.md §6.5. That their secrets are compared too is
    /// our choice: who knows only the ids must not come by a new key of the user.
    async fn access_keys(
        &self,
        node: &Node,
        account: &AccountId,
    ) -> Result<Vec<Credential>, ApiError> {
        let user = self.config.user_name().ok_or(Code::InternalFailure)?;
        let mut tx = node.store.read().await?;
        let mut real = tx.access_keys(account, Some(&user)).await?;
        // The last that was made stands first; of two of one moment, the later in order of id.
        real.sort_by(|a, b| (b.created, &b.id).cmp(&(a.created, &a.id)));
        let not_these = || {
            const ALL: &str = "all access keys that the user has, each with its secret";
            ApiError::unfit("SecretData", Unfit::new("AccessKeys", ALL))
        };
        let mut dated = Vec::new();
        for real in &real {
            let known = accounts::open_access_key(node, real)?;
            let sent = self.sent.iter().find_map(|it| match it {
                Credential::AccessKey { id, secret, .. } if *id == real.id => Some(secret),
                _ => None,
            });
            let sent = sent.filter(|it| {
                let (sent, known) = (it.expose_text().as_bytes(), known.expose_text().as_bytes());
                constant_time::verify_slices_are_equal(sent, known).is_ok()
            });
            let secret = sent.ok_or_else(not_these)?.clone();
            dated.push(Credential::AccessKey { id: real.id.clone(), secret, made: real.created });
        }
        if dated.len() == self.sent.len() { Ok(dated) } else { Err(not_these()) }
    }

    /// Fails unless the service may change the credential: a user's access keys. Works on the
    /// transaction. Source: secrets.md §6.5.
    pub(super) async fn must_be_permitted(
        &self,
        call: &mut Call<'_>,
        secret: &Secret,
    ) -> Result<(), ApiError> {
        match self.config.user_name() {
            Some(user) if self.kind == SecretType::RamCredentials => {
                ram::must_be_permitted(call.tx()?, secret, &user).await
            }
            _ => Ok(()),
        }
    }

    /// What is still to be done when the secret is there: its accounts are made on their server.
    pub(super) fn rotation(&self, secret: &Secret, version: &VersionId) -> Option<Rotation> {
        let rotation = || begin::new(secret, version.clone(), Step::Create, secret.created);
        self.makes_accounts().then(rotation)
    }

    /// Whether its accounts are made with it. Source: secrets.md §6.3, §6.4.
    pub(super) fn makes_accounts(&self) -> bool {
        matches!(self.kind, SecretType::Redis | SecretType::PolarDb)
    }
}

/// The labels of a new secret's versions: the current one first.
pub(super) const LABELS: [fn() -> Stage; 2] = [Stage::current, Stage::previous];

/// Adds what is shown of a managed secret: nothing of a generic one. Source: secrets.md §4.2, §5.
pub(super) fn with_rotation(fields: Fields, managed: Option<&Managed>, config: bool) -> Fields {
    let Some(it) = managed else { return fields };
    let time = |it: Option<Timestamp>| it.map(|it| it.to_string());
    fields
        .text("AutomaticRotation", it.automatic.as_str())
        .maybe_text("ExtendedConfig", config.then(|| it.config.clone()))
        .maybe_text("LastRotationDate", time(it.last_rotation))
        .maybe_text("RotationInterval", it.interval.map(|it| format!("{it}s")))
        .maybe_text("NextRotationDate", time(it.next_rotation))
}

/// Takes `ExtendedConfig.CustomData` in each way that clients send it: a member for each key, one
/// text of JSON, or that in `ExtendedConfig`. Source: secrets.md §4.8.
pub(super) fn custom_data(params: &mut Params) -> Result<Option<CustomData>, ApiError> {
    let whole = params.text(CONFIG).filter(|it| !it.is_empty());
    let text = params.optional(CUSTOM_DATA)?;
    let pairs = params.prefixed(CUSTOM_DATA);
    _ = params.prefixed(CONFIG);
    if !pairs.is_empty() {
        let pairs = pairs.into_iter().map(|(key, value)| (key, (*value).clone()));
        return Ok(Some(CustomData::of(pairs)));
    }
    match (text, whole) {
        (None, Some(whole)) => {
            CustomData::in_config(&whole).map_err(|Invalid| ApiError::invalid(CUSTOM_DATA))
        }
        (text, _) => Ok(text),
    }
}

/// Replaces `CustomData`; a generic secret has none. Source: secrets.md §4.8.
pub(super) fn replace_custom_data(
    secret: &mut Secret,
    custom: &CustomData,
) -> Result<(), ApiError> {
    if secret.managed.is_none() {
        return Ok(());
    }
    let mut config = begin::config(secret)?;
    let set = config.set_custom_data(custom.clone());
    set.map_err(|unfit| ApiError::unfit(CONFIG, unfit))?;
    if let Some(managed) = &mut secret.managed {
        managed.config = config.text();
    }
    Ok(())
}

//! What the operations on hooks have in common. Our own.

use std::str::FromStr;

use yaoku_model::{
    hook::{Hook, Way},
    ids::Invalid,
};
use yaoku_wire::{fields::Fields, params::Params};

use crate::{error::ApiError, hooks::is_url};

/// Hooks of an account. Our choice.
pub(super) const MOST: usize = 10_000;

/// An `https` URL without user, query and fragment, of at most 2048 characters.
#[derive(Clone, Debug)]
pub(super) struct Url(pub(super) String);

impl Url {
    /// Takes the parameter `Url`.
    pub(super) fn of(params: &mut Params) -> Result<Option<Self>, ApiError> {
        const WANTED: &str = "wanted is https://… without user, query and fragment, of at most 2048 \
                              characters";
        let Some(url) = params.text("Url").filter(|it| !it.is_empty()) else { return Ok(None) };
        if url.len() > 2048 || !is_url(&url) {
            return Err(ApiError::invalid_because("Url", &WANTED));
        }
        Ok(Some(Self(url.to_string())))
    }
}

/// One word of a command. What a command may be is asked of all words together.
#[derive(Debug)]
pub(super) struct Word(pub(super) String);

impl FromStr for Word {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        Ok(Self(raw.to_owned()))
    }
}

/// What is told of a hook. The secret that signs is only named.
pub(super) fn fields(it: &Hook) -> Fields {
    let fields = Fields::default().text("SecretName", it.secret.as_str());
    let fields = match &it.way {
        Way::Webhook { url, key } => {
            fields.text("Url", url.as_str()).text("SigningSecret", key.as_str())
        }
        Way::Command(command) => {
            let words = command.lines();
            fields.texts("Command", "Word", words.split('\n'))
        }
    };
    let time = |it: Option<yaoku_model::time::Timestamp>| it.map(|it| it.to_string());
    fields
        .text("Role", it.role.as_str())
        .maybe_text("RotationInterval", it.interval.map(|it| format!("{it}s")))
        .maybe_text("LastRotationDate", time(it.last_rotation))
        .maybe_text("NextRotationDate", time(it.next_rotation))
        .text("CreateDate", it.created.to_string())
        .text("UpdateDate", it.updated.to_string())
}

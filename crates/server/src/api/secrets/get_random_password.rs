//! `GetRandomPassword`: makes a password and keeps nothing of it. Source: secrets.md §4.15.

use yaoku_model::{
    arn::Arn,
    random::{NoRandomness, Random, below},
    text::RandomPassword,
};
use yaoku_wire::{
    error::Code,
    fields::{Encode, Fields},
    params::Params,
};
use zeroize::Zeroizing;

use crate::{
    api::{Effect, Operation, Spec},
    call::Call,
    error::ApiError,
    throttle::Class,
};

/// The kinds of characters, and the parameter that leaves each out. Together they are the 94
/// printable characters of ASCII; the space is none of them.
const CLASSES: [(&str, &str); 4] = [
    ("ExcludeLowercase", "abcdefghijklmnopqrstuvwxyz"),
    ("ExcludeUppercase", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    ("ExcludeNumbers", "0123456789"),
    ("ExcludePunctuation", r##"!"#$%&'()*+,-./:;<=>?@[\]^_`{|}~"##),
];

/// A request for a password.
#[derive(Debug)]
pub(super) struct GetRandomPassword {
    length: usize,
    /// What each kind of character has left. None is empty if all are required.
    classes: Vec<Vec<u8>>,
    require_each: bool,
}

/// The answer.
#[derive(Debug)]
pub(super) struct Drawn(RandomPassword);

impl Operation for GetRandomPassword {
    const SPEC: &'static Spec = &Spec {
        name: "GetRandomPassword",
        effect: Effect::Use,
        class: Some(Class::SecretRead),
        example: &[
            ("PasswordLength", "32"),
            ("ExcludeCharacters", "0Ol1"),
            ("ExcludeLowercase", "false"),
            ("ExcludeUppercase", "false"),
            ("ExcludeNumbers", "false"),
            ("ExcludePunctuation", "true"),
            ("RequireEachIncludedType", "true"),
        ],
        source: "https://www.alibabacloud.com/help/en/kms (API reference, GetRandomPassword)",
        ..Spec::DEFAULT
    };

    type Response = Drawn;

    fn parse(params: &mut Params) -> Result<Self, ApiError> {
        let length = params.integer("PasswordLength", 8..=128)?.unwrap_or(32);
        let excluded = params.text("ExcludeCharacters").unwrap_or_default();
        if !excluded.bytes().all(|it| it.is_ascii_graphic()) {
            return Err(ApiError::invalid("ExcludeCharacters"));
        }
        let mut classes = Vec::new();
        for (name, class) in CLASSES {
            if !params.flag(name)?.unwrap_or(false) {
                let left = class.bytes().filter(|it| !excluded.as_bytes().contains(it));
                classes.push(left.collect::<Vec<_>>());
            }
        }
        let require_each = params.flag("RequireEachIncludedType")?.unwrap_or(true);
        let impossible = require_each && classes.iter().any(Vec::is_empty);
        if impossible || classes.iter().all(Vec::is_empty) {
            return Err(ApiError::invalid("ExcludeCharacters"));
        }
        let length = usize::try_from(length).map_err(|_| ApiError::invalid("PasswordLength"))?;
        Ok(Self { length, classes, require_each })
    }

    async fn run(&self, call: &mut Call<'_>) -> Result<Drawn, ApiError> {
        call.allow(&Arn::any())?;
        let password = self.draw(call.random())?;
        let password = RandomPassword::opened(password).map(Drawn);
        password.map_err(|error| ApiError::caused(Code::InternalFailure, error))
    }
}

impl GetRandomPassword {
    /// Draws until each required kind is there, so that every password that may be made is as
    /// likely as any other. The rarest request (eight characters, one digit left of ten, …) is
    /// met by one draw of a few hundred.
    fn draw(&self, random: &dyn Random) -> Result<Zeroizing<Vec<u8>>, NoRandomness> {
        let alphabet = self.classes.concat();
        let mut password = Zeroizing::new(vec![0; self.length]);
        loop {
            for byte in password.iter_mut() {
                *byte = alphabet[below(random, alphabet.len())?];
            }
            let has = |class: &Vec<u8>| password.iter().any(|it| class.contains(it));
            if !self.require_each || self.classes.iter().all(has) {
                return Ok(password);
            }
        }
    }
}

impl Encode for Drawn {
    fn encode(self) -> Fields {
        Fields::default().secret("RandomPassword", self.0.expose_text())
    }
}

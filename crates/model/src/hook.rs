//! Hooks: what is called, step by step, when a generic secret is rotated. The vendor's way to rotate
//! one is a function that is called with the name of a step (secrets.md §7); this is a function's place.

use std::str::FromStr;

use crate::{
    ids::{AccountId, Invalid, RoleName, SecretName},
    time::Timestamp,
};

/// What rotates a generic secret. It works by the public API, in a session of `role`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Hook {
    /// The owner of the secret.
    pub account: AccountId,
    /// The secret.
    pub secret: SecretName,
    /// What is called.
    pub way: Way,
    /// The role, of the same account, that it has a session of: narrowed to this secret.
    pub role: RoleName,
    /// How often it is called by itself, in seconds: see
    /// [`Managed::INTERVALS`](crate::secret::Managed::INTERVALS). `None` is when somebody asks for it.
    pub interval: Option<i64>,
    /// When it last rotated the secret.
    pub last_rotation: Option<Timestamp>,
    /// When it will be called next by itself.
    pub next_rotation: Option<Timestamp>,
    /// When it was first put here.
    pub created: Timestamp,
    /// When it was last put here.
    pub updated: Timestamp,
}

/// How a hook is called.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Way {
    /// A server, over HTTPS.
    Webhook {
        /// Where.
        url: String,
        /// The secret of the same account whose current value signs what is sent.
        key: SecretName,
    },
    /// A program on the node's machine.
    Command(Command),
}

/// A program, by its path, and its arguments: no shell reads them. At most 64, of at most 4096 bytes
/// together, without control characters. Our choice.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Command(Vec<String>);

impl Hook {
    /// Another date is set: from `now` on, if it is called by itself. So it is after a failure too (our
    /// choice): what was in the way may be gone by then, and each failure is told.
    pub fn is_over(&mut self, now: Timestamp, done: bool) {
        if done {
            self.last_rotation = Some(now);
        }
        self.next_rotation = self.interval.map(|it| now.plus_seconds(it));
    }
}

impl Command {
    /// The longest, in bytes, all together.
    const MAX_BYTES: usize = 4096;

    /// As many words at most.
    const MAX_WORDS: usize = 64;

    /// A program and its arguments.
    pub fn new(words: Vec<String>) -> Result<Self, Invalid> {
        let bytes: usize = words.iter().map(String::len).sum();
        let rooted = words.first().is_some_and(|it| it.starts_with('/'));
        let plain = words.iter().all(|it| !it.contains(char::is_control));
        let fits = words.len() <= Self::MAX_WORDS && bytes <= Self::MAX_BYTES;
        if rooted && plain && fits { Ok(Self(words)) } else { Err(Invalid) }
    }

    /// The program's path, from the root on.
    #[must_use]
    pub fn program(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    /// Its arguments.
    #[must_use]
    pub fn arguments(&self) -> &[String] {
        self.0.get(1..).unwrap_or_default()
    }

    /// All of it, one word a line.
    #[must_use]
    pub fn lines(&self) -> String {
        self.0.join("\n")
    }
}

/// One word a line.
impl FromStr for Command {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        Self::new(raw.split('\n').map(str::to_owned).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::{Command, Hook, Way};
    use crate::time::Timestamp;

    #[test]
    fn a_command_is_a_path_from_the_root_and_plain_words() {
        let long = format!("/{}", "x".repeat(4096));
        let many = "/x".to_owned() + &"\na".repeat(64);
        for raw in
            ["", "rotate", "./rotate", "\n/rotate", "/rotate\n\u{7}", "/rotate\0", &long, &many]
        {
            assert!(raw.parse::<Command>().is_err(), "{raw:?}");
        }
        let it: Command = "/usr/bin/rotate\n--of\n\n$(reboot) 'a b'".parse().unwrap();
        assert_eq!(it.program(), "/usr/bin/rotate");
        assert_eq!(it.arguments(), ["--of", "", "$(reboot) 'a b'"]);
        assert_eq!(it.lines().parse::<Command>(), Ok(it));
    }

    #[test]
    fn the_next_date_follows_the_last_attempt() {
        let now = Timestamp::from_unix_seconds(1_800_000_000);
        let mut it = Hook {
            account: "1".parse().unwrap(),
            secret: "a".parse().unwrap(),
            way: Way::Command("/x".parse().unwrap()),
            role: "rotate".parse().unwrap(),
            interval: Some(21_600),
            last_rotation: None,
            next_rotation: None,
            created: now,
            updated: now,
        };
        it.is_over(now, false);
        assert_eq!((it.last_rotation, it.next_rotation), (None, Some(now.plus_seconds(21_600))));
        it.interval = None;
        it.is_over(now, true);
        assert_eq!((it.last_rotation, it.next_rotation), (Some(now), None));
    }
}

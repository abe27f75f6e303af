//! Texts that must not be logged, compared in variable time, or left in memory.
//!
//! Each wrapper redacts `Debug`, has neither `Display` nor `Serialize`, and is wiped on drop.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    str::FromStr,
};

use secrecy::{ExposeSecret, SecretSlice, zeroize::Zeroizing};
use zeroize::optimization_barrier;

use crate::ids::Invalid;

/// Declares a secret text: kept exactly as sent, never decoded.
macro_rules! secret_text {
    ($(#[$doc:meta])* $name:ident, max $max:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug)] // `Debug` redacts: SecretSlice
        pub struct $name(SecretSlice<u8>);

        impl $name {
            /// The longest accepted text, in bytes.
            pub const MAX_LEN: usize = $max;

            /// The bytes. For backends.
            #[must_use]
            pub fn expose(&self) -> &[u8] {
                self.0.expose_secret()
            }

            /// The text. For the encoder.
            #[must_use]
            pub fn expose_text(&self) -> &str {
                std::str::from_utf8(self.expose()).unwrap_or_default()
            }

            /// Takes back what a backend opened. Only text was ever sealed; anything else is not ours.
            pub fn opened(mut bytes: Zeroizing<Vec<u8>>) -> Result<Self, Invalid> {
                std::str::from_utf8(&bytes).map_err(|_| Invalid)?;
                Ok(Self(std::mem::take(&mut *bytes).into()))
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(raw: &str) -> Result<Self, Invalid> {
                let fits = (1..=Self::MAX_LEN).contains(&raw.len());
                if fits { Ok(Self(raw.as_bytes().to_vec().into())) } else { Err(Invalid) }
            }
        }
    };
}

secret_text! {
    /// The text a client asks us to encrypt: opaque, though the vendor's page says Base64.
    ///
    /// 8192 bytes hold Base64 of the documented 6 KB. Source: keys.md §9.4 (the limit: inferred).
    Plaintext, max 8192
}
secret_text! {
    /// A secret's value. `SecretDataType` `binary` changes nothing.
    ///
    /// Source: secrets.md §1.6 (the limit), §4.1.
    SecretData, max 30 * 1024
}
secret_text! {
    /// The secret half of an access key.
    AccessKeySecret, max 128
}
secret_text! {
    /// A password that somebody chose. Longer than any that a policy allows. Our choice.
    Password, max 256
}
secret_text! {
    /// A password, hashed (Argon2id, in the PHC format). Not shown either: it can be guessed at.
    PasswordHash, max 512
}
secret_text! {
    /// A password made at random. Source: secrets.md §4.15 (the limit).
    RandomPassword, max 128
}

/// Whether a text may be kept as it is and shown to anybody: a description, a policy. It has no
/// control characters, but tabs and ends of lines, and none of what Unicode keeps from being
/// characters; XML could not carry them, and screens obey some. Our choice.
#[must_use]
pub fn is_plain(text: &str) -> bool {
    let never = |c: char| matches!(c, '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xfffe == 0xfffe;
    let refused = |c: char| (c.is_control() && !"\t\n\r".contains(c)) || never(c);
    !text.chars().any(refused)
}

/// A buffer that may hold secrets: wiped on drop, all its room at once. `Zeroizing` writes byte by
/// byte, which for the buffers of a request takes longer than what they are for.
///
/// As with `Zeroizing`, growing it leaves a copy behind, which the allocator wipes: give it room.
#[derive(Default)]
pub struct Wiped(Vec<u8>);

impl Wiped {
    /// An empty buffer with room for `len` bytes.
    #[must_use]
    pub fn with_room(len: usize) -> Self {
        Self(Vec::with_capacity(len))
    }
}

impl From<Vec<u8>> for Wiped {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl Deref for Wiped {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for Wiped {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        self.0.clear();
        self.0.resize(self.0.capacity(), 0);
        // Without it the compiler may drop a write that nobody reads.
        optimization_barrier(self.0.as_slice());
    }
}

/// Its length only.
impl fmt::Debug for Wiped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wiped({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::{Plaintext, SecretData, Wiped, is_plain};

    #[test]
    fn plain_text_has_no_controls_but_lines_and_tabs_and_nothing_that_is_no_character() {
        for text in ["\0", "\u{1b}[31m", "\u{7f}", "\u{85}", "\u{fffe}", "\u{ffff}", "\u{1fffe}"] {
            assert!(!is_plain(text), "{text:?}");
        }
        assert!(["", "a\tb\r\nc", "для заказов", "钥库 🔑", "\u{fffd}"].into_iter().all(is_plain));
    }

    #[test]
    fn nothing_secret_is_printed() {
        let (data, text): (SecretData, Plaintext) =
            ("hunter2".parse().unwrap(), "hunter2".parse().unwrap());
        let mut buffer = Wiped::with_room(10);
        buffer.extend_from_slice(b"hunter2");
        assert!(!format!("{data:?} {text:?} {buffer:?}").contains("hunter2"));
    }

    #[test]
    fn a_value_has_one_byte_to_30_kib() {
        let fits = |len: usize| "x".repeat(len).parse::<SecretData>().is_ok();
        assert_eq!([0, 1, 30_720, 30_721].map(fits), [false, true, true, false]);
    }
}

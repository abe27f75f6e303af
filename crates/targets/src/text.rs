//! Texts of others, before they are shown; names of accounts, before they are sent.

use std::fmt::Write as _;

use aws_lc_rs::digest;
use yaoku_model::text::SecretData;

use crate::Fault;

/// The longest text of a server that is kept, in characters. Our choice.
const LONGEST: usize = 300;

/// So much of a secret in a text, in bytes, is too much.
const PART: usize = 6;

/// What a server said, on one line. If there is a part of a secret in it (a server may quote the
/// statement that it does not understand), nothing of it.
pub(crate) fn said(text: &str, secret: Option<&SecretData>) -> String {
    if secret.is_some_and(|it| shows(text, it.expose())) {
        return "what it said is not shown, for it holds a part of a secret".to_owned();
    }
    let line = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c });
    line.take(LONGEST).collect()
}

fn shows(text: &str, secret: &[u8]) -> bool {
    let part = secret.len().clamp(1, PART);
    secret.windows(part).any(|it| text.as_bytes().windows(part).any(|at| at == it))
}

/// The SHA-256 of something, in small hexadecimal digits.
pub(crate) fn sha256(of: &[u8]) -> String {
    let digest = digest::digest(&digest::SHA256, of);
    digest.as_ref().iter().fold(String::new(), |mut text, byte| {
        _ = write!(text, "{byte:02x}");
        text
    })
}

/// No protocol here carries a NUL within a name or a password: what is behind it would be cut off.
pub(crate) fn whole(text: &str) -> Result<(), Fault> {
    if text.contains('\0') {
        return Err(Fault::Failed("a name or a password with a NUL cannot be sent".to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, said, whole};

    #[test]
    fn a_text_with_a_part_of_the_secret_is_not_shown() {
        let secret = "correct horse's battery".parse().unwrap();
        let text = "syntax error near 's battery'";
        assert!(!said(text, Some(&secret)).contains("battery"));
        assert_eq!(said(text, None), text);
        assert_eq!(said("no such account", Some(&secret)), "no such account");
        assert!(!said("its x here", Some(&"x".parse().unwrap())).contains("here"));
    }

    #[test]
    fn texts_are_one_short_line() {
        assert_eq!(said(" a\nb\u{1b}[0m \n", None), "a b [0m");
        assert_eq!(said(&"é".repeat(1000), None).chars().count(), LONGEST);
    }

    #[test]
    fn nothing_with_a_nul_is_sent() {
        assert!(whole("a\0b").is_err());
        assert!(whole("it's `fine` \\ \"so\"").is_ok());
    }
}

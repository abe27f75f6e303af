//! The host key of an SSH server, from whatever OpenSSH writes it into.

use std::{collections::BTreeSet, fmt, str::FromStr};

use russh::keys::{Algorithm, HashAlg, PublicKey};

/// A host key that is taken: Ed25519 or ECDSA. RSA is not, for the SSH library's RSA is not free of
/// timing leaks.
///
/// Read from a `.pub` file, from what `ssh-keyscan` prints or from lines of `known_hosts`: hosts in
/// front, comments behind and on lines of their own are left out, and so are lines with a marker
/// (`@revoked`). Of several keys an Ed25519 one goes first.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HostKey(PublicKey);

/// Why a text is no host key that is taken.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotAHostKey {
    /// No line looks like one.
    #[error("there is no public key in it as OpenSSH writes them, such as `ssh-ed25519 AAAA…`")]
    None,
    /// One of a type that is taken, which cannot be read.
    #[error("the public key in it is cut short or changed")]
    Broken,
    /// Keys of other types only: these.
    #[error("there are only keys of type {0} in it")]
    Type(String),
    /// Different ones of the same type.
    #[error("there are different keys of one type in it: which is meant?")]
    Several,
}

impl HostKey {
    /// The types that are taken, for those who read.
    pub const TYPES: &str = "ssh-ed25519, ecdsa-sha2-nistp256, ecdsa-sha2-nistp384 and \
                             ecdsa-sha2-nistp521";

    /// What `ssh-keygen -l` shows of it: `SHA256:` and the digest in Base64.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.0.fingerprint(HashAlg::Sha256).to_string()
    }

    pub(crate) const fn key(&self) -> &PublicKey {
        &self.0
    }
}

/// As a `.pub` file has it, without a comment.
impl fmt::Display for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_openssh().map_err(|_| fmt::Error)?;
        f.write_str(text.trim())
    }
}

impl FromStr for HostKey {
    type Err = NotAHostKey;

    fn from_str(text: &str) -> Result<Self, NotAHostKey> {
        let (mut found, mut others) = (Vec::new(), BTreeSet::new());
        for (kind, key) in text.lines().filter_map(words) {
            if !is_taken(kind) {
                others.insert(kind);
                continue;
            }
            let key = PublicKey::from_str(&format!("{kind} {key}"));
            found.push(key.map_err(|_| NotAHostKey::Broken)?);
        }
        let ed25519 = found.iter().find(|it| it.algorithm() == Algorithm::Ed25519);
        let Some(best) = ed25519.or(found.first()) else {
            let others: Vec<_> = others.into_iter().collect();
            return Err(match &*others {
                [] => NotAHostKey::None,
                _ => NotAHostKey::Type(others.join(", ")),
            });
        };
        let same = |it: &&PublicKey| it.algorithm() == best.algorithm();
        if found.iter().filter(same).any(|it| it != best) {
            return Err(NotAHostKey::Several);
        }
        Ok(Self(best.clone()))
    }
}

/// The type and the key of a line, if it has them.
fn words(line: &str) -> Option<(&str, &str)> {
    let words: Vec<_> = line.split_ascii_whitespace().take(3).collect();
    if words.first().is_none_or(|it| it.starts_with(['#', '@'])) {
        return None;
    }
    // Every key begins with the length of its type's name. Source: RFC 4253 §6.6.
    let pairs = words.iter().zip(words.iter().skip(1));
    pairs.map(|(kind, key)| (*kind, *key)).find(|(_, key)| key.starts_with("AAAA"))
}

fn is_taken(kind: &str) -> bool {
    HostKey::TYPES.split([',', ' ']).any(|it| it == kind)
}

#[cfg(test)]
mod tests {
    use super::{HostKey, NotAHostKey};

    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
    const OTHER: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
    const ECDSA: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABB\
                         BGsX0fLhLEJH+Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT+NC4v4af5uO5+tKfA+eFivOM1dr\
                         MV7Oy7ZAaDe/UfU=";
    const RSA: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQ==";

    fn read(text: &str) -> Result<String, NotAHostKey> {
        text.parse().map(|it: HostKey| it.to_string())
    }

    #[test]
    fn what_is_no_host_key_says_why() {
        for text in ["", "nonsense", "# ssh-ed25519 AAAA", "ssh-ed25519", "@revoked h ssh-rsa AAAA"]
        {
            assert_eq!(read(text), Err(NotAHostKey::None), "{text}");
        }
        let short = &KEY[..KEY.len() - 8];
        for text in
            [short, "h ssh-ed25519 AAAA x", &KEY.replace("ssh-ed25519", "ecdsa-sha2-nistp256")]
        {
            assert_eq!(read(text), Err(NotAHostKey::Broken), "{text}");
        }
        assert_eq!(read(&format!("h {RSA}")), Err(NotAHostKey::Type("ssh-rsa".to_owned())));
        assert_eq!(read(&format!("{KEY}\n{OTHER}")), Err(NotAHostKey::Several));
        assert_eq!(read(&format!("@revoked * {KEY}")), Err(NotAHostKey::None));
    }

    #[test]
    fn a_key_is_found_in_whatever_openssh_writes() {
        let hashed = "|1|JfKTdBh7rNbXkVAQCRp4OQoPfmI=|USECr3SWf1JUPsms5AqfD5QfxkM=";
        for text in [
            KEY.to_owned(),
            format!("{KEY} root@db 1\n"),
            format!("db.example {KEY}"),
            format!("[db.example]:2222,192.0.2.7 {KEY} a comment\r\n"),
            format!("{hashed}\t{KEY}\n"),
            format!("# db.example:22 SSH-2.0-OpenSSH_9.2\n\ndb {RSA}\ndb {ECDSA}\ndb {KEY}\n"),
            format!("db {KEY}\n192.0.2.7 {KEY}\n"),
        ] {
            assert_eq!(read(&text).as_deref(), Ok(KEY), "{text}");
        }
        assert_eq!(read(&format!("db {RSA}\ndb {ECDSA}")).as_deref(), Ok(ECDSA));
    }
}

//! The head of a chain: how far it goes and its hash; signed where it is written.

use std::{borrow::Cow, fmt, io, path::Path, str::FromStr};

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use yaoku_model::{
    ids::Invalid,
    random::{NoRandomness, Random},
    time::Timestamp,
};
use zeroize::Zeroizing;

use super::record::Hash;
use crate::disk::Disk;

/// What a signature of a head begins with, so that it is good for nothing else.
const DOMAIN: &[u8] = b"yaoku audit head 1\0";

/// What a signature of anything else of a journal begins with.
const TEXT_DOMAIN: &[u8] = b"yaoku audit text 1\0";

/// The file that the public key lies in, beside the segments: one line of Base64.
const PUBLIC_KEY_FILE: &str = "public.key";

/// The name of a node: 1 to 64 of `a-z`, `0-9` and `-`. It names the node's directory too.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct NodeName(String);

impl NodeName {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for NodeName {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let fits = (1..=64).contains(&raw.len()) && raw.chars().all(allowed);
        if fits { Ok(Self(raw.to_owned())) } else { Err(Invalid) }
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How far a chain goes: the number of its last record, and that record's hash.
///
/// As text `<number>:<hash>`: that is what the store keeps.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Head {
    /// The last record's number. The first is 1.
    pub sequence: u64,
    /// The last record's hash, which stands for all before it.
    pub(super) hash: Hash,
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.sequence, self.hash)
    }
}

impl Serialize for Head {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'a> Deserialize<'a> for Head {
    fn deserialize<D: Deserializer<'a>>(from: D) -> Result<Self, D::Error> {
        let text = Cow::<'a, str>::deserialize(from)?;
        text.parse().map_err(|Invalid| D::Error::custom("not a head"))
    }
}

impl FromStr for Head {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        let (sequence, hash) = raw.split_once(':').ok_or(Invalid)?;
        Ok(Self { sequence: sequence.parse().map_err(|_| Invalid)?, hash: hash.parse()? })
    }
}

/// The key that signs heads (Ed25519). One a node, kept sealed by the caller.
pub struct HeadSigner(Ed25519KeyPair);

impl HeadSigner {
    /// A new key, and its PKCS#8 for the caller to seal and keep.
    pub fn generate(random: &dyn Random) -> Result<(Self, Zeroizing<Vec<u8>>), NoRandomness> {
        let mut seed = Zeroizing::new([0; 32]);
        random.fill(&mut *seed)?;
        let pair = Ed25519KeyPair::from_seed_unchecked(&*seed).map_err(|_| NoRandomness)?;
        let pkcs8 = pair.to_pkcs8().map_err(|_| NoRandomness)?;
        let kept = Zeroizing::new(pkcs8.as_ref().to_vec());
        Ok((Self(pair), kept))
    }

    /// The key that [`HeadSigner::generate`] gave.
    pub fn from_pkcs8(pkcs8: &Zeroizing<Vec<u8>>) -> Result<Self, Invalid> {
        Ed25519KeyPair::from_pkcs8(pkcs8).map(Self).map_err(|_| Invalid)
    }

    /// The half that proves.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.public_key().as_ref().to_vec())
    }

    /// Signs a head, in Base64.
    pub(super) fn sign(&self, node: &str, head: Head, at: Timestamp) -> String {
        BASE64.encode(self.0.sign(&message(node, head, at)))
    }

    /// Signs what is no head, in Base64.
    pub(super) fn sign_text(&self, text: &str) -> String {
        BASE64.encode(self.0.sign(&[TEXT_DOMAIN, text.as_bytes()].concat()))
    }
}

impl fmt::Debug for HeadSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HeadSigner(***)")
    }
}

/// What proves the heads of one node: 32 bytes, as text in Base64.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublicKey(Vec<u8>);

impl PublicKey {
    /// The key that lies beside a node's segments; `None` if there is none.
    ///
    /// Good for a look. A proof against somebody who can write there needs a copy kept elsewhere.
    pub fn beside(segments: &Path) -> io::Result<Option<Self>> {
        match std::fs::read_to_string(segments.join(PUBLIC_KEY_FILE)) {
            Ok(text) => {
                text.trim_end().parse().map(Some).map_err(|_| io::ErrorKind::InvalidData.into())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Puts the key beside a node's segments.
    pub(super) fn put_beside(&self, segments: &Path, disk: &dyn Disk) -> io::Result<()> {
        disk.replace(&segments.join(PUBLIC_KEY_FILE), format!("{self}\n").as_bytes())
    }

    /// Whether `signature` (in Base64) is this key's over the head.
    pub(super) fn proves(&self, node: &str, head: Head, at: Timestamp, signature: &str) -> bool {
        self.proves_bytes(&message(node, head, at), signature)
    }

    /// Whether `signature` (in Base64) is this key's over a text.
    pub(super) fn proves_text(&self, text: &str, signature: &str) -> bool {
        self.proves_bytes(&[TEXT_DOMAIN, text.as_bytes()].concat(), signature)
    }

    fn proves_bytes(&self, message: &[u8], signature: &str) -> bool {
        let Ok(signature) = BASE64.decode(signature) else { return false };
        UnparsedPublicKey::new(&ED25519, &self.0).verify(message, &signature).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64.encode(&self.0))
    }
}

impl FromStr for PublicKey {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        let bytes = BASE64.decode(raw).map_err(|_| Invalid)?;
        if bytes.len() == 32 { Ok(Self(bytes)) } else { Err(Invalid) }
    }
}

/// What is signed. Every part but the name is of fixed length, so it reads in one way only.
fn message(node: &str, head: Head, at: Timestamp) -> Vec<u8> {
    let mut message = DOMAIN.to_vec();
    message.extend(head.sequence.to_be_bytes());
    message.extend(head.hash.as_bytes());
    message.extend(at.unix_ms().to_be_bytes());
    message.extend(node.as_bytes());
    message
}

#[cfg(test)]
pub(super) mod testing {
    //! A signer for tests.

    use super::HeadSigner;
    use yaoku_model::random::testing::Counting;

    /// The same in each run.
    pub(crate) fn signer() -> HeadSigner {
        HeadSigner::generate(&Counting::default()).unwrap().0
    }
}

#[cfg(test)]
mod tests {
    use yaoku_model::{random::testing::Counting, time::Timestamp};

    use super::{Head, HeadSigner, NodeName, testing::signer};
    use crate::audit::record::Hash;

    #[test]
    fn a_signature_is_good_for_its_head_node_and_time_only() {
        let (signer, key) = (signer(), signer().public_key());
        let head = Head { sequence: 7, hash: Hash::of(&[b"a"]) };
        let at = Timestamp::from_unix_ms(5);
        let signature = signer.sign("node", head, at);
        assert!(key.proves("node", head, at, &signature));
        for (node, head, at, signature) in [
            ("other", head, at, signature.as_str()),
            ("node", Head { sequence: 8, ..head }, at, &signature),
            ("node", Head { hash: Hash::of(&[b"b"]), ..head }, at, &signature),
            ("node", head, Timestamp::from_unix_ms(6), &signature),
            ("node", head, at, ""),
            ("node", head, at, "?"),
        ] {
            assert!(!key.proves(node, head, at, signature));
        }
    }

    #[test]
    fn a_kept_key_signs_again_and_shows_nothing() {
        let (first, kept) = HeadSigner::generate(&Counting::default()).unwrap();
        let again = HeadSigner::from_pkcs8(&kept).unwrap();
        assert_eq!(first.public_key(), again.public_key());
        assert_eq!(format!("{again:?}"), "HeadSigner(***)");
        assert!(HeadSigner::from_pkcs8(&vec![1].into()).is_err());
    }

    #[test]
    fn heads_and_names_read_as_they_are_written() {
        let head = Head { sequence: 7, hash: Hash::of(&[b"a"]) };
        assert_eq!(head.to_string().parse(), Ok(head));
        for text in ["", "7", ":", "7:x", "x:y"] {
            assert!(text.parse::<Head>().is_err(), "{text}");
        }
        for text in ["", "..", "a/b", "A", &"a".repeat(65)] {
            assert!(text.parse::<NodeName>().is_err(), "{text}");
        }
    }
}

//! Security tokens: all that a node must know of a session, sealed, so that any node can open one
//! without asking anybody.
//!
//! A token is Base64 (URL alphabet, no padding) of a version, the account and the access key id,
//! both in clear, and the sealed rest. The account says whose wrapping key opens it; the seal is
//! bound to both, so that a token of another account, access key or deployment does not open. Our
//! choice throughout: the vendor's tokens are opaque. Source: identity.md §2.6.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use yaoku_crypto::{
    keyring::{CredentialPlace, Keyring},
    rootkey::WrappingPlace,
};
use yaoku_model::{
    ids::{AccessKeyId, AccountId, Invalid, RoleName, RoleSessionName},
    random::Random,
    text::{AccessKeySecret, Wiped},
    time::Timestamp,
};
use zeroize::Zeroizing;

use crate::error::ApiError;

/// The longest token that is looked at, in characters: longer than any that is made.
const MAX_TOKEN: usize = 16 * 1024;

/// The first byte of a token and of what is sealed in it. Another form will have another.
const VERSION: u8 = 1;

/// The kind of a sealed session, so that nothing else opens in its place.
const SESSION: &str = "session";

const MFA: u8 = 1;
const POLICY: u8 = 2;
const SOURCE_IDENTITY: u8 = 4;

/// What a token keeps of a session.
#[derive(Debug)]
pub struct Content {
    /// What its access key signs with.
    pub secret: AccessKeySecret,
    /// The role.
    pub role: RoleName,
    /// The role's id.
    pub role_id: String,
    /// What the session is called.
    pub name: RoleSessionName,
    /// What it was narrowed to: a session policy, as submitted.
    pub policy: Option<String>,
    /// Who is behind it.
    pub source_identity: Option<String>,
    /// Whether the one who began it had shown an MFA code.
    pub mfa: bool,
    /// When it ends, by the gateway's clock.
    pub expires: Timestamp,
}

/// Why a token is no good.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BadToken {
    /// It is none of ours, or was changed.
    Malformed,
    /// It belongs to another access key.
    OfAnother,
}

/// Seals a token for the session of an access key.
pub fn seal(
    keyring: &Keyring,
    account: &AccountId,
    id: &AccessKeyId,
    content: &Content,
    random: &dyn Random,
) -> Result<Zeroizing<String>, ApiError> {
    let owner = WrappingPlace { account, instance: None };
    let place = CredentialPlace { kind: SESSION, id: id.as_str() };
    let bytes = content.encode().map_err(|Invalid| ApiError::invalid("Policy"))?;
    let sealed = keyring.seal_credential(&owner, &place, &bytes, random)?;
    let mut token = vec![VERSION];
    for text in [account.as_str(), id.as_str()] {
        token.push(u8::try_from(text.len()).map_err(|_| ApiError::invalid("AccessKeyId"))?);
        token.extend_from_slice(text.as_bytes());
    }
    token.extend_from_slice(&sealed);
    Ok(URL_SAFE_NO_PAD.encode(token).into())
}

/// Opens the token that came with an access key. Answers whose it is too.
pub fn open(
    keyring: &Keyring,
    id: &AccessKeyId,
    token: &str,
) -> Result<(AccountId, Content), BadToken> {
    let malformed = |Invalid| BadToken::Malformed;
    let bytes = Some(token).filter(|it| it.len() <= MAX_TOKEN);
    let bytes = bytes.and_then(|it| URL_SAFE_NO_PAD.decode(it).ok()).ok_or(BadToken::Malformed)?;
    let mut rest = Reader(&bytes);
    if rest.byte().map_err(malformed)? != VERSION {
        return Err(BadToken::Malformed);
    }
    let account: AccountId = rest.short().and_then(str::parse).map_err(malformed)?;
    if rest.short().map_err(malformed)? != id.as_str() {
        return Err(BadToken::OfAnother);
    }
    let owner = WrappingPlace { account: &account, instance: None };
    let place = CredentialPlace { kind: SESSION, id: id.as_str() };
    // An account that is not known here has no wrapping key: the token is another deployment's.
    let opened = keyring.open_credential(&owner, &place, rest.0);
    let opened = opened.map_err(|_| BadToken::Malformed)?;
    let content = Content::decode(&opened).map_err(malformed)?;
    Ok((account, content))
}

impl Content {
    /// As it is sealed: a version, flags, the end in seconds since 1970, then texts, each with its
    /// length in two bytes before it. Fails if one of them is longer than that can say.
    pub fn encode(&self) -> Result<Wiped, Invalid> {
        let mut out = Wiped::with_room(4096);
        let mut flags = if self.mfa { MFA } else { 0 };
        flags |= if self.policy.is_some() { POLICY } else { 0 };
        flags |= if self.source_identity.is_some() { SOURCE_IDENTITY } else { 0 };
        out.extend_from_slice(&[VERSION, flags]);
        out.extend_from_slice(&self.expires.unix_seconds().to_be_bytes());
        let always = [self.secret.expose(), self.role.as_str().as_bytes()];
        let always = always.into_iter().chain([self.role_id.as_bytes()]);
        let always = always.chain([self.name.as_str().as_bytes()]);
        let perhaps = [&self.policy, &self.source_identity];
        let perhaps = perhaps.into_iter().flatten().map(String::as_bytes);
        for text in always.chain(perhaps) {
            let length = u16::try_from(text.len()).map_err(|_| Invalid)?;
            out.extend_from_slice(&length.to_be_bytes());
            out.extend_from_slice(text);
        }
        Ok(out)
    }

    /// Reads what [`Content::encode`] wrote; anything else is refused.
    pub fn decode(bytes: &[u8]) -> Result<Self, Invalid> {
        let mut rest = Reader(bytes);
        let (version, flags) = (rest.byte()?, rest.byte()?);
        if version != VERSION || flags & !(MFA | POLICY | SOURCE_IDENTITY) != 0 {
            return Err(Invalid);
        }
        let seconds = i64::from_be_bytes(rest.array()?);
        let secret = rest.text()?.parse()?;
        let (role, role_id) = (rest.text()?.parse()?, rest.text()?.to_owned());
        let name = rest.text()?.parse()?;
        let mut perhaps = |flag: u8| -> Result<Option<String>, Invalid> {
            if flags & flag == 0 { Ok(None) } else { rest.text().map(|it| Some(it.to_owned())) }
        };
        let (policy, source_identity) = (perhaps(POLICY)?, perhaps(SOURCE_IDENTITY)?);
        if !rest.0.is_empty() {
            return Err(Invalid);
        }
        let (mfa, expires) = (flags & MFA != 0, Timestamp::from_unix_seconds(seconds));
        if expires.unix_seconds() != seconds {
            return Err(Invalid);
        }
        Ok(Self { secret, role, role_id, name, policy, source_identity, mfa, expires })
    }
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Invalid> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Invalid)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Invalid> {
        self.take(N)?.try_into().map_err(|_| Invalid)
    }

    fn byte(&mut self) -> Result<u8, Invalid> {
        self.array().map(|[it]| it)
    }

    /// A text of at most 255 bytes.
    fn short(&mut self) -> Result<&'a str, Invalid> {
        let length = self.byte()?;
        std::str::from_utf8(self.take(length.into())?).map_err(|_| Invalid)
    }

    /// A text of at most 65,535 bytes.
    fn text(&mut self) -> Result<&'a str, Invalid> {
        let length = u16::from_be_bytes(self.array()?);
        std::str::from_utf8(self.take(length.into())?).map_err(|_| Invalid)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use yaoku_crypto::{
        keyring::Keyring,
        random::SystemRandom,
        rootkey::{Generation, RootKey, WrappingPlace},
    };
    use yaoku_model::{
        ids::{AccessKeyId, AccountId},
        time::Timestamp,
    };

    use super::{BadToken, Content, open, seal};

    fn content(policy: Option<&str>, source_identity: Option<&str>, mfa: bool) -> Content {
        Content {
            secret: "a secret".parse().unwrap(),
            role: "deploy".parse().unwrap(),
            role_id: "216959339000654321".to_owned(),
            name: "ci-run".parse().unwrap(),
            policy: policy.map(str::to_owned),
            source_identity: source_identity.map(str::to_owned),
            mfa,
            expires: Timestamp::from_unix_seconds(1_767_326_645),
        }
    }

    fn ring(accounts: &[&str]) -> Keyring {
        let root = RootKey::generate(Generation::FIRST, &SystemRandom).unwrap();
        let ring = Keyring::new([root]);
        for account in accounts {
            let account: AccountId = account.parse().unwrap();
            let owner = WrappingPlace { account: &account, instance: None };
            let sealed = ring.create(&owner, Generation::FIRST, &SystemRandom).unwrap();
            ring.load(&owner, &sealed).unwrap();
        }
        ring
    }

    fn token(ring: &Keyring, account: &str, id: &AccessKeyId) -> String {
        let account = account.parse().unwrap();
        let content = content(Some("{}"), None, false);
        seal(ring, &account, id, &content, &SystemRandom).unwrap().to_string()
    }

    fn refused(ring: &Keyring, id: &AccessKeyId, token: &str) -> Option<BadToken> {
        open(ring, id, token).err()
    }

    #[test]
    fn a_token_of_another_access_key_account_or_deployment_does_not_open() {
        let (here, there) = (ring(&["1", "2"]), ring(&["1"]));
        let (id, other): (AccessKeyId, AccessKeyId) =
            ("STS.a".parse().unwrap(), "STS.b".parse().unwrap());
        let good = token(&here, "1", &id);
        assert_eq!(refused(&here, &other, &good), Some(BadToken::OfAnother));
        assert_eq!(refused(&there, &id, &good), Some(BadToken::Malformed));
        let unknown = token(&ring(&["3"]), "3", &id);
        assert_eq!(refused(&here, &id, &unknown), Some(BadToken::Malformed));
        let (account, content) = open(&here, &id, &good).unwrap();
        assert_eq!((account.as_str(), content.role.as_str()), ("1", "deploy"));
    }

    #[test]
    fn no_byte_of_a_token_can_be_changed() {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
        let (ring, id) = (ring(&["1", "2"]), "STS.a".parse().unwrap());
        let good = token(&ring, "1", &id);
        let bytes = URL_SAFE_NO_PAD.decode(&good).unwrap();
        for at in 0..bytes.len() {
            for change in [1, 3, 0x80] {
                let mut bad = bytes.clone();
                bad[at] ^= change;
                assert!(open(&ring, &id, &URL_SAFE_NO_PAD.encode(bad)).is_err(), "byte {at}");
            }
            let cut = URL_SAFE_NO_PAD.encode(&bytes[..at]);
            assert!(open(&ring, &id, &cut).is_err(), "cut at {at}");
        }
        for bad in ["", "!", "AA", &"A".repeat(20_000), &format!("{good}AAAA")] {
            assert_eq!(refused(&ring, &id, bad), Some(BadToken::Malformed));
        }
    }

    #[test]
    fn a_printed_session_shows_no_secret() {
        assert!(!format!("{:?}", content(None, None, true)).contains("a secret"));
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_read_back(
            policy in proptest::option::of(".{0,300}"),
            source_identity in proptest::option::of("[a-z]{2,64}"),
            mfa: bool,
            seconds in -9_999_999_999_i64..9_999_999_999,
        ) {
            let mut it = content(policy.as_deref(), source_identity.as_deref(), mfa);
            it.expires = Timestamp::from_unix_seconds(seconds);
            let bytes = it.encode().unwrap();
            let again = Content::decode(&bytes).unwrap();
            prop_assert_eq!(&again.policy, &policy);
            prop_assert_eq!(&again.source_identity, &source_identity);
            prop_assert_eq!((again.mfa, again.expires), (mfa, it.expires));
            prop_assert_eq!(again.encode().unwrap().to_vec(), bytes.to_vec());
        }

        #[test]
        fn whatever_is_read_is_written_the_same(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(it) = Content::decode(&bytes) {
                prop_assert_eq!(it.encode().unwrap().to_vec(), bytes);
            }
        }
    }
}

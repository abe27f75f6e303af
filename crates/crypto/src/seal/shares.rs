//! A wrap's key, split into shares of which some are enough (Shamir's scheme over GF(256)).
//!
//! Fewer shares say nothing at all of the key. The scheme itself does not notice a wrong share, so
//! each share says which wrap it is of and has a checksum, and the key has a check value.

use std::{collections::BTreeMap, convert::Infallible, fmt, str::FromStr};

use aws_lc_rs::digest;
use rand_core::{TryCryptoRng, TryRng};
use vsss_rs::Gf256;
use yaoku_model::{
    ids::{Invalid, WrapName},
    random::Random,
};
use zeroize::{Zeroize as _, Zeroizing};

use super::{SealError, WrapKey};
use crate::{
    backend::BackendError,
    memory::{Protected, SECRET_LEN},
    rootkey::KeyCheck,
};

/// One share of a wrap's key. Wiped on drop; `Debug` shows neither it nor a part of it.
///
/// As text: `yaoku-share-1:<wrap>:<number>:<set>:<64 hexadecimal digits>:<checksum>`, where the set
/// is the first four bytes of the key's check value and the checksum the first four of the SHA-256
/// of all before it. Our choice of form.
#[derive(Clone)]
pub struct Share {
    wrap: WrapName,
    number: u8,
    set: [u8; SET_LEN],
    bytes: Zeroizing<[u8; SECRET_LEN]>,
}

/// How many shares there are, how many are enough, and what the key's check value is. Not a secret;
/// kept in the store as `shamir$k=<needed>,n=<of>$<check value>`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ShareParameters {
    needed: u8,
    of: u8,
    check: KeyCheck,
}

const SET_LEN: usize = 4;
const SUM_LEN: usize = 4;
const FIRST: &str = "yaoku-share-1";
const HEAD: &str = "shamir$k=";

/// Splits a wrap's key into `of` shares, `needed` of which are enough: 2 to 255 of either.
pub fn split(
    wrap: &WrapName,
    key: &WrapKey,
    needed: u8,
    of: u8,
    random: &dyn Random,
) -> Result<(ShareParameters, Vec<Share>), SealError> {
    let parameters = ShareParameters { needed, of, check: key.check().clone() };
    if !parameters.are_sound() {
        return Err(SealError::Unsafe("at least 2 shares are needed, and no more than there are"));
    }
    let mut source = Source { random, failed: false };
    let split =
        key.expose(|it| Gf256::split_bytes(needed.into(), of.into(), it.as_slice(), &mut source));
    let mut split = split.map_err(|_| BackendError::Failed("splitting into shares"))?;
    let shares = split.iter().map(|it| Share::of(wrap, &parameters, it)).collect();
    split.zeroize();
    if source.failed {
        return Err(BackendError::Failed("no randomness").into());
    }
    Ok((parameters, shares))
}

impl ShareParameters {
    /// Puts the key of the wrap called `wrap` together. More shares than needed do no harm.
    pub fn combine(&self, wrap: &WrapName, shares: &[Share]) -> Result<WrapKey, SealError> {
        let mut different: BTreeMap<u8, &Share> = BTreeMap::new();
        for share in shares {
            if share.wrap != *wrap || share.set != self.set() {
                return Err(SealError::OtherShare(share.number));
            }
            let before = different.insert(share.number, share);
            if before.is_some_and(|it| it.bytes != share.bytes) {
                return Err(SealError::TwoShares(share.number));
            }
        }
        if different.len() < usize::from(self.needed) {
            let (given, needed) = (different.len(), self.needed);
            return Err(SealError::TooFewShares { given, needed });
        }
        let chosen = different.into_values().take(self.needed.into());
        let mut raw: Vec<Vec<u8>> = chosen.map(Share::raw).collect();
        let combined = Gf256::combine_bytes(&raw).map(Zeroizing::new);
        raw.zeroize();
        let combined = combined.map_err(|_| SealError::WrongShares)?;
        let bytes: &[u8; SECRET_LEN] =
            combined.as_slice().try_into().map_err(|_| SealError::WrongShares)?;
        let key = WrapKey::new(Protected::copy_of(bytes)?)?;
        if *key.check() == self.check { Ok(key) } else { Err(SealError::WrongShares) }
    }

    fn are_sound(&self) -> bool {
        (2..=self.of).contains(&self.needed)
    }

    fn set(&self) -> [u8; SET_LEN] {
        let [a, b, c, d, ..] = self.check.0;
        [a, b, c, d]
    }
}

impl fmt::Display for ShareParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{HEAD}{},n={}${}", self.needed, self.of, self.check)
    }
}

impl FromStr for ShareParameters {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        let (counts, check) =
            raw.strip_prefix(HEAD).and_then(|it| it.split_once('$')).ok_or(Invalid)?;
        let (needed, of) = counts.split_once(",n=").ok_or(Invalid)?;
        let parsed = Self { needed: number(needed)?, of: number(of)?, check: check.parse()? };
        if parsed.are_sound() { Ok(parsed) } else { Err(Invalid) }
    }
}

impl Share {
    /// Its number among the shares of its wrap; the first is 1.
    #[must_use]
    pub fn number(&self) -> u8 {
        self.number
    }

    /// The wrap that it is of.
    #[must_use]
    pub fn wrap(&self) -> &WrapName {
        &self.wrap
    }

    /// The share as its keeper writes it down.
    #[must_use]
    pub fn expose_text(&self) -> Zeroizing<String> {
        let mut hex = Zeroizing::new([0; 2 * SECRET_LEN]);
        // Never fails: the lengths are right.
        _ = hex::encode_to_slice(*self.bytes, &mut *hex);
        // One allocation, so that no copy stays behind.
        let mut text = Zeroizing::new(String::with_capacity(MAX_TEXT));
        let head = [FIRST, self.wrap.as_str(), &self.number.to_string(), &hex::encode(self.set)];
        for part in head {
            text.push_str(part);
            text.push(':');
        }
        text.push_str(std::str::from_utf8(&*hex).unwrap_or_default());
        let sum = checksum(&text);
        text.push(':');
        text.push_str(&sum);
        text
    }

    fn of(wrap: &WrapName, parameters: &ShareParameters, raw: &[u8]) -> Self {
        let mut bytes = Zeroizing::new([0; SECRET_LEN]);
        let (number, rest) = raw.split_first().unwrap_or((&0, &[]));
        bytes.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        Self { wrap: wrap.clone(), number: *number, set: parameters.set(), bytes }
    }

    /// The number, then the bytes: as the library has it.
    fn raw(&self) -> Vec<u8> {
        let mut raw = Vec::with_capacity(1 + SECRET_LEN);
        raw.push(self.number);
        raw.extend_from_slice(&*self.bytes);
        raw
    }
}

/// Bytes of the longest share as text.
const MAX_TEXT: usize =
    FIRST.len() + WrapName::MAX_LEN + 3 + 2 * (SET_LEN + SECRET_LEN + SUM_LEN) + 5;

/// White space around it is no part of it.
impl FromStr for Share {
    type Err = Invalid;

    fn from_str(raw: &str) -> Result<Self, Invalid> {
        let (head, sum) = raw.trim().rsplit_once(':').ok_or(Invalid)?;
        if checksum(head) != sum {
            return Err(Invalid);
        }
        let mut parts = head.split(':');
        let mut part = || parts.next().ok_or(Invalid);
        if part()? != FIRST {
            return Err(Invalid);
        }
        let (wrap, number) = (part()?.parse()?, number(part()?)?);
        let (mut set, mut bytes) = ([0; SET_LEN], Zeroizing::new([0; SECRET_LEN]));
        hex::decode_to_slice(part()?, &mut set).map_err(|_| Invalid)?;
        hex::decode_to_slice(part()?, &mut *bytes).map_err(|_| Invalid)?;
        if parts.next().is_some() || number == 0 {
            return Err(Invalid);
        }
        Ok(Self { wrap, number, set, bytes })
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Share({} {})", self.wrap, self.number)
    }
}

fn number(raw: &str) -> Result<u8, Invalid> {
    raw.parse().ok().filter(|it: &u8| it.to_string() == raw).ok_or(Invalid)
}

fn checksum(text: &str) -> String {
    let sum = digest::digest(&digest::SHA256, text.as_bytes());
    hex::encode(&sum.as_ref()[..SUM_LEN])
}

/// Our randomness, as the library asks for it. It cannot fail there, so it remembers that it did.
struct Source<'a> {
    random: &'a dyn Random,
    failed: bool,
}

impl TryRng for Source<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Infallible> {
        self.failed |= self.random.fill(to).is_err();
        Ok(())
    }
}

impl TryCryptoRng for Source<'_> {}

#[cfg(test)]
mod tests {
    use proptest::proptest;
    use yaoku_model::{
        ids::WrapName,
        random::{NoRandomness, Random},
    };

    use super::{MAX_TEXT, Share, ShareParameters, split};
    use crate::{
        random::SystemRandom,
        seal::{SealError, WrapKey},
    };

    fn wrap(name: &str) -> WrapName {
        name.parse().unwrap()
    }

    fn made(name: &str, needed: u8, of: u8) -> (WrapKey, ShareParameters, Vec<Share>) {
        let key = WrapKey::generate(&SystemRandom).unwrap();
        let (parameters, shares) = split(&wrap(name), &key, needed, of, &SystemRandom).unwrap();
        (key, parameters, shares)
    }

    /// The shares that `mask` has a bit for.
    fn chosen(shares: &[Share], mask: u32) -> Vec<Share> {
        let with = shares.iter().enumerate().filter(|(at, _)| mask & (1 << at) != 0);
        with.map(|(_, it)| it.clone()).collect()
    }

    #[test]
    fn every_choice_of_enough_shares_gives_the_key_and_none_of_too_few() {
        for (needed, of) in [(2, 2), (2, 3), (3, 5), (5, 5), (4, 7)] {
            let (key, parameters, shares) = made("vault", needed, of);
            for mask in 0..1_u32 << of {
                let some = chosen(&shares, mask);
                let enough = some.len() >= usize::from(needed);
                match parameters.combine(&wrap("vault"), &some) {
                    Ok(it) => assert!(enough && it.check() == key.check(), "{mask:b}"),
                    Err(SealError::TooFewShares { given, .. }) => {
                        assert!(!enough && given == some.len(), "{mask:b}");
                    }
                    Err(other) => panic!("{other}"),
                }
            }
        }
    }

    #[test]
    fn any_order_and_a_share_given_twice_do_no_harm() {
        let (key, parameters, mut shares) = made("vault", 3, 5);
        shares.reverse();
        shares.push(shares[0].clone());
        assert_eq!(parameters.combine(&wrap("vault"), &shares).unwrap().check(), key.check());
        let one = vec![shares[0].clone(); 3];
        let combined = parameters.combine(&wrap("vault"), &one);
        assert!(matches!(combined, Err(SealError::TooFewShares { given: 1, needed: 3 })));
    }

    #[test]
    fn a_share_of_another_wrap_or_of_an_earlier_set_is_named() {
        let (_, parameters, shares) = made("vault", 2, 3);
        let (_, _, others) = made("other", 2, 3);
        let (_, _, earlier) = made("vault", 2, 3);
        for stranger in [&others[1], &earlier[1]] {
            let mixed = [shares[0].clone(), stranger.clone()];
            let combined = parameters.combine(&wrap("vault"), &mixed);
            assert!(matches!(combined, Err(SealError::OtherShare(2))), "{combined:?}");
        }
    }

    #[test]
    fn a_changed_share_is_noticed_though_its_checksum_is_right() {
        let (_, parameters, mut shares) = made("vault", 2, 3);
        shares[1].bytes[7] ^= 1;
        let combined = parameters.combine(&wrap("vault"), &shares[..2]);
        assert!(matches!(combined, Err(SealError::WrongShares)), "{combined:?}");
        let mut twice = shares[..2].to_vec();
        twice.push(Share { number: 1, ..shares[1].clone() });
        let combined = parameters.combine(&wrap("vault"), &twice);
        assert!(matches!(combined, Err(SealError::TwoShares(1))), "{combined:?}");
    }

    #[test]
    fn a_slip_of_the_pen_is_noticed() {
        let (_, _, shares) = made(&"w".repeat(WrapName::MAX_LEN), 2, 200);
        let text = shares[150].expose_text();
        assert!(text.len() <= MAX_TEXT);
        let read: Share = format!(" {}\n", *text).parse().unwrap();
        assert_eq!(*read.expose_text(), *text);
        for at in 0..text.len() {
            let mut wrong = text.as_bytes().to_vec();
            wrong[at] = if wrong[at] == b'0' { b'1' } else { b'0' };
            let wrong = String::from_utf8(wrong).unwrap();
            assert!(wrong.parse::<Share>().is_err(), "{wrong}");
            assert!(text[..at].parse::<Share>().is_err(), "{at}");
        }
        proptest!(|(text: String)| assert!(text.parse::<Share>().is_err()));
    }

    #[test]
    fn unsound_numbers_are_refused() {
        let key = WrapKey::generate(&SystemRandom).unwrap();
        for (needed, of) in [(0, 3), (1, 3), (4, 3), (0, 0), (1, 1)] {
            let made = split(&wrap("vault"), &key, needed, of, &SystemRandom);
            assert!(matches!(made, Err(SealError::Unsafe(_))), "{needed} of {of}");
        }
        let (_, parameters, _) = made("vault", 255, 255);
        let text = parameters.to_string();
        assert_eq!(text.parse::<ShareParameters>().unwrap(), parameters);
        for (from, to) in [("k=255", "k=1"), ("k=255", "k=256"), ("n=255", "n=2"), ("$", "")] {
            let bad = text.replacen(from, to, 1);
            assert!(bad.parse::<ShareParameters>().is_err(), "{bad}");
        }
    }

    #[test]
    fn without_randomness_there_are_no_shares() {
        struct Dry;
        impl Random for Dry {
            fn fill(&self, _: &mut [u8]) -> Result<(), NoRandomness> {
                Err(NoRandomness)
            }
        }
        let key = WrapKey::generate(&SystemRandom).unwrap();
        assert!(split(&wrap("vault"), &key, 2, 3, &Dry).is_err());
    }

    #[test]
    fn debug_shows_no_share() {
        let (_, _, shares) = made("vault", 2, 3);
        assert_eq!(format!("{shares:?}"), "[Share(vault 1), Share(vault 2), Share(vault 3)]");
    }
}

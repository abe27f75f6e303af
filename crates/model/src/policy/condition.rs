//! Conditions: the operators, their typed values, and what a missing key means.
//!
//! Source: identity.md §3.3 and §3.4; architecture.md, "Policies fail closed".

use std::{borrow::Cow, cmp::Ordering, net::IpAddr};

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    document::{Effect, Kind},
    matching::Pattern,
    work::Work,
};

/// What is known about a request, by condition key.
pub trait Context {
    /// The value of `key`, spelled exactly as in §3.4; `None` if this request has none.
    ///
    /// Times are ISO 8601, booleans `true` or `false`, addresses as text.
    fn value(&self, key: &str) -> Option<Cow<'_, str>>;
}

/// The keys that this server supplies. The case is exact, as it is for element names: another
/// spelling is a key we do not know, which never allows and cannot deny. Source: identity.md §3.4.
///
/// This list and `Facts::value` in the server's `judge/facts.rs` belong together: a key that is here and
/// not there makes a Deny on it fail open.
const SUPPLIED: &[&str] = &[
    "acs:CurrentTime",
    "acs:MFAPresent",
    "acs:SecureTransport",
    "acs:SourceIp",
    "kms:EncryptionAlgorithm",
];

/// The same, each followed by a name of the client's own.
const SUPPLIED_FAMILIES: &[&str] =
    &["acs:RequestTag/", "acs:ResourceTag/", "kms:EncryptionContext:", "kms:tag/"];

/// Keys of the vendor's that no request has here, and why. An Allow on one never applies, and a Deny
/// on one is refused. Source: identity.md §3.4.
#[cfg(test)]
const ABSENT: &[(&str, &str)] = &[
    ("acs:SourceVpc", "there are no VPCs: networks are told apart by acs:SourceIp"),
    ("acs:VpcSourceIp", "acs:SourceIp is the peer's address, whatever network it is in"),
    ("ram:ServiceName", "service-linked roles are not made, so CreateServiceLinkedRole is none"),
];

/// What trust policies know besides: what came with the request to take the role on.
const SUPPLIED_TO_TRUST: &[&str] =
    &["oidc:aud", "oidc:iss", "oidc:sub", "saml:recipient", "sts:ExternalId"];

/// Whether this server ever has a value for `key` when it asks a policy of this kind.
pub(super) fn is_supplied(key: &str, kind: Kind) -> bool {
    let in_family = |family: &&str| key.len() > family.len() && key.starts_with(*family);
    SUPPLIED.contains(&key)
        || SUPPLIED_FAMILIES.iter().any(in_family)
        || (kind == Kind::Trust && SUPPLIED_TO_TRUST.contains(&key))
}

/// One key under one operator, with all its values.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    key: Box<str>,
    /// Whether none of the values may match, instead of one.
    negated: bool,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    /// The key is none of ours: stored, and never met. Source: identity.md §3.1, part 5.
    Never,
    Text(Vec<Box<str>>),
    TextIgnoringCase(Vec<Box<str>>),
    Like(Vec<Pattern>),
    Number(Compare, Vec<Decimal>),
    /// Nanoseconds since 1970.
    Date(Compare, Vec<i128>),
    Bool(Vec<bool>),
    Address(Vec<Network>),
}

/// Which outcomes of `request value <=> policy value` are a match.
#[derive(Clone, Copy, Debug)]
enum Compare {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Condition {
    /// Compiles one key of one operator. Refused for an operator or value that does not exist.
    pub(super) fn new(
        operator: &str,
        key: &str,
        values: &[Cow<'_, str>],
        kind: Kind,
    ) -> Result<Self, &'static str> {
        let (negated, test) = typed(operator, values)?;
        let test = if is_supplied(key, kind) { test } else { Test::Never };
        Ok(Self { key: key.into(), negated, test })
    }

    /// The memory that it takes, in bytes.
    pub(super) fn size_in_bytes(&self) -> usize {
        let values = match &self.test {
            Test::Never => 0,
            Test::Text(it) | Test::TextIgnoringCase(it) => {
                it.iter().map(|it| size_of_val(it) + it.len()).sum()
            }
            Test::Like(it) => it.iter().map(Pattern::size_in_bytes).sum(),
            Test::Number(_, it) => {
                it.iter().map(|it| size_of_val(it) + it.whole.len() + it.fraction.len()).sum()
            }
            Test::Date(_, it) => size_of_val(&**it),
            Test::Bool(it) => size_of_val(&**it),
            Test::Address(it) => size_of_val(&**it),
        };
        size_of::<Self>() + self.key.len() + values
    }

    /// Whether the request meets it, for a statement of this effect.
    ///
    /// A key without a value, or with one that the operator cannot read, stops an Allow, and
    /// a Deny with a negated operator applies. (The unreadable value: our choice.) If `work` is used
    /// up by it, or was, the answer means nothing.
    pub(super) fn met(&self, effect: Effect, context: &dyn Context, work: &Work) -> bool {
        work.spend(Work::LOOK);
        if matches!(self.test, Test::Never) || work.is_used_up() {
            return false;
        }
        match context.value(&self.key).and_then(|value| self.test.any(&value, work)) {
            Some(matched) => matched != self.negated,
            None => effect == Effect::Deny && self.negated,
        }
    }
}

fn typed(operator: &str, values: &[Cow<'_, str>]) -> Result<(bool, Test), &'static str> {
    let (negated, positive) = positive(operator);
    let test = match positive {
        "StringEquals" => Test::Text(values.iter().map(|it| (**it).into()).collect()),
        "StringEqualsIgnoreCase" => {
            Test::TextIgnoringCase(values.iter().map(|it| (**it).into()).collect())
        }
        "StringLike" => {
            Test::Like(values.iter().map(|it| Pattern::new(it)).collect::<Result<_, _>>()?)
        }
        "Bool" => Test::Bool(all(values, boolean, "A value of Bool is neither true nor false")?),
        "IpAddress" => Test::Address(all(
            values,
            Network::parse,
            "A value of IpAddress or NotIpAddress is neither an IP address nor a CIDR block",
        )?),
        other => match (other.strip_prefix("Numeric"), other.strip_prefix("Date")) {
            (Some(compare), _) => Test::Number(
                Compare::named(compare)?,
                all(values, Decimal::parse, "A value of a Numeric operator is not a number")?,
            ),
            (_, Some(compare)) => Test::Date(
                Compare::named(compare)?,
                all(
                    values,
                    date,
                    "A value of a Date operator is not a time like 2012-11-11T23:59:59Z or \
                     2012-11-11T23:59:59+08:00",
                )?,
            ),
            _ => return Err(NO_OPERATOR),
        },
    };
    Ok((negated, test))
}

/// Whether an operator is negated, and the one that it negates.
fn positive(operator: &str) -> (bool, &str) {
    match operator {
        "StringNotEquals" => (true, "StringEquals"),
        "StringNotEqualsIgnoreCase" => (true, "StringEqualsIgnoreCase"),
        "StringNotLike" => (true, "StringLike"),
        "NumericNotEquals" => (true, "NumericEquals"),
        "DateNotEquals" => (true, "DateEquals"),
        "NotIpAddress" => (true, "IpAddress"),
        other => (false, other),
    }
}

const NO_OPERATOR: &str = "A condition operator does not exist";

fn all<T>(
    values: &[Cow<'_, str>],
    parse: fn(&str) -> Option<T>,
    otherwise: &'static str,
) -> Result<Vec<T>, &'static str> {
    values.iter().map(|it| parse(it).ok_or(otherwise)).collect()
}

impl Test {
    /// Whether any of its values matches; `None` if `value` is of another type.
    fn any(&self, value: &str, work: &Work) -> Option<bool> {
        work.spend(Work::BYTE * value.len());
        Some(match self {
            Self::Never => false,
            Self::Text(texts) => texts.iter().any(|it| **it == *value),
            Self::TextIgnoringCase(texts) => texts.iter().any(|it| {
                work.spend(Work::SLOW_BYTE * it.len());
                same_but_for_case(it, value)
            }),
            Self::Like(patterns) => Pattern::any(patterns, value, work),
            Self::Number(compare, numbers) => {
                let value = Decimal::parse(value)?;
                numbers.iter().any(|it| compare.accepts(value.cmp(it)))
            }
            Self::Date(compare, dates) => {
                let value = date(value)?;
                dates.iter().any(|it| compare.accepts(value.cmp(it)))
            }
            Self::Bool(flags) => flags.contains(&boolean(value)?),
            Self::Address(networks) => {
                let value = value.parse::<IpAddr>().ok()?.to_canonical();
                networks.iter().any(|it| it.contains(value))
            }
        })
    }
}

impl Compare {
    fn named(name: &str) -> Result<Self, &'static str> {
        Ok(match name {
            "Equals" => Self::Equal,
            "LessThan" => Self::Less,
            "LessThanEquals" => Self::LessOrEqual,
            "GreaterThan" => Self::Greater,
            "GreaterThanEquals" => Self::GreaterOrEqual,
            _ => return Err(NO_OPERATOR),
        })
    }

    fn accepts(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

fn same_but_for_case(one: &str, other: &str) -> bool {
    one.chars().flat_map(char::to_lowercase).eq(other.chars().flat_map(char::to_lowercase))
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// A time with its offset. The reader takes other separators than `T`; the format does not.
fn date(text: &str) -> Option<i128> {
    if text.as_bytes().get(10) != Some(&b'T') {
        return None;
    }
    OffsetDateTime::parse(text, &Rfc3339).ok().map(OffsetDateTime::unix_timestamp_nanos)
}

/// A decimal number, exact whatever its length.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Decimal {
    negative: bool,
    /// Digits before the point, without leading zeros.
    whole: Box<str>,
    /// Digits after it, without trailing zeros.
    fraction: Box<str>,
}

impl Decimal {
    fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let is_number = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
        if !is_number(whole) || !is_number(fraction) {
            return None;
        }
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        let negative = negative && !(whole.is_empty() && fraction.is_empty());
        Some(Self { negative, whole: whole.into(), fraction: fraction.into() })
    }

    fn cmp(&self, other: &Self) -> Ordering {
        let size = (self.whole.len().cmp(&other.whole.len()))
            .then_with(|| self.whole.cmp(&other.whole))
            .then_with(|| self.fraction.cmp(&other.fraction));
        match (self.negative, other.negative) {
            (false, false) => size,
            (true, true) => size.reverse(),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

/// Whether a text is an address, or an address and the length of a prefix.
#[must_use]
pub fn is_network(text: &str) -> bool {
    Network::parse(text).is_some()
}

/// A range of addresses. An IPv4 address mapped into IPv6 is the IPv4 address.
#[derive(Clone, Copy, Debug)]
enum Network {
    V4 { base: u32, mask: u32 },
    V6 { base: u128, mask: u128 },
}

impl Network {
    /// `address` or `address/length`. Bits after the length are ignored.
    fn parse(text: &str) -> Option<Self> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address.parse().ok()?, Some(bits(length)?)),
            None => (text.parse().ok()?, None),
        };
        match address {
            IpAddr::V4(address) => Self::v4(address.to_bits(), length.unwrap_or(32)),
            IpAddr::V6(address) => {
                let length = length.unwrap_or(128);
                match address.to_ipv4_mapped() {
                    Some(v4) if length >= 96 => Self::v4(v4.to_bits(), length - 96),
                    _ => Self::v6(address.to_bits(), length),
                }
            }
        }
    }

    fn v4(address: u32, length: u32) -> Option<Self> {
        let mask = u32::MAX.checked_shl(32_u32.checked_sub(length)?).unwrap_or(0);
        Some(Self::V4 { base: address & mask, mask })
    }

    fn v6(address: u128, length: u32) -> Option<Self> {
        let mask = u128::MAX.checked_shl(128_u32.checked_sub(length)?).unwrap_or(0);
        Some(Self::V6 { base: address & mask, mask })
    }

    fn contains(self, address: IpAddr) -> bool {
        match (self, address) {
            (Self::V4 { base, mask }, IpAddr::V4(it)) => it.to_bits() & mask == base,
            (Self::V6 { base, mask }, IpAddr::V6(it)) => it.to_bits() & mask == base,
            _ => false,
        }
    }
}

/// The length of a prefix: digits only, so no `+8`.
fn bits(text: &str) -> Option<u32> {
    if text.bytes().all(|it| it.is_ascii_digit()) { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::{
        ABSENT, Compare, Decimal, Kind, Network, Ordering, SUPPLIED, SUPPLIED_FAMILIES,
        SUPPLIED_TO_TRUST, date, is_supplied,
    };
    use crate::policy::{Document, Object};

    #[test]
    fn numbers_are_compared_exactly() {
        for (one, order, other) in [
            ("9007199254740993", Ordering::Greater, "9007199254740992"),
            ("1.50", Ordering::Equal, "01.5"),
            ("-0", Ordering::Equal, "0.0"),
            ("-2", Ordering::Less, "-1.5"),
            ("-1", Ordering::Less, "0"),
            ("0.09", Ordering::Less, "0.1"),
            ("10", Ordering::Greater, "9.99"),
        ] {
            let number = |text| Decimal::parse(text).unwrap();
            assert_eq!(number(one).cmp(&number(other)), order, "{one} {other}");
        }
        for text in ["", "-", "+1", "1.", ".5", "1e3", "0x1", "1 ", "१", "--1", "1.2.3"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_comparison_knows_its_orders() {
        let outcomes = |it: Compare| {
            [Ordering::Less, Ordering::Equal, Ordering::Greater].map(|order| it.accepts(order))
        };
        assert_eq!(outcomes(Compare::Equal), [false, true, false]);
        assert_eq!(outcomes(Compare::Less), [true, false, false]);
        assert_eq!(outcomes(Compare::LessOrEqual), [true, true, false]);
        assert_eq!(outcomes(Compare::Greater), [false, false, true]);
        assert_eq!(outcomes(Compare::GreaterOrEqual), [false, true, true]);
    }

    #[test]
    fn networks_of_both_families() {
        for (network, address, expected) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.1.2.3/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("0.0.0.0/0", "255.255.255.255", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1/32", "192.0.2.2", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::/0", "2001:db8::1", true),
            ("::/0", "192.0.2.1", false),
            ("192.0.2.0/24", "::ffff:192.0.2.9", true),
            ("::ffff:192.0.2.0/120", "192.0.2.9", true),
            ("::ffff:192.0.2.0/120", "192.0.3.9", false),
            ("::ffff:192.0.2.1", "192.0.2.1", true),
        ] {
            let address = address.parse::<std::net::IpAddr>().unwrap().to_canonical();
            let network = Network::parse(network).unwrap();
            assert_eq!(network.contains(address), expected, "{network:?} {address}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            "/8",
            "10.0.0.0/",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/+8",
            "10.0.0.0/-1",
            "10.0.0",
            "010.0.0.1",
            "10.0.0.0/8/8",
            "*",
            "10.0.0.*",
            "fe80::1%eth0",
            "10.0.0.0/4294967304",
        ] {
            assert!(Network::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn times_are_compared_across_offsets() {
        assert_eq!(date("2012-11-11T23:59:59Z"), date("2012-11-12T07:59:59+08:00"));
        assert!(date("2012-11-11T23:59:59Z") < date("2012-11-11T23:59:59.5Z"));
        for text in [
            "",
            "2012-11-11",
            "2012-11-11 23:59:59Z",
            "2012-11-11T23:59:59",
            "2012-02-30T00:00:00Z",
        ] {
            assert_eq!(date(text), None, "{text}");
        }
    }

    /// These are the keys of `Facts::value` in the server's `judge.rs`: change both or neither.
    #[test]
    fn the_keys_supplied_are_those_that_the_server_has_values_for() {
        let facts = [
            "acs:CurrentTime",
            "acs:MFAPresent",
            "acs:SecureTransport",
            "acs:SourceIp",
            "kms:EncryptionAlgorithm",
        ];
        assert_eq!(SUPPLIED, facts);
        let families =
            ["acs:RequestTag/", "acs:ResourceTag/", "kms:EncryptionContext:", "kms:tag/"];
        assert_eq!(SUPPLIED_FAMILIES, families);
        let others = ["acs:RequestTag/", "ram:ServiceName"];
        for key in SUPPLIED_TO_TRUST.iter().chain(&others) {
            for kind in [Kind::Identity, Kind::Session, Kind::Object(Object::Key)] {
                assert!(!is_supplied(key, kind), "{key} {kind:?}");
            }
            assert_eq!(is_supplied(key, Kind::Trust), !others.contains(key), "{key}");
        }
    }

    /// All keys of identity.md §3.4 and §4.4.
    #[test]
    fn every_key_is_supplied_or_absent_for_a_reason() {
        for key in [
            "acs:CurrentTime",
            "acs:MFAPresent",
            "acs:RequestTag/team",
            "acs:ResourceTag/team",
            "acs:SecureTransport",
            "acs:SourceIp",
            "acs:SourceVpc",
            "acs:VpcSourceIp",
            "kms:EncryptionAlgorithm",
            "kms:EncryptionContext:app",
            "kms:tag/team",
            "ram:ServiceName",
        ] {
            let absent = ABSENT.iter().find(|it| it.0 == key);
            assert_eq!(is_supplied(key, Kind::Identity), absent.is_none(), "{key}");
            assert!(absent.is_none_or(|it| !it.1.is_empty()), "{key}");
        }
    }

    #[test]
    fn a_refused_deny_names_every_key_that_is_supplied() {
        let deny = |rest| {
            format!(
                r#"{{"Version":"1","Statement":[{{"Effect":"Deny","Action":"*",{rest},
                    "Condition":{{"StringEquals":{{"ram:ServiceName":"x"}}}}}}]}}"#
            )
        };
        let reason = |rest, kind| Document::parse(&deny(rest), kind).unwrap_err().reason;
        let identity = reason(r#""Resource":"*""#, Kind::Identity);
        let trust = reason(r#""Principal":{"RAM":"acs:ram::1:root"}"#, Kind::Trust);
        for key in SUPPLIED.iter().chain(SUPPLIED_FAMILIES) {
            assert!(identity.contains(key) && trust.contains(key), "{key}");
        }
        for key in SUPPLIED_TO_TRUST {
            assert!(!identity.contains(key) && trust.contains(key), "{key}");
        }
    }

    #[test]
    fn a_key_is_ours_only_in_its_own_spelling() {
        for (key, expected) in [
            ("acs:SourceIp", true),
            ("acs:sourceip", false),
            ("acs:SourceVpc", false),
            ("acs:VpcSourceIp", false),
            ("kms:tag/env", true),
            ("kms:tag/", false),
            ("kms:Tag/env", false),
            ("kms:EncryptionContext:app", true),
            ("acs:ResourceTag/密", true),
            ("", false),
        ] {
            assert_eq!(is_supplied(key, Kind::Identity), expected, "{key}");
        }
    }
}

//! Codes that change with time (TOTP, RFC 6238): SHA-1, steps of 30 seconds, six digits, which is
//! what every authenticator takes.

use aws_lc_rs::hmac::{self, HMAC_SHA1_FOR_LEGACY_USE_ONLY};
use subtle::ConstantTimeEq as _;
use yaoku_model::time::Timestamp;

/// Bytes of a seed: as long as the hash. Source: RFC 4226 §4, R6.
pub const SEED_LEN: usize = 20;

/// Seconds of a step. Source: RFC 6238 §4.1.
const STEP_SECONDS: i64 = 30;

/// How many steps a device's clock, or a slow hand, may be off. Source: RFC 6238 §5.2, §6.
const SKEW: i64 = 1;

/// A device's seed, ready to make codes.
pub struct Totp(hmac::Key);

impl Totp {
    /// The codes of a seed.
    #[must_use]
    pub fn new(seed: &[u8]) -> Self {
        Self(hmac::Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, seed))
    }

    /// The code of the moment.
    #[must_use]
    pub fn code(&self, now: Timestamp) -> u32 {
        self.code_of(step(now))
    }

    /// The step of the second of two codes, if they are those of two steps one after the other, the
    /// second about now, and both later than the step `last`.
    #[must_use]
    pub fn step_of_two(&self, codes: [u32; 2], now: Timestamp, last: i64) -> Option<i64> {
        let now = step(now);
        let steps = (now - SKEW..=now + SKEW).filter(|it| it - 1 > last);
        let good = |step: &i64| {
            let expected = [self.code_of(step - 1), self.code_of(*step)];
            bool::from(expected[0].ct_eq(&codes[0]) & expected[1].ct_eq(&codes[1]))
        };
        steps.into_iter().find(good)
    }

    /// Source: RFC 4226 §5.3.
    fn code_of(&self, step: i64) -> u32 {
        let code = hmac::sign(&self.0, &step.to_be_bytes());
        let code = code.as_ref();
        let at = usize::from(code[code.len() - 1] & 0x0f);
        let four = [code[at] & 0x7f, code[at + 1], code[at + 2], code[at + 3]];
        u32::from_be_bytes(four) % 1_000_000
    }
}

fn step(at: Timestamp) -> i64 {
    at.unix_seconds().div_euclid(STEP_SECONDS)
}

#[cfg(test)]
mod tests {
    use yaoku_model::time::Timestamp;

    use super::{Totp, step};
    use crate::answers::answers;

    #[test]
    fn codes_are_those_of_the_rfc() {
        for it in answers("otp/totp-sha-1.txt") {
            let at = Timestamp::from_unix_seconds(it.text("Time").parse().unwrap());
            let code: u32 = it.text("TOTP").parse().unwrap();
            let totp = Totp::new(&it.bytes("Seed"));
            assert_eq!(totp.code(at), code % 1_000_000, "{}", it.text("Time"));
        }
    }

    #[test]
    fn two_codes_must_follow_each_other_be_of_now_and_be_new() {
        let totp = Totp::new(b"12345678901234567890");
        let at = |steps: i64| Timestamp::from_unix_seconds(1_767_323_045).plus_seconds(30 * steps);
        let two = |first: i64, second: i64| [totp.code(at(first)), totp.code(at(second))];
        let now = step(at(0));
        for bad in [two(0, 0), two(0, -1), two(-2, 0), two(-3, -2), two(1, 2)] {
            assert_eq!(totp.step_of_two(bad, at(0), 0), None);
        }
        for second in [-1, 0, 1] {
            let found = totp.step_of_two(two(second - 1, second), at(0), 0);
            assert_eq!(found, Some(now + second));
        }
        assert_eq!(totp.step_of_two(two(-1, 0), at(0), now), None, "both were taken");
        assert_eq!(totp.step_of_two(two(-1, 0), at(0), now - 1), None, "the first was taken");
        assert_eq!(totp.step_of_two(two(-1, 0), at(0), now - 2), Some(now));
    }
}

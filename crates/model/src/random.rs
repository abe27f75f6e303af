//! Randomness comes in as an argument, so that tests know what it says.

/// The operating system gave no randomness: nothing that needs any can be done.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("no randomness")]
pub struct NoRandomness;

/// A source of unpredictable bytes.
pub trait Random: Send + Sync {
    /// Fills all of `to`.
    fn fill(&self, to: &mut [u8]) -> Result<(), NoRandomness>;
}

/// `count` characters of `alphabet` (ASCII, at most 256 of them), each as likely as any other.
pub fn pick(random: &dyn Random, alphabet: &[u8], count: usize) -> Result<String, NoRandomness> {
    let mut out = String::with_capacity(count);
    for _ in 0..count {
        out.push(char::from(alphabet[below(random, alphabet.len())?]));
    }
    Ok(out)
}

/// A number below `bound` (1 to 256), unbiased: bytes past the last whole multiple are drawn again.
pub fn below(random: &dyn Random, bound: usize) -> Result<usize, NoRandomness> {
    let limit = 256 - 256 % bound;
    loop {
        let mut byte = [0];
        random.fill(&mut byte)?;
        let value = usize::from(byte[0]);
        if value < limit {
            return Ok(value % bound);
        }
    }
}

#[doc(hidden)]
pub mod testing {
    //! A source for tests: it counts.

    use std::sync::atomic::{AtomicU64, Ordering};

    use super::{NoRandomness, Random};

    /// Gives other bytes at each call, the same in each run.
    #[derive(Debug, Default)]
    pub struct Counting(AtomicU64);

    impl Random for Counting {
        fn fill(&self, to: &mut [u8]) -> Result<(), NoRandomness> {
            for byte in to {
                let n = self.0.fetch_add(1, Ordering::Relaxed);
                *byte = (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8;
            }
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{below, pick, testing::Counting};

    #[test]
    fn every_value_below_the_bound_turns_up() {
        let random = Counting::default();
        let mut seen = [false; 94];
        for _ in 0..5000 {
            seen[below(&random, 94).unwrap()] = true;
        }
        assert!(seen.iter().all(|it| *it));
    }

    #[test]
    fn picks_as_many_as_asked_from_the_alphabet_alone() {
        let text = pick(&Counting::default(), b"ab", 100).unwrap();
        assert!(text.len() == 100 && text.chars().all(|c| c == 'a' || c == 'b'));
    }
}

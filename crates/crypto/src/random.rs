//! The operating system's randomness, by AWS-LC, drawn in batches per thread.

use std::cell::RefCell;

use aws_lc_rs::rand;
use rand_core::{TryCryptoRng, TryRng};
use yaoku_model::random::{NoRandomness, Random};
use zeroize::Zeroize;

/// Bytes drawn at once: one draw serves 42 IVs.
const BATCH_LEN: usize = 512;

/// Longer requests, so almost all keys, are drawn by themselves.
const LONGEST_FROM_BATCH: usize = 16;

/// Unpredictable bytes. Short requests (IVs, ids) come from a batch that the thread holds.
///
/// Bytes given out are wiped from the batch, what is left is wiped when the thread ends. The batch
/// must not outlive its process image: we never fork, and a snapshot of a running virtual machine
/// must not be started twice (SECURITY.md). Source: architecture.md, "Keys at rest".
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, to: &mut [u8]) -> Result<(), NoRandomness> {
        if to.len() > LONGEST_FROM_BATCH {
            return draw(to);
        }
        // A thread that is ending has no batch any more.
        BATCH.try_with(|it| it.borrow_mut().take(to)).unwrap_or_else(|_| draw(to))
    }
}

/// Randomness as `RustCrypto` asks for it.
pub(crate) struct Rng<'a>(pub(crate) &'a dyn Random);

impl TryRng for Rng<'_> {
    type Error = NoRandomness;

    fn try_next_u32(&mut self) -> Result<u32, NoRandomness> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, NoRandomness> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), NoRandomness> {
        self.0.fill(to)
    }
}

impl TryCryptoRng for Rng<'_> {}

thread_local! {
    static BATCH: RefCell<Batch> = const { RefCell::new(Batch { bytes: [0; BATCH_LEN], left: 0 }) };
}

/// Bytes not given out yet: the first `left` of `bytes`.
struct Batch {
    bytes: [u8; BATCH_LEN],
    left: usize,
}

impl Batch {
    fn take(&mut self, to: &mut [u8]) -> Result<(), NoRandomness> {
        if self.left < to.len() {
            draw(&mut self.bytes)?;
            self.left = BATCH_LEN;
        }
        let from = self.left - to.len();
        let taken = &mut self.bytes[from..self.left];
        to.copy_from_slice(taken);
        taken.zeroize();
        self.left = from;
        Ok(())
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

fn draw(to: &mut [u8]) -> Result<(), NoRandomness> {
    rand::fill(to).map_err(|_| NoRandomness)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use yaoku_model::random::Random;

    use super::{BATCH, BATCH_LEN, SystemRandom};

    #[test]
    fn no_bytes_are_given_out_twice() {
        let mut seen = HashSet::new();
        for len in (8..=16).chain([17, 32]).cycle().take(4 * BATCH_LEN) {
            let mut bytes = vec![0; len];
            SystemRandom.fill(&mut bytes).unwrap();
            assert!(seen.insert(bytes), "{len} bytes came again");
        }
    }

    #[test]
    fn what_was_given_out_is_wiped() {
        let mut bytes = [0; 12];
        SystemRandom.fill(&mut bytes).unwrap();
        BATCH.with_borrow(|it| {
            assert!(it.bytes[it.left..].iter().all(|it| *it == 0));
            assert!(it.bytes[..it.left].iter().any(|it| *it != 0));
        });
    }

    #[test]
    fn nothing_is_an_answer_too() {
        SystemRandom.fill(&mut []).unwrap();
    }
}

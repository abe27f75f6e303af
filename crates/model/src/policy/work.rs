//! How much looking one decision may take: policies are written by tenants, and every call pays for
//! judging its caller by them.

use std::cell::Cell;

/// The work that is left for a decision, in steps of about a nanosecond each.
///
/// Who uses it up is refused, whatever the policies say: what was not looked at may deny. Several
/// decisions of one call share it.
#[derive(Debug)]
pub struct Work(Cell<u32>);

impl Work {
    /// The most for one call (our choice). Every policy that an identity can hold, full of patterns
    /// for resources, takes half of it; ordinary ones take a thousandth.
    pub const MOST: u32 = 1 << 21;

    /// For one statement or condition to be looked at, and for one text in it.
    pub(super) const LOOK: usize = 16;

    /// For one part between two stars, to begin to look for it.
    pub(super) const FIND: usize = 64;

    /// For one byte of text that is looked at once.
    pub(super) const BYTE: usize = 1;

    /// For one byte of text in which something with `?` is looked for, or whose case does not matter.
    pub(super) const SLOW_BYTE: usize = 8;

    /// As many steps.
    #[must_use]
    pub const fn of(steps: u32) -> Self {
        Self(Cell::new(steps))
    }

    /// The steps that are left.
    #[must_use]
    pub const fn left(&self) -> u32 {
        self.0.get()
    }

    /// Whether nothing is left.
    #[must_use]
    pub const fn is_used_up(&self) -> bool {
        self.left() == 0
    }

    /// Takes `steps`, or as many as are left.
    pub(super) fn spend(&self, steps: usize) {
        let steps = u32::try_from(steps).unwrap_or(u32::MAX);
        self.0.set(self.left().saturating_sub(steps));
    }
}

impl Default for Work {
    fn default() -> Self {
        Self::of(Self::MOST)
    }
}

//! Child processes of tests.

use std::{
    ops::{Deref, DerefMut},
    process::Child,
};

/// A process that does not outlive its test, however that ends.
pub(crate) struct Mortal(pub(crate) Child);

impl Drop for Mortal {
    fn drop(&mut self) {
        // If it has ended already, all is well.
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

impl Deref for Mortal {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl DerefMut for Mortal {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

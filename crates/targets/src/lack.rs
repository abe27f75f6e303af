//! What rotations would lack at a target.

/// What is in the way of rotations at a target, or of some of them: found by asking, with nothing
/// changed. The texts are for operators.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Lack {
    /// A word for it: those of [`Fault::word`](crate::Fault::word).
    pub word: &'static str,
    /// What it is.
    pub what: String,
    /// What would end it.
    pub remedy: String,
    /// Whether no rotation can succeed while it lasts. If not, `what` says which cannot.
    pub stops_all: bool,
}

impl Lack {
    /// One that is in every rotation's way.
    pub(crate) fn of_all(
        word: &'static str,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { word, what: what.into(), remedy: remedy.into(), stops_all: true }
    }

    /// One that only some rotations meet.
    pub(crate) fn of_some(
        word: &'static str,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { stops_all: false, ..Self::of_all(word, what, remedy) }
    }
}

//! The policy language: what a document says, and what that makes of a question.
//!
//! [`Document::parse`] compiles a text once; [`decide`] judges a [`Question`] by the documents of
//! one layer, and a [`Layer`] does so again and again; the functions of [`evaluate`] put the layers together. Everything here is pure.
//! Source: identity.md part 3 and §4.5 to §4.8; architecture.md, "Policies fail closed".

mod condition;
mod document;
pub mod evaluate;
mod json;
mod layer;
mod matching;
pub mod object;
pub mod principal;
pub mod system;
mod work;

pub use condition::{Context, is_network};
pub use document::{Document, Effect, Kind, Malformed};
pub use evaluate::{Decision, Question, Verdict, decide};
pub use layer::{Layer, Origin};
pub use object::Object;
pub use principal::{Caller, Who};
pub use work::Work;

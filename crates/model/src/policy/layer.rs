//! The documents of one layer, asked again and again: what cannot apply is found out only once.

use std::sync::{Arc, PoisonError, RwLock};

use super::{
    document::{Document, Kind, Statement},
    evaluate::{Decision, Question, decide_by, with_lower},
    matching::{Ending, ending_of},
    work::Work,
};
use crate::identity::{Attachment, Holder};

/// As many actions as are remembered. Others are judged all the same, only slower. Our choice: a
/// caller seldom asks for more than a few.
const MAX_ACTIONS: usize = 16;

/// The documents of one layer, as [`decide`](super::decide) judges them.
///
/// For each action asked for, it remembers which statements are about it, in their order.
#[derive(Debug, Default)]
pub struct Layer {
    documents: Box<[Arc<Document>]>,
    /// Of each document; empty if nobody said.
    origins: Box<[Origin]>,
    known: RwLock<Vec<Known>>,
}

/// Where a document of a layer comes from: which policy it is, and who of those that the layer is put
/// together of holds it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Origin {
    /// The policy.
    pub policy: Attachment,
    /// Which of its versions: the one that counts.
    pub version: i64,
    /// The caller itself, or a group of its.
    pub holder: Holder,
}

/// An action, in lower case, and the statements that are about it.
type Known = (Box<str>, Arc<[Candidate]>);

/// A statement that is about an action.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    /// The document's number.
    document: u32,
    /// The statement's number in it.
    statement: u32,
    /// What a single resource must end with, or the statement does not apply.
    ending: Ending,
}

impl Layer {
    /// A layer of these documents.
    #[must_use]
    pub fn new(documents: Vec<Arc<Document>>) -> Self {
        Self { documents: documents.into(), ..Self::default() }
    }

    /// The same, which can say where each comes from.
    #[must_use]
    pub fn of(policies: Vec<(Origin, Arc<Document>)>) -> Self {
        let (origins, documents): (Vec<_>, Vec<_>) = policies.into_iter().unzip();
        Self { origins: origins.into(), ..Self::new(documents) }
    }

    /// Where a document comes from, if that is known. Its number is that of a [`Decision`].
    #[must_use]
    pub fn origin(&self, document: usize) -> Option<&Origin> {
        self.origins.get(document)
    }

    /// How many documents it has.
    #[must_use]
    pub fn documents(&self) -> usize {
        self.documents.len()
    }

    /// The memory that it may come to take, in bytes: for the accounts of a cache. Documents are counted
    /// in full, whoever else has them too.
    #[must_use]
    pub fn size_in_bytes(&self) -> usize {
        let statements: usize = self.documents.iter().map(|it| it.statements()).sum();
        let documents: usize = self.documents.iter().map(|it| it.size_in_bytes()).sum();
        // A name of an origin is as long as itself again.
        documents
            + self.documents.len() * (size_of::<Arc<Document>>() + 2 * size_of::<Origin>())
            + statements * size_of::<Candidate>() * MAX_ACTIONS
    }

    /// Decides exactly as [`decide`](super::decide) does.
    #[must_use]
    pub fn decide(&self, question: &Question<'_>) -> Decision {
        with_lower(question.action, |action| {
            let candidates = self.about(action, question.work);
            decide_by(self.left(&candidates, question), question)
        })
    }

    /// The statements among `candidates` that may apply, as [`decide_by`] takes them.
    fn left<'c>(
        &'c self,
        candidates: &'c [Candidate],
        question: &Question<'_>,
    ) -> impl Iterator<Item = ((usize, usize), Kind, &'c Statement)> {
        let only = match question.resources {
            [only] => Some(ending_of(only)),
            _ => None,
        };
        let left =
            candidates.iter().filter(move |it| only.is_none_or(|only| it.ending.may_be(only)));
        left.filter_map(|it| {
            let (number, index) = (it.document as usize, it.statement as usize);
            let document = self.documents.get(number)?;
            Some(((number, index), document.kind, document.statements.get(index)?))
        })
    }

    /// The statements about `action`, which is in lower case. If finding them uses the work up, they
    /// may be the wrong ones, and are not remembered.
    fn about(&self, action: &str, work: &Work) -> Arc<[Candidate]> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, found)) = known.iter().find(|(it, _)| **it == *action) {
            return Arc::clone(found);
        }
        drop(known);
        let found: Arc<[Candidate]> = self.candidates(action, work).collect();
        if work.is_used_up() {
            return found;
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() < MAX_ACTIONS && !known.iter().any(|(it, _)| **it == *action) {
            known.push((action.into(), Arc::clone(&found)));
        }
        found
    }

    fn candidates(&self, action: &str, work: &Work) -> impl Iterator<Item = Candidate> {
        (0..).zip(&self.documents).flat_map(move |(document, it)| {
            let about = (0..).zip(&it.statements).filter(move |(_, it)| it.is_about(action, work));
            about.map(move |(statement, it)| Candidate { document, statement, ending: it.ending() })
        })
    }
}

impl Statement {
    /// What a single resource must end with for this statement to apply.
    fn ending(&self) -> Ending {
        match self.resources.as_deref() {
            Some([only]) => only.ending(),
            _ => Ending::default(),
        }
    }
}

//! Policies compiled once: all who are judged by the same text share what it was compiled to.
//!
//! By the text itself, so nothing here can be out of date.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use aws_lc_rs::digest::{SHA256, digest};
use yaoku_model::policy::{Document, Kind, Malformed};

/// What somebody still holds, by the SHA-256 of its text.
#[derive(Debug)]
pub(crate) struct Compiled {
    kind: Kind,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    documents: HashMap<[u8; 32], Weak<Document>>,
    /// As many entries may there be until those that nobody holds any more are swept out.
    room: usize,
}

impl Compiled {
    /// Nothing yet, of one kind.
    pub(crate) fn of(kind: Kind) -> Self {
        Self { kind, held: Mutex::default() }
    }

    /// What `text` is compiled to. Refused if it is no policy of this kind.
    pub(crate) fn document(&self, text: &str) -> Result<Arc<Document>, Malformed> {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
        if let Some(found) = self.held().documents.get(&hash).and_then(Weak::upgrade) {
            return Ok(found);
        }
        let document = Arc::new(Document::parse(text, self.kind)?);
        self.held().add(hash, &document);
        Ok(document)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Sweeps when as many again have come as there were: so each costs the same, however many.
    fn add(&mut self, hash: [u8; 32], document: &Arc<Document>) {
        if self.documents.len() >= self.room {
            self.documents.retain(|_, it| it.strong_count() > 0);
            self.room = 2 * self.documents.len() + 64;
        }
        self.documents.insert(hash, Arc::downgrade(document));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use yaoku_model::policy::Kind;

    use super::Compiled;

    fn policy(action: usize) -> String {
        format!(
            r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"kms:A{action}","Resource":"*"}}]}}"#
        )
    }

    #[test]
    fn a_text_is_compiled_once_for_all_who_hold_it_and_forgotten_with_the_last() {
        let compiled = Compiled::of(Kind::Identity);
        assert!(compiled.document("{}").is_err());
        let (one, other) = (compiled.document(&policy(0)), compiled.document(&policy(0)));
        assert!(Arc::ptr_eq(&one.unwrap(), &other.unwrap()));
        let kept: Vec<_> = (0..100).map(|it| compiled.document(&policy(it)).unwrap()).collect();
        for it in 100..10_000 {
            compiled.document(&policy(it)).unwrap();
        }
        assert!(compiled.held().documents.len() <= 2 * kept.len() + 65);
        assert!(Arc::ptr_eq(&compiled.document(&policy(7)).unwrap(), &kept[7]));
    }
}

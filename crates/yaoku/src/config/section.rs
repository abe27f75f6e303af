//! Reading a table of settings key by key: every fault is kept, with the key's name, and what
//! nobody asked for is a fault too.

use std::{
    cell::RefCell,
    collections::BTreeSet,
    num::NonZeroU32,
    path::{Path, PathBuf},
    rc::Rc,
    str::FromStr,
    time::Duration,
};

use toml::{Table, Value};

/// Seconds that a time-out may have at most: a day.
const MAX_SECONDS: i64 = 86_400;

/// What was found while reading.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// What is wrong, in the order in which it was found.
    pub(super) faults: Vec<String>,
    /// Every setting that was asked for, from the root: `listen.https`.
    pub(super) known: BTreeSet<String>,
}

/// A table of settings. Dropped, it complains about the keys that were not asked for.
pub(super) struct Section {
    /// With a dot at its end; empty for the root.
    path: String,
    table: Table,
    notes: Rc<RefCell<Notes>>,
    /// Where `$CREDENTIALS_DIRECTORY` points.
    credentials: Rc<Option<PathBuf>>,
}

impl Section {
    /// The root of all settings.
    pub(super) fn root(table: Table, credentials: Option<PathBuf>) -> Self {
        let notes = Rc::default();
        Self { path: String::new(), table, notes, credentials: Rc::new(credentials) }
    }

    /// What was found so far.
    pub(super) fn notes(&self) -> Rc<RefCell<Notes>> {
        Rc::clone(&self.notes)
    }

    /// The section called `key`: empty if it is not there.
    pub(super) fn section(&mut self, key: &str) -> Self {
        let table = match self.table.remove(key) {
            None => Table::new(),
            Some(Value::Table(table)) => table,
            Some(_) => {
                let hint = format!("is a section: its settings are written {key}.… or [{key}]");
                self.fault(key, &hint);
                Table::new()
            }
        };
        self.below(&format!("{}{key}.", self.path), table)
    }

    /// The sections called `[[key]]`, in order.
    pub(super) fn sections(&mut self, key: &str) -> Vec<Self> {
        let entries = match self.table.remove(key) {
            None => Vec::new(),
            Some(Value::Array(entries)) => entries,
            Some(_) => {
                self.fault(key, &format!("is a list of sections: write [[{key}]]"));
                Vec::new()
            }
        };
        let mut sections = Vec::new();
        for entry in entries {
            match entry {
                Value::Table(table) => {
                    sections.push(self.below(&format!("{}{key}.", self.path), table));
                }
                _ => self.fault(key, &format!("is a list of sections: write [[{key}]]")),
            }
        }
        sections
    }

    /// Whether there is such a key that was not asked for yet.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Whether all that is there was asked for.
    pub(super) fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// A text.
    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        match self.take(key)? {
            Value::String(text) => Some(text),
            other => {
                let what = format!("must be a text in quotes, not of kind {}", other.type_str());
                self.fault(key, &what);
                None
            }
        }
    }

    /// A list of texts.
    pub(super) fn texts(&mut self, key: &str) -> Vec<String> {
        let Some(value) = self.take(key) else { return Vec::new() };
        let texts = value.as_array().and_then(|it| {
            it.iter().map(|it| it.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
        });
        texts.unwrap_or_else(|| {
            self.fault(key, "must be a list of texts: [\"one\", \"two\"]");
            Vec::new()
        })
    }

    /// A text that means something; `what` says what would do.
    pub(super) fn parsed<T: FromStr>(&mut self, key: &str, what: &str) -> Option<T> {
        let text = self.text(key)?;
        let parsed = text.parse().ok();
        if parsed.is_none() {
            self.fault(key, &format!("must be {what}, not {text:?}"));
        }
        parsed
    }

    /// A path from the root, or from `$CREDENTIALS_DIRECTORY`.
    pub(super) fn path(&mut self, key: &str) -> Option<PathBuf> {
        let text = self.text(key)?;
        self.absolute(key, &text)
    }

    /// Some of those.
    pub(super) fn paths(&mut self, key: &str) -> Vec<PathBuf> {
        let texts = self.texts(key);
        texts.iter().filter_map(|it| self.absolute(key, it)).collect()
    }

    /// Yes or no.
    pub(super) fn flag(&mut self, key: &str, into: &mut bool) {
        match self.take(key) {
            None => {}
            Some(Value::Boolean(it)) => *into = it,
            Some(_) => self.fault(key, "must be true or false"),
        }
    }

    /// One of some words.
    pub(super) fn choice<T: Copy>(&mut self, key: &str, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(key)?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, it)| *it);
        if found.is_none() {
            let words: Vec<_> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
            self.fault(key, &format!("must be {}, not {text:?}", words.join(" or ")));
        }
        found
    }

    /// A whole number of at least 1.
    pub(super) fn count<T: TryFrom<i64>>(&mut self, key: &str) -> Option<T> {
        let number = self.within(key, 1, i64::MAX)?;
        let fits = T::try_from(number).ok();
        if fits.is_none() {
            self.fault(key, "is too large a number");
        }
        fits
    }

    /// The same, over a default.
    pub(super) fn number<T: TryFrom<i64>>(&mut self, key: &str, into: &mut T) {
        if let Some(it) = self.count(key) {
            *into = it;
        }
    }

    /// A whole number of at least 1, or 0 for no bound.
    pub(super) fn bound(&mut self, key: &str, into: &mut Option<NonZeroU32>) {
        if let Some(it) = self.within(key, 0, u32::MAX.into()) {
            *into = u32::try_from(it).ok().and_then(NonZeroU32::new);
        }
    }

    /// A number of seconds, from 1 to a day.
    pub(super) fn seconds(&mut self, key: &str, into: &mut Duration) {
        if let Some(it) = self.within(key, 1, MAX_SECONDS) {
            *into = Duration::from_secs(it.unsigned_abs());
        }
    }

    /// A number of milliseconds, from 1 to a minute.
    pub(super) fn milliseconds(&mut self, key: &str) -> Option<Duration> {
        self.within(key, 1, 60_000).map(|it| Duration::from_millis(it.unsigned_abs()))
    }

    /// A number of hours, from 1 to a year.
    pub(super) fn hours(&mut self, key: &str) -> Option<Duration> {
        self.within(key, 1, 8_784).map(|it| Duration::from_hours(it.unsigned_abs()))
    }

    /// Notes that something is wrong with a setting.
    pub(super) fn fault(&self, key: &str, what: &str) {
        self.notes.borrow_mut().faults.push(format!("{}{key}: {what}", self.path));
    }

    fn within(&mut self, key: &str, least: i64, most: i64) -> Option<i64> {
        match self.take(key)? {
            Value::Integer(it) if (least..=most).contains(&it) => Some(it),
            _ => {
                let most = if most == i64::MAX { String::new() } else { format!(" to {most}") };
                self.fault(key, &format!("must be a whole number from {least}{most}"));
                None
            }
        }
    }

    fn absolute(&self, key: &str, text: &str) -> Option<PathBuf> {
        const CREDENTIALS: &str = "$CREDENTIALS_DIRECTORY/";
        let path = match (text.strip_prefix(CREDENTIALS), &*self.credentials) {
            (None, _) => PathBuf::from(text),
            (Some(rest), Some(directory)) => directory.join(rest),
            (Some(_), None) => {
                self.fault(key, "$CREDENTIALS_DIRECTORY is not set: systemd sets it");
                return None;
            }
        };
        if !path.has_root() || path.components().any(|it| it.as_os_str() == "..") {
            self.fault(key, &format!("must be a path from the root without \"..\", not {text:?}"));
            return None;
        }
        Some(Path::new(&path).components().collect())
    }

    fn take(&mut self, key: &str) -> Option<Value> {
        self.notes.borrow_mut().known.insert(format!("{}{key}", self.path));
        self.table.remove(key)
    }

    fn below(&self, path: &str, table: Table) -> Self {
        let (notes, credentials) = (Rc::clone(&self.notes), Rc::clone(&self.credentials));
        Self { path: path.to_owned(), table, notes, credentials }
    }
}

impl Drop for Section {
    fn drop(&mut self) {
        for key in self.table.keys() {
            self.fault(key, "there is no such setting");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Section;

    fn section(text: &str) -> Section {
        Section::root(toml::from_str(text).unwrap(), None)
    }

    #[test]
    fn every_fault_is_told_with_its_key() {
        let text = "a = 1\nb = \"x\"\nc = 0\nd = \"five\"\n[e]\nf = 1\n[g]\nh = \"rel\"\ni = 9\n";
        let mut it = section(text);
        let notes = it.notes();
        assert_eq!(it.text("a"), None);
        let mut number = 7_usize;
        it.number("b", &mut number);
        it.number("c", &mut number);
        assert_eq!(it.parsed::<u8>("d", "a number"), None);
        drop(it.section("e"));
        let mut g = it.section("g");
        assert_eq!(g.path("h"), None);
        g.flag("i", &mut false);
        drop((g, it));
        assert_eq!(number, 7);
        let faults = &notes.borrow().faults;
        assert_eq!(faults.len(), 7, "{faults:#?}");
        for (fault, start) in faults.iter().zip(["a: ", "b: ", "c: ", "d: ", "e.f: ", "g.h: "]) {
            assert!(fault.starts_with(start), "{fault}");
        }
    }

    #[test]
    fn a_credential_is_found_in_the_directory_that_systemd_names() {
        let text = "file = \"$CREDENTIALS_DIRECTORY/pass\"";
        let table = toml::from_str(text).unwrap();
        let mut it = Section::root(table, Some("/run/credentials/yaoku".into()));
        assert_eq!(it.path("file").unwrap().to_str(), Some("/run/credentials/yaoku/pass"));
        let mut it = section(text);
        assert_eq!(it.path("file"), None);
        assert_eq!(it.notes().borrow().faults.len(), 1);
    }
}

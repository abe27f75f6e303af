//! Going on after damage: an operator takes it upon them, and the journal says so for ever.

use std::{collections::BTreeMap, path::Path};

use super::{
    chain::before,
    gap::{self, Accepted, Gap, MAX_ACCEPTED},
    head::Head,
    journal::{AuditError, Setup},
    note,
    past::Reader,
    record::{Content, Hash, line},
    segment::{Lines, Next, packed_path, segment_path, segments},
    writer::{Beginning, Place, Started},
};

/// The longest reason, in bytes: all that are ever given must fit one line.
const MAX_REASON: usize = 1000;

/// Accepts what is wrong with a journal that no process has open. Gives the new gaps, and the last
/// record now: the store must be told of it, for what it knew until now may be among what is lost.
///
/// Damaged files are moved, as they are, into `damaged-<time>` beside the segments. A new segment is
/// begun after the last record that is known of; its opening, signed, names what was found, what was
/// expected, when and why. What was not damaged stays and is proved as before.
pub fn accept(setup: Setup<'_>, reason: &str) -> Result<(Vec<Gap>, Head), AuditError> {
    if reason.trim().is_empty() || reason.len() > MAX_REASON {
        return Err(AuditError::NotAcceptable("a reason of 1 to 1000 bytes must be given"));
    }
    let (now, known) = (setup.clock.now(), setup.known);
    let place = Place::open(setup)?;
    let found = Found::read(&place, known)?;
    let (old, numbers) = (found.old.clone(), found.numbers.clone());
    let torn = found.parts.last_key_value().map(|(number, it)| (*number, it.length));
    let aside = format!("damaged-{}", now.to_string().replace([':', '-'], ""));
    let accepted = Accepted { at: now.unix_ms(), reason: reason.to_owned(), aside };
    let Plan { gaps: new, next, after, row } = found.plan(&accepted)?;
    if new.is_empty() {
        return Err(AuditError::Whole);
    }
    let gaps = [old, new.clone()].concat();
    if gaps.len() > MAX_ACCEPTED {
        return Err(AuditError::NotAcceptable("the journal has too many gaps: begin a new one"));
    }
    put_aside(&place, &new, &numbers, &place.home.join(&accepted.aside))?;
    if let Some((number, length)) = torn {
        mend(&place, number, length)?;
    }
    let beginning = Beginning { segment: next, after, at: now, row, gaps: &gaps };
    let head = begin(&place, beginning, reason)?;
    Ok((new, head))
}

fn begin(place: &Place, beginning: Beginning<'_>, reason: &str) -> Result<Head, AuditError> {
    let started = Started::make(place, beginning)?;
    let event = note::accepted(beginning.at, reason).to_row();
    let (head, line) = line(started.head, Content::Event(&event, None));
    place.disk.append(&started.file, &line)?;
    place.disk.sync(&started.file)?;
    Ok(head)
}

/// Removes a last line that was not written whole from what was the last segment, if it stays.
fn mend(place: &Place, number: u32, length: u64) -> Result<(), AuditError> {
    let path = segment_path(&place.home, number);
    if path.exists() {
        let file = place.disk.open_append(&path)?;
        place.disk.truncate(&file, length)?;
        place.disk.sync(&file)?;
    }
    Ok(())
}

/// A segment by itself.
struct Part {
    /// The record before it, as its opening says.
    before: Head,
    /// Its last record that is in order.
    end: Head,
    /// Whether it is in order to its end.
    whole: bool,
    /// The bytes that are in order; more than that was not written whole.
    length: u64,
    /// The highest row in it or before it.
    row: Option<i64>,
}

impl Part {
    /// `None`: it does not even begin as a segment.
    fn read(
        place: &Place,
        known: Option<Head>,
        number: u32,
        newest: bool,
    ) -> Result<Option<Self>, AuditError> {
        let Some(before) = begins_after(&place.home, number)? else { return Ok(None) };
        let key = place.signer.public_key();
        let mut reader = Reader::new(&place.node, &key, known);
        reader.chain.last = Some(before);
        let whole = match reader.segment(&place.home, number, newest) {
            Ok(()) => true,
            Err(AuditError::Tampered { .. }) => false,
            Err(error) => return Err(error),
        };
        let end = reader.end.unwrap_or(before);
        let row = reader.rows.last().copied();
        Ok(Some(Self { before, end, whole, length: reader.length, row }))
    }
}

/// What is there, and what the store knows.
struct Found {
    old: Vec<Gap>,
    numbers: Vec<u32>,
    /// What can be read, by number.
    parts: BTreeMap<u32, Part>,
    known: Option<Head>,
}

/// A stretch of the journal that is in order: a segment, or a gap that was accepted or pruned.
struct Stretch {
    first: u32,
    last: u32,
    before: Head,
    after: Head,
    is_gap: bool,
    /// Whether it is a gap that leaves out what the store knows of.
    is_too_wide: bool,
}

/// Which gaps there are, and where the journal goes on.
struct Plan {
    /// Number, what was found before, and what was expected after.
    gaps: Vec<Gap>,
    next: u32,
    after: Head,
    /// The highest row in what stays.
    row: Option<i64>,
}

impl Found {
    fn read(place: &Place, known: Option<Head>) -> Result<Self, AuditError> {
        let numbers = segments(&place.home)?;
        let old = gap::read(&place.home, &numbers, &place.node, &place.signer.public_key())?;
        let mut parts = BTreeMap::new();
        for &number in numbers.iter().filter(|it| !old.iter().any(|gap| gap.covers(**it))) {
            let newest = numbers.last() == Some(&number);
            parts.extend(Part::read(place, known, number, newest)?.map(|it| (number, it)));
        }
        Ok(Self { old, numbers, parts, known })
    }

    /// Takes out what does not fit until the rest does.
    fn plan(mut self, accepted: &Accepted) -> Result<Plan, AuditError> {
        loop {
            let number = match self.walk(accepted) {
                Ok(plan) => return Ok(plan),
                Err(number) => number,
            };
            // A part that is not whole stays only as a witness of how far the journal went.
            let part = self.parts.get_mut(&number).filter(|it| it.whole);
            part.ok_or(AuditError::NotAcceptable("the gaps of the journal do not fit"))?.whole =
                false;
        }
    }

    fn stretches(&self) -> Vec<Stretch> {
        // A gap that was accepted a second time stands twice: the later one counts.
        let nested = |number: usize, it: &Gap| {
            self.old
                .iter()
                .enumerate()
                .any(|(at, other)| other.covers(it.first) && (other.last, at) > (it.last, number))
        };
        let old = self.old.iter().enumerate().filter(|(number, it)| !nested(*number, it));
        let gaps = old.map(|(_, it)| Stretch {
            first: it.first,
            last: it.last,
            before: it.before,
            after: it.after,
            is_gap: true,
            is_too_wide: it.is_too_wide(self.known),
        });
        let whole = self.parts.iter().filter(|(_, it)| it.whole);
        let parts = whole.map(|(number, it)| Stretch {
            first: *number,
            last: *number,
            before: it.before,
            after: it.end,
            is_gap: false,
            is_too_wide: false,
        });
        let mut all: Vec<_> = gaps.chain(parts).collect();
        all.sort_by_key(|it| it.first);
        all
    }

    /// `Err`: the segment of this number is not what it should be, by what stands around it.
    fn walk(&self, accepted: &Accepted) -> Result<Plan, u32> {
        let gap = |first, last, before, after| Gap {
            first,
            last,
            before,
            after,
            accepted: Some(accepted.clone()),
        };
        let mut gaps = Vec::new();
        let (mut next, mut after) = (1, Head { sequence: 0, hash: Hash::NONE });
        // The segment that was passed last, if it was not a gap.
        let mut last = None;
        for it in self.stretches() {
            if it.first > next && it.before.sequence >= after.sequence {
                gaps.push(gap(next, it.first - 1, after, it.before));
            } else if it.before != after {
                return Err(last.unwrap_or(it.first));
            }
            if it.is_too_wide {
                gaps.push(gap(it.first, it.last, it.before, it.after));
            }
            (next, after) = (it.last.saturating_add(1), it.after);
            last = (!it.is_gap).then_some(it.first);
        }
        let end = self.end(after);
        let newest = self.numbers.last().copied().unwrap_or_default();
        if newest >= next || end != after {
            if newest < next
                && let Some(cut) = last
            {
                return Err(cut);
            }
            let last = newest.max(next);
            gaps.push(gap(next, last, after, end));
            (next, after) = (last.saturating_add(1), end);
        }
        // What is moved aside can be copied again, as far as the store has it.
        let row = self.parts.values().filter(|it| it.whole).filter_map(|it| it.row).max();
        Ok(Plan { gaps, next, after, row })
    }

    /// The last record that is known of: by the store, or by what is in order in damaged segments.
    fn end(&self, after: Head) -> Head {
        let witnesses = self.parts.values().map(|it| it.end).chain(self.known);
        witnesses.fold(after, |end, it| if it.sequence > end.sequence { it } else { end })
    }
}

fn begins_after(home: &Path, number: u32) -> Result<Option<Head>, AuditError> {
    match Lines::open(home, number, 0)?.next()? {
        Next::Line(line) => Ok(before(line)),
        Next::Torn | Next::End => Ok(None),
    }
}

/// Moves the files of the gaps, as they are: they have their names there before they lose those
/// here, for between two directories no file system need keep the order.
fn put_aside(place: &Place, gaps: &[Gap], numbers: &[u32], aside: &Path) -> Result<(), AuditError> {
    place.disk.make_directory(aside)?;
    let lost = numbers.iter().filter(|it| gaps.iter().any(|gap| gap.covers(**it)));
    let both = lost.flat_map(|it| [segment_path, packed_path].map(|path| path(&place.home, *it)));
    let files: Vec<_> = both.filter(|it| it.exists()).collect();
    for (file, name) in files.iter().filter_map(|it| Some((it, it.file_name()?))) {
        place.disk.link(file, &aside.join(name))?;
    }
    place.disk.sync_directory(aside)?;
    for file in &files {
        place.disk.remove(file)?;
    }
    Ok(place.disk.sync_directory(&place.home)?)
}

//! Where a journal lies, and how a segment is begun there.

use std::{fs::File, io, path::PathBuf, sync::Arc};

use crate::{
    audit::{
        AuditError, Head, HeadSigner, PublicKey, Setup,
        gap::Gap,
        journal::directory,
        record::{Content, Opening, SignedHead, line},
        segment::segment_path,
    },
    disk::Disk,
};
use yaoku_model::time::Timestamp;

/// A node's directory, and what is needed to write there.
pub(in crate::audit) struct Place {
    pub(in crate::audit) home: PathBuf,
    pub(in crate::audit) node: String,
    pub(in crate::audit) signer: HeadSigner,
    pub(in crate::audit) disk: Arc<dyn Disk>,
}

impl Place {
    /// The directory of a node, made if need be, and marked by the node's public key. One that
    /// another key marked is refused.
    pub(in crate::audit) fn open(setup: Setup<'_>) -> Result<Self, AuditError> {
        let home = directory(setup.data, &setup.node);
        setup.disk.make_directory(&home)?;
        let key = setup.signer.public_key();
        match PublicKey::beside(&home)? {
            Some(it) if it == key => {}
            Some(_) => return Err(AuditError::OtherKey),
            None => key.put_beside(&home, setup.disk.as_ref())?,
        }
        let node = setup.node.as_str().to_owned();
        Ok(Self { home, node, signer: setup.signer, disk: setup.disk })
    }

    pub(super) fn disk(&self) -> &dyn Disk {
        self.disk.as_ref()
    }
}

/// What a segment is begun with.
#[derive(Clone, Copy, Debug)]
pub(in crate::audit) struct Beginning<'a> {
    pub(in crate::audit) segment: u32,
    /// The last record before it.
    pub(in crate::audit) after: Head,
    pub(in crate::audit) at: Timestamp,
    /// The highest row before it.
    pub(in crate::audit) row: Option<i64>,
    /// All that is missing in the journal.
    pub(in crate::audit) gaps: &'a [Gap],
}

/// A segment that holds its opening line, and (if that names gaps) a signature, on the medium.
pub(in crate::audit) struct Started {
    pub(in crate::audit) file: File,
    pub(in crate::audit) head: Head,
    pub(super) length: u64,
    /// Whether there is a signature.
    pub(super) signed: bool,
}

impl Started {
    /// Makes the segment beside its place and moves it there, so that none is there half.
    pub(in crate::audit) fn make(place: &Place, it: Beginning<'_>) -> io::Result<Self> {
        let Place { home, disk, .. } = place;
        let (head, lines) = first_lines(place, it);
        let (draft, path) = (home.join("next.new"), segment_path(home, it.segment));
        let file = disk.open_append(&draft)?;
        disk.truncate(&file, 0)?;
        disk.append(&file, &lines)?;
        disk.sync(&file)?;
        disk.rename(&draft, &path)?;
        if let Err(error) = disk.sync_directory(home) {
            _ = disk.remove(&path);
            return Err(error);
        }
        Ok(Self { file, head, length: lines.len() as u64, signed: !it.gaps.is_empty() })
    }
}

fn first_lines(place: &Place, it: Beginning<'_>) -> (Head, Vec<u8>) {
    let opening = Opening {
        version: 1,
        node: place.node.as_str().into(),
        segment: it.segment,
        previous: it.after.hash.to_string(),
        at: it.at.unix_ms(),
        row: it.row,
        gaps: it.gaps.to_vec(),
    };
    let (head, mut lines) = line(it.after, Content::Open(&opening));
    if it.gaps.is_empty() {
        return (head, lines);
    }
    let signature = place.signer.sign(&place.node, head, it.at);
    let signed = SignedHead { at: it.at.unix_ms(), signature: signature.into() };
    let (head, signature) = line(head, Content::Head(&signed));
    lines.extend(signature);
    (head, lines)
}

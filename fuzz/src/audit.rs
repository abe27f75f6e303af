//! Journals that somebody wrote over: what reads them reports, and never panics; an event reads back.

use std::{
    path::Path,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use tempfile::TempDir;
use yaoku_model::time::{ManualClock, Timestamp};
use yaoku_server::{
    audit::{
        self, Event, Head, HeadSigner, Journal, NodeName, Options, Source, Tail, UserAgent, verify,
    },
    disk::RealDisk,
};

/// An Ed25519 key for nothing else: PKCS#8 with 32 bytes of 7.
const KEY: &str = "302e020100300506032b6570042204200707070707070707070707070707070707070707070707070707070707070707";

pub(crate) fn run(input: &[u8]) {
    if let Ok(event) = Event::from_row(input) {
        let row = event.to_row();
        let again = Event::from_row(&row).expect("what is written can be read");
        assert_eq!(again.to_row(), row, "written otherwise the second time");
        assert!(row.len() <= input.len() * 6 + 256, "{} of {}", row.len(), input.len());
    }
    if let Ok(text) = std::str::from_utf8(input)
        && let Ok(head) = text.parse::<Head>()
    {
        assert_eq!(head.to_string().parse(), Ok(head), "a head comes back");
    }
    // One at a time: tests run side by side.
    let place = PLACE.lock().unwrap_or_else(PoisonError::into_inner);
    std::fs::write(place.segment(), input).expect("the segment can be written");
    let report = verify(&place.home, &place.node, &place.signer.public_key(), None);
    let report = report.expect("a journal can be read");
    let lines = input.split(|it| *it == b'\n').count() as u64;
    assert!(report.records <= lines && report.events <= report.records, "{report:?}");
    let tail = Tail::last(&place.home, 10);
    assert!(tail.is_ok_and(|(entries, _)| entries.len() <= 10), "more than was asked for");
}

/// A small journal, and events.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let data = TempDir::new().expect("a temporary directory");
    let clock = Arc::new(ManualClock::at(Timestamp::from_unix_seconds(1_795_295_120)));
    let journal = Journal::open(audit::Setup {
        data: data.path(),
        node: node(),
        signer: signer(),
        clock: clock.clone(),
        steady: clock,
        disk: Arc::new(RealDisk),
        known: None,
        options: Options::default(),
    });
    let journal = journal.expect("a journal");
    for number in 0..3 {
        _ = journal.append_row(number.into(), &event(number).to_row()).expect("it is written");
    }
    journal.sync().expect("it is on the medium");
    drop(journal);
    let home = audit::directory(data.path(), &node());
    let segment = std::fs::read(home.join(SEGMENT)).expect("segments have another name now");
    vec![segment, event(1).to_row(), event(2).to_row()]
}

static PLACE: LazyLock<Mutex<Place>> = LazyLock::new(|| {
    // In memory, where there is such a place: each input is a file.
    let memory = Path::new("/dev/shm");
    let directory = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() };
    let directory = directory.expect("a temporary directory");
    Mutex::new(Place {
        home: directory.path().to_owned(),
        _directory: directory,
        node: node(),
        signer: signer(),
    })
});

/// Where a journal of one segment lies.
struct Place {
    home: std::path::PathBuf,
    node: NodeName,
    signer: HeadSigner,
    _directory: TempDir,
}

impl Place {
    fn segment(&self) -> std::path::PathBuf {
        self.home.join(SEGMENT)
    }
}

/// The first segment's name.
const SEGMENT: &str = "00000001.log";

fn node() -> NodeName {
    "one".parse().expect("a name")
}

fn signer() -> HeadSigner {
    let key = hex::decode(KEY).expect("hexadecimal");
    HeadSigner::from_pkcs8(&key.into()).expect("a key")
}

fn event(number: u32) -> Event {
    Event {
        at: Timestamp::from_unix_ms(1_795_295_000_123 + i64::from(number)),
        request_id: format!("4C467B38-3910-447D-87BC-{number:012}"),
        account: "1540355698848459".parse().ok(),
        principal: "user/alice".to_owned(),
        access_key: "LTAI5tAbCdEfGhIjKlMnOpQr".parse().ok(),
        source_identity: None,
        source: Source::from(std::net::IpAddr::from([192, 0, 2, 7])),
        user_agent: UserAgent::new("AlibabaCloud (Linux; x86_64) Python/3.11.7 Core/0.4.3"),
        action: "kms:Encrypt".into(),
        resources: vec!["acs:kms:cn-hangzhou:1540355698848459:key/key-hzz62f1cb66".to_owned()],
        code: None,
        status: 200,
        tls: true,
        count: 1,
    }
}

//! What is secret is nowhere in the program's memory once it was answered, but where SECURITY.md
//! says so; and the program leaves no core. Read as root reads it, from `/proc/PID/mem`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail loudly"
)]

#[expect(dead_code, reason = "shared with the other tests, which use all of it")]
mod support;

use std::{
    fs::{self, File},
    os::unix::{
        fs::{FileExt as _, MetadataExt as _, chown},
        process::{CommandExt as _, ExitStatusExt as _},
    },
    path::Path,
    process::Command,
    sync::Arc,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use memchr::memmem::Finder;
use rustix::process::{Pid, Signal, kill_process};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use support::{
    Dev,
    canaries::Canaries,
    client::{Answer, KMS, Key, Scheme, exchange, exchange_over},
    signed,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

const PLAINTEXT: &str = "canary-plaintext-51ce0b9d4417";
const VALUE: &str = "canary-secret-value-6fd2a07e8839";
const SECOND: &str = "canary-second-value-c08a3d71be62";
const CONTEXT: &str = r#"{"table":"canary-context-1b94e6f0a7d5"}"#;

/// How long what was answered may take to be gone: tasks end after their clients have gone.
const SETTLE: Duration = Duration::from_secs(10);

/// Memory of another process.
struct Memory {
    pid: u32,
    mem: File,
}

impl Memory {
    /// `None` if this user may not read it, which is what hardening promises to all but root.
    fn of(pid: u32) -> Option<Self> {
        match File::open(format!("/proc/{pid}/mem")) {
            Ok(mem) => Some(Self { pid, mem }),
            Err(error) => {
                assert!(!rustix::process::geteuid().is_root(), "root cannot read it: {error}");
                None
            }
        }
    }

    /// Where canaries are: one line each, and how many bytes could be read.
    fn search(&self, canaries: &Canaries) -> (Vec<String>, usize) {
        const CHUNK: usize = 1 << 20;
        const OVERLAP: usize = 4096;
        let finders: Vec<_> = canaries.forms().map(|(name, it)| (name, Finder::new(it))).collect();
        let (mut found, mut total) = (Vec::new(), 0);
        let mut bytes = vec![0; CHUNK + OVERLAP];
        for line in fs::read_to_string(format!("/proc/{}/maps", self.pid)).unwrap().lines() {
            let (range, rest) = line.split_once(' ').unwrap();
            let (start, end) = range.split_once('-').unwrap();
            let [start, end] = [start, end].map(|it| u64::from_str_radix(it, 16).unwrap());
            if !rest.starts_with('r') || rest.contains("[v") {
                continue;
            }
            let mut at = start;
            while at < end {
                let len = usize::try_from(end - at).unwrap().min(bytes.len());
                // Pages that nobody may read are what is hoped for.
                let len = self.mem.read_at(&mut bytes[..len], at).unwrap_or(0);
                total += len;
                if bytes[..len].iter().any(|it| *it != 0) {
                    for (name, finder) in &finders {
                        // What begins in the overlap is the next chunk's to find.
                        for hit in finder.find_iter(&bytes[..len]).take_while(|it| *it < CHUNK) {
                            let around = &bytes[hit.saturating_sub(60)..len.min(hit + 100)];
                            let around = String::from_utf8_lossy(around).into_owned();
                            let place = at + hit as u64;
                            found.push(format!("{name} at {place:x} of {line}: {around:?}"));
                        }
                    }
                }
                at += CHUNK as u64;
            }
        }
        (found, total)
    }

    /// Searches until nothing is found, or for [`SETTLE`].
    async fn search_settled(&self, canaries: &Canaries) -> Vec<String> {
        let deadline = tokio::time::Instant::now() + SETTLE;
        loop {
            let (found, total) = self.search(canaries);
            assert!(total > 1 << 20, "only {total} bytes could be read");
            if found.is_empty() || tokio::time::Instant::now() > deadline {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

/// A client that takes turns at HTTP and HTTPS.
struct Talk<'a> {
    dev: &'a Dev,
    tls: TlsConnector,
}

impl<'a> Talk<'a> {
    fn with(dev: &'a Dev) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&dev.ca).unwrap()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { dev, tls: TlsConnector::from(Arc::new(config)) }
    }

    /// Sends the same call over both, signed by each scheme; gives the last answer.
    async fn say(&self, key: &Key, action: &str, params: &[(&str, &str)]) -> Answer {
        let call = |scheme| signed(scheme, key, KMS, action, params);
        exchange(self.dev.http, &call(Scheme::V1)).await.unwrap();
        let stream = TcpStream::connect(self.dev.https).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = self.tls.connect(name, stream).await.unwrap();
        exchange_over(stream, &call(Scheme::V3)).await.unwrap()
    }

    async fn done(&self, action: &str, params: &[(&str, &str)]) -> Answer {
        let answer = self.say(&self.dev.key, action, params).await;
        assert_eq!(answer.status, 200, "{action}: {answer:?}");
        answer
    }

    async fn refused(&self, key: &Key, action: &str, params: &[(&str, &str)]) -> Answer {
        let answer = self.say(key, action, params).await;
        assert_ne!(answer.status, 200, "{action}: {answer:?}");
        answer
    }
}

/// Uses what takes or gives a secret, well and badly.
async fn session(talk: &Talk<'_>, canaries: &mut Canaries) {
    let id = talk.dev.file["key_id"].as_str().unwrap();
    let key = ("KeyId", id);
    let text = [key, ("Plaintext", PLAINTEXT), ("EncryptionContext", CONTEXT)];
    let blob = talk.done("Encrypt", &text).await.text("/CiphertextBlob");
    let sealed = [("CiphertextBlob", blob.as_str()), ("EncryptionContext", CONTEXT)];
    assert_eq!(talk.done("Decrypt", &sealed).await.text("/Plaintext"), PLAINTEXT);
    let made = talk.done("GenerateDataKey", &[key]).await.text("/Plaintext");
    canaries.add(&STANDARD.decode(&made).unwrap());
    let password = talk.done("GetRandomPassword", &[]).await.text("/RandomPassword");
    canaries.add(password.as_bytes());

    let name = ("SecretName", "canary/one");
    let value = [name, ("VersionId", "v1"), ("SecretData", VALUE)];
    // The second of the two finds it made.
    assert_eq!(
        talk.say(&talk.dev.key, "CreateSecret", &value).await.code(),
        "Rejected.ResourceExist"
    );
    let second = [name, ("VersionId", "v2"), ("SecretData", SECOND)];
    talk.say(&talk.dev.key, "PutSecretValue", &second).await;
    assert_eq!(talk.done("GetSecretValue", &[name]).await.text("/SecretData"), SECOND);

    let wrong = [("CiphertextBlob", blob.as_str()), ("EncryptionContext", r#"{"a":"b"}"#)];
    talk.refused(&talk.dev.key, "Decrypt", &wrong).await;
    let bad = [("KeyId", "no such key"), ("Plaintext", PLAINTEXT), ("EncryptionContext", CONTEXT)];
    talk.refused(&talk.dev.key, "Encrypt", &bad).await;
    let bad = [key, ("PlainText", PLAINTEXT), ("EncryptionContext", VALUE)];
    talk.refused(&talk.dev.key, "Encrypt", &bad).await;
    // Answers that quote what should have been signed.
    let mut typo = talk.dev.key.clone();
    typo.secret.push('x');
    for (action, params) in [("Encrypt", &text[..]), ("PutSecretValue", &second)] {
        assert_eq!(talk.refused(&typo, action, params).await.code(), "SignatureDoesNotMatch");
    }
    let large = format!("{PLAINTEXT}{}", "p".repeat(200_000));
    talk.refused(&talk.dev.key, "Encrypt", &[key, ("Plaintext", &large)]).await;
}

/// What files of keys hold besides check values, as bytes.
fn keys_of(data: &Path) -> Vec<Vec<u8>> {
    let text = fs::read_to_string(data.join("root.key")).unwrap();
    let keys = text.lines().filter_map(|line| line.strip_prefix("key: "));
    let keys: Vec<_> = keys.map(|it| hex::decode(it).unwrap()).collect();
    assert!(keys.iter().all(|it| it.len() == 32) && !keys.is_empty());
    keys
}

#[tokio::test]
async fn nothing_secret_stays_in_memory() {
    let data = tempfile::tempdir().unwrap();
    // Twice: the first start makes the keys, the second reads them.
    for _ in 0..2 {
        let dev = Dev::start(data.path());
        let Some(memory) = Memory::of(dev.process.id()) else { return dev.kill() };
        let mut canaries = Canaries::default();
        for secret in [PLAINTEXT, VALUE, SECOND, "canary-context-1b94e6f0a7d5"] {
            canaries.add(secret.as_bytes());
        }
        session(&Talk::with(&dev), &mut canaries).await;
        for key in keys_of(data.path()) {
            canaries.add(&key);
        }
        let found = memory.search_settled(&canaries).await;
        assert!(found.is_empty(), "{} left:\n{}", found.len(), found.join("\n"));
        // What checks signatures has to stay, as SECURITY.md says: in the cache of access keys, and
        // with what `yaoku dev` made. So the search does find things.
        let mut kept = Canaries::default();
        kept.add(dev.key.secret.as_bytes());
        let (found, _) = memory.search(&kept);
        assert!((1..=2).contains(&found.len()), "{}", found.join("\n"));
        dev.kill();
    }
}

/// The program, by a shell that does `first`.
fn after(first: &str) -> Command {
    let mut command = Command::new("sh");
    let script = format!("{first}; exec \"$0\" \"$@\"");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_yaoku")]);
    command
}

#[test]
fn a_crash_leaves_no_core() {
    // Not QUIT: who starts tests in the background may have it ignored.
    for signal in [Signal::ABORT, Signal::ILL, Signal::SEGV] {
        let data = tempfile::tempdir().unwrap();
        let mut command = after("ulimit -c unlimited 2>/dev/null");
        command.current_dir(data.path());
        let mut dev = Dev::start_by(command, data.path());
        let limits = fs::read_to_string(format!("/proc/{}/limits", dev.process.id())).unwrap();
        let core = limits.lines().find_map(|it| it.strip_prefix("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().collect::<Vec<_>>(), ["0", "0", "bytes"]);
        let ended = loop {
            // Once is not enough: the first SEGV is Rust's, which looks whether a stack was full, and
            // has the fault come again.
            kill_process(Pid::from_child(&dev.process), signal).unwrap();
            if let Some(ended) = dev.process.try_wait().unwrap() {
                break ended;
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        assert_eq!((ended.signal(), ended.core_dumped()), (Some(signal.as_raw()), false));
        let files = fs::read_dir(data.path()).unwrap().map(|it| it.unwrap().file_name());
        let cores: Vec<_> = files.filter(|it| it.to_string_lossy().contains("core")).collect();
        assert!(cores.is_empty(), "{cores:?}");
    }
}

#[test]
fn the_user_who_runs_it_cannot_look_into_it() {
    const NOBODY: u32 = 65534;
    let data = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_yaoku"));
    let mut look = Command::new("cat");
    if rustix::process::geteuid().is_root() {
        chown(data.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        command.uid(NOBODY).gid(NOBODY);
        look.uid(NOBODY).gid(NOBODY);
    }
    let dev = Dev::start_by(command, data.path());
    let maps = format!("/proc/{}/maps", dev.process.id());
    // A process that cannot be dumped belongs to root there, whoever runs it.
    assert_eq!(fs::metadata(&maps).unwrap().uid(), 0);
    let looked = look.arg(&maps).output().unwrap();
    assert!(!looked.status.success() && looked.stdout.is_empty(), "{looked:?}");
    dev.kill();
}

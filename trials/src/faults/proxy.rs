//! What stands between the program and a server, one for each case: it holds the connection when a
//! step is reached, and then passes it on, cuts it, hangs, or is not there at all.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// The longest message that is looked at as a whole, in bytes.
const MESSAGE: usize = 64 * 1024;

/// Where a rotation is when the fault comes.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Step {
    /// The candidate is not kept yet: the call that asks for the rotation is on its way.
    Before,
    /// It is kept, and nothing was asked of the server.
    Connect,
    /// The administrator logs in.
    LogIn,
    /// The change is sent, and the server has not got it.
    Change,
    /// The server has made the change, and its answer is not heard.
    Applied,
    /// The log-in that verifies begins.
    Verify,
    /// That has succeeded, and the labels are about to move.
    Finish,
}

impl Step {
    pub(super) const ALL: [Self; 7] = [
        Self::Before,
        Self::Connect,
        Self::LogIn,
        Self::Change,
        Self::Applied,
        Self::Verify,
        Self::Finish,
    ];
}

/// How it lets connections through.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Door {
    /// They pass.
    Open,
    /// The step is reached: nothing moves until it is said what becomes of it.
    Held,
    /// What is held hangs; what comes passes.
    OpenToNew,
    /// They are taken, and nothing ever comes back.
    Hanging,
    /// Nobody listens.
    Refusing,
}

/// How the change is known when it passes.
#[derive(Clone, Debug)]
pub(super) enum Sign {
    /// These words are in what the program sends.
    Words(&'static str),
    /// The lines of this file with this word in them become others: what is sent cannot be read.
    Lines(PathBuf, String),
}

/// What is held, and how it is known.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) step: Step,
    pub(super) sign: Sign,
    /// With which of its messages the server has let somebody in.
    pub(super) let_in: usize,
    /// With which of its messages it is ready for the change, where that cannot be read.
    pub(super) ready: usize,
}

/// One of them.
#[derive(Clone, Debug)]
pub(super) struct Proxy {
    pub(super) port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    upstream: u16,
    door: watch::Sender<Door>,
    /// Whether what was held passes when the door is open again, or is cut.
    passes: AtomicBool,
    plan: Mutex<Option<(Plan, Vec<String>)>>,
    /// Whether the program has heard of the change.
    heard: AtomicBool,
    connections: AtomicUsize,
}

impl Proxy {
    /// Begins to pass everything on.
    pub(super) fn start(upstream: u16) -> anyhow::Result<Self> {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let listener = TcpListener::from_std(listener)?;
        let (door, _) = watch::channel(Door::Open);
        let shared = Arc::new(Shared {
            upstream,
            door,
            passes: AtomicBool::new(false),
            plan: Mutex::default(),
            heard: AtomicBool::new(false),
            connections: AtomicUsize::new(0),
        });
        let it = Self { port, shared };
        tokio::spawn(it.clone().listen(listener));
        Ok(it)
    }

    /// From now on the step is waited for.
    pub(super) fn arm(&self, plan: Plan) {
        let before = plan.sign.lines();
        self.shared.heard.store(false, Relaxed);
        self.shared.connections.store(0, Relaxed);
        *self.plan() = Some((plan, before));
    }

    /// Waits until the step is reached, but not for ever.
    pub(super) async fn held(&self, patience: Duration) -> bool {
        let mut door = self.shared.door.subscribe();
        let held = door.wait_for(|it| *it == Door::Held);
        tokio::time::timeout(patience, held).await.is_ok_and(|it| it.is_ok())
    }

    /// Says how it goes on: for what is held, and for what comes.
    pub(super) fn set(&self, door: Door, passes: bool) {
        *self.plan() = None;
        self.shared.passes.store(passes, Relaxed);
        self.shared.door.send_replace(door);
    }

    fn plan(&self) -> std::sync::MutexGuard<'_, Option<(Plan, Vec<String>)>> {
        self.shared.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn listen(self, mut listener: TcpListener) {
        let mut door = self.shared.door.subscribe();
        loop {
            tokio::select! {
                it = listener.accept() => {
                    if let Ok((client, _)) = it {
                        tokio::spawn(self.clone().serve(client));
                    }
                    continue;
                }
                () = shut(&mut door, &[Door::Refusing]) => drop(listener),
            }
            listener = loop {
                if door.wait_for(|it| *it != Door::Refusing).await.is_err() {
                    return;
                }
                match TcpListener::bind(("127.0.0.1", self.port)).await {
                    Ok(it) => break it,
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            };
        }
    }

    async fn serve(self, mut client: TcpStream) {
        let first = self.shared.connections.fetch_add(1, Relaxed) == 0;
        let verifies = self.shared.heard.load(Relaxed);
        let reached = self.is(|plan| match plan.step {
            Step::Connect => first,
            Step::Verify => verifies,
            _ => false,
        });
        if reached {
            self.hold();
        }
        // Others that came meanwhile pass.
        if !self.goes_on(true).await || (reached && !self.shared.passes.load(Relaxed)) {
            return;
        }
        let Ok(mut server) = TcpStream::connect(("127.0.0.1", self.shared.upstream)).await else {
            return;
        };
        let mut door = self.shared.door.subscribe();
        let (mut sent, mut said) = (vec![0; MESSAGE], vec![0; MESSAGE]);
        let (mut answers, mut asked) = (0, false);
        loop {
            tokio::select! {
                n = client.read(&mut sent) => {
                    let Ok(n @ 1..) = n else { return };
                    if self.is_change(&sent[..n]) {
                        asked = true;
                        if self.is(|plan| plan.step == Step::Change) && !self.wait().await {
                            return;
                        }
                    }
                    if server.write_all(&sent[..n]).await.is_err() { return }
                }
                n = server.read(&mut said) => {
                    let Ok(n @ 1..) = n else { return };
                    answers += 1;
                    let changed = asked || self.has_changed();
                    let reached = self.is(|plan| match plan.step {
                        Step::LogIn => first && answers == plan.let_in,
                        Step::Change => first && answers == plan.ready,
                        Step::Applied => changed,
                        Step::Finish => verifies && answers == plan.let_in,
                        _ => false,
                    });
                    if reached && !self.wait().await { return }
                    if client.write_all(&said[..n]).await.is_err() { return }
                    if changed { self.shared.heard.store(true, Relaxed) }
                }
                () = shut(&mut door, &[Door::Refusing, Door::Hanging]) => {
                    self.goes_on(false).await;
                    return;
                }
            }
        }
    }

    fn is(&self, reached: impl FnOnce(&Plan) -> bool) -> bool {
        self.plan().as_ref().is_some_and(|(plan, _)| reached(plan))
    }

    fn is_change(&self, sent: &[u8]) -> bool {
        self.is(|plan| match &plan.sign {
            Sign::Words(words) => sent.windows(words.len()).any(|it| it == words.as_bytes()),
            Sign::Lines(..) => false,
        })
    }

    fn has_changed(&self) -> bool {
        let plan = self.plan();
        plan.as_ref().is_some_and(|(plan, before)| plan.sign.lines() != *before)
    }

    fn hold(&self) {
        *self.plan() = None;
        self.shared.door.send_replace(Door::Held);
    }

    /// The step is reached. Whether it goes on when it is over.
    async fn wait(&self) -> bool {
        self.hold();
        self.goes_on(false).await && self.shared.passes.load(Relaxed)
    }

    /// Waits until the door is open, or refuses. What hung until then is cut.
    async fn goes_on(&self, is_new: bool) -> bool {
        let mut door = self.shared.door.subscribe();
        let mut hung = false;
        loop {
            let now = *door.borrow_and_update();
            match now {
                Door::Open => return !hung,
                Door::Refusing => return false,
                Door::OpenToNew if is_new => return !hung,
                Door::Hanging | Door::OpenToNew => hung = true,
                Door::Held => {}
            }
            if door.changed().await.is_err() {
                return false;
            }
        }
    }
}

async fn shut(door: &mut watch::Receiver<Door>, how: &[Door]) {
    _ = door.wait_for(|it| how.contains(it)).await;
}

impl Sign {
    fn lines(&self) -> Vec<String> {
        let Self::Lines(file, word) = self else { return Vec::new() };
        let text = std::fs::read_to_string(file).unwrap_or_default();
        text.lines().filter(|it| it.contains(word.as_str())).map(str::to_owned).collect()
    }
}

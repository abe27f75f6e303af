//! Cases that have a fault and a step in common, on one program.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::ensure;
use fastrand::Rng;
use serde_json::Value;
use tokio::{
    sync::{Mutex, watch},
    task::JoinSet,
    time::Instant,
};

use super::{
    case::{Case, Yaoku},
    kind::Kind,
    proxy::{Door, Step},
    servers::Servers,
};
use crate::disk::mount::Mounted;

/// How long a step may take to be reached.
const REACHED: Duration = Duration::from_secs(40);

/// How long it may take, when the cause is gone, until all is as it must be.
const CONVERGED: Duration = Duration::from_secs(90);

/// For so long at most, after the cause is gone, may a password be current that does not work: the
/// only account's. A killed program's rotation is held for 15 s; pauses are up to 12 s.
const GAP: Duration = Duration::from_secs(30);

/// Lets the service change access keys.
const ROLE: &str = "AliyunKMSManagedRAMCrendentialsRole";

/// Whom the role trusts.
const TRUST: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",
    "Principal":{"Service":["kms.aliyuncs.com"]}}]}"#;

/// What goes wrong.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Fault {
    /// `kill -9` of the program, which is started again at once.
    Kill,
    /// The connection is cut, and new ones are refused.
    Refused,
    /// Nothing comes back any more, on no connection.
    TimedOut,
    /// Nothing comes back on this connection.
    TimedOutOnce,
    /// The connection is cut, and the administrator's password is wrong.
    WrongAdmin,
    /// The server takes no changes.
    ReadOnly,
    /// The disk with the program's store is full.
    FullDisk,
}

impl Fault {
    pub(super) const ALL: [Self; 7] = [
        Self::Kill,
        Self::Refused,
        Self::TimedOut,
        Self::TimedOutOnce,
        Self::WrongAdmin,
        Self::ReadOnly,
        Self::FullDisk,
    ];

    /// Whether there is such a fault at that step.
    pub(super) fn can_be_at(self, step: Step) -> bool {
        match self {
            Self::Kill | Self::FullDisk => true,
            Self::Refused | Self::TimedOut | Self::WrongAdmin => step != Step::Before,
            Self::TimedOutOnce => matches!(step, Step::Change | Step::Applied | Step::Finish),
            Self::ReadOnly => !matches!(step, Step::Before | Step::Verify | Step::Finish),
        }
    }
}

/// What they have in common, and of which kinds they are.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    pub(super) number: usize,
    pub(super) fault: Fault,
    pub(super) step: Step,
    pub(super) kinds: Vec<Kind>,
}

/// How a case ended.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) fault: Fault,
    pub(super) step: Step,
    pub(super) kind: Kind,
    /// What was seen that must not be.
    pub(super) problems: Vec<String>,
    pub(super) log_ins: u32,
    /// For how long what was current did not work.
    pub(super) gap: Duration,
    /// How long that went on after the cause was gone.
    pub(super) after: Duration,
    /// Whether it was asked for once more, as is said of rotations that failed.
    pub(super) again: bool,
}

/// Where all of it happens.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) servers: Arc<Servers>,
    /// Those that are made read-only, by one batch at a time.
    pub(super) fragile: Arc<Mutex<Arc<Servers>>>,
}

struct Running {
    batch: Batch,
    servers: Arc<Servers>,
    yaoku: Arc<Yaoku>,
    disk: Option<Mounted>,
    cases: Vec<Arc<Case>>,
    dice: Rng,
}

impl Batch {
    /// Runs it.
    pub(super) async fn run(
        self,
        program: &Path,
        place: &Place,
        seed: u64,
    ) -> anyhow::Result<Vec<Outcome>> {
        if self.fault == Fault::ReadOnly {
            let servers = place.fragile.lock().await;
            let done = self.run_on(program, Arc::clone(&servers), seed).await;
            return done;
        }
        self.run_on(program, Arc::clone(&place.servers), seed).await
    }

    async fn run_on(
        self,
        program: &Path,
        servers: Arc<Servers>,
        seed: u64,
    ) -> anyhow::Result<Vec<Outcome>> {
        let (home, disk) = match self.fault {
            Fault::FullDisk => (None, Some(Mounted::in_memory(64)?)),
            _ => (Some(tempfile::tempdir()?), None),
        };
        let data = disk.as_ref().map(Mounted::path).or(home.as_ref().map(tempfile::TempDir::path));
        let data = data.unwrap_or(Path::new("/nowhere")).join("data");
        let yaoku = tokio::task::block_in_place(|| Yaoku::start(program, &data))?;
        let mut dice = Rng::with_seed(seed ^ self.number as u64);
        let case = |(nth, kind): (usize, &Kind)| {
            let user = format!("c{}x{nth}", self.number);
            Arc::new(Case::new(*kind, user, dice.bool(), &servers))
        };
        let cases = self.kinds.iter().enumerate().map(case).collect();
        let mut it = Running { batch: self, servers, yaoku: Arc::new(yaoku), disk, cases, dice };
        let done = it.run().await;
        it.yaoku.kill()?;
        done
    }
}

impl Running {
    async fn run(&mut self) -> anyhow::Result<Vec<Outcome>> {
        self.make().await?;
        let (over, _) = watch::channel(false);
        let mut users = JoinSet::new();
        for case in &self.cases {
            users.spawn(Arc::clone(case).watch(Arc::clone(&self.yaoku), over.subscribe()));
        }
        tokio::time::sleep(Duration::from_millis(600)).await;
        let begun = Instant::now();
        let mut missed = Vec::new();
        if self.batch.step == Step::Before {
            self.strike_before().await?;
        } else {
            self.arm();
            self.ask().await?;
            for case in &self.cases {
                let Some(proxy) = &case.proxy else { continue };
                if !proxy.held(REACHED.saturating_sub(begun.elapsed())).await {
                    missed.push(case.user.clone());
                }
            }
            self.strike().await?;
        }
        let lifted = Instant::now();
        let outcomes = self.converge(lifted).await;
        over.send_replace(true);
        while users.join_next().await.is_some() {}
        let mut outcomes = outcomes?;
        for (it, case) in outcomes.iter_mut().zip(&self.cases) {
            self.judge(it, case, begun, lifted);
            if missed.contains(&case.user) {
                it.problems.push("the step was not reached".to_owned());
            }
        }
        self.hear(&mut outcomes)?;
        Ok(outcomes)
    }

    /// Makes everything that is there before.
    async fn make(&self) -> anyhow::Result<()> {
        let users: Vec<_> = self.cases.iter().map(|it| (it.kind, it.user.clone())).collect();
        tokio::task::block_in_place(|| self.servers.make_users(&users));
        let role = [("RoleName", ROLE), ("AssumeRolePolicyDocument", TRUST)];
        self.yaoku.done("CreateRole", &role).await?;
        for case in &self.cases {
            case.register(&self.yaoku, &self.servers).await?;
            if !case.kind.makes() {
                case.create(&self.yaoku, &self.servers).await?;
            }
        }
        let since = Instant::now();
        for case in self.cases.iter().filter(|it| !it.kind.makes()) {
            while !self.is_made(case).await {
                ensure!(since.elapsed() < REACHED, "{:?} is not made", case.kind);
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        Ok(())
    }

    /// Whether what is current of a case works.
    async fn is_made(&self, case: &Case) -> bool {
        let mut stages = vec!["ACSCurrent"];
        if case.kind.makes() || matches!(case.kind.secret_type(), "PolarDB" | "Redis") {
            stages.push("ACSPrevious");
        }
        for stage in stages {
            let Some(marked) = case.marked(&self.yaoku, stage).await else { return false };
            if case.works(&self.yaoku, &marked.login).await != Some(true) {
                return false;
            }
        }
        true
    }

    fn arm(&mut self) {
        for case in &self.cases {
            if let Some(proxy) = &case.proxy {
                let plan =
                    self.servers.plan(case.kind, &case.user, self.batch.step, &mut self.dice);
                proxy.arm(plan);
            }
        }
    }

    /// Asks for what the cases are about.
    async fn ask(&self) -> anyhow::Result<()> {
        let mut calls = JoinSet::new();
        for case in &self.cases {
            let (case, yaoku, servers) =
                (Arc::clone(case), Arc::clone(&self.yaoku), Arc::clone(&self.servers));
            calls.spawn(async move {
                if case.kind.makes() {
                    case.create(&yaoku, &servers).await
                } else {
                    case.rotate(&yaoku, "r1").await
                }
            });
        }
        while let Some(done) = calls.join_next().await {
            done??;
        }
        Ok(())
    }

    /// The fault comes while the calls are on their way.
    async fn strike_before(&mut self) -> anyhow::Result<()> {
        let mut calls = JoinSet::new();
        let disk = self.disk.as_ref();
        disk.map(Mounted::fill).transpose()?;
        for case in &self.cases {
            let (case, yaoku) = (Arc::clone(case), Arc::clone(&self.yaoku));
            calls.spawn(async move { case.rotate_once(&yaoku).await });
        }
        tokio::time::sleep(Duration::from_millis(self.dice.u64(..20))).await;
        if self.batch.fault == Fault::Kill {
            self.yaoku.kill()?;
            self.yaoku.restart()?;
        }
        while let Some(answer) = calls.join_next().await {
            // It may have been answered, refused, or neither.
            _ = answer?;
        }
        disk.map(Mounted::free).transpose()?;
        self.ask().await
    }

    fn doors(&self, door: Door, passes: bool) {
        for proxy in self.cases.iter().filter_map(|it| it.proxy.as_ref()) {
            proxy.set(door, passes);
        }
    }

    /// The fault comes when all have reached the step, and goes again.
    async fn strike(&mut self) -> anyhow::Result<()> {
        let wait = async |seconds| tokio::time::sleep(Duration::from_secs(seconds)).await;
        match self.batch.fault {
            Fault::Kill => {
                if self.batch.step == Step::Finish {
                    self.doors(Door::Open, true);
                    let pause = Duration::from_millis(self.dice.u64(..60));
                    tokio::time::sleep(pause).await;
                }
                self.yaoku.kill()?;
                self.doors(Door::Open, false);
                self.yaoku.restart()?;
            }
            Fault::Refused => {
                self.doors(Door::Refusing, false);
                wait(3).await;
                self.doors(Door::Open, false);
            }
            Fault::TimedOut => {
                self.doors(Door::Hanging, false);
                wait(12).await;
                self.doors(Door::Open, false);
            }
            Fault::TimedOutOnce => self.doors(Door::OpenToNew, false),
            Fault::WrongAdmin => self.strike_admin().await?,
            Fault::ReadOnly => {
                tokio::task::block_in_place(|| self.servers.set_read_only(true));
                self.doors(Door::Open, self.batch.step != Step::Applied);
                wait(4).await;
                tokio::task::block_in_place(|| self.servers.set_read_only(false));
            }
            Fault::FullDisk => {
                let disk = self.disk.as_ref();
                disk.map(Mounted::fill).transpose()?;
                self.doors(Door::Open, true);
                wait(4).await;
                disk.map(Mounted::free).transpose()?;
            }
        }
        Ok(())
    }

    async fn strike_admin(&self) -> anyhow::Result<()> {
        for case in &self.cases {
            case.set_admin(&self.yaoku, &self.servers, false).await?;
        }
        self.doors(Door::Open, false);
        let since = Instant::now();
        for case in self.cases.iter().filter(|it| self.must_fail(it.kind)) {
            while case.described(&self.yaoku, "AutomaticRotation").await.as_deref()
                != Some("Invalid")
                && since.elapsed() < CONVERGED
            {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        for case in &self.cases {
            case.set_admin(&self.yaoku, &self.servers, true).await?;
        }
        Ok(())
    }

    /// Whether somebody has to do something: nobody else makes a password right again. What a server
    /// has taken already is found out without its administrator where there is one password only.
    fn must_fail(&self, kind: Kind) -> bool {
        self.batch.fault == Fault::WrongAdmin
            && match self.batch.step {
                Step::Connect | Step::LogIn | Step::Change => true,
                Step::Applied => !kind.is_single() || kind == Kind::SshKey,
                Step::Before | Step::Verify | Step::Finish => false,
            }
    }

    /// Waits until each is as it must be.
    async fn converge(&self, lifted: Instant) -> anyhow::Result<Vec<Outcome>> {
        let mut outcomes = Vec::new();
        for case in &self.cases {
            let mut it = Outcome {
                fault: self.batch.fault,
                step: self.batch.step,
                kind: case.kind,
                problems: Vec::new(),
                log_ins: 0,
                gap: Duration::ZERO,
                after: Duration::ZERO,
                again: false,
            };
            while !self.has_converged(case, &mut it).await? {
                if lifted.elapsed() > CONVERGED {
                    let state = case.described(&self.yaoku, "AutomaticRotation").await;
                    it.problems.push(format!("it does not end: {state:?}"));
                    break;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            outcomes.push(it);
        }
        for (it, case) in outcomes.iter_mut().zip(&self.cases) {
            self.look(it, case).await;
        }
        Ok(outcomes)
    }

    async fn has_converged(&self, case: &Case, it: &mut Outcome) -> anyhow::Result<bool> {
        let Some(state) = case.described(&self.yaoku, "AutomaticRotation").await else {
            return Ok(false);
        };
        if case.kind.makes() {
            return Ok(state != "Invalid" && self.is_made(case).await);
        }
        let Some(marked) = case.marked(&self.yaoku, "ACSCurrent").await else { return Ok(false) };
        if state == "Invalid" && !it.again {
            it.again = true;
            case.rotate(&self.yaoku, "r2").await?;
        }
        if state == "Invalid" || marked.version != if it.again { "r2" } else { "r1" } {
            return Ok(false);
        }
        // The key before goes a little later.
        if case.kind == Kind::SshKey
            && let Some(before) = case.marked(&self.yaoku, "ACSPrevious").await
        {
            return Ok(case.works(&self.yaoku, &before.login).await == Some(false));
        }
        Ok(true)
    }

    /// Looks at the final state of a case.
    async fn look(&self, it: &mut Outcome, case: &Case) {
        let state = case.described(&self.yaoku, "AutomaticRotation").await.unwrap_or_default();
        let right = if case.automatic { "Enabled" } else { "Disabled" };
        let mut must = |holds: bool, what: String| {
            if !holds {
                it.problems.push(what);
            }
        };
        must(state == right, format!("AutomaticRotation is {state}"));
        let next = case.described(&self.yaoku, "NextRotationDate").await.unwrap_or_default();
        must(next.is_empty() != case.automatic, format!("NextRotationDate is {next:?}"));
        let last = case.described(&self.yaoku, "LastRotationDate").await.unwrap_or_default();
        must(last.is_empty() == case.kind.makes(), format!("LastRotationDate is {last:?}"));
        for stage in ["ACSCurrent", "ACSPrevious"] {
            let Some(marked) = case.marked(&self.yaoku, stage).await else {
                must(false, format!("{stage} is not there"));
                continue;
            };
            let works = case.works(&self.yaoku, &marked.login).await;
            let lives = stage == "ACSCurrent" || case.kind.keeps_previous();
            must(works == Some(lives), format!("whether {stage} works: {works:?}"));
        }
    }

    /// Judges how the users of a case fared.
    fn judge(&self, it: &mut Outcome, case: &Case, begun: Instant, lifted: Instant) {
        let seen = case.seen();
        it.log_ins = seen.tried;
        (it.gap, it.after) = (seen.longest_gap(begun), seen.longest_gap(lifted));
        if seen.tried == 0 {
            it.problems.push("nobody logged in".to_owned());
        }
        if !case.kind.is_single() && seen.failed > 0 {
            it.problems.push(format!("{} of {} log-ins failed", seen.failed, seen.tried));
        }
        if it.after > GAP {
            it.problems.push(format!("what was current did not work for {:?}", it.after));
        }
        if it.again && !self.must_fail(case.kind) {
            it.problems.push("it had to be asked for again".to_owned());
        }
    }

    /// What was told of each is what happened: no more, no less.
    fn hear(&self, outcomes: &mut [Outcome]) -> anyhow::Result<()> {
        let told = self.yaoku.run(&["notices", "--page-size", "1000"])?;
        let all = told.pointer("/Notices/Notice").and_then(Value::as_array);
        for (it, case) in outcomes.iter_mut().zip(&self.cases) {
            let fails = self.must_fail(case.kind);
            let about = format!("secret/{}", case.secret);
            // The last comes first.
            let names = all
                .into_iter()
                .flatten()
                .rev()
                .filter(|it| it["ResourceId"].as_str().is_some_and(|it| it.ends_with(&about)));
            let names: Vec<_> = names.filter_map(|it| it["Name"].as_str()).collect();
            let (failure, success) = ("Secret:RotateSecret:Failure", "Secret:RotateSecret:Success");
            // An access key's rotation has succeeded when the key before it is gone: in days.
            let silent = case.kind.makes() || case.kind == Kind::AccessKey;
            let right: &[&str] = match (fails, silent) {
                (true, _) => &[failure, success],
                (false, false) => &[success],
                (false, true) => &[],
            };
            // What was asked for again may have succeeded just before.
            let twice = fails && it.again && names == [failure, success, success];
            if names != right && !twice {
                it.problems.push(format!("it was told {names:?}"));
            }
        }
        Ok(())
    }
}

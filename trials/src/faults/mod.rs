//! The trial of faults: for each kind of credential, at each step of its rotation, each kind of fault.
//! The cause goes again, and then all must be as if nothing had been: the state is right, what is
//! current works, and what happened was told, once. Users log in all the time.
//!
//! Servers are real, the program is the real one, and between them stands a proxy for each case that
//! knows when the step is reached. Cases with a fault and a step in common share one program.

mod batch;
mod case;
mod kind;
mod proxy;
mod servers;

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::Context as _;
use fastrand::Rng;
use tokio::{
    sync::{Mutex, Semaphore},
    task::JoinSet,
    time::Instant,
};

use self::{
    batch::{Batch, Fault, Outcome, Place},
    kind::Kind,
    proxy::Step,
    servers::Servers,
};
use crate::report::Report;

/// What the short form has of them: each fault where it hurts most.
const SHORT: [(Fault, Step); 5] = [
    (Fault::Kill, Step::Applied),
    (Fault::TimedOutOnce, Step::Applied),
    (Fault::WrongAdmin, Step::Connect),
    (Fault::ReadOnly, Step::Change),
    (Fault::FullDisk, Step::Applied),
];

/// How it is run.
#[derive(Debug, clap::Args)]
pub(crate) struct Faults {
    /// All of them, some hundred. Without it, about fifty.
    #[arg(long)]
    whole: bool,
    /// How many programs run side by side.
    #[arg(long, default_value_t = 3)]
    at_once: usize,
    /// Only this fault: `Kill`, `Refused`, `TimedOut`, `TimedOutOnce`, `WrongAdmin`, `ReadOnly`, `FullDisk`.
    #[arg(long, value_name = "FAULT")]
    only: Option<String>,
}

impl Faults {
    /// Runs it.
    pub(crate) async fn run(
        self,
        program: &Path,
        seed: u64,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let begun = Instant::now();
        let (servers, fragile) = tokio::task::block_in_place(|| {
            anyhow::Ok((Arc::new(Servers::start()?), Arc::new(Servers::start()?)))
        })?;
        let place = Place { servers, fragile: Arc::new(Mutex::new(fragile)) };
        let places = Arc::new(Semaphore::new(self.at_once.max(1)));
        let mut running = JoinSet::new();
        for batch in self.batches(seed) {
            let (place, places, program) = (place.clone(), Arc::clone(&places), program.to_owned());
            running.spawn(async move {
                let _place = places.acquire_owned().await?;
                let what = format!("{:?} at {:?}", batch.fault, batch.step);
                batch.run(&program, &place, seed).await.context(what)
            });
        }
        let mut all = Vec::new();
        while let Some(done) = running.join_next().await {
            match done? {
                Ok(outcomes) => {
                    let well = outcomes.iter().filter(|it| it.problems.is_empty()).count();
                    if let Some(it) = outcomes.first() {
                        let (fault, step, count) = (it.fault, it.step, outcomes.len());
                        report.say(format_args!("{fault:?} at {step:?}: {well} of {count} well"));
                    }
                    all.extend(outcomes);
                }
                Err(error) => report.check(false, format_args!("{error:#}")),
            }
        }
        tell(&mut all, report);
        report.say(format_args!("it took {:.0?}", begun.elapsed()));
        Ok(())
    }

    fn batches(&self, seed: u64) -> Vec<Batch> {
        let every = Fault::ALL.iter().flat_map(|fault| Step::ALL.map(|step| (*fault, step)));
        let mut all: Vec<_> = every.filter(|(fault, step)| fault.can_be_at(*step)).collect();
        all.retain(|it| self.whole || self.only.is_some() || SHORT.contains(it));
        all.retain(|(fault, _)| self.only.as_ref().is_none_or(|it| *it == format!("{fault:?}")));
        // Those that wait for each other begin first.
        Rng::with_seed(seed).shuffle(&mut all);
        all.sort_by_key(|(fault, _)| *fault != Fault::ReadOnly);
        let batch = |(number, (fault, step)): (usize, (Fault, Step))| {
            let is_there = |kind: &Kind| match kind {
                Kind::AccessKey => step == Step::Before,
                other => !(other.makes() && step == Step::Before),
            };
            let kinds = Kind::ALL.into_iter().filter(is_there).collect();
            Batch { number, fault, step, kinds }
        };
        all.into_iter().enumerate().map(batch).collect()
    }
}

/// The table, and what must not be.
fn tell(all: &mut [Outcome], report: &mut Report) {
    all.sort_by_key(|it| (it.fault, it.step, it.kind));
    report.say(
        "fault        step     cases  well  again  log-ins  gap, and after the cause was gone",
    );
    for same in all.chunk_by(|a, b| (a.fault, a.step) == (b.fault, b.step)) {
        let count = |what: &dyn Fn(&Outcome) -> bool| same.iter().filter(|it| what(it)).count();
        let most = |what: &dyn Fn(&Outcome) -> Duration| {
            same.iter().map(what).max().unwrap_or_default().as_secs_f64()
        };
        report.say(format_args!(
            "{:<12} {:<8} {:>5} {:>5} {:>6} {:>8} {:>6.1} s {:>6.1} s",
            format!("{:?}", same[0].fault),
            format!("{:?}", same[0].step),
            same.len(),
            count(&|it| it.problems.is_empty()),
            count(&|it| it.again),
            same.iter().map(|it| it.log_ins).sum::<u32>(),
            most(&|it| it.gap),
            most(&|it| it.after),
        ));
    }
    for it in all {
        let (fault, step, kind) = (it.fault, it.step, it.kind);
        let problems = it.problems.join("; ");
        report.check(
            it.problems.is_empty(),
            format_args!("{fault:?} at {step:?}, {kind:?}: {problems}"),
        );
    }
}

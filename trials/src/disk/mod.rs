//! The trial of disks: full and read-only for a while. Only the documented error may be seen, nothing
//! may be half done or lost, and service comes back by itself.

pub(crate) mod mount;
mod traffic;

use std::{
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use yaoku_server::{
    audit::{self, PublicKey},
    disk::testing::{FaultyDisk, Trouble},
};
use yaoku_store::testing::TestPostgres;

use self::{mount::Mounted, traffic::Traffic};
use crate::{
    client::Client,
    node::{NAME, Node},
    program::Dev,
    report::Report,
    stream::left,
    writes::Engine,
};

/// How it is run.
#[derive(Debug, clap::Args)]
pub(crate) struct Disk {
    /// How often the disk is filled, on each store.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

impl Disk {
    /// Runs it.
    pub(crate) async fn run(
        self,
        program: &Path,
        seed: u64,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let mut dice = fastrand::Rng::with_seed(seed);
        for engine in [Engine::Sqlite, Engine::Postgres] {
            let pauses = (0..self.rounds).map(|_| Duration::from_millis(dice.u64(..800))).collect();
            full(program, engine, pauses, report).await?;
        }
        read_only(program, report).await?;
        troubles(report).await
    }
}

/// The data directory's disk is filled in a stream of calls, and emptied again.
async fn full(
    program: &Path,
    engine: Engine,
    pauses: Vec<Duration>,
    report: &mut Report,
) -> anyhow::Result<()> {
    // Room for the events of all calls that look afterwards at what each write left.
    let disk = Mounted::in_memory(64)?;
    let data = disk.path().join("data");
    let url = match engine {
        Engine::Sqlite => format!("sqlite:{}", data.join("yaoku.db").display()),
        Engine::Postgres => TestPostgres::shared().new_database().await,
    };
    let what = format!("{engine:?}, full");
    let mut dev = Dev::start(program, &data, Some(&url))?;
    let mut traffic = Traffic::new(client(&dev)?, dev.text("key_id")?);
    for pause in pauses {
        let refused = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            disk.fill()?;
            let refused = traffic.refused(20).await;
            report.check(refused, format_args!("{what}: nothing was refused"));
            tokio::time::sleep(pause).await;
            disk.free()
        };
        traffic.during(refused).await?;
        let took = traffic.recovered().await?;
        report.check(took.is_some(), format_args!("{what}: it does not recover"));
        report.say(format_args!("{what}: served again {took:?} after there was room"));
    }
    traffic.check(&what, 0, report).await?;
    dev.kill()?;
    proved(program, &data, &url, &what, report)?;
    left::check(&*yaoku_store::open(&url).await?, report).await?;
    dev = Dev::start(program, &data, Some(&url))?;
    traffic.client = client(&dev)?;
    traffic.check(&format!("{what}, after a restart"), 0, report).await?;
    dev.kill()?;
    traffic.check_events(&data.join("audit").join(NAME), &what, report)?;
    report.say(format_args!("{what}: {}", traffic.summary()));
    Ok(())
}

/// The kernel makes the data directory's disk read-only. It cannot be made writable again while files
/// are open on it, so here the program is started again; [`troubles`] shows the rest.
async fn read_only(program: &Path, report: &mut Report) -> anyhow::Result<()> {
    let (disk, what) = (Mounted::on_a_device(48)?, "SQLite, read-only");
    let data = disk.path().join("data");
    let url = format!("sqlite:{}", data.join("yaoku.db").display());
    let mut dev = Dev::start(program, &data, Some(&url))?;
    let mut traffic = Traffic::new(client(&dev)?, dev.text("key_id")?);
    traffic
        .during(async {
            tokio::time::sleep(Duration::from_millis(700)).await;
            disk.break_down()?;
            report.check(traffic.refused(20).await, format_args!("{what}: nothing was refused"));
            Ok(())
        })
        .await?;
    let (served, refused) = traffic.round().await?;
    report.check(served == 0, format_args!("{what}: {served} served, {refused} refused"));
    dev.kill()?;
    disk.repair()?;
    dev = Dev::start(program, &data, Some(&url))?;
    traffic.client = client(&dev)?;
    let took = traffic.recovered().await?;
    report.check(took.is_some(), format_args!("{what}: it does not recover"));
    // The sync that failed was of a group of writes whose log may have reached the medium all the same:
    // no database can tell, and its clients were told that it is not known. They are whole or not there.
    traffic.check(what, traffic::CLIENTS, report).await?;
    dev.kill()?;
    proved(program, &data, &url, what, report)?;
    report.say(format_args!("{what}, repaired, started again: {}", traffic.summary()));
    Ok(())
}

/// A disk under a node in this process: it goes wrong in every way and comes back, without a restart.
async fn troubles(report: &mut Report) -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let url = format!("sqlite:{}", data.path().join("yaoku.db").display());
    let (store, disk) = (yaoku_store::open(&url).await?, Arc::new(FaultyDisk::default()));
    let node = Node::start(data.path(), store, disk.clone(), "boot".to_owned()).await?;
    let traffic = Traffic::new(node.client.clone(), node.account.key.as_str());
    for trouble in [Some(Trouble::Full), Some(Trouble::ReadOnly), Some(Trouble::Broken), None] {
        let what = trouble.map_or("syncs fail".to_owned(), |it| format!("{it:?}"));
        traffic
            .during(async {
                tokio::time::sleep(Duration::from_millis(200)).await;
                disk.set(trouble);
                disk.fail_syncs(trouble.is_none());
                report.check(traffic.refused(20).await, format_args!("{what}: nothing refused"));
                disk.set(None);
                disk.fail_syncs(false);
                Ok(())
            })
            .await?;
        let took = traffic.recovered().await?;
        report.check(took.is_some(), format_args!("{what}: it does not recover"));
        report.say(format_args!("our own files, {what}: served again after {took:?}"));
    }
    traffic.check("our own files", 0, report).await?;
    node.stop().await?;
    let (name, home) = (NAME.parse()?, data.path().join("audit").join(NAME));
    if let Some(key) = PublicKey::beside(&home)? {
        let proof = audit::verify(&home, &name, &key, None)?;
        report.check(proof.problems.is_empty(), format_args!("{:?}", proof.problems));
    }
    traffic.check_events(&home, "our own files", report)?;
    report.say(format_args!("our own files: {}", traffic.summary()));
    Ok(())
}

/// The proof of the journal, by the program.
fn proved(
    program: &Path,
    data: &Path,
    url: &str,
    what: &str,
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut command = Command::new(program);
    command.args(["audit", "verify", "--data"]).arg(data).env("YAOKU_STORE", url);
    let said = command.stdin(Stdio::null()).output()?;
    report.check(said.status.success(), format_args!("{what}: {said:?}"));
    Ok(())
}

fn client(dev: &Dev) -> anyhow::Result<Client> {
    Ok(Client { address: dev.http()?, key: dev.root_key()? })
}

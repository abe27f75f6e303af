//! What single things cost, and other figures that stand for themselves.

use std::{path::Path, time::Duration};

use clap::ValueEnum;

use crate::{
    calls::{Calls, Operation, Signer},
    library::RsaLoop,
    load,
    paired::{Measured as _, Plan, Side, rounds},
    policies,
    report::{Cost, over_percent, rate_percent},
    server::{Cores, Node, Yaoku},
    sessions,
};

/// The connections of each comparison.
pub(crate) const CONNECTIONS: usize = 16;

/// How often a key is rotated that has many versions.
const ROTATIONS: usize = 50;

/// Warm calls over which database accesses are counted.
const COUNTED: usize = 20_000;

/// Longer than a node takes to read its own changes in the feed.
const FEED: Duration = Duration::from_millis(500);

/// Calls over which memory is looked at, each leaves a nonce; after half as many that it is warm by.
const NONCES: usize = 150_000;

/// Versions that are written at one client, and at sixteen.
const WRITES: [(usize, usize); 2] = [(1, 200), (16, 800)];

/// What can be measured by itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Part {
    Tls,
    Policies,
    Sessions,
    Audit,
    Versions,
    Signing,
    Accesses,
    Writes,
    Idle,
}

/// How all of it is measured.
pub(crate) struct Costs<'a> {
    pub(crate) program: &'a Path,
    pub(crate) cores: Cores,
    pub(crate) plan: Plan,
}

impl Costs<'_> {
    /// Measures `only` these, or all; each is shown as soon as it is there.
    pub(crate) async fn all(
        &self,
        only: &[Part],
        show: fn(&Cost) -> anyhow::Result<()>,
    ) -> anyhow::Result<Vec<Cost>> {
        let mut costs = Vec::new();
        for part in Part::value_variants().iter().filter(|it| only.is_empty() || only.contains(it))
        {
            let of_part = match part {
                Part::Tls => vec![self.tls().await?],
                Part::Policies => self.policies().await?,
                Part::Sessions => vec![self.sessions().await?],
                Part::Audit => vec![self.audit().await?],
                Part::Versions => self.versions().await?,
                Part::Signing => self.signing().await?,
                Part::Accesses => vec![self.accesses().await?],
                Part::Writes => self.writes().await?,
                Part::Idle => self.idle().await?,
            };
            of_part.iter().try_for_each(show)?;
            costs.extend(of_part);
        }
        Ok(costs)
    }

    /// Keep-alive over TLS against HTTP, for one server: processor time per call.
    async fn tls(&self) -> anyhow::Result<Cost> {
        let yaoku = Yaoku::start(self.program, self.cores)?;
        policies::make_twenty(Signer::of(&yaoku))?;
        let calls = Calls::prepare(&yaoku, Operation::Encrypt)?;
        let (server, ca) = (&yaoku.server, yaoku.ca()?);
        let mut plain = Side::new(server, calls.clone(), None, CONNECTIONS).await?;
        let mut tls = Side::new(server, calls, Some(&ca), CONNECTIONS).await?;
        let (plain, tls) = rounds(self.plan, &mut plain, &mut tls).await?;
        Ok(Cost::at_most("TLS keep-alive against HTTP, CPU", "%", over_percent(&plain, &tls), 15.0))
    }

    /// Twenty policies of ten statements against one, and a thousand statements against one.
    async fn policies(&self) -> anyhow::Result<Vec<Cost>> {
        let start = |count, statements| {
            let node = Node::start(self.cores, "--node")?;
            policies::leave(Signer::of(&node.yaoku), count, statements)?;
            anyhow::Ok(node)
        };
        let (ten, more) = (start(1, 10)?, start(20, 10)?);
        let twenty = self.compared(&ten.yaoku, &more.yaoku).await?;
        let (one, most) = (start(1, 1)?, start(20, 50)?);
        let thousand = self.compared(&one.yaoku, &most.yaoku).await?;
        Ok(vec![
            Cost::at_most("20 policies of 10 statements against 1, CPU", "%", twenty, 5.0),
            Cost::of("1,000 statements against 1, CPU", "%", thousand),
        ])
    }

    /// Signed by a session against signed by an access key, on one server, by the same policy.
    async fn sessions(&self) -> anyhow::Result<Cost> {
        let node = Node::start(self.cores, "--node")?;
        let (yaoku, signer) = (&node.yaoku, Signer::of(&node.yaoku));
        policies::leave(signer, 1, 10)?;
        let session = sessions::begin(signer)?;
        let calls = Calls::prepare(yaoku, Operation::Encrypt)?;
        let by_session = calls.clone().by(&session);
        let mut key = Side::new(&yaoku.server, calls, None, CONNECTIONS).await?;
        let mut session = Side::new(&yaoku.server, by_session, None, CONNECTIONS).await?;
        let (key, session) = rounds(self.plan, &mut key, &mut session).await?;
        let over = over_percent(&key, &session);
        Ok(Cost::of("Encrypt signed by a session against an access key, CPU", "%", over))
    }

    /// Audit on the disk against a sink that writes nothing.
    async fn audit(&self) -> anyhow::Result<Cost> {
        let start = |role| Node::start(self.cores, role);
        let (null, real) = (start("--node-without-disk")?, start("--node")?);
        policies::make_twenty(Signer::of(&null.yaoku))?;
        policies::make_twenty(Signer::of(&real.yaoku))?;
        let value = self.compared(&null.yaoku, &real.yaoku).await?;
        Ok(Cost::at_most("audit against a null sink, CPU", "%", value, 15.0))
    }

    /// A key that was rotated fifty times against a fresh one: to encrypt, and to decrypt what its
    /// oldest version sealed.
    async fn versions(&self) -> anyhow::Result<Vec<Cost>> {
        let mut costs = Vec::new();
        for operation in [Operation::Encrypt, Operation::Decrypt] {
            let node = Node::start(self.cores, "--node")?;
            let (yaoku, signer) = (&node.yaoku, Signer::of(&node.yaoku));
            policies::make_twenty(signer)?;
            let [fresh, old] =
                [(); 2].map(|()| signer.make_key("Aliyun_AES_256", "ENCRYPT/DECRYPT"));
            let (fresh, old) = (fresh?, old?);
            let calls = |key: &str| Calls::of_key(yaoku, operation, key);
            let (of_fresh, of_old) = (calls(&fresh)?, calls(&old)?);
            signer.rotate(&old, ROTATIONS)?;
            let mut fresh = Side::new(&yaoku.server, of_fresh, None, CONNECTIONS).await?;
            let mut old = Side::new(&yaoku.server, of_old, None, CONNECTIONS).await?;
            let (fresh, old) = rounds(self.plan, &mut fresh, &mut old).await?;
            let missing = 100.0 - rate_percent(&fresh, &old);
            let name = operation.name();
            let what = |it| format!("{name}, key of 51 versions against a fresh one, {it}");
            costs.push(Cost::at_most(what("fewer calls/s"), "%", missing, 10.0));
            costs.push(Cost::at_most(what("CPU"), "%", over_percent(&fresh, &old), 10.0));
        }
        Ok(costs)
    }

    /// RSA signatures against a plain loop of the library on the same core.
    async fn signing(&self) -> anyhow::Result<Vec<Cost>> {
        let yaoku = Yaoku::start(self.program, self.cores)?;
        policies::make_twenty(Signer::of(&yaoku))?;
        let calls = Calls::prepare(&yaoku, Operation::SignRsa2048)?;
        let mut ours = Side::new(&yaoku.server, calls, None, CONNECTIONS).await?;
        let (library, ours) = rounds(self.plan, &mut RsaLoop(self.cores), &mut ours).await?;
        let percent = rate_percent(&library, &ours);
        let over = over_percent(&library, &ours);
        Ok(vec![
            Cost::of("RSA_2048 signatures, the library alone", "1/s", library.rate()),
            Cost::of("RSA_2048 signatures, Yaoku", "1/s", ours.rate()),
            Cost::of("Yaoku's of the library's (at least 85 %)", "%", percent),
            Cost::of("RSA_2048 signature over the library's, CPU", "%", over),
        ])
    }

    /// Transactions that warm calls of the four operations open.
    async fn accesses(&self) -> anyhow::Result<Cost> {
        let mut opened = 0;
        for operation in Operation::HOT {
            let node = Node::start(self.cores, "--node")?;
            let calls = Calls::prepare(&node.yaoku, *operation)?;
            let mut side = Side::new(&node.yaoku.server, calls, None, CONNECTIONS).await?;
            // What was prepared comes back by the change feed, and leaves the caches once more.
            tokio::time::sleep(FEED).await;
            side.round(1_000).await?;
            let before = node.accesses()?;
            side.round(COUNTED).await?;
            opened += node.accesses()? - before;
        }
        let what = format!("database accesses of {} warm calls", COUNTED * Operation::HOT.len());
        Ok(Cost::at_most(what, "", whole(opened), 0.0))
    }

    /// `PutSecretValue`, each answer on the medium, at one client and at sixteen.
    async fn writes(&self) -> anyhow::Result<Vec<Cost>> {
        let mut costs = Vec::new();
        for (connections, count) in WRITES {
            let yaoku = Yaoku::start(self.program, self.cores)?;
            let calls = Calls::prepare(&yaoku, Operation::PutSecretValue)?;
            let mut side = Side::new(&yaoku.server, calls, None, connections).await?;
            side.round(20).await?;
            let (round, _) = side.round(count).await?;
            let rate = whole(count as u64) / round.took.as_secs_f64();
            let what = format!("PutSecretValue, {connections} clients");
            costs.push(Cost::of(what, "1/s", rate));
        }
        Ok(costs)
    }

    /// What a node takes that does nothing, how soon it answers, and what a nonce takes.
    async fn idle(&self) -> anyhow::Result<Vec<Cost>> {
        let yaoku = Yaoku::start(self.program, self.cores)?;
        let resident = yaoku.server.resident()?;
        let stopped = yaoku.stop();
        let start = load::now();
        let yaoku = stopped.start(self.program, self.cores)?;
        Signer::of(&yaoku).ask()?;
        let first = start.elapsed();
        let calls = Calls::prepare(&yaoku, Operation::Encrypt)?;
        let mut side = Side::new(&yaoku.server, calls, None, CONNECTIONS).await?;
        side.round(NONCES / 2).await?;
        let before = yaoku.server.resident()?;
        side.round(NONCES).await?;
        let grown = yaoku.server.resident()?.saturating_sub(before);
        Ok(vec![
            Cost::at_most("memory after the start", "MB", whole(resident) / 1e6, 40.0),
            Cost::at_most("start to first answer", "ms", first.as_secs_f64() * 1e3, 300.0),
            Cost::at_most("memory per live nonce", "B", whole(grown) / whole(NONCES as u64), 56.0),
        ])
    }

    /// How much more processor time a call takes at `other` than at `base`, in percent.
    async fn compared(&self, base: &Yaoku, other: &Yaoku) -> anyhow::Result<f64> {
        let calls = |yaoku| Calls::prepare(yaoku, Operation::Encrypt);
        let mut base = Side::new(&base.server, calls(base)?, None, CONNECTIONS).await?;
        let mut other = Side::new(&other.server, calls(other)?, None, CONNECTIONS).await?;
        let (base, other) = rounds(self.plan, &mut base, &mut other).await?;
        Ok(over_percent(&base, &other))
    }
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn whole(count: u64) -> f64 {
    count as f64
}

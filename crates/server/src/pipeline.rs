//! The one path of a call, from a known caller to an answer. Transactions live here and only here.

use std::time::Duration;

use yaoku_model::{arn::Arn, time::Timestamp};
use yaoku_store::{Place, StoreError};
use yaoku_wire::{
    error::Code,
    fields::Fields,
    params::Params,
    rpc::{Format, must_be_carried},
};

use crate::{
    api::{Effect, Entry, Request, Spec},
    audit::{AuditError, Event},
    call::{Call, On},
    caller::{Caller, Principal},
    error::ApiError,
    node::Node,
    throttle::Exceeded,
    uses::Touched,
};

/// An answer, or why there is none.
pub type Reply = Result<Fields, ApiError>;

/// How often a write is tried before the client hears of the conflict. PostgreSQL sees conflicts
/// where small tables share a page, so they are common and harmless. Our choice.
const TRIES: u32 = 16;

/// How often a small transaction beside the calls is done again. Our choice.
const MORE_TRIES: u32 = 8;

/// Does a transaction of its own, and does it again if another one came first.
pub(crate) async fn again_if_conflict<T, F>(attempt: impl Fn() -> F) -> Result<T, ApiError>
where
    F: Future<Output = Result<T, ApiError>>,
{
    let mut more = MORE_TRIES;
    loop {
        match attempt().await {
            Err(error) if error.is_conflict() && more > 0 => more -= 1,
            done => return done,
        }
    }
}

/// Makes an event, as [`audit::Event::to_row`](crate::audit::Event::to_row) has it, of what was
/// judged and how the call ended.
pub type MakeEvent<'a> = dyn Fn(&[Arn], Option<Code>) -> Vec<u8> + Sync + 'a;

/// A call whose caller is known.
pub struct Turn<'a> {
    /// The node.
    pub node: &'a Node,
    /// Who calls.
    pub caller: &'a Caller,
    /// When, by the domain's clock. A second try keeps it.
    pub now: Timestamp,
    /// What is called.
    pub entry: &'static Entry,
    /// The nonce of a write, hashed: with it in the transaction, a replay to another node changes
    /// nothing. `None` where the caller sent none.
    pub nonce: Option<([u8; 32], Timestamp)>,
    /// What the answer will be written in: it must carry it before anything is kept.
    pub format: Format,
    /// Whether the caches could be trusted when the call began, before anybody was looked up in them.
    pub fresh: bool,
    /// Makes the event of the call.
    pub event: &'a MakeEvent<'a>,
}

impl Turn<'_> {
    /// Runs the operation and writes its event. What leaves no event is not answered.
    pub async fn run(&self, params: &mut Params) -> Reply {
        let reply = match self.node.throttle.admit(self.caller, self.spec().class()) {
            Ok(()) => self.run_admitted(params).await,
            Err(exceeded) => self.throttled(exceeded).await,
        };
        let reply = reply.map_err(|error| error.in_words_of(self.spec().product));
        if let Err(error) = &reply {
            debug_assert!(
                self.spec().declares(error.code()),
                "{} did not declare {error}",
                self.spec().name
            );
        }
        reply
    }

    async fn run_admitted(&self, params: &mut Params) -> Reply {
        match self.parse(params) {
            Ok((request, dry)) => self.run_parsed(request, dry).await,
            Err(error) => self.refused(error).await,
        }
    }

    /// A refusal before anything was read. Many of them in one second share an event.
    async fn throttled(&self, exceeded: Exceeded) -> Reply {
        let reply = Err(ApiError::caused(Code::RejectedThrottling, exceeded));
        let event = || Event::from_row(&(self.event)(&[], self.code(&reply))).ok();
        if self.node.throttle.note(self.caller, self.spec().class(), event) {
            self.journal(&[], &reply).await?;
        }
        reply
    }

    /// The code of a refusal, in the words of the product.
    fn code(&self, reply: &Reply) -> Option<Code> {
        let code = reply.as_ref().err().map(ApiError::code);
        if self.spec().product.speaks_as_ram() { code.map(Code::in_ram) } else { code }
    }

    fn spec(&self) -> &'static Spec {
        self.entry.spec
    }

    fn parse(&self, params: &mut Params) -> Result<(Box<dyn Request>, bool), ApiError> {
        let dry = self.spec().dry_run && params.flag("DryRun")?.unwrap_or(false);
        if !self.caller.kms_open && !self.spec().works_while_closed {
            return Err(Code::KmsServiceNotEnabled.into());
        }
        let request = self.entry.parse(params);
        match request {
            Ok(request) => Ok((request, dry)),
            Err(error) if dry => Err(verdict(&Err(error))),
            Err(error) => Err(error),
        }
    }

    async fn run_parsed(&self, request: Box<dyn Request>, dry: bool) -> Reply {
        match self.spec().effect {
            Effect::Use => self.on_caches(request, dry).await,
            // Its rights are from the caches, whatever it reads or writes.
            _ if self.is_stale() => self.refused(stale()).await,
            Effect::Read => self.read(request).await,
            Effect::Write => self.write(request).await,
        }
    }

    /// Whether what is known of the caller may have been revoked elsewhere. The operator is known by
    /// the socket.
    fn is_stale(&self) -> bool {
        self.caller.principal != Principal::Operator && !self.trusts_caches()
    }

    /// Whether they could be trusted when it began, and still can. The first is the promise: a call that
    /// begins after a revocation was answered finds it there. The second bounds how long one that began before goes on.
    fn trusts_caches(&self) -> bool {
        self.fresh && self.node.lease.holds()
    }

    /// No transaction, no database.
    async fn on_caches(&self, request: Box<dyn Request>, dry: bool) -> Reply {
        let mut touched = Touched::default();
        let on = On::Caches(&self.node.caches);
        let mut call = self.call(&*request, on, &mut touched);
        call.dry_run = dry;
        let reply = self.answer(&*request, &mut call).await;
        // What was true when the caches were read must have been true of the store.
        let reply = if self.trusts_caches() { reply } else { Err(stale()) };
        let reply = if dry { Err(verdict(&reply)) } else { reply };
        self.journal(&touched.asked, &reply).await?;
        self.count(&touched, &reply);
        reply
    }

    /// A transaction that is dropped: there is nothing to keep.
    async fn read(&self, mut request: Box<dyn Request>) -> Reply {
        let mut touched = Touched::default();
        let reply = self.read_once(&mut *request, &mut touched).await;
        self.journal(&touched.asked, &reply).await?;
        self.count(&touched, &reply);
        reply
    }

    async fn read_once(&self, request: &mut dyn Request, touched: &mut Touched) -> Reply {
        let mut call = self.call(request, On::Caches(&self.node.caches), touched);
        request.prepare(&mut call).await?;
        self.node.metrics.store_reads.add_one();
        let mut tx = self.node.store.read().await?;
        self.answer(request, &mut self.call(request, On::Store(tx.tx()), touched)).await
    }

    async fn write(&self, mut request: Box<dyn Request>) -> Reply {
        must_be_audited(self.node)?;
        let mut tries = 1;
        loop {
            let mut touched = Touched::default();
            match self.write_once(&mut *request, &mut touched).await {
                Err(error) if error.is_conflict() && tries < TRIES => {
                    self.node.metrics.store_conflicts.add_one();
                    self.wait_a_little(tries).await?;
                    tries += 1;
                }
                Err(error) => {
                    // There is no transaction for the event to go with, so it goes by itself.
                    let reply = Err(error);
                    self.journal(&touched.asked, &reply).await?;
                    return reply;
                }
                Ok(reply) => {
                    self.count(&touched, &reply);
                    return reply;
                }
            }
        }
    }

    /// The order is the promise: rows and event are kept together, then caches move, here and on every
    /// other node, then the client hears of it. A failed commit ends here with its 503, and nothing has moved.
    ///
    /// A refusal is committed too: its event must be kept, and what it read must have been true.
    /// `Err` is what ended it before that: nothing is kept, and the event is still to be written.
    async fn write_once(
        &self,
        request: &mut dyn Request,
        touched: &mut Touched,
    ) -> Result<Reply, ApiError> {
        let mut call = self.call(request, On::Caches(&self.node.caches), touched);
        request.prepare(&mut call).await?;
        if self.node.lease.is_lost() {
            return Err(stale());
        }
        self.node.metrics.store_writes.add_one();
        let store = &self.node.store;
        let mut tx =
            if self.spec().one_thing { store.write_one().await? } else { store.write().await? };
        let reply =
            self.answer(request, &mut self.call(request, On::Store(tx.tx()), touched)).await;
        match &reply {
            Ok(_) => {}
            Err(error) if error.is_conflict() => return Err(StoreError::Conflict.into()),
            Err(_) => tx.undo().await?,
        }
        let event = (self.event)(&touched.asked, self.code(&reply));
        tx.insert_event(self.node.name.as_str(), &event).await?;
        // Of a refusal too: it is used, and after a kill only the store knows.
        if let Some((hash, until)) = &self.nonce {
            tx.use_nonce(hash, *until).await?;
        }
        let committed = match tx.commit().await {
            Err(StoreError::NonceUsed) => return Err(Code::SignatureNonceUsed.into()),
            done => done?,
        };
        self.node.caches.apply(&committed.changes);
        self.node.wrote.notify_one();
        if let Some(place) = committed.place {
            self.wait_for_others(place).await;
        }
        if reply.is_ok() {
            request.settle(self.node).await;
        }
        Ok(reply)
    }

    /// Whatever was changed may have been a right: no write is answered before every node knows.
    async fn wait_for_others(&self, place: Place) {
        let (node, metrics) = (self.node, &self.node.metrics);
        match node.peers.wait_until_seen(place, &node.lease).await {
            Some(true) => metrics.waits_seen.add_one(),
            Some(false) => metrics.waits_bound.add_one(),
            None => {}
        }
    }

    /// What the operation answers, unless that cannot be written as asked: then nothing was done.
    async fn answer(&self, request: &dyn Request, call: &mut Call<'_>) -> Reply {
        let fields = request.answer(call).await?;
        must_be_carried(self.format, &fields)?;
        Ok(fields)
    }

    /// Waits up to 2^`tries` milliseconds, at most 64, by chance: so that those who met once do not
    /// meet again.
    async fn wait_a_little(&self, tries: u32) -> Result<(), ApiError> {
        let bound = 1 << tries.min(6);
        let ms = yaoku_model::random::below(&*self.node.random, bound)?;
        tokio::time::sleep(Duration::from_millis(ms as u64)).await;
        Ok(())
    }

    /// A refusal before anything was looked up.
    async fn refused(&self, error: ApiError) -> Reply {
        let reply = Err(error);
        self.journal(&[], &reply).await?;
        reply
    }

    /// Writes the event, and before it the nonces that were used: what a restart must know of this call
    /// before anybody has its answer.
    async fn journal(&self, asked: &[Arn], reply: &Reply) -> Result<(), ApiError> {
        let event = (self.event)(asked, self.code(reply));
        let nonces = || self.node.nonces.write_down(self.node.clock.now());
        self.node.journal.record(event, nonces).await?;
        Ok(())
    }

    /// Adds what was used to the record of uses, once for a call that was served.
    fn count(&self, touched: &Touched, reply: &Reply) {
        if reply.is_ok() {
            self.node.uses.count(touched, self.caller, self.spec().name, self.now);
        }
    }

    fn call<'c>(&'c self, request: &dyn Request, on: On<'c>, touched: &'c mut Touched) -> Call<'c> {
        let mut call = Call::new(self.node, self.caller, self.now, self.spec(), on, touched);
        call.request_tags = request.tags().to_vec();
        call
    }
}

/// Fails unless something may be changed that no write asked for: the key of a product.
pub(crate) fn must_take_writes(node: &Node) -> Result<(), ApiError> {
    must_be_audited(node)?;
    if node.lease.holds() { Ok(()) } else { Err(stale()) }
}

/// The event of a write would be safe in the store, but nothing is done while the journal refuses.
fn must_be_audited(node: &Node) -> Result<(), ApiError> {
    match node.journal.refusing() {
        Some(cause) => Err(AuditError::Refusing(cause).into()),
        None => Ok(()),
    }
}

/// The store, which other nodes write to, has not been heard of for too long.
fn stale() -> ApiError {
    ApiError::caused(Code::ServiceUnavailableTemporary, "the caches may be stale")
}

/// What a dry run answers: never a success. Source: keys.md §9.1; that look-ups and states count
/// as validation is inferred there.
fn verdict(reply: &Reply) -> ApiError {
    let code = match reply {
        Ok(_) => Code::DryRunOperationError,
        Err(error) => match error.code() {
            verdict @ Code::DryRunOperationError => verdict,
            Code::NoPermission => Code::AccessDeniedError,
            fault if fault.status() >= 500 => fault,
            _ => Code::ValidationError,
        },
    };
    code.into()
}

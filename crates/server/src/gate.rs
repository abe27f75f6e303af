//! The gate: what stands at a door before there is a node, and hands calls to it from then on.

use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
};

use yaoku_crypto::random::SystemRandom;
use yaoku_wire::rpc::{self, Format};

use crate::{
    api::Product,
    error::ApiError,
    gateway::{self, Answer, Door, Gateway},
    listen::{Fault, Handler, HttpCall, HttpReply, Traffic},
    sealed::Sealed,
    standing::Standing,
};

/// One door of a program: sealed at first, or open from the start.
pub struct Gate {
    standing: Arc<Standing>,
    open: OnceLock<Gateway>,
    /// What unseals it: at the operator's door alone.
    sealed: Option<Arc<Sealed>>,
}

impl Gate {
    /// A door that answers 503 until it is opened, but for what `sealed` serves.
    #[must_use]
    pub const fn new(standing: Arc<Standing>, sealed: Option<Arc<Sealed>>) -> Self {
        Self { standing, open: OnceLock::new(), sealed }
    }

    /// Opens it: from now on calls are the node's, which runs. Opening it again changes nothing.
    pub fn open(&self, door: Door) {
        if let Some(node) = self.standing.node() {
            _ = self.open.set(Gateway::new(Arc::clone(node), door));
        }
    }

    /// Answers while there is no node.
    async fn answer(&self, call: &HttpCall) -> HttpReply {
        let headers = gateway::headers(call);
        let (format, reply) = match rpc::read(&gateway::request(call, &headers)) {
            Err(rejected) => (rejected.format, Err(ApiError::sealed())),
            Ok(mut incoming) => {
                let ours = incoming.version == Product::Yaoku.version();
                let reply = match self.sealed.as_ref().filter(|_| ours) {
                    Some(sealed) => sealed.answer(&incoming.action, &mut incoming.params).await,
                    None => Err(ApiError::sealed()),
                };
                (incoming.format, reply)
            }
        };
        Answer { format, entry: None, reply, stranger: true }.encode(request_id())
    }
}

impl Handler for Gate {
    async fn handle(&self, call: HttpCall) -> HttpReply {
        match self.open.get() {
            Some(gateway) => gateway.handle(call).await,
            None => self.answer(&call).await,
        }
    }

    fn notice(&self, traffic: Traffic) {
        self.standing.notice(traffic);
    }

    fn refuse(&self, fault: Fault, peer: SocketAddr) -> HttpReply {
        match self.open.get() {
            Some(gateway) => gateway.refuse(fault, peer),
            None => Answer::stranger(Format::Json, ApiError::sealed()).encode(request_id()),
        }
    }
}

fn request_id() -> String {
    gateway::request_id(&SystemRandom)
}

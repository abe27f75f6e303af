//! How the program stands: sealed, serving, stopping, and what keeps it from serving well.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use yaoku_model::time::Timestamp;

use crate::{
    lease::Lease,
    listen::{TlsSettings, Traffic},
    metrics::Counter,
    node::Node,
};

/// Why calls should not be sent here now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unready {
    /// The root key was not opened yet.
    Sealed,
    /// The store has not answered for two seconds.
    StoreDown,
    /// The audit journal cannot be written.
    AuditDown,
    /// Another process is this node now.
    LeaseLost,
    /// The program was told to stop.
    Stopping,
}

impl Unready {
    /// All of them.
    pub const ALL: &[Self] =
        &[Self::Sealed, Self::StoreDown, Self::AuditDown, Self::LeaseLost, Self::Stopping];

    /// Its word in `/readyz`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sealed => "sealed",
            Self::StoreDown => "store_down",
            Self::AuditDown => "audit_down",
            Self::LeaseLost => "lease_lost",
            Self::Stopping => "stopping",
        }
    }
}

/// What the listeners, the operations view and the program know of each other.
pub struct Standing {
    /// When the program was started.
    pub started: Timestamp,
    /// The TLS side of the listeners, if there is one.
    pub tls: Option<TlsSettings>,
    /// Connections that are open.
    pub connections: Counter,
    /// Connections that were accepted.
    pub accepted: Counter,
    /// Connections that were turned away.
    pub turned_away: Counter,
    /// TLS handshakes that were done.
    pub handshakes: Counter,
    /// TLS handshakes that failed.
    pub no_handshakes: Counter,
    node: OnceLock<Arc<Node>>,
    stopping: AtomicBool,
}

impl Standing {
    /// Of a program that was just started, and has no node yet.
    #[must_use]
    pub fn new(started: Timestamp, tls: Option<TlsSettings>) -> Self {
        Self {
            started,
            tls,
            connections: Counter::default(),
            accepted: Counter::default(),
            turned_away: Counter::default(),
            handshakes: Counter::default(),
            no_handshakes: Counter::default(),
            node: OnceLock::new(),
            stopping: AtomicBool::new(false),
        }
    }

    /// The node, once there is one.
    #[must_use]
    pub fn node(&self) -> Option<&Arc<Node>> {
        self.node.get()
    }

    /// The root key was opened, and this node runs. A second one changes nothing.
    pub fn runs(&self, node: Arc<Node>) {
        if let Some(tls) = &self.tls {
            _ = node.tls.set(tls.clone());
        }
        _ = self.node.set(node);
    }

    /// The program was told to stop.
    pub fn stops(&self) {
        self.stopping.store(true, Relaxed);
    }

    /// Everything that is in the way of serving; nothing if all is well.
    #[must_use]
    pub fn unready(&self) -> Vec<Unready> {
        Unready::ALL.iter().copied().filter(|it| self.is(*it)).collect()
    }

    fn is(&self, unready: Unready) -> bool {
        let of_node = |is: fn(&Node) -> bool| self.node().is_some_and(|it| is(it));
        match unready {
            Unready::Sealed => self.node().is_none(),
            Unready::StoreDown => of_node(|it| it.lease.age_ms() > Lease::MS),
            Unready::AuditDown => of_node(|it| it.journal.vitals().refusing),
            Unready::LeaseLost => of_node(|it| it.lease.is_lost()),
            Unready::Stopping => self.stopping.load(Relaxed),
        }
    }

    /// Counts what happens to connections.
    pub(crate) fn notice(&self, traffic: Traffic) {
        match traffic {
            Traffic::Opened => {
                self.accepted.add_one();
                self.connections.add_one();
            }
            Traffic::Closed => self.connections.take_one(),
            Traffic::TurnedAway => self.turned_away.add_one(),
            Traffic::Handshake => self.handshakes.add_one(),
            Traffic::NoHandshake => self.no_handshakes.add_one(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Standing, Unready};
    use crate::testing::{Kms, NOW};

    #[tokio::test]
    async fn it_is_sealed_until_a_node_runs_and_says_what_is_in_the_way() {
        let standing = Standing::new(NOW, None);
        assert_eq!(standing.unready(), [Unready::Sealed]);
        let kms = Kms::new().await;
        standing.runs(Arc::clone(&kms.node));
        assert_eq!(standing.unready(), []);
        kms.node.lease.lose();
        standing.stops();
        assert_eq!(standing.unready(), [Unready::LeaseLost, Unready::Stopping]);
    }
}

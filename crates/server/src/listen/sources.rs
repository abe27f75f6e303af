//! How many connections each source has, so that none takes them all.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The network part of an IPv6 address: one host has at least all the rest.
const NETWORK: u128 = !0 << 64;

/// Connections by source: an IPv4 address, or an IPv6 network of 64 bits.
#[derive(Debug)]
pub(super) struct Sources {
    most: usize,
    counts: Mutex<HashMap<IpAddr, usize>>,
}

impl Sources {
    /// With at most `most` places for each source.
    pub(super) fn new(most: usize) -> Self {
        Self { most, counts: Mutex::default() }
    }

    /// One place for `address`; `None` if its source has as many as it may.
    pub(super) fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let source = source(address);
        let mut counts = self.counts();
        let count = counts.entry(source).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Place { sources: Arc::clone(self), source })
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection's place; free again when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    sources: Arc<Sources>,
    source: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.sources.counts();
        if let Some(count) = counts.get_mut(&self.source) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.source);
            }
        }
    }
}

fn source(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(it) => Ipv6Addr::from_bits(it.to_bits() & NETWORK).into(),
        it @ IpAddr::V4(_) => it,
    }
}

#[cfg(test)]
mod tests {
    use super::{Arc, IpAddr, Sources};

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_source_with_its_share_gets_no_more_until_one_is_free() {
        for (one, same, other) in [
            ("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"),
            ("2001:db8::1", "2001:db8::ffff:2", "2001:db8:0:1::1"),
        ] {
            let sources = Arc::new(Sources::new(1));
            let place = sources.take(address(one)).unwrap();
            assert!(sources.take(address(same)).is_none());
            assert!(sources.take(address(other)).is_some());
            drop(place);
            assert!(sources.take(address(same)).is_some());
            assert!(sources.counts().is_empty(), "nothing is kept of those that are gone");
        }
    }
}

//! Who is connected: no source takes every place, and when there are none left, the stranger that
//! has been idle for longest leaves for who comes.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// The network part of an IPv6 address: what providers give to one customer, at the least.
const NETWORK: u128 = !0 << 72;

/// What counts as one source: an IPv4 address, or an IPv6 network of 56 bits.
pub(super) fn source(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(it) => Ipv6Addr::from_bits(it.to_bits() & NETWORK).into(),
        it @ IpAddr::V4(_) => it,
    }
}

/// All connections of a server.
#[derive(Debug)]
pub(super) struct Crowd {
    most: usize,
    share: usize,
    room: Arc<Semaphore>,
    lists: Mutex<Lists>,
}

#[derive(Debug, Default)]
struct Lists {
    tickets: u64,
    /// Strangers that carry no call now, the longest idle first.
    idle: BTreeMap<u64, Arc<Exit>>,
    sources: HashMap<IpAddr, Source>,
}

#[derive(Debug, Default)]
struct Source {
    places: usize,
    /// Its part of [`Lists::idle`].
    idle: BTreeSet<u64>,
}

/// How a connection is told to leave.
#[derive(Debug)]
struct Exit {
    source: IpAddr,
    told: Notify,
}

impl Crowd {
    /// With room for `most` connections, of which a source has at most half.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            share: most.div_ceil(2),
            room: Arc::new(Semaphore::new(most)),
            lists: Mutex::default(),
        }
    }

    /// A place for a connection from `address`, once there is room. `None` if its source has its
    /// share, and all of those are known or being served.
    pub(super) async fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let room = if let Ok(room) = Arc::clone(&self.room).try_acquire_owned() {
            room
        } else {
            self.make_room();
            Arc::clone(&self.room).acquire_owned().await.ok()?
        };
        let exit = Arc::new(Exit { source: source(address), told: Notify::new() });
        let mut lists = self.lists();
        if lists.places(exit.source) >= self.share {
            let oldest = lists.sources.get(&exit.source)?.idle.first().copied()?;
            lists.send_away(oldest);
        }
        lists.sources.entry(exit.source).or_default().places += 1;
        let at = At::Idle(lists.queue(&exit));
        drop(lists);
        Some(Place { crowd: Arc::clone(self), exit, at: Mutex::new(at), _room: room })
    }

    /// Sends away the stranger that has been idle for longest, if there is one.
    pub(super) fn make_room(&self) {
        let mut lists = self.lists();
        if let Some(oldest) = lists.idle.first_key_value().map(|(ticket, _)| *ticket) {
            lists.send_away(oldest);
        }
    }

    /// Whether more than three quarters of the places are taken.
    pub(super) fn is_crowded(&self) -> bool {
        self.room.available_permits() < self.most / 4
    }

    #[cfg(test)]
    pub(super) fn occupy(&self, places: u32) -> tokio::sync::SemaphorePermit<'_> {
        self.room.try_acquire_many(places).unwrap()
    }

    fn lists(&self) -> MutexGuard<'_, Lists> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lists {
    fn places(&self, source: IpAddr) -> usize {
        self.sources.get(&source).map_or(0, |it| it.places)
    }

    /// Puts a connection at the end of the idle strangers.
    fn queue(&mut self, exit: &Arc<Exit>) -> u64 {
        self.tickets += 1;
        self.idle.insert(self.tickets, Arc::clone(exit));
        self.sources.entry(exit.source).or_default().idle.insert(self.tickets);
        self.tickets
    }

    /// Takes one out of the idle strangers; `None` if it was sent away.
    fn unqueue(&mut self, ticket: u64) -> Option<Arc<Exit>> {
        let exit = self.idle.remove(&ticket)?;
        if let Some(source) = self.sources.get_mut(&exit.source) {
            source.idle.remove(&ticket);
        }
        Some(exit)
    }

    /// Tells one to leave; its source has one less from now on.
    fn send_away(&mut self, ticket: u64) {
        if let Some(exit) = self.unqueue(ticket) {
            exit.told.notify_one();
            self.leave(exit.source);
        }
    }

    fn leave(&mut self, source: IpAddr) {
        if let Some(it) = self.sources.get_mut(&source) {
            it.places -= 1;
            if it.places == 0 {
                self.sources.remove(&source);
            }
        }
    }
}

/// One connection's place; free again when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    crowd: Arc<Crowd>,
    exit: Arc<Exit>,
    at: Mutex<At>,
    _room: OwnedSemaphorePermit,
}

/// What a connection is doing, as far as others in need of room care.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum At {
    /// A stranger without a call, with its ticket.
    Idle(u64),
    /// A stranger whose call is being served.
    Served,
    /// It has carried a call of a known caller: it stays.
    Known,
    /// It was told to leave.
    Away,
}

impl Place {
    /// Ready once the connection must leave for another.
    pub(super) async fn sent_away(&self) {
        self.exit.told.notified().await;
    }

    /// A call begins; false if the connection has been sent away.
    pub(super) fn begin_call(&self) -> bool {
        let mut at = self.at();
        if let At::Idle(ticket) = *at {
            let left = self.crowd.lists().unqueue(ticket).is_none();
            *at = if left { At::Away } else { At::Served };
        }
        *at != At::Away
    }

    /// A call has ended; from `known` on the connection is worth more than a stranger's.
    pub(super) fn end_call(&self, known: bool) {
        let mut at = self.at();
        match *at {
            At::Served | At::Known if known => *at = At::Known,
            At::Served => *at = At::Idle(self.crowd.lists().queue(&self.exit)),
            _ => {}
        }
    }

    /// Whether the connection has carried a call of a known caller.
    pub(super) fn is_known(&self) -> bool {
        *self.at() == At::Known
    }

    /// Where it comes from.
    pub(super) fn source(&self) -> IpAddr {
        self.exit.source
    }

    /// Whether a stranger here is to have one answer and no more.
    pub(super) fn is_crowded(&self) -> bool {
        self.crowd.is_crowded()
    }

    fn at(&self) -> MutexGuard<'_, At> {
        self.at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let at = *self.at();
        let mut lists = self.crowd.lists();
        let there = match at {
            At::Idle(ticket) => lists.unqueue(ticket).is_some(),
            At::Served | At::Known => true,
            At::Away => false,
        };
        if there {
            lists.leave(self.exit.source);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;

    use super::{Arc, Crowd, IpAddr, Place, source};

    const ONE: &str = "192.0.2.1";
    const TWO: &str = "192.0.2.2";

    fn now<F: Future>(future: F) -> Option<F::Output> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime
            .block_on(async { tokio::time::timeout(std::time::Duration::ZERO, future).await.ok() })
    }

    fn enter(crowd: &Arc<Crowd>, from: &str) -> Option<Place> {
        now(crowd.enter(from.parse().unwrap())).flatten()
    }

    fn known(crowd: &Arc<Crowd>, from: &str) -> Place {
        let place = enter(crowd, from).unwrap();
        assert!(place.begin_call());
        place.end_call(true);
        place
    }

    fn is_sent_away(place: &Place) -> bool {
        now(place.sent_away()).is_some()
    }

    #[test]
    fn a_source_whose_share_is_known_or_served_gets_no_more_until_one_is_free() {
        let crowd = Arc::new(Crowd::new(4));
        let (first, second) = (known(&crowd, ONE), enter(&crowd, ONE).unwrap());
        assert!(second.begin_call());
        assert!(enter(&crowd, ONE).is_none());
        assert!(enter(&crowd, TWO).is_some());
        assert!(!is_sent_away(&first) && !is_sent_away(&second));
        drop(first);
        assert!(enter(&crowd, ONE).is_some());
    }

    #[test]
    fn a_source_with_its_share_loses_its_own_longest_idle_stranger() {
        let crowd = Arc::new(Crowd::new(4));
        let (other, first) = (enter(&crowd, TWO).unwrap(), enter(&crowd, ONE).unwrap());
        let second = enter(&crowd, ONE).unwrap();
        // A call makes it the youngest.
        assert!(first.begin_call());
        first.end_call(false);
        let third = enter(&crowd, ONE).unwrap();
        assert!(is_sent_away(&second) && !second.begin_call());
        assert!(!is_sent_away(&first) && !is_sent_away(&third) && !is_sent_away(&other));
    }

    #[test]
    fn without_room_the_longest_idle_stranger_leaves_and_who_is_known_stays() {
        let crowd = Arc::new(Crowd::new(2));
        let (one, two) = (known(&crowd, ONE), enter(&crowd, TWO).unwrap());
        assert!(enter(&crowd, "192.0.2.3").is_none(), "not before there is room");
        assert!(is_sent_away(&two) && !is_sent_away(&one));
        drop(two);
        let three = known(&crowd, "192.0.2.3");
        assert!(enter(&crowd, TWO).is_none());
        assert!(!is_sent_away(&one) && !is_sent_away(&three));
    }

    #[test]
    fn nothing_is_kept_of_those_that_are_gone() {
        let crowd = Arc::new(Crowd::new(2));
        let sent = enter(&crowd, ONE).unwrap();
        let served = enter(&crowd, ONE).unwrap();
        assert!(is_sent_away(&sent) && served.begin_call());
        drop((sent, served, enter(&crowd, TWO)));
        let lists = crowd.lists();
        assert!(lists.idle.is_empty() && lists.sources.is_empty(), "{lists:?}");
        assert_eq!(crowd.room.available_permits(), 2);
    }

    #[test]
    fn an_address_of_ipv4_and_56_bits_of_ipv6_are_one_source() {
        let of = |text: &str| source(text.parse::<IpAddr>().unwrap());
        assert_eq!(of(ONE), of("::ffff:192.0.2.1"));
        assert_ne!(of(ONE), of(TWO));
        assert_eq!(of("2001:db8:0:0::1"), of("2001:db8:0:ff:ffff::2"));
        assert_ne!(of("2001:db8:0:0::1"), of("2001:db8:0:100::1"));
    }
}

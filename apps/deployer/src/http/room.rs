//! Room for connections: so many at once, and so many of one peer. Where it is full, the one whose client has kept us waiting
//! longest gives way to a new one: before a request after a moment, in the middle of an answer that it does not take after a while.
//! One that waits for us never does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::peer::Peer;

/// A connection that is new, or that has just got its answer, keeps its place for this long: its next request may be on the way.
pub(super) const A_MOMENT: Duration = Duration::from_millis(100);

/// Of one listener, which is the only one to wait for it.
#[derive(Debug, Clone)]
pub(super) struct Room(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    most: usize,
    most_of_peer: usize,
    table: Mutex<Table>,
    /// There may be a place by now.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    places: BTreeMap<u64, Place>,
    waiting: Waiting,
    peers: BTreeMap<Peer, Share>,
}

#[derive(Debug)]
struct Place {
    peer: Peer,
    gives_way: Option<Instant>,
    end: Arc<Notify>,
}

/// What a peer has of it.
#[derive(Debug, Default)]
struct Share {
    count: usize,
    waiting: Waiting,
}

/// Connections that give way, each with from when on.
type Waiting = BTreeSet<(Instant, u64)>;

/// Why there is no place.
enum Full {
    /// The peer has its share.
    OfPeer,
    /// Until that time, or until something changes.
    Until(Option<Instant>),
}

impl Room {
    pub(super) fn new(most: usize, most_of_peer: usize) -> Self {
        let (table, changed) = (Mutex::default(), Notify::new());
        Self(Arc::new(Inner { most, most_of_peer, table, changed }))
    }

    /// A place for a connection of `peer`, as soon as there is one; `None` where the peer has its share, of which none gives
    /// way.
    pub(super) async fn enter(&self, peer: Peer) -> Option<Seat> {
        loop {
            let until = match self.try_enter(peer) {
                Ok(seat) => return Some(seat),
                Err(Full::OfPeer) => return None,
                Err(Full::Until(until)) => until,
            };
            let later = async {
                match until {
                    Some(until) => sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.0.changed.notified() => {}
                () = later => {}
            }
        }
    }

    fn try_enter(&self, peer: Peer) -> Result<Seat, Full> {
        let (mut table, now) = (self.table(), Instant::now());
        let share = table.peers.get(&peer).filter(|share| share.count >= self.0.most_of_peer);
        let is_full = table.places.len() >= self.0.most;
        if share.is_some() || is_full {
            let of_all = oldest(&table.waiting, now);
            let oldest = match share {
                Some(share) if !is_full || of_all.is_ok() => {
                    oldest(&share.waiting, now).map_err(|_| Full::OfPeer)
                }
                _ => of_all.map_err(Full::Until),
            };
            table.end(oldest?);
        }
        let (number, end) = (table.next, Arc::new(Notify::new()));
        table.next += 1;
        table.places.insert(number, Place { peer, gives_way: None, end: Arc::clone(&end) });
        table.peers.entry(peer).or_default().count += 1;
        drop(table);
        let seat = Seat { room: self.clone(), number, end };
        seat.gives_way(Some(now + A_MOMENT));
        Ok(seat)
    }

    /// Ends the connection that has kept us waiting longest; says whether there was one.
    pub(super) fn end_one(&self) -> bool {
        let mut table = self.table();
        let oldest = oldest(&table.waiting, Instant::now());
        if let Ok(number) = oldest {
            table.end(number);
        }
        oldest.is_ok()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The one that has kept us waiting longest, or from when on there is one.
fn oldest(waiting: &Waiting, now: Instant) -> Result<u64, Option<Instant>> {
    match waiting.first() {
        Some((from, number)) if *from <= now => Ok(*number),
        other => Err(other.map(|(from, _)| *from)),
    }
}

impl Table {
    fn set(&mut self, number: u64, from: Option<Instant>) -> bool {
        let Some(place) = self.places.get_mut(&number) else { return false };
        let before = std::mem::replace(&mut place.gives_way, from);
        let Some(share) = self.peers.get_mut(&place.peer) else { return false };
        for waiting in [&mut self.waiting, &mut share.waiting] {
            if let Some(before) = before {
                waiting.remove(&(before, number));
            }
            waiting.extend(from.map(|from| (from, number)));
        }
        true
    }

    /// The place is free, and whoever has it is told to end.
    fn end(&mut self, number: u64) {
        self.set(number, None);
        let Some(place) = self.places.remove(&number) else { return };
        place.end.notify_one();
        if let Some(share) = self.peers.get_mut(&place.peer) {
            share.count -= 1;
            if share.count == 0 {
                self.peers.remove(&place.peer);
            }
        }
    }
}

/// The place of one connection. Dropped, it is free again.
#[derive(Debug)]
pub(super) struct Seat {
    room: Room,
    number: u64,
    end: Arc<Notify>,
}

impl Seat {
    /// From when on it gives way; `None` is never. Says whether it has not yet.
    pub(super) fn gives_way(&self, from: Option<Instant>) -> bool {
        let is_there = self.room.table().set(self.number, from);
        if from.is_some() {
            self.room.0.changed.notify_one();
        }
        is_there
    }

    /// Waits until it has to end.
    pub(super) async fn ended(&self) {
        self.end.notified().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.room.table().end(self.number);
        self.room.0.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use tokio::time::{advance, timeout};

    use super::*;

    fn peer(number: u8) -> Peer {
        SocketAddr::from(([10, 0, 0, number], 1)).into()
    }

    async fn has_ended(seat: &Seat) -> bool {
        timeout(Duration::ZERO, seat.ended()).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn the_one_that_waits_longest_gives_way_and_never_one_at_work() {
        let room = Room::new(3, 3);
        let mut seats = Vec::new();
        for number in 0..3 {
            seats.push(room.enter(peer(number)).await.unwrap());
            advance(Duration::from_secs(1)).await;
        }
        // The first works, the second has just answered.
        assert!(seats[0].gives_way(None) && seats[1].gives_way(Some(Instant::now() + A_MOMENT)));
        let next = room.enter(peer(9)).await.unwrap();
        assert!(has_ended(&seats[2]).await && !has_ended(&seats[0]).await && !has_ended(&seats[1]).await);
        // What it begins now is not begun.
        assert!(!seats[2].gives_way(None));
        assert!(seats[1].gives_way(None) && next.gives_way(Some(Instant::now() + Duration::from_secs(5))));
        // All have work: it waits until one has kept us waiting, or is done.
        assert!(timeout(Duration::from_secs(4), room.enter(peer(9))).await.is_err());
        let last = timeout(Duration::from_secs(2), room.enter(peer(9))).await.unwrap().unwrap();
        assert!(has_ended(&next).await && last.gives_way(None));
        let (entered, ()) = tokio::join!(timeout(Duration::from_secs(1), room.enter(peer(9))), async {
            drop(seats.remove(0));
        });
        assert!(entered.unwrap().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_takes_no_more_than_its_share() {
        let room = Room::new(10, 2);
        let other = room.enter(peer(2)).await.unwrap();
        let (first, second) = (room.enter(peer(1)).await.unwrap(), room.enter(peer(1)).await.unwrap());
        assert!(room.enter(peer(1)).await.is_none(), "both have just come");
        advance(A_MOMENT).await;
        let third = room.enter(peer(1)).await.unwrap();
        assert!(has_ended(&first).await && !has_ended(&second).await && !has_ended(&other).await);
        assert!(second.gives_way(None) && third.gives_way(None));
        assert!(room.enter(peer(1)).await.is_none());
        drop(second);
        assert!(room.enter(peer(1)).await.is_some());
        drop((first, third, other));
        let table = room.table();
        assert!(table.places.is_empty() && table.peers.is_empty() && table.waiting.is_empty());
    }
}

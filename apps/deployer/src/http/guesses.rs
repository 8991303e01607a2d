//! How often a peer may send a token that is not known.
//!
//! Whoever used up its guesses is refused whatever it sends, and not told whether it was right: else there would be no limit.
//! But many may have one address: all behind a proxy, or a CI behind NAT. So a token goes on working from where it worked
//! before: of such tokens alone somebody at the same address can guess as often as they like, and they have at least 16
//! characters.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::peer::Peer;
use super::seldom::Seldom;

/// Peers that are remembered; of more, those that were here longest ago are forgotten.
const PEERS: usize = 4096;
/// Tokens of one peer that are remembered.
const TOKENS: usize = 16;

/// What is known of those who sent tokens.
#[derive(Debug, Default)]
pub(crate) struct Guesses {
    records: Mutex<BTreeMap<Peer, Record>>,
    refused: Seldom,
}

#[derive(Debug)]
struct Record {
    /// When all guesses are there again.
    full: Instant,
    /// The hashes of tokens that worked.
    worked: Vec<[u8; 32]>,
    last: Instant,
}

impl Guesses {
    /// Whether a peer may be told what became of its token, whose hash is given if it is known. One that is not known is a
    /// guess, of which a peer has so many in a minute.
    ///
    /// # Errors
    /// How long until its next guess.
    pub(crate) fn may_ask(&self, peer: Peer, known: Option<[u8; 32]>, a_minute: u32) -> Result<(), Duration> {
        self.at(Instant::now(), peer, known, a_minute)
    }

    fn at(&self, now: Instant, peer: Peer, known: Option<[u8; 32]>, a_minute: u32) -> Result<(), Duration> {
        let mut records = self.lock();
        if !records.contains_key(&peer) {
            make_room(&mut records);
        }
        let record = records.entry(peer).or_insert(Record { full: now, worked: Vec::new(), last: now });
        record.last = now;
        if known.is_some_and(|token| record.worked.contains(&token)) {
            return Ok(());
        }
        let minute = Duration::from_secs(60);
        // When all will be there again after one more guess.
        let full = record.full.max(now) + minute / a_minute.max(1);
        let missing = full.duration_since(now).saturating_sub(minute);
        if !missing.is_zero() {
            return Err(missing);
        }
        match known {
            Some(token) => {
                if record.worked.len() == TOKENS {
                    record.worked.remove(0);
                }
                record.worked.push(token);
            }
            None => record.full = full,
        }
        Ok(())
    }

    /// For the log of those that were refused.
    pub(crate) fn seldom(&self) -> &Seldom {
        &self.refused
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Peer, Record>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn make_room(records: &mut BTreeMap<Peer, Record>) {
    if records.len() < PEERS {
        return;
    }
    let oldest = records.iter().min_by_key(|(_, record)| record.last).map(|(peer, _)| *peer);
    oldest.and_then(|peer| records.remove(&peer));
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    fn peer(number: u32) -> Peer {
        SocketAddr::from((number.to_be_bytes(), 1)).into()
    }

    #[test]
    fn a_peer_has_so_many_guesses_and_gets_them_back() {
        let (guesses, start) = (Guesses::default(), Instant::now());
        let ask = |seconds, number, known: Option<u8>| {
            guesses.at(start + Duration::from_secs(seconds), peer(number), known.map(|byte| [byte; 32]), 6)
        };
        assert_eq!(ask(0, 1, Some(1)), Ok(()));
        for _ in 0..6 {
            assert_eq!(ask(0, 1, None), Ok(()));
        }
        assert_eq!(ask(0, 1, None), Err(Duration::from_secs(10)));
        // What worked here goes on, what did not is as good as a wrong one, and elsewhere all is well.
        assert_eq!((ask(1, 1, Some(1)), ask(1, 1, Some(2))), (Ok(()), Err(Duration::from_secs(9))));
        assert_eq!(ask(1, 2, Some(2)), Ok(()));
        assert_eq!((ask(10, 1, None), ask(10, 1, None)), (Ok(()), Err(Duration::from_secs(10))));
        assert_eq!(ask(20, 1, Some(2)), Ok(()));
        for _ in 0..6 {
            assert_eq!(ask(600, 1, None), Ok(()));
        }
        assert!(ask(600, 1, None).is_err());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (guesses, start) = (Guesses::default(), Instant::now());
        for number in 0..10_000 {
            let _ = guesses.at(start + Duration::from_millis(u64::from(number)), peer(number), None, 1);
        }
        assert_eq!(guesses.lock().len(), PEERS);
        for byte in 0..100 {
            assert_eq!(guesses.at(start, peer(1), Some([byte; 32]), 1), Ok(()));
        }
        assert_eq!(guesses.lock()[&peer(1)].worked.len(), TOKENS);
    }
}

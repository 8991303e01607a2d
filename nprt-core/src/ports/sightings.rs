//! How long a lease that others hold has not been renewed, as its reader has seen it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::lease::Lease;
use crate::model::ServiceName;

/// When one process has first seen each service's lease as it is now, by the process's own [elapsed
/// time](super::Clock::elapsed). A lease has run out when it was seen unchanged for as long as it lasts: the times that
/// are written in it are those of another machine's clock, and prove nothing.
///
/// It is for those who implement [`Cluster`](super::Cluster), and holds as much as there are services.
#[derive(Debug, Default)]
pub struct Sightings(Mutex<BTreeMap<ServiceName, Sighting>>);

#[derive(Debug)]
struct Sighting {
    holder: String,
    epoch: u64,
    renewed: Timestamp,
    since: Duration,
}

impl Sightings {
    /// `lease`, as it was read or written at the elapsed time `now`, with how much longer it counts as held: as long as
    /// it lasts, where it is seen for the first time or was renewed since.
    #[must_use]
    pub fn see(&self, mut lease: Lease, now: Duration) -> Lease {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = |seen: &&Sighting| {
            (&seen.holder, seen.epoch, seen.renewed) == (&lease.holder, lease.epoch, lease.renewed)
        };
        let since = seen.get(&lease.service).filter(is_same).map_or(now, |seen| seen.since);
        let sighting =
            Sighting { holder: lease.holder.clone(), epoch: lease.epoch, renewed: lease.renewed, since };
        seen.insert(lease.service.clone(), sighting);
        lease.left = lease.duration.saturating_sub(now.saturating_sub(since));
        lease
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::Purpose;

    const DURATION: Duration = Duration::from_secs(30);

    fn lease(epoch: u64, renewed: i64) -> Lease {
        Lease {
            service: "cart".parse().unwrap(),
            holder: "another".to_owned(),
            process: "host".to_owned(),
            purpose: Purpose::unknown("a test"),
            epoch,
            acquired: Timestamp::UNIX_EPOCH,
            renewed: Timestamp::from_second(renewed).unwrap(),
            duration: DURATION,
            left: Duration::ZERO,
            transition: None,
        }
    }

    #[test]
    fn what_counts_is_how_long_it_was_seen_unchanged() {
        let (sightings, seconds) = (Sightings::default(), Duration::from_secs);
        let left = |lease, now| sightings.see(lease, seconds(now)).left;
        assert_eq!(left(lease(1, 0), 100), DURATION, "however long ago it was renewed");
        assert_eq!(left(lease(1, 0), 129), seconds(1));
        assert_eq!(left(lease(1, 0), 130), Duration::ZERO);
        assert_eq!(left(lease(1, 10), 131), DURATION, "it was renewed, by a clock that is behind");
        assert_eq!(left(lease(2, 10), 140), DURATION, "it is another's");
        assert_eq!(left(lease(2, 5), 150), DURATION, "renewed by a clock that was set back");
        assert_eq!(left(lease(2, 5), 170), seconds(10));
    }
}

//! How a question is asked, so that it costs the server little: a service of many pods and routes has ten thousand series.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use nprt_core::model::{MetricName, ServiceName};

use super::increase::Forms;

/// How one question is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan {
    /// Which form its queries have.
    pub(super) way: Way,
    /// Whether routes are told apart.
    pub(super) routes: bool,
}

/// Which of the [`Forms`] of a query is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Exact,
    ByMinute,
    Totals,
}

/// So many minutes at most has a question that is asked again each minute.
const REPEATED: u64 = 10;
/// How many series times minutes an exact increase may read: some 20 µs of the server's time each
/// (`benches/prometheus_cost.rs`). Less where a question is asked again and again.
const MOST_EXACT: u64 = 20_000;
const MOST_EXACT_REPEATED: u64 = 1_200;

impl Plan {
    /// That of what reads no counters.
    pub(super) const PLAIN: Self = Self { way: Way::Exact, routes: true };

    /// That of a question whose size is not known.
    pub(super) const UNKNOWN: Self = Self { way: Way::ByMinute, routes: true };

    /// That of a question about so many minutes, whose queries read so many series. `totals` says whether its totals may
    /// be asked for.
    pub(super) fn of(series: u64, minutes: &Range<i64>, max_series: u64, totals: bool) -> Self {
        let minutes = minutes.end.saturating_sub(minutes.start).max(0).unsigned_abs();
        let most = if minutes <= REPEATED { MOST_EXACT_REPEATED } else { MOST_EXACT };
        let way = match totals {
            _ if series.saturating_mul(minutes) <= most => Way::Exact,
            true => Way::Totals,
            false => Way::ByMinute,
        };
        Self { way, routes: series <= max_series }
    }
}

impl Forms {
    /// The query to send; that by the minute where there are no totals.
    pub(super) fn by(&self, way: Way) -> &str {
        match way {
            Way::Exact => &self.exact,
            Way::ByMinute => &self.by_minute,
            Way::Totals => self.totals.as_deref().unwrap_or(&self.by_minute),
        }
    }
}

/// How many series the queries of a metric read, for an hour.
#[derive(Debug, Default)]
pub(super) struct Sizes(Mutex<BTreeMap<(ServiceName, MetricName), (u64, Timestamp)>>);

/// How long a size is good for: pods come and go, and a wrong size costs time, not truth.
const KEPT: SignedDuration = SignedDuration::from_hours(1);
/// So many sizes are kept.
const MOST_SIZES: usize = 10_000;

impl Sizes {
    pub(super) fn get(&self, of: &(ServiceName, MetricName), now: Timestamp) -> Option<u64> {
        let sizes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sizes.get(of).filter(|(_, until)| now < *until).map(|(series, _)| *series)
    }

    pub(super) fn keep(&self, of: (ServiceName, MetricName), series: u64, now: Timestamp) {
        let mut sizes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if sizes.len() >= MOST_SIZES {
            sizes.clear();
        }
        sizes.insert(of, (series, now.saturating_add(KEPT).unwrap_or(Timestamp::MAX)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_costs_too_much_is_asked_in_a_cheaper_way() {
        let of = |series, minutes, totals| Plan::of(series, &(0..minutes), 2_000, totals);
        assert_eq!(of(180, 3, true), Plan { way: Way::Exact, routes: true });
        assert_eq!(of(180, 120, true), Plan { way: Way::Totals, routes: true });
        assert_eq!(of(1_000, 3, false), Plan { way: Way::ByMinute, routes: true });
        assert_eq!(of(12_000, 3, true), Plan { way: Way::Totals, routes: false });
    }

    #[test]
    fn a_size_is_kept_for_an_hour() {
        let (sizes, now) = (Sizes::default(), Timestamp::UNIX_EPOCH);
        let of = (ServiceName::new("shop").unwrap(), MetricName::new("latency").unwrap());
        sizes.keep(of.clone(), 7, now);
        let later = |seconds| sizes.get(&of, now + SignedDuration::from_secs(seconds));
        assert_eq!((later(3_599), later(3_600)), (Some(7), None));
    }
}

//! What a Prometheus scrapes of the data set, every 15 seconds: the processes' totals since each began.
//!
//! A pod is restarted, another one comes back under another `instance`, and one goes away.

use std::collections::BTreeMap;

use nprt_core::model::Track;

use crate::data::{MINUTES, Requests, version};

/// Seconds within a minute.
pub(crate) const SCRAPES: [i64; 4] = [5, 20, 35, 50];

/// The pod whose process starts anew within its pod, and before which minute.
pub(crate) const RESTARTED: (&str, i64) = ("s-1", 52);
/// The one that does so on another node, which its label `instance` says.
pub(crate) const MOVED: (&str, i64) = ("c-1", 60);

/// Where something is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) service: &'static str,
    pub(crate) track: Track,
    pub(crate) pod: &'static str,
    pub(crate) route: &'static str,
    pub(crate) instance: &'static str,
}

/// What a process has counted since it began.
#[derive(Debug, Clone, Default)]
pub(crate) struct Totals {
    /// How many succeeded, by what they took in microseconds.
    pub(crate) took: BTreeMap<u32, u64>,
    /// All, by status.
    pub(crate) by_status: BTreeMap<&'static str, u64>,
}

/// A scrape: the minute and second, and what it found.
pub(crate) struct Scrape<'a> {
    pub(crate) minute: i64,
    pub(crate) second: i64,
    pub(crate) found: &'a BTreeMap<Place, Totals>,
}

impl Place {
    /// As labels.
    pub(crate) fn labels(&self) -> [(&'static str, &'static str); 6] {
        [
            ("service", self.service),
            ("track", if self.track == Track::Canary { "canary" } else { "stable" }),
            ("version", version(self.track)),
            ("pod", self.pod),
            ("route", self.route),
            ("instance", self.instance),
        ]
    }

    fn of(requests: &Requests) -> Self {
        let Requests { service, track, pod, route, .. } = *requests;
        let has_moved = pod == MOVED.0 && requests.minute >= MOVED.1;
        Self { service, track, pod, route, instance: if has_moved { "node-2" } else { "node-1" } }
    }
}

/// Shows each scrape to `see`, in order. All requests of a minute come between its first scrape and its last, so that a
/// process that ends has been asked for all of them.
pub(crate) fn scrape(data: &[Requests], mut see: impl FnMut(Scrape<'_>)) {
    let mut found: BTreeMap<Place, Totals> = BTreeMap::new();
    let mut rest = data;
    for minute in 0..MINUTES {
        let end = rest.partition_point(|of| of.minute <= minute);
        let (of_minute, later) = rest.split_at(end);
        rest = later;
        let pods: Vec<&str> = of_minute.iter().map(|of| of.pod).collect();
        found.retain(|place, _| {
            let is_over = place.pod == MOVED.0 && minute >= MOVED.1 && place.instance == "node-1";
            pods.contains(&place.pod) && !is_over
        });
        if minute == RESTARTED.1 {
            found.iter_mut().filter(|(place, _)| place.pod == RESTARTED.0).for_each(|(_, totals)| {
                *totals = Totals::default();
            });
        }
        for (part, second) in SCRAPES.into_iter().enumerate() {
            // Nothing before the first scrape, and then a third each.
            for of in of_minute {
                let totals = found.entry(Place::of(of)).or_default();
                if part > 0 {
                    add(totals, of, part - 1);
                }
            }
            see(Scrape { minute, second, found: &found });
        }
    }
}

/// Adds the nth third.
fn add(totals: &mut Totals, of: &Requests, third: usize) {
    for took in of.took.iter().skip(third).step_by(3) {
        *totals.took.entry(*took).or_default() += 1;
        *totals.by_status.entry("200").or_default() += 1;
    }
    if third == 0 {
        for (status, failed) in of.failed.into_iter().filter(|(_, failed)| *failed > 0) {
            *totals.by_status.entry(status).or_default() += u64::from(failed);
        }
    }
}

//! The data set: what three services were asked in eighty minutes, by route and pod. It is the same in each run.

use nprt_core::model::Track;

/// So many minutes of stable alone come before the canary.
pub(crate) const HISTORY: i64 = 40;
/// All minutes: the canary's are the rest.
pub(crate) const MINUTES: i64 = 80;
/// What runs where, and the version.
pub(crate) const PODS: [(Track, &str); 6] = [
    (Track::Stable, "s-0"),
    (Track::Stable, "s-1"),
    (Track::Stable, "s-2"),
    (Track::Canary, "c-0"),
    (Track::Canary, "c-1"),
    (Track::Canary, "c-2"),
];
pub(crate) const ROUTES: [&str; 2] = ["/cart", "/pay"];

/// What is different about a service's canary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Canary {
    /// Nothing.
    Good,
    /// It takes one and a half times as long.
    Slow,
    /// One request in fifty fails in a way that stable's never do.
    Failing,
}

/// The services.
pub(crate) const SERVICES: [(&str, Canary); 3] =
    [("good", Canary::Good), ("slow", Canary::Slow), ("failing", Canary::Failing)];

/// Requests to a route of a pod in a minute.
pub(crate) struct Requests {
    pub(crate) service: &'static str,
    /// From 0.
    pub(crate) minute: i64,
    pub(crate) track: Track,
    pub(crate) pod: &'static str,
    pub(crate) route: &'static str,
    /// What each took that succeeded, in microseconds.
    pub(crate) took: Vec<u32>,
    /// How many failed, by status.
    pub(crate) failed: [(&'static str, u32); 2],
}

pub(crate) fn version(track: Track) -> &'static str {
    if track == Track::Canary { "v2" } else { "v1" }
}

/// Whether a pod exists in that minute: one of stable's goes away for good.
pub(crate) fn runs(track: Track, pod: &str, minute: i64) -> bool {
    match track {
        Track::Canary => minute >= HISTORY,
        Track::Stable => pod != "s-2" || minute < 65,
    }
}

/// All of it, minute by minute.
pub(crate) fn requests() -> Vec<Requests> {
    let (mut random, mut all) = (Random(0x9e37_79b9_7f4a_7c15), Vec::new());
    for minute in 0..MINUTES {
        for (service, canary) in SERVICES {
            for (track, pod) in PODS.into_iter().filter(|(track, pod)| runs(*track, pod, minute)) {
                let canary = if track == Track::Canary { canary } else { Canary::Good };
                for route in ROUTES {
                    all.push(random.requests(service, minute, track, pod, route, canary));
                }
            }
        }
    }
    all
}

/// The exact percentile of what requests of the run took on a track, in seconds.
pub(crate) fn percentile(all: &[Requests], service: &str, track: Track, share: f64) -> f64 {
    let run = all.iter().filter(|of| of.service == service && of.track == track && of.minute >= HISTORY);
    let mut took: Vec<u32> = run.flat_map(|of| of.took.iter().copied()).collect();
    took.sort_unstable();
    let rank = (share * took.len() as f64).ceil();
    let found = took.iter().zip(1_u32..).find(|(_, at)| f64::from(*at) >= rank).unwrap();
    f64::from(*found.0) / 1e6
}

/// Marsaglia's xorshift64.
struct Random(u64);

impl Random {
    /// Evenly from 0 to 1.
    fn even(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        f64::from(u32::try_from(self.0 >> 32).unwrap()) / f64::from(u32::MAX)
    }

    /// About normal, by the sum of twelve.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.even()).sum::<f64>() - 6.0
    }

    fn requests(
        &mut self,
        service: &'static str,
        minute: i64,
        track: Track,
        pod: &'static str,
        route: &'static str,
        canary: Canary,
    ) -> Requests {
        let median = if route == "/pay" { 0.120 } else { 0.080 };
        let median = if canary == Canary::Slow { 1.5 * median } else { median };
        let mut requests = Requests {
            service,
            minute,
            track,
            pod,
            route,
            took: Vec::new(),
            failed: [("500", 0), ("503", 0)],
        };
        for _ in 0..60 {
            let fate = self.even();
            if fate < 0.04 {
                requests.failed[0].1 += 1;
            } else if fate < 0.06 && canary == Canary::Failing {
                requests.failed[1].1 += 1;
            } else {
                let seconds = median * (0.4 * self.normal()).exp();
                requests.took.push(format!("{:.0}", seconds * 1e6).parse().unwrap());
            }
        }
        requests
    }
}

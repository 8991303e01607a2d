//! What a backend makes of the data set: percentiles, and verdicts.

use std::time::Duration;

use jiff::Timestamp;
use nprt_compare::{Decision, Judge, Policy, Preset};
use nprt_core::model::{Block, BlockData, MetricName, ServiceName, TimeRange, Track};
use nprt_core::ports::{Measured, MetricQuery, MetricsBackend, Versions};

use crate::data::{HISTORY, MINUTES, Requests, SERVICES, percentile, version};
use crate::support::name;

const METRICS: [&str; 3] = [MetricName::LATENCY, MetricName::REQUESTS, MetricName::ERRORS];

/// The start of a minute since 1970.
pub(crate) fn start_of(minute: i64) -> Timestamp {
    Timestamp::from_second(minute * 60).unwrap()
}

/// What a backend answers about a service, by metric.
pub(crate) struct Answered {
    /// The data set's first minute, since 1970.
    base: i64,
    pub(crate) metrics: [Measured; 3],
}

/// Asks for all of a service's minutes.
pub(crate) async fn ask(backend: &dyn MetricsBackend, service: &str, base: i64) -> Answered {
    let names = |track| vec![version(track).to_owned()];
    let query = |metric: &str| MetricQuery {
        service: ServiceName::new(service).unwrap(),
        metric: name(metric),
        range: TimeRange::new(start_of(base), start_of(base + MINUTES)).unwrap(),
        versions: Versions { canary: names(Track::Canary), stable: names(Track::Stable) },
    };
    let mut metrics = [Measured::default(), Measured::default(), Measured::default()];
    for (metric, measured) in METRICS.into_iter().zip(&mut metrics) {
        *measured = backend.blocks(&query(metric)).await.unwrap();
    }
    Answered { base, metrics }
}

impl Answered {
    pub(crate) fn latency(&self) -> &Measured {
        &self.metrics[0]
    }

    /// A percentile of a track's latency in the run: the middle of the bucket that it lies in.
    fn percentile(&self, track: Track, share: f64) -> f64 {
        let run = |block: &&Block| block.track == track && block.minute >= self.base + HISTORY;
        let mut counted: Vec<(f64, u64)> = Vec::new();
        for block in self.latency().blocks.iter().filter(run) {
            match &block.data {
                BlockData::Samples(samples) => counted.extend(samples.iter().map(|sample| (*sample, 1))),
                BlockData::Histogram { edges, counts } => {
                    let lower = [0.0].into_iter().chain(edges.iter().copied());
                    let buckets = lower.zip(edges).map(|(low, high)| f64::midpoint(low, *high));
                    counted.extend(buckets.zip(counts.iter().copied()));
                    assert_eq!(counts.last(), Some(&0), "nothing took longer than the last edge");
                }
                other => panic!("{other:?}"),
            }
        }
        counted.sort_by(|a, b| a.0.total_cmp(&b.0));
        let all: u64 = counted.iter().map(|(_, count)| count).sum();
        let (rank, mut below) = (share * all as f64, 0);
        let found = counted.iter().find(|(_, count)| {
            below += count;
            below as f64 >= rank
        });
        found.unwrap().0
    }

    /// Panics unless percentiles of both tracks are within what the answer states, which is below `most`.
    pub(crate) fn is_exact(&self, data: &[Requests], service: &str, most: f64) {
        let error = self.latency().evidence.quantile_error.expect("a sketch or buckets have an error");
        assert!(error < most, "{error}");
        for track in [Track::Stable, Track::Canary] {
            for share in [0.5, 0.95, 0.99] {
                let (exact, found) = (percentile(data, service, track, share), self.percentile(track, share));
                let off = (found - exact).abs() / found;
                assert!(
                    off <= error * 1.000_001,
                    "{service}, {track}, {share}: {found}, not {exact}: {off} of {error}"
                );
            }
        }
    }

    /// What the default policy makes of it.
    fn verdict(&self) -> (Decision, String) {
        let start = self.base + HISTORY;
        let mut judge = Judge::new(Policy::preset(Preset::Default), start_of(start)).unwrap();
        judge.expect(METRICS.map(name));
        let mut blocks: Vec<&Block> = self.metrics.iter().flat_map(|measured| &measured.blocks).collect();
        blocks.sort_by_key(|block| block.minute);
        for block in blocks {
            if block.minute < start {
                judge.observe_history(block).unwrap();
            } else {
                judge.observe(block).unwrap();
            }
        }
        for (metric, measured) in METRICS.into_iter().zip(&self.metrics) {
            measured.left_out.iter().for_each(|left| judge.observe_left_out(&name(metric), left));
        }
        let verdict = judge.verdict(start_of(self.base + MINUTES) + Duration::from_secs(30));
        (verdict.decision, verdict.reason)
    }
}

/// Panics unless a backend has the percentiles of the data set, within what it states and below `most`, and its verdicts.
/// Answers what was measured of each service.
pub(crate) async fn measures(
    backend: &dyn MetricsBackend,
    data: &[Requests],
    base: i64,
    most: f64,
) -> Vec<Answered> {
    let mut all = Vec::new();
    for (service, _) in SERVICES {
        let answered = ask(backend, service, base).await;
        answered.is_exact(data, service, most);
        all.push(answered);
    }
    let verdicts: Vec<_> = all.iter().map(Answered::verdict).collect();
    let decisions: Vec<&str> = verdicts.iter().map(|(decision, _)| decision.as_str()).collect();
    assert_eq!(decisions, ["pass", "regression", "regression"], "{verdicts:?}");
    assert!(verdicts[1].1.contains("latency"), "{verdicts:?}");
    assert!(verdicts[2].1.contains("503") || verdicts[2].1.contains("errors"), "{verdicts:?}");
    all
}

/// How many requests a block counts, and how many of them failed.
pub(crate) fn counted(blocks: &[Block], is_asked: impl Fn(&Block) -> bool) -> (u64, u64) {
    let counts = blocks.iter().filter(|block| is_asked(block)).map(|block| match block.data {
        BlockData::Requests { requests, errors } => (requests, errors),
        ref other => panic!("{other:?}"),
    });
    counts.fold((0, 0), |sum, of| (sum.0 + of.0, sum.1 + of.1))
}

/// The same of the data set.
pub(crate) fn sent(data: &[Requests], is_asked: impl Fn(&Requests) -> bool) -> (u64, u64) {
    data.iter().filter(|of| is_asked(of)).fold((0, 0), |(requests, errors), of| {
        let failed: u64 = of.failed.iter().map(|(_, count)| u64::from(*count)).sum();
        (requests + of.took.len() as u64 + failed, errors + failed)
    })
}

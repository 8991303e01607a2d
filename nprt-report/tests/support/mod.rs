//! A canary without chance: the same page every time.
#![allow(dead_code, reason = "each test uses some of it")]

use std::collections::BTreeMap;

use jiff::Timestamp;
use nprt_compare::report::{EventKind, Report, ReportEvent, Version};
use nprt_compare::{Decision, MeasurementsRule, Policy, Preset, Rule};
use nprt_core::model::{Block, BlockData, MetricName, Track};
use nprt_report::{CanaryOverview, Overview, ServiceOverview};

pub(crate) const FIRST: i64 = 29_667_600;
/// What no page may take for markup.
pub(crate) const EVIL: &str = "</title></style><script>fetch('http://127.0.0.1:9/evil')</script><img src=http://127.0.0.1:9/x \
                               onerror=alert(1)> \" onload=\"alert(1)\" '&amp;";

pub(crate) fn started() -> Timestamp {
    Timestamp::from_second(FIRST * 60).unwrap()
}

pub(crate) fn block(minute: i64, track: Track, metric: &str, data: BlockData) -> Block {
    let metric = MetricName::new(metric).unwrap();
    let pod = Some(format!("pod-{track}"));
    Block { minute: FIRST + minute, track, version: None, pod, route: None, metric, data }
}

/// 0 to 1, evenly, from a number: a step of SplitMix64.
pub(crate) fn even(seed: u64) -> f64 {
    let mut z = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Latencies around 50 ms with a tail.
pub(crate) fn samples(seed: u64, count: u64, factor: f64) -> BlockData {
    let one = |at| {
        let seed = seed.wrapping_mul(1_000_003).wrapping_add(8 * at);
        let normal: f64 = (0..6).map(|part| even(seed + part)).sum::<f64>() - 3.0;
        factor * 0.05 * (0.6 * normal).exp()
    };
    BlockData::Samples((0..count).map(one).collect())
}

/// Both tracks for so many minutes, with a gap; the canary so much slower, and failing in ways of these names.
pub(crate) fn blocks(minutes: i64, factor: f64, classes: &[&str]) -> Vec<Block> {
    let mut blocks = Vec::new();
    for minute in (0..minutes).filter(|minute| *minute != 7) {
        let seed = minute.unsigned_abs() * 10;
        for (track, side) in [(Track::Stable, 0), (Track::Canary, 1)] {
            let slower = if side == 1 { factor } else { 1.0 };
            let failed = classes.len() as u64 * side;
            let found = classes.iter().filter(|_| side == 1).map(|class| ((*class).to_owned(), 1));
            blocks.extend([
                block(minute, track, "latency", samples(seed + side, 300, slower)),
                block(minute, track, "requests", BlockData::Requests { requests: 300, errors: failed }),
                block(minute, track, "errors", BlockData::Classes(found.collect::<BTreeMap<_, _>>())),
                block(minute, track, "cpu", BlockData::Value(0.2 * slower + 0.01 * even(seed + 5 + side))),
            ]);
        }
    }
    blocks
}

/// A report of such blocks, with events.
pub(crate) fn report(service: &str, blocks: &[Block]) -> Report {
    let policy = Policy::preset(Preset::Default);
    let at = |minutes: i64| Timestamp::from_second((FIRST + minutes) * 60).unwrap();
    let version =
        |tag: &str| Version { tag: Some(tag.to_owned()), revision: Some("3f2a91c0b1d2e3f4".to_owned()) };
    Report::builder(service, &policy, started())
        .stable(version("main-75700bc"))
        .canary(version(service))
        .blocks(blocks)
        .judge_by_minute([])
        .unwrap()
        .event(ReportEvent::new(at(0), EventKind::CanaryStarted, service))
        .event(ReportEvent::new(at(9), EventKind::CanaryRegressed, "latency"))
        .event(ReportEvent::new(at(10), EventKind::RolledBack, "by the autopilot"))
        .build()
}

/// Three services: one whose names are up to no good, one without a canary, one of which nothing is known.
pub(crate) fn overview(name: &str) -> Overview {
    let version =
        |tag: &str| Version { tag: Some(tag.to_owned()), revision: Some("3f2a91c0b1d2e3f4".to_owned()) };
    let canary = CanaryOverview {
        version: version(name),
        started: Some(started()),
        drift: Vec::new(),
        held: Some(format!("by ada: {name}")),
        verdict: Some((Decision::Regression, name.to_owned())),
        report: Some("shop/canary".to_owned()),
    };
    let waiting = CanaryOverview { report: Some(name.to_owned()), ..CanaryOverview::default() };
    let trial = ServiceOverview {
        name: name.to_owned(),
        stable: Some(version("main-75700bc")),
        canary: Some(canary),
        operation: Some(name.to_owned()),
        error: None,
    };
    let young = ServiceOverview { name: "young".to_owned(), canary: Some(waiting), ..trial.clone() };
    let error = Some(format!("the cluster does not answer: {name}"));
    let lost = ServiceOverview { name: "lost".to_owned(), error, ..ServiceOverview::default() };
    Overview { at: started(), services: vec![trial, young, lost] }
}

/// Ten metrics of samples for two hours: as large as a page gets.
pub(crate) fn large() -> Report {
    let name = |at: usize| format!("latency.{at}");
    let rule = |at| Rule::Measurements(MeasurementsRule::of(MetricName::new(&name(at)).unwrap()));
    let policy = Policy { rules: (0..10).map(rule).collect(), ..Policy::preset(Preset::Default) };
    let mut blocks = Vec::new();
    for minute in 0..120_i64 {
        for at in 0..10 {
            for (side, track) in [Track::Stable, Track::Canary].into_iter().enumerate() {
                let seed = 100 * minute.unsigned_abs() + 2 * at as u64 + side as u64;
                blocks.push(block(minute, track, &name(at), samples(seed, 120, 1.0)));
            }
        }
    }
    Report::builder("shop", &policy, started()).blocks(&blocks).judge_by_minute([]).unwrap().build()
}

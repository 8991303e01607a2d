//! What a report shows is what was measured, and nothing that is measured breaks it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]

use std::collections::BTreeMap;

use jiff::Timestamp;
use nprt_compare::report::{EventKind, Report, ReportEvent, Statistic, Unit, Version};
use nprt_compare::{Decision, Judge, Policy, Preset};
use nprt_core::model::{Block, BlockData, MetricName, Track};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{any, prop, prop_oneof};
use proptest::strategy::{Just, Strategy};
use proptest::{prop_assert, prop_assert_eq, proptest};

const FIRST: i64 = 29_399_040;

fn started() -> Timestamp {
    Timestamp::from_second(FIRST * 60).unwrap()
}

fn block(minute: i64, track: Track, metric: &str, data: BlockData) -> Block {
    let metric = MetricName::new(metric).unwrap();
    Block { minute: FIRST + minute, track, version: None, pod: None, route: None, metric, data }
}

/// Ten latencies of 100 to 109 ms, times a factor.
fn latency(minute: i64, track: Track, factor: f64) -> Block {
    let samples = (0..400).map(|i| factor * f64::from(100 + i % 10) / 1000.0).collect();
    block(minute, track, "latency", BlockData::Samples(samples))
}

fn both(minutes: i64, canary: f64) -> Vec<Block> {
    let tracks = |minute| [latency(minute, Track::Stable, 1.0), latency(minute, Track::Canary, canary)];
    (0..minutes).flat_map(tracks).collect()
}

fn close(a: Option<f64>, b: f64) -> bool {
    a.is_some_and(|a| (a - b).abs() <= 0.005 * b)
}

#[test]
fn curves_are_the_figures_of_each_minute_and_gaps_stay_gaps() {
    let policy = Policy::preset(Preset::Method);
    let mut blocks = both(5, 1.5);
    blocks.retain(|block| block.minute != FIRST + 2);
    let report = Report::builder("shop", &policy, started()).blocks(&blocks).build();
    assert_eq!((report.axis.first, report.axis.step, report.axis.points), (FIRST, 1, 5));
    let [metric] = &report.metrics[..] else { panic!("{:?}", report.metrics) };
    assert_eq!((metric.metric.as_str(), metric.unit), ("latency", Unit::Seconds));
    let names: Vec<String> = metric.curves.iter().map(|curve| curve.statistic.to_string()).collect();
    assert_eq!(names, ["p95", "p99", "p50", "samples a minute"]);
    let p95 = &metric.curves[0];
    assert!(close(p95.stable[0], 0.109) && close(p95.canary[4], 0.1635), "{p95:?}");
    assert_eq!((p95.stable[2], p95.canary[2], p95.limit[2]), (None, None, None));
    // 10 % is more than 5 ms.
    assert!(close(p95.limit[1], 0.109 * 1.1), "{p95:?}");
    assert_eq!(metric.curves[2].limit, [], "no rule limits the median");
    assert_eq!(metric.curves[3].canary[1], Some(400.0));
}

#[test]
fn a_distribution_holds_all_samples_of_both() {
    let policy = Policy::preset(Preset::Default);
    let report = Report::builder("shop", &policy, started()).blocks(&both(3, 1.5)).build();
    let found = report.metrics[0].distribution.as_ref().unwrap();
    assert_eq!(found.samples, [1200, 1200]);
    assert!(found.edges[0] <= 0.1 && *found.edges.last().unwrap() >= 0.1635, "{:?}", found.edges);
    for shares in [&found.stable, &found.canary] {
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    }
}

#[test]
fn failures_are_a_rate_beside_a_multiple_of_stables_rate_so_far() {
    let policy = Policy::preset(Preset::Default);
    let requests = |minute, track, errors| {
        block(minute, track, "requests", BlockData::Requests { requests: 1000, errors })
    };
    let classes = |minute, track, class: &str, count| {
        block(minute, track, "errors", BlockData::Classes(BTreeMap::from([(class.to_owned(), count)])))
    };
    let blocks = [
        requests(0, Track::Stable, 4),
        requests(1, Track::Stable, 0),
        requests(0, Track::Canary, 8),
        requests(1, Track::Canary, 90),
        classes(0, Track::Stable, "timeout", 4),
        classes(0, Track::Canary, "timeout", 8),
        classes(1, Track::Canary, "<script>", 90),
    ];
    let report = Report::builder("shop", &policy, started()).blocks(&blocks).build();
    let [metric] = &report.metrics[..] else { panic!("requests are part of the errors: {report:?}") };
    let rate = &metric.curves[0];
    assert_eq!((rate.statistic, rate.unit), (Statistic::Rate, Unit::Share));
    assert_eq!(rate.stable, [Some(0.004), Some(0.0)]);
    assert_eq!(rate.canary, [Some(0.008), Some(0.09)]);
    assert_eq!(rate.limit, [Some(0.004 * 1.25), Some(0.002 * 1.25)]);
    let classes: Vec<_> = metric.classes.iter().map(|c| (c.class.as_str(), c.stable, c.canary)).collect();
    assert_eq!(classes, [("<script>", 0, 90), ("timeout", 4, 8)]);
}

#[test]
fn the_effect_over_time_is_what_the_judge_said_minute_by_minute() {
    let policy = Policy::preset(Preset::Default);
    let blocks = both(40, 1.5);
    let report =
        Report::builder("shop", &policy, started()).blocks(&blocks).judge_by_minute([]).unwrap().build();
    let mut judge = Judge::new(policy.clone(), started()).unwrap();
    blocks.iter().for_each(|block| judge.observe(block).unwrap());
    let verdict = judge.verdict(Timestamp::from_second((FIRST + 40) * 60).unwrap());
    assert_eq!(verdict.decision, Decision::Regression);
    assert_eq!(report.verdict.as_ref(), Some(&verdict));

    let effect = &report.metrics[0].effects[0];
    assert_eq!((effect.rule, effect.points.len()), (0, 40));
    let last = effect.points[39].unwrap();
    let said = verdict.metrics[0].evidence.as_ref().unwrap();
    assert_eq!(last.estimate, said.effect.map(|effect| effect.estimate));
    assert!(last.regression >= 1.0, "{last:?}");
    let middle = effect.points[20].unwrap();
    assert!(middle.high.unwrap() - middle.low.unwrap() > last.high.unwrap() - last.low.unwrap());

    // The margin as it was used: with what stable's pods differ by.
    let (p95, used) = (&report.metrics[0].curves[0], said.margin.unwrap());
    let stable = p95.stable[39].unwrap();
    assert!(close(p95.limit[39], stable * (1.0 + used.regression)), "{used:?} {p95:?}");
}

#[test]
fn a_long_run_has_several_minutes_a_point() {
    let policy = Policy::preset(Preset::Default);
    let blocks = both(100, 1.0);
    let report = Report::builder("shop", &policy, started()).blocks(&blocks).points(30).build();
    assert_eq!((report.axis.step, report.axis.points), (4, 25));
    let count = report.metrics[0].curves.iter().find(|curve| curve.statistic == Statistic::Count).unwrap();
    assert_eq!(count.stable, vec![Some(400.0); 25], "a minute, not a point");
}

#[test]
fn events_are_ordered_and_versions_kept() {
    let policy = Policy::preset(Preset::Default);
    let at = |seconds| Timestamp::from_second(FIRST * 60 + seconds).unwrap();
    let canary = Version { tag: Some("main-3f2a91c".to_owned()), revision: None };
    let report = Report::builder("shop", &policy, started())
        .canary(canary.clone())
        .event(ReportEvent::new(at(60), EventKind::RolledBack, "too slow"))
        .event(ReportEvent::new(at(0), EventKind::CanaryStarted, ""))
        .build();
    assert_eq!(report.canary, canary);
    assert_eq!(report.events[0].kind, EventKind::CanaryStarted);
    assert!(report.metrics.is_empty() && report.axis.is_empty() && report.verdict.is_none());
    let text = serde_json::to_string(&report).unwrap();
    assert!(text.contains(r#""kind":"rolled_back""#), "{text}");
    assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(-1.0),
        Just(-0.0),
        Just(f64::MAX),
        Just(f64::MIN_POSITIVE / 2.0),
        any::<f64>(),
        0.0_f64..10.0,
    ]
}

fn data() -> impl Strategy<Value = BlockData> {
    let histogram = (vec(number(), 0..4), vec(any::<u64>(), 0..5));
    prop_oneof![
        vec(number(), 0..20).prop_map(BlockData::Samples),
        vec(0.0_f64..10.0, 0..20).prop_map(BlockData::Samples),
        histogram.prop_map(|(edges, counts)| BlockData::Histogram { edges, counts }),
        number().prop_map(BlockData::Value),
        (any::<u64>(), any::<u64>()).prop_map(|(requests, errors)| BlockData::Requests { requests, errors }),
        proptest::collection::btree_map(".{0,3}", any::<u64>(), 0..4).prop_map(BlockData::Classes),
    ]
}

fn any_block() -> impl Strategy<Value = Block> {
    let minute =
        prop_oneof![9 => 0_i64..30, 1 => any::<i64>().prop_map(|minute| minute.saturating_sub(FIRST))];
    let metric =
        prop_oneof![Just("latency"), Just("cpu"), Just("errors"), Just("requests"), Just("restarts")];
    (minute, any::<bool>(), option::of("[ab]"), metric, data()).prop_map(
        |(minute, canary, pod, metric, data)| {
            let track = if canary { Track::Canary } else { Track::Stable };
            Block { pod, minute: FIRST.saturating_add(minute), ..block(0, track, metric, data) }
        },
    )
}

proptest! {
    #[test]
    fn nothing_measured_breaks_it(blocks in vec(any_block(), 0..60), method in any::<bool>(), points in 0_u32..40) {
        let policy = Policy::preset(if method { Preset::Method } else { Preset::Default });
        let report = || {
            let builder = Report::builder("shop", &policy, started()).points(points).blocks(&blocks);
            builder.judge_by_minute([]).unwrap().build()
        };
        let found = report();
        prop_assert!(found.axis.points <= points.max(1));
        for metric in &found.metrics {
            for curve in &metric.curves {
                prop_assert_eq!(curve.stable.len(), found.axis.len());
                prop_assert_eq!(curve.canary.len(), found.axis.len());
                let series = [&curve.stable, &curve.canary, &curve.limit];
                prop_assert!(series.into_iter().flatten().flatten().all(|figure| figure.is_finite()));
            }
        }
        // NaN is not equal to itself: by text.
        prop_assert_eq!(format!("{found:?}"), format!("{:?}", report()));
    }

    #[test]
    fn order_and_repeats_of_blocks_change_nothing(
        blocks in vec((0_i64..20, any::<bool>(), vec(0.0_f64..10.0, 1..20)), 1..30),
        turn in any::<prop::sample::Index>(),
    ) {
        let mut once: BTreeMap<(i64, bool), Block> = BTreeMap::new();
        for (minute, canary, samples) in blocks {
            let track = if canary { Track::Canary } else { Track::Stable };
            once.insert((minute, canary), block(minute, track, "latency", BlockData::Samples(samples)));
        }
        let mut blocks: Vec<Block> = once.into_values().collect();
        let policy = Policy::preset(Preset::Default);
        let report = |blocks: &[Block]| Report::builder("shop", &policy, started()).blocks(blocks).build();
        let whole = report(&blocks);
        let at = turn.index(blocks.len());
        blocks.rotate_left(at);
        blocks.extend_from_within(..at);
        prop_assert_eq!(report(&blocks), whole);
    }
}

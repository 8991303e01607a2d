//! Series from our own blocks.

use std::collections::BTreeMap;

use nprt_core::compare::kayenta::{
    CanaryAnalysis, CanaryConfig, Classification, Source, Statistic, judge, pairs,
};
use nprt_core::model::{Block, BlockData, MetricName, TimeRange, Track};

use super::noise::Noise;
use super::{THRESHOLDS, config};

const START: i64 = 29_400_000;

fn range(minutes: i64) -> TimeRange {
    let at = |minute: i64| jiff::Timestamp::from_second(60 * minute).unwrap();
    TimeRange::new(at(START), at(START + minutes)).unwrap()
}

fn block(minute: i64, track: Track, pod: &str, metric: &str, data: BlockData) -> Block {
    Block {
        minute: START + minute,
        track,
        version: None,
        pod: Some(pod.to_owned()),
        route: None,
        metric: MetricName::new(metric).unwrap(),
        data,
    }
}

fn source(metric: &str, statistic: &str) -> Source {
    serde_json::from_value(serde_json::json!({"metric": metric, "statistic": statistic})).unwrap()
}

fn one(metric: &str, statistic: &str) -> (CanaryConfig, BTreeMap<String, Source>) {
    (config(&[("m", "g", CanaryAnalysis::default())]), [("m".to_owned(), source(metric, statistic))].into())
}

/// Stable's series of the metric.
fn series(metric: &str, statistic: &str, blocks: &[Block]) -> Result<Vec<f64>, String> {
    let (config, sources) = one(metric, statistic);
    let found = pairs(&config, &sources, blocks, range(3)).map_err(|error| error.to_string())?;
    assert_eq!(found.len(), 1);
    let pair = &found[0];
    assert_eq!(pair.scopes["experiment"].step_millis, Some(60_000));
    assert_eq!(pair.scopes["control"].start_time_millis, Some(60_000 * START));
    assert_eq!(pair.values.experiment.len(), 3);
    assert!(pair.values.experiment.iter().all(|value| value.is_nan()), "{pair:?}");
    Ok(pair.values.control.clone())
}

#[test]
fn a_minute_is_one_value_of_all_pods_and_a_gap_is_none() {
    let histogram =
        |counts: [u64; 3]| BlockData::Histogram { edges: vec![0.1, 0.2], counts: counts.to_vec() };
    let classes = |counts: &[u64]| {
        BlockData::Classes(
            counts.iter().enumerate().map(|(class, count)| (class.to_string(), *count)).collect(),
        )
    };
    let requests = |requests, errors| BlockData::Requests { requests, errors };
    let cases: [(&str, BlockData, BlockData, f64); 10] = [
        ("mean", BlockData::Value(1.0), BlockData::Value(4.0), 2.5),
        ("sum", BlockData::Value(1.0), BlockData::Value(4.0), 5.0),
        ("mean", BlockData::Samples(vec![1.0, 2.0]), BlockData::Samples(vec![6.0]), 3.0),
        ("p50", BlockData::Samples(vec![1.0, 2.0]), BlockData::Samples(vec![6.0]), 2.0),
        ("p99.9", BlockData::Samples(vec![1.0, 2.0]), BlockData::Samples(vec![6.0]), 6.0),
        ("p50", histogram([50, 0, 0]), histogram([0, 50, 0]), 0.1),
        ("p99", histogram([50, 0, 0]), histogram([0, 0, 50]), 0.2),
        ("sum", requests(30, 1), requests(70, 4), 100.0),
        ("error_rate", requests(30, 1), requests(70, 4), 0.05),
        ("sum", classes(&[2, 3]), classes(&[5]), 10.0),
    ];
    for (statistic, one, other, expected) in cases {
        let blocks = [
            block(0, Track::Stable, "a", "x", one.clone()),
            block(0, Track::Stable, "b", "x", other.clone()),
            // The same again counts once, another metric and other minutes not at all.
            block(0, Track::Stable, "a", "x", one.clone()),
            block(0, Track::Stable, "a", "y", BlockData::Value(9e9)),
            block(3, Track::Stable, "a", "x", one.clone()),
            block(-1, Track::Stable, "a", "x", one),
            block(2, Track::Stable, "b", "x", other),
        ];
        let found = series("x", statistic, &blocks).unwrap();
        assert!((found[0] - expected).abs() < 1e-12, "{statistic}: {found:?}");
        assert!(found[1].is_nan() && !found[2].is_nan(), "{statistic}: {found:?}");
    }
    let idle = [block(0, Track::Stable, "a", "x", requests(0, 0))];
    assert!(series("x", "error_rate", &idle).unwrap()[0].is_nan());
    let empty = [block(0, Track::Stable, "a", "x", BlockData::Samples(vec![]))];
    assert!(series("x", "p95", &empty).unwrap()[0].is_nan());
}

#[test]
fn what_cannot_be_taken_is_named() {
    let samples = || BlockData::Samples(vec![1.0]);
    let edges = |edges: &[f64], counts: &[u64]| BlockData::Histogram {
        edges: edges.to_vec(),
        counts: counts.to_vec(),
    };
    for (statistic, data, named) in [
        ("mean", vec![BlockData::Samples(vec![1.0, f64::NAN])], "measurement 1 is NaN"),
        ("mean", vec![BlockData::Value(f64::INFINITY)], "measurement 0 is inf"),
        ("sum", vec![samples()], "`sum` cannot be taken of blocks of the form Samples"),
        (
            "error_rate",
            vec![BlockData::Value(1.0)],
            "`error_rate` cannot be taken of blocks of the form Value",
        ),
        ("p95", vec![BlockData::Value(1.0)], "`p95` cannot be taken of blocks of the form Value"),
        ("p95", vec![samples(), edges(&[1.0], &[1, 1])], "or of mixed ones"),
        ("mean", vec![BlockData::Value(1.0), samples()], "or of mixed ones"),
        ("p95", vec![edges(&[1.0], &[1, 1]), edges(&[2.0], &[1, 1])], "different edges"),
        ("p95", vec![edges(&[1.0], &[1])], "1 edges and 1 counts"),
        ("p95", vec![edges(&[2.0, 1.0], &[1, 1, 1])], "do not ascend"),
        ("p95", vec![edges(&[1.0, f64::INFINITY], &[1, 1, 1])], "measurement 1 is inf"),
        ("error_rate", vec![BlockData::Requests { requests: 1, errors: 2 }], "2 failed of only 1"),
    ] {
        let blocks: Vec<_> = data
            .into_iter()
            .enumerate()
            .map(|(pod, data)| block(1, Track::Stable, &pod.to_string(), "x", data))
            .collect();
        let error = series("x", statistic, &blocks).unwrap_err();
        assert!(error.contains(named) && error.contains("metric: x, minute: 29400001"), "{error}");
    }
    let other = [
        block(1, Track::Stable, "a", "x", BlockData::Value(1.0)),
        block(1, Track::Stable, "a", "x", BlockData::Value(2.0)),
    ];
    assert!(series("x", "mean", &other).unwrap_err().contains("conflict"));
    let (config, mut sources) = one("x", "mean");
    assert!(pairs(&config, &sources, [], range(100_000)).unwrap_err().is_invalid());
    sources.insert("n".to_owned(), source("x", "mean"));
    let error = pairs(&config, &sources, [], range(3)).unwrap_err();
    assert!(error.to_string().contains("metric: n"), "{error}");
    for text in ["p", "p100", "q95", "Mean", ""] {
        let read = serde_json::from_value::<Statistic>(serde_json::json!(text));
        assert!(read.unwrap_err().to_string().contains("statistic") || text == "p100", "{text}");
    }
    assert_eq!(serde_json::to_value(source("x", "p99.9")).unwrap()["statistic"], "p99.9");
}

/// Requests as slow in the middle and wider about it: the median says nothing, p95 does, and so does the mean
/// where the tail is long.
#[test]
fn a_wider_spread_shows_in_a_high_percentile() {
    let mut noise = Noise::new(21);
    let mut blocks = Vec::new();
    for minute in 0..30 {
        for (track, deviation) in [(Track::Stable, 0.2_f64), (Track::Canary, 0.3)] {
            let samples = (0..200).map(|_| 0.1 * (deviation * noise.normal()).exp()).collect();
            blocks.push(block(minute, track, "a", "latency", BlockData::Samples(samples)));
        }
    }
    for (statistic, class) in [
        ("p50", Classification::Pass),
        ("mean", Classification::High),
        ("p95", Classification::High),
        ("p99", Classification::High),
    ] {
        let (config, sources) = one("latency", statistic);
        let pairs = pairs(&config, &sources, &blocks, range(30)).unwrap();
        let judgement = judge(&config, &pairs, Some(THRESHOLDS)).unwrap();
        assert_eq!(judgement.metrics[0].classification, class, "{statistic}: {}", judgement.reason);
    }
}

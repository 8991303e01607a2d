//! Series from our own blocks.

use nprt_compare::kayenta::{
    CanaryAnalysis, Classification, KayentaRule, MetricSetPair, Recorded, Source, Statistic,
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

fn one(metric: &str, statistic: &str) -> KayentaRule {
    KayentaRule {
        config: config(&[("m", "g", CanaryAnalysis::default())]),
        sources: [("m".to_owned(), source(metric, statistic))].into(),
        thresholds: Some(THRESHOLDS),
    }
}

/// What is recorded minute by minute.
fn record(rule: &KayentaRule, blocks: &[Block], minutes: i64) -> nprt_core::Result<Vec<MetricSetPair>> {
    let blocks: Vec<_> = blocks.iter().collect();
    let mut recorded = Recorded::default();
    for minute in 0..minutes {
        recorded.add(rule, START + minute, &blocks)?;
        // Written down and read back between any two.
        recorded = serde_json::from_str(&serde_json::to_string(&recorded).unwrap()).unwrap();
    }
    recorded.pairs(range(minutes))
}

/// Stable's series of the metric.
fn series(metric: &str, statistic: &str, blocks: &[Block]) -> Result<Vec<f64>, String> {
    let found = record(&one(metric, statistic), blocks, 3).map_err(|error| error.to_string())?;
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
        assert!(
            error.contains(named) && error.contains("(metric: x, track: Stable, minute: 29400001)"),
            "{error}"
        );
    }
    let other = [
        block(1, Track::Stable, "a", "x", BlockData::Value(1.0)),
        block(1, Track::Stable, "a", "x", BlockData::Value(2.0)),
    ];
    assert!(series("x", "mean", &other).unwrap_err().contains("conflict"));
    let huge = [BlockData::Value(1e308), BlockData::Value(1e308)];
    let huge: Vec<_> =
        ["a", "b"].into_iter().zip(huge).map(|(pod, data)| block(1, Track::Stable, pod, "x", data)).collect();
    assert!(series("x", "sum", &huge).unwrap_err().contains("beyond all numbers"));
    assert!(one("x", "mean").judge([], range(100_000)).unwrap_err().is_invalid());
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
        let rule = one("latency", statistic);
        let judgement = rule.judge(&blocks, range(30)).unwrap();
        let pairs = record(&rule, &blocks, 30).unwrap();
        assert_eq!(super::judge(&rule.config, &pairs, Some(THRESHOLDS)).unwrap(), judgement);
        assert_eq!(judgement.metrics[0].classification, class, "{statistic}: {}", judgement.reason);
    }
}

#[test]
fn a_rule_is_read_in_each_form_and_what_is_wrong_named() {
    let config = r#"{
        "name": "c", "classifier": {"groupWeights": {}},
        "metrics": [{"name": "latency p95", "groups": ["g"]}, {"name": "requests error_rate", "groups": ["g"]},
                    {"name": "latency p99", "groups": ["g"]}]
    }"#;
    let thresholds = r#"{"pass": 95, "marginal": 75}"#;
    let own = format!(r#"{{"config": {config}, "thresholds": {thresholds}}}"#);
    let ad_hoc = format!(
        r#"{{"canaryConfig": {config}, "executionRequest": {{"scopes": {{}}, "thresholds": {thresholds}}}}}"#
    );
    let plain = config.replace(r#"{"groupWeights": {}}"#, &format!(r#"{{"scoreThresholds": {thresholds}}}"#));
    let rule = KayentaRule::from_json(&own).unwrap();
    assert_eq!(KayentaRule::from_json(&ad_hoc).unwrap(), rule);
    assert_eq!(serde_saphyr::from_str::<KayentaRule>(&own).unwrap(), rule);
    let metrics: Vec<_> = rule.metrics().map(|metric| metric.to_string()).collect();
    assert_eq!(metrics, ["latency", "requests"]);
    let plain = KayentaRule::from_json(&plain).unwrap();
    assert_eq!((plain.thresholds, plain.config.classifier.score_thresholds), (None, Some(THRESHOLDS)));
    for (text, named) in [
        (config.to_owned(), "no thresholds"),
        (own.replace("latency p95", "Latency, 95th"), "no source: say in `sources`"),
        (own.replace("latency p95", "latency q95"), "metric: latency q95"),
        (
            own.replace(
                r#""thresholds""#,
                r#""sources": {"n": {"metric": "cpu", "statistic": "mean"}}, "thresholds""#,
            ),
            "metric: n",
        ),
        (own.replace(r#""thresholds""#, r#""threshold""#), "unknown field `threshold`"),
        (own.replace("75}", "five}"), "line"),
        (own.replace(r#""pass": 95"#, r#""pass": 5"#), "marginal <= pass"),
    ] {
        let error = KayentaRule::from_json(&text).unwrap_err();
        assert!(error.is_invalid() && error.to_string().contains(named), "{named}: {error}");
    }
    let sources = r#""sources": {"latency p95": {"metric": "cpu", "statistic": "mean"}}, "thresholds""#;
    let renamed = KayentaRule::from_json(&own.replace(r#""thresholds""#, sources)).unwrap();
    assert_eq!(renamed.metrics().next().unwrap().as_str(), "cpu");
}

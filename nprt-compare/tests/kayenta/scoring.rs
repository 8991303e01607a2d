//! Groups, weights, thresholds, critical metrics, and what is undecided.

use std::collections::BTreeMap;

use nprt_compare::kayenta::Classification::{Error, High, Low, Nodata, NodataFailMetric, Pass};
use nprt_compare::kayenta::{
    CanaryConfig, Classification, Judgement, MetricSetPair, Overall, ScoreThresholds, judge,
};
use nprt_compare::{Decision, Needed};

use super::{THRESHOLDS, analysis, config, pair, peer};

const GOOD: &str = "{}";
const CRITICAL: &str = r#"{"critical": true}"#;
const MUTED: &str = r#"{"muted": true}"#;

/// The series of a metric, by what should become of it.
fn series(name: &str, class: Classification) -> Vec<MetricSetPair> {
    let (low, high) = ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [11.0, 12.0, 13.0, 14.0, 15.0, 16.0]);
    match class {
        Pass => vec![pair(name, &low, &low)],
        High => vec![pair(name, &low, &high)],
        Low => vec![pair(name, &high, &low)],
        Nodata => vec![pair(name, &low, &[])],
        NodataFailMetric => vec![],
        Error => vec![pair(name, &low, &[f64::INFINITY; 6])],
    }
}

/// Metrics of one name each, by group, analysis and class.
fn judged(
    weights: &[(&str, f64)],
    metrics: &[(&str, &str, Classification)],
    thresholds: ScoreThresholds,
) -> Judgement {
    let names: Vec<String> = (0..metrics.len()).map(|index| format!("m{index}")).collect();
    let configured: Vec<_> = names
        .iter()
        .zip(metrics)
        .map(|(name, (group, text, _))| (name.as_str(), *group, analysis(text)))
        .collect();
    let mut config = config(&configured);
    config.classifier.group_weights =
        weights.iter().map(|(group, weight)| ((*group).to_owned(), *weight)).collect();
    let pairs: Vec<_> =
        names.iter().zip(metrics).flat_map(|(name, (_, _, class))| series(name, *class)).collect();
    let judgement = judge(&config, &pairs, Some(thresholds)).unwrap();
    for (result, (.., class)) in judgement.metrics.iter().zip(metrics) {
        assert_eq!(result.classification, *class, "{}", result.reason);
    }
    judgement
}

fn ends(judgement: &Judgement) -> (Overall, Option<f64>, &str) {
    (judgement.classification, judgement.score, judgement.decision.as_str())
}

#[test]
fn scores_are_weighted_sums_of_the_groups_shares() {
    let metrics =
        [("a", GOOD, Pass), ("a", GOOD, High), ("a", GOOD, Low), ("b", GOOD, Pass), ("c", GOOD, Pass)];
    // a: 1 of 3 at 50; b at 30; c gets the 20 that are left: 66.67 of 100.
    let judgement = judged(&[("a", 50.0), ("b", 30.0)], &metrics, THRESHOLDS);
    assert_eq!(ends(&judgement), (Overall::Fail, Some(66.67), "regression"));
    let groups: BTreeMap<_, _> =
        judgement.groups.iter().map(|group| (group.name.as_str(), (group.weight, group.score))).collect();
    assert_eq!(groups["b"], (30.0, Some(100.0)));
    assert!((groups["c"].0 - 20.0).abs() < 1e-12 && (groups["a"].1.unwrap() - 100.0 / 3.0).abs() < 1e-12);
    let peers = peer::score(&[(50.0, &[Pass, High, Low]), (30.0, &[Pass]), (20.0, &[Pass])]);
    assert!((peers - 66.67).abs() < 0.005, "{peers}");
    assert!(
        judgement.reason.starts_with("score 66.67 is below 75: m1: higher on the canary by 10"),
        "{}",
        judgement.reason
    );
    assert!(judgement.reason.ends_with("(and 1 more)"), "{}", judgement.reason);
}

#[test]
fn thresholds_are_reached_where_they_are_equalled() {
    let metrics = [("a", GOOD, Pass), ("a", GOOD, Pass), ("a", GOOD, Pass), ("a", GOOD, High)];
    for (pass, marginal, expected) in [
        (75.0, 50.0, (Overall::Pass, Some(75.0), "pass")),
        (75.01, 75.0, (Overall::Marginal, Some(75.0), "inconclusive")),
        (100.0, 75.01, (Overall::Fail, Some(75.0), "regression")),
        (0.0, 0.0, (Overall::Pass, Some(75.0), "pass")),
    ] {
        let judgement = judged(&[], &metrics, ScoreThresholds { pass, marginal });
        assert_eq!(ends(&judgement), expected, "{pass} {marginal}");
        if judgement.classification == Overall::Marginal {
            let nothing = Needed { minutes: None, ..Needed::default() };
            assert_eq!(judgement.decision, Decision::Inconclusive { needed: nothing });
        }
    }
}

#[test]
fn a_critical_failure_decides() {
    let many = |last: (&'static str, &'static str, Classification)| {
        let mut metrics = vec![("a", GOOD, Pass); 50];
        metrics.push(last);
        judged(&[], &metrics, THRESHOLDS)
    };
    assert_eq!(ends(&many(("a", GOOD, High))), (Overall::Pass, Some(98.04), "pass"));
    let critical = many(("a", CRITICAL, High));
    assert_eq!(ends(&critical), (Overall::Fail, Some(0.0), "regression"));
    assert!(critical.reason.starts_with("a critical metric failed: m50: higher"), "{}", critical.reason);
    let must_have = r#"{"critical": true, "mustHaveData": true}"#;
    assert_eq!(ends(&many(("a", must_have, NodataFailMetric))), (Overall::Fail, Some(0.0), "regression"));
    assert_eq!(ends(&many(("a", CRITICAL, Nodata))), (Overall::Undecided, None, "inconclusive"));
    // By its own size only.
    let size = r#"{"critical": true, "effectSize": {"criticalIncrease": 10}}"#;
    assert_eq!(ends(&many(("a", size, High))), (Overall::Pass, Some(98.04), "pass"));
    let muted = r#"{"critical": true, "muted": true}"#;
    assert_eq!(ends(&many(("a", muted, High))), (Overall::Pass, Some(100.0), "pass"));
}

/// Kayenta passes both: a group without verdicts counts 100 there.
#[test]
fn errors_and_empty_series_are_no_success() {
    for missing in [Error, Nodata] {
        let metrics = [("a", GOOD, Pass), ("a", GOOD, Pass), ("a", GOOD, Pass), ("b", GOOD, missing)];
        assert_eq!(peer::score(&[(50.0, &[Pass, Pass, Pass]), (50.0, &[missing])]), 100.0);
        let judgement = judged(&[("a", 50.0), ("b", 50.0)], &metrics, THRESHOLDS);
        assert_eq!(ends(&judgement), (Overall::Undecided, None, "inconclusive"));
        assert!(judgement.reason.starts_with("no verdict: m3: "), "{}", judgement.reason);
        assert_eq!((judgement.groups[1].score, judgement.groups[1].undecided), (None, 1));
    }
    // All of them, and Kayenta's answer is a hundred still where they are errors.
    assert_eq!(peer::score(&[(100.0, &[Error, Error])]), 100.0);
    let judgement = judged(&[], &[("a", GOOD, Error), ("a", GOOD, Error)], THRESHOLDS);
    assert_eq!(ends(&judgement), (Overall::Undecided, None, "inconclusive"));
    assert!(judgement.reason.ends_with("(and 1 more)"), "{}", judgement.reason);
}

#[test]
fn what_is_undecided_rescues_nothing() {
    // 25 at best: the score fails whatever the third would say.
    let metrics = [("a", GOOD, High), ("b", GOOD, Nodata)];
    let judgement = judged(&[("a", 75.0), ("b", 25.0)], &metrics, THRESHOLDS);
    assert_eq!(ends(&judgement), (Overall::Fail, Some(25.0), "regression"));
    // 75 at best: it may still be marginal.
    let judgement = judged(&[("a", 25.0), ("b", 75.0)], &metrics, THRESHOLDS);
    assert_eq!(ends(&judgement), (Overall::Undecided, None, "inconclusive"));
}

#[test]
fn missing_data_that_must_be_there_is_a_failure() {
    let must_have = r#"{"mustHaveData": true}"#;
    let metrics = [("a", GOOD, Pass), ("a", must_have, NodataFailMetric)];
    assert_eq!(ends(&judged(&[], &metrics, THRESHOLDS)), (Overall::Fail, Some(50.0), "regression"));
}

#[test]
fn muted_metrics_count_nowhere() {
    for class in [High, Nodata, Error] {
        let metrics = [("a", GOOD, Pass), ("a", MUTED, class), ("b", MUTED, class)];
        let judgement = judged(&[("a", 40.0), ("b", 60.0)], &metrics, THRESHOLDS);
        // Kayenta takes b's weight away: 40 of 100 at best.
        assert_eq!(ends(&judgement), (Overall::Pass, Some(100.0), "pass"));
        assert_eq!(judgement.groups.len(), 1);
        assert_eq!(judgement.metrics.len(), 3);
    }
    // What is left has no weight, and counts all the same.
    let metrics = [("a", MUTED, Pass), ("b", GOOD, High)];
    let judgement = judged(&[("a", 100.0), ("b", 0.0)], &metrics, THRESHOLDS);
    assert_eq!(ends(&judgement), (Overall::Fail, Some(0.0), "regression"));
}

#[test]
fn a_metric_of_many_groups_counts_once_in_each() {
    let mut config = config(&[("m0", "a", analysis(GOOD)), ("m1", "b", analysis(GOOD))]);
    config.metrics[0].groups = vec!["a".into(), "b".into(), "b".into()];
    let pairs = [series("m0", High), series("m1", Pass)].concat();
    let judgement = judge(&config, &pairs, Some(THRESHOLDS)).unwrap();
    // a: 0 of 1; b: 1 of 2, half of the weight each.
    assert_eq!((judgement.score, judgement.groups[1].failed), (Some(25.0), 1));
}

#[test]
fn only_critical_metrics_may_be_in_no_group() {
    let mut config = config(&[("m0", "a", analysis(CRITICAL))]);
    config.metrics[0].groups.clear();
    let judge = |class| judge(&config, &series("m0", class), Some(THRESHOLDS)).unwrap();
    assert_eq!(ends(&judge(Pass)), (Overall::Pass, Some(100.0), "pass"));
    assert_eq!(ends(&judge(High)), (Overall::Fail, Some(0.0), "regression"));
    assert_eq!(ends(&judge(Nodata)), (Overall::Undecided, None, "inconclusive"));
}

#[test]
fn each_split_of_a_metric_is_judged() {
    let config = config(&[("m", "a", analysis(GOOD))]);
    let mut pairs = [series("m", Pass), series("m", High)].concat();
    pairs[0].tags.insert("zone".into(), "north".into());
    pairs[1].tags.insert("zone".into(), "south".into());
    pairs[1].id = Some("id-1".into());
    let judgement = judge(&config, &pairs, Some(THRESHOLDS)).unwrap();
    assert_eq!((judgement.metrics.len(), judgement.score), (2, Some(50.0)));
    assert_eq!(judgement.metrics[1].id.as_deref(), Some("id-1"));
    assert!(
        judgement.metrics[1].reason.starts_with("m (zone=south): higher"),
        "{}",
        judgement.metrics[1].reason
    );
}

#[test]
fn what_does_not_fit_together_is_named() {
    let config = config(&[("m", "a", analysis(GOOD))]);
    let error = judge(&config, &series("n", Pass), Some(THRESHOLDS)).unwrap_err();
    assert!(error.to_string().contains("(metric: n); available: m"), "{error}");
    let error = judge(&config, &[], None).unwrap_err();
    assert!(error.is_invalid() && error.to_string().contains("config: test"), "{error}");
    let error = judge(&config, &[], Some(ScoreThresholds { pass: f64::NAN, marginal: 0.0 })).unwrap_err();
    assert!(error.is_invalid(), "{error}");
    // A metric without series is missed.
    let judgement = judge(&config, &[], Some(THRESHOLDS)).unwrap();
    assert_eq!(ends(&judgement), (Overall::Undecided, None, "inconclusive"));
    assert_eq!(judgement.reason, "no verdict: m: no series");
}

/// The whole of a config as teams have it, with Kayenta's archive of its series.
#[test]
fn a_whole_config_is_judged_and_its_json_read_back() {
    let config = CanaryConfig::from_json(include_str!("../data/kayenta/cart.json")).unwrap();
    let pairs: Vec<MetricSetPair> =
        serde_json::from_str(include_str!("../data/kayenta/cart_pairs.json")).unwrap();
    let judgement = judge(&config, &pairs, None).unwrap();
    let classes: Vec<_> = judgement.metrics.iter().map(|metric| metric.classification).collect();
    assert_eq!(classes, [High, Pass, Pass, High]);
    // Latency is 20 % up: a failure of half of the weight, though not a critical one; the muted cpu is not.
    assert_eq!(ends(&judgement), (Overall::Fail, Some(50.0), "regression"));
    assert!(!judgement.metrics[0].critical_failure && judgement.metrics[3].muted);
    let json = serde_json::to_string(&judgement).unwrap();
    assert_eq!(serde_json::from_str::<Judgement>(&json).unwrap(), judgement);
    let keys: Vec<_> =
        serde_json::from_str::<BTreeMap<String, serde_json::Value>>(&json).unwrap().into_keys().collect();
    assert_eq!(
        keys,
        [
            "classification",
            "confidence_level",
            "groups",
            "metrics",
            "reason",
            "score",
            "thresholds",
            "verdict"
        ]
    );
    let written = serde_json::to_string(&pairs).unwrap();
    assert!(written.contains(r#""NaN""#));
    let read: Vec<MetricSetPair> = serde_json::from_str(&written).unwrap();
    assert_eq!(judge(&config, &read, None).unwrap(), judgement);
}

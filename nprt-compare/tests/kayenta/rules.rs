//! One metric: direction, effect sizes, missing data, outliers, and the sentence that says why.

use nprt_compare::kayenta::{CanaryAnalysis, Classification, NeededValues};

use super::{analysis, judge_one, metric};

const LOW: [f64; 6] = [10.0, 11.0, 12.0, 13.0, 14.0, 15.0];
const HIGH: [f64; 6] = [20.0, 21.0, 22.0, 23.0, 24.0, 25.0];

#[test]
fn a_change_fails_in_its_direction() {
    for (direction, up, down) in [
        ("increase", Classification::High, Classification::Pass),
        ("decrease", Classification::Pass, Classification::Low),
        ("either", Classification::High, Classification::Low),
    ] {
        let analysis = analysis(&format!(r#"{{"direction": "{direction}"}}"#));
        assert_eq!(metric(analysis.clone(), &LOW, &HIGH).classification, up, "{direction}");
        assert_eq!(metric(analysis.clone(), &HIGH, &LOW).classification, down, "{direction}");
        assert_eq!(metric(analysis, &LOW, &LOW).classification, Classification::Pass, "{direction}");
    }
}

#[test]
fn an_effect_below_the_allowed_one_passes() {
    // 22.5 to 12.5 is 1.8 times.
    for (sizes, class, critical) in [
        (r#""allowedIncrease": 1.8"#, Classification::High, true),
        (r#""allowedIncrease": 1.81"#, Classification::Pass, false),
        (r#""criticalIncrease": 1.8"#, Classification::High, true),
        (r#""criticalIncrease": 2"#, Classification::High, false),
        (r#""measure": "cles", "allowedIncrease": 0.9, "criticalIncrease": 1"#, Classification::High, true),
        (r#""allowedDecrease": 0.5"#, Classification::High, true),
    ] {
        let analysis = analysis(&format!(r#"{{"critical": true, "effectSize": {{{sizes}}}}}"#));
        let result = metric(analysis, &LOW, &HIGH);
        assert_eq!((result.classification, result.critical_failure), (class, critical), "{sizes}");
    }
    for (sizes, class) in [
        (r#""allowedDecrease": 0.56"#, Classification::Low),
        (r#""allowedDecrease": 0.55"#, Classification::Pass),
        (r#""measure": "cles", "allowedDecrease": 0"#, Classification::Low),
        (r#""allowedIncrease": 9"#, Classification::Low),
    ] {
        let result = metric(analysis(&format!(r#"{{"effectSize": {{{sizes}}}}}"#)), &HIGH, &LOW);
        assert_eq!(result.classification, class, "{sizes}");
    }
}

/// Where the ratio means nothing, it exempts nothing.
#[test]
fn a_ratio_that_is_not_defined_exempts_nothing() {
    let asks = || analysis(r#"{"effectSize": {"allowedIncrease": 1.5}}"#);
    for (stable, canary) in
        [([0.0; 6], HIGH), (LOW.map(|v| -v), [0.0; 6]), (HIGH.map(|v| -v), LOW.map(|v| -v))]
    {
        let result = metric(asks(), &stable, &canary);
        assert_eq!((result.classification, result.effect), (Classification::High, None), "{}", result.reason);
    }
}

#[test]
fn missing_values_are_left_out_or_zero() {
    let nan = f64::NAN;
    let gaps = [20.0, nan, 21.0, nan, 22.0, nan, 23.0, nan, 24.0, nan];
    let removed = metric(CanaryAnalysis::default(), &LOW, &gaps);
    assert_eq!((removed.canary.values, removed.canary.missing), (5, 5));
    assert_eq!(removed.classification, Classification::High, "{}", removed.reason);
    assert!(removed.reason.ends_with("6 values and 5 values (5 more missing)"), "{}", removed.reason);
    let replaced = metric(analysis(r#"{"nanStrategy": "replace"}"#), &LOW, &gaps);
    assert_eq!((replaced.canary.values, replaced.canary.missing), (10, 5));
    assert_eq!(replaced.classification, Classification::Pass, "{}", replaced.reason);
    assert!(replaced.reason.ends_with("10 values (5 of them missing and taken as 0)"), "{}", replaced.reason);
    // A count that nobody raised: no series, and zero is what it means.
    let quiet = judge_one(analysis(r#"{"nanStrategy": "replace"}"#), &[nan; 9], &[nan; 9]);
    assert_eq!(quiet.decision.as_str(), "pass", "{}", quiet.reason);
    let loud = judge_one(analysis(r#"{"nanStrategy": "replace"}"#), &[nan; 9], &[3.0; 9]);
    assert_eq!(loud.decision.as_str(), "regression", "{}", loud.reason);
}

#[test]
fn no_data_is_no_verdict_unless_it_must_be_there() {
    let nan = f64::NAN;
    for (text, class, critical) in [
        ("{}", Classification::Nodata, false),
        (r#"{"critical": true}"#, Classification::Nodata, false),
        (r#"{"mustHaveData": true}"#, Classification::NodataFailMetric, false),
        (r#"{"mustHaveData": true, "critical": true}"#, Classification::NodataFailMetric, true),
    ] {
        for (stable, canary) in [(&[][..], &LOW[..]), (&LOW, &[nan; 6]), (&[nan; 6], &[nan; 6]), (&[], &[])] {
            let result = metric(analysis(text), stable, canary);
            assert_eq!((result.classification, result.critical_failure), (class, critical), "{text}");
            assert!(result.reason.contains("no data on "), "{}", result.reason);
        }
    }
    // Without a step there is nothing to take as zero.
    let result = metric(analysis(r#"{"nanStrategy": "replace"}"#), &[], &[]);
    assert_eq!(result.classification, Classification::Nodata);
    assert_eq!(
        result.reason,
        "m: no data on stable and no data on the canary (without a step there is nothing to take as zero)"
    );
}

#[test]
fn too_few_values_say_what_is_needed() {
    let mut few = super::pair("m", &[1.0, 2.0], &[8.0, 9.0]);
    few.scopes =
        serde_json::from_str(r#"{"control": {"stepMillis": 60000}, "experiment": {"stepMillis": 90000}}"#)
            .unwrap();
    let config = super::config(&[("m", "g", CanaryAnalysis::default())]);
    let judgement = super::judge(&config, &[few], Some(super::THRESHOLDS)).unwrap();
    let result = &judgement.metrics[0];
    assert_eq!(result.classification, Classification::Nodata);
    assert_eq!(result.needed, Some(NeededValues { stable: 3, canary: 3, minutes: Some(5) }));
    assert_eq!(
        result.reason,
        "m: 2 values on stable and 2 on the canary can show nothing at 98 % confidence, 5 on each can"
    );
    let json = serde_json::to_value(&judgement).unwrap();
    assert_eq!(json["verdict"], "inconclusive");
    assert_eq!(json["needed"], serde_json::json!({"stable_samples": 3, "canary_samples": 3, "minutes": 5}));
    assert_eq!(json["metrics"][0]["classification"], "Nodata");
    // Four are not enough, five are; on one side more make up for fewer on the other.
    let needed = |stable: &[f64], canary: &[f64]| metric(CanaryAnalysis::default(), stable, canary).needed;
    assert_eq!(needed(&LOW[..4], &HIGH[..4]).map(|needed| needed.canary), Some(1));
    assert_eq!(needed(&LOW[..5], &HIGH[..5]), None);
    assert_eq!(needed(&[1.0; 99], &[2.0]), None);
}

#[test]
fn what_cannot_be_compared_is_an_error_of_its_metric() {
    for (stable, canary, named) in [
        (LOW, [1.0, 2.0, f64::INFINITY, 4.0, 5.0, 6.0], "value 2 on the canary is inf"),
        ([f64::NEG_INFINITY; 6], HIGH, "value 0 on stable is -inf"),
        ([-1.7e308; 6], [1.7e308; 6], "too far apart"),
    ] {
        let judgement = judge_one(analysis(r#"{"critical": true, "mustHaveData": true}"#), &stable, &canary);
        assert_eq!(judgement.metrics[0].classification, Classification::Error);
        assert_eq!(judgement.decision.as_str(), "inconclusive");
        assert!(judgement.reason.contains(named), "{}", judgement.reason);
    }
}

#[test]
fn outliers_go_where_the_config_says_so() {
    let mut canary = vec![12.0; 30];
    canary[7] = 900.0;
    let kept = metric(CanaryAnalysis::default(), &LOW, &canary);
    assert_eq!((kept.canary.outliers, kept.canary.values), (0, 30));
    let removed = metric(analysis(r#"{"outliers": {"strategy": "remove"}}"#), &LOW, &canary);
    assert_eq!((removed.canary.outliers, removed.canary.mean), (1, Some(12.0)));
    assert!(removed.reason.ends_with("29 values (1 more left out as outliers)"), "{}", removed.reason);
}

#[test]
fn sentences_say_why() {
    for (text, stable, canary, said) in [
        (
            r#"{"effectSize": {"allowedIncrease": 1.5}}"#,
            &LOW,
            &HIGH,
            "m: higher on the canary by 10, a ratio of means of 1.8 where 1.5 fails; mean 12.5 on stable and 22.5 on \
             the canary, median 12.5 and 22.5, 98 % interval of the shift 7 to 13, p = 0.0011, 6 values and 6 values",
        ),
        (
            r#"{"effectSize": {"allowedIncrease": 2}}"#,
            &LOW,
            &HIGH,
            "m: higher on the canary by 10, but a ratio of means of 1.8 is allowed to 2; mean 12.5 on stable and 22.5 \
             on the canary, median 12.5 and 22.5, 98 % interval of the shift 7 to 13, p = 0.0011, 6 values and 6 values",
        ),
        (
            r#"{"direction": "increase"}"#,
            &HIGH,
            &LOW,
            "m: lower on the canary by 10, which only fails as increase; mean 22.5 on stable and 12.5 on the canary, \
             median 22.5 and 12.5, 98 % interval of the shift -13 to -7, p = 0.0011, 6 values and 6 values",
        ),
        (
            "{}",
            &LOW,
            &LOW,
            "m: no difference shown; mean 12.5 on stable and 12.5 on the canary, median 12.5 and 12.5, 98 % interval \
             of the shift -3 to 3, p = 0.56, 6 values and 6 values",
        ),
    ] {
        assert_eq!(metric(analysis(text), stable, canary).reason, said);
    }
}

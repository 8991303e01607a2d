//! What a policy may say, and the preset.

use nprt_compare::{Decision, Judge, Margin, PercentileRule, Policy, Rule};
use nprt_core::model::MetricName;

use crate::blocks::*;

#[test]
fn the_preset_makes_sense_and_names_what_to_query() {
    let policy = Policy::method();
    policy.validate().unwrap();
    let names = |metrics: Vec<MetricName>| metrics.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(policy.metrics()), ["latency", "cpu", "memory", "errors", "requests"]);
    assert_eq!(names(policy.history_metrics()), ["errors", "requests"]);
    let history = policy.history_of(&MetricName::new(MetricName::ERRORS).unwrap());
    assert_eq!([policy.window(), policy.soak(), history].map(|d| d.as_secs() / 60), [60, 15, 1440]);
    let text = serde_json::to_string(&policy).unwrap();
    assert_eq!(serde_json::from_str::<Policy>(&text).unwrap(), policy);

    let errorless = crate::blocks::policy(MEDIAN);
    assert_eq!(errorless.history_metrics(), vec![]);
}

#[test]
fn the_preset_passes_a_canary_that_equals_stable() {
    let mut judge = Judge::new(Policy::method(), after(0)).unwrap();
    for (minute, track) in (0..60).flat_map(|minute| [(minute, Stable), (minute, Canary)]) {
        judge.observe(&latency(minute, track, &[0.1; 40])).unwrap();
        judge.observe(&gauge(minute, track, "a", "cpu", 0.2)).unwrap();
        judge.observe(&gauge(minute, track, "a", "memory", 1e8)).unwrap();
        judge.observe(&requests(minute, track, 40, 0)).unwrap();
    }
    assert!(is_inconclusive(&judge.verdict(after(39))));
    assert_eq!(judge.verdict(after(60)).decision, Decision::Pass);
}

#[test]
fn a_policy_that_makes_no_sense_is_refused_by_field() {
    let with = |change: fn(&mut Policy)| {
        let mut policy = Policy::method();
        change(&mut policy);
        Judge::new(policy, after(0)).unwrap_err().to_string()
    };
    fn first(policy: &mut Policy) -> &mut PercentileRule {
        let Some(Rule::Percentile(rule)) = policy.rules.first_mut() else { panic!("a percentile first") };
        rule
    }
    for (error, named) in [
        (with(|p| p.window_minutes = 0), "window_minutes: 0"),
        (with(|p| p.window_minutes = 10_081), "expected 1 to 10080"),
        (with(|p| p.soak_minutes = 0), "soak_minutes: 0"),
        (with(|p| p.history_minutes = u32::MAX), "history_minutes: 4294967295"),
        (with(|p| p.rules.clear()), "no rules"),
        (with(|p| p.rules.push(p.rules[0].clone())), "twice (rules: 5)"),
        (with(|p| first(p).margin = Margin::default()), "available: absolute, relative"),
        (with(|p| first(p).margin.relative = Some(f64::NAN)), "relative: NaN, rules: 0"),
        (with(|p| first(p).margin.absolute = Some(-1.0)), "absolute: -1, rules: 0"),
        (with(|p| first(p).min_samples = Some(0)), "min_samples: 0, rules: 0"),
        (with(|p| first(p).metric = MetricName::new("errors").unwrap()), "metric: errors"),
    ] {
        assert!(error.contains(named), "{error} should name {named}");
    }
}

#[test]
fn a_policy_with_a_typing_error_does_not_parse() {
    for (text, named) in [
        (r#"{"rules": [], "windwo_minutes": 5}"#, "windwo_minutes"),
        (r#"{"rules": [{"rule": "errors", "min_request": 5}]}"#, "min_request"),
        (r#"{"rules": [{"rule": "latency"}]}"#, "expected one of `measurements`, `failures`"),
        (
            r#"{"rules": [{"rule": "percentile", "metric": "m", "percentile": 100, "margin": {}}]}"#,
            "less than 100",
        ),
        (
            r#"{"rules": [{"rule": "percentile", "metric": "m", "percentile": 50, "margin": {"rel": 1}}]}"#,
            "rel",
        ),
        (r#"{"window_minutes": 5}"#, "rules"),
    ] {
        let error = serde_json::from_str::<Policy>(text).unwrap_err().to_string();
        assert!(error.contains(named), "{error} should name {named}");
    }
}

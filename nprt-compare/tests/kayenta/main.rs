//! The preset `kayenta`: configs, rules, the cases that Kayenta's own judge misses, and recorded series.
#![allow(clippy::unwrap_used, clippy::float_cmp, reason = "a test says what it expects; halves are exact")]

mod cases;
mod config;
mod noise;
mod peer;
mod properties;
mod recorded;
mod rules;
mod schema;
mod scoring;
mod simulation;

use nprt_compare::kayenta::{
    CanaryAnalysis, CanaryConfig, Classification, Judgement, MetricResult, MetricSetPair, PairValues,
    ScoreThresholds, judge,
};

const THRESHOLDS: ScoreThresholds = ScoreThresholds { pass: 95.0, marginal: 75.0 };

/// Metrics by name, group and analysis, without weights.
fn config(metrics: &[(&str, &str, CanaryAnalysis)]) -> CanaryConfig {
    let metrics: Vec<_> = metrics
        .iter()
        .map(|(name, group, analysis)| {
            serde_json::json!({"name": name, "groups": [group], "analysisConfigurations": {"canary": analysis}})
        })
        .collect();
    let config = serde_json::json!({"name": "test", "metrics": metrics, "classifier": {}});
    CanaryConfig::from_json(&config.to_string()).unwrap()
}

fn analysis(text: &str) -> CanaryAnalysis {
    serde_json::from_str(text).unwrap()
}

fn pair(name: &str, stable: &[f64], canary: &[f64]) -> MetricSetPair {
    MetricSetPair {
        name: name.to_owned(),
        id: None,
        tags: [].into(),
        values: PairValues { control: stable.to_vec(), experiment: canary.to_vec() },
        scopes: [].into(),
    }
}

/// One metric by itself.
fn judge_one(analysis: CanaryAnalysis, stable: &[f64], canary: &[f64]) -> Judgement {
    judge(&config(&[("m", "g", analysis)]), &[pair("m", stable, canary)], Some(THRESHOLDS)).unwrap()
}

fn metric(analysis: CanaryAnalysis, stable: &[f64], canary: &[f64]) -> MetricResult {
    judge_one(analysis, stable, canary).metrics.remove(0)
}

fn classify(stable: &[f64], canary: &[f64]) -> Classification {
    metric(CanaryAnalysis::default(), stable, canary).classification
}

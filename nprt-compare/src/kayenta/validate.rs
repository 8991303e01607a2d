use std::collections::BTreeSet;

use nprt_core::{Error, Result};

use super::config::{CanaryConfig, EffectSize, Measure, MetricConfig, ScoreThresholds};

/// The judges whose configs are understood.
pub(super) const JUDGES: [&str; 2] = ["NetflixACAJudge-v1.0", "dredd-v1.0"];

/// Kayenta asks for a total of 100 and checks nothing; three times 33 is meant so.
const SLACK: f64 = 1.0;

pub(super) fn config(config: &CanaryConfig) -> Result<()> {
    if !JUDGES.contains(&config.judge.name.as_str()) {
        return Err(invalid("unknown judge")
            .with("judge.name", format_args!("{:?}", config.judge.name))
            .with_available(JUDGES));
    }
    let level = config.confidence_level();
    if !(level > 0.0 && level < 1.0) {
        return Err(invalid("expected a number above 0 and below 1")
            .with("judge.judgeConfigurations.confidenceLevel", level));
    }
    if config.metrics.iter().all(|metric| metric.analysis().muted) {
        return Err(invalid("no metric that is not muted: there is nothing to judge"));
    }
    let mut names = BTreeSet::new();
    for each in &config.metrics {
        if each.name.is_empty() {
            return Err(invalid("a metric without a name"));
        }
        if !names.insert(&each.name) {
            return Err(invalid("two metrics of one name").with("metric", &each.name));
        }
        metric(each).map_err(|error| error.with("metric", &each.name))?;
    }
    weights(config)?;
    config.classifier.score_thresholds.as_ref().map_or(Ok(()), thresholds)
}

fn metric(metric: &MetricConfig) -> Result<()> {
    let analysis = metric.analysis();
    if metric.groups.is_empty() && !analysis.critical && !analysis.muted {
        return Err(invalid("in no group and not critical: it could never count; name a group or mute it"));
    }
    effect_size(&analysis.effect_size)?;
    let factor = analysis.outliers.outlier_factor;
    if !(factor > 0.0 && factor.is_finite()) {
        return Err(invalid("expected a number above 0").with("outliers.outlierFactor", factor));
    }
    Ok(())
}

fn effect_size(effect: &EffectSize) -> Result<()> {
    let (most, expected) = match effect.measure {
        Measure::MeanRatio => (f64::MAX, "expected a ratio of 0 or more"),
        Measure::Cles => (1.0, "expected a probability, 0 to 1"),
    };
    let sizes = [
        ("effectSize.allowedIncrease", effect.allowed_increase),
        ("effectSize.allowedDecrease", effect.allowed_decrease),
        ("effectSize.criticalIncrease", effect.critical_increase),
        ("effectSize.criticalDecrease", effect.critical_decrease),
    ];
    for (field, size) in sizes.into_iter().filter_map(|(field, size)| Some((field, size?))) {
        if !(size >= 0.0 && size <= most) {
            return Err(invalid(expected).with(field, size));
        }
    }
    Ok(())
}

fn weights(config: &CanaryConfig) -> Result<()> {
    let weights = &config.classifier.group_weights;
    if let Some((group, weight)) = weights.iter().find(|(_, weight)| !(**weight >= 0.0 && weight.is_finite()))
    {
        return Err(invalid("expected a weight of 0 or more")
            .with("classifier.groupWeights", format_args!("{group}: {weight}")));
    }
    let groups: BTreeSet<_> = config.metrics.iter().flat_map(|metric| &metric.groups).collect();
    if let Some((group, _)) =
        weights.iter().find(|(group, weight)| **weight > 0.0 && !groups.contains(*group))
    {
        return Err(invalid("a weight for a group without metrics")
            .with("classifier.groupWeights", group)
            .with_available(groups.iter().map(|group| (*group).clone())));
    }
    let total: f64 = weights.values().sum();
    let rest_is_shared = groups.iter().any(|group| !weights.contains_key(*group));
    let short = total < 100.0 - SLACK && !rest_is_shared && !groups.is_empty();
    if total > 100.0 + SLACK || short {
        return Err(invalid("the weights must add up to 100").with("classifier.groupWeights", total));
    }
    Ok(())
}

pub(super) fn thresholds(thresholds: &ScoreThresholds) -> Result<()> {
    let ScoreThresholds { pass, marginal } = *thresholds;
    if !(0.0 <= marginal && marginal <= pass && pass <= 100.0) {
        return Err(invalid("expected 0 <= marginal <= pass <= 100")
            .with("scoreThresholds", format_args!("pass {pass}, marginal {marginal}")));
    }
    Ok(())
}

fn invalid(message: &str) -> Error {
    Error::invalid("kayenta.config", message)
}

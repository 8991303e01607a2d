use super::config::{Direction, Measure, MetricConfig, NanStrategy};
use super::explain;
use super::pair::MetricSetPair;
use super::prepare::{SeriesFigures, prepare};
use super::result::{Classification, MetricResult, NeededValues};
use crate::statistics::mann_whitney::{Finding, MannWhitney, least_p};

/// Judges one metric from one pair of its series, or without any.
pub(super) fn classify(metric: &MetricConfig, pair: Option<&MetricSetPair>, alpha: f64) -> MetricResult {
    let analysis = metric.analysis();
    let mut result = MetricResult {
        name: metric.name.clone(),
        id: pair.and_then(|pair| pair.id.clone()),
        tags: pair.iter().flat_map(|pair| &pair.tags).map(|(key, value)| format!("{key}={value}")).collect(),
        groups: metric.groups.clone(),
        classification: Classification::Error,
        critical_failure: false,
        muted: analysis.muted,
        direction: analysis.direction,
        stable: SeriesFigures::default(),
        canary: SeriesFigures::default(),
        shift: None,
        interval: None,
        p_higher: None,
        p_lower: None,
        exact: None,
        measure: analysis.effect_size.measure,
        effect: None,
        needed: None,
        reason: String::new(),
    };
    let told = match pair {
        Some(pair) => compare(&mut result, metric, pair, alpha),
        None => missing(&mut result, metric, alpha, None),
    };
    result.reason = format!("{}: {told}", explain::title(&result));
    result
}

/// Fills in the result and says why, without the metric's name.
fn compare(result: &mut MetricResult, metric: &MetricConfig, pair: &MetricSetPair, alpha: f64) -> String {
    let track = |series: &[f64], name: &str, figures: &mut SeriesFigures| {
        prepare(series, metric.analysis())
            .map(|(values, found)| {
                *figures = found;
                values
            })
            .map_err(|(index, value)| format!("value {index} on {name} is {value}, expected a finite number"))
    };
    let stable = track(&pair.values.control, "stable", &mut result.stable);
    let canary = track(&pair.values.experiment, "the canary", &mut result.canary);
    let (stable, canary) = match (stable, canary) {
        (Ok(stable), Ok(canary)) => (stable, canary),
        (Err(fault), _) | (_, Err(fault)) => return fault,
    };
    if stable.is_empty() || canary.is_empty() {
        return missing(result, metric, alpha, Some(pair));
    }
    let test = match MannWhitney::compare(&stable, &canary, alpha) {
        Ok(test) => test,
        Err(error) => return error.to_string(),
    };
    result.shift = test.shift;
    result.interval = test.interval;
    result.p_higher = Some(test.greater);
    result.p_lower = Some(test.less);
    result.exact = Some(test.exact);
    result.effect = effect(result, &test);
    let finding = test.finding();
    if finding == Finding::TooFew {
        result.classification = Classification::Nodata;
        result.needed = Some(needed(&result.stable, &result.canary, alpha, Some(pair)));
        return explain::too_few(result, alpha);
    }
    decide(result, metric, finding);
    explain::compared(result, metric, finding, alpha)
}

/// Whether what the test found fails the metric, and the canary.
fn decide(result: &mut MetricResult, metric: &MetricConfig, finding: Finding) {
    let analysis = metric.analysis();
    let size = &analysis.effect_size;
    // An effect that is not defined, or a size that nobody asked for, exempts nothing.
    let reaches = |least: Option<f64>| result.effect.zip(least).is_none_or(|(effect, least)| effect >= least);
    let falls = |most: Option<f64>| result.effect.zip(most).is_none_or(|(effect, most)| effect <= most);
    let (classification, critical) = match finding {
        Finding::Greater if analysis.direction != Direction::Decrease && reaches(size.allowed_increase) => {
            (Classification::High, reaches(size.critical_increase))
        }
        Finding::Less if analysis.direction != Direction::Increase && falls(size.allowed_decrease) => {
            (Classification::Low, falls(size.critical_decrease))
        }
        _ => (Classification::Pass, false),
    };
    result.classification = classification;
    result.critical_failure = analysis.critical && critical;
}

/// Without a value on a track: a failure where the config asks for data, else no verdict.
fn missing(
    result: &mut MetricResult,
    metric: &MetricConfig,
    alpha: f64,
    pair: Option<&MetricSetPair>,
) -> String {
    let analysis = metric.analysis();
    if analysis.must_have_data {
        result.classification = Classification::NodataFailMetric;
        result.critical_failure = analysis.critical;
    } else {
        result.classification = Classification::Nodata;
        result.needed = Some(needed(&result.stable, &result.canary, alpha, pair));
    }
    let strategy_helps_not = analysis.nan_strategy == NanStrategy::Replace;
    explain::missing(result, pair.is_some(), strategy_helps_not)
}

fn effect(result: &MetricResult, test: &MannWhitney) -> Option<f64> {
    match result.measure {
        Measure::MeanRatio => {
            let (stable, canary) = result.stable.mean.zip(result.canary.mean)?;
            let ratio = canary / stable;
            (stable > 0.0 && canary > 0.0 && ratio.is_finite()).then_some(ratio)
        }
        Measure::Cles => Some(test.u / (test.stable_samples as f64 * test.canary_samples as f64)),
    }
}

/// What is missing until so many values could show something: as few as that takes, as many on each track.
fn needed(
    stable: &SeriesFigures,
    canary: &SeriesFigures,
    alpha: f64,
    pair: Option<&MetricSetPair>,
) -> NeededValues {
    let enough = |least: &usize| least_p(stable.values.max(*least), canary.values.max(*least)) <= alpha;
    let least = (1..).find(enough).unwrap_or_default();
    let lacks = |figures: &SeriesFigures| least.saturating_sub(figures.values) as u64;
    let (stable, canary) = (lacks(stable), lacks(canary));
    NeededValues { stable, canary, minutes: pair.and_then(|pair| pair.minutes(stable.max(canary))) }
}

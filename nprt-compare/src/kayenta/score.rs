use std::collections::{BTreeMap, BTreeSet};

use super::config::{CanaryConfig, ScoreThresholds};
use super::explain::number;
use super::result::{Classification, GroupScore, MetricResult, Overall};

/// The groups' scores, of the metrics that are not muted.
pub(super) fn groups(config: &CanaryConfig, metrics: &[MetricResult]) -> Vec<GroupScore> {
    let mut groups: BTreeMap<&str, GroupScore> = BTreeMap::new();
    for metric in metrics.iter().filter(|metric| !metric.muted) {
        for name in metric.groups.iter().map(String::as_str).collect::<BTreeSet<_>>() {
            let group = groups.entry(name).or_insert_with(|| empty(name));
            match metric.classification {
                Classification::Pass => group.passed += 1,
                Classification::High | Classification::Low | Classification::NodataFailMetric => {
                    group.failed += 1;
                }
                Classification::Nodata | Classification::Error => group.undecided += 1,
            }
        }
    }
    weigh(config, &mut groups);
    let scored = |mut group: GroupScore| {
        let decided = group.passed + group.failed;
        group.score = (decided > 0).then(|| 100.0 * group.passed as f64 / decided as f64);
        group
    };
    groups.into_values().map(scored).collect()
}

fn empty(name: &str) -> GroupScore {
    GroupScore { name: name.to_owned(), weight: 0.0, score: None, passed: 0, failed: 0, undecided: 0 }
}

/// The weights of the config, and for groups without one an equal share of what these leave of 100. Then all
/// add up to 100 again: where each metric of a group is muted, its weight goes to the others, and where those
/// have none, they count equally.
fn weigh(config: &CanaryConfig, groups: &mut BTreeMap<&str, GroupScore>) {
    let weights = &config.classifier.group_weights;
    let without = groups.keys().filter(|name| !weights.contains_key(**name)).count();
    let rest = (100.0 - weights.values().sum::<f64>()).max(0.0) / without as f64;
    for (name, group) in groups.iter_mut() {
        group.weight = weights.get(*name).copied().unwrap_or(rest);
    }
    let total: f64 = groups.values().map(|group| group.weight).sum();
    let equal = 100.0 / groups.len() as f64;
    for group in groups.values_mut() {
        group.weight = if total > 0.0 { group.weight * 100.0 / total } else { equal };
    }
}

/// What the canary gets: the class, the score and the sentence.
pub(super) fn overall(
    groups: &[GroupScore],
    metrics: &[MetricResult],
    thresholds: ScoreThresholds,
) -> (Overall, Option<f64>, String) {
    let counting = || metrics.iter().filter(|metric| !metric.muted);
    if let Some(failed) = counting().find(|metric| metric.critical_failure) {
        return (Overall::Fail, Some(0.0), format!("a critical metric failed: {}", failed.reason));
    }
    // Without a group there are only critical metrics, and those have been asked.
    let best = total(groups, |group| group.passed + group.undecided).unwrap_or(100.0);
    let failed = named(counting(), |metric| is_failure(metric.classification));
    if best < thresholds.marginal {
        let reason = format!("score {} is below {}: {failed}", number(best), number(thresholds.marginal));
        return (Overall::Fail, Some(best), reason);
    }
    let open = named(counting(), |metric| metric.classification.is_undecided());
    if !open.is_empty() {
        return (Overall::Undecided, None, format!("no verdict: {open}"));
    }
    if best >= thresholds.pass {
        let but = if failed.is_empty() { failed } else { format!(", though {failed}") };
        let reason = format!("score {} of at least {}{but}", number(best), number(thresholds.pass));
        return (Overall::Pass, Some(best), reason);
    }
    let [pass, marginal] = [thresholds.pass, thresholds.marginal].map(number);
    let reason = format!("score {} is between {marginal} and {pass}: {failed}", number(best));
    (Overall::Marginal, Some(best), reason)
}

fn is_failure(classification: Classification) -> bool {
    classification != Classification::Pass && !classification.is_undecided()
}

/// The weighted sum of the groups' scores with so many metrics passed, to two decimals as Kayenta rounds it;
/// `None` without any group.
fn total(groups: &[GroupScore], passed: impl Fn(&GroupScore) -> usize) -> Option<f64> {
    let share = |group: &GroupScore| {
        passed(group) as f64 / (group.passed + group.failed + group.undecided) as f64 * group.weight
    };
    (!groups.is_empty()).then(|| (groups.iter().map(share).sum::<f64>() * 100.0).round() / 100.0)
}

/// The first such metric's sentence, and how many more there are.
fn named<'a>(
    mut metrics: impl Iterator<Item = &'a MetricResult>,
    such: impl Fn(&MetricResult) -> bool,
) -> String {
    let Some(first) = metrics.find(|metric| such(metric)) else { return String::new() };
    match metrics.filter(|metric| such(metric)).count() {
        0 => first.reason.clone(),
        more => format!("{} (and {more} more)", first.reason),
    }
}

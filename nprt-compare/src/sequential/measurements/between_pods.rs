//! How stable's pods differ from each other in their measurements.

use std::collections::BTreeMap;

use nprt_core::model::Track;

use super::super::minute::{Slot, SlotData};
use super::super::past::{Past, Scores, Tally};
use super::super::residuals::{Residual, Residuals};
use crate::policy::MeasurementsRule;
use crate::sketch::Sparse;

/// What stable's pods differed by in a minute: of samples one residual for ranks and one a quantile, of values
/// one.
pub(super) fn learn(
    residuals: &mut Residuals,
    rule: &MeasurementsRule,
    past: &Past,
    slot: &Slot,
    minute: i64,
) {
    let mut pods = BTreeMap::<&str, Vec<Residual>>::new();
    let mut routes = BTreeMap::<&str, BTreeMap<&str, Vec<&Sparse>>>::new();
    let mut values = Vec::new();
    for (key, data) in slot.of(Track::Stable) {
        let Some(pod) = key.pod.as_deref() else { continue };
        match data {
            SlotData::Bins(bins) => {
                let route = routes.entry(key.route.as_deref().unwrap_or_default()).or_default();
                route.entry(pod).or_default().push(bins);
            }
            SlotData::Value(value) => values.push((pod, *value)),
            SlotData::Requests { .. } | SlotData::Classes(_) => {}
        }
    }
    for (route, of_pods) in &routes {
        if of_pods.len() < 2 {
            continue;
        }
        if let Some(scores) = past.scores(route, minute) {
            add_residuals(&mut pods, rule, &scores, of_pods);
        }
    }
    add_value_residuals(&mut pods, &values);
    for (pod, own) in pods {
        residuals.add(minute, pod, &own);
    }
}

/// Of each pod, how its samples of a route lie among those of all.
fn add_residuals<'a>(
    pods: &mut BTreeMap<&'a str, Vec<Residual>>,
    rule: &MeasurementsRule,
    scores: &Scores,
    of_pods: &BTreeMap<&'a str, Vec<&Sparse>>,
) {
    let thresholds: Vec<u32> =
        rule.quantiles.iter().map(|quantile| scores.threshold(quantile.percentile)).collect();
    let tallies: Vec<(&str, Tally)> =
        of_pods.iter().map(|(pod, bins)| (*pod, scores.tally(bins, &thresholds, |bin| bin))).collect();
    let all = tallies.iter().fold(Tally::none(thresholds.len()), |mut all, (_, tally)| {
        all.add(tally);
        all
    });
    let (mean, variance) = all.moments();
    let count = all.count as f64;
    for (pod, tally) in &tallies {
        let own = tally.count as f64;
        let drawn = own * (count - own) / count;
        let of = |excess: f64, variance: f64| Residual {
            excess,
            variance: variance * drawn * count / (count - 1.0).max(1.0),
            weight: drawn,
        };
        let ranks = of(tally.sum() - own * mean, variance);
        let quantiles = tally.above.iter().zip(&all.above).map(|(&above, &of_all)| {
            let share = of_all as f64 / count;
            of(above as f64 - own * share, share * (1.0 - share))
        });
        let found = std::iter::once(ranks).chain(quantiles);
        match pods.get_mut(pod) {
            Some(sums) => sums.iter_mut().zip(found).for_each(|(sum, own)| sum.add(own)),
            None => {
                pods.insert(pod, found.collect());
            }
        }
    }
}

/// Of each pod, how its value lies beside the mean of the others, as a logarithm.
fn add_value_residuals<'a>(pods: &mut BTreeMap<&'a str, Vec<Residual>>, values: &[(&'a str, f64)]) {
    let total: f64 = values.iter().map(|(_, value)| value).sum();
    let others = (values.len() as f64) - 1.0;
    for (pod, value) in values {
        let difference = (value / ((total - value) / others)).ln();
        if difference.is_finite() {
            pods.insert(pod, vec![Residual { excess: difference, variance: 1.0, weight: 1.0 }]);
        }
    }
}

impl Residual {
    fn add(&mut self, other: Self) {
        self.excess += other.excess;
        self.variance += other.variance;
        self.weight += other.weight;
    }
}

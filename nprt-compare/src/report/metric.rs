use std::collections::BTreeMap;

use nprt_core::model::MetricName;
use serde::{Deserialize, Serialize};

use super::cell::Cell;
use super::curve::{Cells, curve};
use super::effect::Looks;
use super::limit::Limit;
use super::{Axis, Curve, Distribution, EffectCurve, Statistic, Unit};
use crate::{Percentile, Policy, Rule, Verdict};

/// The most error classes to name, the canary's most frequent first.
const MOST_CLASSES: usize = 20;

/// One metric of both tracks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricReport {
    /// The metric; of failures that which counts them by class.
    pub metric: MetricName,
    /// What its measurements are in.
    pub unit: Unit,
    /// The rules on it, by their places in [`Verdict::metrics`].
    pub rules: Vec<usize>,
    /// Its figures over time; the first is that which decides, or says most.
    pub curves: Vec<Curve>,
    /// The distribution of both tracks, of measurements.
    pub distribution: Option<Distribution>,
    /// Failures by class, of errors.
    pub classes: Vec<ClassCount>,
    /// How the evidence of each rule came in.
    pub effects: Vec<EffectCurve>,
    /// Blocks that could not be read; they are left out.
    pub unreadable: u64,
}

/// How often requests failed in one way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassCount {
    /// The class; any text.
    pub class: String,
    /// On stable.
    pub stable: u64,
    /// On the canary.
    pub canary: u64,
}

/// What was measured of a metric, and how many blocks could not be read.
#[derive(Debug, Clone)]
pub(super) struct Gathered {
    pub(super) cells: Cells,
    pub(super) unreadable: u64,
}

/// What a metric is measured for, and beside which metric its requests are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Subject {
    pub(super) metric: MetricName,
    pub(super) requests: Option<MetricName>,
    is_events: bool,
}

impl Subject {
    /// Those of a policy, each metric once, in its order.
    pub(super) fn all(policy: &Policy) -> Vec<Self> {
        let mut subjects: Vec<Self> = Vec::new();
        for subject in policy.rules.iter().flat_map(Self::of) {
            let known = subjects
                .iter()
                .any(|own| own.metric == subject.metric || own.requests.as_ref() == Some(&subject.metric));
            if !known {
                subjects.push(subject);
            }
        }
        subjects
    }

    fn of(rule: &Rule) -> Vec<Self> {
        let one = |metric: &MetricName, requests: Option<&MetricName>, is_events| Self {
            metric: metric.clone(),
            requests: requests.cloned(),
            is_events,
        };
        match rule {
            Rule::Measurements(rule) => vec![one(&rule.metric, None, false)],
            Rule::Growth(rule) => vec![one(&rule.metric, None, false)],
            Rule::Percentile(rule) => vec![one(&rule.metric, None, false)],
            Rule::Events(rule) => vec![one(&rule.metric, None, true)],
            Rule::Failures(rule) => vec![one(&rule.metric, Some(&rule.requests), false)],
            Rule::Errors(rule) => vec![one(&rule.metric, Some(&rule.requests), false)],
            Rule::Kayenta(look) => look.kayenta.metrics().map(|metric| one(&metric, None, false)).collect(),
        }
    }

    /// What a report says of it.
    pub(super) fn report(
        self,
        gathered: &Gathered,
        axis: &Axis,
        policy: &Policy,
        verdict: Option<&Verdict>,
        looks: &Looks,
    ) -> MetricReport {
        let verdicts = verdict.map_or(&[][..], |verdict| &verdict.metrics);
        let rules = (0..verdicts.len()).filter(|at| verdicts[*at].metric == self.metric).collect::<Vec<_>>();
        let sums = gathered.cells.each_ref().map(|cells| sum(cells));
        let unit = Unit::of(&self.metric);
        let limit = |statistic| {
            // Verdicts stand in the order of the rules.
            let rules = policy.rules.iter().enumerate().filter(|(_, rule)| self.is_of(rule));
            let mut limits = rules.filter_map(|(at, rule)| Limit::of(rule, statistic, verdicts.get(at)));
            limits.next()
        };
        let statistics = self.statistics(policy, &sums);
        let curves = statistics.into_iter().filter_map(|statistic| {
            let unit = match statistic {
                Statistic::Percentile(_) | Statistic::Mean => unit,
                Statistic::Rate => Unit::Share,
                Statistic::Events | Statistic::Count => Unit::Number,
            };
            curve(statistic, unit, &gathered.cells, axis.step, limit(statistic))
        });
        MetricReport {
            unit,
            curves: curves.collect(),
            distribution: Distribution::of(&sums[0].bins, &sums[1].bins).filter(|_| !self.is_events),
            classes: classes(&sums),
            effects: rules.iter().filter_map(|rule| looks.curve(*rule, axis)).collect(),
            unreadable: gathered.unreadable,
            rules,
            metric: self.metric,
        }
    }

    fn is_of(&self, rule: &Rule) -> bool {
        Self::of(rule).iter().any(|subject| subject.metric == self.metric)
    }

    /// The figures that say most of it, by what was measured; those that rules name first.
    fn statistics(&self, policy: &Policy, sums: &[Cell; 2]) -> Vec<Statistic> {
        let any = |is: fn(&Cell) -> bool| sums.iter().any(is);
        let mut statistics = Vec::new();
        let mut add = |statistic| {
            if !statistics.contains(&statistic) {
                statistics.push(statistic);
            }
        };
        let samples = any(|cell| cell.samples);
        for rule in policy.rules.iter().filter(|rule| self.is_of(rule)) {
            match rule {
                Rule::Percentile(rule) => add(Statistic::Percentile(rule.percentile)),
                Rule::Measurements(rule) if samples => {
                    let shown = rule.quantiles.iter().map(|quantile| quantile.percentile);
                    shown.map(Statistic::Percentile).for_each(&mut add);
                }
                _ => {}
            }
        }
        if samples {
            let usual = [Percentile::P50, Percentile::P95, Percentile::P99];
            usual.map(Statistic::Percentile).into_iter().for_each(&mut add);
            add(Statistic::Count);
        } else if any(|cell| cell.mean().is_some()) {
            add(if self.is_events { Statistic::Events } else { Statistic::Mean });
        }
        if any(|cell| cell.requests > 0) {
            add(Statistic::Rate);
            add(Statistic::Count);
        }
        statistics
    }
}

fn sum(cells: &[Cell]) -> Cell {
    let mut sum = Cell::default();
    cells.iter().for_each(|cell| sum.merge(cell));
    sum
}

fn classes([stable, canary]: &[Cell; 2]) -> Vec<ClassCount> {
    let mut counts: BTreeMap<&str, [u64; 2]> = BTreeMap::new();
    for (side, cell) in [stable, canary].into_iter().enumerate() {
        for (class, count) in &cell.classes {
            counts.entry(class).or_default()[side] = *count;
        }
    }
    let count =
        |(class, [stable, canary]): (&str, [u64; 2])| ClassCount { class: class.to_owned(), stable, canary };
    let mut classes: Vec<ClassCount> = counts.into_iter().map(count).collect();
    classes.sort_by_key(|class| std::cmp::Reverse((class.canary, class.stable)));
    classes.truncate(MOST_CLASSES);
    classes
}

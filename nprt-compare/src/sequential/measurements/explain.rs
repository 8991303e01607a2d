use nprt_core::model::PerTrack;

use super::super::calibration::PodSpread;
use super::super::explanation::Explanation;
use super::super::kind::{RuleKind, View};
use super::super::knowledge::{Knowledge, add_run};
use super::super::shift::Margins;
use super::rank_index::{BAND, RankIndex};
use super::samples::{SampleStep, SampleTests};
use super::values::{ValueStep, ValueTests};
use super::{Measurements, Tests};
use crate::figure::figure;
use crate::policy::{MeasurementsRule, Policy};
use crate::sizing::{RankEffect, Sizing};
use crate::statistics::Overdispersion;
use crate::{Effect, MarginUsed, PassEvidence, Percentile, QuantileFigures};

pub(super) fn explain(rule: &MeasurementsRule, state: &Measurements, view: View<'_>) -> Explanation {
    let mut found = match (&state.samples, &state.values) {
        (Some(tests), _) => samples(rule, tests, view),
        (None, Some(tests)) => values(rule, tests, view),
        (None, None) => Explanation::nothing("none", rule.metric.to_string()),
    };
    if state.samples.is_some() && state.values.is_some() {
        found.flaw = Some("its blocks mix samples and values, which cannot be compared".to_owned());
    }
    found
}

/// All samples of the run, by rank.
fn ranks(rule: &MeasurementsRule, View { known, open, .. }: View<'_>) -> PerTrack<RankIndex> {
    let mut young = PerTrack::default();
    open.iter().for_each(|minute| add_run(&mut young, minute.slot(&rule.metric)));
    known.run.as_ref().zip(young.as_ref()).map(|(closed, young)| RankIndex::new(closed, young))
}

fn samples(
    rule: &MeasurementsRule,
    Tests { tests, warm_up }: &Tests<SampleTests, SampleStep>,
    view: View<'_>,
) -> Explanation {
    let View { known, time, policy, .. } = view;
    let ranks = ranks(rule, view);
    let shown = rule.quantiles.iter().map(|quantile| quantile.percentile);
    let quantiles: Vec<_> = shown.clone().map(|percentile| quantile(percentile, &ranks)).collect();
    let first = shown.clone().next().unwrap_or(Percentile::P50);
    let shown = quantile(first, &ranks);
    let [stable, canary] = [shown.stable, shown.canary].map(|figure| figure.map(|figure| figure.at));
    let threshold = -policy.pass_alpha.ln();
    let gate = tests.last_gate(rule);
    let passed = tests.constant.holds() || gate.as_ref().is_some_and(|(_, ln_e, _)| *ln_e >= threshold);
    let effect = effect(tests, known.slope);
    let calibration = known.calibration(time.minute.saturating_add(1));
    let pods = calibration.pods;
    let phi = calibration.overdispersion.first().map_or(1.0, |phi| phi.phi());
    let margin = tests.margins.zip(stable).map(|(margins, at)| used(&margins, at, pods, phi));
    let limit = tests.margins.zip(stable).map(|(margins, at)| margins.regression.limit(at));
    let unpassable = margin.is_some_and(|margin| margin.pass <= 0.0) && !tests.constant.holds();
    let words = match (stable, canary) {
        (Some(stable), Some(canary)) => format!(
            "{first} of {} on the canary beside {} on stable",
            figure(&rule.metric, canary),
            figure(&rule.metric, stable)
        ),
        _ => "samples on one track only".to_owned(),
    };
    let PerTrack { stable: stable_n, canary: canary_n } = tests.samples;
    let words = format!("{words}, {canary_n} and {stable_n} samples compared in {} min", tests.steps);
    let figures = match effect {
        Some(effect) => format!("the canary is {effect} as slow or high; {words}"),
        None => words,
    };
    Explanation {
        stable,
        canary,
        limit,
        samples: tests.samples,
        growth: gate.as_ref().map_or(0.0, |(_, _, growth)| *growth),
        pass: gate.map(|(gate, ln_e, _)| PassEvidence { gate, ln_e, threshold }),
        least_samples: margin.map_or(0, |margin| least_samples(tests, known, margin, policy)),
        passed: passed && !unpassable,
        effect,
        margin,
        quantiles,
        held_back: warm_up.held(),
        warming_up: warm_up.excluded,
        figures,
        flaw: unpassable.then(|| too_different(pods)),
        ..Explanation::nothing("samples", format!("distribution and {first}"))
    }
}

/// Relative, from the ranks: the difference of mean scores over what it grows by with the logarithm. The band is
/// that of a normal mixture (Robbins, 1970), tuned for some hundred samples.
fn effect(tests: &SampleTests, slope: f64) -> Option<Effect> {
    const TUNED: f64 = 10.0;
    let [excess, variance, weight] = tests.effect;
    if weight <= 0.0 || slope <= 0.0 {
        return None;
    }
    let relative = |score: f64| (score / slope).clamp(-5.0, 5.0).exp_m1();
    let sum = variance + TUNED;
    let radius = (sum * (sum / (TUNED * BAND * BAND)).ln()).sqrt();
    Some(Effect {
        estimate: relative(excess / weight),
        low: Some(relative((excess - radius) / weight)),
        high: Some(relative((excess + radius) / weight)),
    })
}

/// Why no canary can pass.
fn too_different(pods: PodSpread) -> String {
    format!("stable's own pods differ too much ({:.1}%) for any canary to pass", 100.0 * pods.tau)
}

fn used(margins: &Margins, stable: f64, pods: PodSpread, overdispersion: f64) -> MarginUsed {
    let share = |limit: f64| if stable > 0.0 { limit / stable - 1.0 } else { 0.0 };
    MarginUsed {
        regression: share(margins.regression.limit(stable)),
        pass: share(margins.pass.limit(stable)),
        between_pods: pods.tau,
        pods_known: pods.pods,
        overdispersion,
    }
}

/// Samples of the canary that it takes on average to show that it is not worse by the pass margin: a floor.
fn least_samples(tests: &SampleTests, known: &Knowledge, margin: MarginUsed, policy: &Policy) -> u64 {
    let PerTrack { stable, canary } = tests.samples.map(|count| count as f64);
    let superiority = 0.5 + (known.slope * margin.pass.max(0.0).ln_1p()).min(0.5);
    let of = RankEffect {
        superiority,
        stable_per_canary: stable / canary,
        overdispersion: Overdispersion::new(margin.overdispersion).unwrap_or(Overdispersion::NONE),
    };
    let samples = Sizing::new(policy.pass_alpha.min(0.49), 0.5).and_then(|sizing| sizing.rank_samples(of));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count; it saturates")]
    samples.map_or(0, |samples| samples.min(1e15) as u64)
}

fn quantile(percentile: Percentile, ranks: &PerTrack<RankIndex>) -> QuantileFigures {
    let PerTrack { stable, canary } = ranks.as_ref().map(|ranks| ranks.quantile(percentile));
    QuantileFigures { percentile, stable, canary }
}

fn values(
    rule: &MeasurementsRule,
    Tests { tests, warm_up }: &Tests<ValueTests, ValueStep>,
    view: View<'_>,
) -> Explanation {
    let View { known, time, policy, .. } = view;
    let threshold = -policy.pass_alpha.ln();
    let (ln_e, growth) = tests.gate();
    let waits = rule.gates_pass();
    let pods = known.calibration(time.minute.saturating_add(1)).pods;
    let PerTrack { stable, canary } = tests.means();
    let margin = tests.margins.zip(stable).map(|(margins, at)| used(&margins, at, pods, 1.0));
    let unpassable = margin.is_some_and(|margin| margin.pass <= 0.0) && !tests.constant.holds();
    let effect = value_effect(tests);
    let words = match (stable, canary) {
        (Some(stable), Some(canary)) => format!(
            "a mean of {} on the canary's pods beside {} on stable's in {} min",
            figure(&rule.metric, canary),
            figure(&rule.metric, stable),
            tests.steps
        ),
        _ => "values on one track only".to_owned(),
    };
    let figures = match effect {
        Some(effect) => format!("the canary is {effect} as high; {words}"),
        None => words,
    };
    Explanation {
        stable,
        canary,
        limit: tests.margins.zip(stable).map(|(margins, at)| margins.regression.limit(at)),
        samples: PerTrack::from_fn(|_| tests.steps),
        pass: waits.then(|| PassEvidence { gate: "the mean".to_owned(), ln_e, threshold }),
        growth,
        passed: waits && !unpassable && (ln_e >= threshold || tests.constant.holds()),
        effect,
        margin,
        held_back: warm_up.held(),
        warming_up: warm_up.excluded,
        figures,
        flaw: unpassable.then(|| too_different(pods)),
        ..Explanation::nothing("values", "mean of pods".to_owned())
    }
}

/// The mean difference of logarithms; its band is a normal mixture's with the deviation as measured, of as many
/// minutes as count when they hang together.
fn value_effect(tests: &ValueTests) -> Option<Effect> {
    const TUNED: f64 = 10.0;
    let mean = tests.plain.mean()?;
    let rho = tests.autocorrelation();
    let n = tests.plain.count() as f64 * (1.0 - rho) / (1.0 + rho);
    let radius = tests.plain.deviation().map(|deviation| {
        let sum = n + TUNED;
        deviation * (sum * (sum / (TUNED * BAND * BAND)).ln()).sqrt() / n
    });
    Some(Effect {
        estimate: mean.exp_m1(),
        low: radius.map(|radius| (mean - radius).exp_m1()),
        high: radius.map(|radius| (mean + radius).exp_m1()),
    })
}

use super::super::measurements::{Kind, Measurements};
use super::super::samples::{Margins, SampleStep, SampleTests};
use super::super::values::{ValueStep, ValueTests};
use super::ranked::BAND;
use super::{Effect, Learned, MeasurementsRule, PassEvidence, QuantileFigures, Ranked, Said, Time, figure};
use crate::policy::{Gate, Policy};
use crate::sizing::{RankEffect, Sizing};
use crate::statistics::Overdispersion;
use crate::{MarginUsed, Percentile};

pub(super) fn say(
    rule: &MeasurementsRule,
    state: &Measurements,
    learned: &Learned,
    run: &[Ranked; 2],
    time: Time,
    policy: &Policy,
) -> Said {
    let mut said = match (state.samples(), state.values()) {
        (Some(kind), _) => samples(rule, kind, learned, run, time, policy),
        (None, Some(kind)) => values(rule, kind, learned, time, policy),
        (None, None) => Said::nothing("none", rule.metric.to_string()),
    };
    if state.samples().is_some() && state.values().is_some() {
        said.flaw =
            Some("its blocks have mixed forms, samples and values, which cannot be compared".to_owned());
    }
    said
}

fn samples(
    rule: &MeasurementsRule,
    kind: &Kind<SampleTests, SampleStep>,
    learned: &Learned,
    run: &[Ranked; 2],
    time: Time,
    policy: &Policy,
) -> Said {
    let tests = &kind.tests;
    let shown = rule.quantiles.iter().map(|quantile| quantile.percentile);
    let quantiles: Vec<_> = shown.clone().map(|percentile| quantile(percentile, run)).collect();
    let first = shown.clone().next().unwrap_or(Percentile::P50);
    let shown = quantile(first, run);
    let [stable, canary] = [shown.stable, shown.canary].map(|figure| figure.map(|figure| figure.at));
    let threshold = -policy.pass_alpha.ln();
    let gate = tests.last_gate(rule);
    let passed = tests.constant.holds() || gate.as_ref().is_some_and(|(_, ln_e, _)| *ln_e >= threshold);
    let effect = effect(tests, learned.slope);
    let calibration = learned.calibration(time.minute.saturating_add(1));
    let pods = calibration.pods;
    let phi = calibration.overdispersion.first().map_or(1.0, |phi| phi.phi());
    let margin = tests.margins.zip(stable).map(|(margins, at)| used(&margins, at, pods.tau, pods.pods, phi));
    let limit = tests.margins.zip(stable).map(|(margins, at)| margins.regression().limit(at));
    let unpassable = margin.is_some_and(|margin| margin.pass <= 0.0) && !tests.constant.holds();
    let words = match (stable, canary) {
        (Some(stable), Some(canary)) => format!(
            "{first} of {} on the canary beside {} on stable",
            figure(&rule.metric, canary),
            figure(&rule.metric, stable)
        ),
        _ => "samples on one track only".to_owned(),
    };
    let [stable_n, canary_n] = tests.samples;
    let words = format!("{words}, {canary_n} and {stable_n} samples compared in {} min", tests.steps);
    let figures = match effect {
        Some(effect) => format!("the canary is {effect} as slow or high; {words}"),
        None => words,
    };
    Said {
        stable,
        canary,
        limit,
        samples: tests.samples,
        growth: gate.as_ref().map_or(0.0, |(_, _, growth)| *growth),
        pass: gate.map(|(gate, ln_e, _)| PassEvidence { gate, ln_e, threshold }),
        least_samples: margin.map_or(0, |margin| least_samples(tests, learned, margin, policy)),
        passed: passed && !unpassable,
        effect,
        margin,
        quantiles,
        held_back: kind.warm_up.held(),
        warming_up: kind.warm_up.excluded,
        figures,
        flaw: unpassable.then(|| {
            format!(
                "stable's own pods differ by so much ({:.1} %) that no canary can be shown to be as good",
                100.0 * pods.tau
            )
        }),
        ..Said::nothing("samples", format!("distribution and {first}"))
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

fn used(
    margins: &Margins,
    stable: f64,
    between_pods: f64,
    pods_known: u64,
    overdispersion: f64,
) -> MarginUsed {
    let share = |limit: f64| if stable > 0.0 { limit / stable - 1.0 } else { 0.0 };
    MarginUsed {
        regression: share(margins.regression().limit(stable)),
        pass: share(margins.pass().limit(stable)),
        between_pods,
        pods_known,
        overdispersion,
    }
}

/// Samples of the canary that it takes on average to show that it is not worse by the pass margin: a floor.
fn least_samples(tests: &SampleTests, learned: &Learned, margin: MarginUsed, policy: &Policy) -> u64 {
    let [stable, canary] = tests.samples.map(|count| count as f64);
    let superiority = 0.5 + (learned.slope * margin.pass.max(0.0).ln_1p()).min(0.5);
    let of = RankEffect {
        superiority,
        stable_per_canary: stable / canary,
        overdispersion: Overdispersion::new(margin.overdispersion).unwrap_or(Overdispersion::NONE),
    };
    let samples = Sizing::new(policy.pass_alpha.min(0.49), 0.5).and_then(|sizing| sizing.rank_samples(of));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count; it saturates")]
    samples.map_or(0, |samples| samples.min(1e15) as u64)
}

fn quantile(percentile: Percentile, [stable, canary]: &[Ranked; 2]) -> QuantileFigures {
    QuantileFigures { percentile, stable: stable.quantile(percentile), canary: canary.quantile(percentile) }
}

fn values(
    rule: &MeasurementsRule,
    kind: &Kind<ValueTests, ValueStep>,
    learned: &Learned,
    time: Time,
    policy: &Policy,
) -> Said {
    let tests = &kind.tests;
    let threshold = -policy.pass_alpha.ln();
    let (ln_e, growth) = tests.gate();
    let waits = rule.gate == Gate::Both || rule.quantiles.iter().any(|quantile| quantile.gate == Gate::Both);
    let pods = learned.calibration(time.minute.saturating_add(1)).pods;
    let [stable, canary] = tests.means();
    let margin = tests.margins.zip(stable).map(|(margins, at)| used(&margins, at, pods.tau, pods.pods, 1.0));
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
    Said {
        stable,
        canary,
        limit: tests.margins.zip(stable).map(|(margins, at)| margins.regression().limit(at)),
        samples: [tests.steps; 2],
        pass: waits.then(|| PassEvidence { gate: "the mean".to_owned(), ln_e, threshold }),
        growth,
        passed: waits && !unpassable && (ln_e >= threshold || tests.constant.holds()),
        effect,
        margin,
        held_back: kind.warm_up.held(),
        warming_up: kind.warm_up.excluded,
        figures,
        flaw: unpassable.then(|| {
            format!(
                "stable's own pods differ by so much ({:.1} %) that no canary can be shown to be as good",
                100.0 * pods.tau
            )
        }),
        ..Said::nothing("values", "mean of pods".to_owned())
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

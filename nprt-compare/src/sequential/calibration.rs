use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

use super::residuals::Residuals;
use crate::statistics::Overdispersion;
use crate::statistics::paired_t::PairedT;

/// What is taken for the overdispersion while nothing is known, with the weight of so many pod-minutes.
const UNKNOWN: (f64, f64) = (1.5, 30.0);
/// The same of rare events, once stable's pods are known: events come one by one until they are seen not to, and
/// what is known of them are events, not minutes.
const COUNTS: (f64, f64) = (1.0, 20.0);
/// What pods are taken to differ by while fewer than three are known.
const UNKNOWN_PODS: f64 = 0.02;
/// How many of their standard deviations pods may add to the margin of a regression.
const BEYOND: f64 = 2.0;
/// They may hide as much of a difference with this probability.
const PASS_TAIL: f64 = 0.05;

/// What stable's own pods say about its noise: the figures that a comparison is tempered with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Calibration {
    /// One a statistic.
    pub(super) overdispersion: Vec<Overdispersion>,
    /// From one minute to the next, for tests of series.
    pub(super) autocorrelation: f64,
    pub(super) pods: PodSpread,
}

/// How much pods of one version differ for good: the standard deviation of the logarithm, τ.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct PodSpread {
    pub(super) tau: f64,
    /// Pods that it was found by, at least three; 0 where it is a guess.
    pub(super) pods: u64,
    /// How many τ of a difference they may hide: a quantile of Student's distribution, since τ is known by few
    /// pods only.
    hidden: f64,
}

impl PodSpread {
    const UNKNOWN: Self = Self { tau: UNKNOWN_PODS, pods: 0, hidden: 1.645 };

    fn new(tau: f64, pods: u64, before: Self) -> Self {
        if pods < 3 {
            return Self::UNKNOWN;
        }
        if pods == before.pods {
            return Self { tau, ..before };
        }
        let student = StudentsT::new(0.0, 1.0, (pods - 1) as f64);
        let hidden = student.map_or(f64::INFINITY, |student| student.inverse_cdf(1.0 - PASS_TAIL));
        Self { tau, pods, hidden }
    }

    /// By how much, relative, the canary may be above stable for its pods' sake.
    pub(super) fn beyond(self, canary_pods: u64, stable_pods: u64) -> f64 {
        BEYOND * self.difference(canary_pods, stable_pods)
    }

    /// How much of a difference its pods may hide.
    pub(super) fn hidden(self, canary_pods: u64, stable_pods: u64) -> f64 {
        self.hidden * self.difference(canary_pods, stable_pods)
    }

    fn difference(self, canary_pods: u64, stable_pods: u64) -> f64 {
        self.tau * (1.0 / canary_pods.max(1) as f64 + 1.0 / stable_pods.max(1) as f64).sqrt()
    }
}

impl Calibration {
    /// Before anything is known, of so many statistics.
    pub(super) fn unknown(statistics: usize) -> Self {
        let guess = Overdispersion::new(UNKNOWN.0).unwrap_or(Overdispersion::NONE);
        Self { overdispersion: vec![guess; statistics], autocorrelation: 0.3, pods: PodSpread::UNKNOWN }
    }

    /// Of stable's residuals; the first statistic's say what pods differ by. `slope` is how much that
    /// statistic's mean grows with the logarithm of the values; `counts` are of rare events.
    pub(super) fn of(residuals: &Residuals, slope: f64, counts: bool, before: &Self) -> Self {
        let mut calibration = before.clone();
        for (statistic, phi) in calibration.overdispersion.iter_mut().enumerate() {
            let Some(spread) = residuals.spread(statistic) else { continue };
            let (guess, weight) = UNKNOWN;
            let known = if counts { spread.expected } else { spread.minutes as f64 };
            let (found, guess, weight) = if counts {
                (spread.pearson, COUNTS.0, COUNTS.1)
            } else {
                (spread.overdispersion, guess, weight)
            };
            let mean = (found * known + guess * weight) / (known + weight);
            *phi = Overdispersion::new(mean.max(1.0)).unwrap_or(*phi);
        }
        if let Some(spread) = residuals.spread(0) {
            let most = 0.8_f64.min(PairedT::MOST_AUTOCORRELATION);
            calibration.autocorrelation = spread.autocorrelation.clamp(0.0, most);
            let tau = if slope > 0.0 { spread.between.sqrt() / slope } else { UNKNOWN_PODS };
            calibration.pods = PodSpread::new(tau.min(1.0), spread.pods, before.pods);
        }
        calibration
    }
}

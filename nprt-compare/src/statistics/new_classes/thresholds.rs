use nprt_core::Result;
use serde::{Deserialize, Serialize};

use super::super::e_process::invalid;

/// Incidents of a class in the history are counted up to here, and no verdict needs more of a new one.
pub(super) const COUNTED: u8 = 64;

/// How many classes had so many incidents in the history, from 1; the last of them that many or more.
pub(super) type Seen = [u64; COUNTED as usize];

/// How much each side had the chance to show.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exposure {
    /// Requests on stable in the history, H.
    pub history_requests: u64,
    /// Requests that the canary gets in the whole run, at most.
    pub canary_requests: u64,
    /// The canary's share θ of all requests beside it, from 0 to 1; where it grows, its largest.
    pub share: f64,
}

/// From how many incidents on the canary, with none on stable, a class is no chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thresholds {
    /// By the history: classes as rare as that do not show so often. `None` where the history is so short
    /// that even 64 incidents would say nothing, or where there is none.
    pub history: Option<u32>,
    /// By what stable did beside the canary: an incident that hits both does not miss stable so often.
    /// `None` where stable gets no requests.
    pub beside: Option<u32>,
}

impl Thresholds {
    /// Of this history.
    ///
    /// # Errors
    /// `Invalid`, naming it, for a share outside 0 to 1 or an `alpha` that is not between 0 and 1.
    pub(super) fn new(seen: &Seen, exposure: Exposure, alpha: f64) -> Result<Self> {
        let Exposure { history_requests, canary_requests, share } = exposure;
        if !(0.0..=1.0).contains(&share) {
            return Err(invalid("expected a share from 0 to 1").with("share", share));
        }
        if !(alpha > 0.0 && alpha < 1.0) {
            return Err(invalid("expected an error level above 0 and below 1").with("alpha", alpha));
        }
        let history = (history_requests > 0).then(|| {
            let (history, canary) = (history_requests as f64, canary_requests as f64);
            by_history(seen, canary / (history + canary), alpha)
        });
        Ok(Self { history: history.flatten(), beside: beside(share, alpha) })
    }

    /// Incidents of a regression: so many that neither explains them.
    #[must_use]
    pub fn regression(&self) -> Option<u32> {
        Some(self.history?.max(self.beside?))
    }
}

/// The least k with Λ_k ≤ α.
fn by_history(seen: &Seen, rho: f64, alpha: f64) -> Option<u32> {
    (1..).zip(expected(seen, rho)).find(|(_, classes)| *classes <= alpha).map(|(k, _)| k)
}

/// Λ_k = Σ_{j ≥ k} ρ^j U(N_j) for k from 1: how many classes, unseen in the history, are expected to have k
/// incidents or more on the canary.
///
/// In the last term, how those classes spread over larger j is not known; it is the most that it can be:
/// Σ ρ^j N_j ≤ ρ^J M, Σ ρ^j √N_j ≤ √(Σ ρ^2j) √M (Cauchy), of M classes from J on.
fn expected(seen: &Seen, rho: f64) -> [f64; COUNTED as usize] {
    let mut expected = [0.0; COUNTED as usize];
    let mut power = 1.0;
    for (term, &classes) in expected.iter_mut().zip(seen) {
        power *= rho;
        *term = power * most(classes as f64, 1.0, 1.0);
    }
    if let (Some(last), Some(&classes)) = (expected.last_mut(), seen.last()) {
        let spread = 1.0 / (1.0 - rho * rho).sqrt();
        *last = power * most(classes as f64, spread, 1.0 / (1.0 - rho));
    }
    let mut sum = 0.0;
    for term in expected.iter_mut().rev() {
        sum += *term;
        *term = sum;
    }
    expected
}

/// U(N) = N + 2√N + 1: what a count of N may have been on average.
fn most(classes: f64, spread: f64, one: f64) -> f64 {
    classes + 2.0 * spread * classes.sqrt() + one
}

/// ⌈ln α / ln θ⌉: the least k with θ^k ≤ α.
fn beside(share: f64, alpha: f64) -> Option<u32> {
    // What rounding adds is no reason for another incident.
    let incidents = (alpha.ln() / share.ln() * (1.0 - 1e-12)).ceil().max(1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked: 1 to 2^31")]
    (share < 1.0 && incidents < f64::from(1_u32 << 31)).then_some(incidents as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Case {
        seen: Vec<u64>,
        exposure: Exposure,
        alpha: f64,
        expected: Vec<f64>,
        history: Option<u32>,
        beside: Option<u32>,
    }

    #[test]
    fn the_closed_forms_are_those_of_the_reference() {
        let cases = include_str!("../../../tests/data/statistics/new_classes.json");
        for case in serde_json::from_str::<Vec<Case>>(cases).unwrap() {
            let seen = case.seen.try_into().unwrap();
            let Exposure { history_requests, canary_requests, .. } = case.exposure;
            let rho = canary_requests as f64 / (history_requests + canary_requests) as f64;
            for (found, expected) in expected(&seen, rho).iter().zip(&case.expected) {
                assert!((found - expected).abs() <= 1e-9 * expected, "{found} not {expected}");
            }
            let found = Thresholds::new(&seen, case.exposure, case.alpha).unwrap();
            assert_eq!(
                found,
                Thresholds { history: case.history, beside: case.beside },
                "{:?}",
                case.exposure
            );
        }
    }

    #[test]
    fn without_history_or_without_stable_beside_there_is_no_regression() {
        let thresholds = |history_requests, canary_requests, share| {
            Thresholds::new(
                &[0; COUNTED as usize],
                Exposure { history_requests, canary_requests, share },
                0.01,
            )
            .unwrap()
        };
        for exposure in [(0, 1000, 0.2), (0, 0, 0.2), (1, u64::MAX, 0.2), (u64::MAX, 1000, 1.0)] {
            let found = thresholds(exposure.0, exposure.1, exposure.2);
            assert_eq!(found.regression(), None, "{exposure:?}: {found:?}");
        }
        assert_eq!(thresholds(u64::MAX, 0, 0.0).regression(), Some(1));
        // 0.1² is α to the last digit that anybody wrote.
        assert_eq!(thresholds(u64::MAX, 0, 0.1).beside, Some(2));
    }

    #[test]
    fn what_is_no_share_and_no_level_is_named() {
        let thresholds = |share, alpha| {
            let exposure = Exposure { history_requests: 1, canary_requests: 1, share };
            Thresholds::new(&[0; COUNTED as usize], exposure, alpha)
        };
        for share in [-0.1, 1.1, f64::NAN] {
            assert!(thresholds(share, 0.01).unwrap_err().to_string().contains("share: "));
        }
        for alpha in [0.0, 1.0, f64::NAN] {
            assert!(thresholds(0.5, alpha).unwrap_err().to_string().contains("alpha: "));
        }
    }
}

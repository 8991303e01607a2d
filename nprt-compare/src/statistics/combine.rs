//! Many tests, one decision: the weighted average of their evidence.
//!
//! # Validity
//! The average of e-values is one, **whatever the dependence** between them: tests of one metric share its
//! samples, metrics share their requests. So the average, looked at as often as one likes, reaches 1/α in at
//! most a share α of all comparisons of versions that do not differ: α is the error of all tests together.
//! Products would need independence, and corrections of p-values cost more.
//!
//! A test decides alone when its own share of the average, w·e, reaches 1/α; when several decide only
//! together there is no such test, and the shares say who contributed.
//!
//! # Source
//! Vovk and Wang, "E-values: calibration, combination and applications", Annals of Statistics (2021).

use nprt_core::Result;

use super::e_process::{invalid, ln_sum_exp};

/// Weights of tests, and the error of all of them together.
///
/// ```
/// use nprt_compare::statistics::combine::Combination;
///
/// let combination = Combination::new([0.5, 0.25, 0.25], 0.01)?;
/// let evidence = combination.of(&[0.0, 500.0_f64.ln(), -3.0])?;
/// assert!(evidence.decides());
/// assert_eq!(evidence.alone().collect::<Vec<_>>(), [1]);
/// # Ok::<(), nprt_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Combination {
    ln_weights: Vec<f64>,
    alpha: f64,
}

impl Combination {
    /// Of weights in any unit; they are divided by their sum.
    ///
    /// # Errors
    /// `Invalid`, naming what is wrong, for no weights at all, a weight or a sum of them that is not a finite
    /// number above 0, or an `alpha` that is not between 0 and 1.
    pub fn new(weights: impl Into<Vec<f64>>, alpha: f64) -> Result<Self> {
        let mut weights = weights.into();
        if !(alpha > 0.0 && alpha < 1.0) {
            return Err(invalid("expected an error level above 0 and below 1").with("alpha", alpha));
        }
        let total: f64 = weights.iter().sum();
        for &weight in weights.iter().chain([&total]) {
            if !(weight.is_finite() && weight > 0.0) {
                return Err(invalid("expected weights that are finite and above 0").with("weight", weight));
            }
        }
        for weight in &mut weights {
            *weight = weight.ln() - total.ln();
        }
        Ok(Self { ln_weights: weights, alpha })
    }

    /// Averages the tests' evidence, given as logarithms in the order of the weights. A test that has no
    /// data yet has the logarithm 0.
    ///
    /// # Errors
    /// `Invalid` when there is not one finite logarithm a weight.
    pub fn of(&self, ln_e: &[f64]) -> Result<Combined> {
        if ln_e.len() != self.ln_weights.len() {
            let error = invalid("expected the evidence of each test");
            return Err(error.with("tests", self.ln_weights.len()).with("evidence", ln_e.len()));
        }
        if let Some(bad) = ln_e.iter().find(|ln_e| !ln_e.is_finite()) {
            return Err(invalid("expected evidence that is finite").with("ln_e", bad));
        }
        let parts: Vec<_> = self.ln_weights.iter().zip(ln_e).map(|(weight, ln_e)| weight + ln_e).collect();
        Ok(Combined { ln_e: ln_sum_exp(&parts), parts, threshold: -self.alpha.ln() })
    }
}

/// The evidence of all tests together at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct Combined {
    ln_e: f64,
    /// ln(w·e) of each test.
    parts: Vec<f64>,
    threshold: f64,
}

impl Combined {
    /// The logarithm of the average.
    #[must_use]
    pub fn ln_e(&self) -> f64 {
        self.ln_e
    }

    /// Whether it reaches 1/α.
    #[must_use]
    pub fn decides(&self) -> bool {
        self.ln_e >= self.threshold
    }

    /// The tests, by their index, that decide alone.
    pub fn alone(&self) -> impl Iterator<Item = usize> {
        self.parts.iter().enumerate().filter(|(_, part)| **part >= self.threshold).map(|(index, _)| index)
    }

    /// Each test's share of the average; they sum to 1.
    pub fn shares(&self) -> impl Iterator<Item = f64> {
        self.parts.iter().map(|part| (part - self.ln_e).exp())
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::{prop_assert, proptest};

    use super::*;

    #[test]
    fn several_may_decide_together_and_none_alone() {
        let evidence =
            Combination::new([1.0, 1.0], 0.01).unwrap().of(&[150.0_f64.ln(), 60.0_f64.ln()]).unwrap();
        assert!(evidence.decides() && evidence.alone().next().is_none());
        let shares: Vec<_> = evidence.shares().collect();
        assert!((shares[0] - 150.0 / 210.0).abs() < 1e-12 && (shares[1] - 60.0 / 210.0).abs() < 1e-12);
        assert!((evidence.ln_e() - 105.0_f64.ln()).abs() < 1e-12);
        let less = Combination::new([2.0, 2.0], 0.01).unwrap().of(&[150.0_f64.ln(), 49.0_f64.ln()]).unwrap();
        assert!(!less.decides());
    }

    #[test]
    fn nothing_overflows() {
        let evidence = Combination::new([3.0, 1.0], 0.05).unwrap().of(&[1e300, -1e300]).unwrap();
        assert!(evidence.decides() && evidence.shares().eq([1.0, 0.0]));
    }

    #[test]
    fn what_is_no_weight_no_level_or_no_evidence_is_an_error() {
        for weights in [vec![], vec![0.0], vec![-1.0, 2.0], vec![f64::NAN], vec![f64::MAX, f64::MAX]] {
            assert!(Combination::new(weights.clone(), 0.01).is_err(), "{weights:?}");
        }
        for alpha in [0.0, 1.0, -0.1, f64::NAN] {
            assert!(Combination::new([1.0], alpha).is_err(), "{alpha}");
        }
        let combination = Combination::new([1.0, 1.0], 0.01).unwrap();
        for ln_e in [vec![0.0], vec![0.0, f64::NAN], vec![0.0, f64::INFINITY], vec![f64::NEG_INFINITY, 0.0]] {
            assert!(combination.of(&ln_e).is_err(), "{ln_e:?}");
        }
    }

    proptest! {
        #[test]
        fn it_lies_between_its_parts_and_whoever_decides_alone_decides(
            tests in vec((0.1_f64..9.0, -20.0_f64..20.0), 1..9),
        ) {
            let (weights, ln_e): (Vec<_>, Vec<_>) = tests.into_iter().unzip();
            let evidence = Combination::new(weights, 0.01).unwrap().of(&ln_e).unwrap();
            let (least, most) = ln_e.iter().fold((f64::MAX, f64::MIN), |(a, b), &e| (a.min(e), b.max(e)));
            prop_assert!(evidence.ln_e() >= least - 1e-9 && evidence.ln_e() <= most + 1e-9);
            prop_assert!(evidence.alone().next().is_none() || evidence.decides());
            prop_assert!((evidence.shares().sum::<f64>() - 1.0).abs() < 1e-9);
        }
    }
}

use nprt_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// The most that one step may multiply the evidence by: at α = 0.01 three steps decide at the earliest, so
/// that a single burst never does.
pub(super) const CAP: f64 = 5.0;

/// How much more the counts of a block vary than those of independent samples would: 1 where samples are
/// independent, above it where they hang together (pods, sessions, retries). The evidence of a block is its
/// root of that order.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Overdispersion(f64);

impl Overdispersion {
    /// Independent samples.
    pub const NONE: Self = Self(1.0);

    /// The overdispersion φ.
    ///
    /// # Errors
    /// `Invalid` when it is not a finite number of 1 or more.
    pub fn new(phi: f64) -> Result<Self> {
        if phi.is_finite() && phi >= 1.0 {
            Ok(Self(phi))
        } else {
            Err(invalid("expected an overdispersion of 1 or more").with("phi", phi))
        }
    }

    /// The number.
    #[must_use]
    pub fn phi(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Overdispersion {
    type Error = Error;

    fn try_from(phi: f64) -> Result<Self> {
        Self::new(phi)
    }
}

impl From<Overdispersion> for f64 {
    fn from(overdispersion: Overdispersion) -> Self {
        overdispersion.0
    }
}

/// The running products of several alternatives' factors, tempered and capped, and their average.
///
/// Validity: if given the past each factor is at most 1 on average, so is its root of order φ ≥ 1 (Jensen;
/// φ may be another in each step, as long as it is known before), so is what the cap leaves of it, and so is
/// the average of the products. Each alternative is capped by itself: then evidence that grows in every step
/// grows in the average too, which a cap on the average's own growth would not keep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<f64>", into = "Vec<f64>")]
pub(super) struct EProcess {
    /// The logarithm of each alternative's product.
    ln_products: Vec<f64>,
}

impl EProcess {
    /// No evidence yet for any of `alternatives`.
    pub(super) fn new(alternatives: usize) -> Self {
        Self { ln_products: vec![0.0; alternatives] }
    }

    /// Itself, if it averages over so many alternatives: a state that was read may be another test's.
    pub(super) fn expect_alternatives(self, expected: usize) -> Result<Self> {
        if self.ln_products.len() != expected {
            let error = invalid("expected one product an alternative");
            return Err(error.with("products", self.ln_products.len()).with("alternatives", expected));
        }
        Ok(self)
    }

    /// Multiplies by the factors of one step, the products over its blocks; each block has the logarithm of
    /// one factor an alternative.
    pub(super) fn multiply<const N: usize>(
        &mut self,
        overdispersion: Overdispersion,
        blocks: impl IntoIterator<Item = [f64; N]>,
    ) {
        self.multiply_by_at_most(CAP, overdispersion, blocks);
    }

    /// The same with another cap.
    pub(super) fn multiply_by_at_most<const N: usize>(
        &mut self,
        cap: f64,
        overdispersion: Overdispersion,
        blocks: impl IntoIterator<Item = [f64; N]>,
    ) {
        let mut ln_factors = [0.0; N];
        for block in blocks {
            for (sum, ln_factor) in ln_factors.iter_mut().zip(block) {
                *sum += ln_factor;
            }
        }
        for (product, factor) in self.ln_products.iter_mut().zip(ln_factors) {
            *product += (factor / overdispersion.0).min(cap.ln());
        }
    }

    /// The logarithm of the average.
    pub(super) fn ln_e(&self) -> f64 {
        ln_sum_exp(&self.ln_products) - (self.ln_products.len() as f64).ln()
    }
}

impl TryFrom<Vec<f64>> for EProcess {
    type Error = Error;

    fn try_from(ln_products: Vec<f64>) -> Result<Self> {
        match ln_products.iter().find(|product| !product.is_finite()) {
            Some(bad) => Err(invalid("expected finite numbers").with("ln_products", bad)),
            None => Ok(Self { ln_products }),
        }
    }
}

impl From<EProcess> for Vec<f64> {
    fn from(process: EProcess) -> Self {
        process.ln_products
    }
}

/// ln Σ exp of finite numbers, without overflow; −∞ of none.
pub(crate) fn ln_sum_exp(terms: &[f64]) -> f64 {
    let largest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    largest + terms.iter().map(|term| (term - largest).exp()).sum::<f64>().ln()
}

/// An argument that none of these tests can take.
pub(super) fn invalid(message: &str) -> Error {
    Error::invalid("compare.test", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_tempered_then_capped_and_their_products_averaged() {
        let mut process = EProcess::new(2);
        assert!(process.ln_e().abs() < 1e-15, "it begins at 1");
        let two = Overdispersion::new(2.0).unwrap();
        process.multiply(two, [[2.0_f64.ln(), 1e6_f64.ln()], [2.0_f64.ln(), 0.0]]);
        assert!((process.ln_e() - 3.5_f64.ln()).abs() < 1e-12, "(√4 + 5) / 2");
        process.multiply(two, [[0.25_f64.ln(), (1.0_f64 / 25.0).ln()]]);
        assert!(process.ln_e().abs() < 1e-12, "what is taken away is not capped");
    }

    #[test]
    fn nothing_overflows() {
        let mut process = EProcess::new(2);
        for _ in 0..10_000 {
            process.multiply(Overdispersion::NONE, [[f64::MAX.ln(), -f64::MAX.ln()]]);
        }
        assert!((process.ln_e() - (10_000.0 * 5.0_f64.ln() - 2.0_f64.ln())).abs() < 1e-6);
    }

    #[test]
    fn a_state_that_is_none_is_an_error() {
        for phi in [0.999, f64::NAN, f64::INFINITY, -1.0] {
            let error = Overdispersion::new(phi).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("compare.test: invalid: expected an overdispersion of 1 or more (phi: {phi})")
            );
        }
        assert!(serde_json::from_str::<EProcess>("[null]").is_err());
        assert!(serde_json::from_str::<Overdispersion>("0.5").is_err());
    }
}

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The most that one step may multiply the evidence by: at α = 0.01 three steps decide at the earliest, so
/// that a single burst never does.
const CAP: f64 = 5.0;

/// The running products of several alternatives' factors, tempered and capped, and their average.
///
/// Validity: if given the past each factor is at most 1 on average, so is its root of order φ ≥ 1 (Jensen),
/// so is what the cap leaves of it, and so is the average of the products. Each alternative is capped by
/// itself: then evidence that grows in every step grows in the average too, which a cap on the average's
/// own growth would not keep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "State")]
pub(super) struct EProcess {
    /// The overdispersion: 1 where samples in a block are independent.
    phi: f64,
    /// The logarithm of each alternative's product.
    ln_products: Vec<f64>,
}

/// As it was written, before it is checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    phi: f64,
    ln_products: Vec<f64>,
}

impl EProcess {
    /// No evidence yet for any of `alternatives`.
    pub(super) fn new(alternatives: usize, phi: f64) -> Result<Self> {
        Self::try_from(State { phi, ln_products: vec![0.0; alternatives] })
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
    pub(super) fn multiply<const N: usize>(&mut self, blocks: impl IntoIterator<Item = [f64; N]>) {
        let mut ln_factors = [0.0; N];
        for block in blocks {
            for (sum, ln_factor) in ln_factors.iter_mut().zip(block) {
                *sum += ln_factor;
            }
        }
        for (product, factor) in self.ln_products.iter_mut().zip(ln_factors) {
            *product += (factor / self.phi).min(CAP.ln());
        }
    }

    /// The logarithm of the average.
    pub(super) fn ln_e(&self) -> f64 {
        ln_sum_exp(&self.ln_products) - (self.ln_products.len() as f64).ln()
    }
}

impl TryFrom<State> for EProcess {
    type Error = Error;

    fn try_from(State { phi, ln_products }: State) -> Result<Self> {
        if !(phi.is_finite() && phi >= 1.0) {
            return Err(invalid("expected an overdispersion of 1 or more").with("phi", phi));
        }
        if let Some(bad) = ln_products.iter().find(|product| !product.is_finite()) {
            return Err(invalid("expected finite numbers").with("ln_products", bad));
        }
        Ok(Self { phi, ln_products })
    }
}

/// ln Σ exp of finite numbers, without overflow; −∞ of none.
pub(super) fn ln_sum_exp(terms: &[f64]) -> f64 {
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
        let mut process = EProcess::new(2, 2.0).unwrap();
        assert!(process.ln_e().abs() < 1e-15, "it begins at 1");
        process.multiply([[2.0_f64.ln(), 1e6_f64.ln()], [2.0_f64.ln(), 0.0]]);
        assert!((process.ln_e() - 3.5_f64.ln()).abs() < 1e-12, "(√4 + 5) / 2");
        process.multiply([[0.25_f64.ln(), (1.0_f64 / 25.0).ln()]]);
        assert!(process.ln_e().abs() < 1e-12, "what is taken away is not capped");
    }

    #[test]
    fn nothing_overflows() {
        let mut process = EProcess::new(2, 1.0).unwrap();
        for _ in 0..10_000 {
            process.multiply([[f64::MAX.ln(), -f64::MAX.ln()]]);
        }
        assert!((process.ln_e() - (10_000.0 * 5.0_f64.ln() - 2.0_f64.ln())).abs() < 1e-6);
    }

    #[test]
    fn a_state_that_is_none_is_an_error() {
        for phi in [0.999, f64::NAN, f64::INFINITY, -1.0] {
            let error = EProcess::new(1, phi).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("compare.test: invalid: expected an overdispersion of 1 or more (phi: {phi})")
            );
        }
        for state in [r#"{"phi": 0.5, "ln_products": [0.0]}"#, r#"{"phi": 1.0, "ln_products": [null]}"#] {
            assert!(serde_json::from_str::<EProcess>(state).is_err(), "{state}");
        }
    }
}

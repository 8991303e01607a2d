use crate::statistics::e_process::ln_sum_exp;

/// The evidence of one test: its weight beside the others of a rule, and ln E.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct WeightedTest {
    pub(super) name: &'static str,
    pub(super) weight: f64,
    pub(super) ln_e: f64,
}

impl WeightedTest {
    pub(super) fn new(name: &'static str, weight: f64, ln_e: f64) -> Self {
        Self { name, weight, ln_e }
    }
}

/// ln of the weighted average; 0 of none, which is no evidence.
pub(super) fn average(tests: &[WeightedTest]) -> f64 {
    let all: f64 = tests.iter().map(|test| test.weight).sum();
    if all <= 0.0 {
        return 0.0;
    }
    let logs: Vec<f64> = tests.iter().map(|test| (test.weight / all).ln() + test.ln_e).collect();
    ln_sum_exp(&logs)
}

use crate::statistics::e_process::ln_sum_exp;

/// The evidence of one test: its weight beside the others of a rule, and ln E.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Part {
    pub(super) test: &'static str,
    pub(super) weight: f64,
    pub(super) ln_e: f64,
}

impl Part {
    pub(super) fn new(test: &'static str, weight: f64, ln_e: f64) -> Self {
        Self { test, weight, ln_e }
    }
}

/// ln of the weighted average; 0 of none, which is no evidence.
pub(super) fn average(parts: &[Part]) -> f64 {
    let all: f64 = parts.iter().map(|part| part.weight).sum();
    if all <= 0.0 {
        return 0.0;
    }
    let logs: Vec<f64> = parts.iter().map(|part| (part.weight / all).ln() + part.ln_e).collect();
    ln_sum_exp(&logs)
}

//! A verdict as people read it.

use super::evidence::percent;
use super::{Decision, MetricVerdict, Verdict};
use crate::model::Unit;

/// How one rule was judged, in words and figures with their units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerdictRow {
    /// What was compared, such as `latency p95 over 30 min`.
    pub rule: String,
    /// The figure on stable; `–` without data.
    pub stable: String,
    /// The figure on the canary; `–` without data.
    pub canary: String,
    /// How much higher the canary is, with its band where it has one: `+25 % (+20 % to +30 %)`; `–` where
    /// nothing says it.
    pub effect: String,
    /// `pass`, `regression` or `inconclusive`.
    pub decision: &'static str,
}

impl VerdictRow {
    /// What the columns are called.
    pub const HEADINGS: [&str; 5] = ["rule", "stable", "canary", "effect", "verdict"];

    /// The cells, in the order of [`VerdictRow::HEADINGS`].
    #[must_use]
    pub fn cells(&self) -> [&str; 5] {
        [&self.rule, &self.stable, &self.canary, &self.effect, self.decision]
    }
}

impl Verdict {
    /// A row for each rule: regressions first, then what is inconclusive, else in the policy's order.
    ///
    /// ```
    /// # let verdict: nprt_core::verdict::Verdict = serde_json::from_str(r#"{
    /// #     "verdict": "regression", "reason": "x", "range": ["2026-11-23T12:00:00Z", "2026-11-23T12:03:00Z"],
    /// #     "metrics": [{"metric": "latency", "statistic": "p95 over 3 min", "verdict": "regression", "reason": "x",
    /// #         "stable": 0.1, "canary": 0.125, "limit": 0.11, "stable_samples": 600, "canary_samples": 500}]
    /// # }"#)?;
    /// let cells = ["latency p95 over 3 min", "100 ms", "125 ms", "+25 %", "regression"];
    /// assert_eq!(verdict.rows()[0].cells(), cells);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn rows(&self) -> Vec<VerdictRow> {
        let mut metrics: Vec<&MetricVerdict> = self.metrics.iter().collect();
        metrics.sort_by_key(|metric| match metric.decision {
            Decision::Regression => 0,
            Decision::Inconclusive { .. } => 1,
            Decision::Pass => 2,
        });
        metrics.into_iter().map(row).collect()
    }
}

fn row(metric: &MetricVerdict) -> VerdictRow {
    let shown =
        |value: Option<f64>| value.map_or_else(nothing, |value| Unit::of(&metric.metric).figure(value));
    VerdictRow {
        rule: format!("{} {}", metric.metric, metric.statistic),
        stable: shown(metric.stable),
        canary: shown(metric.canary),
        effect: effect(metric).unwrap_or_else(nothing),
        decision: metric.decision.as_str(),
    }
}

fn nothing() -> String {
    "–".to_owned()
}

/// As the evidence has it; a plain rule has none, and its two figures say it without a band.
fn effect(metric: &MetricVerdict) -> Option<String> {
    if let Some(effect) = metric.evidence.as_ref().and_then(|evidence| evidence.effect) {
        return Some(effect.to_string());
    }
    let (stable, canary) = metric.stable.zip(metric.canary)?;
    (stable > 0.0).then(|| percent(canary / stable - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERDICT: &str = include_str!("../conformance/verdict.json");

    #[test]
    fn what_decided_comes_first_with_its_band() {
        let verdict: Verdict = serde_json::from_str(VERDICT).unwrap();
        let rows = verdict.rows();
        let cells: Vec<_> = rows.iter().map(VerdictRow::cells).collect();
        assert_eq!(
            cells,
            [
                ["latency p95 over 30 min", "100 ms", "125 ms", "+25 % (+20 % to +30 %)", "regression"],
                ["memory p99 over 30 min", "256 MiB", "258 MiB", "+0.781 %", "pass"],
            ]
        );
    }

    #[test]
    fn without_figures_there_is_a_dash() {
        let mut verdict: Verdict = serde_json::from_str(VERDICT).unwrap();
        for (stable, canary) in [(None, Some(0.5)), (Some(0.0), Some(0.5)), (None, None)] {
            let memory = &mut verdict.metrics[0];
            (memory.stable, memory.canary) = (stable, canary);
            assert_eq!(verdict.rows()[1].effect, "–");
        }
        assert_eq!((&*verdict.rows()[1].stable, &*verdict.rows()[1].canary), ("–", "–"));
    }
}

//! Flagger's counting. Its documentation (docs.flagger.app, "How it works": `analysis`): every `interval` it
//! compares each metric with its `thresholdRange`; `threshold` is the "max number of failed metric checks
//! before rollback". A run of the checks counts once, whichever metric failed, and the count never falls
//! (`FailedChecks` in its scheduler). Examples there have an interval of a minute and a threshold of 5 or 10;
//! 5 it is here. It rolls back at the start of the next run, which this leaves out in its favour.

use crate::figures::{Figure, Look};

const THRESHOLD: usize = 5;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Threshold {
    /// Of a query that divides by stable's figure.
    Relative,
    /// 50 ms above stable at the median or p95, more than 1 % of requests failing (`min: 99` in the
    /// examples), or more than 0.8 cores.
    Fixed,
}

pub(super) fn regression(threshold: Threshold, looks: &[Look]) -> Option<usize> {
    let failed = |look: &Look| Figure::ALL.into_iter().any(|figure| fails(threshold, figure, look));
    let failures = looks.iter().enumerate().filter(|(_, look)| failed(look));
    failures.map(|(minute, _)| minute + 1).nth(THRESHOLD - 1)
}

fn fails(threshold: Threshold, figure: Figure, look: &Look) -> bool {
    if matches!(threshold, Threshold::Relative) {
        return super::exceeds(figure, look);
    }
    look.both(figure).is_some_and(|(stable, canary)| match figure {
        Figure::MeanLatency => false,
        Figure::MedianLatency | Figure::P95Latency => canary > stable + 0.050,
        Figure::Errors => canary > 0.01,
        Figure::MeanCpu => canary > 0.8,
    })
}

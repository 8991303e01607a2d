//! Argo Rollouts' analysis. Its documentation ("Analysis & Progressive Delivery"): each metric of an
//! `AnalysisRun` is measured every `interval`, `count` times; a measurement that does not meet its
//! `successCondition` has failed; the run fails when a metric has more than `failureLimit` failed
//! measurements in all. The examples there have an interval of five minutes and a limit of 3.
//! `consecutiveErrorLimit` counts measurements that could not be made, of which these runs have none.

use crate::figures::{Figure, Figures};

const FAILURE_LIMIT: usize = 3;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Interval {
    Minute,
    FiveMinutes,
}

pub(super) fn regression(interval: Interval, figures: &Figures) -> Option<usize> {
    let (looks, minutes) = match interval {
        Interval::Minute => (&figures.minutes, 1),
        Interval::FiveMinutes => (&figures.five_minutes, 5),
    };
    let failure = |figure| {
        let failed = looks.iter().enumerate().filter(|(_, look)| super::exceeds(figure, look));
        failed.map(|(index, _)| (index + 1) * minutes).nth(FAILURE_LIMIT)
    };
    Figure::ALL.into_iter().filter_map(failure).min()
}

//! One run: what a service's pods measured, before the canary and beside it.

use nprt::model::{Block, BlockData, MetricName, Track};

use crate::Failure;

pub(crate) const STABLE_PODS: usize = 6;
pub(crate) const CANARY_PODS: usize = 2;
pub(crate) const PODS: usize = STABLE_PODS + CANARY_PODS;
/// Minutes of stable's past, and of the canary's run.
pub(crate) const HISTORY: usize = 60;
pub(crate) const MINUTES: usize = 120;
/// The minute that the canary starts in: 2026-01-01T00:00Z.
pub(crate) const START: i64 = 29_453_760;

/// The blocks of a run, in order.
#[derive(Debug, Default)]
pub(crate) struct Run {
    /// Stable's, from before the canary started.
    pub(crate) history: Vec<Block>,
    /// Both tracks', minute by minute.
    pub(crate) minutes: Vec<Vec<Block>>,
}

/// Whose pod it is: the last ones are the canary's.
pub(crate) fn is_canary(pod: usize) -> bool {
    pod >= STABLE_PODS
}

/// Writes a run down.
#[derive(Debug)]
pub(crate) struct Recorder {
    /// The minutes before the start that are history.
    history: usize,
    pods: Vec<String>,
    run: Run,
}

impl Recorder {
    pub(crate) fn new(history: usize) -> Self {
        let name = |pod| match is_canary(pod) {
            true => format!("canary-{}", pod - STABLE_PODS),
            false => format!("stable-{pod}"),
        };
        Self { history, pods: (0..PODS).map(name).collect(), run: Run::default() }
    }

    /// Whether the canary runs in this minute, counted from the start of the history.
    pub(crate) fn has_canary(&self, minute: usize) -> bool {
        minute >= self.history
    }

    /// Adds what a pod measured in a minute. Minutes come in order; the canary has no history.
    pub(crate) fn add(
        &mut self,
        minute: usize,
        pod: usize,
        route: Option<&str>,
        metric: &MetricName,
        data: BlockData,
    ) {
        let offset = minute as i64 - self.history as i64;
        let block = Block {
            minute: START + offset,
            track: if is_canary(pod) { Track::Canary } else { Track::Stable },
            version: None,
            pod: Some(self.pods[pod].clone()),
            route: route.map(str::to_owned),
            metric: metric.clone(),
            data,
        };
        if !self.has_canary(minute) {
            self.run.history.push(block);
            return;
        }
        let minute = minute - self.history;
        if self.run.minutes.len() <= minute {
            self.run.minutes.resize_with(minute + 1, Vec::new);
        }
        self.run.minutes[minute].push(block);
    }

    pub(crate) fn finish(self) -> Run {
        self.run
    }
}

pub(crate) fn metric(name: &str) -> Result<MetricName, Failure> {
    Ok(MetricName::new(name)?)
}

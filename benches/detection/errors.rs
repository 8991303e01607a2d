//! Runs of failing requests: a base rate that drifts, incidents that hit both tracks, pods that fail by turns.

use std::collections::BTreeMap;
use std::f64::consts::TAU;

use nprt::model::{BlockData, MetricName};
use rand::RngExt;
use rand_distr::{Distribution, Gamma};

use crate::Failure;
use crate::random::{Stream, poisson, stream};
use crate::run::{CANARY_PODS, HISTORY, MINUTES, PODS, Recorder, Run, is_canary, metric};

#[derive(Debug, Clone)]
pub(crate) struct Errors {
    /// The rate of each pod and minute varies: over all pods of the canary with this variance, relative.
    pub(crate) overdispersion: f64,
    /// Requests a minute, of all pods.
    pub(crate) rate: f64,
    /// The share of requests that fail.
    pub(crate) base: f64,
    /// How many times as many fail on the canary.
    pub(crate) factor: f64,
}

impl Errors {
    pub(crate) fn simulate(&self, seed: u64) -> Result<Run, Failure> {
        let minutes = HISTORY + MINUTES;
        let mut drift = stream(seed, Stream::Drift);
        let [traffic, errors] = [0, 1].map(|_| drift.random::<f64>() * TAU);
        let incident = stream(seed, Stream::Incident).random_range(0..2 * (MINUTES - 5)) + HISTORY;
        // A pod varies more than the mean of several.
        let spread = self.overdispersion * CANARY_PODS as f64;
        let spread = (spread > 0.0).then(|| Gamma::new(1.0 / spread, spread)).transpose()?;
        let (mut requests, mut pods) = (stream(seed, Stream::Requests), stream(seed, Stream::Pods));
        let mut failures = stream(seed, Stream::Effect);
        let (all, classes) = (metric(MetricName::REQUESTS)?, metric(MetricName::ERRORS)?);
        let mut recorder = Recorder::new(HISTORY);
        for minute in 0..minutes {
            let wave = |days: f64, phase: f64| (TAU * minute as f64 * days / 1440.0 + phase).sin();
            let traffic = (0.3 * wave(6.0, traffic)).exp() * self.rate / PODS as f64;
            // In every other run.
            let both = if (incident..incident + 5).contains(&minute) { 4.0 } else { 1.0 };
            let base = self.base * both * (0.4 * wave(4.8, errors)).exp();
            for pod in 0..PODS {
                let turn = spread.map_or(1.0, |gamma| gamma.sample(&mut pods));
                let factor = if is_canary(pod) { self.factor } else { 1.0 };
                if is_canary(pod) && !recorder.has_canary(minute) {
                    continue;
                }
                let count = poisson(&mut requests, traffic);
                let failed = poisson(&mut failures, count as f64 * base * factor * turn).min(count);
                let named = if failed > 0 {
                    BTreeMap::from([("timeout".to_owned(), failed)])
                } else {
                    BTreeMap::new()
                };
                recorder.add(
                    minute,
                    pod,
                    None,
                    &all,
                    BlockData::Requests { requests: count, errors: failed },
                );
                recorder.add(minute, pod, None, &classes, BlockData::Classes(named));
            }
        }
        Ok(recorder.finish())
    }
}

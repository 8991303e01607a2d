//! Runs of CPU: a real host's series is what all pods share, its own short deviations, shuffled in blocks, are
//! what each pod adds.

use nprt::model::{BlockData, MetricName};
use rand::RngExt;

use crate::Failure;
use crate::random::{Random, Stream, normal, stream};
use crate::run::{HISTORY, MINUTES, PODS, Recorder, Run, is_canary, metric};
use crate::series::{CPU, excerpt, median};

/// Values of the series that stay together when its deviations are shuffled.
const BLOCK: usize = 5;

#[derive(Debug, Clone)]
pub(crate) struct Gauge {
    /// How much the pods differ for good: the standard deviation of the logarithm.
    pub(crate) pods: f64,
    /// How many times as much the canary uses.
    pub(crate) factor: f64,
}

impl Gauge {
    pub(crate) fn simulate(&self, seed: u64) -> Result<Run, Failure> {
        let minutes = HISTORY + MINUTES;
        let series: &[f64] = if seed.is_multiple_of(2) { &CPU[0] } else { &CPU[1] };
        let shared = excerpt(series, &mut stream(seed, Stream::Drift), minutes);
        let deviations = deviations(series);
        let mut random = stream(seed, Stream::Pods);
        let pods: [(f64, Vec<f64>); PODS] = std::array::from_fn(|_| {
            ((normal(&mut random) * self.pods).exp(), shuffled(&deviations, &mut random, minutes))
        });
        let metric = metric(MetricName::CPU)?;
        let mut recorder = Recorder::new(HISTORY);
        for minute in 0..minutes {
            for (pod, (level, deviations)) in pods.iter().enumerate() {
                if is_canary(pod) && !recorder.has_canary(minute) {
                    continue;
                }
                let percent = (shared[minute] * level + deviations[minute]).clamp(0.5, 100.0);
                let factor = if is_canary(pod) { self.factor } else { 1.0 };
                let cores = (percent * factor).clamp(0.5, 100.0) / 100.0;
                recorder.add(minute, pod, None, &metric, BlockData::Value(cores));
            }
        }
        Ok(recorder.finish())
    }
}

/// What a value is above the median of the hour around it.
fn deviations(series: &[f64]) -> Vec<f64> {
    let around = |at: usize| median(&series[at.saturating_sub(6)..series.len().min(at + 7)]);
    series.iter().enumerate().map(|(at, value)| value - around(at)).collect()
}

fn shuffled(deviations: &[f64], random: &mut Random, length: usize) -> Vec<f64> {
    let mut shuffled = Vec::with_capacity(length + BLOCK);
    while shuffled.len() < length {
        let from = random.random_range(0..deviations.len() - BLOCK);
        shuffled.extend_from_slice(&deviations[from..from + BLOCK]);
    }
    shuffled
}

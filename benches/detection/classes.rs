//! Runs of error classes: a background whose classes follow Zipf's law, so that some are always seen for the
//! first time; failures come in clusters. A dependency's new failure may hit both tracks.

use std::collections::BTreeMap;

use nprt::model::{BlockData, MetricName};
use rand::RngExt;
use rand_distr::{Distribution, Geometric, Zipf};

use crate::Failure;
use crate::random::{Random, Stream, poisson, stream, whole};
use crate::run::{HISTORY, MINUTES, PODS, Recorder, Run, is_canary, metric};

/// How many classes there are, and how fast their frequency falls with their rank.
const CLASSES: (f64, f64) = (200_000.0, 1.6);
/// The share of requests that fail in the background.
const FAILING: f64 = 0.01;
/// The mean size of a cluster of failures.
const CLUSTER: f64 = 3.0;
/// In this share of runs a dependency fails in a new way, for all: a cluster begins at this share of requests.
const DEPENDENCY: (f64, f64) = (0.3, 1e-3);

#[derive(Debug, Clone)]
pub(crate) struct Classes {
    /// Of stable's past.
    pub(crate) days: usize,
    /// Requests a minute, of all pods.
    pub(crate) rate: f64,
    /// The share of the canary's requests that begin a cluster of failures of a new kind.
    pub(crate) new: f64,
}

impl Classes {
    pub(crate) fn simulate(&self, seed: u64) -> Result<Run, Failure> {
        let history = HISTORY * 24 * self.days;
        let (share, dependency) = DEPENDENCY;
        let mut incident = stream(seed, Stream::Incident);
        let begins = history + incident.random_range(0..MINUTES);
        let fails = incident.random::<f64>() < share;
        let zipf = Zipf::new(CLASSES.0, CLASSES.1)?;
        let cluster = Geometric::new(1.0 / CLUSTER)?;
        let (mut requests, mut worse) = (stream(seed, Stream::Requests), stream(seed, Stream::Effect));
        let (all, classes) = (metric(MetricName::REQUESTS)?, metric(MetricName::ERRORS)?);
        let mut recorder = Recorder::new(history);
        for minute in 0..history + MINUTES {
            for pod in 0..PODS {
                let canary = is_canary(pod);
                if canary && !recorder.has_canary(minute) {
                    continue;
                }
                let traffic = self.rate / PODS as f64;
                let mut named = BTreeMap::new();
                let mut fail = |class: String, random: &mut Random| {
                    *named.entry(class).or_insert(0) += 1 + cluster.sample(random);
                };
                for _ in 0..poisson(&mut requests, traffic * FAILING / CLUSTER) {
                    fail(format!("class-{}", whole(zipf.sample(&mut requests))), &mut requests);
                }
                if fails && minute >= begins {
                    for _ in 0..poisson(&mut incident, traffic * dependency) {
                        fail("dependency".to_owned(), &mut incident);
                    }
                }
                if canary {
                    for _ in 0..poisson(&mut worse, traffic * self.new) {
                        fail("new".to_owned(), &mut worse);
                    }
                }
                let errors = named.values().sum();
                let requests = poisson(&mut requests, traffic).max(errors);
                recorder.add(minute, pod, None, &all, BlockData::Requests { requests, errors });
                recorder.add(minute, pod, None, &classes, BlockData::Classes(named));
            }
        }
        Ok(recorder.finish())
    }
}

//! Runs of latency: a service of four routes under synthetic or recorded drift, or the trace of a language
//! model.

use nprt::model::{BlockData, MetricName};
use rand::RngExt;
use rand_distr::{Distribution, Exp1};

use crate::Failure;
use crate::effect::Effect;
use crate::noise::Noise;
use crate::random::{Random, Stream, normal, poisson, stream};
use crate::run::{HISTORY, MINUTES, PODS, Recorder, Run, is_canary, metric};
use crate::series::{LANGUAGE_MODEL, median};
use crate::service::{ROUTE_NAMES, ROUTES, Service, TAIL};

#[derive(Debug, Clone)]
pub(crate) struct Latency {
    pub(crate) source: Source,
    pub(crate) noise: Noise,
    /// Requests a minute, of all pods; a trace has its own.
    pub(crate) rate: f64,
    pub(crate) effect: Effect,
    /// Pods of the canary start cold: 1.6 times as slow, at `exp(-minutes/3)`.
    pub(crate) cold: bool,
    /// Both tracks are three times as slow for five minutes.
    pub(crate) incident: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Routes,
    Recorded,
    LanguageModel,
}

impl Latency {
    pub(crate) fn simulate(&self, seed: u64, by_route: bool) -> Result<Run, Failure> {
        match self.source {
            Source::LanguageModel => self.language_model(seed),
            Source::Routes | Source::Recorded => self.service(seed, by_route),
        }
    }

    /// What each pod's latencies are multiplied by, each minute.
    fn factors(&self, seed: u64, history: usize, minutes: usize) -> Vec<Vec<f64>> {
        let mut random = stream(seed, Stream::Pods);
        let incident = stream(seed, Stream::Incident).random_range(history..minutes - 5);
        let factors = |pod| {
            let logs = self.noise.pod(&mut random, minutes).into_iter().enumerate();
            logs.map(|(minute, log)| {
                let age = minute.checked_sub(history).filter(|_| self.cold && is_canary(pod));
                let cold = age.map_or(1.0, |age| 1.0 + 0.6 * (-(age as f64) / 3.0).exp());
                let both =
                    if self.incident && (incident..incident + 5).contains(&minute) { 3.0 } else { 1.0 };
                log.exp() * cold * both
            })
            .collect()
        };
        (0..PODS).map(factors).collect()
    }

    fn service(&self, seed: u64, by_route: bool) -> Result<Run, Failure> {
        let minutes = HISTORY + MINUTES;
        let drift = &mut stream(seed, Stream::Drift);
        let service = match self.source {
            Source::Recorded => Service::recorded(drift, minutes),
            _ => Service::synthetic(drift, minutes),
        };
        let factors = self.factors(seed, HISTORY, minutes);
        let (mut requests, mut worse) = (stream(seed, Stream::Requests), stream(seed, Stream::Effect));
        let metric = metric(MetricName::LATENCY)?;
        let mut recorder = Recorder::new(HISTORY);
        for minute in 0..minutes {
            let pods = if recorder.has_canary(minute) { PODS } else { PODS - crate::run::CANARY_PODS };
            let traffic = service.traffic[minute] * self.rate / PODS as f64;
            for (pod, factors) in factors.iter().enumerate().take(pods) {
                let factor = service.drift[minute].exp() * factors[minute];
                let mut all = Vec::new();
                for (route, share) in service.mix[minute].into_iter().enumerate() {
                    let count = poisson(&mut requests, traffic * share);
                    let sample = |_| {
                        let seconds = factor * request(route, &mut requests);
                        if is_canary(pod) { self.effect.apply(seconds, route, &mut worse) } else { seconds }
                    };
                    all.extend((0..count).map(sample));
                    if by_route && !all.is_empty() {
                        let samples = BlockData::Samples(std::mem::take(&mut all));
                        recorder.add(minute, pod, Some(ROUTE_NAMES[route]), &metric, samples);
                    }
                }
                if !all.is_empty() {
                    recorder.add(minute, pod, None, &metric, BlockData::Samples(all));
                }
            }
        }
        Ok(recorder.finish())
    }

    /// The hour of the trace three times over, its requests dealt to the pods by chance; the first is
    /// history. A request takes 40 ms, 0.05 ms for each token of its context and 15 ms for each generated.
    fn language_model(&self, seed: u64) -> Result<Run, Failure> {
        let seconds = |(context, generated): (f64, f64)| 0.040 + 0.000_05 * context + 0.015 * generated;
        let (history, minutes) = (LANGUAGE_MODEL.len(), 3 * LANGUAGE_MODEL.len());
        let usual = median(&LANGUAGE_MODEL.iter().flatten().copied().map(seconds).collect::<Vec<_>>());
        // The effects are meant for a service that takes 100 ms.
        let effect = self.effect.scaled(usual / 0.1);
        let factors = self.factors(seed, history, minutes);
        let (mut requests, mut worse) = (stream(seed, Stream::Requests), stream(seed, Stream::Effect));
        let metric = metric(MetricName::LATENCY)?;
        let mut recorder = Recorder::new(history);
        for minute in 0..minutes {
            let mut pods = vec![Vec::new(); PODS];
            for &tokens in &LANGUAGE_MODEL[minute % history] {
                let pod = requests.random_range(0..PODS);
                let seconds = seconds(tokens) * factors[pod][minute];
                let canary = is_canary(pod) && recorder.has_canary(minute);
                pods[pod].push(if canary { effect.apply(seconds, 0, &mut worse) } else { seconds });
            }
            for (pod, samples) in pods.into_iter().enumerate() {
                if !samples.is_empty() && (recorder.has_canary(minute) || !is_canary(pod)) {
                    recorder.add(minute, pod, None, &metric, BlockData::Samples(samples));
                }
            }
        }
        Ok(recorder.finish())
    }
}

/// The seconds of one request, before drift and pods.
fn request(route: usize, random: &mut Random) -> f64 {
    let (_, median, deviation) = ROUTES[route];
    let seconds = median * (deviation * normal(random)).exp();
    let (share, mean) = TAIL;
    let tail: f64 = if random.random::<f64>() < share { Exp1.sample(random) } else { 0.0 };
    seconds + tail * mean
}

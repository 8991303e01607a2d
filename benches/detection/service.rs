//! What all pods of a service share from minute to minute: load, drift of latency, mix of routes.

use std::f64::consts::TAU;

use rand::RngExt;

use crate::random::{Random, autoregressive};
use crate::series::{REQUEST_COUNT, REQUEST_LATENCY, excerpt, median};

/// Share of requests, median in seconds, and standard deviation of the logarithm of each route.
pub(crate) const ROUTES: [(f64, f64, f64); 4] =
    [(0.55, 0.040, 0.35), (0.30, 0.090, 0.45), (0.12, 0.250, 0.5), (0.03, 0.900, 0.7)];
pub(crate) const ROUTE_NAMES: [&str; 4] = ["/", "/product", "/cart", "/checkout"];
/// This share of stable's requests takes longer, by so many seconds on average (exponential).
pub(crate) const TAIL: (f64, f64) = (0.005, 0.4);

/// One value a minute each.
#[derive(Debug)]
pub(crate) struct Service {
    /// The logarithm of what every latency is multiplied by.
    pub(crate) drift: Vec<f64>,
    /// Relative to the mean.
    pub(crate) traffic: Vec<f64>,
    /// The share of each route.
    pub(crate) mix: Vec<[f64; 4]>,
}

impl Service {
    /// Over the day a sine, from minute to minute autoregressive.
    pub(crate) fn synthetic(random: &mut Random, minutes: usize) -> Self {
        let phase = random.random::<f64>() * TAU;
        let day = |minute: usize, shift: f64| (TAU * minute as f64 / 1440.0 + phase + shift).sin();
        let drift = autoregressive(random, minutes, 0.7, 0.06);
        let traffic = autoregressive(random, minutes, 0.8, 0.1);
        Self {
            drift: drift.iter().enumerate().map(|(minute, noise)| 0.25 * day(minute, 0.0) + noise).collect(),
            traffic: relative(
                traffic.iter().enumerate().map(|(minute, noise)| (0.4 * day(minute, 0.5) + noise).exp()),
            ),
            mix: mix(random, minutes),
        }
    }

    /// Drift and traffic of real hosts.
    pub(crate) fn recorded(random: &mut Random, minutes: usize) -> Self {
        let usual = median(&REQUEST_LATENCY);
        let latency = excerpt(&REQUEST_LATENCY, random, minutes);
        let requests = excerpt(&REQUEST_COUNT, random, minutes);
        Self {
            drift: latency.iter().map(|value| (value / usual).ln()).collect(),
            traffic: relative(requests.iter().map(|count| count.clamp(5.0, 300.0))),
            mix: mix(random, minutes),
        }
    }
}

fn relative(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<_> = values.collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter_mut().for_each(|value| *value /= mean);
    values
}

/// The routes' shares wander slowly.
fn mix(random: &mut Random, minutes: usize) -> Vec<[f64; 4]> {
    let wander = ROUTES.map(|_| autoregressive(random, minutes, 0.97, 0.15));
    let at = |minute: usize| {
        let mut shares = [0.0; 4];
        for (route, share) in shares.iter_mut().enumerate() {
            *share = ROUTES[route].0 * wander[route][minute].exp();
        }
        let sum: f64 = shares.iter().sum();
        shares.map(|share| share / sum)
    };
    (0..minutes).map(at).collect()
}

//! Seeded randomness. A run draws from several streams, so that one with an effect and one without have the
//! same requests, pods and drift.

use rand::SeedableRng;
use rand_distr::{Distribution, Poisson, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;

pub(crate) type Random = Xoshiro256PlusPlus;

/// What a stream is for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stream {
    Drift,
    Pods,
    Requests,
    Effect,
    Incident,
}

/// The stream of a seed; the generator's own hash keeps neighbours apart.
pub(crate) fn stream(seed: u64, stream: Stream) -> Random {
    Random::seed_from_u64(seed.wrapping_mul(16).wrapping_add(stream as u64))
}

pub(crate) fn normal(random: &mut Random) -> f64 {
    StandardNormal.sample(random)
}

/// How many come, when `mean` are expected.
pub(crate) fn poisson(random: &mut Random, mean: f64) -> u64 {
    Poisson::new(mean).map_or(0, |counts| whole(counts.sample(random)))
}

/// A count that a distribution gave as a float.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, and never below zero")]
pub(crate) fn whole(count: f64) -> u64 {
    count as u64
}

/// An autoregressive series of order 1 with mean 0 and this standard deviation.
pub(crate) fn autoregressive(random: &mut Random, length: usize, rho: f64, deviation: f64) -> Vec<f64> {
    let innovation = deviation * (1.0 - rho * rho).sqrt();
    let mut value = normal(random) * deviation;
    let mut series = Vec::with_capacity(length);
    for _ in 0..length {
        series.push(value);
        value = rho * value + innovation * normal(random);
    }
    series
}

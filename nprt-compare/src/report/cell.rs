//! What was measured of a metric on one track in the minutes of one point.

use std::collections::BTreeMap;

use nprt_core::model::BlockData;

use crate::Percentile;
use crate::sketch::{Sparse, middle};

/// Sums that add up over pods, routes and minutes.
#[derive(Debug, Clone, Default)]
pub(super) struct Cell {
    /// Samples, histograms and values by bin.
    pub(super) bins: Sparse,
    /// Whether some of them were samples, not values of pods.
    pub(super) samples: bool,
    value_sum: f64,
    /// One a pod and minute.
    values: u64,
    pub(super) requests: u64,
    pub(super) errors: u64,
    pub(super) classes: BTreeMap<String, u64>,
}

impl Cell {
    /// Adds valid measurements.
    pub(super) fn add(&mut self, data: &BlockData) {
        match data {
            BlockData::Samples(samples) => {
                self.samples = true;
                self.bins.merge(&Sparse::of_samples(samples));
            }
            BlockData::Histogram { edges, counts } => {
                self.samples = true;
                self.bins.merge(&Sparse::of_histogram(edges, counts));
            }
            BlockData::Value(value) => {
                self.value_sum += value.abs();
                self.values += 1;
                self.bins.merge(&Sparse::of_samples(&[*value]));
            }
            BlockData::Requests { requests, errors } => {
                self.requests = self.requests.saturating_add(*requests);
                self.errors = self.errors.saturating_add(*errors);
            }
            BlockData::Classes(classes) => {
                for (class, count) in classes {
                    let sum = self.classes.entry(class.clone()).or_default();
                    *sum = sum.saturating_add(*count);
                }
            }
        }
    }

    /// Adds all of another.
    pub(super) fn merge(&mut self, other: &Self) {
        self.bins.merge(&other.bins);
        self.samples |= other.samples;
        self.value_sum += other.value_sum;
        self.values += other.values;
        self.requests = self.requests.saturating_add(other.requests);
        self.errors = self.errors.saturating_add(other.errors);
        for (class, count) in &other.classes {
            let sum = self.classes.entry(class.clone()).or_default();
            *sum = sum.saturating_add(*count);
        }
    }

    /// The percentile, as the middle of its bin.
    pub(super) fn percentile(&self, percentile: Percentile) -> Option<f64> {
        let rank = percentile.rank(self.bins.count());
        let mut below = 0_u64;
        let bin = self.bins.iter().find(|(_, count)| {
            below = below.saturating_add(*count);
            below >= rank
        });
        bin.map(|(bin, _)| middle(bin)).filter(|_| rank > 0)
    }

    /// The mean of values.
    pub(super) fn mean(&self) -> Option<f64> {
        (self.values > 0).then(|| self.value_sum / self.values as f64).filter(|mean| mean.is_finite())
    }

    /// Failed by all.
    pub(super) fn rate(&self) -> Option<f64> {
        (self.requests > 0).then(|| self.errors as f64 / self.requests as f64)
    }

    /// Samples or requests, whichever are counted.
    pub(super) fn count(&self) -> u64 {
        if self.requests > 0 { self.requests } else { self.bins.count() }
    }

    /// Whether nothing was measured.
    pub(super) fn is_empty(&self) -> bool {
        self.bins.is_empty() && self.requests == 0 && self.classes.is_empty()
    }
}

//! The points of an instrument, of whatever form.

use super::message::{KeyValue, Metric};
use super::total::Total;
use crate::statsd::Reason;

/// What the number of a point means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// What is, now.
    Level,
    /// What was added between its start and its time.
    Delta,
    /// What was counted since its start.
    Cumulative,
    /// Nothing that can be used: quantiles, or a temporality that nobody knows.
    Unusable,
}

#[derive(Debug)]
pub(super) struct Point<'a> {
    pub(super) attributes: &'a [KeyValue],
    /// Nanoseconds since 1970; 0 where it is not known.
    pub(super) start: u64,
    pub(super) time: u64,
    pub(super) total: Result<Total, Reason>,
    flags: u32,
}

/// Says that a stream has ended.
const NO_RECORDED_VALUE: u32 = 1;

const DELTA: i32 = 1;
const CUMULATIVE: i32 = 2;

impl Meaning {
    fn by(temporality: i32) -> Self {
        match temporality {
            DELTA => Self::Delta,
            CUMULATIVE => Self::Cumulative,
            _ => Self::Unusable,
        }
    }

    /// That of the points of an instrument.
    pub(super) fn of(metric: &Metric) -> Self {
        match metric {
            Metric { histogram: Some(histogram), .. } => Self::by(histogram.aggregation_temporality),
            Metric { exponential_histogram: Some(histogram), .. } => {
                Self::by(histogram.aggregation_temporality)
            }
            Metric { sum: Some(sum), .. } => {
                match (sum.is_monotonic, Self::by(sum.aggregation_temporality)) {
                    (true, meaning) => meaning,
                    // A total that goes up and down is what is, now.
                    (false, Self::Cumulative) => Self::Level,
                    (false, _) => Self::Unusable,
                }
            }
            Metric { gauge: Some(_), .. } => Self::Level,
            _ => Self::Unusable,
        }
    }
}

impl Point<'_> {
    /// Whether it measures anything.
    pub(super) fn measures(&self) -> bool {
        self.flags & NO_RECORDED_VALUE == 0
    }
}

/// The points of an instrument; of a summary there are none.
pub(super) fn points(metric: &Metric) -> impl Iterator<Item = Point<'_>> {
    let numbers = metric.gauge.iter().flat_map(|gauge| &gauge.data_points);
    let numbers = numbers.chain(metric.sum.iter().flat_map(|sum| &sum.data_points)).map(|point| Point {
        attributes: &point.attributes,
        start: point.start_time_unix_nano,
        time: point.time_unix_nano,
        total: Total::of_number(point),
        flags: point.flags,
    });
    let histograms = metric.histogram.iter().flat_map(|histogram| &histogram.data_points);
    let histograms = histograms.map(|point| Point {
        attributes: &point.attributes,
        start: point.start_time_unix_nano,
        time: point.time_unix_nano,
        total: Total::of_histogram(point),
        flags: point.flags,
    });
    let exponential = metric.exponential_histogram.iter().flat_map(|histogram| &histogram.data_points);
    let exponential = exponential.map(|point| Point {
        attributes: &point.attributes,
        start: point.start_time_unix_nano,
        time: point.time_unix_nano,
        total: Total::of_exponential(point),
        flags: point.flags,
    });
    numbers.chain(histograms).chain(exponential)
}

/// How many attributes each point of an instrument has.
pub(super) fn attribute_counts(metric: &Metric) -> impl Iterator<Item = usize> {
    let numbers = metric.gauge.iter().flat_map(|gauge| &gauge.data_points);
    let numbers = numbers.chain(metric.sum.iter().flat_map(|sum| &sum.data_points));
    let histograms = metric.histogram.iter().flat_map(|histogram| &histogram.data_points);
    let exponential = metric.exponential_histogram.iter().flat_map(|histogram| &histogram.data_points);
    numbers
        .map(|point| point.attributes.len())
        .chain(histograms.map(|point| point.attributes.len()))
        .chain(exponential.map(|point| point.attributes.len()))
}

/// How many points an instrument has.
pub(super) fn count(metric: &Metric) -> usize {
    let summaries = metric.summary.as_ref().map_or(0, |summary| summary.data_points.len());
    let histograms = metric.histogram.as_ref().map_or(0, |histogram| histogram.data_points.len());
    let exponential =
        metric.exponential_histogram.as_ref().map_or(0, |histogram| histogram.data_points.len());
    let sums = metric.sum.as_ref().map_or(0, |sum| sum.data_points.len());
    let gauges = metric.gauge.as_ref().map_or(0, |gauge| gauge.data_points.len());
    summaries + histograms + exponential + sums + gauges
}

//! Points of each form.

use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram,
    HistogramDataPoint, NumberDataPoint, Sum, exponential_histogram_data_point, number_data_point,
};

use crate::world::{Pairs, pairs};

pub(crate) const DELTA: i32 = AggregationTemporality::Delta as i32;
pub(crate) const CUMULATIVE: i32 = AggregationTemporality::Cumulative as i32;
/// Edges of the buckets, in seconds.
pub(crate) const EDGES: [f64; 3] = [0.25, 0.5, 1.0];

pub(crate) fn histogram(aggregation_temporality: i32, data_points: Vec<HistogramDataPoint>) -> Data {
    Data::Histogram(Histogram { data_points, aggregation_temporality })
}

/// Counts between [`EDGES`], from `start` to `time`.
pub(crate) fn counts(
    (start, time): (u64, u64),
    attributes: Pairs<'_>,
    counts: [u64; 4],
) -> HistogramDataPoint {
    HistogramDataPoint {
        attributes: pairs(attributes),
        start_time_unix_nano: start,
        time_unix_nano: time,
        count: counts.iter().sum(),
        sum: Some(1.0),
        bucket_counts: counts.to_vec(),
        explicit_bounds: EDGES.to_vec(),
        ..HistogramDataPoint::default()
    }
}

pub(crate) fn exponential(
    (start, time): (u64, u64),
    attributes: Pairs<'_>,
    (scale, offset): (i32, i32),
    bucket_counts: &[u64],
) -> Data {
    let positive =
        exponential_histogram_data_point::Buckets { offset, bucket_counts: bucket_counts.to_vec() };
    let point = ExponentialHistogramDataPoint {
        attributes: pairs(attributes),
        start_time_unix_nano: start,
        time_unix_nano: time,
        count: bucket_counts.iter().sum::<u64>() + 2,
        zero_count: 2,
        scale,
        positive: Some(positive),
        ..ExponentialHistogramDataPoint::default()
    };
    let aggregation_temporality = CUMULATIVE;
    Data::ExponentialHistogram(ExponentialHistogram { data_points: vec![point], aggregation_temporality })
}

pub(crate) fn number((start, time): (u64, u64), attributes: Pairs<'_>, value: f64) -> NumberDataPoint {
    NumberDataPoint {
        attributes: pairs(attributes),
        start_time_unix_nano: start,
        time_unix_nano: time,
        value: Some(number_data_point::Value::AsDouble(value)),
        ..NumberDataPoint::default()
    }
}

pub(crate) fn gauge(data_points: Vec<NumberDataPoint>) -> Data {
    Data::Gauge(Gauge { data_points })
}

pub(crate) fn sum(
    aggregation_temporality: i32,
    is_monotonic: bool,
    data_points: Vec<NumberDataPoint>,
) -> Data {
    Data::Sum(Sum { data_points, aggregation_temporality, is_monotonic })
}

//! What each shape of a metric makes of the series of its queries.

use nprt_core::model::Block;

use super::DatadogMetric;
use super::buckets::histograms;
use super::client::Series;
use super::read::Reader;
use crate::Labels;
use crate::assemble::{Assembly, Line};

impl DatadogMetric {
    /// The tag that tells the parts of a block from each other.
    pub(super) fn part<'a>(&'a self, tags: &'a Labels) -> Option<&'a str> {
        match self {
            Self::Classes { .. } => Some(&tags.class),
            Self::Histogram { edge, .. } => Some(edge),
            Self::Value { .. } | Self::Distribution { .. } | Self::Requests { .. } => None,
        }
    }
}

/// The blocks of `metric`.
pub(super) fn blocks(
    metric: &DatadogMetric,
    assembly: Assembly<'_>,
    reader: &mut Reader<'_>,
    series: &[Series],
) -> Result<Vec<Block>, String> {
    match metric {
        DatadogMetric::Value { unit, scale, .. } => {
            let mut lines: Vec<Line> = reader.lines(series, |_| Some(()));
            let points = lines.iter_mut().flat_map(|line| &mut line.points);
            points.for_each(|(_, value)| *value = unit.convert(*value) * scale);
            assembly.values(&lines, reader.measured)
        }
        DatadogMetric::Requests { .. } => {
            let mut of = |query| -> Vec<Line> {
                reader.lines(series.iter().filter(|series| series.query == query), |_| Some(()))
            };
            let (requests, errors) = (of(0), of(1));
            assembly.requests(&requests, &errors, reader.measured)
        }
        DatadogMetric::Classes { .. } => {
            let class = reader.labels.class.clone();
            let lines = reader.lines(series, |series| Some(series.tag(&class).map(str::to_owned)));
            assembly.classes(&lines, reader.measured)
        }
        DatadogMetric::Histogram { edge, unit, .. } => {
            let lines = reader.lines(series, |series| upper(series.tag(edge)).map(|edge| unit.convert(edge)));
            histograms(assembly, &lines, None, reader.measured)
        }
        DatadogMetric::Distribution { edges, unit, .. } => {
            let edges: Vec<f64> = edges.iter().map(|edge| unit.convert(*edge)).collect();
            let of = |series: &Series| Some(edges.get(series.query).copied().unwrap_or(f64::INFINITY));
            let lines = reader.lines(series, of);
            histograms(assembly, &lines, Some(&edges), reader.measured)
        }
    }
}

/// The edge that a tag of the Agent names: a number, or what it calls the bucket of all.
fn upper(tag: Option<&str>) -> Option<f64> {
    match tag? {
        "none" | "inf" | "+inf" | "+Inf" => Some(f64::INFINITY),
        text => text.parse().ok().filter(|edge: &f64| !edge.is_nan()),
    }
}

use jiff::Timestamp;
use serde::de::{DeserializeSeed, Deserializer, Error as _};
use serde::ser::{Error as _, SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use super::data::{data, missing};
use super::fields::{Fields, Place};
use crate::compare::series;
use crate::model::{Block, BlockData, MetricName, TimeRange};
use crate::{Error, Result};

impl Fields {
    /// The block that these are.
    pub(super) fn into_block(mut self) -> Result<Block> {
        let minute = self.minute.ok_or_else(|| missing("minute"))?;
        let track = self.track.take().ok_or_else(|| missing("track"))?;
        let track = track.parse().map_err(|error: Error| error.with("field", "track"))?;
        let metric = self.metric.take().ok_or_else(|| missing("metric"))?;
        let metric = MetricName::new(&metric).map_err(|error| error.with("field", "metric"))?;
        let (version, pod, route) = (self.version.take(), self.pod.take(), self.route.take());
        let data = data(self, &metric)?;
        let block = Block { minute, track, version, pod, route, metric, data }.with_shown_names();
        check(&block)?;
        Ok(block)
    }
}

/// What a block must be to be read, and so to be written.
pub(super) fn check(block: &Block) -> Result<()> {
    minute(block.minute)?;
    series::check(&block.data).map_err(|error| error.with("field", field(&block.data)))
}

/// The field that a fault of the measurements lies in.
pub(super) fn field(data: &BlockData) -> &'static str {
    match data {
        BlockData::Samples(_) => "samples",
        BlockData::Histogram { .. } => "histogram",
        BlockData::Value(_) => "value",
        BlockData::Requests { .. } => "errors",
        BlockData::Classes(_) => "classes",
    }
}

/// The time that a minute takes.
pub(super) fn minute(minute: i64) -> Result<TimeRange> {
    let at = |second: Option<i64>| second.and_then(|second| Timestamp::from_second(second).ok());
    let start = minute.checked_mul(60);
    match at(start).zip(at(start.and_then(|start| start.checked_add(60)))) {
        Some((start, end)) => TimeRange::new(start, end),
        None => Err(Error::invalid("replay.read", "expected a minute from year -9999 to year 9999")
            .with("field", "minute")
            .with("minute", minute)),
    }
}

/// Writes a block's fields; what could not be read back is an error.
pub(super) fn write<M: SerializeMap>(block: &Block, map: &mut M) -> Result<(), M::Error> {
    check(block).map_err(M::Error::custom)?;
    map.serialize_entry("minute", &block.minute)?;
    map.serialize_entry("track", &block.track)?;
    for (name, value) in [("pod", &block.pod), ("route", &block.route), ("version", &block.version)] {
        if let Some(value) = value {
            map.serialize_entry(name, value)?;
        }
    }
    map.serialize_entry("metric", &block.metric)?;
    match &block.data {
        BlockData::Samples(samples) => map.serialize_entry("samples", samples),
        BlockData::Histogram { edges, counts } => {
            #[derive(Serialize)]
            struct Histogram<'b> {
                edges: &'b [f64],
                counts: &'b [u64],
            }
            map.serialize_entry("histogram", &Histogram { edges, counts })
        }
        BlockData::Value(value) => map.serialize_entry("value", value),
        BlockData::Requests { requests, errors } => {
            map.serialize_entry("requests", requests)?;
            map.serialize_entry("errors", errors)
        }
        BlockData::Classes(classes) => map.serialize_entry("classes", classes),
    }
}

/// As the object of [`replay`](crate::compare::replay), without `run`; times in seconds.
///
/// An error for what could not be read back, such as a NaN.
impl Serialize for Block {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        write(self, &mut map)?;
        map.end()
    }
}

/// From the object of [`replay`](crate::compare::replay), without `run`.
impl<'de> Deserialize<'de> for Block {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = Place::default().deserialize(deserializer)?;
        if fields.run.is_some() {
            return Err(D::Error::custom("`run` belongs to a record, not to a block alone"));
        }
        fields.into_block().map_err(D::Error::custom)
    }
}

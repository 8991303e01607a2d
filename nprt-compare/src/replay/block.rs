use std::borrow::Borrow;

use jiff::Timestamp;
use nprt_core::model::{Block, BlockData, MetricName, TimeRange, Track};
use nprt_core::ports::LeftOut;
use nprt_core::{Error, Result};
use serde::de::{DeserializeSeed, Deserializer, Error as _};
use serde::ser::{Error as _, SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use super::data::{data, missing};
use super::fields::{Fields, Place};
use super::line::{Line, reasons};
use super::{Record, RunId};
use crate::series;

impl Fields {
    /// The block that these are.
    ///
    /// # Errors
    /// `Invalid` where something of it is left out, too: whoever asks for a block alone would not know.
    pub(super) fn into_block(self) -> Result<Block> {
        let mut lines = self.into_lines(&RunId::from(0_u64))?.into_iter();
        match (lines.next(), lines.next()) {
            (Some(Line::Block(Record { block, .. })), None) => Ok(block),
            _ => Err(Error::invalid("replay.read", "expected a block of which nothing is left out")
                .with("field", "left_out")),
        }
    }

    /// What these say: a block, and what of it could not be used.
    pub(super) fn into_lines(mut self, run: &RunId) -> Result<Vec<Line>> {
        let at = self.minute.ok_or_else(|| missing("minute"))?;
        minute(at)?;
        let track = self.track.take().map(|track| track.parse::<Track>()).transpose();
        let track = track.map_err(|error| error.with("field", "track"))?;
        let metric = self.metric.take().ok_or_else(|| missing("metric"))?;
        let metric = MetricName::new(&metric).map_err(|error| error.with("field", "metric"))?;
        let mut lines = Vec::new();
        let left_out = match self.left_out.take() {
            Some(named) => {
                self.says_nothing_else()?;
                reasons(named)?
            }
            None => {
                let track = track.ok_or_else(|| missing("track"))?;
                let (version, pod, route) = (self.version.take(), self.pod.take(), self.route.take());
                let (data, bad) = data(self, &metric)?;
                if let Some(data) = data {
                    let metric = metric.clone();
                    let block =
                        Block { minute: at, track, version, pod, route, metric, data }.with_shown_names();
                    check(&block)?;
                    lines.push(Line::Block(Record { run: run.clone(), block }));
                }
                bad
            }
        };
        lines.extend(left_out.into_iter().map(|(reason, points)| {
            let left_out = LeftOut { reason, minute: Some(at), track, points };
            Line::LeftOut { run: run.clone(), metric: metric.clone(), left_out }
        }));
        Ok(lines)
    }

    /// Beside what is left out there is nothing: it has no measurements, and is counted by metric, minute and track.
    fn says_nothing_else(&self) -> Result<()> {
        let said = [
            ("pod", self.pod.is_some()),
            ("route", self.route.is_some()),
            ("version", self.version.is_some()),
            ("unit", self.unit.is_some()),
            ("samples", self.samples.is_some()),
            ("histogram", self.histogram.is_some()),
            ("value", self.value.is_some()),
            ("requests", self.requests.is_some()),
            ("errors", self.errors.is_some()),
            ("classes", self.classes.is_some()),
        ];
        match said.into_iter().find(|(_, is_said)| *is_said) {
            None => Ok(()),
            Some((field, _)) => {
                let message = "expected nothing but run, minute, track and metric beside left_out";
                Err(Error::invalid("replay.read", message).with("field", field).with("beside", "left_out"))
            }
        }
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

/// A block that reads and writes itself as the object of [`replay`](crate::replay), without `run`; times in seconds.
///
/// What could not be read back, such as a NaN, is an error.
#[derive(Debug, Clone, PartialEq)]
pub struct Bare<B = Block>(pub B);

impl<B: Borrow<Block>> Serialize for Bare<B> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        write(self.0.borrow(), &mut map)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Bare {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = Place::default().deserialize(deserializer)?;
        if fields.run.is_some() {
            return Err(D::Error::custom("`run` belongs to a record, not to a block alone"));
        }
        fields.into_block().map(Self).map_err(D::Error::custom)
    }
}

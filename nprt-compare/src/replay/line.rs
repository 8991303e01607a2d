use std::collections::BTreeMap;

use nprt_core::model::{MetricName, Track};
use nprt_core::ports::{LeftOut, LeftOutReason};
use nprt_core::{Error, Result};
use serde::ser::{Error as _, SerializeMap, Serializer};
use serde::{Deserialize as _, Serialize};

use super::fields::Fields;
use super::{Record, RunId, block};

/// What a line of a recorded series says; see [`replay`](super) for its form.
#[derive(Debug, Clone, PartialEq)]
pub enum Line {
    /// What was measured.
    Block(Record),
    /// Points of a metric that could not be used.
    LeftOut {
        /// The comparison that they belong to.
        run: RunId,
        /// The metric.
        metric: MetricName,
        /// Why, when and how many. A line has a minute.
        left_out: LeftOut,
    },
}

impl Line {
    /// Reads a line, with or without its end: the block of what was measured, and what of it could not be used.
    ///
    /// ```
    /// use nprt_compare::replay::Line;
    ///
    /// let line = r#"{"run": 7, "minute": 0, "track": "canary", "metric": "latency", "samples": [0.5, "NaN"]}"#;
    /// let lines: Vec<_> = Line::read(line)?.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
    /// assert_eq!(lines, [
    ///     r#"{"run":7,"minute":0,"track":"canary","metric":"latency","samples":[0.5]}"#,
    ///     r#"{"run":7,"minute":0,"track":"canary","metric":"latency","left_out":{"not-a-number":1}}"#,
    /// ]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// `Invalid`, with the `field` in its context, for a line that is not as [`replay`](super) says.
    pub fn read(line: impl AsRef<[u8]>) -> Result<Vec<Self>> {
        let (run, fields) = Fields::read(line.as_ref())?;
        fields.into_lines(&run)
    }

    /// The comparison that it belongs to.
    #[must_use]
    pub fn run(&self) -> &RunId {
        match self {
            Self::Block(record) => &record.run,
            Self::LeftOut { run, .. } => run,
        }
    }

    /// The minute that it is about.
    #[must_use]
    pub fn minute(&self) -> i64 {
        match self {
            Self::Block(record) => record.block.minute,
            Self::LeftOut { left_out, .. } => left_out.minute.unwrap_or_default(),
        }
    }

    /// The track, where it is known.
    #[must_use]
    pub fn track(&self) -> Option<Track> {
        match self {
            Self::Block(record) => Some(record.block.track),
            Self::LeftOut { left_out, .. } => left_out.track,
        }
    }
}

impl From<Record> for Line {
    fn from(record: Record) -> Self {
        Self::Block(record)
    }
}

/// Writes the object of a line, without its end. An error for what could not be read back.
impl Serialize for Line {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (run, metric, left_out) = match self {
            Self::Block(record) => return record.serialize(serializer),
            Self::LeftOut { run, metric, left_out } => (run, metric, left_out),
        };
        let minute = left_out.minute.ok_or_else(|| S::Error::custom("points without a minute"))?;
        block::minute(minute).map_err(S::Error::custom)?;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("run", run)?;
        map.serialize_entry("minute", &minute)?;
        if let Some(track) = &left_out.track {
            map.serialize_entry("track", track)?;
        }
        map.serialize_entry("metric", metric)?;
        map.serialize_entry("left_out", &BTreeMap::from([(left_out.reason, left_out.points)]))?;
        map.end()
    }
}

/// How many points are left out, by reason.
pub(super) type Reasons = BTreeMap<LeftOutReason, u64>;

/// Reasons by their names. One that this version does not know is another one.
///
/// # Errors
/// `Invalid` for none, and for no points.
pub(super) fn reasons(named: BTreeMap<String, u64>) -> Result<Reasons> {
    let invalid = |message: &str| Error::invalid("replay.read", message).with("field", "left_out");
    if named.is_empty() || named.values().any(|points| *points == 0) {
        return Err(invalid("expected how many points are left out, by reason"));
    }
    let mut reasons = Reasons::new();
    for (name, points) in named {
        let reason = LeftOutReason::deserialize(serde::de::value::StrDeserializer::new(&name));
        let reason = reason.map_err(|error: serde::de::value::Error| invalid(&error.to_string()))?;
        let sum = reasons.entry(reason).or_default();
        *sum = u64::saturating_add(*sum, points);
    }
    Ok(reasons)
}

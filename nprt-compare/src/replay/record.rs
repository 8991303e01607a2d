use nprt_core::model::Block;
use nprt_core::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeSeed;
use serde::ser::{SerializeMap, Serializer};

use super::data::missing;
use super::fields::{Fields, Place};
use super::{RunId, block};

/// The block of a line of a recorded series; see [`replay`](super) for its form.
///
/// ```
/// use nprt_compare::replay::Record;
/// use nprt_core::model::BlockData;
///
/// let line = r#"{"run": 7, "minute": 0, "track": "canary", "metric": "latency", "unit": "ms", "samples": [80]}"#;
/// let record = Record::read(line)?;
/// assert_eq!(record.block.data, BlockData::Samples(vec![0.08]));
/// assert_eq!(
///     serde_json::to_string(&record)?,
///     r#"{"run":7,"minute":0,"track":"canary","metric":"latency","samples":[0.08]}"#
/// );
///
/// let error = Record::read(r#"{"run": 7, "minute": 0.5, "track": "canary"}"#).unwrap_err();
/// assert_eq!(error.context()[0], ("field", "minute".to_owned()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The comparison that the block belongs to.
    pub run: RunId,
    /// What was measured.
    pub block: Block,
}

impl Record {
    /// Reads a line, with or without its end.
    ///
    /// # Errors
    /// `Invalid`, with the `field` in its context, for a line that is not as [`replay`](super) says, and for one of which
    /// something is [left out](super::Line).
    pub fn read(line: impl AsRef<[u8]>) -> Result<Self> {
        let (run, fields) = Fields::read(line.as_ref())?;
        Ok(Self { run, block: fields.into_block()? })
    }
}

impl Fields {
    /// The fields of a line, and the run.
    pub(super) fn read(line: &[u8]) -> Result<(RunId, Self)> {
        let mut deserializer = serde_json::Deserializer::from_slice(line);
        let place = Place::default();
        let fields = place.deserialize(&mut deserializer);
        let mut fields: Self = fields
            .and_then(|fields| deserializer.end().map(|()| fields))
            .map_err(|error| malformed(&error, place))?;
        let run = fields.run.take().ok_or_else(|| missing("run"))?;
        Ok((run, fields))
    }
}

/// serde's message without its position, which counts from the beginning of this line.
fn malformed(error: &serde_json::Error, place: Place) -> Error {
    let message = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    let message = message.strip_suffix(&position).unwrap_or(&message);
    let fault = Error::invalid("replay.read", message);
    let fault = match place.into_name() {
        name if name.is_empty() => fault,
        name => fault.with("field", name),
    };
    fault.with("column", error.column())
}

/// Writes the object of a line, without its end. An error for what could not be read back, such as a NaN.
impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("run", &self.run)?;
        block::write(&self.block, &mut map)?;
        map.end()
    }
}

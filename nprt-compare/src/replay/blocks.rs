//! Several blocks in a field of a serialised type, each as a [`Bare`] one:
//! `#[serde(with = "nprt_compare::replay::blocks")]`.

use nprt_core::model::Block;
use serde::{Deserialize, Deserializer, Serializer};

use super::Bare;

/// Writes them as a list.
///
/// # Errors
/// For a block that could not be read back, such as one with a NaN.
pub fn serialize<S: Serializer>(blocks: &[Block], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(blocks.iter().map(Bare))
}

/// Reads a list of them.
///
/// # Errors
/// As [`Bare`].
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Block>, D::Error> {
    let blocks: Vec<Bare> = Vec::deserialize(deserializer)?;
    Ok(blocks.into_iter().map(|Bare(block)| block).collect())
}

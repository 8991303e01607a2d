//! Runs as recorded series, for the example `judge` and for others' judges.

use std::io::Write;

use nprt::compare::replay::{Record, RunId};
use nprt::model::Block;

use crate::Failure;

/// Writes a line for each block.
pub(crate) fn write(out: &mut impl Write, run: &RunId, blocks: Vec<Block>) -> Result<(), Failure> {
    for block in blocks {
        serde_json::to_writer(&mut *out, &Record { run: run.clone(), block })?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

use std::io::BufRead;

use nprt_core::model::{Block, Track};
use nprt_core::{Error, Result};

use super::lines::Lines;
use super::order::{Order, Step};
use super::{Line, RunId};
use crate::Judge;

/// Stable's past, in the form of a recorded series: what a run is calibrated on.
///
/// A run that has lines of its own here has these for its past, and no others; every other run has all of
/// them, one run's lines after the other's in the order of the file. Their minutes are counted anew, so that
/// the last of them ends when the run begins: only their distances are kept, and the two files need not count
/// from the same moment.
///
/// All of it is kept in memory.
#[derive(Debug, Default)]
pub struct History {
    runs: Vec<Past>,
}

/// The lines of one run, ordered by minute, at least one.
#[derive(Debug)]
struct Past {
    run: RunId,
    blocks: Vec<(u64, Block)>,
}

impl History {
    /// Reads the whole file, of lines of JSON.
    ///
    /// # Errors
    /// `Invalid`, with line and field, for a line that is not as [`replay`](super) says, one out of order,
    /// or one of the canary; `Unavailable` where the reader fails.
    pub fn read(reader: impl BufRead) -> Result<Self> {
        Self::of(Lines::new(reader))
    }

    /// Takes the records or lines of any form, with the numbers of their lines. What was left out says nothing of stable,
    /// and is not looked at.
    ///
    /// # Errors
    /// As [`History::read`], and those of the records.
    pub fn of<L: Into<Line>>(records: impl IntoIterator<Item = Result<(u64, L)>>) -> Result<Self> {
        let mut order = Order::default();
        let mut runs: Vec<Past> = Vec::new();
        for read in records {
            let (line, said) = read?;
            let Line::Block(record) = said.into() else { continue };
            if record.block.track == Track::Canary {
                let message = "the past is stable's, and this is the canary's";
                return Err(Error::invalid("replay.history", message)
                    .with("field", "track")
                    .with("line", line)
                    .with_available([Track::Stable]));
            }
            let step = order.step(&record.run, record.block.minute);
            match (step.map_err(|error| error.with("line", line))?, runs.last_mut()) {
                (Step::SameMinute | Step::NextMinute, Some(past)) => past.blocks.push((line, record.block)),
                _ => runs.push(Past { run: record.run, blocks: vec![(line, record.block)] }),
            }
        }
        Ok(Self { runs })
    }

    /// Shows a judge the past of its run, which begins with this minute.
    ///
    /// # Errors
    /// What the judge cannot take, with the history's line.
    pub(super) fn show(&self, judge: &mut Judge, run: &RunId, begins: i64) -> Result<()> {
        let own = self.runs.iter().any(|past| past.run == *run);
        let mut ends = begins;
        for past in self.runs.iter().rev().filter(|past| !own || past.run == *run) {
            let last = past.blocks.last().map_or(0, |(_, block)| block.minute);
            for (line, block) in past.blocks.iter().rev() {
                let minute = ends.saturating_sub(1).saturating_sub(last.saturating_sub(block.minute));
                let block = Block { minute, ..block.clone() };
                judge.observe_history(&block).map_err(|error| error.with("history_line", line))?;
            }
            let first = past.blocks.first().map_or(0, |(_, block)| block.minute);
            ends = ends.saturating_sub(last.saturating_sub(first).saturating_add(1));
        }
        Ok(())
    }
}

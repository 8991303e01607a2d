use std::collections::VecDeque;

use nprt_core::{Error, Result};

use super::RunId;

/// How many of the runs that ended last are remembered: enough for files that were sorted wrongly, and no
/// more memory for a million runs than for a thousand.
const REMEMBERED: usize = 1024;

/// Holds a series to its order: the lines of a run stand together, ordered by minute.
///
/// A run that comes again after more than [`REMEMBERED`] others is not noticed: it is taken for a new one.
#[derive(Debug, Default)]
pub(super) struct Order {
    now: Option<(RunId, i64)>,
    ended: VecDeque<RunId>,
}

/// What a line is to those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    SameMinute,
    NextMinute,
    NextRun,
}

impl Order {
    /// Goes on to the next line.
    ///
    /// # Errors
    /// `Invalid`, with the field, for a minute that is over, or a run that is.
    pub(super) fn step(&mut self, run: &RunId, minute: i64) -> Result<Step> {
        match &mut self.now {
            Some((current, last)) if current == run => {
                if minute < *last {
                    let message = format!("minute {minute} after {last}: expected a run's lines by minute");
                    return Err(fault(message, "minute", run));
                }
                let step = if minute == *last { Step::SameMinute } else { Step::NextMinute };
                *last = minute;
                Ok(step)
            }
            _ if self.ended.contains(run) => {
                let message = "this run came before, and another since: expected a run's lines together";
                Err(fault(message, "run", run))
            }
            now => {
                if let Some((ended, _)) = now.replace((run.clone(), minute)) {
                    self.ended.truncate(REMEMBERED - 1);
                    self.ended.push_front(ended);
                }
                Ok(Step::NextRun)
            }
        }
    }
}

fn fault(message: impl Into<String>, field: &'static str, run: &RunId) -> Error {
    Error::invalid("replay.order", message).with("field", field).with("run", run)
}

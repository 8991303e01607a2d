use nprt_core::Result;
use serde::{Deserialize, Serialize};

use super::Judged;
use crate::Decision;

/// What a run comes to: its first pass or regression, after which nobody watches a canary any more, or else its
/// last verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The first minute of the run.
    pub begins: i64,
    /// The verdict that decides, and its minute.
    #[serde(flatten)]
    pub judged: Judged,
}

impl Outcome {
    /// Minutes from the run's beginning to the end of the minute that decides.
    #[must_use]
    pub fn minutes(&self) -> i64 {
        self.judged.minute.saturating_sub(self.begins).saturating_add(1)
    }
}

/// An iterator over the outcome of each run, made of the verdicts of each minute; see
/// [`Replay::outcomes`](super::Replay::outcomes). After an error it ends, without the last run that was judged: it may not be over.
#[derive(Debug)]
pub struct Outcomes<J> {
    judged: J,
    run: Option<Outcome>,
    ended: bool,
}

impl<J> Outcomes<J> {
    /// Of verdicts, as a replay gives them.
    pub(crate) fn new(judged: J) -> Self {
        Self { judged, run: None, ended: false }
    }
}

impl<J: Iterator<Item = Result<Judged>>> Iterator for Outcomes<J> {
    type Item = Result<Outcome>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            match self.judged.next() {
                Some(Ok(judged)) => match &mut self.run {
                    Some(run) if run.judged.run == judged.run => {
                        if matches!(run.judged.verdict.decision, Decision::Inconclusive { .. }) {
                            run.judged = judged;
                        }
                    }
                    run => {
                        if let Some(over) = run.replace(Outcome { begins: judged.minute, judged }) {
                            return Some(Ok(over));
                        }
                    }
                },
                Some(Err(error)) => {
                    self.ended = true;
                    return Some(Err(error));
                }
                None => {
                    self.ended = true;
                    return self.run.take().map(Ok);
                }
            }
        }
        None
    }
}

use std::collections::BTreeMap;
use std::io::BufRead;

use nprt_core::Result;
use nprt_core::model::MetricName;
use nprt_core::ports::LeftOut;
use serde::{Deserialize, Serialize};

use super::lines::Lines;
use super::order::{Order, Step};
use super::{History, Line, Outcomes, Record, RunId, block};
use crate::{Judge, Policy, Verdict};

/// What a run amounted to when a minute of it was over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// The run.
    pub run: RunId,
    /// The minute.
    pub minute: i64,
    /// What [`Judge::verdict`] said at its end.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// Judges a recorded series as it is read: an iterator over a verdict for each minute of each run that has
/// lines.
///
/// A run's judge is started at its first minute. It gives its verdict at the end of each minute that has
/// lines, as soon as the first line of the next minute, or of the next run, is read, and at the end of the
/// series. It is the same [`Judge`] as anywhere: it says, bit by bit, what it says when it is shown the same
/// blocks by hand.
///
/// The first error ends it: `Invalid` with line and field for a line that is not as [`replay`](super) says or
/// not in order, what [`Judge::observe`] does not take, with the line (`Conflict` for a second line of the same
/// minute, track, version, pod, route and metric with other data), or `Unavailable` where the reader fails. The
/// verdicts before it stand. The minute that it cut short has none.
///
/// One line and one run are kept in memory, however many there are; and the names of the last 1024 runs, to
/// notice one that comes again. A run that comes again later than that is taken for a new one.
#[derive(Debug)]
pub struct Replay<S> {
    policy: Policy,
    history: History,
    /// What of each run could not be used, by minute, the last first.
    left_out: BTreeMap<RunId, Vec<(MetricName, LeftOut)>>,
    records: S,
    order: Order,
    judging: Option<Judging>,
    /// A line that was read and not yet observed: it told that the minute before it is over.
    waiting: Option<(u64, Line)>,
    ended: bool,
}

/// The run that is being judged.
#[derive(Debug)]
struct Judging {
    run: RunId,
    minute: i64,
    judge: Judge,
    /// What is still to be shown to the judge, the last minute first.
    left_out: Vec<(MetricName, LeftOut)>,
}

impl<R: BufRead> Replay<Lines<R>> {
    /// Judges a series of lines of JSON under this policy, without a history.
    ///
    /// # Errors
    /// `Invalid` when the policy makes no sense; see [`Policy::validate`].
    pub fn new(policy: Policy, reader: R) -> Result<Self> {
        Self::of(policy, Lines::new(reader))
    }
}

impl<L: Into<Line>, S: Iterator<Item = Result<(u64, L)>>> Replay<S> {
    /// Judges the records or lines of any form, with the numbers of their lines, under this policy, without a history.
    ///
    /// # Errors
    /// `Invalid` when the policy makes no sense; see [`Policy::validate`].
    pub fn of(policy: Policy, records: impl IntoIterator<IntoIter = S>) -> Result<Self> {
        policy.validate()?;
        Ok(Self {
            policy,
            history: History::default(),
            left_out: BTreeMap::new(),
            records: records.into_iter(),
            order: Order::default(),
            judging: None,
            waiting: None,
            ended: false,
        })
    }

    /// What each run comes to, in place of a verdict for each minute.
    pub fn outcomes(self) -> Outcomes<Self> {
        Outcomes::new(self)
    }

    /// With stable's past.
    #[must_use]
    pub fn with_history(self, history: History) -> Self {
        Self { history, ..self }
    }

    /// With what was recorded and could not be used: a verdict counts what is of its minute and those before, as of a
    /// canary that runs.
    #[must_use]
    pub fn with_left_out(mut self, left_out: impl IntoIterator<Item = (RunId, MetricName, LeftOut)>) -> Self {
        for (run, metric, left_out) in left_out {
            self.left_out.entry(run).or_default().push((metric, left_out));
        }
        for of_run in self.left_out.values_mut() {
            of_run.sort_by_key(|(_, left_out)| std::cmp::Reverse(left_out.minute));
        }
        self
    }

    fn advance(&mut self) -> Result<Option<Judged>> {
        loop {
            if let Some((line, said)) = self.waiting.take() {
                self.observe(&said).map_err(|error| error.with("line", line))?;
            }
            let Some((line, said)) = self.records.next().transpose()? else {
                return self.judging.take().map(|mut over| over.verdict()).transpose();
            };
            let said: Line = said.into();
            let step = self.order.step(said.run(), said.minute());
            let step = step.map_err(|error| error.with("line", line))?;
            self.waiting = Some((line, said));
            let over = match step {
                Step::SameMinute => None,
                Step::NextMinute => self.judging.as_mut().map(Judging::verdict),
                Step::NextRun => self.judging.take().map(|mut over| over.verdict()),
            };
            if over.is_some() {
                return over.transpose();
            }
        }
    }

    fn observe(&mut self, line: &Line) -> Result<()> {
        let minute = line.minute();
        let judging = match &mut self.judging {
            Some(judging) => judging,
            None => {
                let run = line.run().clone();
                let mut judge = Judge::new(self.policy.clone(), block::minute(minute)?.start())?;
                self.history.show(&mut judge, &run, minute)?;
                let left_out = self.left_out.remove(&run).unwrap_or_default();
                self.judging.insert(Judging { run, minute, judge, left_out })
            }
        };
        judging.minute = minute;
        match line {
            Line::Block(Record { block, .. }) => {
                judging.judge.observe(block).map_err(|error| error.with("field", block::field(&block.data)))
            }
            Line::LeftOut { metric, left_out, .. } => {
                judging.judge.observe_left_out(metric, left_out);
                Ok(())
            }
        }
    }
}

impl Judging {
    fn verdict(&mut self) -> Result<Judged> {
        while let Some((metric, left_out)) =
            self.left_out.pop_if(|(_, left_out)| left_out.minute.is_none_or(|at| at <= self.minute))
        {
            self.judge.observe_left_out(&metric, &left_out);
        }
        let verdict = self.judge.verdict(block::minute(self.minute)?.end());
        Ok(Judged { run: self.run.clone(), minute: self.minute, verdict })
    }
}

impl<L: Into<Line>, S: Iterator<Item = Result<(u64, L)>>> Iterator for Replay<S> {
    type Item = Result<Judged>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.advance().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

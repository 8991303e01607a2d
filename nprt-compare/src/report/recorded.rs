use std::cell::RefCell;

use nprt_core::Result;
use nprt_core::model::{Block, MetricName};
use nprt_core::ports::LeftOut;

use super::Report;
use crate::Policy;
use crate::replay::{History, Judged, Line, Outcome, Outcomes, Record, Replay, RunId};

impl Report {
    /// What each run of a recorded series comes to, with its report until then: judged as [`Replay`] does, with this of
    /// stable's past, and this of what could not be used. All of it is kept in memory.
    ///
    /// # Errors
    /// As [`Replay`]: the first one ends it.
    pub fn recorded<L: Into<Line>>(
        policy: &Policy,
        records: impl IntoIterator<Item = Result<(u64, L)>>,
        history: History,
        left_out: impl IntoIterator<Item = (RunId, MetricName, LeftOut)>,
    ) -> Result<Vec<(Outcome, Self)>> {
        let (read, looks) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
        let records = records.into_iter().map(|said| {
            let (number, line) = said.map(|(number, line)| (number, line.into()))?;
            if let Line::Block(record) = &line {
                read.borrow_mut().push(record.clone());
            }
            Ok((number, line))
        });
        let judged = Replay::of(policy.clone(), records)?
            .with_history(history)
            .with_left_out(left_out)
            .inspect(|judged| {
                looks.borrow_mut().extend(judged.as_ref().ok().cloned());
            });
        let outcomes = Outcomes::new(judged).collect::<Result<Vec<_>>>()?;
        let (read, looks) = (read.into_inner(), looks.into_inner());
        let report = |outcome: Outcome| (outcome.clone(), of(policy, &outcome, &read, &looks));
        Ok(outcomes.into_iter().map(report).collect())
    }
}

/// Of a run, until the verdict that decides.
fn of(policy: &Policy, Outcome { judged: last, .. }: &Outcome, read: &[Record], looks: &[Judged]) -> Report {
    let blocks: Vec<&Block> =
        read.iter().filter(|record| record.run == last.run).map(|record| &record.block).collect();
    let looks = looks.iter().filter(|look| look.run == last.run && look.minute <= last.minute);
    let report = Report::builder(last.run.name(), policy, last.verdict.range.start()).blocks(blocks);
    looks.fold(report, |report, look| report.verdict(look.verdict.clone())).judgement_as_event().build()
}

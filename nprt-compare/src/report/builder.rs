use std::collections::BTreeMap;

use jiff::Timestamp;
use nprt_core::Result;
use nprt_core::model::{Block, MetricName, Track};
use nprt_core::ports::{LeftOut, MetricAnswer};

use super::cell::Cell;
use super::effect::Looks;
use super::metric::{Gathered, Subject};
use super::{Axis, EventKind, Report, ReportEvent, Version};
use crate::{Decision, Judge, Policy, Verdict, check};

/// The most points in a series by default: as many as a chart has room for.
const POINTS: u32 = 240;

/// Collects what a [`Report`] is made of.
#[derive(Debug, Clone)]
pub struct ReportBuilder<'a> {
    policy: &'a Policy,
    service: String,
    stable: Version,
    canary: Version,
    started: Timestamp,
    verdict: Option<Verdict>,
    looks: Looks,
    /// The first pass or regression.
    decided: Option<ReportEvent>,
    blocks: Vec<&'a Block>,
    left_out: Vec<(MetricName, LeftOut)>,
    expected: Vec<MetricName>,
    answers: Vec<MetricAnswer>,
    events: Vec<ReportEvent>,
    points: u32,
}

impl Report {
    /// A report of the canary that started then, judged by this policy.
    #[must_use]
    pub fn builder(service: impl Into<String>, policy: &Policy, started: Timestamp) -> ReportBuilder<'_> {
        ReportBuilder {
            policy,
            service: service.into(),
            stable: Version::default(),
            canary: Version::default(),
            started,
            verdict: None,
            looks: Looks::default(),
            decided: None,
            blocks: Vec::new(),
            left_out: Vec::new(),
            expected: Vec::new(),
            answers: Vec::new(),
            events: Vec::new(),
            points: POINTS,
        }
    }
}

impl<'a> ReportBuilder<'a> {
    /// What runs on the stable track.
    #[must_use]
    pub fn stable(self, stable: Version) -> Self {
        Self { stable, ..self }
    }

    /// What is on trial.
    #[must_use]
    pub fn canary(self, canary: Version) -> Self {
        Self { canary, ..self }
    }

    /// What was measured since the canary started, in any order. What is older, or no rule reads, is left out; a block
    /// that comes twice counts once.
    #[must_use]
    pub fn blocks(mut self, blocks: impl IntoIterator<Item = &'a Block>) -> Self {
        self.blocks.extend(blocks);
        self
    }

    /// What could not be used, for [`judge_by_minute`](Self::judge_by_minute); as [`Judge::observe_left_out`].
    #[must_use]
    pub fn left_out(mut self, left_out: impl IntoIterator<Item = (MetricName, LeftOut)>) -> Self {
        self.left_out.extend(left_out);
        self.left_out.sort_by_key(|(_, left_out)| left_out.minute);
        self
    }

    /// What the backend is configured for, for [`judge_by_minute`](Self::judge_by_minute); as [`Judge::expect`].
    #[must_use]
    pub fn expected(mut self, metrics: impl IntoIterator<Item = MetricName>) -> Self {
        self.expected.extend(metrics);
        self
    }

    /// What the blocks rest on.
    #[must_use]
    pub fn answers(mut self, answers: impl IntoIterator<Item = MetricAnswer>) -> Self {
        self.answers.extend(answers);
        self
    }

    /// What a judge said at some time; as many as there are, in any order. The newest is the report's verdict, all
    /// together are how the effect came to be known.
    #[must_use]
    pub fn verdict(mut self, verdict: Verdict) -> Self {
        self.looks.add(&verdict);
        let event = judgement(&verdict);
        let is_first = self.decided.as_ref().is_none_or(|first| event.at < first.at);
        if event.kind != EventKind::Judged && is_first {
            self.decided = Some(event);
        }
        if self.verdict.as_ref().is_none_or(|newest| newest.range.end() <= verdict.range.end()) {
            self.verdict = Some(verdict);
        }
        self
    }

    /// Judges the blocks so far at the end of each of their minutes, as [`Replay`](crate::replay::Replay)
    /// does, with this of stable's past. What a judge does not take keeps its rules from passing.
    ///
    /// # Errors
    /// `Invalid` when the policy makes no sense; what [`Judge::observe_history`] answers.
    pub fn judge_by_minute<'b>(mut self, history: impl IntoIterator<Item = &'b Block>) -> Result<Self> {
        let mut judge = Judge::new(self.policy.clone(), self.started)?;
        for block in history {
            judge.observe_history(block)?;
        }
        judge.expect(self.expected.iter().cloned());
        let mut left_out = self.left_out.clone().into_iter().peekable();
        let first = Block::minute_of(self.started);
        let mut blocks: Vec<&Block> =
            self.blocks.iter().copied().filter(|block| block.minute >= first).collect();
        blocks.sort_by_key(|block| block.minute);
        for minute in blocks.chunk_by(|a, b| a.minute == b.minute) {
            while let Some((metric, left_out)) =
                left_out.next_if(|(_, left_out)| left_out.minute.is_none_or(|at| at <= minute[0].minute))
            {
                judge.observe_left_out(&metric, &left_out);
            }
            for block in minute {
                // A judge that refuses a block remembers it, and says so where it keeps a rule from passing.
                let _ = judge.observe(block);
            }
            let end = minute[0].minute.checked_add(1).and_then(|end| end.checked_mul(60));
            if let Some(Ok(end)) = end.map(Timestamp::from_second) {
                self = self.verdict(judge.verdict(end));
            }
        }
        Ok(self)
    }

    /// Something that happened.
    #[must_use]
    pub fn event(mut self, event: ReportEvent) -> Self {
        self.events.push(event);
        self
    }

    /// Several things that happened, in any order.
    #[must_use]
    pub fn events(mut self, events: impl IntoIterator<Item = ReportEvent>) -> Self {
        self.events.extend(events);
        self
    }

    /// The verdicts as an event: when the first of them was a pass or a regression, or what the newest said.
    #[must_use]
    pub fn judgement_as_event(self) -> Self {
        let event = self.decided.clone().or_else(|| self.verdict.as_ref().map(judgement));
        self.events(event)
    }

    /// How many points a series has at most, by default 240; a longer run has several minutes a point. At least 1.
    #[must_use]
    pub fn points(self, points: u32) -> Self {
        Self { points: points.max(1), ..self }
    }

    /// The report: of the time from the canary's start to the last verdict, or without one to the last block; of a
    /// week at most.
    #[must_use]
    pub fn build(mut self) -> Report {
        let first = Block::minute_of(self.started);
        let newest = || self.blocks.iter().map(|block| block.minute).max().map(|last| last.saturating_add(1));
        let axis = Axis::new(first, self.looks.end().or_else(newest).unwrap_or(first), self.points);
        let gathered = self.gather(&axis);
        let nothing = Gathered::new(&axis);
        let mut metrics = Vec::new();
        for subject in Subject::all(self.policy) {
            let of = |metric: &MetricName| gathered.get(metric).unwrap_or(&nothing);
            let mut own = of(&subject.metric).clone();
            if let Some(requests) = &subject.requests {
                own.merge(of(requests));
            }
            if own.is_empty() {
                continue;
            }
            metrics.push(subject.report(&own, &axis, self.policy, self.verdict.as_ref(), &self.looks));
        }
        self.events.sort_by_key(|event| event.at);
        Report {
            service: self.service,
            stable: self.stable,
            canary: self.canary,
            started: self.started,
            verdict: self.verdict,
            axis,
            events: self.events,
            metrics,
            answers: self.answers,
        }
    }

    /// The blocks by metric, track and point, each once.
    fn gather(&self, axis: &Axis) -> BTreeMap<&'a MetricName, Gathered> {
        let mut blocks = self.blocks.clone();
        blocks.sort_by(|a, b| a.metric.cmp(&b.metric).then_with(|| a.order().cmp(&b.order())));
        blocks.dedup_by(|a, b| a.metric == b.metric && a.order().cmp(&b.order()).is_eq());
        let mut gathered: BTreeMap<&MetricName, Gathered> = BTreeMap::new();
        for block in blocks {
            let Some(point) = axis.point_of(block.minute) else { continue };
            gathered.entry(&block.metric).or_insert_with(|| Gathered::new(axis)).add(block, point);
        }
        gathered
    }
}

fn judgement(verdict: &Verdict) -> ReportEvent {
    let (kind, text) = match &verdict.decision {
        Decision::Pass => (EventKind::CanaryPassed, verdict.reason.clone()),
        Decision::Regression => (EventKind::CanaryRegressed, verdict.reason.clone()),
        Decision::Inconclusive { .. } => (EventKind::Judged, format!("inconclusive: {}", verdict.reason)),
    };
    ReportEvent::new(verdict.range.end(), kind, text)
}

impl Gathered {
    fn new(axis: &Axis) -> Self {
        Self { cells: [0, 1].map(|_| vec![Cell::default(); axis.len()]), unreadable: 0 }
    }

    fn add(&mut self, block: &Block, point: usize) {
        if check(&block.data).is_err() {
            self.unreadable += 1;
            return;
        }
        let cells = &mut self.cells[usize::from(block.track == Track::Canary)];
        if let Some(cell) = cells.get_mut(point) {
            cell.add(&block.data);
        }
    }

    fn merge(&mut self, other: &Self) {
        for (own, their) in self.cells.iter_mut().flatten().zip(other.cells.iter().flatten()) {
            own.merge(their);
        }
        self.unreadable += other.unreadable;
    }

    fn is_empty(&self) -> bool {
        self.unreadable == 0 && self.cells.iter().flatten().all(Cell::is_empty)
    }
}

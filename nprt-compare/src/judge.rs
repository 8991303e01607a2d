use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use nprt_core::model::{Block, MetricName, PerTrack, TimeRange, Track};
use nprt_core::ports::LeftOut;
use nprt_core::{Error, Result};

use super::conclude::conclude;
use super::judge_state::{JudgeState, VERSION};
use super::kayenta_look::Look;
use super::left_out::Tally;
use super::lost::LostMinutes;
use super::measured::{bound_left_out, demand_measured};
use super::plain::Plain;
use super::policy::Rule;
use super::refused::RefusedMeasurements;
use super::sequential::{RuleVerdict, Sequential};
use super::{Policy, Verdict};

/// Judges one canary: it is shown blocks as they come and says at any time what they amount to.
///
/// Each rule of the policy is judged by what it is: sequential ones (measurements, failures, events, growth) by
/// evidence that grows over the whole life of the canary and may be looked at at any time, plain ones by the
/// aggregation window, one of Kayenta's at its time.
///
/// # What it does with
/// - **a block of a metric that no rule reads, or from before `started`**: leaves it out;
/// - **late blocks and any order**: the same verdict as in order, as long as the blocks of all metrics of a minute come
///   beside each other and not metric by metric. Of plain rules as long as the minute lies in the
///   window; of sequential ones until both tracks have gone on by two minutes: then the minute is closed, and what
///   comes for it is left out and counted;
/// - **the same block again**: counts once. One with the same minute, track, version, pod, route and metric
///   but other data: `Conflict`, the first stays;
/// - **what cannot be read** (NaN, infinite or negative measurements, a histogram with a wrong number of
///   counts or edges that do not ascend, more errors than requests, a form that the rule cannot read):
///   `Invalid`. After either error the metric's rules can still find a regression, but do not pass while
///   that minute lies in the window, or in the last minutes of the length of the soak;
/// - **clocks that differ between the tracks**: blocks are compared by the minute they name, and a track may lag by
///   one minute (while one is silent, 16 minutes wait for it);
/// - **forms that differ** between the blocks of a metric, or several versions on the canary's track: inconclusive;
/// - **no blocks, or too few on a track**: inconclusive. A metric that the policy can do without counts only where
///   nothing ever came of it and nobody [expects](Judge::expect) it: it is named then;
/// - **points that are left out** ([`Judge::observe_left_out`]): the verdict counts them by reason. Where they are more
///   than the policy allows ([`Policy::max_left_out`]), the metric's rules neither pass nor find a regression: what is
///   left may be a selection;
/// - **minutes that are lost** ([`Judge::observe_lost`]): the soak is longer by them, and the reason says so. Those of
///   which a part was refused ([`Judge::observe_refused`]) are lost, too;
/// - **a track that fell silent**, with nothing measured in the last quarter of the window (of sequential rules, of
///   the run), and in the last five minutes at least: no pass, since what came before does not say how it is now;
/// - **pods that start later**, after a restart or as either track is scaled: left out while they warm up
///   ([`Policy::warm_up_minutes`]). The margins follow how many pods each track has.
///
/// # Memory
/// It is bounded by the policy, and of sequential rules it does not grow with time: counts by bin, and sums. Before the run
/// begins, stable's past is kept minute by minute.
///
/// # State
/// [`Judge::state`] is all that it knows: written, and read back by [`Judge::resume`] between any two blocks, it goes
/// on as if nothing had happened.
#[derive(Debug, Clone)]
pub struct Judge {
    policy: Policy,
    started: Timestamp,
    plain: Plain,
    sequential: Option<Sequential>,
    look: Option<Look>,
    lost: LostMinutes,
    refused: RefusedMeasurements,
    left_out: Tally,
    /// The metrics that the rules read.
    metrics: Vec<MetricName>,
    /// The metrics that the backend is configured for, as far as somebody says so.
    expected: BTreeSet<MetricName>,
}

impl Judge {
    /// Judges the canary that was started then.
    ///
    /// # Errors
    /// `Invalid` when the policy makes no sense; see [`Policy::validate`].
    pub fn new(policy: Policy, started: Timestamp) -> Result<Self> {
        policy.validate()?;
        let plain = Plain::new(&policy, started);
        let sequential = Sequential::new(&policy, Block::minute_of(started));
        let look = policy.rules.iter().find_map(|rule| match rule {
            Rule::Kayenta(look) => Some(Look::new(look.clone(), started)),
            _ => None,
        });
        Ok(Self {
            metrics: policy.metrics(),
            policy,
            started,
            plain,
            sequential,
            look,
            lost: LostMinutes::default(),
            refused: RefusedMeasurements::default(),
            left_out: Tally::default(),
            expected: BTreeSet::new(),
        })
    }

    /// What is demanded.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Takes a block of stable's past, from before the canary started, in any order and before the first block of
    /// the run: what requests and errors are compared with, and what sequential rules are calibrated on. [`Policy::history_of`]
    /// says how much to give: plain rules leave out what is older, sequential ones learn from all of it.
    ///
    /// # Errors
    /// `Invalid` for a block of the canary, one from after its start, or one that cannot be read;
    /// `Conflict` for a second block of the same key with other data.
    pub fn observe_history(&mut self, block: &Block) -> Result<()> {
        let about = |error| describe(error, block);
        if block.track == Track::Canary {
            return Err(about(Error::invalid(
                "judge.observe_history",
                "the past is stable's, and this is the canary's",
            )));
        }
        if !self.is_before(block) {
            let message = "this minute began after the canary started; it belongs to `observe`";
            return Err(about(Error::invalid("judge.observe_history", message)));
        }
        self.plain.observe_history(block).map_err(about)?;
        match &mut self.sequential {
            Some(sequential) => sequential.observe_history(block).map_err(about),
            None => Ok(()),
        }
    }

    /// Takes a block of either track since the canary started.
    ///
    /// # Errors
    /// `Invalid` for a block that cannot be read; `Conflict` for a second block of the same key with other
    /// data. Either keeps the metric's rules from passing for a while; see [`Judge`].
    pub fn observe(&mut self, block: &Block) -> Result<()> {
        if self.is_before(block) {
            return Ok(());
        }
        if self.reads(&block.metric) {
            self.left_out.add_used(block);
        }
        let plain = self.plain.observe(block);
        let sequential = self.sequential.as_mut().map_or(Ok(()), |sequential| sequential.observe(block));
        let look = self.look.as_mut().map_or(Ok(()), |look| look.observe(block));
        plain.and(sequential).and(look).map_err(|error| describe(error, block))
    }

    /// Says that the backend is configured for these metrics: a canary passes only where each of them that a rule reads
    /// was measured on both tracks. A metric that nobody expects and that nobody measured is left out where the policy
    /// can do without it. It is no part of the state.
    pub fn expect(&mut self, metrics: impl IntoIterator<Item = MetricName>) {
        self.expected.extend(metrics.into_iter().filter(|metric| self.metrics.contains(metric)));
    }

    /// Says that these points of a metric could not be used: of a minute before the minutes that come later, each minute
    /// once. What no rule reads, or is from before the start, is left out.
    pub fn observe_left_out(&mut self, metric: &MetricName, left_out: &LeftOut) {
        let first = Block::minute_of(self.started);
        if self.reads(metric) && left_out.points > 0 && left_out.minute.is_none_or(|minute| minute >= first) {
            self.left_out.add_left_out(metric, left_out);
        }
    }

    fn reads(&self, metric: &MetricName) -> bool {
        self.metrics.contains(metric)
    }

    /// Says that what was measured in this time is lost, as with a server that kept it in memory alone: of the run,
    /// each minute that lies in it in part. It is no reason for a regression. It does not count as time that the
    /// canary has run ([`Policy::soak`]), and the verdict's reason says so.
    pub fn observe_lost(&mut self, range: TimeRange) {
        let next_minute = |at| TimeRange::before(at, Duration::ZERO).complete_minutes(at).start;
        let start = Block::minute_of(range.start()).max(next_minute(self.started));
        self.lost.add(start..next_minute(range.end()));
    }

    /// Says that so many measurements of a minute were refused so far, and that its blocks are no whole: it is lost, as by
    /// [`Judge::observe_lost`], and the verdict's reason has the count. A minute that is told again counts once.
    pub fn observe_refused(&mut self, minute: i64, measurements: u64) {
        let start = |minute: i64| Timestamp::from_second(seconds(minute)).unwrap_or(Timestamp::MAX);
        self.observe_lost(TimeRange::before(start(minute.saturating_add(1)), Duration::from_secs(60)));
        if start(minute) >= self.started {
            self.refused.add(minute, measurements);
        }
    }

    /// What the blocks so far amount to at this time. Blocks of minutes that are not over yet do not count.
    ///
    /// It changes nothing that a later verdict or the [state](Judge::state) would show, but keeps what it computes of the
    /// last minute: the next block need not compute it again.
    #[must_use]
    pub fn verdict(&mut self, now: Timestamp) -> Verdict {
        let range = self.plain.range(now);
        let mut plain = self.plain.verdicts(range).into_iter();
        // The minute of `now` is not over, unless it begins right then.
        let end = Block::minute_of(now);
        let mut sequential = self.sequential.iter_mut().flat_map(|judge| judge.verdicts(end));
        // Of a plain rule it is its own business whether anything was measured.
        let whole =
            |verdict| RuleVerdict { verdict, waits: true, measured: PerTrack::new(true, true), known: true };
        let verdicts = self.policy.rules.iter().filter_map(|rule| match rule {
            Rule::Percentile(_) | Rule::Errors(_) => plain.next().map(whole),
            Rule::Kayenta(_) => self.look.as_ref().map(|look| whole(look.verdict(now))),
            _ => sequential.next(),
        });
        let mut verdicts: Vec<RuleVerdict> = verdicts.collect();
        for (rule, verdict) in self.policy.rules.iter().zip(&mut verdicts) {
            demand_measured(rule, verdict, &self.expected);
            bound_left_out(rule, verdict, &self.left_out, self.policy.max_left_out);
        }
        let run = u64::try_from(now.duration_since(self.started).as_secs()).unwrap_or(0);
        let run = run.saturating_sub(self.lost.minutes().saturating_mul(60));
        let (decision, mut reason) = conclude(&verdicts, run, self.policy.soak().as_secs());
        reason.push_str(&self.lost.describe());
        reason.push_str(&self.refused.describe());
        let minutes = end.saturating_sub(Block::minute_of(self.started)).max(0).unsigned_abs();
        reason.push_str(&self.left_out.describe(minutes));
        let metrics = verdicts.into_iter().map(|rule| rule.verdict).collect();
        Verdict { decision, reason, metrics, range, left_out: self.left_out.all(minutes) }
    }

    /// All that it knows, to go on later or elsewhere; it serialises, and is as large as what it keeps.
    #[must_use]
    pub fn state(&self) -> JudgeState {
        JudgeState {
            version: VERSION,
            started: self.started,
            plain: self.plain.state(),
            sequential: self.sequential.as_ref().map(Sequential::state),
            look: self.look.as_ref().map(|look| look.state().clone()),
            lost: self.lost.clone(),
            refused: self.refused.clone(),
            left_out: self.left_out.clone(),
        }
    }

    /// Goes on from such a state, under the policy that it was made under.
    ///
    /// # Errors
    /// `Invalid` when the policy makes no sense, or is not that of the state.
    pub fn resume(policy: Policy, state: JudgeState) -> Result<Self> {
        let mut judge = Self::new(policy, state.started)?;
        let other = || Error::invalid("judge.resume", "this state is of another policy");
        judge.plain.resume(state.plain)?;
        judge.lost = state.lost;
        judge.refused = state.refused;
        judge.left_out = state.left_out;
        match (&mut judge.sequential, state.sequential) {
            (Some(sequential), Some(state)) => sequential.resume(state)?,
            (None, None) => {}
            _ => return Err(other()),
        }
        match (&mut judge.look, state.look) {
            (Some(look), Some(state)) => look.resume(state),
            (None, None) => {}
            _ => return Err(other()),
        }
        Ok(judge)
    }

    fn is_before(&self, block: &Block) -> bool {
        Timestamp::from_second(seconds(block.minute)).map_or(block.minute < 0, |start| start < self.started)
    }
}

fn seconds(minute: i64) -> i64 {
    minute.saturating_mul(60)
}

fn describe(error: Error, block: &Block) -> Error {
    let error = error.with("metric", &block.metric).with("track", block.track).with("minute", block.minute);
    match &block.pod {
        Some(pod) => error.with("pod", pod),
        None => error,
    }
}

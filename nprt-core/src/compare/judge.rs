use std::time::Duration;

use jiff::Timestamp;

use super::figure::figure;
use super::judge_state::{JudgeState, VERSION};
use super::kayenta_look::Look;
use super::lost::Lost;
use super::plain::Plain;
use super::policy::Rule;
use super::refused::Refused;
use super::sequential::{Explained, Sequential};
use super::{Decision, MetricVerdict, Needed, Policy, Verdict};
use crate::model::{Block, TimeRange, Track};
use crate::{Error, Result};

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
/// - **no blocks, or too few on a track**: inconclusive;
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
    lost: Lost,
    refused: Refused,
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
            policy,
            started,
            plain,
            sequential,
            look,
            lost: Lost::default(),
            refused: Refused::default(),
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
        let plain = self.plain.observe(block);
        let sequential = self.sequential.as_mut().map_or(Ok(()), |sequential| sequential.observe(block));
        let look = self.look.as_mut().map_or(Ok(()), |look| look.observe(block));
        plain.and(sequential).and(look).map_err(|error| describe(error, block))
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
    #[must_use]
    pub fn verdict(&self, now: Timestamp) -> Verdict {
        let range = self.plain.range(now);
        let mut plain = self.plain.verdicts(range).into_iter();
        // The minute of `now` is not over, unless it begins right then.
        let end = Block::minute_of(now);
        let mut sequential = self.sequential.iter().flat_map(|judge| judge.verdicts(end));
        // Of a plain rule it is its own business whether anything was measured.
        let whole = |verdict| Explained { verdict, waits: true, tracks: 2 };
        let explained = self.policy.rules.iter().filter_map(|rule| match rule {
            Rule::Percentile(_) | Rule::Errors(_) => plain.next().map(whole),
            Rule::Kayenta(_) => self.look.as_ref().map(|look| whole(look.verdict(now))),
            _ => sequential.next(),
        });
        let explained: Vec<Explained> = explained.collect();
        let (decision, mut reason) = self.conclude(&explained, now);
        reason.push_str(&self.lost.describe());
        reason.push_str(&self.refused.describe());
        let metrics = explained.into_iter().map(|rule| rule.verdict).collect();
        Verdict { decision, reason, metrics, range }
    }

    /// All that it knows, to go on later or elsewhere; it serialises, and is as large as what it keeps.
    #[must_use]
    pub fn state(&self) -> JudgeState {
        JudgeState {
            version: VERSION,
            started: self.started,
            plain: self.plain.state(),
            sequential: self.sequential.as_ref().map(|judge| judge.state().clone()),
            look: self.look.as_ref().map(|look| look.state().clone()),
            lost: self.lost.clone(),
            refused: self.refused.clone(),
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

    /// One broken rule decides; a pass needs all that it waits for, one of them measured, and the soak.
    fn conclude(&self, rules: &[Explained], now: Timestamp) -> (Decision, String) {
        let broken: Vec<_> = rules
            .iter()
            .map(|rule| &rule.verdict)
            .filter(|rule| rule.decision == Decision::Regression)
            .collect();
        if let Some(first) = broken.first() {
            let more = match broken.len() - 1 {
                0 => String::new(),
                more => format!(" (and {more} more of {} rules broken)", rules.len()),
            };
            return (Decision::Regression, format!("{}{more}", first.reason));
        }
        let waited = rules.iter().filter(|rule| rule.waits).map(|rule| &rule.verdict);
        let needs = waited.clone().filter_map(|metric| match metric.decision {
            Decision::Inconclusive { needed } => Some((needed, &metric.reason)),
            Decision::Pass | Decision::Regression => None,
        });
        let run = u64::try_from(now.duration_since(self.started).as_secs()).unwrap_or(0);
        let run = run.saturating_sub(self.lost.minutes().saturating_mul(60));
        let soak = self.policy.soak().as_secs();
        let soak_left = Needed { minutes: Some(soak.saturating_sub(run).div_ceil(60)), ..Needed::default() };
        let needed = needs.clone().fold(soak_left, |sum, (needed, _)| sum.max(needed));
        if let Some((_, reason)) = needs.clone().next() {
            return (Decision::Inconclusive { needed }, reason.clone());
        }
        if !rules.iter().any(|rule| rule.waits && rule.tracks == 2) {
            let needed = Needed { minutes: None, ..needed };
            return (Decision::Inconclusive { needed }, "nothing was measured on both tracks".to_owned());
        }
        if run < soak {
            let reason = format!(
                "every rule holds so far, but the canary has run for {} of the {} min that it must",
                run / 60,
                soak / 60
            );
            return (Decision::Inconclusive { needed }, reason);
        }
        let held = waited.map(brief).collect::<Vec<_>>().join(", ");
        (Decision::Pass, format!("every rule holds: {held}{}", missing(rules)))
    }

    fn is_before(&self, block: &Block) -> bool {
        Timestamp::from_second(seconds(block.minute)).map_or(block.minute < 0, |start| start < self.started)
    }
}

/// The metrics that nobody measured, as the end of a sentence.
fn missing(rules: &[Explained]) -> String {
    let mut names: Vec<String> = Vec::new();
    for rule in rules.iter().filter(|rule| rule.tracks == 0) {
        let name = rule.verdict.metric.to_string();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() { String::new() } else { format!("; not measured: {}", names.join(", ")) }
}

/// `latency p95 over 60 min (112 ms of at most 121 ms)`
fn brief(verdict: &MetricVerdict) -> String {
    let MetricVerdict { metric, statistic, canary, limit, evidence, reason, .. } = verdict;
    match evidence.as_ref().map(|evidence| evidence.effect) {
        Some(Some(effect)) => return format!("{metric} {effect}"),
        Some(None) => return reason.clone(),
        None => {}
    }
    let figures = match canary.zip(*limit) {
        Some((canary, limit)) => format!("{} of at most {}", figure(metric, canary), figure(metric, limit)),
        None => "none".to_owned(),
    };
    format!("{metric} {statistic} ({figures})")
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

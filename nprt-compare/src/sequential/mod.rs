//! The sequential judge: evidence that grows minute by minute, by the tests of [`statistics`](super::statistics).
//!
//! A minute is folded into the evidence as soon as it is over; if a late block changes it, it is folded again. When
//! both tracks have gone on by [`LAG`] minutes it is closed: what comes then is too late, and stable's part of it
//! becomes part of the past that later minutes are compared with.
//!
//! Each kind of rule has a file of its own with its [`RuleKind`](kind::RuleKind), and [`registry`] lists them.

mod calibration;
mod coverage;
mod events;
mod explain;
mod explanation;
mod failures;
mod flaw;
mod growth;
mod kind;
mod knowledge;
mod measurements;
mod minute;
mod past;
mod registry;
mod residuals;
mod setting;
mod shift;
mod state;
mod weighted_test;

use std::collections::BTreeMap;
use std::convert::Infallible;

use nprt_core::model::Block;
use nprt_core::{Error, Result};

pub(super) use self::explain::RuleVerdict;
use self::flaw::{OTHER_RULES, flaw};
use self::kind::View;
use self::minute::{Key, MinuteSlots, Slot, SlotData};
use self::registry::{RuleRun, RuleState};
use self::setting::{LAG, Setting};
pub(super) use self::state::SavedState;
use self::state::{JointEvidence, MinuteEvidence, State};
use super::policy::{Policy, Rule};
use super::series::check_as;

/// The most minutes that may stay open while one track is silent.
const MOST_OPEN: usize = 16;

/// What is known of a canary by sequential rules.
#[derive(Debug, Clone)]
pub(super) struct Sequential {
    setting: Setting,
    state: State<RuleRun>,
    /// What the last verdict was computed from, so that its minute need not be folded again.
    look: Option<MinuteEvidence<RuleRun>>,
}

impl Sequential {
    /// `None` where the policy has no sequential rule.
    pub(super) fn new(policy: &Policy, started: i64) -> Option<Self> {
        let runs = policy.rules.iter().filter_map(|rule| Some((rule.clone(), RuleRun::begin(rule)?)));
        let (rules, runs): (Vec<Rule>, Vec<RuleRun>) = runs.unzip();
        let setting = Setting::new(rules, policy, started);
        let state = State::new(&setting, runs);
        (!setting.rules.is_empty()).then(|| Self { setting, state, look: None })
    }

    /// Goes on from a state that was written.
    pub(super) fn resume(&mut self, SavedState(state): SavedState) -> Result<()> {
        let learned = state.knowledge.len();
        let refused = |message| {
            Error::invalid("judge.resume", message)
                .with("rules", self.setting.rules.len())
                .with("in the state", learned)
        };
        if let Some(message) = flaw(&state, &self.setting) {
            return Err(refused(message));
        }
        let rules = &self.state.base.rules;
        let join = |index: usize, state: RuleState| {
            rules.get(index).and_then(|rule| rule.resume(state)).ok_or(OTHER_RULES)
        };
        self.state = state.map(&join).map_err(refused)?;
        self.look = None;
        Ok(())
    }

    /// What to save.
    pub(super) fn state(&self) -> SavedState {
        let Ok(state) = self.state.clone().map(&|_, rule: RuleRun| Ok::<_, Infallible>(rule.into_state()));
        SavedState(state)
    }

    /// Takes a block of stable's past; minutes in any order.
    pub(super) fn observe_history(&mut self, block: &Block) -> Result<()> {
        let Some(metric) = self.setting.metric(&block.metric) else { return Ok(()) };
        check_as(self.setting.roles[metric], &block.data)?;
        let slots = slots(&mut self.state.history, block.minute, self.setting.metrics.len());
        slots[metric].insert(Key::of(block), SlotData::of(&block.data)).map(drop)
    }

    /// Takes a block of the run.
    pub(super) fn observe(&mut self, block: &Block) -> Result<()> {
        let Some(metric) = self.setting.metric(&block.metric) else { return Ok(()) };
        if block.minute.checked_mul(60).is_none() {
            return Err(Error::invalid("judge.observe", "expected a minute that is a time"));
        }
        self.learn_history();
        if self.state.closed.is_some_and(|closed| block.minute <= closed) {
            self.state.late[metric] = self.state.late[metric].saturating_add(1);
            return Ok(());
        }
        self.go_on(block.minute);
        let count = self.setting.metrics.len();
        let slot = &mut slots(&mut self.state.open, block.minute, count)[metric];
        let (changed, result) = match check_as(self.setting.roles[metric], &block.data) {
            Ok(()) => match slot.insert(Key::of(block), SlotData::of(&block.data)) {
                Ok(changed) => (changed, Ok(())),
                Err(error) => (true, Err(error)),
            },
            Err(error) => {
                slot.rejected += 1;
                (true, Err(error))
            }
        };
        if changed {
            self.state.settled.retain(|settled| settled.minute < block.minute);
            self.look.take_if(|look| look.minute >= block.minute);
        }
        let newest = &mut self.state.newest[block.track];
        *newest = (*newest).max(Some(block.minute));
        self.close();
        result
    }

    /// The verdict of each rule on the minutes that are over before `end`.
    pub(super) fn verdicts(&mut self, end: i64) -> Vec<RuleVerdict> {
        let found = self.evidence(end);
        let Self { setting, state, .. } = &*self;
        let open = state.open.range(..end).map(|(minute, slots)| setting.minute(*minute, slots));
        let open: Vec<MinuteSlots<'_>> = open.collect();
        let time = setting.time(found.minute.max(setting.started.saturating_sub(1)));
        let shares = found.evidence.shares();
        let verdict = |(index, (known, share))| {
            let view = View { known, open: &open, time, policy: &setting.policy, share };
            explain::verdict(setting, index, &found.evidence, view, self.late(index), end)
        };
        let verdicts = state.knowledge.iter().zip(shares).enumerate().map(verdict).collect();
        self.look = Some(found);
        verdicts
    }

    /// The evidence of all minutes that are over before this one.
    fn evidence(&self, end: i64) -> MinuteEvidence<RuleRun> {
        let state = &self.state;
        let settled = state.settled.iter().rev().find(|settled| settled.minute < end);
        let mut found = settled.cloned().unwrap_or_else(|| MinuteEvidence {
            minute: state.closed.unwrap_or(i64::MIN),
            evidence: state.base.clone(),
        });
        // A look may be at an earlier time than what is closed.
        let next = found.minute.saturating_add(1).min(end);
        for (at, slots) in state.open.range(next..end) {
            found.evidence.fold(&self.setting, &state.knowledge, *at, slots);
            found.minute = *at;
        }
        found
    }

    /// Folds what is over once a later minute comes, so that a look has only the last one to fold.
    fn go_on(&mut self, minute: i64) {
        let newest = self.state.newest.stable.max(self.state.newest.canary);
        if newest.is_none_or(|newest| minute <= newest) {
            return;
        }
        let settled = self.state.settled.back().map(|settled| settled.minute).or(self.state.closed);
        let next = settled.map_or(i64::MIN, |last| last + 1).min(minute);
        let open = self.state.open.range(next..minute);
        for at in open.map(|(at, _)| *at).collect::<Vec<_>>() {
            let settled =
                self.look.take_if(|look| look.minute == at).unwrap_or_else(|| self.evidence(at + 1));
            self.state.settled.push_back(settled);
        }
    }

    /// Closes the minutes that are over for good.
    fn close(&mut self) {
        loop {
            let Some((&first, _)) = self.state.open.first_key_value() else { return };
            let both = self.state.newest.both().map(|(stable, canary)| stable.min(canary));
            let over = both.is_some_and(|both| first <= both - LAG);
            if !over && self.state.open.len() <= MOST_OPEN {
                return;
            }
            self.close_first(first);
        }
    }

    fn close_first(&mut self, first: i64) {
        let JointEvidence { rules, regression } = self.evidence(first + 1).evidence;
        let Some((_, slots)) = self.state.open.pop_first() else { return };
        let minute = self.setting.minute(first, &slots);
        for (rule, known) in rules.iter().zip(&mut self.state.knowledge) {
            rule.close(known, minute);
        }
        self.state.base = JointEvidence { rules, regression };
        self.state.closed = Some(first);
        self.state.settled.retain(|settled| settled.minute > first);
    }

    /// Learns from stable's past, once, when the run begins: what came until then.
    fn learn_history(&mut self) {
        if self.state.history_learned {
            return;
        }
        self.state.history_learned = true;
        let history = std::mem::take(&mut self.state.history);
        let minutes = history.iter().map(|(minute, slots)| self.setting.minute(*minute, slots));
        let minutes: Vec<MinuteSlots<'_>> = minutes.collect();
        let runs = self.state.base.rules.iter_mut().zip(&mut self.state.knowledge);
        for (rule, (run, known)) in self.setting.rules.iter().zip(runs) {
            let roles = rule.roles();
            let is_measured = |minute: &&MinuteSlots<'_>| {
                roles.iter().any(|(metric, _)| !minute.slot(metric).blocks.is_empty())
            };
            let measured = minutes.iter().filter(is_measured).count();
            run.learn_history(known, &minutes, measured as u64);
        }
    }

    /// Blocks of a rule's metrics that came too late, or again.
    fn late(&self, index: usize) -> u64 {
        let roles = self.setting.rules[index].roles();
        let metrics = roles.iter().filter_map(|(metric, _)| self.setting.metric(metric));
        metrics.map(|at| self.state.late[at]).sum()
    }
}

/// The slots of a minute, one a metric.
fn slots(minutes: &mut BTreeMap<i64, Vec<Slot>>, minute: i64, metrics: usize) -> &mut Vec<Slot> {
    minutes.entry(minute).or_insert_with(|| vec![Slot::default(); metrics])
}

//! The sequential judge: evidence that grows minute by minute, by the tests of [`compare::test`](super::statistics).
//!
//! A minute is folded into the evidence as soon as it is over; if a late block changes it, it is folded again. When
//! both tracks have gone on by [`LAG`] minutes it is closed: what comes then is too late, and stable's part of it
//! becomes part of the past that later minutes are compared with.

mod between_pods;
mod calibration;
mod checked;
mod constant;
mod events;
mod explain;
mod facts;
mod failures;
mod growth;
mod learned;
mod looked;
mod measurements;
mod minute;
mod part;
mod past;
mod residuals;
mod samples;
mod state;
mod values;
mod warm_up;

use std::collections::{BTreeMap, VecDeque};

pub(super) use self::explain::Explained;
use self::learned::Learned;
use self::looked::Looked;
use self::minute::{Key, Measured, Slot};
pub(super) use self::state::State;
use nprt_core::model::{Block, MetricName, Track};
use nprt_core::{Error, Result};

use self::state::{Settled, Small};
use super::policy::{Policy, Role, Rule};
use super::series::check_as;

/// A minute is closed when both tracks have gone on by so many, and compared by what is at least as old.
const LAG: i64 = 2;
/// The most minutes that may stay open while one track is silent.
const MOST_OPEN: usize = 16;

/// When a minute is folded.
#[derive(Debug, Clone, Copy)]
struct Time {
    minute: i64,
    /// Minutes that the canary has run when it is over.
    run: i64,
    /// Minutes that it is to run at most.
    deadline: i64,
    warm_up: u32,
    soak: i64,
}

/// What is known of a canary by sequential rules.
#[derive(Debug, Clone)]
pub(super) struct Sequential {
    rules: Vec<Rule>,
    policy: Policy,
    /// The minute that the canary started in.
    started: i64,
    metrics: Vec<MetricName>,
    /// What the rules read in each.
    roles: Vec<Role>,
    state: State,
    looked: Looked,
}

impl Sequential {
    /// `None` where the policy has no sequential rule.
    pub(super) fn new(policy: &Policy, started: i64) -> Option<Self> {
        let rules: Vec<Rule> = policy.rules.iter().filter(|rule| is_sequential(rule)).cloned().collect();
        let (mut metrics, mut roles) = (Vec::new(), Vec::new());
        for (metric, role) in rules.iter().flat_map(Rule::roles) {
            if !metrics.contains(&metric) {
                metrics.push(metric);
                roles.push(role);
            }
        }
        let state = State::new(&rules);
        (!rules.is_empty()).then(|| Self {
            rules,
            policy: policy.clone(),
            started,
            metrics,
            roles,
            state,
            looked: Looked::default(),
        })
    }

    /// Goes on from a state that was written.
    pub(super) fn resume(&mut self, state: State) -> Result<()> {
        if let Some(message) = checked::flaw(&state, &self.rules, self.metrics.len()) {
            return Err(Error::invalid("judge.resume", message)
                .with("rules", self.rules.len())
                .with("in the state", state.learned.len()));
        }
        self.state = state;
        self.looked = Looked::default();
        Ok(())
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    /// Takes a block of stable's past; minutes in any order.
    pub(super) fn observe_history(&mut self, block: &Block) -> Result<()> {
        let Some(metric) = self.metric(&block.metric) else { return Ok(()) };
        check_as(self.roles[metric], &block.data)?;
        let slots = slots(&mut self.state.history, block.minute, self.metrics.len());
        slots[metric].insert(Key::of(block), Measured::of(&block.data)).map(drop)
    }

    /// Takes a block of the run.
    pub(super) fn observe(&mut self, block: &Block) -> Result<()> {
        let Some(metric) = self.metric(&block.metric) else { return Ok(()) };
        if block.minute.checked_mul(60).is_none() {
            return Err(Error::invalid("judge.observe", "expected a minute that is a time"));
        }
        self.learn_history();
        if self.state.closed.is_some_and(|closed| block.minute <= closed) {
            self.state.late[metric] = self.state.late[metric].saturating_add(1);
            return Ok(());
        }
        self.go_on(block.minute);
        let count = self.metrics.len();
        let slot = &mut slots(&mut self.state.open, block.minute, count)[metric];
        let (changed, result) = match check_as(self.roles[metric], &block.data) {
            Ok(()) => match slot.insert(Key::of(block), Measured::of(&block.data)) {
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
            self.looked.forget(block.minute);
        }
        let newest = &mut self.state.newest[usize::from(block.track == Track::Canary)];
        *newest = (*newest).max(Some(block.minute));
        self.close();
        result
    }

    /// The evidence of all minutes that are over before this one.
    fn small(&self, end: i64) -> (Small, i64) {
        let state = &self.state;
        let settled = state.settled.iter().rev().find(|settled| settled.minute < end);
        let (mut small, mut minute) = match settled {
            Some(settled) => (settled.small.clone(), settled.minute),
            None => (state.base.clone(), state.closed.unwrap_or(i64::MIN)),
        };
        for (at, slots) in state.open.range(minute.saturating_add(1)..end) {
            small.fold(self, slots, *at);
            minute = *at;
        }
        (small, minute)
    }

    /// Folds what is over once a later minute comes, so that a look has only the last one to fold.
    fn go_on(&mut self, minute: i64) {
        let newest = self.state.newest.iter().flatten().max().copied();
        if newest.is_none_or(|newest| minute <= newest) {
            return;
        }
        let settled = self.state.settled.back().map(|settled| settled.minute).or(self.state.closed);
        let open = self.state.open.range(settled.map_or(i64::MIN, |last| last + 1)..minute);
        for at in open.map(|(at, _)| *at).collect::<Vec<_>>() {
            let settled = self.looked.take(at);
            let settled = settled.unwrap_or_else(|| Settled { minute: at, small: self.small(at + 1).0 });
            self.state.settled.push_back(settled);
        }
    }

    /// Closes the minutes that are over for good.
    fn close(&mut self) {
        loop {
            let Some((&first, _)) = self.state.open.first_key_value() else { return };
            let [stable, canary] = self.state.newest;
            let both = stable.zip(canary).map(|(stable, canary)| stable.min(canary));
            let over = both.is_some_and(|both| first <= both - LAG);
            if !over && self.state.open.len() <= MOST_OPEN {
                return;
            }
            self.close_first(first);
        }
    }

    fn close_first(&mut self, first: i64) {
        let (small, _) = self.small(first + 1);
        let Some((_, slots)) = self.state.open.pop_first() else { return };
        self.state.base = small;
        self.state.closed = Some(first);
        self.state.settled.retain(|settled| settled.minute > first);
        for (rule, learned) in self.rules.iter().zip(&mut self.state.learned) {
            learned.close(rule, &of_rule(rule, &self.metrics, &slots), first);
        }
    }

    /// Learns from stable's past, once, when the run begins: what came until then.
    fn learn_history(&mut self) {
        if self.state.history_learned {
            return;
        }
        self.state.history_learned = true;
        let history = std::mem::take(&mut self.state.history);
        let small = self.state.base.rules.iter_mut();
        for ((rule, learned), small) in self.rules.iter().zip(&mut self.state.learned).zip(small) {
            learned.history(rule, small, &history, &self.metrics);
        }
    }

    fn metric(&self, name: &MetricName) -> Option<usize> {
        self.metrics.iter().position(|metric| metric == name)
    }

    /// ln E from which on it is a regression.
    fn threshold(&self) -> f64 {
        -self.policy.alpha.ln()
    }

    fn time(&self, minute: i64) -> Time {
        Time {
            minute,
            run: minute.saturating_sub(self.started).saturating_add(1),
            deadline: i64::from(self.policy.deadline_minutes),
            warm_up: self.policy.warm_up_minutes,
            soak: i64::from(self.policy.soak_minutes),
        }
    }
}

fn is_sequential(rule: &Rule) -> bool {
    matches!(rule, Rule::Measurements(_) | Rule::Failures(_) | Rule::Events(_) | Rule::Growth(_))
}

/// The slots of a minute, one a metric.
fn slots(minutes: &mut BTreeMap<i64, Vec<Slot>>, minute: i64, metrics: usize) -> &mut Vec<Slot> {
    minutes.entry(minute).or_insert_with(|| vec![Slot::default(); metrics])
}

/// The slots that a rule reads, in the order of its roles.
fn of_rule<'a>(rule: &Rule, metrics: &[MetricName], slots: &'a [Slot]) -> Vec<&'a Slot> {
    let at = |metric: &MetricName| metrics.iter().position(|own| own == metric);
    rule.roles().iter().filter_map(|(metric, _)| slots.get(at(metric)?)).collect()
}

/// A queue of few.
type Few<T> = VecDeque<T>;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::events::Events;
use super::facts::Facts;
use super::failures::Failures;
use super::growth::Growth;
use super::learned::Learned;
use super::measurements::Measurements;
use super::minute::Slot;
use super::part::{Part, average};
use super::{Few, Sequential, of_rule};
use crate::policy::Rule;
use crate::statistics::new_classes::NewClasses;

/// All that is known of a canary between two blocks: written and read back it goes on as if nothing had happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct State {
    /// Stable's past, until the run begins.
    pub(super) history: BTreeMap<i64, Vec<Slot>>,
    pub(super) history_learned: bool,
    /// One a rule.
    pub(super) learned: Vec<Learned>,
    /// After the last closed minute.
    pub(super) base: Small,
    pub(super) closed: Option<i64>,
    /// After each of the minutes that are over and not closed, as far as nothing changed them since.
    pub(super) settled: Few<Settled>,
    pub(super) open: BTreeMap<i64, Vec<Slot>>,
    /// The newest minute of stable and of the canary.
    pub(super) newest: [Option<i64>; 2],
    /// Blocks of closed minutes, by metric: late, or repeated.
    pub(super) late: Vec<u64>,
}

/// What was known after a minute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Settled {
    pub(super) minute: i64,
    pub(super) small: Small,
}

/// The evidence of all rules after a minute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Small {
    /// One a rule.
    pub(super) rules: Vec<RuleState>,
    /// When the evidence sufficed, and whose it was; it stays.
    pub(super) regression: Option<Decided>,
}

/// A regression.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Decided {
    pub(super) minute: i64,
    /// The rules that decided alone, by their index; the one that contributed most where none did.
    pub(super) rules: Vec<usize>,
}

/// The evidence of one rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RuleState {
    Measurements(Box<Measurements>),
    Failures(Box<Failures>),
    Events(Events),
    Growth(Growth),
}

impl State {
    pub(super) fn new(rules: &[Rule]) -> Self {
        let metrics = rules.iter().flat_map(Rule::roles).count();
        Self {
            history: BTreeMap::new(),
            history_learned: false,
            learned: rules.iter().map(Learned::new).collect(),
            base: Small { rules: rules.iter().map(RuleState::new).collect(), regression: None },
            closed: None,
            settled: Few::new(),
            open: BTreeMap::new(),
            newest: [None; 2],
            late: vec![0; metrics],
        }
    }
}

impl RuleState {
    fn new(rule: &Rule) -> Self {
        match rule {
            Rule::Failures(rule) => Self::Failures(Box::new(Failures::new(rule, NewClasses::new()))),
            Rule::Events(_) => Self::Events(Events::default()),
            Rule::Growth(_) => Self::Growth(Growth::default()),
            _ => Self::Measurements(Box::new(Measurements::new())),
        }
    }

    /// The evidence of a regression, by test.
    pub(super) fn parts(&self) -> Vec<Part> {
        match self {
            Self::Measurements(state) => state.parts(),
            Self::Failures(state) => state.parts(),
            Self::Events(state) => state.parts(),
            Self::Growth(state) => state.parts(),
        }
    }

    /// What came of its metric; of failures, of the requests.
    pub(super) fn facts(&self) -> &Facts {
        match self {
            Self::Measurements(state) => &state.facts,
            Self::Failures(state) => &state.requests,
            Self::Events(state) => &state.facts,
            Self::Growth(state) => &state.facts,
        }
    }
}

impl Small {
    /// Goes on by a minute.
    pub(super) fn fold(&mut self, judge: &Sequential, slots: &[Slot], minute: i64) {
        let time = judge.time(minute);
        let shares = self.shares(judge);
        let rules = judge.rules.iter().zip(&judge.state.learned).zip(&mut self.rules).zip(shares);
        for (((rule, learned), state), share) in rules {
            match (state, rule, &of_rule(rule, &judge.metrics, slots)[..]) {
                (RuleState::Measurements(state), Rule::Measurements(rule), [slot]) => {
                    state.fold(rule, learned, slot, time);
                }
                (RuleState::Failures(state), Rule::Failures(rule), &[classes, requests]) => {
                    state.fold(rule, learned, [classes, requests], time, judge.policy.alpha * share);
                }
                (RuleState::Events(state), Rule::Events(rule), [slot]) => {
                    state.fold(rule, learned, slot, time);
                }
                (RuleState::Growth(state), Rule::Growth(rule), [slot]) => state.fold(rule, slot, time),
                _ => {}
            }
        }
        if self.regression.is_none() && self.ln_e(judge) >= judge.threshold() {
            self.regression = Some(Decided { minute, rules: self.blamed(judge) });
        }
    }

    /// The share of each rule in the error level: of those whose metrics anybody measures.
    pub(super) fn shares(&self, judge: &Sequential) -> Vec<f64> {
        let weight = |(rule, state): (&Rule, &RuleState)| {
            let weight = match rule {
                Rule::Measurements(rule) => rule.weight,
                Rule::Failures(rule) => rule.weight,
                Rule::Events(rule) => rule.weight,
                Rule::Growth(rule) => rule.weight,
                _ => 0.0,
            };
            if state.facts().any() { weight } else { 0.0 }
        };
        let weights: Vec<f64> = judge.rules.iter().zip(&self.rules).map(weight).collect();
        let all: f64 = weights.iter().sum();
        weights.iter().map(|weight| if all > 0.0 { weight / all } else { 0.0 }).collect()
    }

    /// The rules whose own share of the evidence suffices, or the largest share of all.
    fn blamed(&self, judge: &Sequential) -> Vec<usize> {
        let shares = self.shares(judge).into_iter().zip(&self.rules).enumerate();
        let logs: Vec<(usize, f64)> = shares
            .filter(|(_, (share, _))| *share > 0.0)
            .map(|(index, (share, state))| (index, share.ln() + average(&state.parts())))
            .collect();
        let alone: Vec<usize> =
            logs.iter().filter(|(_, ln_e)| *ln_e >= judge.threshold()).map(|(index, _)| *index).collect();
        if alone.is_empty() {
            logs.iter().max_by(|a, b| a.1.total_cmp(&b.1)).map(|(index, _)| *index).into_iter().collect()
        } else {
            alone
        }
    }

    /// The evidence of all rules together.
    pub(super) fn ln_e(&self, judge: &Sequential) -> f64 {
        let each = |(share, state): (f64, &RuleState)| Part::new("", share, average(&state.parts()));
        let parts: Vec<Part> = self
            .shares(judge)
            .into_iter()
            .zip(&self.rules)
            .filter(|(share, _)| *share > 0.0)
            .map(each)
            .collect();
        average(&parts)
    }
}

use std::collections::{BTreeMap, VecDeque};

use nprt_core::model::PerTrack;
use serde::{Deserialize, Serialize};

use super::knowledge::Knowledge;
use super::minute::Slot;
use super::registry::{RuleRun, RuleState};
use super::setting::Setting;
use super::weighted_test::{WeightedTest, average};

/// All that is known of a canary between two blocks: `R` is [`RuleRun`] while it is judged, and [`RuleState`] as it is
/// saved. Written and read back it goes on as if nothing had happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State<R> {
    /// Stable's past, until the run begins.
    pub(super) history: BTreeMap<i64, Vec<Slot>>,
    pub(super) history_learned: bool,
    /// One a rule.
    #[serde(rename = "learned")]
    pub(super) knowledge: Vec<Knowledge>,
    /// After the last closed minute.
    pub(super) base: JointEvidence<R>,
    pub(super) closed: Option<i64>,
    /// After each of the minutes that are over and not closed, as far as nothing changed them since.
    pub(super) settled: VecDeque<MinuteEvidence<R>>,
    pub(super) open: BTreeMap<i64, Vec<Slot>>,
    /// The newest minute of each track.
    pub(super) newest: PerTrack<Option<i64>>,
    /// Blocks of closed minutes, by metric: late, or repeated.
    pub(super) late: Vec<u64>,
}

/// A [`State`] as it is saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct SavedState(pub(super) State<RuleState>);

/// What was known after a minute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct MinuteEvidence<R> {
    pub(super) minute: i64,
    #[serde(rename = "small")]
    pub(super) evidence: JointEvidence<R>,
}

/// The evidence of all rules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct JointEvidence<R> {
    /// One a rule.
    pub(super) rules: Vec<R>,
    /// When the evidence sufficed, and whose it was; it stays.
    pub(super) regression: Option<Regression>,
}

/// When a regression was found, and by which rules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Regression {
    pub(super) minute: i64,
    /// The rules that decided alone, by their index; the one that contributed most where none did.
    pub(super) rules: Vec<usize>,
}

impl<R> State<R> {
    /// The same with other rules: `of` makes each, from the rule's index.
    pub(super) fn map<S, E>(self, of: &impl Fn(usize, R) -> Result<S, E>) -> Result<State<S>, E> {
        let settled = self.settled.into_iter().map(|MinuteEvidence { minute, evidence }| {
            evidence.map(of).map(|evidence| MinuteEvidence { minute, evidence })
        });
        Ok(State {
            settled: settled.collect::<Result<_, E>>()?,
            base: self.base.map(of)?,
            history: self.history,
            history_learned: self.history_learned,
            knowledge: self.knowledge,
            closed: self.closed,
            open: self.open,
            newest: self.newest,
            late: self.late,
        })
    }
}

impl<R> JointEvidence<R> {
    fn map<S, E>(self, of: &impl Fn(usize, R) -> Result<S, E>) -> Result<JointEvidence<S>, E> {
        let rules = self.rules.into_iter().enumerate().map(|(index, rule)| of(index, rule));
        Ok(JointEvidence { rules: rules.collect::<Result<_, E>>()?, regression: self.regression })
    }
}

impl State<RuleRun> {
    pub(super) fn new(setting: &Setting, rules: Vec<RuleRun>) -> Self {
        Self {
            history: BTreeMap::new(),
            history_learned: false,
            knowledge: rules.iter().map(|rule| rule.knowledge()).collect(),
            base: JointEvidence { rules, regression: None },
            closed: None,
            settled: VecDeque::new(),
            open: BTreeMap::new(),
            newest: PerTrack::default(),
            // One that two rules read has two places, of which the first counts.
            late: vec![0; setting.rules.iter().map(|rule| rule.roles().len()).sum()],
        }
    }
}

impl JointEvidence<RuleRun> {
    /// Goes on by a minute.
    pub(super) fn fold(&mut self, setting: &Setting, knowledge: &[Knowledge], minute: i64, slots: &[Slot]) {
        let time = setting.time(minute);
        let shares = self.shares();
        let slots = setting.minute(minute, slots);
        for ((rule, known), share) in self.rules.iter_mut().zip(knowledge).zip(shares) {
            rule.fold(known, slots, time, setting.policy.alpha * share);
        }
        if self.regression.is_none() && self.ln_e() >= setting.threshold() {
            self.regression = Some(Regression { minute, rules: self.blamed(setting.threshold()) });
        }
    }

    /// The share of each rule in the error level: of those whose metrics anybody measures.
    pub(super) fn shares(&self) -> Vec<f64> {
        let weight = |rule: &RuleRun| if rule.coverage().any() { rule.weight() } else { 0.0 };
        let weights: Vec<f64> = self.rules.iter().map(weight).collect();
        let all: f64 = weights.iter().sum();
        weights.iter().map(|weight| if all > 0.0 { weight / all } else { 0.0 }).collect()
    }

    /// The rules whose own share of the evidence suffices, or the largest share of all.
    fn blamed(&self, threshold: f64) -> Vec<usize> {
        let shares = self.shares().into_iter().zip(&self.rules).enumerate();
        let logs: Vec<(usize, f64)> = shares
            .filter(|(_, (share, _))| *share > 0.0)
            .map(|(index, (share, rule))| (index, share.ln() + average(&rule.tests())))
            .collect();
        let alone: Vec<usize> =
            logs.iter().filter(|(_, ln_e)| *ln_e >= threshold).map(|(index, _)| *index).collect();
        if alone.is_empty() {
            logs.iter().max_by(|a, b| a.1.total_cmp(&b.1)).map(|(index, _)| *index).into_iter().collect()
        } else {
            alone
        }
    }

    /// The evidence of all rules together.
    fn ln_e(&self) -> f64 {
        let shares = self.shares().into_iter().zip(&self.rules).filter(|(share, _)| *share > 0.0);
        let each = |(share, rule): (f64, &RuleRun)| WeightedTest::new("", share, average(&rule.tests()));
        average(&shares.map(each).collect::<Vec<_>>())
    }
}

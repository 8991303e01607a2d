use std::fmt::Debug;

use super::coverage::Coverage;
use super::explanation::Explanation;
use super::knowledge::Knowledge;
use super::minute::MinuteSlots;
use super::setting::Time;
use super::weighted_test::WeightedTest;
use crate::policy::Policy;

/// A kind of sequential rule: what it learns of stable, how a minute adds to its evidence, and how it explains what it
/// found.
///
/// A new kind implements this in its own file; [`registry`](super::registry) lists it.
pub(super) trait RuleKind: Debug + Clone {
    /// What it knows of a canary. It is saved.
    type State: Debug + Clone + PartialEq;

    /// Whether it counts rare events, of which the noise is known by how many there were.
    const COUNTS_EVENTS: bool = false;

    /// What it knows before the first minute.
    fn begin(&self) -> Self::State;

    /// Its share of the error level, beside that of the other rules.
    fn weight(&self) -> f64;

    /// How many statistics the noise is calibrated for.
    fn statistics(&self) -> usize {
        1
    }

    /// Whether a pass waits for its evidence.
    fn gates_pass(&self) -> bool {
        false
    }

    /// Whether the metrics backend must be configured for its metrics.
    fn is_required(&self) -> bool {
        false
    }

    /// Learns how stable's pods differed in a minute.
    fn learn(&self, known: &mut Knowledge, minute: MinuteSlots<'_>);

    /// Learns from the whole history at once: all of it lies before the run.
    fn learn_history(&self, _state: &mut Self::State, known: &mut Knowledge, history: &[MinuteSlots<'_>]) {
        history.iter().for_each(|minute| self.learn(known, *minute));
    }

    /// Learns from a minute of the run that is closed.
    fn close(&self, known: &mut Knowledge, minute: MinuteSlots<'_>) {
        self.learn(known, minute);
    }

    /// Adds a minute to the evidence. `alpha` is the rule's share of the error level.
    fn fold(
        &self,
        state: &mut Self::State,
        known: &Knowledge,
        minute: MinuteSlots<'_>,
        time: Time,
        alpha: f64,
    );

    /// What came of its metric.
    fn coverage(state: &Self::State) -> &Coverage;

    /// The evidence of a regression, by test.
    fn tests(state: &Self::State) -> Vec<WeightedTest>;

    /// What it found, in figures and words.
    fn explain(&self, state: &Self::State, view: View<'_>) -> Explanation;
}

/// What an explanation is made from, beside the rule's state.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) known: &'a Knowledge,
    /// The minutes that are over and not closed.
    pub(super) open: &'a [MinuteSlots<'a>],
    pub(super) time: Time,
    pub(super) policy: &'a Policy,
    /// The rule's share of the error level, as a part of 1.
    pub(super) share: f64,
}

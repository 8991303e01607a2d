//! The kinds of sequential rules.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::coverage::Coverage;
use super::explanation::Explanation;
use super::kind::{RuleKind, View};
use super::knowledge::Knowledge;
use super::minute::MinuteSlots;
use super::setting::Time;
use super::weighted_test::WeightedTest;
use crate::policy::{EventsRule, FailuresRule, GrowthRule, MeasurementsRule, Rule};

/// A rule with what it knows of the canary: of the same kind, so that no two need to be matched again.
#[derive(Debug, Clone)]
pub(super) struct Run<K: RuleKind> {
    rule: Arc<K>,
    state: K::State,
}

/// Makes of the list of kinds [`RuleRun`], [`RuleState`] and what leads from one to the other.
macro_rules! register {
    ($($kind:ident($rule:ty),)*) => {
        /// A [`Run`] of any kind.
        #[derive(Debug, Clone)]
        pub(super) enum RuleRun {
            $($kind(Box<Run<$rule>>),)*
        }

        /// What a rule knows, as it is saved.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub(super) enum RuleState {
            $($kind(Box<<$rule as RuleKind>::State>),)*
        }

        impl RuleRun {
            /// Begins with a rule; `None` unless it is sequential.
            pub(super) fn begin(rule: &Rule) -> Option<Self> {
                match rule {
                    $(Rule::$kind(rule) => {
                        Some(Self::$kind(Box::new(Run { state: rule.begin(), rule: Arc::new(rule.clone()) })))
                    })*
                    Rule::Percentile(_) | Rule::Errors(_) | Rule::Kayenta(_) => None,
                }
            }

            /// Goes on with a state that was saved; `None` if it is of another kind.
            pub(super) fn resume(&self, state: RuleState) -> Option<Self> {
                match self {
                    $(Self::$kind(run) => {
                        let RuleState::$kind(state) = state else { return None };
                        Some(Self::$kind(Box::new(Run { rule: run.rule.clone(), state: *state })))
                    })*
                }
            }

            /// What to save of it.
            pub(super) fn into_state(self) -> RuleState {
                match self {
                    $(Self::$kind(run) => RuleState::$kind(Box::new(run.state)),)*
                }
            }
        }

        impl Deref for RuleRun {
            type Target = dyn AnyRun;

            fn deref(&self) -> &Self::Target {
                match self {
                    $(Self::$kind(run) => &**run,)*
                }
            }
        }

        impl DerefMut for RuleRun {
            fn deref_mut(&mut self) -> &mut Self::Target {
                match self {
                    $(Self::$kind(run) => &mut **run,)*
                }
            }
        }
    };
}

register! {
    Measurements(MeasurementsRule),
    Failures(FailuresRule),
    Events(EventsRule),
    Growth(GrowthRule),
}

/// What a [`Run`] of any kind does: see [`RuleKind`].
pub(super) trait AnyRun {
    fn weight(&self) -> f64;
    fn gates_pass(&self) -> bool;
    fn is_required(&self) -> bool;
    /// What is known of stable before the first minute.
    fn knowledge(&self) -> Knowledge;
    /// In so many minutes of the history something was measured.
    fn learn_history(&mut self, known: &mut Knowledge, history: &[MinuteSlots<'_>], measured: u64);
    fn close(&self, known: &mut Knowledge, minute: MinuteSlots<'_>);
    fn fold(&mut self, known: &Knowledge, minute: MinuteSlots<'_>, time: Time, alpha: f64);
    fn coverage(&self) -> &Coverage;
    fn tests(&self) -> Vec<WeightedTest>;
    fn explain(&self, view: View<'_>) -> Explanation;
}

impl<K: RuleKind> AnyRun for Run<K> {
    fn weight(&self) -> f64 {
        self.rule.weight()
    }

    fn gates_pass(&self) -> bool {
        self.rule.gates_pass()
    }

    fn is_required(&self) -> bool {
        self.rule.is_required()
    }

    fn knowledge(&self) -> Knowledge {
        Knowledge::new(self.rule.statistics())
    }

    fn learn_history(&mut self, known: &mut Knowledge, history: &[MinuteSlots<'_>], measured: u64) {
        self.rule.learn_history(&mut self.state, known, history);
        known.end_history(history.len() as u64, measured, K::COUNTS_EVENTS);
    }

    fn close(&self, known: &mut Knowledge, minute: MinuteSlots<'_>) {
        self.rule.close(known, minute);
        known.end_minute(minute.minute, K::COUNTS_EVENTS);
    }

    fn fold(&mut self, known: &Knowledge, minute: MinuteSlots<'_>, time: Time, alpha: f64) {
        self.rule.fold(&mut self.state, known, minute, time, alpha);
    }

    fn coverage(&self) -> &Coverage {
        K::coverage(&self.state)
    }

    fn tests(&self) -> Vec<WeightedTest> {
        K::tests(&self.state)
    }

    fn explain(&self, view: View<'_>) -> Explanation {
        self.rule.explain(&self.state, view)
    }
}

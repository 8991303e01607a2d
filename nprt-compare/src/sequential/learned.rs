use std::collections::{BTreeMap, BTreeSet};

use nprt_core::model::{MetricName, Track};
use serde::{Deserialize, Serialize};

use super::calibration::Calibration;
use super::measurements::stable_routes;
use super::minute::{Measured, Slot};
use super::past::Past;
use super::residuals::Residuals;
use super::state::RuleState;
use super::{Few, LAG, between_pods, events, failures, of_rule};
use crate::policy::Rule;
use crate::sketch::Sparse;

/// Closed minutes between two looks at how steep the scores are.
const RESLOPE: u64 = 16;

/// What a rule has learned from stable in minutes that are closed, and what both tracks measured in them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Learned {
    pub(super) past: Past,
    residuals: Residuals,
    /// How much the mean score grows with the logarithm of the values; of values it is 1.
    pub(super) slope: f64,
    /// What was known after which minute, the latest last: a minute is compared by what is as old as its past.
    calibrations: Few<(i64, Calibration)>,
    minutes: u64,
    /// Stable's requests in its history.
    pub(super) requests: u64,
    /// Minutes of the history, and whether blocks told pods apart.
    pub(super) history_minutes: u64,
    /// All samples of the run: stable's, the canary's.
    pub(super) run: [Sparse; 2],
}

impl Learned {
    pub(super) fn new(rule: &Rule) -> Self {
        let statistics = match rule {
            Rule::Measurements(rule) => 1 + rule.quantiles.len(),
            _ => 1,
        };
        Self {
            past: Past::default(),
            residuals: Residuals::default(),
            slope: 0.0,
            calibrations: [(i64::MIN, Calibration::unknown(statistics))].into(),
            minutes: 0,
            requests: 0,
            history_minutes: 0,
            run: Default::default(),
        }
    }

    /// What is known when a minute is compared.
    pub(super) fn calibration(&self, minute: i64) -> &Calibration {
        let known = self.calibrations.iter().rev().find(|(of, _)| *of <= minute - LAG);
        // The first one is always old enough, and there is always one.
        &known.unwrap_or(&self.calibrations[0]).1
    }

    /// Learns from the whole history at once: all of it lies before the run.
    pub(super) fn history(
        &mut self,
        rule: &Rule,
        state: &mut RuleState,
        history: &BTreeMap<i64, Vec<Slot>>,
        metrics: &[MetricName],
    ) {
        let minutes = || history.iter().map(|(minute, slots)| (*minute, of_rule(rule, metrics, slots)));
        if let Rule::Measurements(_) = rule {
            minutes().filter_map(|(_, slots)| slots.first().copied()).for_each(|slot| {
                self.past.add(stable_routes(slot));
            });
        }
        for (minute, slots) in minutes() {
            self.learn(rule, &slots, minute);
            self.history_minutes += u64::from(slots.iter().any(|slot| !slot.blocks.is_empty()));
            if let (RuleState::Failures(failures), [classes, requests]) = (&mut *state, &slots[..]) {
                self.requests = self.requests.saturating_add(failures::stable_requests(requests));
                let names: BTreeSet<_> = failures::names(classes, Track::Stable);
                // Minutes ascend, so that none is refused.
                let _ = failures.classes.observe_history(minute, names);
            }
        }
        self.slope = self.past.slope();
        self.calibrate(rule, i64::MIN + LAG);
    }

    /// Learns from a minute of the run.
    pub(super) fn close(&mut self, rule: &Rule, slots: &[&Slot], minute: i64) {
        self.learn(rule, slots, minute);
        if let (Rule::Measurements(_), [slot]) = (rule, slots) {
            self.past.close(minute, stable_routes(slot));
            add_run(&mut self.run, slot);
        }
        if self.minutes.is_multiple_of(RESLOPE) || self.slope <= 0.0 {
            self.slope = self.past.slope();
        }
        self.calibrate(rule, minute);
    }

    fn learn(&mut self, rule: &Rule, slots: &[&Slot], minute: i64) {
        self.minutes += 1;
        match (rule, slots) {
            (Rule::Measurements(rule), [slot]) => {
                between_pods::learn(&mut self.residuals, rule, &self.past, slot, minute);
            }
            (Rule::Failures(_), [_, requests]) => failures::learn(&mut self.residuals, requests, minute),
            (Rule::Events(_), [slot]) => events::learn(&mut self.residuals, slot, minute),
            _ => {}
        }
    }

    fn calibrate(&mut self, rule: &Rule, minute: i64) {
        let Some((_, before)) = self.calibrations.back() else { return };
        let counts = matches!(rule, Rule::Failures(_) | Rule::Events(_));
        // Values are their own logarithms.
        let slope = if self.slope > 0.0 { self.slope } else { 1.0 };
        let calibration = Calibration::of(&self.residuals, slope, counts, before);
        self.calibrations.push_back((minute, calibration));
        while self.calibrations.get(1).is_some_and(|(of, _)| *of <= minute - LAG + 1) {
            self.calibrations.pop_front();
        }
    }
}

/// Adds a minute's samples to those of the run.
pub(super) fn add_run(run: &mut [Sparse; 2], slot: &Slot) {
    for (key, measured) in &slot.blocks {
        if let Measured::Bins(bins) = measured {
            run[usize::from(key.track == Track::Canary)].merge(bins);
        }
    }
}

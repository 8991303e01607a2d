use std::collections::VecDeque;

use nprt_core::model::PerTrack;
use serde::{Deserialize, Serialize};

use super::calibration::Calibration;
use super::minute::{Slot, SlotData};
use super::past::Past;
use super::residuals::Residuals;
use super::setting::LAG;
use crate::sketch::Sparse;

/// Closed minutes between two looks at how steep the scores are.
const RESLOPE: u64 = 16;

/// What a rule has learned from stable in minutes that are closed, and what both tracks measured in them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Knowledge {
    pub(super) past: Past,
    pub(super) residuals: Residuals,
    /// How much the mean score grows with the logarithm of the values; of values it is 1.
    pub(super) slope: f64,
    /// What was known after which minute, the latest last: a minute is compared by what is as old as its past.
    calibrations: VecDeque<(i64, Calibration)>,
    minutes: u64,
    /// Stable's requests in its history.
    pub(super) requests: u64,
    /// Minutes of the history, and whether blocks told pods apart.
    pub(super) history_minutes: u64,
    /// All samples of the run.
    pub(super) run: PerTrack<Sparse>,
}

impl Knowledge {
    /// Before anything is known, of so many statistics.
    pub(super) fn new(statistics: usize) -> Self {
        Self {
            past: Past::default(),
            residuals: Residuals::default(),
            slope: 0.0,
            calibrations: [(i64::MIN, Calibration::unknown(statistics))].into(),
            minutes: 0,
            requests: 0,
            history_minutes: 0,
            run: PerTrack::default(),
        }
    }

    /// What is known when a minute is compared.
    pub(super) fn calibration(&self, minute: i64) -> &Calibration {
        let known = self.calibrations.iter().rev().find(|(of, _)| *of <= minute - LAG);
        // The first one is always old enough, and there is always one.
        &known.unwrap_or(&self.calibrations[0]).1
    }

    /// Goes by what the history taught, in so many minutes of which something was measured.
    pub(super) fn end_history(&mut self, minutes: u64, measured: u64, counts_events: bool) {
        self.minutes += minutes;
        self.history_minutes += measured;
        self.slope = self.past.slope();
        self.calibrate(counts_events, i64::MIN + LAG);
    }

    /// Goes by what a closed minute taught.
    pub(super) fn end_minute(&mut self, minute: i64, counts_events: bool) {
        self.minutes += 1;
        if self.minutes.is_multiple_of(RESLOPE) || self.slope <= 0.0 {
            self.slope = self.past.slope();
        }
        self.calibrate(counts_events, minute);
    }

    fn calibrate(&mut self, counts_events: bool, minute: i64) {
        let Some((_, before)) = self.calibrations.back() else { return };
        // Values are their own logarithms.
        let slope = if self.slope > 0.0 { self.slope } else { 1.0 };
        let calibration = Calibration::of(&self.residuals, slope, counts_events, before);
        self.calibrations.push_back((minute, calibration));
        while self.calibrations.get(1).is_some_and(|(of, _)| *of <= minute - LAG + 1) {
            self.calibrations.pop_front();
        }
    }
}

/// Adds a minute's samples to those of the run.
pub(super) fn add_run(run: &mut PerTrack<Sparse>, slot: &Slot) {
    for (key, data) in &slot.blocks {
        if let SlotData::Bins(bins) = data {
            run[key.track].merge(bins);
        }
    }
}

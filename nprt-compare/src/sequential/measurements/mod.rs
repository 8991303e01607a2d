//! Measurements: samples and histograms by the whole distribution and its quantiles, values by their means.

mod between_pods;
mod constant;
mod explain;
mod rank_index;
mod samples;
mod sides;
mod values;
mod warm_up;

use nprt_core::model::PerTrack;
use serde::{Deserialize, Serialize};

use self::samples::{SampleStep, SampleTests};
use self::sides::{by_route, is_one_sided, means, pods, stable_routes};
use self::values::{ValueStep, ValueTests};
use self::warm_up::{Level, Starts, WarmUp};
use super::coverage::Coverage;
use super::explanation::Explanation;
use super::kind::{RuleKind, View};
use super::knowledge::{Knowledge, add_run};
use super::minute::{MinuteSlots, SlotBlock, SlotData};
use super::setting::Time;
use super::shift::{Margins, Shift};
use super::weighted_test::WeightedTest;
use crate::policy::{Gate, MeasurementsRule};

/// What is known so far.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Measurements {
    #[serde(rename = "facts")]
    coverage: Coverage,
    starts: Starts,
    samples: Option<Tests<SampleTests, SampleStep>>,
    values: Option<Tests<ValueTests, ValueStep>>,
}

/// The tests of one kind of measurements, and what is held back of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Tests<T, S> {
    tests: T,
    warm_up: WarmUp<S>,
}

impl RuleKind for MeasurementsRule {
    type State = Measurements;

    fn begin(&self) -> Measurements {
        Measurements::default()
    }

    fn weight(&self) -> f64 {
        self.weight
    }

    fn statistics(&self) -> usize {
        1 + self.quantiles.len()
    }

    fn gates_pass(&self) -> bool {
        self.gate == Gate::Both || self.quantiles.iter().any(|quantile| quantile.gate == Gate::Both)
    }

    fn is_required(&self) -> bool {
        self.required
    }

    fn learn(&self, known: &mut Knowledge, minute: MinuteSlots<'_>) {
        let Knowledge { residuals, past, .. } = known;
        between_pods::learn(residuals, self, past, minute.slot(&self.metric), minute.minute);
    }

    /// Its whole past is known before pods are compared by it.
    fn learn_history(&self, _state: &mut Measurements, known: &mut Knowledge, history: &[MinuteSlots<'_>]) {
        history.iter().for_each(|minute| known.past.add(stable_routes(minute.slot(&self.metric))));
        history.iter().for_each(|minute| self.learn(known, *minute));
    }

    fn close(&self, known: &mut Knowledge, minute: MinuteSlots<'_>) {
        self.learn(known, minute);
        let slot = minute.slot(&self.metric);
        known.past.close(minute.minute, stable_routes(slot));
        add_run(&mut known.run, slot);
    }

    fn fold(
        &self,
        state: &mut Measurements,
        known: &Knowledge,
        minute: MinuteSlots<'_>,
        time: Time,
        _alpha: f64,
    ) {
        let slot = minute.slot(&self.metric);
        state.coverage.note(slot, time.minute);
        let starts = &mut state.starts;
        let is_new =
            |(key, _): &&SlotBlock| starts.is_new(key.track, key.pod.as_deref(), time.minute, time.warm_up);
        let (new, old): (Vec<&SlotBlock>, Vec<&SlotBlock>) = slot.blocks.iter().partition(is_new);
        state.coverage.excluded.new_pods += new.len() as u64;
        if old.iter().any(|(_, data)| matches!(data, SlotData::Bins(_))) {
            state.fold_samples(self, known, &old, time);
        }
        if old.iter().any(|(_, data)| matches!(data, SlotData::Value(_))) {
            state.fold_values(self, known, &old, time);
        }
    }

    fn coverage(state: &Measurements) -> &Coverage {
        &state.coverage
    }

    /// The weights sum to 1.
    fn tests(state: &Measurements) -> Vec<WeightedTest> {
        match (&state.samples, &state.values) {
            (Some(samples), _) => samples.tests.weighted(),
            (None, Some(values)) => values.tests.weighted(),
            (None, None) => Vec::new(),
        }
    }

    fn explain(&self, state: &Measurements, view: View<'_>) -> Explanation {
        explain::explain(self, state, view)
    }
}

impl Measurements {
    fn fold_samples(
        &mut self,
        rule: &MeasurementsRule,
        known: &Knowledge,
        blocks: &[&SlotBlock],
        time: Time,
    ) {
        let calibration = known.calibration(time.minute);
        let margins = margins(rule, known, blocks, time);
        let Tests { tests, warm_up } = self.samples.get_or_insert_with(|| Tests {
            tests: SampleTests::new(rule.quantiles.len()),
            warm_up: WarmUp::new(time.warm_up),
        });
        tests.margins = Some(margins);
        let mut step = SampleStep::new(calibration, rule.quantiles.len());
        for (route, sides) in by_route(blocks.iter().copied()) {
            let one_sided = is_one_sided(&sides);
            tests.note(&sides, one_sided);
            if one_sided {
                continue;
            }
            if let Some(scores) = known.past.scores(route, time.minute) {
                step.add_route(rule, &scores, &sides, margins);
            }
        }
        step.finish(margins.regression);
        if let Some(level) = step.level() {
            let steps = warm_up.step(step, level, time.warm_up);
            self.coverage.used += steps.len() as u64;
            steps.iter().for_each(|step| tests.observe(step));
        } else {
            self.coverage.excluded.one_sided += 1;
        }
    }

    fn fold_values(&mut self, rule: &MeasurementsRule, known: &Knowledge, blocks: &[&SlotBlock], time: Time) {
        let Tests { tests, warm_up } = self.values.get_or_insert_with(|| Tests {
            tests: ValueTests::default(),
            warm_up: WarmUp::new(time.warm_up),
        });
        let Some((stable, canary)) = means(blocks.iter().copied()).both() else {
            self.coverage.excluded.one_sided += 1;
            return;
        };
        let means = PerTrack::new(stable, canary);
        let margins = margins(rule, known, blocks, time);
        let step = ValueStep::new(means, margins, known.calibration(time.minute).autocorrelation);
        tests.note(means, margins);
        let level = Level { difference: step.plain, variance: None };
        let steps = warm_up.step(step, level, time.warm_up);
        self.coverage.used += steps.len() as u64;
        steps.iter().for_each(|step| tests.observe(step));
    }
}

/// The rule's margins, with what the pods of these blocks may differ by.
fn margins(rule: &MeasurementsRule, known: &Knowledge, blocks: &[&SlotBlock], time: Time) -> Margins {
    let spread = known.calibration(time.minute).pods;
    let pods = PerTrack::from_fn(|track| pods(blocks.iter().copied(), track));
    Margins {
        regression: Shift::new(&rule.margin, spread.beyond(pods.canary, pods.stable)),
        pass: Shift::new(&rule.pass_margin, -spread.hidden(pods.canary, pods.stable)),
    }
}

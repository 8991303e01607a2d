//! From evidence to verdicts.

use nprt_core::model::{MetricName, significant};

use super::facts::Facts;
use super::learned::{Learned, add_run};
use super::part::average;
use super::state::{RuleState, Settled, Small};
use super::{Sequential, Time};
use crate::figure::figure;
use crate::policy::{FailuresRule, MeasurementsRule, Rule};
use crate::sketch::Sparse;
use crate::{
    Counted, Decision, Effect, Evidence, MetricVerdict, Needed, PassEvidence, QuantileFigures, TestEvidence,
};

mod failures;
mod measurements;
mod others;
mod ranked;

use self::ranked::Ranked;

/// A rule's verdict, and whether a pass waits for it.
#[derive(Debug)]
pub(crate) struct Explained {
    pub(crate) verdict: MetricVerdict,
    pub(crate) waits: bool,
    /// Whether anything of it was measured on stable, and on the canary.
    pub(crate) measured: [bool; 2],
    /// Whether anything ever came of it, before or in the run.
    pub(crate) known: bool,
}

/// What a rule says of itself.
struct Said {
    data: &'static str,
    statistic: String,
    stable: Option<f64>,
    canary: Option<f64>,
    limit: Option<f64>,
    samples: [u64; 2],
    pass: Option<PassEvidence>,
    /// How the evidence of a pass grows a minute.
    growth: f64,
    /// Samples of the canary without which no pass is to be expected.
    least_samples: u64,
    passed: bool,
    effect: Option<Effect>,
    margin: Option<crate::MarginUsed>,
    quantiles: Vec<QuantileFigures>,
    held_back: usize,
    warming_up: u64,
    /// The figures in words.
    figures: String,
    /// Why nothing can be concluded.
    flaw: Option<String>,
}

impl Sequential {
    /// The verdict of each rule on the minutes that are over before `end`.
    pub(crate) fn verdicts(&self, end: i64) -> Vec<Explained> {
        let (small, minute) = self.small(end);
        let time = self.time(minute.max(self.started.saturating_sub(1)));
        let shares = small.shares(self);
        let verdicts = (0..self.rules.len())
            .map(|index| self.verdict(index, &small, time, shares[index], end))
            .collect();
        self.looked.keep(Settled { minute, small });
        verdicts
    }

    fn verdict(&self, index: usize, small: &Small, time: Time, share: f64, end: i64) -> Explained {
        let (rule, state, learned) = (&self.rules[index], &small.rules[index], &self.state.learned[index]);
        let said = self.say(rule, state, learned, time, end, share);
        let facts = state.facts();
        let metric = rule.roles().first().map_or_else(MetricName::errors, |(metric, _)| metric.clone());
        let decided = small.regression.as_ref().filter(|decided| decided.rules.contains(&index));
        // The run as it is now, not as it was when the last block came.
        let now = end.saturating_sub(1);
        let doubt = facts
            .doubt(now, now.saturating_sub(self.started), time.soak)
            .or_else(|| said.flaw.clone())
            .or_else(|| facts.flaw());
        let (decision, reason) = if let Some(decided) = decided {
            let when = decided.minute.saturating_sub(self.started).saturating_add(1);
            (Decision::Regression, format!("{}; found after {when} min", said.figures))
        } else if !facts.any() {
            (inconclusive(Needed::default()), "not measured".to_owned())
        } else if let Some(doubt) = doubt {
            (inconclusive(Needed::default()), format!("{doubt}, so that this is no pass: {}", said.figures))
        } else if said.passed {
            (Decision::Pass, said.figures.clone())
        } else {
            self.undecided(&said, facts)
        };
        let evidence = self.evidence(index, state, learned, share, &said);
        let measured = [facts.stable, facts.canary].map(|last| last.is_some());
        let name = format!("{metric}");
        let verdict = MetricVerdict {
            metric,
            statistic: said.statistic,
            decision,
            stable: said.stable,
            canary: said.canary,
            limit: said.limit,
            stable_samples: said.samples[0],
            canary_samples: said.samples[1],
            reason: format!("{name}: {reason}"),
            evidence: Some(evidence),
        };
        let required = match rule {
            Rule::Measurements(rule) => rule.required,
            Rule::Failures(rule) => rule.required,
            _ => false,
        };
        let known = facts.any() || learned.history_minutes > 0;
        let waits = (required || known) && waits(rule);
        Explained { verdict, waits, measured, known }
    }

    fn say(
        &self,
        rule: &Rule,
        state: &RuleState,
        learned: &Learned,
        time: Time,
        end: i64,
        share: f64,
    ) -> Said {
        match (rule, state) {
            (Rule::Measurements(rule), RuleState::Measurements(state)) => {
                let run = self.run_of(rule, learned, end);
                measurements::say(rule, state, learned, &run, time, &self.policy)
            }
            (Rule::Failures(rule), RuleState::Failures(state)) => {
                failures::say(rule, state, learned, time, &self.policy, share)
            }
            (Rule::Events(rule), RuleState::Events(state)) => others::events(rule, state),
            (Rule::Growth(rule), RuleState::Growth(state)) => others::growth(rule, state),
            _ => Said::nothing("none", String::new()),
        }
    }

    /// All samples of the run up to a minute.
    fn run_of(&self, rule: &MeasurementsRule, learned: &Learned, end: i64) -> [Ranked; 2] {
        let mut young: [Sparse; 2] = Default::default();
        if let Some(metric) = self.metric(&rule.metric) {
            let slots = self.state.open.range(..end).filter_map(|(_, slots)| slots.get(metric));
            slots.for_each(|slot| add_run(&mut young, slot));
        }
        [0, 1].map(|side| Ranked::new(&learned.run[side], &young[side]))
    }

    /// What is still needed, and why.
    fn undecided(&self, said: &Said, facts: &Facts) -> (Decision, String) {
        let both = facts.used.max(1) as f64;
        let Some(pass) = &said.pass else {
            return (inconclusive(Needed::default()), said.figures.clone());
        };
        if said.held_back > 0 {
            let minutes = Some(5_u64.saturating_sub(said.held_back as u64).max(1));
            let needed = Needed { minutes, ..Needed::default() };
            return (inconclusive(needed), format!("held back until its warm-up is over; {}", said.figures));
        }
        let rate = |samples: u64| samples as f64 / both;
        let left = (pass.threshold - pass.ln_e).max(0.0);
        let by_growth = (said.growth > 1e-6).then(|| left / said.growth);
        let short = said.least_samples.saturating_sub(said.samples[1]);
        let by_size = short as f64 / rate(said.samples[1]).max(1e-9);
        let minutes =
            by_growth.map(|minutes| minutes.max(by_size).max(1.0).ceil()).filter(|minutes| *minutes <= 1e6);
        let whole = |count: f64| -> u64 {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a count; it saturates"
            )]
            let whole = count.ceil() as u64;
            whole
        };
        let samples = |own: u64| minutes.map_or(0, |minutes| whole(minutes * rate(own)));
        let needed = Needed {
            stable_samples: samples(said.samples[0]),
            canary_samples: samples(said.samples[1]),
            minutes: minutes.map(whole),
        };
        let share = (100.0 * (pass.ln_e / pass.threshold).clamp(0.0, 1.0)).floor();
        let wait = minutes.map_or("more does not help so far".to_owned(), |minutes| {
            format!("{minutes:.0} min more at the present traffic")
        });
        let reason = format!(
            "neither worse nor shown to be as good: {share:.0} % of the evidence of a pass by {}, {wait}; {}",
            pass.gate, said.figures
        );
        (inconclusive(needed), reason)
    }

    fn evidence(
        &self,
        index: usize,
        state: &RuleState,
        learned: &Learned,
        share: f64,
        said: &Said,
    ) -> Evidence {
        let parts = state.parts();
        let tests = parts.iter().map(|part| TestEvidence {
            test: part.test.to_owned(),
            weight: part.weight,
            ln_e: part.ln_e,
        });
        let facts = state.facts();
        Evidence {
            data: said.data.to_owned(),
            ln_e: average(&parts),
            share,
            threshold: if share > 0.0 { self.threshold() - share.ln() } else { self.threshold() },
            tests: tests.collect(),
            pass: said.pass.clone(),
            effect: said.effect,
            margin: said.margin,
            quantiles: said.quantiles.clone(),
            counted: Counted {
                minutes: facts.used,
                held_back: said.held_back as u64,
                warming_up: said.warming_up,
                one_sided: facts.excluded.one_sided,
                new_pods: facts.excluded.new_pods,
                unreadable: facts.excluded.unreadable,
                late: self.late(index),
                history: learned.history_minutes,
            },
        }
    }
}

impl Sequential {
    /// Blocks of a rule's metrics that came too late, or again.
    fn late(&self, index: usize) -> u64 {
        let metrics = self.rules[index].roles();
        metrics.iter().filter_map(|(metric, _)| self.metric(metric)).map(|at| self.state.late[at]).sum()
    }
}

/// Whether a rule has something that a pass waits for.
fn waits(rule: &Rule) -> bool {
    use crate::policy::Gate::Both;
    match rule {
        Rule::Measurements(rule) => {
            rule.gate == Both || rule.quantiles.iter().any(|quantile| quantile.gate == Both)
        }
        Rule::Failures(_) => true,
        _ => false,
    }
}

impl Said {
    fn nothing(data: &'static str, statistic: String) -> Self {
        Self {
            data,
            statistic,
            stable: None,
            canary: None,
            limit: None,
            samples: [0; 2],
            pass: None,
            growth: 0.0,
            least_samples: 0,
            passed: false,
            effect: None,
            margin: None,
            quantiles: Vec::new(),
            held_back: 0,
            warming_up: 0,
            figures: "nothing to compare yet".to_owned(),
            flaw: None,
        }
    }
}

fn inconclusive(needed: Needed) -> Decision {
    Decision::Inconclusive { needed }
}

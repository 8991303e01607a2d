use std::collections::BTreeSet;

use jiff::Timestamp;
use nprt_core::Result;
use nprt_core::model::{Block, BlockData, Track};

use super::report::{AlarmShare, Detection, MetricNoise};
use super::{Trial, invalid};
use crate::{Decision, Judge, Policy};

/// The history in windows, and which pods are taken for a canary in them.
pub(super) struct Windows<'a> {
    /// By minute.
    blocks: Vec<&'a Block>,
    /// The first minute of each.
    begins: Vec<i64>,
    half: i64,
    choices: Vec<Vec<&'a str>>,
    most_runs: usize,
}

/// What came of one run.
struct Outcome {
    found: Option<u64>,
    noise: Vec<MetricNoise>,
}

impl<'a> Windows<'a> {
    pub(super) fn new(history: &'a [Block], trial: Trial) -> Result<Self> {
        if let Some(block) = history.iter().find(|block| block.track == Track::Canary) {
            return Err(
                invalid("the history is stable's, and this is the canary's").with("minute", block.minute)
            );
        }
        let pods: BTreeSet<&str> = history.iter().filter_map(|block| block.pod.as_deref()).collect();
        if pods.len() < trial.canary_pods + 2 {
            return Err(invalid("expected two pods more than are taken for the canary")
                .with("pods", pods.len())
                .with("canary_pods", trial.canary_pods));
        }
        let mut blocks: Vec<&Block> = history.iter().collect();
        blocks.sort_by(|a, b| a.order().cmp(&b.order()));
        let (first, last) = blocks.first().zip(blocks.last()).map_or((0, 0), |(a, b)| (a.minute, b.minute));
        let length = i64::from(trial.window_minutes);
        let begins: Vec<i64> = (0..)
            .map(|window| first + window * length)
            .take_while(|begin| begin + length <= last + 1)
            .collect();
        if begins.is_empty() {
            return Err(invalid("the history is shorter than a window")
                .with("minutes", last - first + 1)
                .with("window_minutes", length));
        }
        let pods: Vec<&str> = pods.into_iter().collect();
        let choices = choices(&pods, trial.canary_pods);
        Ok(Self { blocks, begins, half: length / 2, choices, most_runs: trial.most_runs })
    }

    /// How often the same version is called a regression, and how noisy it is in the last run.
    pub(super) fn false_alarms(&self, policy: &Policy) -> Result<(AlarmShare, Vec<MetricNoise>)> {
        let outcomes = self.outcomes(policy, 0.0)?;
        let alarms = outcomes.iter().filter(|outcome| outcome.found.is_some()).count();
        let runs = outcomes.len();
        let noise = outcomes.into_iter().next_back().map_or(Vec::new(), |outcome| outcome.noise);
        Ok((AlarmShare::new(runs, alarms), noise))
    }

    /// How soon an effect is found.
    pub(super) fn detect(&self, policy: &Policy, effect: f64) -> Result<Detection> {
        let outcomes = self.outcomes(policy, effect)?;
        let mut minutes: Vec<u64> = outcomes.iter().filter_map(|outcome| outcome.found).collect();
        minutes.sort_unstable();
        let share = minutes.len() as f64 / outcomes.len() as f64;
        Ok(Detection { effect, share, minutes: minutes.get(minutes.len() / 2).copied() })
    }

    /// Samples of the canary a minute, of the first metric that has any.
    pub(super) fn samples_a_minute(&self, policy: &Policy) -> Option<f64> {
        let metric = policy.metrics().into_iter().find(|metric| {
            self.blocks.iter().any(|block| block.metric == *metric && samples(&block.data) > 0)
        })?;
        let chosen = self.choices.first()?;
        let own = self.blocks.iter().filter(|block| {
            block.metric == metric && block.pod.as_deref().is_some_and(|pod| chosen.contains(&pod))
        });
        let count: u64 = own.map(|block| samples(&block.data)).sum();
        let (first, last) = self.blocks.first().zip(self.blocks.last())?;
        let rate = count as f64 / (last.minute - first.minute + 1) as f64;
        (rate > 0.0).then_some(rate)
    }

    fn outcomes(&self, policy: &Policy, effect: f64) -> Result<Vec<Outcome>> {
        let all = self.begins.len() * self.choices.len();
        // Evenly thinned: every window keeps some of its choices.
        let every = all.div_ceil(self.most_runs);
        (0..all)
            .step_by(every)
            .map(|run| {
                self.run(policy, effect, self.begins[run / self.choices.len()], run % self.choices.len())
            })
            .collect()
    }

    fn run(&self, policy: &Policy, effect: f64, begins: i64, choice: usize) -> Result<Outcome> {
        let chosen = &self.choices[choice];
        let started = begins + self.half;
        let at =
            |minute: i64| Timestamp::from_second(minute.saturating_mul(60)).map_err(|_| invalid("no time"));
        let mut judge = Judge::new(policy.clone(), at(started)?)?;
        let from = self.blocks.partition_point(|block| block.minute < begins);
        let mut blocks = self.blocks[from..].iter().take_while(|block| block.minute < started + self.half);
        let mut next = blocks.next();
        while let Some(block) = next.filter(|block| block.minute < started) {
            if !is_of(block, chosen) {
                judge.observe_history(block)?;
            }
            next = blocks.next();
        }
        let (mut found, mut noise) = (None, Vec::new());
        for minute in started..started + self.half {
            while let Some(block) = next.filter(|block| block.minute == minute) {
                // What cannot be read keeps from passing, as in production; it is no alarm.
                let _ = judge.observe(&taken(block, chosen, effect));
                next = blocks.next();
            }
            let verdict = judge.verdict(at(minute + 1)?);
            if verdict.decision == Decision::Regression {
                found = u64::try_from(minute - started + 1).ok();
                break;
            }
            noise = verdict
                .metrics
                .iter()
                .filter_map(|metric| {
                    let margin = metric.evidence.as_ref()?.margin?;
                    Some(MetricNoise {
                        metric: metric.metric.clone(),
                        overdispersion: margin.overdispersion,
                        between_pods: margin.between_pods,
                    })
                })
                .collect();
        }
        Ok(Outcome { found, noise })
    }
}

fn is_of(block: &Block, pods: &[&str]) -> bool {
    block.pod.as_deref().is_some_and(|pod| pods.contains(&pod))
}

/// The block as the run has it: one of a chosen pod is the canary's, with the effect.
fn taken(block: &Block, chosen: &[&str], effect: f64) -> Block {
    let mut block = block.clone();
    if !is_of(&block, chosen) {
        return block;
    }
    block.track = Track::Canary;
    let factor = 1.0 + effect;
    match &mut block.data {
        BlockData::Samples(samples) => samples.iter_mut().for_each(|sample| *sample *= factor),
        BlockData::Histogram { edges, .. } => edges.iter_mut().for_each(|edge| *edge *= factor),
        BlockData::Value(value) => *value *= factor,
        BlockData::Requests { .. } | BlockData::Classes(_) => {}
    }
    block
}

fn samples(data: &BlockData) -> u64 {
    match data {
        BlockData::Samples(samples) => samples.len() as u64,
        BlockData::Histogram { counts, .. } => counts.iter().fold(0, |sum, count| sum.saturating_add(*count)),
        _ => 0,
    }
}

/// Every choice of so many pods, in order; at most a thousand.
fn choices<'a>(pods: &[&'a str], count: usize) -> Vec<Vec<&'a str>> {
    let mut found = vec![Vec::new()];
    let mut starts = vec![0];
    for _ in 0..count {
        let longer = found.iter().zip(&starts).flat_map(|(chosen, start): (&Vec<&'a str>, &usize)| {
            (*start..pods.len()).map(move |at| (chosen.iter().copied().chain([pods[at]]).collect(), at + 1))
        });
        (found, starts) = longer.take(1000).unzip();
    }
    found
}

//! What a policy is worth on a service's own history, before anybody trusts it: some of stable's pods are taken for a
//! canary, and the judge is shown the rest beside them, minute by minute, as it would be in production.
//!
//! Every window of the history is judged with each choice of pods (or as many as [`Trial::most_runs`] allows). As these
//! are the same version, whatever is found is a **false alarm**. Then the chosen pods' measurements are multiplied by
//! 1.10, 1.25 and 1.50: how many are found, and after how many minutes, is the **expected time to detect**.
//!
//! # What it shows, and what not
//! The bound of the false alarms is Clopper and Pearson's, which takes the runs for independent; choices that share
//! pods, and windows of one day, are not quite. To show that at most 1 % are false, with 95 %, takes some 300 runs
//! without a single one: two windows of six pods are 30. A history that is too short says so ([`Report::shown`]), and
//! nothing is proposed.
//!
//! # Source
//! Replaying a verdict on splits of one version is an A/A test; the bound: Clopper and Pearson, Biometrika (1934).

mod replay;
mod report;

pub use report::{AlarmShare, Detection, MetricNoise, Report};

use nprt_core::model::Block;
use nprt_core::{Error, Result};

use self::replay::Windows;
use super::policy::{Policy, Rule};
use super::sizing;
use super::{Margin, MeasurementsRule};

/// How the history is tried.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trial {
    /// How many pods are taken for the canary.
    pub canary_pods: usize,
    /// Minutes of each window: a half is the past, the other the run.
    pub window_minutes: u32,
    /// At most so many runs of one kind; the choices of pods are thinned evenly.
    pub most_runs: usize,
}

impl Default for Trial {
    /// Two pods, two hours, 400 runs.
    fn default() -> Self {
        Self { canary_pods: 2, window_minutes: 120, most_runs: 400 }
    }
}

/// The effects that are tried.
pub const EFFECTS: [f64; 3] = [0.10, 0.25, 0.50];
/// The margins that are tried after the policy's own, relative.
const MARGINS: [f64; 5] = [0.03, 0.05, 0.075, 0.10, 0.15];

/// Tries a policy on stable's history, and proposes the smallest margin at which its false alarms are shown to be few
/// enough. It takes as long as judging some hundreds of runs: seconds, on a thread of its own.
///
/// # Errors
/// `Invalid` when the policy makes no sense, for a window of less than 20 minutes, no pods for a canary, a block of the
/// canary, a history that is shorter than a window, or one with fewer pods than a canary of `canary_pods` beside two
/// of stable takes.
pub fn calibrate(policy: &Policy, history: &[Block], trial: Trial) -> Result<Report> {
    policy.validate()?;
    if trial.window_minutes < 20 || trial.canary_pods == 0 || trial.most_runs == 0 {
        return Err(invalid("expected a window of 20 minutes or more, and at least one pod and one run")
            .with("window_minutes", trial.window_minutes)
            .with("canary_pods", trial.canary_pods)
            .with("most_runs", trial.most_runs));
    }
    let windows = Windows::new(history, trial)?;
    let (alarms, noise) = windows.false_alarms(policy)?;
    let mut detections = Vec::new();
    for effect in EFFECTS {
        detections.push(windows.detect(policy, effect)?);
    }
    let mut report = Report {
        false_alarms: alarms,
        target: policy.alpha,
        shown: alarms.upper <= policy.alpha,
        detections,
        highest_percentile: None,
        block_minutes: None,
        noise,
        proposed: None,
    };
    if let Some(rate) = windows.samples_a_minute(policy) {
        let minutes = f64::from(policy.deadline_minutes);
        report.highest_percentile = sizing::highest_percentile(rate, minutes)?;
        report.block_minutes = first_percentile(policy).and_then(|of| sizing::block_minutes(of, rate).ok());
    }
    report.proposed = if report.shown { Some(policy.clone()) } else { propose(policy, &windows)? };
    Ok(report)
}

/// The smallest wider margin that keeps to the target.
fn propose(policy: &Policy, windows: &Windows<'_>) -> Result<Option<Policy>> {
    for relative in MARGINS {
        let wider = widened(policy, relative);
        if wider != *policy && windows.false_alarms(&wider)?.0.upper <= policy.alpha {
            return Ok(Some(wider));
        }
    }
    Ok(None)
}

/// The policy with relative margins of at least so much, and pass margins of twice that.
fn widened(policy: &Policy, relative: f64) -> Policy {
    let at_least = |margin: Margin, least: f64| Margin {
        relative: Some(margin.relative.map_or(least, |own| own.max(least))),
        ..margin
    };
    let mut policy = policy.clone();
    for rule in &mut policy.rules {
        if let Rule::Measurements(MeasurementsRule { margin, pass_margin, .. }) = rule {
            *margin = at_least(*margin, relative);
            *pass_margin = at_least(*pass_margin, 2.0 * relative);
        }
    }
    policy
}

fn first_percentile(policy: &Policy) -> Option<super::Percentile> {
    policy.rules.iter().find_map(|rule| match rule {
        Rule::Measurements(rule) => rule.quantiles.first().map(|quantile| quantile.percentile),
        Rule::Percentile(rule) => Some(rule.percentile),
        _ => None,
    })
}

fn invalid(message: &str) -> Error {
    Error::invalid("compare.calibrate", message)
}

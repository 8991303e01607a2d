//! From evidence to verdicts.

use nprt_core::model::{MetricName, PerTrack};

use super::coverage::Coverage;
use super::explanation::Explanation;
use super::kind::View;
use super::registry::RuleRun;
use super::setting::Setting;
use super::state::JointEvidence;
use super::weighted_test::{WeightedTest, average};
use crate::{Counted, Decision, Evidence, MetricVerdict, Needed, TestEvidence};

/// A rule's verdict, and whether a pass waits for it.
#[derive(Debug)]
pub(crate) struct RuleVerdict {
    pub(crate) verdict: MetricVerdict,
    pub(crate) waits: bool,
    /// Whether anything of it was measured on each track.
    pub(crate) measured: PerTrack<bool>,
    /// Whether anything ever came of it, before or in the run.
    pub(crate) known: bool,
}

/// The verdict of one rule on the minutes that are over before `end`. `late` is how many of its blocks came too late.
pub(super) fn verdict(
    setting: &Setting,
    index: usize,
    evidence: &JointEvidence<RuleRun>,
    view: View<'_>,
    late: u64,
    end: i64,
) -> RuleVerdict {
    let (rule, run) = (&setting.rules[index], &evidence.rules[index]);
    let found = run.explain(view);
    let coverage = run.coverage();
    let metric = rule.roles().first().map_or_else(MetricName::errors, |(metric, _)| metric.clone());
    let regression = evidence.regression.as_ref().filter(|regression| regression.rules.contains(&index));
    // The run as it is now, not as it was when the last block came.
    let now = end.saturating_sub(1);
    let doubt = coverage
        .doubt(now, now.saturating_sub(setting.started), view.time.soak)
        .or_else(|| found.flaw.clone())
        .or_else(|| coverage.flaw());
    let (decision, reason) = if let Some(regression) = regression {
        let when = regression.minute.saturating_sub(setting.started).saturating_add(1);
        (Decision::Regression, format!("{}; found after {when} min", found.figures))
    } else if !coverage.any() {
        (inconclusive(Needed::default()), "not measured".to_owned())
    } else if let Some(doubt) = doubt {
        (inconclusive(Needed::default()), format!("{doubt}, so this is not a pass: {}", found.figures))
    } else if found.passed {
        (Decision::Pass, found.figures.clone())
    } else {
        undecided(&found, coverage)
    };
    let known = coverage.any() || view.known.history_minutes > 0;
    let verdict = MetricVerdict {
        reason: format!("{metric}: {reason}"),
        metric,
        statistic: found.statistic.clone(),
        decision,
        stable: found.stable,
        canary: found.canary,
        limit: found.limit,
        stable_samples: found.samples.stable,
        canary_samples: found.samples.canary,
        evidence: Some(figures(setting, run, view, found, late)),
    };
    RuleVerdict {
        verdict,
        waits: (run.is_required() || known) && run.gates_pass(),
        measured: coverage.last().map(|last| last.is_some()),
        known,
    }
}

/// What is still needed, and why.
fn undecided(found: &Explanation, coverage: &Coverage) -> (Decision, String) {
    let both = coverage.used.max(1) as f64;
    let Some(pass) = &found.pass else {
        return (inconclusive(Needed::default()), found.figures.clone());
    };
    if found.held_back > 0 {
        let minutes = Some(5_u64.saturating_sub(found.held_back as u64).max(1));
        let needed = Needed { minutes, ..Needed::default() };
        return (inconclusive(needed), format!("held back until its warm-up is over; {}", found.figures));
    }
    let rate = |samples: u64| samples as f64 / both;
    let left = (pass.threshold - pass.ln_e).max(0.0);
    let by_growth = (found.growth > 1e-6).then(|| left / found.growth);
    let short = found.least_samples.saturating_sub(found.samples.canary);
    let by_size = short as f64 / rate(found.samples.canary).max(1e-9);
    let minutes =
        by_growth.map(|minutes| minutes.max(by_size).max(1.0).ceil()).filter(|minutes| *minutes <= 1e6);
    let samples = |own: u64| minutes.map_or(0, |minutes| whole(minutes * rate(own)));
    let needed = Needed {
        stable_samples: samples(found.samples.stable),
        canary_samples: samples(found.samples.canary),
        minutes: minutes.map(whole),
    };
    let share = (100.0 * (pass.ln_e / pass.threshold).clamp(0.0, 1.0)).floor();
    let wait = minutes.map_or("more does not help so far".to_owned(), |minutes| {
        format!("{minutes:.0} min more at the present traffic")
    });
    let reason = format!(
        "neither worse nor shown to be as good: {share:.0} % of the evidence of a pass by {}, {wait}; {}",
        pass.gate, found.figures
    );
    (inconclusive(needed), reason)
}

fn whole(count: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count; it saturates")]
    let whole = count.ceil() as u64;
    whole
}

/// The evidence in figures.
fn figures(setting: &Setting, run: &RuleRun, view: View<'_>, found: Explanation, late: u64) -> Evidence {
    let tests = run.tests();
    let (share, threshold, coverage) = (view.share, setting.threshold(), run.coverage());
    let test = |test: &WeightedTest| TestEvidence {
        test: test.name.to_owned(),
        weight: test.weight,
        ln_e: test.ln_e,
    };
    Evidence {
        data: found.data.to_owned(),
        ln_e: average(&tests),
        share,
        threshold: if share > 0.0 { threshold - share.ln() } else { threshold },
        tests: tests.iter().map(test).collect(),
        pass: found.pass,
        effect: found.effect,
        margin: found.margin,
        quantiles: found.quantiles,
        counted: Counted {
            minutes: coverage.used,
            held_back: found.held_back as u64,
            warming_up: found.warming_up,
            one_sided: coverage.excluded.one_sided,
            new_pods: coverage.excluded.new_pods,
            unreadable: coverage.excluded.unreadable,
            late,
            history: view.known.history_minutes,
        },
    }
}

fn inconclusive(needed: Needed) -> Decision {
    Decision::Inconclusive { needed }
}

//! One rule on one window: from measurements to a verdict with its sentence.

use super::error_class::{Novelty, Tally, novelty};
use super::estimate::Estimate;
use super::figure::{figure, figures};
use super::gather::Distributions;
use super::statistics::{Outcome, percentile_margin};
use super::window::minutes_for;
use super::{Decision, ErrorsRule, MetricVerdict, Needed, PercentileRule};

/// The window that is judged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    /// How long it is now.
    pub(super) minutes: f64,
    /// How long it can become.
    pub(super) longest: u64,
}

impl Span {
    fn text(self) -> String {
        format!("{:.0} min", self.minutes.floor())
    }

    /// What is missing until both tracks have so many, at the present traffic.
    fn needed(self, least: u64, stable: u64, canary: u64) -> Needed {
        let wait = |have: u64| {
            let rate = have as f64 / self.minutes;
            let fits = minutes_for(least, rate).is_some_and(|all| all <= self.longest);
            if have >= least { Some(0) } else { minutes_for(least - have, rate).filter(|_| fits) }
        };
        Needed {
            stable_samples: least.saturating_sub(stable),
            canary_samples: least.saturating_sub(canary),
            minutes: wait(stable).zip(wait(canary)).map(|(a, b)| a.max(b)),
        }
    }

    /// The sentence on too few samples; with advice where the window never holds enough.
    fn too_few(self, what: &str, least: u64, stable: u64, canary: u64) -> String {
        let fewest = stable.min(canary);
        let all = minutes_for(least, fewest as f64 / self.minutes).filter(|_| fewest > 0);
        let advice = match all {
            Some(all) if all > self.longest => {
                format!(
                    "; at this traffic it takes a window of {all} min, and the policy's has {}",
                    self.longest
                )
            }
            _ => String::new(),
        };
        let span = self.text();
        format!(
            "too few {what}, {stable} of {least} on stable and {canary} of {least} on the canary in {span}{advice}"
        )
    }
}

/// The percentile rule.
pub(super) fn percentile(rule: &PercentileRule, found: &mut Distributions, span: Span) -> MetricVerdict {
    let (stable_n, canary_n) = (found.stable.count(), found.canary.count());
    let stable = found.stable.percentile(rule.percentile);
    let canary = found.canary.percentile(rule.percentile);
    let least = rule.min_samples();
    let counts = format!("{stable_n} samples on stable, {canary_n} on the canary in {}", span.text());

    let (decision, reason) = if let Some(flaw) = &found.flaw {
        (inconclusive(Needed::default()), flaw.clone())
    } else if stable_n.min(canary_n) < least {
        let needed = span.needed(least, stable_n, canary_n);
        (inconclusive(needed), span.too_few("samples", least, stable_n, canary_n))
    } else if let (Some(stable), Some(canary)) = (stable, canary) {
        let outcome = percentile_margin(stable, canary, &rule.margin);
        let sentence = format!("{}; {counts}", compared(rule, stable, canary, outcome));
        match outcome {
            Outcome::Beyond => (Decision::Regression, sentence),
            Outcome::Open => (inconclusive(Needed::default()), sentence),
            Outcome::Within => guard_pass(found.doubt.as_deref(), sentence),
        }
    } else {
        (inconclusive(Needed::default()), format!("no figure; {counts}"))
    };
    let finite = |estimate: Option<Estimate>| estimate.map(Estimate::at_least);
    MetricVerdict {
        metric: rule.metric.clone(),
        statistic: format!("{} over {}", rule.percentile, span.text()),
        decision,
        stable: finite(stable),
        canary: finite(canary),
        limit: finite(stable).map(|stable| rule.margin.limit(stable)).filter(|limit| limit.is_finite()),
        stable_samples: stable_n,
        canary_samples: canary_n,
        reason: format!("{} {}: {reason}", rule.metric, rule.percentile),
        evidence: None,
    }
}

/// `125 ms on the canary is above the limit of 110 ms (stable 100 ms plus 10 ms)`
fn compared(rule: &PercentileRule, stable: Estimate, canary: Estimate, outcome: Outcome) -> String {
    let above = |estimate, text: String| match estimate {
        Estimate::At(_) => text,
        Estimate::Above(_) => format!("more than {text}"),
    };
    let (base, metric) = (stable.at_least(), &rule.metric);
    let (reached, limit) = figures(metric, canary.at_least(), rule.margin.limit(base));
    let relation = match outcome {
        Outcome::Within => "is within",
        Outcome::Beyond => "is above",
        Outcome::Open => "lies beyond the histogram's last edge and cannot be compared with",
    };
    format!(
        "{} on the canary {relation} the limit of {limit} (stable {} plus {})",
        above(canary, reached),
        above(stable, figure(metric, base)),
        figure(metric, rule.margin.above(base)),
    )
}

/// The counts that the rule on errors rests on.
#[derive(Debug)]
pub(super) struct Failures {
    /// The canary in the window.
    pub(super) canary: Tally,
    /// Stable in the window.
    pub(super) stable: Tally,
    /// Stable in its history and beside the canary.
    pub(super) record: Tally,
    /// Why nothing can be concluded from them, if so.
    pub(super) flaw: Option<String>,
    /// Why they are no ground for a pass, if so.
    pub(super) doubt: Option<String>,
}

/// The rule on errors.
pub(super) fn errors(rule: &ErrorsRule, found: &Failures, span: Span) -> MetricVerdict {
    let Failures { canary, stable, record, .. } = found;
    let least = rule.min_requests;
    let novelty = novelty(record, canary);
    let unknown = if let Novelty::Unknown(count) = novelty { count } else { 0 };
    let counts = format!(
        "{} of {} requests failed on the canary and {} of {} on stable in {}",
        canary.failures(),
        canary.requests,
        stable.failures(),
        stable.requests,
        span.text()
    );
    let short = canary.requests.min(stable.requests) < least;
    let (decision, reason) = match (&found.flaw, describe(&novelty)) {
        (Some(flaw), _) => (inconclusive(Needed::default()), flaw.clone()),
        (None, Some(new)) if record.requests < least => {
            let needed = Needed { stable_samples: least - record.requests, ..Needed::default() };
            let known = format!("only {} requests of stable are known, of {least}", record.requests);
            (
                inconclusive(needed),
                format!("{new}, but {known}, too few to tell whether they are new; {counts}"),
            )
        }
        (None, Some(new)) => {
            let record = format!("stable had none of them in {} requests", record.requests);
            (Decision::Regression, format!("{new}, and {record}; {counts}"))
        }
        (None, None) if unknown > 0 => {
            let why = "on the canary have no class, and stable had errors too: they may be new or not";
            (inconclusive(Needed::default()), format!("{unknown} errors {why}; {counts}"))
        }
        (None, None) if short => {
            let needed = span.needed(least, stable.requests, canary.requests);
            (inconclusive(needed), span.too_few("requests", least, stable.requests, canary.requests))
        }
        (None, None) => {
            guard_pass(found.doubt.as_deref(), format!("no error that stable never had; {counts}"))
        }
    };
    MetricVerdict {
        metric: rule.metric.clone(),
        statistic: format!("new classes over {}", span.text()),
        decision,
        stable: (stable.requests > 0).then(|| stable.failures() as f64),
        canary: (canary.requests > 0).then(|| canary.failures() as f64),
        limit: None,
        stable_samples: stable.requests,
        canary_samples: canary.requests,
        reason: format!("{}: {reason}", rule.metric),
        evidence: None,
    }
}

/// The new errors in words; `None` when nothing is known to be new.
fn describe(novelty: &Novelty) -> Option<String> {
    match novelty {
        Novelty::New(classes) => {
            let mut classes: Vec<_> = classes.iter().collect();
            classes.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
            let named: Vec<_> =
                classes.iter().take(3).map(|(class, count)| format!("{class:?} ({count})")).collect();
            let more = match classes.len() - named.len() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            Some(format!("new errors on the canary: {}{more}", named.join(", ")))
        }
        Novelty::Unclassified(count) => Some(format!("{count} errors without a class on the canary")),
        Novelty::Known | Novelty::Unknown(_) => None,
    }
}

/// A pass, unless there is a doubt.
fn guard_pass(doubt: Option<&str>, sentence: String) -> (Decision, String) {
    match doubt {
        None => (Decision::Pass, sentence),
        Some(doubt) => {
            (inconclusive(Needed::default()), format!("{doubt}, so this is not a pass: {sentence}"))
        }
    }
}

fn inconclusive(needed: Needed) -> Decision {
    Decision::Inconclusive { needed }
}

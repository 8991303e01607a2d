use nprt_core::model::{PerTrack, significant};

use super::super::explanation::Explanation;
use super::super::kind::View;
use super::{Count, Failures, WEIGHTS};
use crate::policy::FailuresRule;
use crate::statistics::new_classes::Level;
use crate::{Effect, PassEvidence};

pub(super) fn explain(rule: &FailuresRule, state: &Failures, view: View<'_>) -> Explanation {
    let View { known, time, policy, share, .. } = view;
    let PerTrack { stable, canary } = state.totals;
    let rate = |(requests, errors): Count| (requests > 0).then(|| errors as f64 / requests as f64);
    let (ln_e, growth) = state.gate();
    let threshold = -policy.pass_alpha.ln();
    let findings = state.findings(time, policy.alpha * share * WEIGHTS[1], known.requests);
    let complete = findings.as_ref().is_none_or(|findings| findings.complete);
    let warned: Vec<String> = findings
        .iter()
        .flat_map(|findings| &findings.classes)
        .filter(|class| class.level == Level::Warning)
        .map(|class| format!("{:?}", class.class))
        .collect();
    let counts = format!(
        "{} of {} requests failed on the canary and {} of {} on stable",
        canary.1, canary.0, stable.1, stable.0
    );
    let figures = match &state.found {
        Some(found) => format!(
            "new errors on the canary: {:?} in {} minutes, and stable never had them; {counts}",
            found.class, found.incidents
        ),
        None if !warned.is_empty() => {
            format!("new errors that may come from outside: {}; {counts}", warned.join(", "))
        }
        None => counts,
    };
    let (few, worse) = (ln_e >= threshold, state.more() >= threshold);
    let flaw = if !complete {
        Some("too many error classes to keep track of")
    } else if few && worse {
        Some("failures are within the tolerance, but more frequent than on stable")
    } else {
        None
    };
    let ratio = rate(canary).zip(rate(stable)).filter(|(_, stable)| *stable > 0.0);
    Explanation {
        stable: rate(stable),
        canary: rate(canary),
        limit: rate(stable).map(|stable| stable * rule.ratio.get()),
        samples: state.totals.map(|(requests, _)| requests),
        pass: Some(PassEvidence { gate: "errors per request".to_owned(), ln_e, threshold }),
        growth,
        passed: few && flaw.is_none(),
        effect: ratio.map(|(canary, stable)| Effect {
            estimate: canary / stable - 1.0,
            low: None,
            high: None,
        }),
        figures,
        flaw: flaw.map(str::to_owned),
        ..Explanation::nothing(
            "requests",
            format!("errors per request, at most {} times", significant(rule.ratio.get(), 3)),
        )
    }
}

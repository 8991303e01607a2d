use nprt_core::verdict::percent;

use super::super::events::Events;
use super::super::growth::Growth;
use super::{Effect, Said, significant};
use crate::policy::{EventsRule, GrowthRule};

pub(super) fn events(rule: &EventsRule, state: &Events) -> Said {
    let [stable, canary] = state.totals;
    let rate = |(exposure, events): (u64, u64)| (exposure > 0).then(|| events as f64 / exposure as f64);
    let ratio = rate(canary).zip(rate(stable)).filter(|(_, stable)| *stable > 0.0);
    Said {
        stable: rate(stable),
        canary: rate(canary),
        limit: rate(stable).map(|stable| stable * rule.ratio.get()),
        samples: [stable.0, canary.0],
        effect: ratio.map(|(canary, stable)| Effect {
            estimate: canary / stable - 1.0,
            low: None,
            high: None,
        }),
        figures: format!(
            "{} on the canary in {} pod-minutes (or periods), {} on stable in {}",
            canary.1, canary.0, stable.1, stable.0
        ),
        ..Said::nothing("events", format!("events, at most {} times", significant(rule.ratio.get(), 3)))
    }
}

pub(super) fn growth(rule: &GrowthRule, state: &Growth) -> Said {
    let per_hour = state.per_hour();
    let figures = match per_hour {
        Some([stable, canary]) => {
            format!("grows by {} an hour on the canary and {} on stable", percent(canary), percent(stable))
        }
        None => "the canary's is not above stable's, or too young".to_owned(),
    };
    Said {
        stable: per_hour.map(|[stable, _]| stable),
        canary: per_hour.map(|[_, canary]| canary),
        limit: per_hour.map(|[stable, _]| stable + rule.margin_per_hour),
        samples: [state.facts.used; 2],
        effect: per_hour.map(|[stable, canary]| Effect { estimate: canary - stable, low: None, high: None }),
        figures,
        ..Said::nothing("growth", "growth an hour".to_owned())
    }
}

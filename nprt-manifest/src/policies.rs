//! NetworkPolicies that count stable's pods and not the canary's, so that the canary may reach less, or be
//! reached by less, than the version that it is compared with.

use std::collections::BTreeSet;

use nprt_core::Result;

use super::diagnose::Pair;
use super::selector::labels_of;
use super::surroundings::Surroundings;

/// A warning for each selector of a NetworkPolicy that selects stable's pods and not the canary's.
pub(super) fn uncovered(pair: &Pair<'_>, around: &Surroundings<'_>) -> Result<BTreeSet<String>> {
    let (stable, canary) = (labels_of(pair.live.unwrap_or(pair.stable)), labels_of(pair.canary));
    let uncovered = around
        .policies(&[&stable])?
        .filter(|select| select.matches(&stable) && !select.matches(&canary))
        .map(|select| {
            format!(
                "{}: {} selects stable's pods but not the canary's ({}: {select}), so it may allow \
                 other traffic for the canary than for stable",
                pair.document.object.id(),
                select.object.id(),
                select.field
            )
        })
        .collect();
    Ok(uncovered)
}

//! NetworkPolicies that count stable's pods and not the canary's, so that the canary may reach less, or be
//! reached by less, than the version that it is compared with.

use std::collections::BTreeSet;

use super::diagnose::Pair;
use super::document::Manifests;
use super::selector::labels_of;
use super::selects;
use crate::model::Object;

/// A warning for each selector of a NetworkPolicy that selects stable's pods and not the canary's.
pub(super) fn uncovered(pair: &Pair<'_>, manifests: &Manifests, live: &[Object]) -> BTreeSet<String> {
    let (stable, canary) = (labels_of(pair.live.unwrap_or(pair.stable)), labels_of(pair.canary));
    let objects = manifests.documents.iter().map(|document| &document.object).chain(live);
    let policies = objects
        .filter(|object| (object.id().group(), object.kind()) == ("networking.k8s.io", "NetworkPolicy"));
    policies
        .flat_map(selects::of)
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
        .collect()
}

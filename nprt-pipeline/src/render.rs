//! Renders what a version needs, by the service's settings.

use std::sync::Arc;

use nprt_core::Result;
use nprt_manifest::parts;
use nprt_manifest::{Beside, Rendered, Version};

use super::job::Job;
use super::live::Live;
use super::promotion::Promotion;
use super::source::Source;

impl Job<'_> {
    /// The objects of stable.
    pub(super) async fn render_stable(
        &self,
        source: &Source,
        version: &Version,
        live: &Live,
    ) -> Result<Rendered> {
        let (manifests, budget) = (Arc::clone(&source.manifests), source.budget.clone());
        let (version, settings, live) = (version.clone(), self.service.transform.clone(), live.all());
        let work = move || parts::stable_within(&manifests, &version, &settings, &live, &budget);
        self.compute(&source.budget, source.small, work).await
    }

    /// The objects of a canary beside what `promotion` makes.
    pub(super) async fn render_canary(
        &self,
        source: &Source,
        version: &Version,
        promotion: &Promotion,
        carry: bool,
    ) -> Result<Rendered> {
        let (manifests, budget) = (Arc::clone(&source.manifests), source.budget.clone());
        let (version, settings) = (version.clone(), self.service.transform.clone());
        let (known, promoted) = (promotion.known.clone(), promotion.plan.becomes());
        let work = move || {
            let beside = Beside { live: &known, promoted: &promoted, carry };
            parts::canary_within(&manifests, &version, &settings, &beside, &budget)
        };
        self.compute(&source.budget, source.small, work).await
    }
}

//! What is beside the workloads that get a canary: found by what it is, and by what it selects.

use std::collections::BTreeMap;

use nprt_core::Result;
use nprt_core::model::{Budget, Limit, Object, ObjectId, Track, label};
use serde_json::Value;

use super::document::Document;
use super::places::{Documents, Objects};
use super::selector::{Labels, is_service, selector_of};
use super::selectors::Selectors;
use super::selects::{self, Select};

/// The objects of the manifests and of the cluster.
pub(super) struct Surroundings<'a> {
    pub(super) documents: &'a Documents<'a>,
    pub(super) live: &'a Objects<'a>,
    budget: &'a Budget,
    services: Selectors<&'a Document>,
    /// Without a canary's own: each of these selects one track, as it must.
    live_services: Selectors<&'a Object>,
    policies: Selectors<Select<'a>>,
    /// VerticalPodAutoscalers by kind and name of their workloads.
    resizers: BTreeMap<(&'a str, &'a str), &'a Object>,
}

impl<'a> Surroundings<'a> {
    pub(super) fn new(documents: &'a Documents<'a>, live: &'a Objects<'a>, budget: &'a Budget) -> Self {
        let services = documents.iter().filter(|document| is_service(&document.object)).collect();
        let is_own = |object: &Object| object.label(label::TRACK) == Some(Track::Canary.as_str());
        let live_services = live.all.iter().filter(|object| is_service(object) && !is_own(object)).collect();
        let objects = || documents.iter().map(|document| &document.object).chain(live.all);
        let is_policy =
            |object: &&Object| (object.id().group(), object.kind()) == ("networking.k8s.io", "NetworkPolicy");
        let mut resizers = BTreeMap::new();
        for (target, object) in objects().filter_map(|object| Some((resized(object)?, object))) {
            resizers.entry(target).or_insert(object);
        }
        Self {
            documents,
            live,
            budget,
            services: Selectors::new(services, |service| selector_of(&service.object)),
            live_services: Selectors::new(live_services, |service| selector_of(service)),
            policies: Selectors::new(
                objects().filter(is_policy).flat_map(selects::of).collect(),
                Select::by_label,
            ),
            resizers,
        }
    }

    /// The Services of the manifests that may select one of these.
    pub(super) fn services(&self, sets: &[&Labels]) -> Result<impl Iterator<Item = &&'a Document>> {
        self.drawn(self.services.candidates(sets), |service| labels(&service.object))
    }

    /// The Services of the cluster that may select one of these.
    pub(super) fn live_services(&self, sets: &[&Labels]) -> Result<impl Iterator<Item = &&'a Object>> {
        self.drawn(self.live_services.candidates(sets), |service| labels(service))
    }

    /// The selectors of NetworkPolicies that may select one of these.
    pub(super) fn policies(&self, sets: &[&Labels]) -> Result<impl Iterator<Item = &Select<'a>>> {
        self.drawn(self.policies.candidates(sets), Select::steps)
    }

    /// The VerticalPodAutoscaler of a workload.
    pub(super) fn resizer(&self, workload: &ObjectId) -> Option<&'a Object> {
        self.resizers.get(&(workload.kind.as_str(), workload.name.as_str())).copied()
    }

    /// The candidates, paid for by the `steps` that it takes to ask each.
    fn drawn<'s, T>(
        &self,
        candidates: impl Iterator<Item = &'s T> + Clone,
        steps: impl Fn(&T) -> u64,
    ) -> Result<impl Iterator<Item = &'s T>>
    where
        T: 's,
    {
        let steps: u64 = candidates.clone().map(steps).sum();
        self.budget.spend(Limit::Steps, steps.saturating_add(1))?;
        Ok(candidates)
    }
}

/// How many labels a Service asks for.
fn labels(service: &Object) -> u64 {
    selector_of(service).map_or(1, |labels| labels.len() as u64)
}

/// Kind and name of the workload whose pods a VerticalPodAutoscaler resizes.
fn resized(object: &Object) -> Option<(&str, &str)> {
    let text = |pointer| object.as_value().pointer(pointer).and_then(Value::as_str);
    let resizes = (object.id().group(), object.kind()) == ("autoscaling.k8s.io", "VerticalPodAutoscaler")
        && text("/spec/updatePolicy/updateMode") != Some("Off");
    let target = (text("/spec/targetRef/kind")?, text("/spec/targetRef/name")?);
    resizes.then_some(target)
}

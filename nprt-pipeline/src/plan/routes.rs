//! Requests to a canary by HTTPRoutes. A route sends to the canary once its pods are ready.

use std::collections::{BTreeMap, BTreeSet};

use nprt_core::model::{Object, ObjectId, Track, annotation, label};
use nprt_core::{Error, ErrorKind, Result};
use nprt_manifest::{Document, Rendered, Traffic, Version, parts, traffic};

use crate::context::Context;
use crate::plan::planned::{Plan, annotate};
use crate::state::snapshot::Snapshot;

const OPERATION: &str = "pipeline.traffic";

/// The routes by which a canary is to get requests.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    /// Each as it is without a canary, by name.
    routes: Vec<Object>,
    /// The Services to which they send and that select the canary's pods.
    services: BTreeSet<String>,
}

impl Routes {
    /// Their names, as the canary says them.
    pub(crate) fn names(&self) -> Option<String> {
        let names: Vec<&str> = self.routes.iter().map(Object::name).collect();
        (!names.is_empty()).then(|| names.join(","))
    }
}

impl Snapshot {
    /// Whether an object of a canary is left.
    pub(crate) fn has_canary(&self) -> bool {
        self.on(Track::Canary).next().is_some()
    }

    /// Whether the canary that runs gets requests by just these routes.
    pub(crate) fn has_routes(&self, routes: &Routes) -> bool {
        let names = routes.names();
        self.run_on(Track::Canary).all(|o| o.annotation(annotation::HTTP_ROUTES) == names.as_deref())
    }
}

/// Finds the routes that the settings mean, and gives the canary the Services to which they are to send.
///
/// # Errors
/// `NotFound` for a route that is not in the cluster; `Invalid` for a cluster without such routes, where no
/// route sends to a Service of the canary's pods, with those to which they send, and where such a Service has
/// no pods of stable.
pub(crate) async fn add_routes(
    cx: &Context<'_>,
    canary: &mut Rendered,
    version: &Version,
    live: &Snapshot,
) -> Result<Routes> {
    let Some(wanted) = &cx.service.transform.canary.traffic else { return Ok(Routes::default()) };
    let candidates = candidates(cx, wanted, live).await?;
    let backends: BTreeSet<String> = candidates.iter().flat_map(traffic::backends).collect();
    let mut routes = Routes::default();
    for name in &backends {
        let Some(service) = cx.ports.cluster.get(&service(name)).await? else { continue };
        let served = canary.documents.iter().find(|document| parts::serves(&service, &document.object));
        let Some(Document { source, .. }) = served.cloned() else { continue };
        let pair = parts::services(&service, version, &cx.service.transform)?;
        if !live.on(Track::Stable).any(|workload| parts::serves(&pair[0], workload)) {
            let message = "the Service has no pods of stable, to which the other requests would go";
            let help = "deploy a version first: stable's pods then have the label nprt.dev/track";
            return Err(Error::invalid(OPERATION, message).with("object", service.id()).with("to do", help));
        }
        canary.documents.extend(pair.map(|object| Document { object, source: source.clone() }));
        routes.services.insert(name.clone());
    }
    let sends = |route: &Object| !traffic::backends(route).is_disjoint(&routes.services);
    let (ours, others): (Vec<_>, Vec<_>) = candidates.into_iter().partition(sends);
    if ours.is_empty() || (wanted.http_route.is_some() && !others.is_empty()) {
        let message = "the route sends no requests to a Service that selects the canary's pods";
        return Err(Error::invalid(OPERATION, message)
            .with("routes", names(&others))
            .with("sends to", backends.into_iter().collect::<Vec<_>>().join(", ")));
    }
    routes.routes = ours;
    let names = routes.names().unwrap_or_default();
    for document in &mut canary.documents {
        annotate(&mut document.object, [(annotation::HTTP_ROUTES, names.clone())].into_iter())?;
    }
    Ok(routes)
}

/// The routes that the settings mean, as they are without a canary.
async fn candidates(cx: &Context<'_>, wanted: &Traffic, live: &Snapshot) -> Result<Vec<Object>> {
    let not_found = |message: &str| {
        let available = live.objects.iter().filter(|object| traffic::is_http_route(object));
        Error::new(ErrorKind::NotFound, OPERATION, message).with_available(available.map(Object::name))
    };
    let Some(name) = &wanted.http_route else {
        let routes = live.objects.iter().filter(|object| traffic::is_http_route(object));
        let routes = routes.map(traffic::original).collect::<Result<Vec<_>>>()?;
        return match routes.is_empty() {
            true => Err(not_found("no HTTPRoute of the service is in the cluster: deploy one, or name one")),
            false => Ok(routes),
        };
    };
    let route = cx.ports.cluster.get(&traffic::http_route(name)).await?;
    let route = route.ok_or_else(|| not_found("no such HTTPRoute").with("http_route", name))?;
    Ok(vec![traffic::original(&route)?])
}

/// What the routes become, accepted by the cluster.
///
/// # Errors
/// `Conflict` where another manager owns a route's rules; those of the cluster.
pub(crate) async fn plan_routes(cx: &Context<'_>, routes: &Routes) -> Result<Plan> {
    let mut plan = Plan::default();
    let Some(wanted) = &cx.service.transform.canary.traffic else { return Ok(plan) };
    for before in &routes.routes {
        let id = traffic::http_route(before.name());
        let rules = traffic::split(before, &routes.services, wanted)?;
        let Some(mut route) = cx.ports.cluster.owned(&id).await? else { continue };
        traffic::divert(&mut route, rules, before)?;
        plan.foreseen.push(cx.ports.cluster.dry_run(&route).await?);
        plan.objects.push(route);
    }
    Ok(plan)
}

/// Refuses Services that are to be made and are there, but not of the canary.
pub(crate) fn refuse_taken_services(plan: &Plan, live: &Snapshot) -> Result<()> {
    let ours: BTreeMap<ObjectId, bool> = live
        .objects
        .iter()
        .map(|object| (object.id(), object.label(label::TRACK) == Some(Track::Canary.as_str())))
        .collect();
    let taken = plan.foreseen.iter().find(|applied| {
        let id = applied.object.id();
        id.kind == "Service"
            && applied.change != nprt_core::ports::Change::Created
            && !ours.get(&id).copied().unwrap_or_default()
    });
    match taken {
        None => Ok(()),
        Some(taken) => Err(Error::invalid(OPERATION, "the name of a Service that the canary needs is taken")
            .with("object", taken.object.id())),
    }
}

fn service(name: &str) -> ObjectId {
    ObjectId {
        api_version: "v1".to_owned(),
        kind: "Service".to_owned(),
        namespace: None,
        name: name.to_owned(),
    }
}

fn names(routes: &[Object]) -> String {
    routes.iter().map(Object::name).collect::<Vec<_>>().join(", ")
}

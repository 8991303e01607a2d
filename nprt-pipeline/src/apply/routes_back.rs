//! The way back of routes: each becomes what it was before anything that it sends to goes. One that somebody else
//! has written since is not touched: the canary's Services to which it sends stay, and lead to stable's pods.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::{join_all, try_join_all};
use nprt_core::model::{Object, ObjectId, Track, annotation};
use nprt_core::ports::Lease;
use nprt_core::{Error, ErrorKind, Result};
use nprt_manifest::traffic;

use crate::apply::applier::Applier;
use crate::context::Context;
use crate::progress::Event;
use crate::state::kinds::is_service;
use crate::state::snapshot::Snapshot;

const OPERATION: &str = "pipeline.routes_back";

/// What becomes of the routes when the canary goes.
#[derive(Debug, Default)]
pub(crate) struct RoutesBack {
    /// How many are again what they were.
    back: usize,
    held: Vec<HeldRoute>,
}

/// A route that cannot be put back.
#[derive(Debug)]
struct HeldRoute {
    route: ObjectId,
    /// The canary's Services to which it sends.
    services: BTreeSet<ObjectId>,
    why: Error,
}

impl RoutesBack {
    /// The canary's Services that must stay.
    pub(crate) fn services(&self) -> BTreeSet<ObjectId> {
        self.held.iter().flat_map(|held| held.services.iter().cloned()).collect()
    }

    /// What a person should know of the routes that stay as they are, and do.
    pub(crate) fn warnings(&self) -> Vec<String> {
        self.held.iter().map(HeldRoute::warning).collect()
    }
}

impl HeldRoute {
    fn warning(&self) -> String {
        let Self { route, why, .. } = self;
        if self.services.is_empty() {
            return format!("{route} stays as it is: {why}");
        }
        format!(
            "{route} still sends to {services}, and is not ours to put back: {why}. These Services stay, and lead \
             to stable's pods. Put the route's rules right: the next rollback, tend or deploy then removes them",
            services = self.names(),
        )
    }

    fn names(&self) -> String {
        self.services.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}

impl Snapshot {
    /// The routes that the canary says it gets requests by, and the service's own that send to it.
    fn routes_of_canary(&self) -> BTreeSet<String> {
        let said = self.on(Track::Canary).filter_map(|object| object.annotation(annotation::HTTP_ROUTES));
        let mut names: BTreeSet<String> =
            said.flat_map(|names| names.split(',')).map(str::to_owned).collect();
        let services = self.services_of_canary();
        let sends = |route: &&Object| is_diverted(route) || !sends_to(route, &services).is_empty();
        let own = self.objects.iter().filter(|object| traffic::is_http_route(object)).filter(sends);
        names.extend(own.map(|route| route.name().to_owned()));
        names
    }

    /// The canary's Services, by name.
    fn services_of_canary(&self) -> BTreeMap<&str, ObjectId> {
        let services = self.on(Track::Canary).filter(|object| is_service(object));
        services.map(|service| (service.name(), service.id())).collect()
    }
}

fn is_diverted(object: &Object) -> bool {
    traffic::is_http_route(object) && object.annotation(annotation::RULES_BEFORE).is_some()
}

/// Those of `services` to which the route sends requests. Copies of requests may get lost.
fn sends_to(route: &Object, services: &BTreeMap<&str, ObjectId>) -> BTreeSet<ObjectId> {
    traffic::backends(route).iter().filter_map(|name| services.get(name.as_str()).cloned()).collect()
}

/// Makes every route by which the canary gets requests what it was before. Where one cannot be, because
/// somebody else has changed it, the Services of the canary to which it sends lead to stable's pods from then
/// on, and must stay.
///
/// # Errors
/// Those of the cluster. What a route sends to is there still.
pub(crate) async fn put_routes_back(to: &Applier<'_>, live: &Snapshot) -> Result<RoutesBack> {
    let routes = routes_back(to.cx, Some(to.lease), live).await?;
    let stay = routes.services();
    let services = live.on(Track::Canary).filter(|object| stay.contains(&object.id()));
    let led = join_all(services.map(|service| lead_to_stable(to, service))).await;
    led.into_iter().collect::<Result<()>>()?;
    routes.warnings().into_iter().for_each(|warning| to.cx.progress.warn(warning));
    Ok(routes)
}

/// What [`put_routes_back`] would do now.
pub(crate) async fn foresee_routes_back(cx: &Context<'_>, live: &Snapshot) -> Result<RoutesBack> {
    routes_back(cx, None, live).await
}

/// Whether something is left of a canary that is gone, and can go: a route that sends to one whose objects
/// somebody deleted by hand, or Services to which no route of somebody else's sends any more.
pub(crate) async fn has_loose_ends(cx: &Context<'_>, live: &Snapshot) -> Result<bool> {
    if live.running(Track::Canary).is_some() {
        return Ok(false);
    }
    let routes = foresee_routes_back(cx, live).await?;
    let stay = routes.services();
    Ok(routes.back > 0 || live.on(Track::Canary).any(|object| !stay.contains(&object.id())))
}

/// Refuses to start a canary that gets requests by routes while a route that cannot be put back sends to the
/// Services that it needs.
pub(crate) async fn refuse_held_routes(cx: &Context<'_>, live: &Snapshot) -> Result<()> {
    let held = foresee_routes_back(cx, live).await?.held;
    let Some(held) = held.into_iter().find(|held| !held.services.is_empty()) else { return Ok(()) };
    let message = "a route that is not ours to put back sends to the Services of the canary before: \
                   put its rules right first";
    Err(Error::new(ErrorKind::Conflict, OPERATION, message)
        .with("route", &held.route)
        .with("sends to", held.names())
        .with("why", held.why))
}

/// Puts the routes back, or without a lease only asks the cluster whether it would accept that.
async fn routes_back(cx: &Context<'_>, lease: Option<&Lease>, live: &Snapshot) -> Result<RoutesBack> {
    let services = live.services_of_canary();
    let routes = routes_of_canary(cx, live).await?;
    let back = routes.iter().map(async |route| {
        let sends_to = sends_to(route, &services);
        match put_route_back(cx, lease, route, !sends_to.is_empty()).await {
            Err(why) if is_theirs(&why) => {
                Ok((false, Some(HeldRoute { route: route.id(), services: sends_to, why })))
            }
            done => done.map(|back| (back, None)),
        }
    });
    let mut all = RoutesBack::default();
    // All of them to their end: a request that is given up may land all the same.
    for done in join_all(back).await {
        let (back, held): (bool, Option<HeldRoute>) = done?;
        all.back += usize::from(back);
        all.held.extend(held);
    }
    Ok(all)
}

/// The routes by which the live canary gets requests, the service's own that send to one, and the one that
/// the settings name.
async fn routes_of_canary(cx: &Context<'_>, live: &Snapshot) -> Result<Vec<Object>> {
    let mut names = live.routes_of_canary();
    names.extend(cx.service.transform.canary.traffic.as_ref().and_then(|wanted| wanted.http_route.clone()));
    let routes = names.iter().map(async |name| {
        let id = traffic::http_route(name);
        match cx.again(|| cx.ports.cluster.get(&id)).await {
            // The kind is gone, and with it all such routes.
            Err(error) if error.is_invalid() => Ok(None),
            route => route,
        }
    });
    Ok(try_join_all(routes).await?.into_iter().flatten().collect())
}

/// Whether the route was, or would be, put back; false where there is nothing to put back.
async fn put_route_back(
    cx: &Context<'_>,
    lease: Option<&Lease>,
    route: &Object,
    sends: bool,
) -> Result<bool> {
    let id = traffic::http_route(route.name());
    let Some(before) = traffic::rules_before(route)? else {
        let message = "the route does not say what its rules were";
        let unknown = Error::new(ErrorKind::Conflict, OPERATION, message).with("object", route.id());
        return if sends { Err(unknown) } else { Ok(false) };
    };
    let Some(mut owned) = cx.ports.cluster.owned(&id).await? else { return Ok(false) };
    // Rules that somebody else has written since stay. Where they send to what goes, the cluster says whose
    // they are.
    let stay = !sends && owned.as_value().pointer("/spec/rules").is_none();
    traffic::restore(&mut owned, (!stay).then_some(before))?;
    let Some(lease) = lease else {
        cx.ports.cluster.dry_run(&owned).await?;
        return Ok(true);
    };
    cx.again(|| cx.ports.cluster.apply(lease, &owned)).await?;
    if stay {
        cx.progress.warn(format!("{id} was changed by somebody else, and stays so"));
    }
    cx.progress.tell(Event::PutBack { object: route.id() });
    Ok(true)
}

/// Makes a Service of the canary select stable's pods. One whose selector somebody else has written keeps it.
async fn lead_to_stable(to: &Applier<'_>, service: &Object) -> Result<()> {
    if traffic::leads_to(service, Track::Stable) {
        return Ok(());
    }
    let Some(mut owned) = to.cx.ports.cluster.owned(&service.id()).await? else { return Ok(()) };
    traffic::lead_to(&mut owned, Track::Stable)?;
    match to.apply_one(&owned).await {
        Err(error) if is_theirs(&error) => {
            to.cx.progress.warn(format!("{} is not led to stable's pods: {error}", service.id()));
            Ok(())
        }
        done => done.map(drop),
    }
}

/// Whether a write was refused because the object is somebody else's, or damaged. Without the lease, every
/// further write is refused too.
fn is_theirs(error: &Error) -> bool {
    use ErrorKind::{Conflict, Forbidden, Invalid, Rejected};
    matches!(error.kind(), Conflict | Forbidden | Invalid | Rejected)
}

//! A service's lease as a `coordination.k8s.io` Lease.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1 as api;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::ObjectMeta;
use nprt_core::model::ServiceName;
use nprt_core::ports::{Lease, LeaseRequest, Transition};

use crate::discovery::{built_in, remembered_as};

/// On the Lease: what it is held for, or was.
const PURPOSE: &str = "nprt.dev/purpose";
/// On a Lease that was given back: who held it, so that whoever lost it to them learns of it.
const LAST_HOLDER: &str = "nprt.dev/last-holder";
/// On a Lease that was given back while a write might still land.
const UNSURE: &str = "nprt.dev/unsure";
/// While the service is changed: from which version to which.
const FROM: &str = "nprt.dev/from";
const TO: &str = "nprt.dev/to";
/// The kinds that the service has or had, `apiVersion/Kind` and separated by commas.
const KINDS: &str = "nprt.dev/kinds";

pub(super) fn name(service: &ServiceName) -> String {
    format!("nprt-{service}")
}

/// A first Lease of a service that has objects of `kinds`, made under epochs up to `epoch`. Whether there was one
/// before that told of a change is not known then.
pub(super) fn first(service: &ServiceName, kinds: &BTreeSet<String>, epoch: u64) -> api::Lease {
    let metadata = ObjectMeta { name: Some(name(service)), ..ObjectMeta::default() };
    let spec = api::LeaseSpec { lease_transitions: i32::try_from(epoch).ok(), ..api::LeaseSpec::default() };
    let mut lease = api::Lease { metadata, spec: Some(spec) };
    annotations(&mut lease).insert(KINDS.to_owned(), text(kinds));
    if !kinds.is_empty() {
        let unknown = || "unknown".to_owned();
        tell(&mut lease, Some(Transition { from: unknown(), to: unknown() }));
    }
    lease
}

fn annotations(lease: &mut api::Lease) -> &mut BTreeMap<String, String> {
    lease.metadata.annotations.get_or_insert_default()
}

fn annotation<'a>(lease: &'a api::Lease, key: &str) -> Option<&'a String> {
    lease.metadata.annotations.as_ref()?.get(key)
}

/// Makes the Lease that of `request`, for a new epoch.
pub(super) fn take(lease: &mut api::Lease, request: &LeaseRequest, now: Timestamp) {
    let spec = lease.spec.get_or_insert_default();
    spec.lease_transitions = Some(spec.lease_transitions.unwrap_or(0).saturating_add(1));
    spec.holder_identity = Some(request.holder.clone());
    spec.acquire_time = Some(MicroTime(now));
    spec.renew_time = Some(MicroTime(now));
    spec.lease_duration_seconds = Some(whole_seconds(request.duration));
    annotations(lease).insert(PURPOSE.to_owned(), request.purpose.clone());
    for key in [LAST_HOLDER, UNSURE] {
        annotations(lease).remove(key);
    }
}

pub(super) fn renew(lease: &mut api::Lease, now: Timestamp) {
    lease.spec.get_or_insert_default().renew_time = Some(MicroTime(now));
}

/// Makes it nobody's. `unsure` says that a write under it might still land.
pub(super) fn give_back(lease: &mut api::Lease, unsure: bool) {
    let holder = lease.spec.get_or_insert_default().holder_identity.take();
    let annotations = annotations(lease);
    annotations.extend(holder.map(|holder| (LAST_HOLDER.to_owned(), holder)));
    if unsure {
        annotations.insert(UNSURE.to_owned(), "true".to_owned());
    }
}

/// Whether it was given back with all its writes answered, so that none of them can land any more.
pub(super) fn is_clean(lease: &api::Lease) -> bool {
    let held = lease.spec.as_ref().and_then(|spec| spec.holder_identity.as_ref());
    held.is_none_or(String::is_empty) && annotation(lease, UNSURE).is_none()
}

/// Tells between which versions the service is being changed.
pub(super) fn tell(lease: &mut api::Lease, transition: Option<Transition>) {
    let annotations = annotations(lease);
    match transition {
        Some(Transition { from, to }) => {
            annotations.extend([(FROM.to_owned(), from), (TO.to_owned(), to)]);
        }
        None => {
            annotations.remove(FROM);
            annotations.remove(TO);
        }
    }
}

/// Whether a change of version was begun and not ended.
pub(super) fn is_changing(lease: &api::Lease) -> bool {
    annotation(lease, TO).is_some()
}

/// The kinds that the Lease remembers; `None` where it does not say.
pub(super) fn kinds(lease: &api::Lease) -> Option<BTreeSet<String>> {
    let kinds = annotation(lease, KINDS)?;
    Some(kinds.split(',').filter(|kind| !kind.is_empty()).map(str::to_owned).collect())
}

/// Makes it remember `wanted`, too. One that does not say what the service has may have any usual kind.
pub(super) fn remember(lease: &mut api::Lease, wanted: &BTreeSet<String>) {
    let known = kinds(lease).unwrap_or_else(|| built_in().map(|kind| remembered_as(&kind)).collect());
    annotations(lease).insert(KINDS.to_owned(), text(&known.union(wanted).cloned().collect()));
}

fn text(kinds: &BTreeSet<String>) -> String {
    kinds.iter().map(String::as_str).collect::<Vec<_>>().join(",")
}

/// Who holds the Lease, whether in time or not. One that does not say when it was renewed has expired.
pub(super) fn held(service: &ServiceName, lease: &api::Lease) -> Option<Lease> {
    let holder = lease.spec.as_ref()?.holder_identity.as_ref()?;
    by(holder, service, lease)
}

/// Who holds the Lease, or held it last.
pub(super) fn last(service: &ServiceName, lease: &api::Lease) -> Option<Lease> {
    held(service, lease).or_else(|| by(annotation(lease, LAST_HOLDER)?, service, lease))
}

fn by(holder: &str, service: &ServiceName, lease: &api::Lease) -> Option<Lease> {
    if holder.is_empty() {
        return None;
    }
    let spec = lease.spec.as_ref()?;
    let time = |time: &Option<MicroTime>| time.as_ref().map_or(Timestamp::UNIX_EPOCH, |time| time.0);
    let seconds = spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
    Some(Lease {
        service: service.clone(),
        holder: holder.to_owned(),
        purpose: annotation(lease, PURPOSE).cloned().unwrap_or_default(),
        epoch: epoch(lease),
        acquired: time(&spec.acquire_time),
        renewed: time(&spec.renew_time),
        duration: Duration::from_secs(seconds.unwrap_or(0)),
        transition: annotation(lease, FROM)
            .zip(annotation(lease, TO))
            .map(|(from, to)| Transition { from: from.clone(), to: to.clone() }),
    })
}

pub(super) fn epoch(lease: &api::Lease) -> u64 {
    let epoch = lease.spec.as_ref().and_then(|spec| spec.lease_transitions);
    epoch.and_then(|epoch| u64::try_from(epoch).ok()).unwrap_or(0)
}

/// A Lease lasts whole seconds: at least as long as was asked for.
fn whole_seconds(duration: Duration) -> i32 {
    let rounded = duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0));
    i32::try_from(rounded).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_that_does_not_say_which_kinds_there_are_forgets_none() {
        let wanted = BTreeSet::from(["example.com/v1/Gadget".to_owned()]);
        let mut silent = api::Lease::default();
        assert_eq!(kinds(&silent), None);
        remember(&mut silent, &wanted);
        let known = kinds(&silent).unwrap();
        assert!(known.contains("apps/v1/Deployment") && known.is_superset(&wanted), "{known:?}");
        let mut first = first(&ServiceName::new("cart").unwrap(), &BTreeSet::new(), 0);
        assert_eq!(kinds(&first), Some(BTreeSet::new()), "it has been looked");
        remember(&mut first, &wanted);
        assert_eq!(kinds(&first), Some(wanted));
    }

    #[test]
    fn a_lease_lasts_at_least_as_long_as_asked_for() {
        assert_eq!(whole_seconds(Duration::from_millis(1)), 1);
        assert_eq!(whole_seconds(Duration::from_secs(30)), 30);
        assert_eq!(whole_seconds(Duration::from_millis(30_001)), 31);
        assert_eq!(whole_seconds(Duration::MAX), i32::MAX);
    }
}

//! A service's lease as a `coordination.k8s.io` Lease.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1 as api;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::ObjectMeta;
use nprt_core::model::{Digest, ServiceName};
use nprt_core::ports::{Lease, LeaseRequest, Purpose, Takeover, Task, Transition};

use crate::resource::{built_in, remembered_as};

/// On the Lease: what it is held for, or was, in words for people.
const PURPOSE: &str = "nprt.dev/purpose";
/// The same as data. A Lease of an older nprt has the words alone.
const TASK: &str = "nprt.dev/task";
const BY: &str = "nprt.dev/by";
const VERSION: &str = "nprt.dev/version";
/// The host or pod of the process that holds it, or did.
const PROCESS: &str = "nprt.dev/process";
/// On a Lease that was given back: who held it, so that whoever lost it to them learns of it.
const LAST_HOLDER: &str = "nprt.dev/last-holder";
/// On a Lease that was given back while a write might still land.
const UNSURE: &str = "nprt.dev/unsure";
/// While the service is changed: from which version to which.
const FROM: &str = "nprt.dev/from";
const TO: &str = "nprt.dev/to";
/// That the change is being undone.
const BACK: &str = "nprt.dev/back";
/// The records of the change that its holder has written, or was about to, by digest and separated by commas.
const RECORDS: &str = "nprt.dev/records";
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
        let (from, to, records) = (unknown(), unknown(), Vec::new());
        tell(&mut lease, Some(Transition { from, to, back: false, records }));
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
    let changing = is_changing(lease);
    let annotations = annotations(lease);
    for key in [LAST_HOLDER, UNSURE, BY, VERSION] {
        annotations.remove(key);
    }
    let Purpose { task, by, version, .. } = &request.purpose;
    let said = [
        (PURPOSE, Some(request.purpose.to_string())),
        (PROCESS, Some(request.process.clone())),
        (TASK, Some(task.as_str().to_owned())),
        (BY, by.clone()),
        (VERSION, version.clone()),
        // In the same write: whatever becomes of who wants it back, nobody finishes it any more.
        (BACK, (changing && request.takeover == Takeover::Now).then(|| "true".to_owned())),
    ];
    annotations.extend(said.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
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
        Some(Transition { from, to, back, records }) => {
            let records: Vec<&str> = records.iter().map(Digest::as_str).collect();
            let said = [(FROM, from), (TO, to), (RECORDS, records.join(","))];
            annotations.extend(said.map(|(key, value)| (key.to_owned(), value)));
            match back {
                true => annotations.insert(BACK.to_owned(), "true".to_owned()),
                false => annotations.remove(BACK),
            };
        }
        None => {
            for key in [FROM, TO, BACK, RECORDS] {
                annotations.remove(key);
            }
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
    let seconds = seconds.map(|seconds| seconds.min(LeaseRequest::LONGEST.as_secs()));
    Some(Lease {
        service: service.clone(),
        holder: holder.to_owned(),
        process: annotation(lease, PROCESS).cloned().unwrap_or_else(|| process_in(holder)),
        purpose: purpose(lease),
        epoch: epoch(lease),
        acquired: time(&spec.acquire_time),
        renewed: time(&spec.renew_time),
        duration: Duration::from_secs(seconds.unwrap_or(0)),
        left: Duration::from_secs(seconds.unwrap_or(0)),
        transition: transition(lease),
    })
}

/// The change of version that the Lease tells of.
pub(super) fn transition(lease: &api::Lease) -> Option<Transition> {
    let (from, to) = annotation(lease, FROM).zip(annotation(lease, TO))?;
    let records = annotation(lease, RECORDS).into_iter().flat_map(|records| records.split(','));
    let records = records.filter_map(|digest| Digest::new(digest).ok()).collect();
    Some(Transition { from: from.clone(), to: to.clone(), back: is_back(lease), records })
}

/// What the Lease says that it is held for, or was. An older nprt changes the words alone: then they count.
fn purpose(lease: &api::Lease) -> Purpose {
    let text = annotation(lease, PURPOSE).cloned().unwrap_or_default();
    let read = |key| annotation(lease, key).cloned();
    let task = read(TASK).map_or(Task::Other, |task| Task::named(&task));
    let purpose = Purpose { task, by: read(BY), version: read(VERSION), text: None };
    if purpose.to_string() == text { purpose } else { Purpose::unknown(text) }
}

/// The process of a holder that an older nprt wrote: `process/number/time/operation`.
fn process_in(holder: &str) -> String {
    holder.split('/').next().unwrap_or_default().to_owned()
}

fn is_back(lease: &api::Lease) -> bool {
    annotation(lease, BACK).is_some()
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
    fn a_lease_of_an_older_nprt_says_what_it_is_held_for() {
        let spec = api::LeaseSpec {
            holder_identity: Some("deployer-7d9f/17/1764422000000000/3".to_owned()),
            ..api::LeaseSpec::default()
        };
        let mut old = api::Lease { spec: Some(spec), ..api::Lease::default() };
        annotations(&mut old).insert(PURPOSE.to_owned(), "deploy of tag main-1 by ci".to_owned());
        let held = held(&ServiceName::new("cart").unwrap(), &old).unwrap();
        assert_eq!(held.process, "deployer-7d9f");
        assert_eq!(held.purpose, Purpose::unknown("deploy of tag main-1 by ci"));
        assert!(!held.to_string().contains("/17/"), "{held}");
    }

    #[test]
    fn a_lease_says_what_it_is_held_for_as_it_was_asked_for() {
        let service = ServiceName::new("cart").unwrap();
        let mut lease = first(&service, &BTreeSet::new(), 0);
        for purpose in [Purpose::new(Task::Deploy, "ada").of("main-1"), Purpose::new(Task::Rollback, "ci")] {
            let request = LeaseRequest {
                service: service.clone(),
                holder: "deployer-7d9f/1".to_owned(),
                process: "deployer-7d9f".to_owned(),
                purpose: purpose.clone(),
                duration: Duration::from_secs(30),
                takeover: Takeover::Now,
            };
            take(&mut lease, &request, Timestamp::UNIX_EPOCH);
            let held = held(&service, &lease).unwrap();
            assert_eq!((held.purpose, held.process), (purpose, request.process));
            assert_eq!(held.transition, None, "there is nothing to undo");
        }
        annotations(&mut lease).insert(PURPOSE.to_owned(), "canary of tag main-2 by ci".to_owned());
        let held = held(&service, &lease).unwrap();
        assert_eq!(
            held.purpose,
            Purpose::unknown("canary of tag main-2 by ci"),
            "an older nprt took it since"
        );
    }

    #[test]
    fn a_lease_lasts_at_least_as_long_as_asked_for() {
        assert_eq!(whole_seconds(Duration::from_millis(1)), 1);
        assert_eq!(whole_seconds(Duration::from_secs(30)), 30);
        assert_eq!(whole_seconds(Duration::from_millis(30_001)), 31);
        assert_eq!(whole_seconds(Duration::MAX), i32::MAX);
    }
}

//! What is remembered of the leases that are held here. Nothing is decided by it: it saves requests, and the
//! server refuses what is built on something that is no longer so.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use k8s_openapi::api::coordination::v1 as api;
use nprt_core::model::ServiceName;
use nprt_core::ports::Lease;
use serde_json::Value;

use crate::resource::Place;

/// How many leases of one service are remembered: the one that is held, and some that were lost and may still
/// have to take back what they made.
const REMEMBERED: usize = 4;

/// The leases that are held here, and what was read under them.
#[derive(Clone, Default)]
pub(crate) struct Holds(Arc<Mutex<Memory>>);

#[derive(Default)]
struct Memory {
    /// By epoch.
    holds: BTreeMap<ServiceName, BTreeMap<u64, Hold>>,
    /// Objects by where they lie, while a lease of their service is held.
    seen: BTreeMap<String, (ServiceName, Seen)>,
    /// Leases as they were given back here.
    idle: BTreeMap<ServiceName, api::Lease>,
}

/// An object as it was read or written last.
#[derive(Clone)]
pub(crate) struct Seen {
    pub(crate) object: Value,
    /// Whether it was found where nothing of the service's had been listed.
    pub(crate) found: bool,
    /// Whether an apply that changes nothing makes the server write it again.
    pub(crate) again: bool,
}

impl Seen {
    /// An object that was to be expected.
    pub(crate) fn new(object: Value) -> Self {
        Self { object, found: false, again: false }
    }
}

/// A lease that is held here.
struct Hold {
    holder: String,
    /// The Lease as it was read or written last.
    live: api::Lease,
    /// When the last request began that found it held.
    confirmed: Instant,
    /// Objects that were to be made, and when that ended, unless the lease is known to have been held then.
    made: BTreeMap<String, (Place, Option<Instant>)>,
    /// Whether a write may still land after its answer was given up.
    unsure: bool,
    /// Whether the change of version that the Lease tells of is over.
    settled: bool,
    /// Whether whoever held it before may still write.
    fenced: bool,
    /// Locked while it is asked whether the lease is held, so that many learn by one request.
    asking: Arc<tokio::sync::Mutex<()>>,
    /// The kinds that the Lease is to remember.
    kinds: BTreeSet<String>,
}

impl fmt::Debug for Holds {
    /// Without the objects, which may be Secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Holds").finish_non_exhaustive()
    }
}

impl Holds {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, lease: &Lease, work: impl FnOnce(&mut Hold) -> T) -> Option<T> {
        let mut memory = self.memory();
        let hold = memory.holds.get_mut(&lease.service)?.get_mut(&lease.epoch)?;
        (hold.holder == lease.holder).then(|| work(hold))
    }

    /// Begins to remember `lease`, which was written as `live` by a request that began at `asked`, and whose former
    /// holder has to be `fenced` off, or gave it back.
    pub(crate) fn begin(&self, lease: &Lease, live: api::Lease, asked: Instant, fenced: bool) {
        let hold = Hold {
            holder: lease.holder.clone(),
            live,
            confirmed: asked,
            made: BTreeMap::new(),
            unsure: false,
            settled: false,
            fenced,
            asking: Arc::default(),
            kinds: BTreeSet::new(),
        };
        let mut memory = self.memory();
        memory.idle.remove(&lease.service);
        memory.seen.retain(|_, (service, _)| *service != lease.service);
        let holds = memory.holds.entry(lease.service.clone()).or_default();
        holds.insert(lease.epoch, hold);
        while holds.len() > REMEMBERED {
            holds.pop_first();
        }
    }

    /// Forgets `lease`, and answers with what was to be made since it was last known to be held. `idle` is the
    /// Lease, where it was given back.
    pub(crate) fn end(&self, lease: &Lease, idle: Option<api::Lease>) -> Vec<Place> {
        if self.with(lease, |_| ()).is_none() {
            return Vec::new();
        }
        let mut memory = self.memory();
        let Some(holds) = memory.holds.get_mut(&lease.service) else { return Vec::new() };
        let made = holds.remove(&lease.epoch).map(|hold| hold.made).unwrap_or_default();
        if holds.is_empty() {
            memory.holds.remove(&lease.service);
            memory.seen.retain(|_, (service, _)| *service != lease.service);
            memory.idle.extend(idle.map(|idle| (lease.service.clone(), idle)));
        }
        made.into_values().map(|(place, _)| place).collect()
    }

    /// The Lease as it was read or written last.
    pub(crate) fn live(&self, lease: &Lease) -> Option<api::Lease> {
        self.with(lease, |hold| hold.live.clone())
    }

    /// The same, of whatever lease of the service is held here.
    pub(crate) fn live_of(&self, service: &ServiceName) -> Option<api::Lease> {
        self.memory().holds.get(service)?.values().next_back().map(|hold| hold.live.clone())
    }

    /// The Lease as it was given back here.
    pub(crate) fn idle(&self, service: &ServiceName) -> Option<api::Lease> {
        self.memory().idle.get(service).cloned()
    }

    /// The lease was found held, as `live`, by a request that began at `asked`.
    pub(crate) fn confirm(&self, lease: &Lease, live: api::Lease, asked: Instant) {
        self.with(lease, |hold| {
            hold.live = live;
            hold.confirmed = hold.confirmed.max(asked);
            hold.made.retain(|_, (_, ended)| ended.is_none_or(|ended| ended >= asked));
        });
    }

    /// Whether a request that began no earlier than `since` found it held.
    pub(crate) fn is_confirmed(&self, lease: &Lease, since: Instant) -> bool {
        self.with(lease, |hold| hold.confirmed >= since).unwrap_or(false)
    }

    pub(crate) fn asking(&self, lease: &Lease) -> Arc<tokio::sync::Mutex<()>> {
        self.with(lease, |hold| Arc::clone(&hold.asking)).unwrap_or_default()
    }

    /// The epoch of the service's lease, where one is held here.
    pub(crate) fn epoch(&self, service: &ServiceName) -> Option<u64> {
        self.memory().holds.get(service)?.keys().next_back().copied()
    }

    /// Whether the service's former holder had to be fenced off.
    pub(crate) fn is_fenced(&self, service: &ServiceName) -> bool {
        self.memory().holds.get(service).is_some_and(|holds| holds.values().any(|hold| hold.fenced))
    }

    /// The object as it was read or written last, while a lease of its service is held here.
    pub(crate) fn seen(&self, place: &Place) -> Option<Seen> {
        self.memory().seen.get(&place.key()).map(|(_, seen)| seen.clone())
    }

    /// Remembers an object as it is.
    pub(crate) fn see(&self, service: &ServiceName, place: &Place, seen: Seen) {
        let mut memory = self.memory();
        if memory.holds.contains_key(service) {
            memory.seen.insert(place.key(), (service.clone(), seen));
        }
    }

    /// An object that is remembered was read again.
    pub(crate) fn refresh(&self, place: &Place, object: Option<&Value>) {
        let mut memory = self.memory();
        match (memory.seen.get_mut(&place.key()), object) {
            (Some((_, seen)), Some(object)) => seen.object = object.clone(),
            (Some(_), None) => _ = memory.seen.remove(&place.key()),
            (None, _) => {}
        }
    }

    /// The object may be otherwise now.
    pub(crate) fn overlook(&self, place: &Place) {
        self.memory().seen.remove(&place.key());
    }

    /// The Lease is to remember a kind when it is written next.
    pub(crate) fn want(&self, service: &ServiceName, kind: String) {
        if let Some(mut hold) = self.memory().holds.get_mut(service).and_then(BTreeMap::last_entry) {
            hold.get_mut().kinds.insert(kind);
        }
    }

    pub(crate) fn wanted(&self, lease: &Lease) -> BTreeSet<String> {
        self.with(lease, |hold| hold.kinds.clone()).unwrap_or_default()
    }

    /// An object is about to be made.
    pub(crate) fn make(&self, lease: &Lease, place: &Place) {
        self.with(lease, |hold| hold.made.insert(place.to_string(), (place.clone(), None)));
    }

    /// It was made, or it was not.
    pub(crate) fn made(&self, lease: &Lease, place: &Place, it_was: bool) {
        self.with(lease, |hold| match hold.made.get_mut(&place.to_string()) {
            Some((_, ended)) if it_was => *ended = Some(Instant::now()),
            _ => _ = hold.made.remove(&place.to_string()),
        });
    }

    /// A write's answer was given up.
    pub(crate) fn doubt(&self, lease: &Lease) {
        self.with(lease, |hold| hold.unsure = true);
    }

    pub(crate) fn is_unsure(&self, lease: &Lease) -> bool {
        self.with(lease, |hold| hold.unsure).unwrap_or(true)
    }

    /// The change of version that the Lease tells of is over, or is not.
    pub(crate) fn settle(&self, lease: &Lease, settled: bool) {
        self.with(lease, |hold| hold.settled = settled);
    }

    pub(crate) fn is_settled(&self, lease: &Lease) -> bool {
        self.with(lease, |hold| hold.settled).unwrap_or(false)
    }
}

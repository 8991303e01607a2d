//! Workloads that are followed from the same moment on share a watch: each would have a connection of its own
//! otherwise, with what that costs in memory and in requests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures_util::stream::{self, BoxStream, Stream, StreamExt};
use kube::ResourceExt as _;
use kube::api::{DynamicObject, WatchEvent, WatchParams};
use nprt_core::model::label;
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::AbortHandle;

use super::{AGAIN, OPERATION, trimmed};
use crate::client::Client;
use crate::error::Failure;
use crate::operation::during;
use crate::resource::Place;

/// How long the first waits for others. Those that a deploy follows come at once.
const GATHER: Duration = Duration::from_millis(10);

/// On the mark that follows the last of what was there when the watch began.
const ALL_THERE: &str = "k8s.io/initial-events-end";

type Events = BoxStream<'static, Result<WatchEvent<DynamicObject>, kube::Error>>;

/// Who waits to be told of the workload of each name.
type Members = BTreeMap<String, Vec<UnboundedSender<Value>>>;
/// None once the watch has begun: whoever comes later would be told what was before.
type Admitted = Arc<Mutex<Option<Members>>>;

/// A kind, and a namespace.
type Key = (String, Option<String>);

/// The watches that are about to begin.
#[derive(Debug, Default)]
pub(super) struct Gatherings(Mutex<BTreeMap<Key, Weak<Gathering>>>);

#[derive(Debug)]
struct Gathering {
    admitted: Admitted,
    watch: AbortHandle,
}

impl Gathering {
    /// One whose watch begins soon.
    fn new(client: &Arc<Client>, place: &Place) -> Self {
        let admitted = Admitted::new(Mutex::new(Some(Members::new())));
        let watch = watch(Arc::clone(client), place.clone(), Arc::clone(&admitted));
        Self { admitted, watch: tokio::spawn(during(OPERATION, watch)).abort_handle() }
    }

    fn admit(&self, place: &Place, member: UnboundedSender<Value>) -> Result<(), UnboundedSender<Value>> {
        match &mut *lock(&self.admitted) {
            Some(members) => members.entry(place.name.clone()).or_default().push(member),
            None => return Err(member),
        }
        Ok(())
    }
}

impl Drop for Gathering {
    fn drop(&mut self) {
        // Nobody listens any more.
        self.watch.abort();
    }
}

/// The workload at `place`, as it is and each time that it changes. It ends where the workload is to be followed
/// alone: nobody else wants to follow one of its kind now, it has no label of nprt, or the watch was refused.
pub(super) fn join(
    client: &Arc<Client>,
    gatherings: &Gatherings,
    place: &Place,
) -> impl Stream<Item = Value> + use<> {
    let (mut member, states) = unbounded_channel();
    let key: Key = (
        format!("{}/{}", place.resource.api.api_version, place.resource.api.plural),
        place.namespace.clone(),
    );
    let mut gatherings = lock(&gatherings.0);
    let gathering = loop {
        let gathering = gatherings.get(&key).and_then(Weak::upgrade).unwrap_or_else(|| {
            let gathering = Arc::new(Gathering::new(client, place));
            gatherings.insert(key.clone(), Arc::downgrade(&gathering));
            gathering
        });
        match gathering.admit(place, member) {
            Ok(()) => break gathering,
            Err(refused) => {
                gatherings.remove(&key);
                member = refused;
            }
        }
    };
    drop(gatherings);
    stream::unfold((states, gathering), |(mut states, gathering)| async {
        states.recv().await.map(|state| (state, (states, gathering)))
    })
}

/// Tells the members of their workloads, as long as there are any. Whoever is dropped here goes on alone.
async fn watch(client: Arc<Client>, place: Place, admitted: Admitted) {
    tokio::time::sleep(GATHER).await;
    let mut members = lock(&admitted).take().unwrap_or_default();
    if members.values().map(Vec::len).sum::<usize>() < 2 {
        return;
    }
    // One request, and one object in memory at a time. A server that cannot do this refuses it.
    let all = WatchParams::default().labels(label::SERVICE).initial_events();
    while !members.is_empty() {
        // Without a version to begin at, what it begins with is no older than the request: a state from before
        // an apply would tell of an earlier rollout.
        match client.api(&place).watch(&all, "").await {
            Ok(events) => listen(&mut members, events.boxed()).await,
            Err(error) => {
                let error = Failure::new(error).into_error();
                if !error.is_temporary() {
                    return;
                }
                tracing::warn!(%error, "the watch broke and goes on");
            }
        }
        if !members.is_empty() {
            tokio::time::sleep(AGAIN).await;
        }
    }
}

/// Tells the members what comes, until the watch ends or breaks. All is told anew by the next one.
async fn listen(members: &mut Members, mut events: Events) {
    let mut there = BTreeSet::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(WatchEvent::Added(object) | WatchEvent::Modified(object)) => {
                there.insert(object.name_any());
                tell(members, object);
            }
            Ok(WatchEvent::Deleted(object)) => _ = members.remove(&object.name_any()),
            Ok(WatchEvent::Bookmark(mark)) if mark.metadata.annotations.contains_key(ALL_THERE) => {
                members.retain(|name, _| there.contains(name));
            }
            Ok(WatchEvent::Bookmark(_)) => {}
            Ok(WatchEvent::Error(_)) | Err(_) => return,
        }
        if members.is_empty() {
            return;
        }
    }
}

/// Tells whoever waits for it; who listens no more is forgotten.
fn tell(members: &mut Members, object: DynamicObject) {
    let name = object.name_any();
    let Some(waiting) = members.get_mut(&name) else { return };
    let Some(state) = trimmed(object) else { return };
    waiting.retain(|member| member.send(state.clone()).is_ok());
    if waiting.is_empty() {
        members.remove(&name);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! Kinds that are followed by a watch from one survey to the next, so that a deploy soon after another need not ask for
//! them. A watch lasts a few minutes; when it ends, whyever, what it knew is forgotten, and the next survey asks.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use kube::ResourceExt as _;
use kube::api::{Api, DynamicObject, WatchEvent, WatchParams};
use nprt_core::ErrorKind;
use serde_json::Value;
use tokio::task::AbortHandle;

use crate::client::Client;
use crate::error::Failure;
use crate::object::is_controlled;
use crate::operation::{during, operation};
use crate::resource::Resource;

/// How long a watch lasts, in seconds.
const LASTS: u32 = 290;
/// How long a kind is taken for missing that the server did not have.
const MISSING: Duration = Duration::from_secs(300);

/// The objects of a kind by name; none once the watch is over.
type Known = Arc<Mutex<Option<BTreeMap<String, Value>>>>;

/// What is followed, by kind.
#[derive(Default)]
pub(crate) struct Watched(Mutex<BTreeMap<String, State>>);

enum State {
    Followed(Known, AbortHandle),
    Missing(Instant),
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(lock(&self.0).keys()).finish()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        for state in lock(&self.0).values() {
            if let State::Followed(_, watch) = state {
                watch.abort();
            }
        }
    }
}

impl Watched {
    /// The objects of the kind now, where it is followed.
    pub(super) fn now(&self, kind: &Resource) -> Option<Vec<Value>> {
        match lock(&self.0).get(&key(kind))? {
            State::Followed(known, _) => lock(known).as_ref().map(|known| known.values().cloned().collect()),
            State::Missing(_) => None,
        }
    }

    /// Whether the server did not have the kind a moment ago.
    pub(super) fn is_missing(&self, kind: &Resource) -> bool {
        matches!(lock(&self.0).get(&key(kind)), Some(State::Missing(since)) if since.elapsed() < MISSING)
    }

    pub(super) fn is_missing_now(&self, kind: &Resource) {
        lock(&self.0).insert(key(kind), State::Missing(Instant::now()));
    }

    /// Follows the kind, which was listed as `items` at `version`. Answers with why not, where a right is missing.
    pub(super) async fn follow(
        &self,
        client: &Client,
        kind: &Resource,
        items: &[Value],
        version: &str,
    ) -> Option<String> {
        let api: Api<DynamicObject> = Api::namespaced_with(client.kube.clone(), &client.namespace, &kind.api);
        let params = WatchParams::default().timeout(LASTS);
        let started = client.call(async { api.watch(&params, version).await.map(StreamExt::boxed) });
        let mut events = match started.await {
            Ok(events) => events,
            Err(failure) => {
                let error = failure.into_error();
                return (error.kind() == ErrorKind::Forbidden).then(|| error.message().to_owned());
            }
        };
        let name = |item: &Value| item.pointer("/metadata/name").and_then(Value::as_str).map(str::to_owned);
        let items = items.iter().filter(|item| !is_controlled(item));
        let items = items.filter_map(|item| Some((name(item)?, item.clone())));
        let known: Known = Arc::new(Mutex::new(Some(items.collect())));
        let told = Arc::clone(&known);
        let watch = tokio::spawn(during(operation(), async move {
            while let Some(Ok(event)) = events.next().await {
                if !tell(&told, event) {
                    break;
                }
            }
            *lock(&told) = None;
        }));
        let state = State::Followed(known, watch.abort_handle());
        if let Some(State::Followed(_, before)) = lock(&self.0).insert(key(kind), state) {
            before.abort();
        }
        None
    }
}

/// Whether the watch goes on.
fn tell(known: &Known, event: WatchEvent<DynamicObject>) -> bool {
    let mut known = lock(known);
    let Some(known) = known.as_mut() else { return false };
    match event {
        WatchEvent::Added(object) | WatchEvent::Modified(object) => {
            let name = object.name_any();
            let Ok(object) = serde_json::to_value(object) else { return false };
            if !is_controlled(&object) {
                known.insert(name, object);
            }
        }
        WatchEvent::Deleted(object) => _ = known.remove(&object.name_any()),
        WatchEvent::Bookmark(_) => {}
        WatchEvent::Error(status) => {
            tracing::debug!(error = ?Failure::new(kube::Error::Api(status)), "the watch is over");
            return false;
        }
    }
    true
}

fn key(kind: &Resource) -> String {
    format!("{}/{}", kind.api.api_version, kind.api.kind)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

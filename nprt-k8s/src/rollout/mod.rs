//! Following a rollout by watching its workload.
//!
//! A Deployment fails when the server says so: by its `progressDeadlineSeconds`, as for `kubectl rollout status`.
//! No trouble ends a rollout before, however definite it looks: a crash loop ends when the database answers, a
//! quota is freed by the pods that end, an image is pushed a minute late. Whoever wants to fail fast sets a
//! shorter deadline. Until then the message of each status says what is wrong. StatefulSets and DaemonSets have no
//! deadline: they stay under way, with what is wrong in the message, until the caller stops listening.

mod deployment;
mod diagnose;
mod rules;
mod sets;
mod state;
mod together;

use std::sync::Arc;
use std::time::Duration;

use diagnose::{Diagnosis, When};
use futures_util::stream::{self, BoxStream, StreamExt};
use kube::api::DynamicObject;
use kube::runtime::{WatchStreamExt, watcher};
use nprt_core::model::ObjectId;
use nprt_core::ports::{RolloutPhase, RolloutStatus};
use nprt_core::{Error, ErrorKind, Result};
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::client::Client;
use crate::error::Failure;
use crate::operation::{during, operation};
use crate::resource::Place;
use together::Gatherings;

const OPERATION: &str = "cluster.watch_rollout";

/// How often the pods of a rollout that goes on are looked at: what fails shows in them, not in the workload. A
/// rollout that is over before costs no request for that.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// How many rollouts are looked into at the same time: each takes a connection or more.
const LOOKS: usize = 4;

/// The rollouts that are followed in a namespace.
#[derive(Debug)]
pub(crate) struct Rollouts {
    client: Arc<Client>,
    /// The watches that are about to begin.
    gatherings: Gatherings,
    /// Limits how many are diagnosed at the same time.
    looks: Semaphore,
}

impl Rollouts {
    pub(crate) fn new(client: Arc<Client>) -> Self {
        Self { client, gatherings: Gatherings::default(), looks: Semaphore::new(LOOKS) }
    }

    /// The statuses of the rollout of `workload`, until it ends.
    pub(crate) fn watch(self: &Arc<Self>, workload: ObjectId) -> BoxStream<'static, Result<RolloutStatus>> {
        let rollouts = Arc::clone(self);
        let begin = async move {
            let place = rollouts.client.place(&workload).await;
            match place.and_then(|place| followed(&workload, place)) {
                Ok(place) => Follow::new(rollouts, workload, place).statuses(),
                Err(error) => stream::once(async { Err(error) }).boxed(),
            }
        };
        stream::once(during(OPERATION, begin)).flatten().boxed()
    }
}

/// Refuses a kind that no rule tells the end of.
fn followed(workload: &ObjectId, place: Place) -> Result<Place> {
    let api = &place.resource.api;
    if rules::KINDS.contains(&(api.group.as_str(), api.kind.as_str())) {
        return Ok(place);
    }
    Err(Error::invalid(operation(), "this kind has no rollout")
        .with("object", workload)
        .with_available(rules::KINDS.map(|(_, kind)| kind)))
}

/// How long until a watch that was refused as too old begins anew.
const AGAIN: Duration = Duration::from_secs(1);

/// What is not kept of a workload.
const NOT_KEPT: [(&str, &[&str]); 3] = [
    ("/metadata", &["annotations", "labels", "finalizers", "ownerReferences", "resourceVersion"]),
    ("/metadata/managedFields", &["fieldsV1", "fieldsType", "apiVersion", "manager", "operation"]),
    ("/spec", &["template", "volumeClaimTemplates"]),
];

struct Follow {
    rollouts: Arc<Rollouts>,
    workload: ObjectId,
    place: Place,
    events: BoxStream<'static, Result<Option<Value>, watcher::Error>>,
    last: Option<RolloutStatus>,
    /// The workload as it was seen last.
    seen: Value,
    /// What kept its pods from being ready when that was looked at last.
    diagnosis: Diagnosis,
    look_at: Instant,
    /// When it has failed without anybody saying so.
    deadline: Option<Instant>,
}

/// What happened next.
enum Next {
    /// The workload is another.
    Changed(Value),
    /// It is time to look at its pods again.
    Look,
    /// The deadline has passed.
    Late,
}

impl Follow {
    fn new(rollouts: Arc<Rollouts>, workload: ObjectId, place: Place) -> Self {
        let events = events(&rollouts, &place);
        Self {
            rollouts,
            workload,
            place,
            events,
            last: None,
            seen: Value::Null,
            diagnosis: Diagnosis::default(),
            look_at: Instant::now() + LOOK_AGAIN,
            deadline: None,
        }
    }

    fn statuses(self) -> BoxStream<'static, Result<RolloutStatus>> {
        stream::unfold(Some(self), |follow| async {
            let mut follow = follow?;
            match during(OPERATION, follow.next()).await {
                Ok(status) => {
                    let ended = status.phase != RolloutPhase::Progressing;
                    follow.last = Some(status.clone());
                    Some((Ok(status), (!ended).then_some(follow)))
                }
                Err(error) => Some((Err(error), None)),
            }
        })
        .boxed()
    }

    /// The next status that differs from the last one.
    async fn next(&mut self) -> Result<RolloutStatus> {
        loop {
            match self.look().await? {
                Next::Changed(workload) => self.see(workload),
                Next::Look => {
                    // Many that go on at the same time are looked at one after the other.
                    let _turn = self.rollouts.looks.acquire().await;
                    let diagnosis = diagnose::diagnose(&self.rollouts.client, &self.seen, When::UnderWay);
                    // Boxed: it is large, and a rollout needs the room for it but now and then.
                    self.diagnosis = Box::pin(diagnosis).await;
                    self.look_at = Instant::now() + LOOK_AGAIN;
                }
                Next::Late => return Ok(self.give_up().await),
            }
            let mut status = self.status();
            match status.phase {
                RolloutPhase::Complete => {}
                RolloutPhase::Progressing => self.diagnosis.explain(&mut status),
                RolloutPhase::Failed => self.explain(&mut status).await,
            }
            if self.last.as_ref() != Some(&status) {
                return Ok(status);
            }
        }
    }

    fn status(&self) -> RolloutStatus {
        rules::status(&self.place.resource.api.kind, &self.seen)
    }

    fn see(&mut self, workload: Value) {
        let generation = |workload: &Value| workload.pointer("/metadata/generation").cloned();
        if generation(&self.seen) != generation(&workload) {
            // They were those of another version.
            self.diagnosis = Diagnosis::default();
        }
        let patience =
            deployment::patience(&workload).filter(|_| self.place.resource.api.kind == "Deployment");
        let (before, now) = (deployment::progress(&self.seen), deployment::progress(&workload));
        let goes_on = now.0 > before.0 || now.1 > before.1;
        self.deadline = patience
            .map(|patience| self.deadline.filter(|_| !goes_on).unwrap_or_else(|| Instant::now() + patience));
        self.seen = workload;
    }

    /// Waits for the workload to change, but no longer than until pods are to be looked at, or the deadline.
    async fn look(&mut self) -> Result<Next> {
        loop {
            // The server's deadlines pass in real time, whatever clock leases go by.
            let until = self.deadline.map_or(self.look_at, |deadline| deadline.min(self.look_at));
            let Ok(event) = tokio::time::timeout_at(until, self.events.next()).await else {
                if self.deadline.is_some_and(|deadline| deadline <= until) {
                    return Ok(Next::Late);
                }
                if self.seen.is_null() {
                    // There is nothing to look at before the server's first answer.
                    self.look_at = Instant::now() + LOOK_AGAIN;
                    continue;
                }
                return Ok(Next::Look);
            };
            match event {
                Some(Ok(Some(workload))) => return Ok(Next::Changed(workload)),
                Some(Ok(None)) | None => {
                    let error = Error::new(ErrorKind::NotFound, operation(), "no such workload");
                    return Err(error.with("object", &self.workload));
                }
                Some(Err(error)) if is_too_old(&error) => {
                    tokio::time::sleep(AGAIN).await;
                    self.events = alone(&self.rollouts.client, &self.place);
                }
                Some(Err(error)) => {
                    let error = failed(error).with("object", &self.workload);
                    if !error.is_temporary() {
                        return Err(error);
                    }
                    tracing::warn!(%error, "the watch broke and goes on");
                }
            }
        }
    }

    /// The status of a rollout that made no progress before its deadline.
    async fn give_up(&mut self) -> RolloutStatus {
        let mut status = self.status();
        status.phase = RolloutPhase::Failed;
        status.message = format!("{}: no progress within the deadline", status.message);
        self.explain(&mut status).await;
        status
    }

    /// Adds what keeps the pods from being ready.
    async fn explain(&mut self, status: &mut RolloutStatus) {
        let diagnosis = diagnose::diagnose(&self.rollouts.client, &self.seen, When::Failed);
        Box::pin(diagnosis).await.explain(status);
    }
}

/// The workload at `place`, each time that it changes: with others that are followed from now on, else alone.
fn events(rollouts: &Rollouts, place: &Place) -> BoxStream<'static, Result<Option<Value>, watcher::Error>> {
    let together = together::join(&rollouts.client, &rollouts.gatherings, place);
    let together = together.map(|workload| Ok(Some(workload)));
    let (client, place) = (Arc::clone(&rollouts.client), place.clone());
    together.chain(stream::once(async move { alone(&client, &place) }).flatten()).boxed()
}

/// The same by a watch of its own. It lists anew when the server has forgotten where it was, and goes on after
/// any break.
fn alone(client: &Client, place: &Place) -> BoxStream<'static, Result<Option<Value>, watcher::Error>> {
    let events = watcher::watch_object(client.api(place), &place.name).default_backoff();
    events.map(|event| event.map(|object| object.and_then(trimmed))).boxed()
}

/// A workload without what says nothing of its rollout: many may be followed at once, and most of an object is
/// that.
fn trimmed(workload: DynamicObject) -> Option<Value> {
    // An object that was read as JSON can be written as such.
    let mut workload = serde_json::to_value(workload).ok()?;
    for (part, fields) in NOT_KEPT {
        let parts = match workload.pointer_mut(part) {
            Some(Value::Array(parts)) => parts.iter_mut().filter_map(Value::as_object_mut).collect(),
            Some(Value::Object(part)) => vec![part],
            _ => Vec::new(),
        };
        for part in parts {
            part.retain(|field, _| !fields.contains(&field.as_str()));
        }
    }
    Some(workload)
}

/// Whether the server no longer knows the version that a watch was to begin at. The watcher would ask for the
/// same again, for ever.
fn is_too_old(error: &watcher::Error) -> bool {
    matches!(error, watcher::Error::WatchStartFailed(kube::Error::Api(status)) if status.code == 410)
}

fn failed(error: watcher::Error) -> Error {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => Failure::new(error).into_error(),
        watcher::Error::WatchError(status) => Failure::Refused(status).into_error(),
        error @ watcher::Error::NoResourceVersion => {
            Error::new(ErrorKind::Unexpected, operation(), "the kind cannot be watched").with_source(error)
        }
    }
}

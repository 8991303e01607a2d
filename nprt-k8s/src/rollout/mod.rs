//! Following a rollout by watching its workload.

mod deployment;
mod diagnose;
mod rules;

use std::sync::Arc;

use futures_util::stream::{self, BoxStream, StreamExt};
use kube::api::DynamicObject;
use kube::runtime::{WatchStreamExt, watcher};
use nprt_core::model::ObjectId;
use nprt_core::ports::{RolloutPhase, RolloutStatus};
use nprt_core::{Error, ErrorKind, Result};
use serde_json::Value;
use tokio::time::Instant;

use crate::client::{Client, Place};
use crate::error::Failure;

const OPERATION: &str = "cluster.watch_rollout";

/// The statuses of the rollout of `workload`, until it ends.
pub(crate) fn watch(client: Arc<Client>, workload: ObjectId) -> BoxStream<'static, Result<RolloutStatus>> {
    stream::once(async move {
        let place = client.place(OPERATION, &workload).await;
        match place.and_then(|place| followed(&workload, place)) {
            Ok(place) => Follow::new(client, workload, place).statuses(),
            Err(error) => stream::once(async { Err(error) }).boxed(),
        }
    })
    .flatten()
    .boxed()
}

/// Refuses a kind that no rule tells the end of.
fn followed(workload: &ObjectId, place: Place) -> Result<Place> {
    let api = &place.resource.api;
    if rules::KINDS.contains(&(api.group.as_str(), api.kind.as_str())) {
        return Ok(place);
    }
    Err(Error::invalid(OPERATION, "this kind has no rollout")
        .with("object", workload)
        .with_available(rules::KINDS.map(|(_, kind)| kind)))
}

struct Follow {
    client: Arc<Client>,
    workload: ObjectId,
    place: Place,
    events: BoxStream<'static, Result<Option<DynamicObject>, watcher::Error>>,
    last: Option<RolloutStatus>,
    /// The workload as it was seen last, and when it has failed without anybody saying so.
    deadline: Option<(Instant, Value)>,
}

impl Follow {
    fn new(client: Arc<Client>, workload: ObjectId, place: Place) -> Self {
        // It lists anew when the server has forgotten where the watch was, and goes on after any break.
        let events = watcher::watch_object(client.api(&place), &place.name).default_backoff().boxed();
        Self { client, workload, place, events, last: None, deadline: None }
    }

    fn statuses(self) -> BoxStream<'static, Result<RolloutStatus>> {
        stream::unfold(Some(self), |follow| async {
            let mut follow = follow?;
            match follow.next().await {
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
            let Some(workload) = self.look().await? else { return Ok(self.give_up().await) };
            let kind = &self.place.resource.api.kind;
            let mut status = rules::status(kind, &workload);
            if status.phase == RolloutPhase::Failed {
                explain(&self.client, &mut status, &workload).await;
            }
            let patience = deployment::patience(&workload).filter(|_| kind == "Deployment");
            self.deadline = patience.map(|patience| {
                let at = self.deadline.as_ref().map_or_else(|| Instant::now() + patience, |(at, _)| *at);
                (at, workload)
            });
            if self.last.as_ref() != Some(&status) {
                return Ok(status);
            }
        }
    }

    /// The workload when it has changed; `None` when the deadline has passed before.
    async fn look(&mut self) -> Result<Option<Value>> {
        loop {
            let event = match &self.deadline {
                // The server's deadlines pass in real time, whatever clock leases go by.
                Some((at, _)) => match tokio::time::timeout_at(*at, self.events.next()).await {
                    Ok(event) => event,
                    Err(_) => return Ok(None),
                },
                None => self.events.next().await,
            };
            match event {
                Some(Ok(Some(object))) => {
                    return serde_json::to_value(object).map(Some).map_err(|error| {
                        let message = "the answer cannot be read";
                        Error::new(ErrorKind::Unexpected, OPERATION, message).with_source(error)
                    });
                }
                Some(Ok(None)) | None => {
                    let error = Error::new(ErrorKind::NotFound, OPERATION, "no such workload");
                    return Err(error.with("object", &self.workload));
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
        let workload = self.deadline.take().map(|(_, workload)| workload).unwrap_or_default();
        let mut status = rules::status(&self.place.resource.api.kind, &workload);
        status.phase = RolloutPhase::Failed;
        status.message = format!("{}: no progress within the deadline", status.message);
        explain(&self.client, &mut status, &workload).await;
        status
    }
}

/// Adds what keeps the pods from being ready.
async fn explain(client: &Client, status: &mut RolloutStatus, workload: &Value) {
    match diagnose::pods(client, OPERATION, workload).await {
        Ok(reasons) => {
            for reason in reasons {
                status.message = format!("{}; {reason}", status.message);
            }
        }
        Err(failure) => {
            let error = failure.into_error(OPERATION);
            tracing::warn!(%error, "the pods of a failed rollout cannot be read");
        }
    }
}

fn failed(error: watcher::Error) -> Error {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => Failure::new(OPERATION, error).into_error(OPERATION),
        watcher::Error::WatchError(status) => Failure::Refused(status).into_error(OPERATION),
        error @ watcher::Error::NoResourceVersion => {
            Error::new(ErrorKind::Unexpected, OPERATION, "the kind cannot be watched").with_source(error)
        }
    }
}

//! An operation and its answer: at the end, or step by step as server-sent events. It runs in a task of its own,
//! so that it ends by its own rules when the client goes away.

use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, StreamExt};
use nprt::ErrorKind;
use nprt::model::ServiceName;
use nprt::pipeline::{Events, Progress};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tracing::Instrument;

use super::accept::Form;
use super::asked::Asked;
use super::problem::Problem;
use crate::app::App;
use crate::numbers::Numbers;

type Done = Result<Value, Problem>;

/// Runs `work` to its end, whatever becomes of the client, and answers as the client asked.
pub(crate) async fn answer<W>(
    asked: &Asked,
    operation: &'static str,
    is_dry_run: bool,
    service: &ServiceName,
    work: impl FnOnce(Progress) -> W,
) -> Response
where
    W: Future<Output = Done> + Send + 'static,
{
    let form = match asked.form(&[Form::Json, Form::Events]) {
        Ok(form) => form,
        Err(problem) => return problem.into_response(),
    };
    let instance = format!("/{service}/{operation}");
    // What changes nothing is none of those that do.
    let operation = if is_dry_run { "dry_run" } else { operation };
    if form == Form::Events {
        let (progress, events) = Progress::stream();
        let task = spawn(&asked.app, operation, service, work(progress));
        return stream_of(events, task, instance);
    }
    let task = spawn(&asked.app, operation, service, work(Progress::silent()));
    match ended(task).await {
        Ok(value) => Json(value).into_response(),
        Err(problem) => problem.at(instance).into_response(),
    }
}

/// Runs `work` in a task of its own, and counts it.
pub(super) fn spawn(
    app: &App,
    operation: &'static str,
    service: &ServiceName,
    work: impl Future<Output = Done> + Send + 'static,
) -> JoinHandle<Done> {
    let (tasks, app, service) = (app.tasks().clone(), app.clone(), service.clone());
    let whole = async move {
        let began = std::time::Instant::now();
        let numbers = app.numbers();
        let done = numbers.while_under_way(work).await;
        let outcome = if done.is_ok() { "done" } else { "failed" };
        Numbers::count(&numbers.operations, service.as_str(), operation, outcome);
        let seconds = numbers.seconds.get_or_create(&[("operation", operation.to_owned())]);
        seconds.observe(began.elapsed().as_secs_f64());
        tracing::info!(%service, operation, outcome, "operation ended");
        done
    };
    // It belongs to the trace of the request, also when that is over.
    tasks.spawn(whole.in_current_span())
}

pub(super) async fn ended(task: JoinHandle<Done>) -> Done {
    task.await.unwrap_or_else(|_| {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Err(Problem::new(status, ErrorKind::Unexpected, "internal error"))
    })
}

fn stream_of(events: Events, task: JoinHandle<Done>, instance: String) -> Response {
    let steps = events.map(|event| {
        let mut data = serde_json::to_value(&event).unwrap_or_default();
        if let Value::Object(data) = &mut data {
            data.insert("text".to_owned(), event.to_string().into());
        }
        ("progress", data)
    });
    let end = stream::once(async move {
        match ended(task).await {
            Ok(value) => ("done", value),
            Err(problem) => ("failed", json!(problem.at(instance))),
        }
    });
    let events = steps
        .chain(end)
        .map(|(name, data)| Ok::<_, Infallible>(Event::default().event(name).data(data.to_string())));
    Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))).into_response()
}

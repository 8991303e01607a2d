//! A change whose steps the server streams.

use std::time::Duration;

use reqwest::Response;
use serde_json::Value;

use super::Context;
use crate::client::{EVENTS, MAY_GO_ON, is_of};
use crate::failure::{Exit, Failure, Result};
use crate::problem;
use crate::progress::{Progress, Step};
use crate::sse::{Parser, ServerEvent};

/// Asks for the change, shows its steps, and gives the answer that it ends with.
pub(super) async fn change(
    context: &Context,
    path: &[&str],
    parameters: &[(&str, String)],
    timeout: Duration,
) -> Result<Value> {
    let accept = "text/event-stream, application/json;q=0.5";
    let response = context.client.put(path, parameters, accept, timeout).await?;
    if !is_of(&response, EVENTS) {
        return context.client.value(response).await;
    }
    let mut progress = Progress::new(context.output);
    let done = follow(context, response, &mut progress).await;
    progress.end(done.is_ok());
    done
}

async fn follow(context: &Context, mut response: Response, progress: &mut Progress) -> Result<Value> {
    let mut parser = Parser::default();
    while let Some(bytes) = response.chunk().await.map_err(|error| broken(context.client.unreached(error)))? {
        let events = parser.take(&bytes).map_err(|why| broken(Failure::new(Exit::Unreachable, why)))?;
        for ServerEvent { name, data } in events {
            match name.as_str() {
                "done" => return context.client.parse(data.as_bytes()),
                "failed" => return Err(failed(context.client.parse(data.as_bytes())?)),
                "progress" => {
                    // What cannot be read is no step worth failing for.
                    let step = context.client.parse(data.as_bytes()).ok();
                    if let Some(step) = step.and_then(|step| serde_json::from_value::<Step>(step).ok()) {
                        progress.step(&step);
                    }
                }
                _ => {}
            }
        }
    }
    Err(broken(Failure::new(Exit::Unreachable, "the server ended its answer before the operation was over")))
}

/// The operation goes on without us.
fn broken(failure: Failure) -> Failure {
    failure.with(MAY_GO_ON)
}

fn failed(document: Value) -> Failure {
    let status = document.get("status").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok());
    problem::of_document(status.unwrap_or(500), document)
}

//! The only place that knows the wire.

mod answer;
mod web_api;
mod webhook;

pub(super) use web_api::{WebApi, read};
pub(super) use webhook::Webhook;

const OPERATION: &str = "slack.notify";

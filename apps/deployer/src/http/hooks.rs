//! Alerts of others: one that fires on the canary rolls it back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::http::HeaderMap;
use jiff::Timestamp;
use nprt::model::{ServiceName, StrictJson, shown};
use nprt::pipeline::{Progress, Running};
use serde::Deserialize;
use serde_json::{Number, Value, json};

use super::answer::{ended, spawn};
use super::asked::Asked;
use super::params::{self, whole};
use super::problem::Problem;
use crate::compose::Told;
use crate::config::Action;

/// How long a rollback waits for whatever is done to the service: cancelling that is for persons.
const PATIENCE: Duration = Duration::from_secs(60);

/// An alert, whoever sends it.
#[derive(Debug, Default)]
pub(crate) struct Alert {
    name: String,
    fires: bool,
    since: Option<Timestamp>,
    track: Option<String>,
    version: Option<String>,
}

/// What Alertmanager's webhook sends.
#[derive(Debug, Deserialize)]
struct Alertmanager {
    alerts: Vec<AlertmanagerAlert>,
}

#[derive(Debug, Deserialize)]
struct AlertmanagerAlert {
    status: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(rename = "startsAt")]
    starts_at: Option<Timestamp>,
}

/// What Datadog's webhook sends with the payload that the README has.
#[derive(Debug, Deserialize)]
struct Datadog {
    title: String,
    transition: String,
    date: Millis,
    #[serde(default)]
    tags: String,
}

/// Milliseconds since 1970: `$DATE` stands in quotes, or does not.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Millis {
    Number(Number),
    Text(String),
}

/// `POST /{service}/hooks/alertmanager`
pub(crate) async fn alertmanager(asked: Asked) -> Result<Json<Value>, Problem> {
    let (service, _) = asked.service(&[Action::Canary])?;
    act(&asked, service, of_alertmanager(&asked.headers, &asked.body)?).await
}

/// `POST /{service}/hooks/datadog`
pub(crate) async fn datadog(asked: Asked) -> Result<Json<Value>, Problem> {
    let (service, _) = asked.service(&[Action::Canary])?;
    act(&asked, service, vec![of_datadog(&asked.headers, &asked.body)?]).await
}

pub(crate) fn of_alertmanager(headers: &HeaderMap, sent: &[u8]) -> Result<Vec<Alert>, Problem> {
    let sent: Alertmanager = body(headers, sent)?;
    let alert = |mut one: AlertmanagerAlert| Alert {
        name: one.labels.remove("alertname").unwrap_or_else(|| "alert".to_owned()),
        fires: one.status == "firing",
        since: one.starts_at,
        track: one.labels.remove("track"),
        version: one.labels.remove("version"),
    };
    Ok(sent.alerts.into_iter().map(alert).collect())
}

pub(crate) fn of_datadog(headers: &HeaderMap, sent: &[u8]) -> Result<Alert, Problem> {
    let sent: Datadog = body(headers, sent)?;
    let millis = match sent.date {
        Millis::Number(number) => whole(&number),
        Millis::Text(text) => text,
    };
    let since = millis.parse().ok().filter(|millis| *millis >= 0);
    let since = since.and_then(|millis| Timestamp::from_millisecond(millis).ok());
    let since = since
        .ok_or_else(|| Problem::invalid("expected milliseconds since 1970-01-01").with("field", "date"))?;
    let tag = |name: &str| {
        let tags = sent.tags.split(',').filter_map(|tag| tag.trim().split_once(':'));
        tags.filter(|(key, _)| *key == name).map(|(_, value)| value.to_owned()).next()
    };
    Ok(Alert {
        fires: matches!(sent.transition.as_str(), "Triggered" | "Re-Triggered"),
        since: Some(since),
        track: tag("track"),
        version: tag("version"),
        name: sent.title,
    })
}

fn body<T: for<'de> Deserialize<'de>>(headers: &HeaderMap, body: &[u8]) -> Result<T, Problem> {
    // What a form of any page could send is none.
    if params::media_type(headers).as_deref() != Some(params::JSON) {
        return Err(Problem::unsupported_type("expected JSON", &[params::JSON]));
    }
    // Its own words could quote the body.
    let wrong = Problem::invalid("the request body is not a payload of this webhook");
    let StrictJson(value) = serde_json::from_slice(body)
        .map_err(|error| wrong.clone().with("line", error.line()).with("column", error.column()))?;
    serde_json::from_value(value).map_err(|_| wrong)
}

async fn act(asked: &Asked, service: ServiceName, alerts: Vec<Alert>) -> Result<Json<Value>, Problem> {
    let pipeline = asked.composed.pipeline(Told::Failures);
    let status = pipeline.status(&service).await?;
    let nothing = |reason: &str| Ok(Json(json!({"acted": false, "reason": shown(reason)})));
    let Some(canary) = status.canary else { return nothing("there is no canary") };
    if let Some(held) = &canary.held {
        return nothing(&format!("the canary is held by {}", held.by));
    }
    let mut reasons = Vec::new();
    let Some(alert) = alerts.iter().find(|alert| match why_not(alert, &canary) {
        None => true,
        Some(reason) => {
            reasons.push(format!("{}: {reason}", alert.name));
            false
        }
    }) else {
        return nothing(&if reasons.is_empty() { "no alert".to_owned() } else { reasons.join("; ") });
    };
    // It fires, whatever it is called: that is made fit to be shown, and no reason to leave the canary.
    let reason = format!("the alert {} fires", shown(&alert.name).replace(['\n', '\t'], " "));
    let reason: String = reason.chars().take(900).collect();
    let caller = asked.caller(&reason)?.knowing(asked.app.verdicts().of(&service, &canary));
    let (composed, name) = (Arc::clone(&asked.composed), service.clone());
    let work = async move {
        let (pipeline, silent) = (composed.pipeline(Told::Failures), Progress::silent());
        match pipeline.roll_back_if(&name, &canary, &caller, Some(PATIENCE), &silent).await {
            Ok(Some(_)) => Ok(json!({"acted": true, "reason": reason})),
            Ok(None) => Ok(json!({"acted": false, "reason": "the canary is another one by now"})),
            // Senders of alerts try again after that, and not after a conflict.
            Err(error) if error.is_conflict() => Err(Problem::from(error).transient()),
            Err(error) => Err(error.into()),
        }
    };
    // Who sends an alert may hang up before the rollback is done.
    ended(spawn(&asked.app, "rollback", &service, work)).await.map(Json)
}

/// Why an alert is not about this canary.
fn why_not(alert: &Alert, canary: &Running) -> Option<String> {
    if !alert.fires {
        return Some("it does not fire".to_owned());
    }
    if let Some(track) = alert.track.as_ref().filter(|track| *track != "canary") {
        return Some(format!("it is about the track {track}"));
    }
    let is_it = |version: &String| {
        let (tag, revision) = (canary.tag.as_ref(), canary.revision.as_ref());
        tag.is_some_and(|tag| tag.as_str() == version)
            || revision
                .is_some_and(|revision| revision.to_string() == *version || revision.short() == *version)
    };
    if let Some(version) = alert.version.as_ref().filter(|version| !is_it(version)) {
        return Some(format!("it is about the version {version}"));
    }
    // Without a time it may be older than the canary.
    match (alert.since, canary.started) {
        (Some(since), Some(started)) if since >= started => None,
        (Some(_), Some(_)) => Some("it is from before this canary".to_owned()),
        _ => Some("it does not say since when, or the canary does not".to_owned()),
    }
}

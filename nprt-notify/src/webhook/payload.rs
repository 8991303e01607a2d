//! A notification as the JSON of a webhook.

use nprt_core::model::{Revision, ServiceName};
use nprt_core::ports::{CanaryId, Detail, Notification, Occasion, Severity};
use nprt_core::verdict::Verdict;
use nprt_core::{Error, ErrorKind, Result};
use serde::Serialize;

#[derive(Serialize)]
struct Payload<'a> {
    #[serde(rename = "type", serialize_with = "event_type")]
    occasion: Occasion,
    timestamp: jiff::Timestamp,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    service: &'a ServiceName,
    severity: Severity,
    revision: Option<&'a Revision>,
    summary: &'a str,
    details: &'a [Detail],
    canary: Option<&'a CanaryId>,
    verdict: Option<&'a Verdict>,
    link: Option<&'a str>,
}

fn event_type<S: serde::Serializer>(
    occasion: &Occasion,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    // Its words are those of its name.
    serializer.collect_str(&format_args!("nprt.{}", occasion.as_str().replace(' ', "_")))
}

/// The bytes that are signed and sent.
pub(super) fn body(notification: &Notification) -> Result<Vec<u8>> {
    let Notification { at, service, occasion, severity, revision, summary, details, canary, verdict, link } =
        notification;
    let data = Data {
        service,
        severity: *severity,
        revision: revision.as_ref(),
        summary,
        details,
        canary: canary.as_ref(),
        verdict: verdict.as_ref(),
        link: link.as_deref(),
    };
    let payload = Payload { occasion: *occasion, timestamp: *at, data };
    serde_json::to_vec(&payload).map_err(|error| {
        Error::new(ErrorKind::Invalid, "webhook.notify", "cannot be written as JSON").with_source(error)
    })
}

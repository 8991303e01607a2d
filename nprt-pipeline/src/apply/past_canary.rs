//! The canary that ended last, kept in the cluster as the ConfigMap `nprt-last-canary-<service>`: whoever follows a
//! link to its report a moment later finds it, whichever process answers. It lacks the label of the service's own
//! objects, and is not among these. Figures are not in it: the metrics backend has them.

use jiff::Timestamp;
use nprt_compare::Verdict;
use nprt_compare::report::EventKind;
use nprt_core::model::{Object, ObjectId, Track};
use nprt_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::apply::applier::Applier;
use crate::context::Context;
use crate::request::Caller;
use crate::state::names::Names;
use crate::state::running::Running;
use crate::state::snapshot::Snapshot;

/// On the ConfigMap: of which service's canary it tells.
const LABEL: &str = "nprt.dev/last-canary";

/// What ran, beside what, and how that ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PastCanary {
    pub(crate) canary: Running,
    pub(crate) stable: Option<Running>,
    pub(crate) names: Names,
    pub(crate) ended: Timestamp,
    pub(crate) end: EventKind,
    pub(crate) by: String,
    pub(crate) reason: String,
    /// By which verdict, where it was decided by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) verdict: Option<Verdict>,
}

impl PastCanary {
    /// The canary that runs, as of one that `caller` has ended; `None` where there is none.
    pub(crate) fn of(live: &Snapshot, now: Timestamp, end: EventKind, caller: &Caller) -> Option<Self> {
        let canary = live.running(Track::Canary)?;
        let end = if canary.is_expired(now) && end != EventKind::Promoted { EventKind::Expired } else { end };
        let (by, reason) = (caller.name().to_owned(), caller.reason().to_owned());
        let (stable, names) = (live.running(Track::Stable), Names::of(live));
        let judged = caller.judgement().filter(|judged| Some(judged.started) == canary.started);
        let verdict = judged.map(|judged| judged.verdict.clone());
        Some(Self { canary, stable, names, ended: now, end, by, reason, verdict })
    }
}

/// Keeps what is about to end, in place of what ended before: a process that dies in between leaves no end
/// that nobody knows of. The end itself never fails by it.
pub(crate) async fn keep_past(to: &Applier<'_>, past: Option<PastCanary>) {
    let Some(past) = past else { return };
    let kept = match config_map(to.cx, &past) {
        Ok(object) => to.cx.ports.cluster.apply(to.lease, &object).await.map(drop),
        Err(error) => Err(error),
    };
    if let Err(error) = kept {
        to.cx.progress.warn(format!("the canary's report ends with it: {error}"));
    }
}

/// The canary that ended last.
///
/// # Errors
/// Those of the cluster, and `Unexpected`, naming the object, for what somebody damaged.
pub(crate) async fn past_canary(cx: &Context<'_>) -> Result<Option<PastCanary>> {
    let id = past_id(cx);
    let Some(object) = cx.ports.cluster.get(&id).await? else { return Ok(None) };
    let damaged = || {
        Error::new(ErrorKind::Unexpected, "pipeline.report", "the record of the last canary cannot be read")
            .with("object", &id)
    };
    let text = object.as_value().pointer("/data/canary").and_then(|text| text.as_str());
    serde_json::from_str(text.ok_or_else(damaged)?).map_err(|error| damaged().with_source(error))
}

fn config_map(cx: &Context<'_>, past: &PastCanary) -> Result<Object> {
    let id = past_id(cx);
    let text = serde_json::to_string(past).map_err(|error| {
        Error::new(ErrorKind::Unexpected, "pipeline.report", "cannot be written").with_source(error)
    })?;
    Object::new(json!({
        "apiVersion": id.api_version,
        "kind": id.kind,
        "metadata": {"name": id.name, "labels": {LABEL: cx.service.name.as_str()}},
        "data": {"canary": text},
    }))
}

fn past_id(cx: &Context<'_>) -> ObjectId {
    let name = format!("nprt-last-canary-{}", cx.service.name);
    ObjectId { api_version: "v1".to_owned(), kind: "ConfigMap".to_owned(), namespace: None, name }
}

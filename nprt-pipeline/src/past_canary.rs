//! The canary that ended last, kept in the cluster as the ConfigMap `nprt-last-canary-<service>`: whoever follows a
//! link to its report a moment later finds it, whichever process answers. It lacks the label of the service's own
//! objects, and is not among these. Figures are not in it: the metrics backend has them.

use jiff::Timestamp;
use nprt_compare::Verdict;
use nprt_compare::report::{EventKind, ReportEvent};
use nprt_core::model::{Object, ObjectId, Track};
use nprt_core::ports::Lease;
use nprt_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::job::Job;
use super::live::{Live, Running};
use super::measured::Trial;
use super::names::Names;
use super::request::Caller;

/// On the ConfigMap: of which service's canary it tells.
const LABEL: &str = "nprt.dev/last-canary";

/// What ran, beside what, and how that ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct PastCanary {
    pub(super) canary: Running,
    stable: Option<Running>,
    names: Names,
    pub(super) ended: Timestamp,
    pub(super) end: EventKind,
    pub(super) by: String,
    pub(super) reason: String,
    /// By which verdict, where it was decided by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) verdict: Option<Verdict>,
}

impl PastCanary {
    /// The canary that runs, as of one that `caller` has ended; `None` where there is none.
    pub(super) fn of(live: &Live, now: Timestamp, end: EventKind, caller: &Caller) -> Option<Self> {
        let canary = live.running(Track::Canary)?;
        let end = if canary.is_expired(now) && end != EventKind::Promoted { EventKind::Expired } else { end };
        let (by, reason) = (caller.name().to_owned(), caller.reason().to_owned());
        let (stable, names) = (live.running(Track::Stable), Names::of(live));
        let judged = caller.judgement().filter(|judged| Some(judged.started) == canary.started);
        let verdict = judged.map(|judged| judged.verdict.clone());
        Some(Self { canary, stable, names, ended: now, end, by, reason, verdict })
    }
}

impl Job<'_> {
    /// Keeps what is about to end, in place of what ended before: a process that dies in between leaves no end
    /// that nobody knows of. The end itself never fails by it.
    pub(super) async fn keep_past(&self, lease: &Lease, past: Option<PastCanary>) {
        let Some(past) = past else { return };
        let kept = match self.config_map(&past) {
            Ok(object) => self.ports.cluster.apply(lease, &object).await.map(drop),
            Err(error) => Err(error),
        };
        if let Err(error) = kept {
            self.progress.warn(format!("the canary's report ends with it: {error}"));
        }
    }

    /// The canary that ended last, as its report shows it.
    ///
    /// # Errors
    /// As [`Job::past_canary`].
    pub(super) async fn past(&self) -> Result<Option<Trial>> {
        let Some(past) = self.past_canary().await? else { return Ok(None) };
        let text = match past.reason.as_str() {
            "" => format!("by {}", past.by),
            reason => format!("by {}: {reason}", past.by),
        };
        let end = ReportEvent::new(past.ended, past.end, text);
        Trial::of(past.canary, past.stable.as_ref(), past.names, Some(end)).map(Some)
    }

    /// The canary that ended last.
    ///
    /// # Errors
    /// Those of the cluster, and `Unexpected`, naming the object, for what somebody damaged.
    pub(super) async fn past_canary(&self) -> Result<Option<PastCanary>> {
        let id = self.past_id();
        let Some(object) = self.ports.cluster.get(&id).await? else { return Ok(None) };
        let damaged = || {
            Error::new(
                ErrorKind::Unexpected,
                "pipeline.report",
                "the record of the last canary cannot be read",
            )
            .with("object", &id)
        };
        let text = object.as_value().pointer("/data/canary").and_then(|text| text.as_str());
        serde_json::from_str(text.ok_or_else(damaged)?).map_err(|error| damaged().with_source(error))
    }

    fn config_map(&self, past: &PastCanary) -> Result<Object> {
        let id = self.past_id();
        let text = serde_json::to_string(past).map_err(|error| {
            Error::new(ErrorKind::Unexpected, "pipeline.report", "cannot be written").with_source(error)
        })?;
        Object::new(json!({
            "apiVersion": id.api_version,
            "kind": id.kind,
            "metadata": {"name": id.name, "labels": {LABEL: self.service.name.as_str()}},
            "data": {"canary": text},
        }))
    }

    fn past_id(&self) -> ObjectId {
        let name = format!("nprt-last-canary-{}", self.service.name);
        ObjectId { api_version: "v1".to_owned(), kind: "ConfigMap".to_owned(), namespace: None, name }
    }
}

//! What the judge of a canary knows, kept in the cluster, so that whoever judges next goes on from there: a ConfigMap
//! `nprt-judge-<service>`, which the canary's first workload owns and which goes with it.
//!
//! It holds what the minutes before [`until`](Checkpoint::until) amount to, and each is in it once: later ones are asked
//! for again, as if nobody had seen them. So it does not matter who writes it, or how often; one that goes less far
//! never takes the place of one that goes further.

use jiff::Timestamp;
use nprt_compare::{JudgeState, Policy};
use nprt_core::model::{Object, ObjectId, Revision, ServiceName, Tag, Track, annotation, label};
use nprt_core::ports::{Lease, Purpose, Takeover, Task};
use nprt_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Pipeline;
use super::job::Job;
use super::judge_canary::Judgement;
use super::live::{Live, Running};
use super::progress::Progress;

/// The version of the form; what another one wrote is left out, and written anew.
const VERSION: u32 = 1;
/// The field of the ConfigMap.
const FIELD: &str = "judge.json";
/// How much it may hold: less than the server's bound of 1 MiB.
const LARGEST: usize = 900_000;

/// What is known of one canary, by one policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Checkpoint {
    pub(super) version: u32,
    pub(super) revision: Revision,
    pub(super) tag: Tag,
    pub(super) started: Timestamp,
    pub(super) policy: Policy,
    /// The first minute that is not in it.
    pub(super) until: i64,
    pub(super) judge: JudgeState,
}

impl Pipeline {
    /// As [`Pipeline::judge_canary`], and keeps what the judge then knows on the canary, for whoever judges next: a
    /// process that is killed at any time loses nothing that was measured before, also where the metrics backend
    /// keeps no [history](nprt_core::ports::MetricsCapabilities::history). It is written under the service's lease, once
    /// a minute, by whoever is first of those who judge at the same time.
    ///
    /// While somebody else holds the lease, it is left to the next who judges. What cannot be kept is a warning, and
    /// the next judge begins with what was kept before: such as by a policy of plain rules, which keep every
    /// measurement, where that is more than the 900 kB that one ConfigMap holds.
    ///
    /// # Errors
    /// As [`Pipeline::judge_canary`].
    pub async fn judge_and_keep(&self, service: &ServiceName, progress: &Progress) -> Result<Judgement> {
        let job = self.job(service, progress)?;
        let (judgement, checkpoint) = job.judge().await?;
        if let Some(checkpoint) = checkpoint
            && let Err(error) = job.keep(checkpoint).await
            && !(error.is_conflict() || error.is_cancelled())
        {
            progress.warn(format!("what the judge knows was not kept: {error}"));
        }
        Ok(judgement)
    }
}

impl Job<'_> {
    /// What was kept of this canary by this policy.
    pub(super) fn kept(&self, live: &Live, canary: &Judged) -> Option<Checkpoint> {
        let object = live.objects.iter().find(|object| is_checkpoint(object))?;
        let text = object.as_value().pointer("/data")?.get(FIELD)?.as_str()?;
        match serde_json::from_str::<Checkpoint>(text) {
            Ok(kept) => Some(kept).filter(|kept| kept.is_of(canary, &self.service.policy)),
            Err(error) => {
                self.progress.warn(format!("{} cannot be read, and is written anew: {error}", object.id()));
                None
            }
        }
    }

    async fn keep(&self, checkpoint: Checkpoint) -> Result<()> {
        let text = serde_json::to_string(&checkpoint).map_err(|error| {
            Error::new(ErrorKind::Unexpected, "pipeline.checkpoint", "cannot be written").with_source(error)
        })?;
        if text.len() > LARGEST {
            let message = "it is larger than a ConfigMap may be: the next judge asks the metrics again";
            return Err(Error::invalid("pipeline.checkpoint", message)
                .with("bytes", text.len())
                .with("most", LARGEST));
        }
        let work = |lease| self.write_checkpoint(lease, checkpoint, text);
        self.hold(Purpose::new(Task::Checkpoint, "the judge"), Takeover::WhenExpired, None, work).await?
    }

    /// Writes it, unless the canary is another one by now, or somebody else has gone as far.
    async fn write_checkpoint(&self, lease: Lease, checkpoint: Checkpoint, text: String) -> Result<()> {
        let live = self.live().await?;
        let (canary, policy) = (live.running(Track::Canary), &self.service.policy);
        let Some(canary) = canary.and_then(|canary| Judged::of(canary).ok()) else { return Ok(()) };
        let is_behind = |kept: Checkpoint| kept.until >= checkpoint.until;
        if !checkpoint.is_of(&canary, policy) || self.kept(&live, &canary).is_some_and(is_behind) {
            return Ok(());
        }
        let Some(owner) = live.run_on(Track::Canary).filter_map(owner).min() else { return Ok(()) };
        let object = self.checkpoint(owner, &text)?;
        self.again(|| self.ports.cluster.apply(&lease, &object)).await.map(drop)
    }

    fn checkpoint(&self, owner: (ObjectId, String), text: &str) -> Result<Object> {
        let (ObjectId { api_version, kind, name, .. }, uid) = owner;
        let service = &self.service.name;
        Object::new(json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": format!("{PREFIX}{service}"),
                "labels": {label::SERVICE: service, label::TRACK: Track::Canary},
                "ownerReferences": [{"apiVersion": api_version, "kind": kind, "name": name, "uid": uid}],
            },
            "data": {FIELD: text},
        }))
    }
}

const PREFIX: &str = "nprt-judge-";

/// Whether the object is a checkpoint, which runs no version.
pub(super) fn is_checkpoint(object: &Object) -> bool {
    object.kind() == "ConfigMap"
        && object.label(label::SERVICE).is_some_and(|of| object.name().strip_prefix(PREFIX) == Some(of))
}

/// A workload that a canary began with, and its uid.
fn owner(object: &Object) -> Option<(ObjectId, String)> {
    object.annotation(annotation::STARTED)?;
    let uid = object.as_value().pointer("/metadata/uid")?.as_str()?;
    Some((object.id(), uid.to_owned()))
}

/// The canary that is judged: this version, started then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) revision: Revision,
    pub(super) tag: Tag,
    pub(super) started: Timestamp,
    /// What it lacks of stable's.
    pub(super) drift: Vec<String>,
}

impl Judged {
    /// # Errors
    /// `Invalid`, naming the annotation that is missing.
    pub(super) fn of(canary: Running) -> Result<Self> {
        let missing = |annotation| {
            let message = "the canary's objects do not agree on this annotation, or lack it";
            Error::invalid("pipeline.judge", message).with("annotation", annotation)
        };
        Ok(Self {
            revision: canary.revision.ok_or_else(|| missing(annotation::REVISION))?,
            tag: canary.tag.ok_or_else(|| missing(annotation::TAG))?,
            started: canary.started.ok_or_else(|| missing(annotation::STARTED))?,
            drift: canary.drift,
        })
    }
}

impl Checkpoint {
    pub(super) fn new(canary: &Judged, policy: &Policy, until: i64, judge: JudgeState) -> Self {
        let Judged { revision, tag, started, .. } = canary.clone();
        Self { version: VERSION, revision, tag, started, policy: policy.clone(), until, judge }
    }

    fn is_of(&self, canary: &Judged, policy: &Policy) -> bool {
        let Self { version, revision, tag, started, policy: by, .. } = self;
        (*version, revision, tag, started, by)
            == (VERSION, &canary.revision, &canary.tag, &canary.started, policy)
    }
}

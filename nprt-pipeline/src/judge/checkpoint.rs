//! What the judge of a canary knows, kept in the cluster, so that whoever judges next goes on from there: a ConfigMap
//! `nprt-judge-<service>`, which the canary's first workload owns and which goes with it.
//!
//! It holds what the minutes before [`until`](Checkpoint::until) amount to, and each is in it once: later ones are asked
//! for again, as if nobody had seen them. So it does not matter who writes it, or how often; one that goes less far
//! never takes the place of one that goes further.

use jiff::Timestamp;
use nprt_compare::{JudgeState, Policy};
use nprt_core::Result;
use nprt_core::model::{Object, ObjectId, Revision, Tag, Track, label};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::context::Context;
use crate::judge::judged::Judged;
use crate::state::kinds::{PREFIX, is_checkpoint};
use crate::state::snapshot::Snapshot;

/// The version of the form; what another one wrote is left out, and written anew.
const VERSION: u32 = 1;

/// The field of the ConfigMap.
const FIELD: &str = "judge.json";

/// How much it may hold: less than the server's bound of 1 MiB.
pub(crate) const LARGEST: usize = 900_000;

/// What is known of one canary, by one policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Checkpoint {
    pub(crate) version: u32,
    pub(crate) revision: Revision,
    pub(crate) tag: Tag,
    pub(crate) started: Timestamp,
    pub(crate) policy: Policy,
    /// The first minute that is not in it.
    pub(crate) until: i64,
    pub(crate) judge: JudgeState,
}

/// What was kept of this canary by this policy.
pub(crate) fn kept(cx: &Context<'_>, live: &Snapshot, canary: &Judged) -> Option<Checkpoint> {
    let object = live.objects.iter().find(|object| is_checkpoint(object))?;
    let text = object.as_value().pointer("/data")?.get(FIELD)?.as_str()?;
    match serde_json::from_str::<Checkpoint>(text) {
        Ok(kept) => Some(kept).filter(|kept| kept.is_of(canary, &cx.service.policy)),
        Err(error) => {
            cx.progress.warn(format!("{} cannot be read, and is written anew: {error}", object.id()));
            None
        }
    }
}

pub(crate) fn checkpoint(cx: &Context<'_>, owner: (ObjectId, String), text: &str) -> Result<Object> {
    let (ObjectId { api_version, kind, name, .. }, uid) = owner;
    let service = &cx.service.name;
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

impl Checkpoint {
    pub(crate) fn new(canary: &Judged, policy: &Policy, until: i64, judge: JudgeState) -> Self {
        let Judged { revision, tag, started, .. } = canary.clone();
        Self { version: VERSION, revision, tag, started, policy: policy.clone(), until, judge }
    }

    pub(crate) fn is_of(&self, canary: &Judged, policy: &Policy) -> bool {
        let Self { version, revision, tag, started, policy: by, .. } = self;
        (*version, revision, tag, started, by)
            == (VERSION, &canary.revision, &canary.tag, &canary.started, policy)
    }
}

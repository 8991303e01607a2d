//! The record: what the objects were that an operation changes, and what they are to be. It may hold the values of
//! Secrets, and so is kept as Secrets ([`Parts`]). They lack the label of the service's own objects, and are not among
//! these.

use futures_util::future::try_join_all;
use nprt_core::model::{Digest, Object, ObjectId, Track};
use nprt_core::ports::{Change, Purpose, Task, Transition};
use nprt_core::{Error, ErrorKind, Result};
use nprt_manifest::Version;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::context::Context;
use crate::plan::planned::Plan;
use crate::request::Caller;
use crate::state::running::Running;
use crate::state::snapshot::Snapshot;
use crate::undo::intent::Intent;
use crate::undo::log::UndoLog;
use crate::undo::secrets;
use crate::undo::secrets::Parts;

/// A change of version that is under way.
#[derive(Serialize, Deserialize)]
pub(crate) struct Record {
    /// What was stable, in words.
    pub(crate) from: String,
    /// The revision that is to run.
    pub(crate) to: String,
    pub(crate) objects: Vec<Former>,
    /// What is to be applied.
    #[serde(default)]
    pub(crate) intent: Option<Intent>,
    /// The Secrets that it was read from.
    #[serde(skip)]
    pub(crate) parts: Parts,
    /// Of the text that it was read from.
    #[serde(skip)]
    pub(crate) digest: Option<Digest>,
}

/// What an object was.
#[derive(Serialize, Deserialize)]
pub(crate) struct Former {
    pub(crate) id: ObjectId,
    /// The fields of it that were ours; nothing where it was not there.
    pub(crate) owned: Option<Value>,
}

impl Record {
    /// One of a change to `version` that changes nothing yet.
    fn of(live: &Snapshot, version: &Version) -> Self {
        let stable = live.running(Track::Stable);
        let from = stable.as_ref().map_or_else(|| "nothing".to_owned(), Running::describe);
        let to = version.revision.to_string();
        Self { from, to, objects: Vec::new(), intent: None, parts: Parts::default(), digest: None }
    }

    /// Which track it changes.
    pub(crate) fn track(&self) -> Track {
        match &self.intent {
            Some(intent) if intent.task == Task::Canary => Track::Canary,
            _ => Track::Stable,
        }
    }

    /// In words.
    pub(crate) fn describe(&self) -> String {
        match (self.track(), &self.intent) {
            (Track::Canary, Some(intent)) => format!("the start of the canary {} ({})", intent.tag, self.to),
            _ => format!("the deploy of {}", self.to),
        }
    }

    /// What a lease is asked for that settles it.
    pub(crate) fn recovery(&self, caller: &Caller) -> Purpose {
        let version = self.intent.as_ref().map_or_else(|| self.to.clone(), |intent| intent.tag.to_string());
        Purpose::new(Task::Recovery, caller.name()).of(version)
    }
}

impl UndoLog<'_> {
    /// Records what making `version` stable changes, before it does. A record that is there is of a deploy of this
    /// version that was interrupted: what it holds was there before, and stays. Answers with its Secrets; there are
    /// none where there is nothing to record.
    pub(crate) async fn record(
        &self,
        plan: &Plan,
        live: &Snapshot,
        version: &Version,
        caller: &Caller,
    ) -> Result<Parts> {
        let pending = self.pending_under().await?;
        let mut record = pending.unwrap_or_else(|| Record::of(live, version));
        let is_known = |id: &ObjectId| record.objects.iter().any(|former| former.id == *id);
        let intent = Intent::new(self.to.lease.purpose.task, version, caller, plan, is_known);
        let new = plan.changed().filter(|(id, _)| !is_known(id)).map(async |(id, change)| {
            let owned = match change {
                Change::Created => None,
                _ => self.to.cx.ports.cluster.owned(&id).await?.map(Object::into_value),
            };
            Result::Ok(Former { id, owned })
        });
        let new = try_join_all(new).await?;
        let is_told = self.to.lease.transition.as_ref().is_some_and(|transition| !transition.back);
        if new.is_empty()
            && (record.objects.is_empty() || (is_told && record.intent.as_ref() == Some(&intent)))
        {
            return Ok(record.parts);
        }
        record.objects.extend(new);
        record.intent = Some(intent);
        self.begin(&record).await
    }

    /// The record of a change that the lease says was interrupted.
    async fn pending_under(&self) -> Result<Option<Record>> {
        match &self.to.lease.transition {
            Some(transition) => pending(self.to.cx, transition).await,
            None => Ok(None),
        }
    }

    /// The same before a canary starts, with the `routes` that are to send to it.
    pub(crate) async fn record_start(
        &self,
        (plan, routes): (&Plan, &Plan),
        live: &Snapshot,
        version: &Version,
        caller: &Caller,
    ) -> Result<Parts> {
        let pending = self.pending_under().await?;
        let (parts, digest) =
            pending.map_or_else(Default::default, |pending| (pending.parts, pending.digest));
        if plan.changed().chain(routes.changed()).next().is_none() {
            return Ok(parts);
        }
        let intent = Intent::new(Task::Canary, version, caller, plan, |_| true).with_routes(routes);
        let record = Record { intent: Some(intent), parts, digest, ..Record::of(live, version) };
        self.begin(&record).await
    }

    /// The lease comes first, so that a record that is found without it counts for nothing: whoever wrote that had
    /// lost the lease, or never held it. It vouches for the record by its digest, and for the one that is there until
    /// that is replaced.
    async fn begin(&self, record: &Record) -> Result<Parts> {
        let json = serde_json::to_vec(record).map_err(|error| {
            Error::new(ErrorKind::Unexpected, "pipeline.undo", "the record cannot be written")
                .with_source(error)
        })?;
        // From now on the lease no longer tells of these.
        self.remove_left(&record.parts).await?;
        let digest = digest(&json)?;
        let records = [Some(digest.clone()), record.digest.clone()].into_iter().flatten().collect();
        let (from, to) = (record.from.clone(), record.to.clone());
        let transition = Transition { from, to, back: false, records };
        self.to
            .cx
            .again(|| self.to.cx.ports.cluster.set_transition(self.to.lease, Some(transition.clone())))
            .await?;
        self.write(&json, &digest, &record.parts).await
    }
}

/// The record of a change that was interrupted, where the lease vouches for it by the change's `transition`. One
/// that is another is left alone and believed in nothing: whoever can write a Secret could have nprt change
/// anything else.
///
/// # Errors
/// Those of the cluster, and `Unexpected` for a record that cannot be read although the lease vouches for it, with
/// its name: deleting it leaves everything as it is.
pub(crate) async fn pending(cx: &Context<'_>, transition: &Transition) -> Result<Option<Record>> {
    let Some(first) = cx.ports.cluster.get(&secrets::first_part(cx)).await? else { return Ok(None) };
    let text = secrets::text(cx, &first).await?;
    let digest = text.as_ref().map(|(_, json)| digest(json)).transpose()?;
    let (Some((parts, json)), Some(digest)) =
        (text, digest.filter(|digest| transition.records.contains(digest)))
    else {
        cx.progress.warn(unvouched(cx));
        return Ok(None);
    };
    // What it cannot read may be quoted by the error, and may be a Secret's.
    let record: Record = serde_json::from_slice(&json).map_err(|_| {
        Error::new(ErrorKind::Unexpected, "pipeline.undo", "the record of a deploy cannot be read")
            .with("object", secrets::first_part(cx))
    })?;
    let parts = secrets::with_left(cx, parts, &digest, transition).await?;
    Ok(Some(Record { parts, digest: Some(digest), ..record }))
}

/// The same by what the lease tells now, of whoever has no lease. It is asked only where there is a record.
pub(crate) async fn pending_now(cx: &Context<'_>) -> Result<Option<Record>> {
    if distrusted(cx).await?.is_none() {
        return Ok(None);
    }
    if let Some(transition) = cx.ports.cluster.transition(&cx.service.name).await? {
        return pending(cx, &transition).await;
    }
    // Unless the change has ended in between.
    distrusted(cx).await?.into_iter().for_each(|distrusted| cx.progress.warn(distrusted));
    Ok(None)
}

/// What to say of the record that is there, where nobody vouches for it; `None` where there is none.
pub(crate) async fn distrusted(cx: &Context<'_>) -> Result<Option<String>> {
    let record = cx.ports.cluster.get(&secrets::first_part(cx)).await?;
    Ok(record.map(|_| unvouched(cx)))
}

/// That the record which is there is not believed.
fn unvouched(cx: &Context<'_>) -> String {
    format!(
        "{} is not believed, and nothing is put back by it: the lease does not vouch for it. An older nprt wrote \
         it, somebody deleted the lease, or it is forged. Look at what runs, deploy the version that should run, \
         and delete it",
        secrets::first_part(cx)
    )
}

fn digest(json: &[u8]) -> Result<Digest> {
    let hex: String = Sha256::digest(json).iter().map(|byte| format!("{byte:02x}")).collect();
    Digest::new(&format!("sha256:{hex}"))
}

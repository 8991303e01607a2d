//! Puts back what a record says.

use futures_util::future::join_all;
use nprt_core::model::{Object, ObjectId, Track, label};
use nprt_core::ports::Transition;
use nprt_core::{Error, ErrorKind, Result};

use crate::apply::applier::{Applier, order};
use crate::context::Context;
use crate::plan::orphans::is_kept;
use crate::progress::Event;
use crate::rules::{allowed, ownership};
use crate::undo::log::UndoLog;
use crate::undo::record;
use crate::undo::record::Record;
use crate::undo::secrets::Parts;
use crate::wait::rollout;

/// A deploy that was put back.
#[derive(Debug)]
pub(crate) struct PutBack {
    /// In words: what it was, and what stable is again; nothing of a canary's start.
    what: Option<String>,
    restored: Vec<ObjectId>,
    /// Its record.
    parts: Parts,
}

/// `error`, and which versions it left stable with.
async fn say_mixed(to: &Applier<'_>, error: Error) -> Error {
    match to.witness.look(to.cx).await.map(|live| live.mixed()) {
        Ok(Some(mixed)) => error.with("left", mixed),
        Ok(None) => error,
        Err(unknown) => {
            to.cx.progress.warn(format!("what was left is not known: {unknown}"));
            error
        }
    }
}

impl UndoLog<'_> {
    /// Before a rollback: undoes what the lease tells of. The canary is left to the caller.
    pub(crate) async fn unfinished(&self) -> Result<Option<PutBack>> {
        match &self.to.lease.transition {
            Some(transition) => self.put_back_pending(transition).await,
            None => Ok(None),
        }
    }

    /// Undoes a deploy that failed with `error`, and answers with that and with what is there now.
    pub(crate) async fn undo(&self, error: Error) -> Error {
        let undone = async {
            // What the lease tells by now: it was taken before the change began.
            let told =
                self.to.cx.again(|| self.to.cx.ports.cluster.transition(&self.to.lease.service)).await?;
            let Some(transition) = told else { return Ok(None) };
            match self.put_back_pending(&transition).await? {
                Some(put_back) => self.complete(put_back).await,
                None => Ok(None),
            }
        };
        match undone.await {
            Ok(Some(what)) => error.with("undone", what),
            Ok(None) => error,
            Err(failed) => {
                self.to.cx.progress.warn(format!("what was changed is not back yet: {failed}"));
                say_mixed(&self.to, error).await
            }
        }
    }

    async fn put_back_pending(&self, transition: &Transition) -> Result<Option<PutBack>> {
        let Some(record) = record::pending(self.to.cx, transition).await? else {
            // It had not changed anything yet, or was put back already.
            self.forget_nothing(transition).await?;
            return Ok(None);
        };
        self.put_back(record).await.map(Some)
    }

    /// Writes the former state of every object; it does not wait for pods, and the record stays. From its first write
    /// on, whoever takes the lease goes on with it.
    pub(crate) async fn put_back(&self, record: Record) -> Result<PutBack> {
        let what = record.describe();
        let is_canary = record.track() == Track::Canary;
        let Record { from, to, objects, parts, digest, .. } = record;
        // From now on the lease no longer tells of these.
        self.remove_left(&parts).await?;
        let back = Transition { from: from.clone(), to, back: true, records: digest.into_iter().collect() };
        self.to
            .cx
            .again(|| self.to.cx.ports.cluster.set_transition(self.to.lease, Some(back.clone())))
            .await?;
        self.to.cx.progress.warn(format!("{what} was interrupted or failed: undoing it"));
        let (mut changed, mut created) = (Vec::new(), Vec::new());
        for former in objects {
            match former.owned {
                Some(owned) => changed.push(Object::new(owned)?),
                None => created.push(former.id),
            }
        }
        let restored = self.restore(changed).await?;
        self.remove_created(created).await?;
        let what = (!is_canary).then(|| format!("{what}: stable is {from} again"));
        Ok(PutBack { what, restored, parts })
    }

    /// Waits for the pods of what was put back, and removes the record.
    pub(crate) async fn complete(&self, put_back: PutBack) -> Result<Option<String>> {
        if let Err(error) = rollout::roll_out(self.to.cx, put_back.restored.iter()).await {
            self.to.cx.progress.warn(format!("what was put back is not ready: {error}"));
        }
        self.forget(&put_back.parts).await?;
        Ok(put_back.what)
    }

    /// In the order in which they are applied: what pods read comes before the pods.
    async fn restore(&self, mut objects: Vec<Object>) -> Result<Vec<ObjectId>> {
        objects.sort_by_key(order);
        let mut restored = Vec::new();
        for kinds in objects.chunk_by(|a, b| order(a) == order(b)) {
            let done = join_all(kinds.iter().map(|object| self.restore_one(object))).await;
            restored.extend(done.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten());
        }
        Ok(restored)
    }

    async fn restore_one(&self, object: &Object) -> Result<Option<ObjectId>> {
        let id = object.id();
        if let Err(error) = check_record_of(self.to.cx, object) {
            self.to.cx.progress.warn(format!("{id} stays as it is: {error}"));
            return Ok(None);
        }
        if let Some(live) = live_one(self.to.cx, &id).await?
            && let Err(error) = allowed::check_live(self.to.cx, &live)
        {
            self.to.cx.progress.warn(format!("{id} stays as it is: {error}"));
            return Ok(None);
        }
        match self.to.cx.again(|| self.to.cx.ports.cluster.restore(self.to.lease, object)).await {
            Ok(Some(_)) => {
                self.to.cx.progress.tell(Event::PutBack { object: id.clone() });
                Ok(Some(id))
            }
            Ok(None) => {
                self.to.cx.progress.warn(format!("{id} is gone, and stays so"));
                Ok(None)
            }
            Err(error) if error.is_conflict() && ownership::is_anothers(self.to.cx, &id).await => {
                self.to.cx.progress.warn(format!("{id} belongs to another service now, and stays as it is"));
                Ok(None)
            }
            // Such as a volume that has grown: asking again would not help.
            Err(error) if error.kind() == ErrorKind::Rejected || error.is_invalid() => {
                self.to.cx.progress.warn(format!("{id} stays as it is: {error}"));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// What is there, but has nothing of ours or lacks the service's label, is somebody else's.
    async fn remove_created(&self, ids: Vec<ObjectId>) -> Result<()> {
        let mut created = Vec::new();
        for id in ids {
            if let Err(error) = allowed::check_named(self.to.cx, &id) {
                self.to.cx.progress.warn(format!("{id} stays as it is: {error}"));
                continue;
            }
            let Some(live) = live_one(self.to.cx, &id).await? else { continue };
            let is_ours = live.label(label::SERVICE) == Some(self.to.cx.service.name.as_str());
            if is_ours && self.to.cx.ports.cluster.owned(&id).await?.is_some_and(|owned| has_fields(&owned)) {
                created.push(live);
            }
        }
        let (kept, goes): (Vec<&Object>, Vec<&Object>) =
            created.iter().partition(|object| is_kept(&object.id()));
        for object in kept {
            self.to
                .cx
                .progress
                .warn(format!("{} was made by the deploy, and stays: it may hold data", object.id()));
        }
        self.to.delete(goes, |object| Event::Removed { object }).await.1
    }
}

/// Refuses what a record would make of an object that no manifest of the service could.
fn check_record_of(cx: &Context<'_>, former: &Object) -> Result<()> {
    allowed::check_named(cx, &former.id())?;
    // What was another's before it was taken over goes back to that.
    ownership::check_owner_of(cx, former)
}

/// The object as it is; `None` where there is none, also because its kind is not known: the definition that came
/// with it was not applied.
async fn live_one(cx: &Context<'_>, id: &ObjectId) -> Result<Option<Object>> {
    match cx.again(|| cx.ports.cluster.get(id)).await {
        Err(error) if error.is_invalid() => Ok(None),
        live => live,
    }
}

/// Whether the object has more than what identifies it.
fn has_fields(object: &Object) -> bool {
    let is_more = |value: &serde_json::Value, identity: &[&str]| {
        value.as_object().is_some_and(|map| map.keys().any(|field| !identity.contains(&field.as_str())))
    };
    is_more(object.as_value(), &["apiVersion", "kind", "metadata"])
        || object.as_value().get("metadata").is_some_and(|metadata| is_more(metadata, &["name", "namespace"]))
}

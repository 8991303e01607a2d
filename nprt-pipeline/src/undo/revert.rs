//! Puts back what a record says.

use futures_util::future::join_all;
use nprt_core::model::{Object, ObjectId, Track, label};
use nprt_core::ports::{Lease, Transition};
use nprt_core::{Error, ErrorKind, Result};

use super::super::apply::order;
use super::super::job::Job;
use super::super::progress::Event;
use super::super::prune::is_kept;
use super::parts::Parts;
use super::record::Record;

/// A deploy that was put back.
#[derive(Debug)]
pub(in super::super) struct PutBack {
    /// In words: what it was, and what stable is again; nothing of a canary's start.
    what: Option<String>,
    restored: Vec<ObjectId>,
    /// Its record.
    parts: Parts,
}

impl Job<'_> {
    /// Before a rollback: undoes what the lease tells of. The canary is left to the caller.
    pub(in super::super) async fn unfinished(&self, lease: &Lease) -> Result<Option<PutBack>> {
        match &lease.transition {
            Some(transition) => self.put_back_pending(lease, transition).await,
            None => Ok(None),
        }
    }

    /// Undoes a deploy that failed with `error`, and answers with that and with what is there now.
    pub(in super::super) async fn undo(&self, lease: &Lease, error: Error) -> Error {
        let undone = async {
            // What the lease tells by now: it was taken before the change began.
            let told = self.again(|| self.ports.cluster.transition(&lease.service)).await?;
            let Some(transition) = told else { return Ok(None) };
            match self.put_back_pending(lease, &transition).await? {
                Some(put_back) => self.complete(lease, put_back).await,
                None => Ok(None),
            }
        };
        match undone.await {
            Ok(Some(what)) => error.with("undone", what),
            Ok(None) => error,
            Err(failed) => {
                self.progress.warn(format!("what was changed is not back yet: {failed}"));
                self.say_mixed(error).await
            }
        }
    }

    async fn put_back_pending(&self, lease: &Lease, transition: &Transition) -> Result<Option<PutBack>> {
        let Some(record) = self.pending(transition).await? else {
            // It had not changed anything yet, or was put back already.
            self.forget_nothing(lease, transition).await?;
            return Ok(None);
        };
        self.put_back(lease, record).await.map(Some)
    }

    /// Writes the former state of every object; it does not wait for pods, and the record stays. From its first write
    /// on, whoever takes the lease goes on with it.
    pub(super) async fn put_back(&self, lease: &Lease, record: Record) -> Result<PutBack> {
        let what = record.describe();
        let is_canary = record.track() == Track::Canary;
        let Record { from, to, objects, parts, digest, .. } = record;
        // From now on the lease no longer tells of these.
        self.remove_left(lease, &parts).await?;
        let back = Transition { from: from.clone(), to, back: true, records: digest.into_iter().collect() };
        self.again(|| self.ports.cluster.set_transition(lease, Some(back.clone()))).await?;
        self.progress.warn(format!("{what} was interrupted or failed: undoing it"));
        let (mut changed, mut created) = (Vec::new(), Vec::new());
        for former in objects {
            match former.owned {
                Some(owned) => changed.push(Object::new(owned)?),
                None => created.push(former.id),
            }
        }
        let restored = self.restore(lease, changed).await?;
        self.remove_created(lease, created).await?;
        let what = (!is_canary).then(|| format!("{what}: stable is {from} again"));
        Ok(PutBack { what, restored, parts })
    }

    /// Waits for the pods of what was put back, and removes the record.
    pub(in super::super) async fn complete(
        &self,
        lease: &Lease,
        put_back: PutBack,
    ) -> Result<Option<String>> {
        if let Err(error) = self.roll_out(put_back.restored.iter()).await {
            self.progress.warn(format!("what was put back is not ready: {error}"));
        }
        self.forget(lease, &put_back.parts).await?;
        Ok(put_back.what)
    }

    /// In the order in which they are applied: what pods read comes before the pods.
    async fn restore(&self, lease: &Lease, mut objects: Vec<Object>) -> Result<Vec<ObjectId>> {
        objects.sort_by_key(order);
        let mut restored = Vec::new();
        for kinds in objects.chunk_by(|a, b| order(a) == order(b)) {
            let done = join_all(kinds.iter().map(|object| self.restore_one(lease, object))).await;
            restored.extend(done.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten());
        }
        Ok(restored)
    }

    async fn restore_one(&self, lease: &Lease, object: &Object) -> Result<Option<ObjectId>> {
        let id = object.id();
        if let Err(error) = self.check_record_of(object) {
            self.progress.warn(format!("{id} stays as it is: {error}"));
            return Ok(None);
        }
        if let Some(live) = self.live_one(&id).await?
            && let Err(error) = self.check_live(&live)
        {
            self.progress.warn(format!("{id} stays as it is: {error}"));
            return Ok(None);
        }
        match self.again(|| self.ports.cluster.restore(lease, object)).await {
            Ok(Some(_)) => {
                self.progress.tell(Event::PutBack { object: id.clone() });
                Ok(Some(id))
            }
            Ok(None) => {
                self.progress.warn(format!("{id} is gone, and stays so"));
                Ok(None)
            }
            Err(error) if error.is_conflict() && self.is_anothers(&id).await => {
                self.progress.warn(format!("{id} belongs to another service now, and stays as it is"));
                Ok(None)
            }
            // Such as a volume that has grown: asking again would not help.
            Err(error) if error.kind() == ErrorKind::Rejected || error.is_invalid() => {
                self.progress.warn(format!("{id} stays as it is: {error}"));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Refuses what a record would make of an object that no manifest of the service could.
    fn check_record_of(&self, former: &Object) -> Result<()> {
        self.check_named(&former.id())?;
        // What was another's before it was taken over goes back to that.
        self.check_owner_of(former)
    }

    /// The object as it is; `None` where there is none, also because its kind is not known: the definition that came
    /// with it was not applied.
    async fn live_one(&self, id: &ObjectId) -> Result<Option<Object>> {
        match self.again(|| self.ports.cluster.get(id)).await {
            Err(error) if error.is_invalid() => Ok(None),
            live => live,
        }
    }

    /// What is there, but has nothing of ours or lacks the service's label, is somebody else's.
    async fn remove_created(&self, lease: &Lease, ids: Vec<ObjectId>) -> Result<()> {
        let mut created = Vec::new();
        for id in ids {
            if let Err(error) = self.check_named(&id) {
                self.progress.warn(format!("{id} stays as it is: {error}"));
                continue;
            }
            let Some(live) = self.live_one(&id).await? else { continue };
            let is_ours = live.label(label::SERVICE) == Some(self.service.name.as_str());
            if is_ours && self.ports.cluster.owned(&id).await?.is_some_and(|owned| has_fields(&owned)) {
                created.push(live);
            }
        }
        let (kept, goes): (Vec<&Object>, Vec<&Object>) =
            created.iter().partition(|object| is_kept(&object.id()));
        for object in kept {
            self.progress
                .warn(format!("{} was made by the deploy, and stays: it may hold data", object.id()));
        }
        self.delete(lease, goes, |object| Event::Removed { object }).await.1
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

//! Writes objects under the lease, and deletes them: in the order of kinds, each kind at once.

use futures_util::future::join_all;
use nprt_core::Result;
use nprt_core::model::{Object, ObjectId};
use nprt_core::ports::{Applied, Change, Deletion, Lease};

use crate::context::Context;
use crate::news::witness::Witness;
use crate::outcome::AppliedObject;
use crate::phase::phase;
use crate::progress::Event;
use crate::rules::{allowed, ownership};
use crate::state::kinds::is_checkpoint;
use crate::state::marked::HeldByFinalizers;

/// When workloads are applied, in the numbers of [`order`].
pub(crate) const WORKLOADS: u8 = 6;

/// Writes to the cluster under a lease, and remembers what it wrote.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Applier<'a> {
    pub(crate) cx: &'a Context<'a>,
    pub(crate) lease: &'a Lease,
    pub(crate) witness: &'a Witness,
}

/// What became of objects that were to be deleted.
#[derive(Debug, Default)]
pub(crate) struct Deleted {
    /// They were there, and are gone.
    pub(crate) gone: Vec<ObjectId>,
    /// They stay.
    pub(crate) held: Vec<HeldByFinalizers>,
}

/// When a kind is applied: what others need comes first.
pub(crate) fn order(object: &Object) -> u8 {
    match (object.id().group(), object.kind()) {
        ("", "Namespace") => 0,
        ("apiextensions.k8s.io", _) => 1,
        ("", "ServiceAccount") | ("rbac.authorization.k8s.io", _) => 2,
        ("", "ConfigMap" | "Secret") => 3,
        ("", "PersistentVolume" | "PersistentVolumeClaim") => 4,
        ("", "Service") => 5,
        // Before the workloads: from then on their replicas are the autoscaler's.
        ("autoscaling", _) | ("keda.sh", "ScaledObject") => 5,
        ("apps" | "batch", _) | ("", "Pod" | "ReplicationController") => WORKLOADS,
        _ => 7,
    }
}

impl Applier<'_> {
    /// Applies those objects that are not so already, as it was foreseen. What fails for a moment is tried again.
    ///
    /// # Errors
    /// The first object's that fails; those of later kinds are not applied then.
    pub(crate) async fn apply(
        &self,
        objects: impl Iterator<Item = (&Object, &Applied)>,
    ) -> Result<Vec<AppliedObject>> {
        let mut objects: Vec<(&Object, &Applied)> = objects.collect();
        objects.sort_by_key(|(object, _)| order(object));
        if objects.is_empty() {
            return Ok(Vec::new());
        }
        phase("apply", self.apply_in_order(&objects)).await
    }

    async fn apply_in_order(&self, objects: &[(&Object, &Applied)]) -> Result<Vec<AppliedObject>> {
        let mut applied = Vec::with_capacity(objects.len());
        for kinds in objects.chunk_by(|(a, _), (b, _)| order(a) == order(b)) {
            let apply = async |object: &Object, foreseen: &Applied| match foreseen.change {
                Change::Unchanged => {
                    let (object, change) = (foreseen.object.id(), foreseen.change);
                    self.cx.progress.tell(Event::Applied { object: object.clone(), change });
                    Ok(AppliedObject { object, change })
                }
                _ => self.apply_one(object).await,
            };
            // All of them to their end: a request that is given up may land all the same.
            let done = join_all(kinds.iter().map(|(object, foreseen)| apply(object, foreseen))).await;
            applied.extend(done.into_iter().collect::<Result<Vec<_>>>()?);
        }
        Ok(applied)
    }

    pub(crate) async fn apply_one(&self, object: &Object) -> Result<AppliedObject> {
        let done = self.cx.again(|| self.cx.ports.cluster.apply(self.lease, object)).await?;
        self.witness.applied(&done.object);
        let (object, change) = (done.object.id(), done.change);
        self.cx.progress.tell(Event::Applied { object: object.clone(), change });
        Ok(AppliedObject { object, change })
    }

    /// Deletes `objects`: what others need goes last. Answers with what became of those that were there, and
    /// with the first error, after which those of later kinds are left. That finalizers hold one is no error.
    pub(crate) async fn delete(
        &self,
        objects: Vec<&Object>,
        told: impl Fn(ObjectId) -> Event,
    ) -> (Deleted, Result<()>) {
        let mut objects: Vec<&Object> =
            objects.into_iter().filter(|object| self.may_delete(object)).collect();
        objects.sort_by_key(|object| std::cmp::Reverse(order(object)));
        let mut deleted = Deleted::default();
        for kinds in objects.chunk_by(|a, b| order(a) == order(b)) {
            let delete = async |object: &Object| {
                let id = object.id();
                let done = self.cx.again(|| self.cx.ports.cluster.delete(self.lease, &id)).await?;
                if done == Deletion::Gone {
                    self.cx.progress.tell(told(id.clone()));
                }
                Result::Ok((id, done))
            };
            let mut failed = Ok(());
            for done in join_all(kinds.iter().map(|object| delete(object))).await {
                match done {
                    Ok((_, Deletion::Absent)) => {}
                    Ok((id, Deletion::Gone)) => deleted.gone.push(id),
                    Ok((object, Deletion::Held(finalizers))) => {
                        let held = HeldByFinalizers { object, finalizers };
                        self.cx.progress.warn(held.to_string());
                        deleted.held.push(held);
                    }
                    Err(error) => failed = failed.and(Err(error)),
                }
            }
            if failed.is_err() {
                return (deleted, failed);
            }
        }
        (deleted, Ok(()))
    }

    /// Whether the service could have brought the object; else it stays, and a warning says why. What its judge knew is
    /// nprt's own.
    fn may_delete(&self, object: &Object) -> bool {
        let Err(why) = allowed::check_live(self.cx, object) else { return true };
        let is_own = is_checkpoint(object) && ownership::other_owner(self.cx, object).is_none();
        if !is_own {
            self.cx.progress.warn(format!("{} is not deleted: {why}", object.id()));
        }
        is_own
    }
}

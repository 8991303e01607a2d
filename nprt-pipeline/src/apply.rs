//! Applies a plan, and removes a canary: in the order of kinds, each kind at once.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use nprt_core::model::{Object, ObjectId, Track};
use nprt_core::ports::{Applied, Change, Deletion, Lease};
use nprt_core::{Result, Retry};

use super::checkpoint::is_checkpoint;
use super::job::Job;
use super::live::Live;
use super::marked::Held;
use super::phase::phase;
use super::progress::Event;
use super::request::AppliedObject;

/// The pauses between attempts at a write that fails for a moment, and how long a pause may be at the most
/// where the server asks for one. Giving up leaves a version half applied.
const PAUSES: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4), Duration::from_secs(8)];
const LONGEST: Duration = Duration::from_secs(30);

/// When workloads are applied, in the numbers of [`order`].
pub(super) const WORKLOADS: u8 = 6;

/// When a kind is applied: what others need comes first.
pub(super) fn order(object: &Object) -> u8 {
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

/// What the removal of a canary did.
#[derive(Debug, Default)]
pub(super) struct Removal {
    pub(super) removed: Vec<ObjectId>,
    /// What is marked as deleted, now or before, and stays.
    pub(super) held: Vec<Held>,
    /// Its Services that stay.
    pub(super) stay: BTreeSet<ObjectId>,
    /// Why all of these do.
    pub(super) warnings: Vec<String>,
}

/// What became of objects that were to be deleted.
#[derive(Debug, Default)]
pub(super) struct Deleted {
    /// They were there, and are gone.
    pub(super) gone: Vec<ObjectId>,
    /// They stay.
    pub(super) held: Vec<Held>,
}

impl Job<'_> {
    /// Applies those objects that are not so already, as it was foreseen. What fails for a moment is tried again.
    ///
    /// # Errors
    /// The first object's that fails; those of later kinds are not applied then.
    pub(super) async fn apply(
        &self,
        lease: &Lease,
        objects: impl Iterator<Item = (&Object, &Applied)>,
    ) -> Result<Vec<AppliedObject>> {
        let mut objects: Vec<(&Object, &Applied)> = objects.collect();
        objects.sort_by_key(|(object, _)| order(object));
        if objects.is_empty() {
            return Ok(Vec::new());
        }
        phase("apply", self.apply_in_order(lease, &objects)).await
    }

    async fn apply_in_order(
        &self,
        lease: &Lease,
        objects: &[(&Object, &Applied)],
    ) -> Result<Vec<AppliedObject>> {
        let mut applied = Vec::with_capacity(objects.len());
        for kinds in objects.chunk_by(|(a, _), (b, _)| order(a) == order(b)) {
            let apply = async |object: &Object, foreseen: &Applied| match foreseen.change {
                Change::Unchanged => {
                    let (object, change) = (foreseen.object.id(), foreseen.change);
                    self.progress.tell(Event::Applied { object: object.clone(), change });
                    Ok(AppliedObject { object, change })
                }
                _ => self.apply_one(lease, object).await,
            };
            // All of them to their end: a request that is given up may land all the same.
            let done = join_all(kinds.iter().map(|(object, foreseen)| apply(object, foreseen))).await;
            applied.extend(done.into_iter().collect::<Result<Vec<_>>>()?);
        }
        Ok(applied)
    }

    pub(super) async fn apply_one(&self, lease: &Lease, object: &Object) -> Result<AppliedObject> {
        let done = self.again(|| self.ports.cluster.apply(lease, object)).await?;
        self.subject.applied(&done.object);
        self.about.applied(&done.object);
        let (object, change) = (done.object.id(), done.change);
        self.progress.tell(Event::Applied { object: object.clone(), change });
        Ok(AppliedObject { object, change })
    }

    /// Removes the canary: routes go back first, then go its workloads, and then its Services and the
    /// configuration that they read. Services to which a route of somebody else's sends lead to stable's pods
    /// before, and stay. So does what finalizers hold; it has no pods then, and everything else goes.
    ///
    /// # Errors
    /// The first object's that cannot be deleted. All others of its kind are deleted, and what is left is
    /// found by the next call.
    pub(super) async fn remove_canary(&self, lease: &Lease, live: &Live) -> Result<Removal> {
        let routes = self.put_routes_back(lease, live).await?;
        let (stay, mut warnings) = (routes.services(), routes.warnings());
        let objects = live.on(Track::Canary).filter(|object| !stay.contains(&object.id())).collect();
        let (Deleted { gone: removed, mut held }, done) =
            self.delete(lease, objects, |object| Event::Removed { object }).await;
        held.extend(live.held_on(Track::Canary));
        warnings.extend(held.iter().map(Held::to_string));
        done.map(|()| Removal { removed, held, stay, warnings })
    }

    /// Deletes `objects`: what others need goes last. Answers with what became of those that were there, and
    /// with the first error, after which those of later kinds are left. That finalizers hold one is no error.
    pub(super) async fn delete(
        &self,
        lease: &Lease,
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
                let done = self.again(|| self.ports.cluster.delete(lease, &id)).await?;
                if done == Deletion::Gone {
                    self.progress.tell(told(id.clone()));
                }
                Result::Ok((id, done))
            };
            let mut failed = Ok(());
            for done in join_all(kinds.iter().map(|object| delete(object))).await {
                match done {
                    Ok((_, Deletion::Absent)) => {}
                    Ok((id, Deletion::Gone)) => deleted.gone.push(id),
                    Ok((object, Deletion::Held(finalizers))) => {
                        let held = Held { object, finalizers };
                        self.progress.warn(held.to_string());
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
        let Err(why) = self.check_live(object) else { return true };
        let is_own = is_checkpoint(object) && self.other_owner(object).is_none();
        if !is_own {
            self.progress.warn(format!("{} is not deleted: {why}", object.id()));
        }
        is_own
    }

    /// Does `write`, and again after a pause where it fails for a moment. A write that landed all the same is
    /// harmless to repeat.
    pub(super) async fn again<T, W>(&self, write: impl Fn() -> W) -> Result<T>
    where
        W: Future<Output = Result<T>>,
    {
        for pause in PAUSES {
            match write().await {
                Err(error) if error.is_temporary() => {
                    let asked = error.retry_after().unwrap_or_default();
                    let pause = pause.max(asked.min(LONGEST));
                    self.progress.warn(format!("tries again in {} s: {error}", pause.as_secs()));
                    self.clock.sleep(pause).await;
                }
                done => return done,
            }
        }
        write().await.map_err(
            |error| {
                if error.is_temporary() { error.with_retry(Retry::Exhausted) } else { error }
            },
        )
    }
}

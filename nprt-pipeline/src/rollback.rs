use std::collections::BTreeSet;
use std::time::Duration;

use nprt_compare::report::EventKind;
use nprt_core::model::{ObjectId, ServiceName, Track};
use nprt_core::ports::{Lease, Occasion, Purpose, Severity, Takeover, Task};
use nprt_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use super::Pipeline;
use super::job::Job;
use super::live::Running;
use super::notify::{EXPIRED, News, REPLACED, ROLLED_BACK};
use super::past_canary::PastCanary;
use super::phase::{about, operation};
use super::progress::Progress;
use super::request::Caller;

/// How often it looks whether the canary is gone.
const LOOKS: usize = 3;

/// What a rollback did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollback {
    /// The service.
    pub service: ServiceName,
    /// The canary that ran; `None` where there was none.
    pub canary: Option<Running>,
    /// What runs on.
    pub stable: Option<Running>,
    /// Its objects, which were removed.
    pub removed: Vec<ObjectId>,
    /// Its pods that were still ending when this was done: a rollback does not wait for them, the next canary
    /// or deploy does.
    pub ending: Vec<ObjectId>,
    /// The operation that was cancelled: who held the lease, and for what.
    pub cancelled: Option<String>,
    /// What a person should know.
    pub warnings: Vec<String>,
}

impl Pipeline {
    /// Removes the canary, and cancels whatever else is done to the service. It needs the cluster alone, and
    /// works while version control, the registry and the metrics are down. Without a canary it is no error.
    ///
    /// A deploy to stable that was cancelled or not finished is undone; the warnings say so. It returns when the
    /// canary's workloads are gone, and says which of its pods still end.
    ///
    /// Nobody can block it. Where a [route](nprt_manifest::Traffic) sends to the canary's Services by rules that
    /// somebody else has written since, the route stays as it is, and so do these Services: they lead to stable's
    /// pods before the canary goes, so that no request fails. A warning names the route, the Services and, where
    /// the cluster says so, who owns the rules. Once the route no longer sends to them, the next
    /// operation removes them. [`Pipeline::expire`] and [`Pipeline::deploy`] do the same.
    ///
    /// # Errors
    /// `NotFound` for a service; `Cancelled` by another rollback; those of the cluster.
    pub async fn rollback(
        &self,
        service: &ServiceName,
        caller: &Caller,
        progress: &Progress,
    ) -> Result<Rollback> {
        let job = self.job(service, progress)?;
        let purpose = Purpose::new(Task::Rollback, caller.name());
        let whole = async {
            let before = job.ports.cluster.lease(service).await?;
            let work = |lease| job.rollback(lease, before, caller);
            let done = job.hold(purpose.clone(), Takeover::Now, None, work).await?;
            match &done {
                // Each time that a person asks is another.
                Err(error) if !error.is_cancelled() => {
                    job.tell_failure(Occasion::RolledBack, &purpose, error, caller).await;
                }
                done => job.report_rollback(done, &purpose, caller).await,
            }
            done
        };
        operation("rollback", service, whole).await
    }
}

impl Job<'_> {
    pub(super) async fn rollback(
        &self,
        lease: Lease,
        before: Option<Lease>,
        caller: &Caller,
    ) -> Result<Rollback> {
        let put_back = self.unfinished(&lease).await?;
        let mut live = self.live().await?;
        let canary = live.running(Track::Canary);
        self.keep_past(&lease, PastCanary::of(&live, self.now(), EventKind::RolledBack, caller)).await;
        let (mut removed, mut stay, mut kept) = (Vec::new(), BTreeSet::new(), Vec::new());
        // Again, where a write of the cancelled operation was under way.
        for _ in 0..LOOKS {
            let done = self.remove_canary(&lease, &live).await?;
            removed.extend(done.removed);
            (stay, kept) = (done.stay, done.warnings);
            if !live.has_canary() {
                break;
            }
            live = self.live().await?;
            if live.on(Track::Canary).all(|object| stay.contains(&object.id())) {
                break;
            }
        }
        // What finalizers hold is none of it.
        if let Some(object) = live.on(Track::Canary).find(|object| !stay.contains(&object.id())) {
            return Err(Error::new(
                ErrorKind::Conflict,
                "pipeline.rollback",
                "somebody makes the canary anew",
            )
            .with("object", object.id()));
        }
        let stable = live.running(Track::Stable);
        let mixed = live.mixed();
        if let Some(warning) = &mixed {
            self.progress.warn(warning);
        }
        let mut warnings: Vec<String> = kept.into_iter().chain(mixed).collect();
        if put_back.is_none() && lease.transition.is_some() {
            warnings.extend(self.distrusted().await?);
        }
        if let Some(put_back) = put_back {
            // After the canary, which must not wait for pods.
            let undone = self.complete(&lease, put_back).await?;
            warnings.extend(undone.map(|undone| format!("undone: {undone}")));
        }
        let is_left = !removed.is_empty() || live.held_on(Track::Canary).next().is_some();
        let ending = if is_left { self.ending_pods().await } else { Vec::new() };
        let (service, cancelled) = (self.service.name.clone(), before.map(|before| before.to_string()));
        Ok(Rollback { service, canary, stable, removed, ending, cancelled, warnings })
    }

    /// Removes the canary where `work`, which looks again under the lease, still finds that it should, and tells people.
    pub(super) async fn roll_back_where<W>(
        &self,
        purpose: Purpose,
        caller: &Caller,
        wait: Option<Duration>,
        work: impl FnOnce(Lease) -> W,
    ) -> Result<Option<Rollback>>
    where
        W: Future<Output = Result<Option<Rollback>>>,
    {
        let whole = async {
            let done = self.hold(purpose.clone(), Takeover::WhenExpired, wait, work).await?.transpose();
            if let Some(done) = &done {
                self.report_rollback(done, &purpose, caller).await;
            }
            done.transpose()
        };
        operation("rollback", &self.service.name, whole).await
    }

    /// Tells of the canary that made way for what was asked for, if one did.
    pub(super) async fn report_replaced(&self, caller: &Caller) {
        let Some(canary) = self.about.take_replaced() else { return };
        let (reason, made_way) = REPLACED;
        let what = if canary.is_expired(self.now()) { "expired" } else { made_way };
        let about = self.about.canary(Occasion::RolledBack, None);
        let news = News::of_the_end(&self.service.name, &canary, (reason, what));
        self.tell(News { canary: about, ..news }, caller).await;
    }

    pub(super) async fn report_rollback(&self, done: &Result<Rollback>, purpose: &Purpose, caller: &Caller) {
        match done {
            Ok(Rollback { canary: None, cancelled: None, .. }) => {}
            Ok(done) => {
                if let Some(Running { revision: Some(revision), tag: Some(tag), .. }) = &done.canary {
                    about(revision, tag);
                }
                let (occasion, severity) = (Occasion::RolledBack, Severity::Warning);
                let news = if let Some(canary) = &done.canary {
                    let is_expired = canary.is_expired(self.now());
                    let gone = if is_expired { EXPIRED } else { ROLLED_BACK };
                    let about = self.about.canary(occasion, None);
                    News { canary: about, ..News::of_the_end(&done.service, canary, gone) }
                } else {
                    let cancelled = done.cancelled.as_deref().unwrap_or_default();
                    let summary = format!("{}: cancelled: {cancelled}", done.service);
                    News { occasion, reason: "Cancelled", severity, revision: None, canary: None, summary }
                };
                self.tell(news, caller).await;
            }
            Err(error) if error.is_cancelled() => {}
            Err(error) => self.tell_failure_once(Occasion::RolledBack, purpose, error, caller).await,
        }
    }
}

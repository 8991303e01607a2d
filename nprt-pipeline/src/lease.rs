//! Holds the service's lease beside the work.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use nprt_core::ports::{Busy, Lease, LeaseRequest, Purpose, Takeover};
use nprt_core::{Error, ErrorKind, Result};

use super::job::Job;
use super::progress::Event;

/// After what pause it looks whether a lease that others hold can be had; the pauses double from the first to the
/// longest.
const LOOK: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// How long it is waited for by those who wait for nothing else.
const MOMENT: Duration = Duration::from_secs(2);

/// Who holds the lease, and for what, as a conflict says it.
pub(super) fn holder_in(conflict: &Error) -> String {
    Busy::of(conflict).map_or_else(|| conflict.message().to_owned(), Lease::to_string)
}

impl Job<'_> {
    /// Takes the service's lease, once it can be had, and says when it was asked for.
    ///
    /// # Errors
    /// `Conflict` at the end of `wait`, saying who holds it, for what and since when.
    async fn acquire(
        &self,
        purpose: Purpose,
        takeover: Takeover,
        mut wait: Duration,
    ) -> Result<(Lease, Duration)> {
        let request = LeaseRequest {
            service: self.service.name.clone(),
            holder: self.holder.clone(),
            process: self.process.to_owned(),
            purpose,
            duration: self.settings.lease(),
            takeover,
        };
        let began = self.clock.elapsed();
        let (mut told, mut look) = (None, LOOK.0);
        loop {
            // The lease runs from when it was asked for, at the earliest.
            let asked = self.clock.elapsed();
            let error = match self.ports.cluster.acquire(&request).await {
                Ok(lease) => {
                    self.progress.tell(Event::Leased { epoch: lease.epoch });
                    return Ok((lease, asked));
                }
                Err(error) if error.is_conflict() => error,
                Err(error) => return Err(error),
            };
            if wait.is_zero() {
                let holder = self.ports.cluster.lease(&self.service.name).await?;
                if holder.is_some_and(|lease| !lease.purpose.task.is_brief()) {
                    return Err(error);
                }
                wait = MOMENT;
            }
            let waited = self.clock.elapsed().saturating_sub(began);
            let left = wait.saturating_sub(waited);
            if left.is_zero() {
                return Err(error.with("waited", format_args!("{} s", waited.as_secs())));
            }
            let holder = holder_in(&error);
            if told.as_ref() != Some(&holder) {
                self.progress
                    .tell(Event::WaitingForLease { holder: holder.clone(), seconds: left.as_secs() });
                told = Some(holder);
            }
            let pause = async {
                self.clock.sleep(look.min(left)).await;
                Ok(())
            };
            self.unless_stopped(pause).await?;
            look = (look * 2).min(LOOK.1);
        }
    }

    /// Takes the service's lease, waiting for at most `wait`, and does `work` while it is held: it is renewed meanwhile and given back at
    /// the end. When it is lost, or cannot be renewed before it expires, the work is dropped. Where this
    /// future itself is dropped, the lease expires by itself.
    ///
    /// The outer result says whether the lease was had at all.
    ///
    /// # Errors
    /// Outside, `Conflict` where somebody else holds the lease, saying who, for what and since when. Inside,
    /// `Cancelled`, saying by whom and for what, when the lease was taken over; `Unavailable` when it could
    /// not be renewed; else those of the work.
    pub(super) async fn hold<T, W>(
        &self,
        purpose: Purpose,
        takeover: Takeover,
        wait: Option<Duration>,
        work: impl FnOnce(Lease) -> W,
    ) -> Result<Result<T>>
    where
        W: Future<Output = Result<T>>,
    {
        let (lease, asked) = self.acquire(purpose, takeover, wait.unwrap_or_default()).await?;
        Ok(self.work(&lease, asked, work(lease.clone())).await)
    }

    async fn work<T>(
        &self,
        lease: &Lease,
        since: Duration,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let result = match select(pin!(work), pin!(self.renew(lease, since))).await {
            Either::Left((result, _)) => result,
            Either::Right((lost, _)) => Err(lost),
        };
        let result = match result {
            Err(error) => Err(self.if_lost(lease, error).await),
            done => done,
        };
        match self.within(self.settings.lease(), self.ports.cluster.release(lease)).await {
            // Somebody took it before the end, and what was seen since was theirs, be it pods that are ready.
            Ok(false) if result.is_ok() => {
                let error =
                    Error::new(ErrorKind::Conflict, "pipeline.lease", "the lease was lost before the end");
                return Err(self.if_lost(lease, error).await);
            }
            Ok(_) => {}
            Err(error) => {
                self.progress.warn(format!("the lease was not given back, and expires by itself: {error}"));
            }
        }
        result
    }

    /// Renews the lease for as long as that is possible, and answers with why it no longer is: at the latest
    /// when it expires, even if the cluster does not answer at all.
    async fn renew(&self, lease: &Lease, mut renewed: Duration) -> Error {
        let mut held = lease.clone();
        loop {
            self.clock.sleep(self.left(renewed).min(self.settings.lease() / 3)).await;
            let asked = self.clock.elapsed();
            let error = match self.within(self.left(renewed), self.ports.cluster.renew(&held)).await {
                Ok(lease) => {
                    (held, renewed) = (lease, asked);
                    continue;
                }
                Err(error) if error.is_conflict() => return error,
                Err(error) => error,
            };
            if self.left(renewed).is_zero() {
                let message = "the lease could not be renewed in time";
                return Error::new(ErrorKind::Unavailable, "pipeline.lease", message)
                    .with("service", &lease.service)
                    .with_source(error);
            }
            self.progress.warn(format!("the lease was not renewed: {error}"));
        }
    }

    /// The call's answer, or `Timeout` when there is none within `limit`.
    async fn within<T>(&self, limit: Duration, call: impl Future<Output = Result<T>>) -> Result<T> {
        match select(pin!(call), self.clock.sleep(limit)).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => Err(Error::new(ErrorKind::Timeout, "pipeline.lease", "no answer in time")),
        }
    }

    /// How much of the lease is left, by our own clock.
    fn left(&self, renewed: Duration) -> Duration {
        self.settings.lease().saturating_sub(self.clock.elapsed().saturating_sub(renewed))
    }

    /// What an error means: that somebody else took the lease over, or just `error` where it is held. A
    /// lost lease shows in many ways: a refused write, an object that is suddenly gone.
    async fn if_lost(&self, lease: &Lease, error: Error) -> Error {
        let cluster = &self.ports.cluster;
        let conflict = match self.within(self.settings.lease(), cluster.renew(lease)).await {
            Err(conflict) if conflict.is_conflict() => conflict,
            Ok(_) | Err(_) => return error,
        };
        let holder = holder_in(&conflict);
        Error::new(ErrorKind::Cancelled, "pipeline.lease", "somebody else took the lease over")
            .with("service", &lease.service)
            .with("by", holder)
            .with_source(error)
    }
}

//! Holds the service's lease beside the work.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use nprt_core::ports::{Busy, Lease, LeaseRequest};
use nprt_core::{Error, ErrorKind, Result};

use crate::context::Context;
use crate::progress::Event;

/// After what pause it looks whether a lease that others hold can be had; the pauses double from the first to the
/// longest.
const LOOK: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// How long it is waited for by those who wait for nothing else.
const MOMENT: Duration = Duration::from_secs(2);

/// Who holds the lease, and for what, as a conflict says it.
pub(crate) fn holder_in(conflict: &Error) -> String {
    Busy::of(conflict).map_or_else(|| conflict.message().to_owned(), Lease::to_string)
}

/// A lease in hand, to be [kept](Self::keep) while the work is done.
#[derive(Debug)]
pub(crate) struct LeaseGuard<'a> {
    cx: &'a Context<'a>,
    pub(crate) lease: Lease,
    /// When it was asked for: it runs from then, at the earliest.
    since: Duration,
}

impl<'a> LeaseGuard<'a> {
    /// Takes the service's lease, once it can be had.
    ///
    /// # Errors
    /// `Conflict` at the end of `wait`, saying who holds it, for what and since when.
    pub(crate) async fn acquire(
        cx: &'a Context<'a>,
        request: &LeaseRequest,
        mut wait: Duration,
    ) -> Result<Self> {
        let began = cx.clock.elapsed();
        let (mut told, mut look) = (None, LOOK.0);
        loop {
            let since = cx.clock.elapsed();
            let error = match cx.ports.cluster.acquire(request).await {
                Ok(lease) => {
                    cx.progress.tell(Event::Leased { epoch: lease.epoch });
                    return Ok(Self { cx, lease, since });
                }
                Err(error) if error.is_conflict() => error,
                Err(error) => return Err(error),
            };
            if wait.is_zero() {
                let holder = cx.ports.cluster.lease(&cx.service.name).await?;
                if holder.is_some_and(|lease| !lease.purpose.task.is_brief()) {
                    return Err(error);
                }
                wait = MOMENT;
            }
            let waited = cx.clock.elapsed().saturating_sub(began);
            let left = wait.saturating_sub(waited);
            if left.is_zero() {
                return Err(error.with("waited", format_args!("{} s", waited.as_secs())));
            }
            let holder = holder_in(&error);
            if told.as_ref() != Some(&holder) {
                cx.progress.tell(Event::WaitingForLease { holder: holder.clone(), seconds: left.as_secs() });
                told = Some(holder);
            }
            let pause = async {
                cx.clock.sleep(look.min(left)).await;
                Ok(())
            };
            cx.unless_stopped(pause).await?;
            look = (look * 2).min(LOOK.1);
        }
    }

    /// Does `work` while the lease is held: it is renewed meanwhile and given back at the end. When it is lost, or
    /// cannot be renewed before it expires, the work is dropped. Where this future itself is dropped, the lease expires
    /// by itself.
    ///
    /// # Errors
    /// `Cancelled`, saying by whom and for what, when the lease was taken over; `Unavailable` when it could not be
    /// renewed; else those of the work.
    pub(crate) async fn keep<T>(self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let result = match select(pin!(work), pin!(self.renew())).await {
            Either::Left((result, _)) => result,
            Either::Right((lost, _)) => Err(lost),
        };
        let result = match result {
            Err(error) => Err(self.if_lost(error).await),
            done => done,
        };
        match self.within(self.cx.settings.lease(), self.cx.ports.cluster.release(&self.lease)).await {
            // Somebody took it before the end, and what was seen since was theirs, be it pods that are ready.
            Ok(false) if result.is_ok() => {
                let error =
                    Error::new(ErrorKind::Conflict, "pipeline.lease", "the lease was lost before the end");
                return Err(self.if_lost(error).await);
            }
            Ok(_) => {}
            Err(error) => {
                self.cx
                    .progress
                    .warn(format!("the lease was not given back, and expires by itself: {error}"));
            }
        }
        result
    }

    /// Renews the lease for as long as that is possible, and answers with why it no longer is: at the latest
    /// when it expires, even if the cluster does not answer at all.
    async fn renew(&self) -> Error {
        let (mut held, mut renewed) = (self.lease.clone(), self.since);
        loop {
            self.cx.clock.sleep(self.left(renewed).min(self.cx.settings.lease() / 3)).await;
            let asked = self.cx.clock.elapsed();
            let error = match self.within(self.left(renewed), self.cx.ports.cluster.renew(&held)).await {
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
                    .with("service", &self.lease.service)
                    .with_source(error);
            }
            self.cx.progress.warn(format!("the lease was not renewed: {error}"));
        }
    }

    /// The call's answer, or `Timeout` when there is none within `limit`.
    async fn within<T>(&self, limit: Duration, call: impl Future<Output = Result<T>>) -> Result<T> {
        match select(pin!(call), self.cx.clock.sleep(limit)).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => Err(Error::new(ErrorKind::Timeout, "pipeline.lease", "no answer in time")),
        }
    }

    /// How much of the lease is left, by our own clock.
    fn left(&self, renewed: Duration) -> Duration {
        self.cx.settings.lease().saturating_sub(self.cx.clock.elapsed().saturating_sub(renewed))
    }

    /// What an error means: that somebody else took the lease over, or just `error` where it is held. A
    /// lost lease shows in many ways: a refused write, an object that is suddenly gone.
    async fn if_lost(&self, error: Error) -> Error {
        let renewal = self.cx.ports.cluster.renew(&self.lease);
        let conflict = match self.within(self.cx.settings.lease(), renewal).await {
            Err(conflict) if conflict.is_conflict() => conflict,
            Ok(_) | Err(_) => return error,
        };
        let holder = holder_in(&conflict);
        Error::new(ErrorKind::Cancelled, "pipeline.lease", "somebody else took the lease over")
            .with("service", &self.lease.service)
            .with("by", holder)
            .with_source(error)
    }
}

//! One operation on one service: what it knows of its surroundings and what it has seen, and how it takes the lease.

use std::future::Future;
use std::time::Duration;

use nprt_core::Result;
use nprt_core::ports::{Lease, LeaseRequest, Occasion, Purpose, Takeover, Task};

use crate::apply::applier::Applier;
use crate::context::Context;
use crate::lease::LeaseGuard;
use crate::news::announcer::Announcer;
use crate::news::witness::Witness;
use crate::outcome::{Deployment, Rollback};
use crate::phase::operation;
use crate::request::{Caller, Request};
use crate::undo::log::UndoLog;
use crate::version::branch;

/// An operation on a service. Its steps are functions of the parts that they need: of the [`Context`] to read, of an
/// [`Applier`] to write, of the [`Announcer`] to tell people.
#[derive(Debug)]
pub(crate) struct Operation<'a> {
    pub(crate) cx: Context<'a>,
    pub(crate) witness: Witness,
    /// Unique to this operation.
    pub(crate) holder: String,
    /// The process, as people know it.
    pub(crate) process: &'a str,
}

impl Operation<'_> {
    pub(crate) fn applier<'o>(&'o self, lease: &'o Lease) -> Applier<'o> {
        Applier { cx: &self.cx, lease, witness: &self.witness }
    }

    pub(crate) fn undo_log<'o>(&'o self, lease: &'o Lease) -> UndoLog<'o> {
        UndoLog { to: self.applier(lease) }
    }

    pub(crate) fn news(&self) -> Announcer<'_> {
        Announcer { cx: &self.cx, witness: &self.witness }
    }

    /// Takes the service's lease, waiting for at most `wait`, and does `work` while it is held.
    ///
    /// The outer result says whether the lease was had at all.
    ///
    /// # Errors
    /// Outside, as [`LeaseGuard::acquire`]; inside, as [`LeaseGuard::keep`].
    pub(crate) async fn hold<T, W>(
        &self,
        purpose: Purpose,
        takeover: Takeover,
        wait: Option<Duration>,
        work: impl FnOnce(Lease) -> W,
    ) -> Result<Result<T>>
    where
        W: Future<Output = Result<T>>,
    {
        let request = LeaseRequest {
            service: self.cx.service.name.clone(),
            holder: self.holder.clone(),
            process: self.process.to_owned(),
            purpose,
            duration: self.cx.settings.lease(),
            takeover,
        };
        let guard = LeaseGuard::acquire(&self.cx, &request, wait.unwrap_or_default()).await?;
        // An operation is a large future: on the heap it is not moved again.
        let work = Box::pin(work(guard.lease.clone()));
        Ok(guard.keep(work).await)
    }

    /// Removes the canary where `work`, which looks again under the lease, still finds that it should, and tells people.
    pub(crate) async fn roll_back_where<W>(
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
                self.news().report_rollback(done, &purpose, caller).await;
            }
            done.transpose()
        };
        operation("rollback", &self.cx.service.name, whole).await
    }

    /// Changes the service under its lease, and tells people how that ended. That somebody else holds the
    /// lease is told to the caller alone.
    pub(crate) async fn change<W>(
        &self,
        task: Task,
        occasion: Occasion,
        request: &Request,
        work: impl FnOnce(Lease) -> W,
    ) -> Result<Deployment>
    where
        W: Future<Output = Result<Deployment>>,
    {
        branch::check_asked(&self.cx, request)?;
        let purpose = purpose(task, request);
        let whole = async {
            let done = self.hold(purpose.clone(), Takeover::WhenExpired, request.wait, work).await?;
            self.news().report_finished().await;
            self.news().report_replaced(&request.caller).await;
            self.news().report(occasion, &done, &purpose, &request.caller).await;
            done
        };
        operation(task.as_str(), &self.cx.service.name, whole).await
    }
}

/// What is being done, as leases and news say it: a version by its tag where that is known.
pub(crate) fn purpose(task: Task, request: &Request) -> Purpose {
    let version = &request.version;
    let version = version.tag().map_or_else(|| version.to_string(), ToString::to_string);
    Purpose::new(task, request.caller.name()).of(version)
}

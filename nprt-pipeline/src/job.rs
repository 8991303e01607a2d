//! One operation on one service.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use nprt_core::Result;
use nprt_core::model::ServiceName;
use nprt_core::ports::{Clock, Lease, Occasion, Takeover, Task};
use nprt_manifest::places::Places;
use tokio::sync::Semaphore;

use super::about::About;
use super::event::Subject;
use super::notify::purpose;
use super::phase::operation;
use super::progress::Progress;
use super::request::{Deployment, Request};
use super::{Pipeline, PipelineSettings, Ports, Service, Stop};

/// What every step of an operation needs. The steps are methods of it, one concern a file.
#[derive(Debug)]
pub(super) struct Job<'a> {
    pub(super) service: &'a Service,
    pub(super) ports: &'a Ports,
    pub(super) clock: &'a dyn Clock,
    pub(super) settings: PipelineSettings,
    pub(super) progress: &'a Progress,
    pub(super) stop: &'a Stop,
    /// Room to compute.
    pub(super) computing: &'a Arc<Semaphore>,
    /// Unique to this operation.
    pub(super) holder: String,
    /// The process, as people know it.
    pub(super) process: &'a str,
    /// Where its event is written.
    pub(super) subject: Subject,
    /// Which canary its news are about.
    pub(super) about: About,
    /// Objects of an older tool that are removed before what has their names is made.
    pub(super) making_way: Mutex<Places>,
}

impl Pipeline {
    pub(super) fn job<'a>(&'a self, service: &ServiceName, progress: &'a Progress) -> Result<Job<'a>> {
        let (service, ports) = self.services.get(service)?;
        let number = self.operations.fetch_add(1, Ordering::Relaxed);
        Ok(Job {
            service,
            ports,
            clock: &*self.clock,
            settings: self.settings,
            progress,
            stop: &self.stop,
            computing: &self.computing,
            holder: format!("{}/{number}", self.holder),
            process: &self.process,
            subject: Subject::default(),
            about: About::default(),
            making_way: Mutex::default(),
        })
    }
}

impl Job<'_> {
    /// The time of what is written on objects, and by which it is over: all who change the service go by the cluster's
    /// where theirs is another.
    pub(super) fn now(&self) -> Timestamp {
        self.ports.cluster.now().unwrap_or_else(|| self.clock.now())
    }

    /// Changes the service under its lease, and tells people how that ended. That somebody else holds the
    /// lease is told to the caller alone.
    pub(super) async fn change<W>(
        &self,
        task: Task,
        occasion: Occasion,
        request: &Request,
        work: impl FnOnce(Lease) -> W,
    ) -> Result<Deployment>
    where
        W: Future<Output = Result<Deployment>>,
    {
        self.check_asked(request)?;
        let purpose = purpose(task, request);
        let whole = async {
            let done = self.hold(purpose.clone(), Takeover::WhenExpired, request.wait, work).await?;
            self.report_finished().await;
            self.report_replaced(&request.caller).await;
            self.report(occasion, &done, &purpose, &request.caller).await;
            done
        };
        operation(task.as_str(), &self.service.name, whole).await
    }
}

//! One operation on one service.

use std::sync::atomic::Ordering;

use super::progress::Progress;
use super::{Pipeline, PipelineSettings, Ports, Service};
use crate::Result;
use crate::model::ServiceName;
use crate::ports::Clock;

/// What every step of an operation needs. The steps are methods of it, one concern a file.
#[derive(Debug)]
pub(super) struct Job<'a> {
    pub(super) service: &'a Service,
    pub(super) ports: &'a Ports,
    pub(super) clock: &'a dyn Clock,
    pub(super) settings: PipelineSettings,
    pub(super) progress: &'a Progress,
    /// Unique to this operation.
    pub(super) holder: String,
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
            holder: format!("{}/{number}", self.holder),
        })
    }
}

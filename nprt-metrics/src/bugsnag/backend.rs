use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use nprt_core::model::ServiceName;
use nprt_core::ports::{Measured, MetricQuery, MetricsBackend, MetricsCapabilities};
use nprt_core::{Error, Result};

use super::client::Client;
use crate::events::Tracker;

/// An account of Bugsnag as a [`MetricsBackend`] of the metric `errors`; made by
/// [`BugsnagErrorsConfig::build`](super::BugsnagErrorsConfig::build). Of a service without a project it answers
/// `Invalid`: nothing would look as if there were no errors.
#[derive(Debug)]
pub struct BugsnagErrors {
    pub(super) client: Client,
    pub(super) tracker: Tracker,
    pub(super) projects: BTreeMap<ServiceName, String>,
}

pub(super) const OPERATION: &str = "bugsnag.blocks";

#[async_trait]
impl MetricsBackend for BugsnagErrors {
    fn capabilities(&self) -> MetricsCapabilities {
        self.tracker.capabilities()
    }

    async fn known_since(&self) -> Result<Option<Timestamp>> {
        Ok(None)
    }

    async fn blocks(&self, query: &MetricQuery) -> Result<Measured> {
        self.tracker.check(query)?;
        let project = self.projects.get(&query.service).ok_or_else(|| {
            Error::invalid(OPERATION, "the service has no project")
                .with("field", "projects")
                .with("service", &query.service)
                .with_available(self.projects.keys())
        })?;
        let page = |minutes, next, now| async move { self.client.page(project, &minutes, next, now).await };
        self.tracker.blocks(query, page).await
    }
}

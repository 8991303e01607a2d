use async_trait::async_trait;
use jiff::Timestamp;
use nprt_core::Result;
use nprt_core::ports::{Measured, MetricQuery, MetricsBackend, MetricsCapabilities};

use super::client::Client;
use crate::events::Tracker;

/// An organization of Sentry as a [`MetricsBackend`] of the metric `errors`; made by
/// [`SentryConfig::build`](super::SentryConfig::build).
#[derive(Debug)]
pub struct Sentry {
    pub(super) client: Client,
    pub(super) tracker: Tracker,
    pub(super) project: String,
}

pub(super) const OPERATION: &str = "sentry.blocks";

#[async_trait]
impl MetricsBackend for Sentry {
    fn capabilities(&self) -> MetricsCapabilities {
        self.tracker.capabilities()
    }

    async fn known_since(&self) -> Result<Option<Timestamp>> {
        Ok(None)
    }

    async fn blocks(&self, query: &MetricQuery) -> Result<Measured> {
        self.tracker.check(query)?;
        let project = &self.project.replace("{service}", query.service.as_str());
        let page = |minutes, cursor: Option<String>, now| async move {
            self.client.page(project, &minutes, cursor.as_deref(), now).await
        };
        self.tracker.blocks(query, page).await
    }
}

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use nprt_core::model::{BlockShape, MetricName, ServiceName};
use nprt_core::ports::{Clock, Measured, MetricQuery, MetricsBackend, MetricsCapabilities, no_such_metric};
use nprt_core::{Error, Result};

use super::client::{Client, Next};
use crate::events::{Counting, Events, ReleasePattern, complete, of_events};

/// An account of Bugsnag as a [`MetricsBackend`] of the metric `errors`; made by
/// [`BugsnagErrorsConfig::build`](super::BugsnagErrorsConfig::build). Of a service without a project it answers
/// `Invalid`: nothing would look as if there were no errors.
#[derive(Debug)]
pub struct BugsnagErrors {
    pub(super) client: Client,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) metric: MetricName,
    pub(super) projects: BTreeMap<ServiceName, String>,
    pub(super) release: ReleasePattern,
    pub(super) max_events: usize,
    pub(super) max_blocks: usize,
    pub(super) delay_seconds: u32,
}

const OPERATION: &str = "bugsnag.blocks";

#[async_trait]
impl MetricsBackend for BugsnagErrors {
    fn capabilities(&self) -> MetricsCapabilities {
        MetricsCapabilities {
            metrics: Some(BTreeSet::from([self.metric.clone()])),
            shapes: BTreeSet::from([BlockShape::Classes]),
            history: true,
            pods: false,
            routes: false,
        }
    }

    async fn known_since(&self) -> Result<Option<Timestamp>> {
        Ok(None)
    }

    async fn blocks(&self, query: &MetricQuery) -> Result<Measured> {
        if query.metric != self.metric {
            return Err(no_such_metric(OPERATION, &query.metric, [&self.metric]));
        }
        let project = self.projects.get(&query.service).ok_or_else(|| {
            Error::invalid(OPERATION, "the service has no project")
                .with("field", "projects")
                .with("service", &query.service)
                .with_available(self.projects.keys())
        })?;
        let now = self.clock.now();
        let minutes = complete(OPERATION, query, now, self.delay_seconds)?;
        let mut counting = Counting::new(query, &self.release, minutes.clone());
        let mut events = Events::new(OPERATION, self.max_events);
        let mut next: Option<Next> = None;
        while !minutes.is_empty() {
            let page = self.client.page(project, &minutes, next, now).await?;
            next = events.count(&mut counting, page)?;
            if next.is_none() {
                break;
            }
        }
        of_events(OPERATION, query, counting.finish(self.max_blocks))
    }
}

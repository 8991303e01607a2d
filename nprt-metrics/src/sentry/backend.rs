use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use nprt_core::Result;
use nprt_core::model::{BlockShape, MetricName};
use nprt_core::ports::{Clock, Measured, MetricQuery, MetricsBackend, MetricsCapabilities, no_such_metric};

use super::client::Client;
use crate::events::{Counting, Events, ReleasePattern, complete, of_events};

/// An organization of Sentry as a [`MetricsBackend`] of the metric `errors`; made by
/// [`SentryConfig::build`](super::SentryConfig::build).
#[derive(Debug)]
pub struct Sentry {
    pub(super) client: Client,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) metric: MetricName,
    pub(super) project: String,
    pub(super) release: ReleasePattern,
    pub(super) max_events: usize,
    pub(super) max_blocks: usize,
    pub(super) delay_seconds: u32,
}

const OPERATION: &str = "sentry.blocks";

#[async_trait]
impl MetricsBackend for Sentry {
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
        let now = self.clock.now();
        let minutes = complete(OPERATION, query, now, self.delay_seconds)?;
        let project = self.project.replace("{service}", query.service.as_str());
        let mut counting = Counting::new(query, &self.release, minutes.clone());
        let mut events = Events::new(OPERATION, self.max_events);
        let mut cursor: Option<String> = None;
        while !minutes.is_empty() {
            let page = self.client.page(&project, &minutes, cursor.as_deref(), now).await?;
            cursor = events.count(&mut counting, page)?;
            if cursor.is_none() {
                break;
            }
        }
        of_events(OPERATION, query, counting.finish(self.max_blocks))
    }
}

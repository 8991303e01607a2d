use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use jiff::Timestamp;
use nprt_core::Result;
use nprt_core::model::{BlockShape, MetricName};
use nprt_core::ports::{Clock, Measured, MetricQuery, MetricsCapabilities, no_such_metric};

use super::{Counting, Events, Page, ReleasePattern, complete, of_events};

/// What the backends of error trackers have in common: the metric `errors`, counted page by page.
#[derive(Debug)]
pub(crate) struct Tracker {
    pub(crate) operation: &'static str,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metric: MetricName,
    pub(crate) release: ReleasePattern,
    pub(crate) max_events: usize,
    pub(crate) max_blocks: usize,
    pub(crate) delay_seconds: u32,
}

impl Tracker {
    pub(crate) fn capabilities(&self) -> MetricsCapabilities {
        MetricsCapabilities {
            metrics: Some(BTreeSet::from([self.metric.clone()])),
            shapes: BTreeSet::from([BlockShape::Classes]),
            history: true,
            pods: false,
            routes: false,
        }
    }

    /// Refuses a query for any other metric.
    ///
    /// # Errors
    /// `NotConfigured`.
    pub(crate) fn check(&self, query: &MetricQuery) -> Result<()> {
        if query.metric == self.metric {
            return Ok(());
        }
        Err(no_such_metric(self.operation, &query.metric, [&self.metric]))
    }

    /// Counts the events of the minutes that are complete. `page` asks for the first page, and then for each that the one
    /// before names.
    ///
    /// # Errors
    /// Those of `page`; `Invalid` for a range that is too long; `Unexpected` where there are more events or blocks than
    /// are allowed.
    pub(crate) async fn blocks<N, F>(
        &self,
        query: &MetricQuery,
        page: impl Fn(Range<i64>, Option<N>, Timestamp) -> F,
    ) -> Result<Measured>
    where
        F: Future<Output = Result<Page<N>>>,
    {
        let now = self.clock.now();
        let minutes = complete(self.operation, query, now, self.delay_seconds)?;
        let mut counting = Counting::new(query, &self.release, minutes.clone());
        let mut events = Events::new(self.operation, self.max_events);
        let mut next = None;
        while !minutes.is_empty() {
            let page = page(minutes.clone(), next, now).await?;
            next = events.count(&mut counting, page)?;
            if next.is_none() {
                break;
            }
        }
        of_events(self.operation, query, counting.finish(self.max_blocks))
    }
}

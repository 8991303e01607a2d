//! What the metrics answered about stable and the canary.

use jiff::Timestamp;
use nprt_core::model::{Block, MetricName, TimeRange, Track};
use nprt_core::ports::{LeftOut, Measured, MetricAnswer, MetricQuery, Versions};
use nprt_core::{Error, ErrorKind, Result};

use crate::context::Context;
use crate::progress::Event;
use crate::state::names::Names;

/// What the metrics answered.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    /// Of the versions that run, by minute, not by metric: a judge closes the minutes that all of it is past.
    pub(crate) blocks: Vec<Block>,
    /// What could not be used, by minute.
    pub(crate) left_out: Vec<(MetricName, LeftOut)>,
    /// The metrics that the backend is configured for.
    pub(crate) configured: Vec<MetricName>,
    /// What all this rests on.
    pub(crate) answers: Vec<MetricAnswer>,
    /// The newest minute that any block was of.
    pub(crate) newest: Option<i64>,
    /// Until when was asked.
    pub(crate) until: Timestamp,
}

/// Stable's past, and what the answers rest on.
#[derive(Debug, Default)]
pub(crate) struct Past {
    pub(crate) blocks: Vec<Block>,
    pub(crate) answers: Vec<MetricAnswer>,
}

/// What the policy calibrates itself on.
pub(crate) async fn past_of_stable(cx: &Context<'_>, started: Timestamp, names: &Names) -> Result<Past> {
    let policy = &cx.service.policy;
    let mut all = Past::default();
    for metric in policy.history_metrics() {
        let range = TimeRange::before(started, policy.history_of(&metric));
        let Some(measured) = blocks(cx, &metric, range, names.versions_of_the_past()).await? else {
            continue;
        };
        MetricAnswer::add(&mut all.answers, &metric, &measured);
        all.blocks.extend(measured.blocks.into_iter().filter(|block| block.track == Track::Stable));
    }
    Ok(all)
}

/// Asks for all metrics' blocks since then.
pub(crate) async fn blocks_since(
    cx: &Context<'_>,
    from: Timestamp,
    now: Timestamp,
    names: &Names,
    answers: Vec<MetricAnswer>,
) -> Result<Asked> {
    let range = TimeRange::new(from, now.max(from))?;
    let mut all = Asked { answers, until: range.end(), ..Asked::default() };
    for metric in cx.service.policy.metrics() {
        let measured = blocks(cx, &metric, range, names.versions()).await?;
        let Measured { mut blocks, left_out, .. } = match measured {
            Some(measured) => {
                MetricAnswer::add(&mut all.answers, &metric, &measured);
                all.configured.push(metric.clone());
                measured
            }
            None => Measured::default(),
        };
        let asked = blocks.len();
        all.newest = all.newest.max(blocks.iter().map(|block| block.minute).max());
        blocks.retain(|block| names.hold(block));
        // What has no minute counts for the first that was asked for: once with it, however often it is asked.
        let first = range.complete_minutes(Timestamp::MAX).start;
        let timed = |left_out: LeftOut| LeftOut { minute: left_out.minute.or(Some(first)), ..left_out };
        all.left_out.extend(left_out.into_iter().map(|left_out| (metric.clone(), timed(left_out))));
        cx.progress.tell(Event::Measured { metric, blocks: blocks.len(), ignored: asked - blocks.len() });
        all.blocks.append(&mut blocks);
    }
    all.blocks.sort_by_key(|block| block.minute);
    all.left_out.sort_by_key(|(_, left_out)| left_out.minute);
    Ok(all)
}

/// What was measured of a metric; `None` of one that the backend is not configured for, where the policy can do
/// without. Any other error is no answer.
async fn blocks(
    cx: &Context<'_>,
    metric: &MetricName,
    range: TimeRange,
    versions: Versions,
) -> Result<Option<Measured>> {
    let can_do_without = cx.service.policy.can_do_without(metric);
    let query = MetricQuery { service: cx.service.name.clone(), metric: metric.clone(), range, versions };
    match cx.ports.metrics.blocks(&query).await {
        Err(error) if error.is_not_configured() && can_do_without => Ok(None),
        // To whoever judges, `NotFound` is that there is no canary.
        Err(error) if error.is_not_found() => {
            let message = "the metrics backend did not find what it is configured for";
            let lost = Error::new(ErrorKind::Unexpected, "pipeline.judge", message);
            Err(lost.with("metric", metric).with_source(error))
        }
        answer => {
            let mut measured = answer?.bounded();
            measured.blocks = measured.blocks.into_iter().map(Block::with_shown_names).collect();
            Ok(Some(measured))
        }
    }
}

pub(crate) fn start_of(minute: i64) -> Timestamp {
    Timestamp::from_second(minute.saturating_mul(60)).unwrap_or(Timestamp::MAX)
}

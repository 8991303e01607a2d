//! A judge, and what it has seen.

use std::ops::Range;
use std::time::Duration;

use jiff::Timestamp;
use nprt_compare::Judge;
use nprt_core::Result;
use nprt_core::model::{Block, MetricName, TimeRange};
use nprt_core::ports::{LeftOut, Lost};

use crate::context::Context;
use crate::judge::checkpoint;
use crate::judge::judged::Judged;
use crate::judge::measurements::{Asked, start_of};
use crate::state::snapshot::Snapshot;

/// How many of the last minutes to query again each time: a backend may still receive data for them.
pub(crate) const SETTLED: i64 = 2;

/// A judge, and what it has seen.
#[derive(Debug)]
pub(crate) struct Standing {
    pub(crate) judge: Judge,
    /// The first minute that it has not seen.
    pub(crate) from: i64,
    /// Whether it is worth keeping before it has seen any of the run: nobody has kept it yet, and stable's past reaches
    /// up to the start.
    pub(crate) knows_past: bool,
}

/// A judge that goes on from what was kept.
pub(crate) fn resumed(cx: &Context<'_>, live: &Snapshot, canary: &Judged) -> Option<Standing> {
    let kept = checkpoint::kept(cx, live, canary)?;
    match Judge::resume(kept.policy, kept.judge) {
        Ok(judge) => Some(Standing { judge, from: kept.until, knows_past: false }),
        Err(error) => {
            cx.progress.warn(format!("what was kept of the judge is of no use: {error}"));
            None
        }
    }
}

/// One that knows stable's past alone.
pub(crate) fn beginning(cx: &Context<'_>, canary: &Judged, past: &[Block]) -> Result<Standing> {
    let mut judge = Judge::new(cx.service.policy.clone(), canary.started)?;
    past.iter().try_for_each(|block| judge.observe_history(block))?;
    let from = first_minute(canary.started);
    let newest = past.iter().map(|block| block.minute).max();
    let knows_past = newest.is_some_and(|newest| newest >= from.saturating_sub(SETTLED + 1));
    Ok(Standing { judge, from, knows_past })
}

/// What the metrics no longer know of the minutes from this one on. They are asked after the blocks: what is lost
/// between the two is known then.
pub(crate) async fn note_what_is_lost(
    cx: &Context<'_>,
    judge: &mut Judge,
    from: i64,
    now: Timestamp,
) -> Result<()> {
    let from = start_of(from);
    if let Some(since) = cx.ports.metrics.known_since().await?.filter(|since| *since > from) {
        judge.observe_lost(TimeRange::new(from, since)?);
    }
    let metrics = cx.service.policy.metrics();
    let lost = cx.ports.metrics.lost(&cx.service.name, TimeRange::new(from, now.max(from))?).await?;
    for Lost { minutes, metric, lines } in lost {
        if metric.is_some_and(|metric| !metrics.contains(&metric)) {
            continue;
        }
        judge
            .observe_lost(TimeRange::new(start_of(minutes.start), start_of(minutes.end.max(minutes.start)))?);
        if lines > 0 {
            judge.observe_refused(minutes.start, lines);
        }
    }
    Ok(())
}

/// Shows a judge what came of these minutes.
pub(crate) fn observe(cx: &Context<'_>, judge: &mut Judge, asked: &Asked, minutes: Range<i64>) {
    let is_of =
        |(_, left_out): &&(MetricName, LeftOut)| left_out.minute.is_some_and(|at| minutes.contains(&at));
    for (metric, left_out) in asked.left_out.iter().filter(is_of) {
        judge.observe_left_out(metric, left_out);
    }
    for block in asked.blocks.iter().filter(|block| minutes.contains(&block.minute)) {
        if let Err(error) = judge.observe(block) {
            // The judge keeps the rule from passing; it may still find a regression.
            cx.progress.warn(error.to_string());
        }
    }
}

/// The first minute that began after `started`.
fn first_minute(started: Timestamp) -> i64 {
    TimeRange::before(started, Duration::ZERO).complete_minutes(started).start
}

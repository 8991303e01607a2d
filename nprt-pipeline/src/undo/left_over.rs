//! What is left of a canary that has ended: its version is stable, its end is recorded, or its workloads are gone. The
//! process that removed it died in the middle.

use nprt_compare::report::EventKind;
use nprt_core::model::{Track, annotation};
use nprt_core::{Result, Retry};

use crate::apply::applier::Applier;
use crate::apply::past_canary::PastCanary;
use crate::apply::{past_canary, removal};
use crate::context::Context;
use crate::request::Caller;
use crate::state::running::Running;
use crate::state::snapshot::Snapshot;

impl Snapshot {
    /// The canary whose version is stable already, and that version.
    fn promoted(&self) -> Option<(Running, Running)> {
        let (canary, stable) = (self.running(Track::Canary)?, self.running(Track::Stable)?);
        let version = |running: &Running| running.revision.clone().zip(running.tag.clone());
        let is_same = version(&canary).is_some_and(|of_canary| version(&stable) == Some(of_canary));
        is_same.then_some((canary, stable))
    }

    /// Whether objects of a canary are there, and nothing that runs.
    fn has_bare_canary(&self) -> bool {
        let is_workload = |o: &&nprt_core::model::Object| o.annotation(annotation::STARTED).is_some();
        self.run_on(Track::Canary).next().is_some() && !self.run_on(Track::Canary).any(|o| is_workload(&o))
    }
}

/// Whether the canary that is there has ended, and is to be removed.
pub(crate) async fn is_left_over(cx: &Context<'_>, live: &Snapshot) -> Result<bool> {
    let Some(canary) = live.running(Track::Canary) else { return Ok(false) };
    Ok(live.promoted().is_some() || live.has_bare_canary() || is_past(cx, &canary).await?)
}

/// Removes what is left of a canary that has ended, and says what that was; `None` where there is nothing.
pub(crate) async fn remove_left_over(to: &Applier<'_>, live: &Snapshot) -> Result<Option<String>> {
    if !is_left_over(to.cx, live).await? {
        return Ok(None);
    }
    let Some(canary) = live.running(Track::Canary) else { return Ok(None) };
    let what = if let Some((_, stable)) = live.promoted() {
        let by = Caller::recorded(stable.caller.as_deref().unwrap_or("unknown"), "")?;
        end_promoted(to, &by).await?;
        format!("the promotion of {}", canary.describe())
    } else {
        removal::remove_canary(to, live).await?;
        format!("the removal of the canary {}", canary.describe())
    };
    to.cx.progress.warn(format!("finished {what}, which was interrupted"));
    Ok(Some(what))
}

/// Removes the canary whose version is stable by now, if there is one, as the promotion by `caller` would have.
pub(crate) async fn end_promoted(to: &Applier<'_>, caller: &Caller) -> Result<()> {
    let live = to.witness.look(to.cx).await?;
    let Some((canary, _)) = live.promoted() else { return Ok(()) };
    if !is_past(to.cx, &canary).await? {
        let past = PastCanary::of(&live, to.cx.now(), EventKind::Promoted, caller);
        past_canary::keep_past(to, past).await;
    }
    removal::remove_canary(to, &live).await.map(drop)
}

/// Whether the end of this canary is recorded.
async fn is_past(cx: &Context<'_>, canary: &Running) -> Result<bool> {
    if canary.started.is_none() {
        return Ok(false);
    }
    match past_canary::past_canary(cx).await {
        Ok(past) => Ok(past.is_some_and(|past| {
            (past.canary.started, &past.canary.revision) == (canary.started, &canary.revision)
        })),
        Err(error) if error.retry() != Retry::Permanent => Err(error),
        Err(error) => {
            cx.progress.warn(format!("cannot tell how the last canary ended: {error}"));
            Ok(false)
        }
    }
}

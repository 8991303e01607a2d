//! Looks after every service: does what is due, judges the canary, promotes it or rolls it back. Any number of
//! replicas may do so: each decision is made under the service's lease, on what runs then.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use jiff::{SignedDuration, Timestamp};
use nprt::compare::Decision;
use nprt::model::{ServiceName, shown};
use nprt::pipeline::{Caller, Event, Judgement, Pipeline, Progress, Running, Tended};
use nprt::{Error, Result, Retry};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::app::App;
use crate::compose::{Composed, Member, Told};
use crate::config::AtDeadline;
use crate::numbers::Numbers;

const NAME: &str = "autopilot";
/// The shortest pause before it looks again whether the lease of another process has run out.
const LEAST: SignedDuration = SignedDuration::from_secs(1);

/// Looks after all services until the process ends: right at its start, then at the interval, and as soon as the lease
/// of another process runs out, which may have died.
pub(crate) async fn fly(app: App) {
    let clock = app.clock();
    let mut tasks = BTreeMap::<ServiceName, JoinHandle<()>>::new();
    let (busy, mut found_busy) = mpsc::unbounded_channel::<(ServiceName, Timestamp)>();
    let mut early = BTreeMap::<ServiceName, Timestamp>::new();
    let mut next = clock.now();
    while !app.tasks().is_closed() {
        let now = clock.now();
        let look = if now >= next { Look::Whole } else { Look::Upkeep };
        // What holds now may be another configuration.
        let composed = app.current();
        early.retain(|name, _| composed.members.contains_key(name));
        for name in composed.members.keys() {
            let is_early = early.get(name).is_some_and(|at| *at <= now);
            if look == Look::Upkeep && !is_early {
                continue;
            }
            let was_early = early.remove(name).is_some();
            // One that is being promoted, or whose cluster does not answer, keeps no other waiting.
            if tasks.get(name).is_some_and(|task| !task.is_finished()) {
                if was_early {
                    early.insert(name.clone(), now.saturating_add(LEAST).unwrap_or(now));
                }
                continue;
            }
            let (tracker, app) = (app.tasks().clone(), app.clone());
            let (composed, service, busy) = (Arc::clone(&composed), name.clone(), busy.clone());
            let work = async move {
                if let Some(until) = upkeep(&app, &composed, &service).await {
                    // Where nobody listens any more, the process ends.
                    _ = busy.send((service.clone(), until));
                }
                if look == Look::Whole {
                    judge(&app, &composed, &service).await;
                }
            };
            // The process waits for what was begun before it ends.
            tasks.insert(name.clone(), tracker.spawn(work));
        }
        if look == Look::Whole {
            let interval =
                SignedDuration::try_from(Duration::from_secs(composed.config.autopilot.interval_seconds));
            next = now.saturating_add(interval.unwrap_or(SignedDuration::MAX)).unwrap_or(Timestamp::MAX);
        }
        let first = early.values().copied().chain([next]).min().unwrap_or(next);
        let pause = first.duration_since(clock.now()).max(SignedDuration::ZERO).unsigned_abs();
        tokio::select! {
            () = clock.sleep(pause) => {}
            Some((service, until)) = found_busy.recv() => {
                let at = until.max(clock.now().saturating_add(LEAST).unwrap_or(until));
                early.insert(service, at);
            }
        }
    }
}

/// What is done for a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    /// What is due, and what follows from the canary's verdict.
    Whole,
    /// What is due.
    Upkeep,
}

/// Does what is due, and answers with when the lease of another process runs out that is changing the service.
async fn upkeep(app: &App, composed: &Composed, name: &ServiceName) -> Option<Timestamp> {
    match tend(app, composed, name).await {
        Ok(done) => {
            count(app, &done);
            done.busy_until
        }
        Err(error) => {
            tracing::warn!(service = %name, "upkeep failed: {error}");
            None
        }
    }
}

/// Judges the service's canary and does what follows, where it may.
async fn judge(app: &App, composed: &Composed, name: &ServiceName) {
    let Ok(member) = composed.member(name) else { return };
    if !(composed.config.autopilot.enabled && member.config.autopilot.enabled) {
        return;
    }
    let service = name.as_str();
    match decide(app, composed, member, name).await {
        Ok(outcome) => {
            tracing::debug!(%service, outcome, "looked after");
            Numbers::count(&app.numbers().decisions, service, outcome, "done");
        }
        // Somebody else is at it, or was faster.
        Err(error) if error.is_conflict() || error.is_cancelled() => {
            tracing::info!(%service, "nothing decided: {error}");
        }
        Err(error) => {
            tracing::warn!(%service, "nothing decided: {error}");
            Numbers::count(&app.numbers().decisions, service, "none", "failed");
        }
    }
}

fn count(app: &App, done: &Tended) {
    let outcomes = [
        (done.finished.is_some(), "finished"),
        (done.undone.is_some(), "undone"),
        (done.expired.is_some(), "expired"),
    ];
    for (_, outcome) in outcomes.into_iter().filter(|(is_done, _)| *is_done) {
        Numbers::count(&app.numbers().decisions, done.service.as_str(), outcome, "done");
    }
}

async fn tend(app: &App, composed: &Composed, name: &ServiceName) -> Result<Tended> {
    // Where a canary's time is over, what was known of it is told.
    let caller = Caller::new(NAME, "")?.knowing(app.verdicts().last(name));
    let (progress, events) = Progress::stream();
    let done = composed.pipeline(Told::Failures).tend(name, &caller, &progress).await;
    drop(progress);
    events.for_each(async |event| warn(name, &event)).await;
    done
}

/// Judges the canary, if there is one that nobody holds, and does what follows; answers with what that was.
async fn decide(app: &App, composed: &Composed, member: &Member, name: &ServiceName) -> Result<&'static str> {
    let pipeline = composed.pipeline(Told::Failures);
    let Some(canary) = pipeline.status(name).await?.canary else { return Ok("no_canary") };
    if canary.held.is_some() {
        return Ok("held");
    }
    let (progress, events) = Progress::stream();
    let judged = pipeline.judge_and_keep(name, &progress).await;
    drop(progress);
    events.for_each(async |event| warn(name, &event)).await;
    let is_over = is_over(member, &canary, pipeline.now(name)?);
    let judged = match judged {
        Ok(judged) => judged,
        // Nobody judges it any more while the metrics do not answer.
        Err(error) if is_over && !(error.is_conflict() || error.is_cancelled() || error.is_not_found()) => {
            let caller = caller(&format!("at the deadline it could not be judged: {error}"), None)?;
            return end(member, pipeline, name, &canary, &caller).await;
        }
        Err(error) => return Err(error),
    };
    if canary.revision.as_ref() != Some(&judged.revision) || canary.started != Some(judged.started) {
        return Ok("changed_meanwhile");
    }
    let (decision, reason) = (judged.verdict.decision.clone(), judged.verdict.reason.clone());
    let judged = Arc::new(judged);
    app.verdicts().keep(Arc::clone(&judged));
    tracing::info!(service = %name, tag = %judged.tag, %decision, "judged: {reason}");
    let reason = match decision {
        Decision::Inconclusive { .. } if is_over => format!("still inconclusive at the deadline: {reason}"),
        _ => reason,
    };
    let caller = caller(&reason, Some(&judged))?;
    match decision {
        Decision::Regression => roll_back(pipeline, name, &canary, &caller, "rolled_back").await,
        Decision::Pass => promote(pipeline, name, &canary, &caller, &judged).await,
        Decision::Inconclusive { .. } if is_over => end(member, pipeline, name, &canary, &caller).await,
        Decision::Inconclusive { .. } => Ok("waits"),
    }
}

fn warn(service: &ServiceName, event: &Event) {
    if let Event::Warning { message } = event {
        tracing::warn!(%service, "{message}");
    }
}

fn is_over(member: &Member, canary: &Running, now: Timestamp) -> bool {
    let deadline = i64::from(member.config.service.policy.deadline_minutes);
    canary.started.is_some_and(|started| now.duration_since(started) >= SignedDuration::from_mins(deadline))
}

/// Does with a canary of which nothing was decided in its time what its service wants.
async fn end(
    member: &Member,
    pipeline: &Pipeline,
    name: &ServiceName,
    canary: &Running,
    caller: &Caller,
) -> Result<&'static str> {
    match member.config.autopilot.at_deadline {
        AtDeadline::Keep => leave(pipeline, name, canary, caller).await,
        AtDeadline::RollBack => roll_back(pipeline, name, canary, caller, "rolled_back_at_deadline").await,
    }
}

async fn roll_back(
    pipeline: &Pipeline,
    name: &ServiceName,
    canary: &Running,
    caller: &Caller,
    outcome: &'static str,
) -> Result<&'static str> {
    let done = pipeline.roll_back_if(name, canary, caller, None, &Progress::silent()).await?;
    Ok(if done.is_some() { outcome } else { "changed_meanwhile" })
}

/// Leaves the canary to a person, who is told once.
async fn leave(
    pipeline: &Pipeline,
    name: &ServiceName,
    canary: &Running,
    caller: &Caller,
) -> Result<&'static str> {
    let is_new = pipeline.leave_undecided(name, canary, caller, &Progress::silent()).await?;
    Ok(if is_new { "kept_at_deadline" } else { "waits" })
}

/// Promotes the canary that was judged: the library does so only while it is that one and nobody holds it. One that
/// cannot be promoted, such as by pods that do not become ready or a registry that lost its images, would fail again
/// and again, each time in production: it is rolled back.
async fn promote(
    pipeline: &Pipeline,
    name: &ServiceName,
    canary: &Running,
    by: &Caller,
    judged: &Arc<Judgement>,
) -> Result<&'static str> {
    match pipeline.promote_if(name, canary, by, &Progress::silent()).await {
        Ok(done) => Ok(if done.is_some() { "promoted" } else { "changed_meanwhile" }),
        Err(error) if fails_again(&error) => {
            tracing::warn!(service = %name, "not promoted: {error}");
            let by = caller(&format!("its promotion failed: {error}"), Some(judged))?;
            roll_back(pipeline, name, canary, &by, "rolled_back_unpromoted").await
        }
        Err(error) => Err(error),
    }
}

/// A conflict may be that somebody else has the lease.
fn fails_again(error: &Error) -> bool {
    error.retry() == Retry::Permanent && !(error.is_conflict() || error.is_cancelled())
}

/// The autopilot, because of a verdict, which is as long as it is.
fn caller(reason: &str, judged: Option<&Arc<Judgement>>) -> Result<Caller> {
    let reason: String = shown(reason).replace(['\n', '\t'], " ").chars().take(1000).collect();
    Ok(Caller::new(NAME, reason)?.knowing(judged.cloned()))
}

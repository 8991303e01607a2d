//! What an operation does first: it settles a change that another process began and did not end.

use nprt_core::model::{Revision, Track};
use nprt_core::{Error, ErrorKind, Result, Retry};

use crate::apply::removal;
use crate::news::about::Finished;
use crate::progress::Event;
use crate::request::Request;
use crate::undo::finish::Patience;
use crate::undo::log::UndoLog;
use crate::undo::record::Record;
use crate::undo::{finish, record};
use crate::version::source;

/// What whoever settles is about to do.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal<'a> {
    /// To make this version stable: an interrupted deploy of it simply goes on.
    Stable(&'a Revision),
    /// The same of a canary's start.
    Canary(&'a Revision),
    /// To promote this version: either goes on.
    Promotion(&'a Revision),
    /// Something else, which does not wait for the pods of an interrupted change.
    Other,
    /// To finish what was interrupted, as its own process would have.
    Recovery,
}

/// What became of a change that was interrupted.
#[derive(Debug)]
pub(crate) enum Settled {
    /// The version runs, as it was asked for.
    Finished(Finished),
    /// In words: what was undone, and what runs again.
    Undone(String),
}

impl<'a> Goal<'a> {
    /// To make this version stable, where it is known.
    pub(crate) fn stable(version: Option<&'a Revision>) -> Self {
        version.map_or(Self::Other, Self::Stable)
    }

    fn continues(self, record: &Record) -> bool {
        let to = match (self, record.track()) {
            (Self::Stable(to) | Self::Promotion(to), Track::Stable) => to,
            (Self::Canary(to) | Self::Promotion(to), Track::Canary) => to,
            _ => return false,
        };
        to.to_string() == record.to
    }
}

/// Before an operation: settles a change that was interrupted, unless it was to the version of `goal`, which then
/// goes on with it. It is finished where the cluster has all that was to be applied and the pods are ready, or
/// become so for who waits for them; else it is undone.
///
/// # Errors
/// Those of the cluster, and `Cancelled` where this process is about to end. The record stays, and the next
/// operation begins with it.
pub(crate) async fn settle(undo: &UndoLog<'_>, goal: Goal<'_>) -> Result<Option<Settled>> {
    let Some(transition) = &undo.to.lease.transition else { return Ok(None) };
    let Some(record) = record::pending(undo.to.cx, transition).await? else {
        // It had not changed anything yet, or was settled already.
        undo.forget_nothing(transition).await?;
        return Ok(None);
    };
    if goal.continues(&record) {
        undo.to.cx.progress.warn(format!("continuing {}, which was interrupted", record.describe()));
        return Ok(None);
    }
    let mut why = None;
    if !transition.back {
        let patience = if matches!(goal, Goal::Recovery) { Patience::Rollout } else { Patience::None };
        match finish::finish(undo, &record, patience).await {
            Ok(Some(finished)) => {
                undo.to.witness.about.finished(finished.clone());
                return Ok(Some(Settled::Finished(finished)));
            }
            Ok(None) => {}
            Err(error) if is_final(undo, &error).await => why = Some(error),
            Err(error) => return Err(error),
        }
    }
    let undone = undo_record(undo, record).await?;
    Ok(Some(Settled::Undone(why.map_or(undone.clone(), |why| format!("{undone}; why: {why}")))))
}

/// Whether finishing fails again for whoever tries next: not because this process ends, the lease was lost or a
/// server does not answer.
async fn is_final(undo: &UndoLog<'_>, error: &Error) -> bool {
    let fails_again = error.retry() == Retry::Permanent && !error.is_cancelled();
    error.kind() == ErrorKind::RolloutFailed
        || (fails_again && undo.to.cx.ports.cluster.renew(undo.to.lease).await.is_ok())
}

/// The same before a canary starts, which is asked for by `request`.
pub(crate) async fn settle_before(undo: &UndoLog<'_>, request: &Request) -> Result<()> {
    if undo.to.lease.transition.is_none() {
        return Ok(());
    }
    let goal = source::resolve(undo.to.cx, &request.version).await.ok();
    let goal = goal.as_ref().map_or(Goal::Other, Goal::Canary);
    settle(undo, goal).await.map(drop)
}

async fn undo_record(undo: &UndoLog<'_>, record: Record) -> Result<String> {
    let what = record.describe();
    let (track, parts) = (record.track(), record.parts.clone());
    let put_back = undo.put_back(record).await?;
    if track == Track::Stable {
        return Ok(undo.complete(put_back).await?.unwrap_or(what));
    }
    let removed = removal::remove_canary(&undo.to, &undo.to.witness.look(undo.to.cx).await?).await?;
    removed
        .warnings
        .iter()
        .for_each(|warning| undo.to.cx.progress.tell(Event::Warning { message: warning.clone() }));
    undo.forget(&parts).await?;
    Ok(format!("{what}: it was removed"))
}

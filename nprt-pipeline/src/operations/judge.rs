//! Judges a canary, and keeps what its judge knows.

use nprt_core::model::{Block, Object, ObjectId, ServiceName, Track, annotation};
use nprt_core::ports::{Lease, Purpose, Takeover, Task};
use nprt_core::{Error, ErrorKind, Result};

use crate::judge::checkpoint::{Checkpoint, LARGEST};
use crate::judge::judged::Judged;
use crate::judge::measurements::{Asked, Past, start_of};
use crate::judge::standing::{SETTLED, Standing};
use crate::judge::{checkpoint, measurements, standing};
use crate::judgement::Judgement;
use crate::news::announcer::Announcer;
use crate::operation::Operation;
use crate::pipeline::Pipeline;
use crate::progress::Progress;
use crate::state::names::Names;
use crate::state::running::{no_canary, not_expired};

impl Pipeline {
    /// As [`Pipeline::judge_canary`], and keeps what the judge then knows on the canary, for whoever judges next: a
    /// process that is killed at any time loses nothing that was measured before, also where the metrics backend
    /// keeps no [history](nprt_core::ports::MetricsCapabilities::history). It is written under the service's lease, once
    /// a minute, by whoever is first of those who judge at the same time.
    ///
    /// While somebody else holds the lease, it is left to the next who judges. What cannot be kept is a warning, and
    /// the next judge begins with what was kept before: such as by a policy of plain rules, which keep every
    /// measurement, where that is more than the 900 kB that one ConfigMap holds.
    ///
    /// # Errors
    /// As [`Pipeline::judge_canary`].
    pub async fn judge_and_keep(&self, service: &ServiceName, progress: &Progress) -> Result<Judgement> {
        let op = self.operation(service, progress)?;
        let (judgement, checkpoint) = judge(&op).await?;
        if let Some(checkpoint) = checkpoint
            && let Err(error) = keep(&op, checkpoint).await
            && !(error.is_conflict() || error.is_cancelled())
        {
            progress.warn(format!("what the judge knows was not kept: {error}"));
        }
        Ok(judgement)
    }
}

pub(crate) async fn keep(op: &Operation<'_>, checkpoint: Checkpoint) -> Result<()> {
    let text = serde_json::to_string(&checkpoint).map_err(|error| {
        Error::new(ErrorKind::Unexpected, "pipeline.checkpoint", "cannot be written").with_source(error)
    })?;
    if text.len() > LARGEST {
        let message = "it is larger than a ConfigMap may be: the next judge asks the metrics again";
        return Err(Error::invalid("pipeline.checkpoint", message)
            .with("bytes", text.len())
            .with("most", LARGEST));
    }
    let work = |lease| write_checkpoint(op, lease, checkpoint, text);
    op.hold(Purpose::new(Task::Checkpoint, "the judge"), Takeover::WhenExpired, None, work).await?
}

/// Writes it, unless the canary is another one by now, or somebody else has gone as far.
async fn write_checkpoint(
    op: &Operation<'_>,
    lease: Lease,
    checkpoint: Checkpoint,
    text: String,
) -> Result<()> {
    let live = op.witness.look(&op.cx).await?;
    let (canary, policy) = (live.running(Track::Canary), &op.cx.service.policy);
    let Some(canary) = canary.and_then(|canary| Judged::of(canary).ok()) else { return Ok(()) };
    let is_behind = |kept: Checkpoint| kept.until >= checkpoint.until;
    if !checkpoint.is_of(&canary, policy) || checkpoint::kept(&op.cx, &live, &canary).is_some_and(is_behind) {
        return Ok(());
    }
    let Some(owner) = live.run_on(Track::Canary).filter_map(owner).min() else { return Ok(()) };
    let object = checkpoint::checkpoint(&op.cx, owner, &text)?;
    op.cx.again(|| op.cx.ports.cluster.apply(&lease, &object)).await.map(drop)
}

/// A workload that a canary began with, and its uid.
pub(crate) fn owner(object: &Object) -> Option<(ObjectId, String)> {
    object.annotation(annotation::STARTED)?;
    let uid = object.as_value().pointer("/metadata/uid")?.as_str()?;
    Some((object.id(), uid.to_owned()))
}

impl Pipeline {
    /// Compares the canary that runs now with stable, by the service's policy. It changes nothing and needs
    /// no lease; a pass and a regression are left as an event on a workload of stable. It goes on from what was
    /// [kept](Pipeline::judge_and_keep), and asks the metrics for what came since. Measurements that name a version
    /// count only where it is the one that runs: those of an older canary are never judged. What the metrics
    /// [no longer know](nprt_core::ports::MetricsBackend::known_since) is said in the verdict's reason, and does not count
    /// as time that the canary has run.
    ///
    /// # Errors
    /// `NotFound` without a canary; `Conflict` where its time is over; `Invalid` where the canary does not say its version or its start; those
    /// of the cluster and of the metrics: no answer is never a pass.
    pub async fn judge_canary(&self, service: &ServiceName, progress: &Progress) -> Result<Judgement> {
        let op = self.operation(service, progress)?;
        judge(&op).await.map(|(judgement, _)| judgement)
    }
}

/// The judgement, and what is to be kept of it, where that goes further than what was kept.
pub(crate) async fn judge(op: &Operation<'_>) -> Result<(Judgement, Option<Checkpoint>)> {
    let live = op.witness.look(&op.cx).await?;
    let canary = live.running(Track::Canary);
    let canary = canary.ok_or_else(|| no_canary("pipeline.judge", &op.cx.service.name))?;
    not_expired(&canary, op.cx.now(), "pipeline.judge")?;
    let canary = Judged::of(canary)?;
    let mut past = Past::default();
    let standing = match standing::resumed(&op.cx, &live, &canary) {
        Some(standing) => standing,
        None => {
            past = measurements::past_of_stable(&op.cx, canary.started, &Names::of(&live)).await?;
            standing::beginning(&op.cx, &canary, &past.blocks)?
        }
    };
    let asked = measurements::blocks_since(
        &op.cx,
        start_of(standing.from),
        op.cx.now(),
        &Names::of(&live),
        past.answers,
    )
    .await?;
    conclude(&op.news(), canary, standing, &asked).await
}

/// What a judge says who is shown what was asked for: at least all that it has not seen, which begins with that
/// minute.
pub(crate) async fn conclude(
    news: &Announcer<'_>,
    canary: Judged,
    Standing { mut judge, from, knows_past }: Standing,
    asked: &Asked,
) -> Result<(Judgement, Option<Checkpoint>)> {
    let &Asked { ref answers, ref configured, newest, until: now, .. } = asked;
    standing::note_what_is_lost(news.cx, &mut judge, from, now).await?;
    judge.expect(configured.iter().cloned());
    // What may still change is not kept. A backend may be late by more than that.
    let answered = newest.map_or(from, |newest| newest.saturating_add(1).min(Block::minute_of(now)));
    let until = answered.saturating_sub(SETTLED).max(from);
    standing::observe(news.cx, &mut judge, asked, from..until);
    // The past is kept, too, before anything of the run is: otherwise every judge asks for it again.
    let is_settled = Block::minute_of(now) >= from.saturating_add(SETTLED);
    let is_news = until > from || knows_past && is_settled;
    let kept = is_news.then(|| Checkpoint::new(&canary, judge.policy(), until, judge.state()));
    standing::observe(news.cx, &mut judge, asked, until..i64::MAX);
    let verdict = judge.verdict(now);
    news.tell_verdict(&canary, &verdict).await;
    let Judged { revision, tag, started, drift } = canary;
    let (service, answers) = (news.cx.service.name.clone(), answers.clone());
    Ok((Judgement { service, revision, tag, started, verdict, drift, answers }, kept))
}

//! What is measured of a canary, running or past: what its report shows.

use jiff::Timestamp;
use nprt_compare::report::{EventKind, Report, ReportBuilder, ReportEvent, Version};
use nprt_compare::{Policy, Verdict};
use nprt_core::Result;
use nprt_core::model::{Block, Revision, ServiceName, Tag, Track};

use crate::apply::past_canary;
use crate::context::Context;
use crate::judge::judged::Judged;
use crate::judge::measurements::{Asked, Past};
use crate::judge::{measurements, standing};
use crate::operation::Operation;
use crate::operations::judge;
use crate::pipeline::Pipeline;
use crate::progress::Progress;
use crate::state::names::Names;
use crate::state::running::{Running, no_canary};
use crate::state::snapshot::Snapshot;

/// A canary, running or past.
#[derive(Debug, Clone)]
pub(crate) struct Trial {
    canary: Judged,
    stable: Version,
    names: Names,
    events: Vec<ReportEvent>,
    /// When it ended; `None` of one that runs.
    ended: Option<Timestamp>,
}

/// All that is known of a canary: what its report is made of, without asking anybody again.
#[derive(Debug, Clone)]
pub struct Measured {
    service: ServiceName,
    policy: Policy,
    trial: Trial,
    /// Stable's past.
    history: Vec<Block>,
    /// Of both tracks since the start.
    asked: Asked,
    /// What the judge says now of one that runs.
    verdict: Option<Verdict>,
}

impl Trial {
    /// # Errors
    /// `Invalid`, naming the annotation that the canary lacks.
    pub(crate) fn of(
        canary: Running,
        stable: Option<&Running>,
        names: Names,
        end: Option<ReportEvent>,
    ) -> Result<Self> {
        let ended = end.as_ref().map(|end| end.at);
        let events = story(&canary).into_iter().chain(end).collect();
        let stable = stable.map_or_else(Version::default, |stable| Version {
            tag: stable.tag.as_ref().map(Tag::to_string),
            revision: stable.revision.as_ref().map(Revision::to_string),
        });
        Ok(Self { canary: Judged::of(canary)?, stable, names, events, ended })
    }
}

/// What a canary's own objects say of what happened to it.
fn story(canary: &Running) -> Vec<ReportEvent> {
    let started = canary.started.map(|at| {
        let text = canary.caller.as_ref().map(|caller| format!("by {caller}"));
        ReportEvent::new(at, EventKind::CanaryStarted, text.unwrap_or_default())
    });
    let held = canary.held.as_ref().map(|held| {
        let text = format!("held by {}: {}", held.by, held.reason);
        ReportEvent::new(held.since, EventKind::Other, text)
    });
    let drift = canary.started.filter(|_| !canary.drift.is_empty()).map(|at| {
        let text = format!("the canary lacks what others set on stable: {}", canary.drift.join(", "));
        ReportEvent::new(at, EventKind::Other, text)
    });
    started.into_iter().chain(drift).chain(held).collect()
}

impl Pipeline {
    /// Asks for all that was measured of the canary that runs, or else of the one that was promoted, rolled back or
    /// expired last: which that was is kept in the cluster, its figures as long as the metrics backend keeps them. It
    /// changes nothing and needs no lease. A canary that runs is judged as by [`Pipeline::judge_canary`], unless its
    /// time is over.
    ///
    /// # Errors
    /// `NotFound` where there is no canary and never was one; else as [`Pipeline::judge_canary`].
    pub async fn measure_canary(&self, service: &ServiceName, progress: &Progress) -> Result<Measured> {
        let op = self.operation(service, progress)?;
        let live = op.witness.look(&op.cx).await?;
        let Some(canary) = live.running(Track::Canary) else {
            let past = past(&op.cx).await?.ok_or_else(|| no_canary("pipeline.report", service))?;
            return measure(&op, past, None).await;
        };
        let runs = !canary.is_expired(op.cx.now());
        let stable = live.running(Track::Stable);
        let trial = Trial::of(canary, stable.as_ref(), Names::of(&live), None)?;
        measure(&op, trial, runs.then_some(&live)).await
    }
}

/// Asks once; of one that runs, the judge is shown the same.
async fn measure(op: &Operation<'_>, trial: Trial, running: Option<&Snapshot>) -> Result<Measured> {
    let canary = &trial.canary;
    let Past { blocks: history, answers } =
        measurements::past_of_stable(&op.cx, canary.started, &trial.names).await?;
    let until = trial.ended.unwrap_or_else(|| op.cx.now());
    let asked = measurements::blocks_since(&op.cx, canary.started, until, &trial.names, answers).await?;
    let verdict = match running {
        None => None,
        Some(live) => {
            let resumed = standing::resumed(&op.cx, live, canary);
            let judge = resumed.map_or_else(|| standing::beginning(&op.cx, canary, &history), Ok)?;
            let (judgement, _) = judge::conclude(&op.news(), canary.clone(), judge, &asked).await?;
            Some(judgement.verdict)
        }
    };
    let (service, policy) = (op.cx.service.name.clone(), op.cx.service.policy.clone());
    Ok(Measured { service, policy, trial, history, asked, verdict })
}

impl Measured {
    /// When the canary ended; `None` of one that runs.
    #[must_use]
    pub fn ended(&self) -> Option<Timestamp> {
        self.trial.ended
    }

    /// The report: judged at each minute, with what happened. Where a canary ran for days it takes seconds: ask where
    /// that blocks nobody.
    ///
    /// # Errors
    /// As [`Pipeline::judge_canary`]: `Invalid` for stable's past that cannot be read.
    pub fn report(&self) -> Result<Report> {
        let Trial { canary: Judged { revision, tag, started, .. }, stable, events, .. } = &self.trial;
        let canary = Version { tag: Some(tag.to_string()), revision: Some(revision.to_string()) };
        let report = Report::builder(self.service.as_str(), &self.policy, *started)
            .stable(stable.clone())
            .canary(canary)
            .blocks(&self.asked.blocks)
            .left_out(self.asked.left_out.iter().cloned())
            .expected(self.asked.configured.iter().cloned())
            .answers(self.asked.answers.iter().cloned())
            .judge_by_minute(&self.history)?;
        let report = self.verdict.iter().cloned().fold(report, ReportBuilder::verdict);
        Ok(report.judgement_as_event().events(events.iter().cloned()).build())
    }
}

/// The canary that ended last, as its report shows it.
///
/// # Errors
/// As [`past_canary::past_canary`].
pub(crate) async fn past(cx: &Context<'_>) -> Result<Option<Trial>> {
    let Some(past) = past_canary::past_canary(cx).await? else { return Ok(None) };
    let text = match past.reason.as_str() {
        "" => format!("by {}", past.by),
        reason => format!("by {}: {reason}", past.by),
    };
    let end = ReportEvent::new(past.ended, past.end, text);
    Trial::of(past.canary, past.stable.as_ref(), past.names, Some(end)).map(Some)
}

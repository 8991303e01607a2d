//! How each operation ended, in news.

use nprt_compare::{Decision, Verdict};
use nprt_core::Result;
use nprt_core::ports::{ObjectEvent, Occasion, Purpose, Severity, Task};

use crate::judge::judged::Judged;
use crate::news::about::Finished;
use crate::news::announcer::{Announcer, CanaryEnd, News};
use crate::outcome::{Deployment, Rollback, Tended};
use crate::phase::about;
use crate::progress::Event;
use crate::request::Caller;
use crate::state::running::Running;
use crate::version::branch::is_refusal;

impl Announcer<'_> {
    pub(crate) async fn tell_verdict(&self, canary: &Judged, verdict: &Verdict) {
        let (decision, reason) = (verdict.decision.clone(), verdict.reason.clone());
        self.cx.progress.tell(Event::Judged { decision, reason });
        let Judged { tag, revision, .. } = canary;
        let note =
            format!("the canary {tag} ({}): {}: {}", revision.short(), verdict.decision, verdict.reason);
        let event = match verdict.decision {
            Decision::Pass => ObjectEvent::normal("CanaryPassed", &note),
            Decision::Regression => ObjectEvent::warning("CanaryRegressed", &note),
            Decision::Inconclusive { .. } => return,
        };
        self.record_event(event).await;
    }

    /// Tells how an operation on a version ended. One that a rollback cancelled is told by the rollback.
    pub(crate) async fn report(
        &self,
        occasion: Occasion,
        done: &Result<Deployment>,
        purpose: &Purpose,
        caller: &Caller,
    ) {
        match done {
            Ok(done) => {
                about(&done.revision, &done.tag);
                let (reason, what) = match occasion {
                    Occasion::CanaryStarted => ("CanaryStarted", "runs as a canary"),
                    Occasion::Promoted => ("Promoted", "was promoted to stable"),
                    _ => ("Deployed", "is stable"),
                };
                let summary = format!("{} of {} {what}", done.tag, self.cx.service.name);
                let (severity, revision) = (Severity::Info, Some(&done.revision));
                let canary = self.witness.about.canary(occasion, revision);
                self.tell(News { occasion, reason, severity, revision, canary, summary }, caller).await;
            }
            Err(error) if error.is_cancelled() || is_refusal(error) => {}
            Err(error) => self.tell_failure(occasion, purpose, error, caller).await,
        }
    }

    /// Tells of the canary that made way for what was asked for, if one did.
    pub(crate) async fn report_replaced(&self, caller: &Caller) {
        let Some(canary) = self.witness.about.take_replaced() else { return };
        let is_expired = canary.is_expired(self.cx.now());
        let end = if is_expired { CanaryEnd::ReplacedAfterExpiry } else { CanaryEnd::Replaced };
        let about = self.witness.about.canary(Occasion::RolledBack, None);
        let news = News::of_the_end(&self.cx.service.name, &canary, end);
        self.tell(News { canary: about, ..news }, caller).await;
    }

    pub(crate) async fn report_rollback(&self, done: &Result<Rollback>, purpose: &Purpose, caller: &Caller) {
        match done {
            Ok(Rollback { canary: None, cancelled: None, .. }) => {}
            Ok(done) => {
                if let Some(Running { revision: Some(revision), tag: Some(tag), .. }) = &done.canary {
                    about(revision, tag);
                }
                let (occasion, severity) = (Occasion::RolledBack, Severity::Warning);
                let news = if let Some(canary) = &done.canary {
                    let is_expired = canary.is_expired(self.cx.now());
                    let end = if is_expired { CanaryEnd::Expired } else { CanaryEnd::RolledBack };
                    let about = self.witness.about.canary(occasion, None);
                    News { canary: about, ..News::of_the_end(&done.service, canary, end) }
                } else {
                    let cancelled = done.cancelled.as_deref().unwrap_or_default();
                    let summary = format!("{}: cancelled: {cancelled}", done.service);
                    News { occasion, reason: "Cancelled", severity, revision: None, canary: None, summary }
                };
                self.tell(news, caller).await;
            }
            Err(error) if error.is_cancelled() => {}
            Err(error) => self.tell_failure_once(Occasion::RolledBack, purpose, error, caller).await,
        }
    }

    /// Tells of what goes back; that a canary is in step is no news.
    pub(crate) async fn report_reconciled(&self, done: &Result<Tended>, purpose: &Purpose, caller: &Caller) {
        let undone = done.as_ref().ok().and_then(|done| done.undone.as_ref());
        if let Some(undone) = undone {
            let summary = format!("{}: undone: {undone}", self.cx.service.name);
            let (occasion, severity) = (Occasion::RolledBack, Severity::Warning);
            let (reason, revision, canary) = ("Undone", None, None);
            self.tell(News { occasion, reason, severity, revision, canary, summary }, caller).await;
        }
        if let Some(expired) = done.clone().map(|done| done.expired).transpose() {
            self.report_rollback(&expired, purpose, caller).await;
        }
    }

    /// Tells of what was finished for a process that died, as that would have.
    pub(crate) async fn report_finished(&self) {
        let Some(Finished { task, tag, revision, by }) = self.witness.about.take_finished() else { return };
        let (occasion, reason, what) = match task {
            Task::Canary => (Occasion::CanaryStarted, "CanaryStarted", "runs as a canary"),
            Task::Promotion => (Occasion::Promoted, "Promoted", "was promoted to stable"),
            _ => (Occasion::Deployed, "Deployed", "is stable"),
        };
        let how = "finished after the process that started it died";
        let summary = format!("{tag} of {} {what} ({how})", self.cx.service.name);
        let (severity, revision) = (Severity::Info, revision.as_ref());
        let canary = self.witness.about.canary(occasion, revision);
        self.tell(News { occasion, reason, severity, revision, canary, summary }, &by).await;
    }
}

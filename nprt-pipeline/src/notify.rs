//! Tells people what happened. What cannot be told never fails an operation.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, join, select};
use nprt_core::model::{Revision, ServiceName};
use nprt_core::ports::{CanaryId, Detail, Notification, ObjectEvent, Occasion, Purpose, Severity, Task};
use nprt_core::{Error, Result};

use super::about::id;
use super::branch::is_refusal;
use super::job::Job;
use super::live::Running;
use super::phase::about;
use super::request::{Caller, Deployment, Request};

/// How long an operation waits at its end for its notifier.
const PATIENCE: Duration = Duration::from_secs(15);

/// How a canary went, as an event has it, and in words.
pub(super) type Gone = (&'static str, &'static str);
pub(super) const ROLLED_BACK: Gone = ("RolledBack", "was rolled back");
pub(super) const EXPIRED: Gone = ("Expired", "expired and was removed");
pub(super) const REPLACED: Gone = ("Replaced", "was running, and made way");

/// How an operation ended, for people.
#[derive(Debug)]
pub(super) struct News<'a> {
    pub(super) occasion: Occasion,
    /// The same in one word, as events have it.
    pub(super) reason: &'static str,
    pub(super) severity: Severity,
    pub(super) revision: Option<&'a Revision>,
    pub(super) canary: Option<CanaryId>,
    pub(super) summary: String,
}

impl<'a> News<'a> {
    /// That a canary is gone while stable serves on: how, in one word and in others.
    pub(super) fn of_the_end(service: &ServiceName, canary: &'a Running, (reason, what): Gone) -> Self {
        Self {
            occasion: Occasion::RolledBack,
            reason,
            severity: Severity::Warning,
            revision: canary.revision.as_ref(),
            canary: id(canary),
            summary: format!("{service}: the canary {} {what}", canary.describe()),
        }
    }

    fn event(&self, caller: &Caller) -> ObjectEvent {
        let why = match caller.reason() {
            "" => String::new(),
            reason => format!(" ({reason})"),
        };
        // A note that is too long loses its end.
        let note = format!("by {}: {}{why}", caller.name(), self.summary);
        let event = match self.severity {
            Severity::Info => ObjectEvent::normal(self.reason, &note),
            Severity::Warning | Severity::Error => ObjectEvent::warning(self.reason, &note),
        };
        match (&self.canary, self.occasion) {
            // A canary ends once, however that is called.
            (Some(canary), Occasion::Promoted | Occasion::RolledBack) => {
                event.once(format!("canary-ended-{}", canary.started.as_millisecond()))
            }
            _ => event,
        }
    }
}

/// What is being done, as leases and news say it: a version by its tag where that is known.
pub(super) fn purpose(task: Task, request: &Request) -> Purpose {
    let version = &request.version;
    let version = version.tag().map_or_else(|| version.to_string(), ToString::to_string);
    Purpose::new(task, request.caller.name()).of(version)
}

impl Job<'_> {
    /// Tells how an operation on a version ended. One that a rollback cancelled is told by the rollback.
    pub(super) async fn report(
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
                let summary = format!("{} of {} {what}", done.tag, self.service.name);
                let (severity, revision) = (Severity::Info, Some(&done.revision));
                let canary = self.about.canary(occasion, revision);
                self.tell(News { occasion, reason, severity, revision, canary, summary }, caller).await;
            }
            Err(error) if error.is_cancelled() || is_refusal(error) => {}
            Err(error) => self.tell_failure(occasion, purpose, error, caller).await,
        }
    }

    /// Tells that what would have been `attempted` failed.
    pub(super) async fn tell_failure(
        &self,
        attempted: Occasion,
        purpose: &Purpose,
        error: &Error,
        caller: &Caller,
    ) {
        self.tell(self.failure(attempted, purpose, error), caller).await;
    }

    /// The same of what whoever decides by itself tries again at each interval: once for a canary, where events can be
    /// kept.
    pub(super) async fn tell_failure_once(
        &self,
        attempted: Occasion,
        purpose: &Purpose,
        error: &Error,
        caller: &Caller,
    ) {
        let news = self.failure(attempted, purpose, error);
        let mut event = news.event(caller);
        if let Some(canary) = &news.canary {
            let (what, started) = (attempted.as_str().replace(' ', "-"), canary.started.as_millisecond());
            event = event.once(format!("canary-not-{what}-{started}"));
        }
        if self.record_event(event).await != Some(false) {
            self.notify(news, caller).await;
        }
    }

    fn failure(&self, attempted: Occasion, purpose: &Purpose, error: &Error) -> News<'static> {
        let summary = format!("{purpose} failed: {error}");
        let canary = self.about.canary(attempted, None);
        let (occasion, severity, revision) = (Occasion::Failed, Severity::Error, None);
        News { occasion, reason: "Failed", severity, revision, canary, summary }
    }

    /// Tells people, and leaves an event on a workload.
    pub(super) async fn tell(&self, news: News<'_>, caller: &Caller) {
        join(self.record_event(news.event(caller)), self.notify(news, caller)).await;
    }

    /// The same, unless the event is there: then it was told before. Answers whether it is told; where no event can
    /// be written it is not, since others could not know.
    pub(super) async fn tell_once(&self, news: News<'_>, caller: &Caller) -> bool {
        let written = self.record_event(news.event(caller)).await;
        if written == Some(true) {
            self.notify(news, caller).await;
        }
        written.is_some()
    }

    async fn notify(&self, news: News<'_>, caller: &Caller) {
        let notification = self.notification(news, caller);
        let told = self.ports.notifier.notify(&notification);
        let why = match select(pin!(told), self.clock.sleep(PATIENCE)).await {
            Either::Left((Ok(()), _)) => return,
            Either::Left((Err(error), _)) => error.to_string(),
            Either::Right(_) => "no answer in time".to_owned(),
        };
        self.progress.warn(format!("nobody was told: {why}"));
    }

    fn notification(&self, news: News<'_>, caller: &Caller) -> Notification {
        let News { occasion, severity, revision, canary, summary, .. } = news;
        let detail = |name: &str, value: &str| Detail { name: name.to_owned(), value: value.to_owned() };
        let mut details = vec![detail("caller", caller.name())];
        if !caller.reason().is_empty() {
            details.push(detail("reason", caller.reason()));
        }
        let follows_verdict =
            matches!(occasion, Occasion::Promoted | Occasion::RolledBack | Occasion::Undecided);
        let judged = caller.judgement().filter(|judged| {
            follows_verdict
                && canary.as_ref().is_some_and(|canary| {
                    canary.revision == judged.revision && canary.started == judged.started
                })
        });
        Notification {
            revision: revision.cloned(),
            details,
            verdict: judged.map(|judged| judged.verdict.clone()),
            canary,
            ..Notification::new(self.now(), self.service.name.clone(), occasion, severity, summary)
        }
    }
}

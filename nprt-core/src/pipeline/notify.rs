//! Tells people what happened. What cannot be told never fails an operation.

use futures_util::future::join;

use super::job::Job;
use super::request::{Caller, Deployment};
use crate::model::Revision;
use crate::ports::{Detail, Notification, ObjectEvent, Occasion, Severity};
use crate::{Error, Result};

/// How an operation ended, for people.
#[derive(Debug)]
pub(super) struct News<'a> {
    pub(super) occasion: Occasion,
    /// The same in one word, as events have it.
    pub(super) reason: &'static str,
    pub(super) severity: Severity,
    pub(super) revision: Option<&'a Revision>,
    pub(super) summary: String,
}

impl Job<'_> {
    /// Tells how an operation on a version ended. One that a rollback cancelled is told by the rollback.
    pub(super) async fn report(
        &self,
        occasion: Occasion,
        done: &Result<Deployment>,
        purpose: &str,
        caller: &Caller,
    ) {
        match done {
            Ok(done) => {
                let (reason, what) = match occasion {
                    Occasion::CanaryStarted => ("CanaryStarted", "runs as a canary"),
                    Occasion::Promoted => ("Promoted", "was promoted to stable"),
                    _ => ("Deployed", "is stable"),
                };
                let summary = format!("{} of {} {what}", done.tag, self.service.name);
                let revision = Some(&done.revision);
                self.tell(News { occasion, reason, severity: Severity::Info, revision, summary }, caller)
                    .await;
            }
            Err(error) if error.is_cancelled() => {}
            Err(error) => self.tell_failure(purpose, error, caller).await,
        }
    }

    pub(super) async fn tell_failure(&self, purpose: &str, error: &Error, caller: &Caller) {
        let summary = format!("{purpose} failed: {error}");
        let (occasion, severity) = (Occasion::Failed, Severity::Error);
        self.tell(News { occasion, reason: "Failed", severity, revision: None, summary }, caller).await;
    }

    /// Tells people, and leaves an event on a workload.
    pub(super) async fn tell(&self, news: News<'_>, caller: &Caller) {
        let why = match caller.reason() {
            "" => String::new(),
            reason => format!(" ({reason})"),
        };
        // A note that is too long loses its end.
        let note = format!("by {}: {}{why}", caller.name(), news.summary);
        let event = match news.severity {
            Severity::Info => ObjectEvent::normal(news.reason, &note),
            Severity::Warning | Severity::Error => ObjectEvent::warning(news.reason, &note),
        };
        join(self.record_event(event), self.notify(news, caller)).await;
    }

    async fn notify(&self, news: News<'_>, caller: &Caller) {
        let News { occasion, severity, revision, summary, .. } = news;
        let detail = |name: &str, value: &str| Detail { name: name.to_owned(), value: value.to_owned() };
        let mut details = vec![detail("caller", caller.name())];
        if !caller.reason().is_empty() {
            details.push(detail("reason", caller.reason()));
        }
        let (service, revision) = (self.service.name.clone(), revision.cloned());
        let notification =
            Notification { service, occasion, severity, revision, summary, details, link: None };
        if let Err(error) = self.ports.notifier.notify(&notification).await {
            self.progress.warn(format!("nobody was told: {error}"));
        }
    }
}

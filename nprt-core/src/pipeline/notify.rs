//! Tells people what happened. What cannot be told never fails an operation.

use super::job::Job;
use super::request::{Caller, Deployment};
use crate::Result;
use crate::model::Revision;
use crate::ports::{Detail, Notification, Occasion, Severity};

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
                let what = match occasion {
                    Occasion::CanaryStarted => "runs as a canary",
                    Occasion::Promoted => "was promoted to stable",
                    _ => "is stable",
                };
                let summary = format!("{} of {} {what}", done.tag, self.service.name);
                self.notify(occasion, Severity::Info, Some(&done.revision), summary, caller).await;
            }
            Err(error) if error.is_cancelled() => {}
            Err(error) => {
                let summary = format!("{purpose} failed: {error}");
                self.notify(Occasion::Failed, Severity::Error, None, summary, caller).await;
            }
        }
    }

    pub(super) async fn notify(
        &self,
        occasion: Occasion,
        severity: Severity,
        revision: Option<&Revision>,
        summary: String,
        caller: &Caller,
    ) {
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

//! Tells people what happened. What cannot be told never fails an operation.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, join, select};
use nprt_core::Error;
use nprt_core::model::{Revision, ServiceName};
use nprt_core::ports::{CanaryId, Detail, Notification, ObjectEvent, Occasion, Purpose, Severity};

use crate::context::Context;
use crate::news::about::id;
use crate::news::witness::Witness;
use crate::request::Caller;
use crate::state::running::Running;

/// How long an operation waits at its end for the cluster to keep its event.
const EVENT_PATIENCE: Duration = Duration::from_secs(5);
/// How long an operation waits at its end for its notifier.
const PATIENCE: Duration = Duration::from_secs(15);

/// Tells people and the cluster how an operation ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Announcer<'a> {
    pub(crate) cx: &'a Context<'a>,
    pub(crate) witness: &'a Witness,
}

/// How a canary came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CanaryEnd {
    Promoted,
    RolledBack,
    Expired,
    Replaced,
    /// Its time was over, and another version took its place.
    ReplacedAfterExpiry,
}

impl CanaryEnd {
    /// In one word, as events have it.
    fn reason(self) -> &'static str {
        match self {
            Self::Promoted => "Promoted",
            Self::RolledBack => "RolledBack",
            Self::Expired => "Expired",
            Self::Replaced | Self::ReplacedAfterExpiry => "Replaced",
        }
    }

    /// For people, after the canary's name.
    fn text(self) -> &'static str {
        match self {
            Self::Promoted => "was promoted to stable",
            Self::RolledBack => "was rolled back",
            Self::Expired => "expired and was removed",
            Self::Replaced => "was running, and made way",
            Self::ReplacedAfterExpiry => "expired",
        }
    }
}

/// How an operation ended, for people.
#[derive(Debug)]
pub(crate) struct News<'a> {
    pub(crate) occasion: Occasion,
    /// The same in one word, as events have it.
    pub(crate) reason: &'static str,
    pub(crate) severity: Severity,
    pub(crate) revision: Option<&'a Revision>,
    pub(crate) canary: Option<CanaryId>,
    pub(crate) summary: String,
}

impl Announcer<'_> {
    /// Writes the event, if a workload to write it on was seen and the cluster keeps events. What cannot be
    /// written never fails an operation. Answers whether it was written now, or had been before; `None` where it is
    /// not there.
    pub(crate) async fn record_event(&self, event: ObjectEvent) -> Option<bool> {
        let cluster = &self.cx.ports.cluster;
        if !cluster.capabilities().events {
            return None;
        }
        let object = self.witness.subject.after(!event.is_warning())?;
        let written = cluster.record_event(&object, &event);
        let why = match select(pin!(written), self.cx.clock.sleep(EVENT_PATIENCE)).await {
            Either::Left((Ok(is_new), _)) => return Some(is_new),
            Either::Left((Err(error), _)) => error.to_string(),
            Either::Right(_) => "no answer in time".to_owned(),
        };
        self.cx.progress.warn(format!("no event of this is on {}: {why}", object.id()));
        None
    }

    /// Tells that what would have been `attempted` failed.
    pub(crate) async fn tell_failure(
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
    pub(crate) async fn tell_failure_once(
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
        let canary = self.witness.about.canary(attempted, None);
        let (occasion, severity, revision) = (Occasion::Failed, Severity::Error, None);
        News { occasion, reason: "Failed", severity, revision, canary, summary }
    }

    /// Tells people, and leaves an event on a workload.
    pub(crate) async fn tell(&self, news: News<'_>, caller: &Caller) {
        join(self.record_event(news.event(caller)), self.notify(news, caller)).await;
    }

    /// The same, unless the event is there: then it was told before. Answers whether it is told; where no event can
    /// be written it is not, since others could not know.
    pub(crate) async fn tell_once(&self, news: News<'_>, caller: &Caller) -> bool {
        let written = self.record_event(news.event(caller)).await;
        if written == Some(true) {
            self.notify(news, caller).await;
        }
        written.is_some()
    }

    async fn notify(&self, news: News<'_>, caller: &Caller) {
        let notification = self.notification(news, caller);
        let told = self.cx.ports.notifier.notify(&notification);
        let why = match select(pin!(told), self.cx.clock.sleep(PATIENCE)).await {
            Either::Left((Ok(()), _)) => return,
            Either::Left((Err(error), _)) => error.to_string(),
            Either::Right(_) => "no answer in time".to_owned(),
        };
        self.cx.progress.warn(format!("nobody was told: {why}"));
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
            ..Notification::new(self.cx.now(), self.cx.service.name.clone(), occasion, severity, summary)
        }
    }
}

impl<'a> News<'a> {
    /// That a canary is gone while stable serves on: how, in one word and in others.
    pub(crate) fn of_the_end(service: &ServiceName, canary: &'a Running, end: CanaryEnd) -> Self {
        Self {
            occasion: Occasion::RolledBack,
            reason: end.reason(),
            severity: Severity::Warning,
            revision: canary.revision.as_ref(),
            canary: id(canary),
            summary: format!("{service}: the canary {} {}", canary.describe(), end.text()),
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

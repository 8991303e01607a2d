use jiff::Timestamp;
use serde::Deserialize;

use super::BugsnagClass;
use crate::events::ErrorEvent;

/// What nprt reads of an event's full report.
#[derive(Debug, Deserialize)]
pub(super) struct Event {
    #[serde(rename = "received_at")]
    at: Timestamp,
    error_id: Option<String>,
    error_class: Option<String>,
    #[serde(default)]
    exceptions: Vec<Exception>,
    #[serde(default)]
    app: App,
}

#[derive(Debug, Deserialize)]
struct Exception {
    #[serde(alias = "errorClass")]
    error_class: Option<String>,
}

/// The API keeps the names as the notifier sent them.
#[derive(Debug, Default, Deserialize)]
struct App {
    version: Option<String>,
    #[serde(alias = "releaseStage")]
    release_stage: Option<String>,
}

impl Event {
    pub(super) fn release_stage(&self) -> Option<&str> {
        self.app.release_stage.as_deref()
    }

    pub(super) fn read(self, class: BugsnagClass) -> ErrorEvent {
        // The first exception is the outermost.
        let outermost = self.exceptions.into_iter().next().and_then(|exception| exception.error_class);
        let kind = self.error_class.or(outermost).unwrap_or_default();
        let class = match (class, self.error_id) {
            (BugsnagClass::Error, Some(id)) => format!("{kind} #{id}").trim().to_owned(),
            _ => kind,
        };
        ErrorEvent { at: self.at, release: self.app.version, class }
    }
}

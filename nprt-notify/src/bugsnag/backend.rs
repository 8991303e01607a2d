use std::sync::Arc;

use async_trait::async_trait;
use nprt_core::Result;
use nprt_core::ports::{Clock, Notification, Notifier, NotifierCapabilities, Severity};

use super::client::Client;
use super::event::payload;

/// Tells a project in Bugsnag; made by [`Bugsnag::builder`].
#[derive(Debug)]
pub struct Bugsnag {
    client: Client,
    release_stage: String,
    least_severity: Severity,
    clock: Arc<dyn Clock>,
}

impl Bugsnag {
    pub(super) fn new(
        client: Client,
        release_stage: String,
        least_severity: Severity,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { client, release_stage, least_severity, clock }
    }
}

#[async_trait]
impl Notifier for Bugsnag {
    fn capabilities(&self) -> NotifierCapabilities {
        NotifierCapabilities { least_severity: self.least_severity, details: true, verdict: true }
    }

    async fn notify(&self, notification: &Notification) -> Result<()> {
        if notification.severity < self.least_severity {
            return Ok(());
        }
        let now = self.clock.now();
        self.client.post(now, &payload(notification, &self.release_stage, now)).await
    }
}

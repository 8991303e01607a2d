use std::sync::Arc;

use async_trait::async_trait;
use nprt_core::Result;
use nprt_core::ports::{Clock, Notification, Notifier, NotifierCapabilities, Severity};

use super::client::Client;
use super::event::payload;

/// Tells a project in Bugsnag of failures; made by [`Bugsnag::builder`].
#[derive(Debug)]
pub struct Bugsnag {
    client: Client,
    release_stage: String,
    clock: Arc<dyn Clock>,
}

impl Bugsnag {
    pub(super) fn new(client: Client, release_stage: String, clock: Arc<dyn Clock>) -> Self {
        Self { client, release_stage, clock }
    }
}

#[async_trait]
impl Notifier for Bugsnag {
    fn capabilities(&self) -> NotifierCapabilities {
        NotifierCapabilities { all_severities: false, details: true }
    }

    async fn notify(&self, notification: &Notification) -> Result<()> {
        if notification.severity < Severity::Error {
            return Ok(());
        }
        let now = self.clock.now();
        self.client.post(now, &payload(notification, &self.release_stage, now)).await
    }
}

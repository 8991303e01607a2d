use std::sync::Arc;

use async_trait::async_trait;
use nprt_core::Result;
use nprt_core::ports::{Clock, Notification, Notifier, NotifierCapabilities, Severity};

use super::client::Client;
use super::payload::body;

/// Tells a receiver of one's own; made by [`Webhook::builder`].
#[derive(Debug)]
pub struct Webhook {
    client: Client,
    clock: Arc<dyn Clock>,
}

impl Webhook {
    pub(super) fn new(client: Client, clock: Arc<dyn Clock>) -> Self {
        Self { client, clock }
    }
}

#[async_trait]
impl Notifier for Webhook {
    fn capabilities(&self) -> NotifierCapabilities {
        NotifierCapabilities { least_severity: Severity::Info, details: true, verdict: true }
    }

    async fn notify(&self, notification: &Notification) -> Result<()> {
        self.client.post(self.clock.now(), body(notification)?).await
    }
}

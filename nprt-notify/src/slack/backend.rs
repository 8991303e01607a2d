use async_trait::async_trait;
use nprt_core::Result;
use nprt_core::ports::{Notification, Notifier, NotifierCapabilities};

use super::client::Client;
use super::message::message;

/// Tells a channel in Slack; made by [`Slack::builder`].
#[derive(Debug)]
pub struct Slack {
    client: Client,
}

impl Slack {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }
}

#[async_trait]
impl Notifier for Slack {
    fn capabilities(&self) -> NotifierCapabilities {
        NotifierCapabilities { all_severities: true, details: true }
    }

    async fn notify(&self, notification: &Notification) -> Result<()> {
        self.client.post(&message(notification)).await
    }
}

use async_trait::async_trait;
use nprt_core::Result;
use nprt_core::ports::{Notification, Notifier, NotifierCapabilities, Severity};
use serde_json::Value;

use super::client::{WebApi, Webhook};
use super::message::message;
use super::thread;

/// Tells a channel in Slack; made by [`Slack::webhook`] or [`Slack::bot`].
#[derive(Debug)]
pub struct Slack {
    way: Way,
}

/// How messages get into the channel.
#[derive(Debug)]
pub(super) enum Way {
    Webhook(Webhook),
    Bot { api: WebApi, channel: String },
}

impl Slack {
    pub(super) fn new(way: Way) -> Self {
        Self { way }
    }
}

#[async_trait]
impl Notifier for Slack {
    fn capabilities(&self) -> NotifierCapabilities {
        NotifierCapabilities { least_severity: Severity::Info, details: true, verdict: true }
    }

    async fn notify(&self, notification: &Notification) -> Result<()> {
        let message = message(notification);
        match &self.way {
            Way::Webhook(webhook) => webhook.post(&message).await,
            Way::Bot { api, channel } => {
                api.post_message(&placed(api, channel, notification, message).await).await
            }
        }
    }
}

/// The message, for its channel and the thread of its canary. Where that cannot be found it stands by itself:
/// what it says is worth more than its place.
async fn placed(api: &WebApi, channel: &str, notification: &Notification, mut message: Value) -> Value {
    message["channel"] = channel.into();
    let Some(canary) = &notification.canary else { return message };
    let metadata = thread::metadata(&notification.service, canary);
    match thread::parent(api, channel, canary, &metadata).await {
        Ok(Some(parent)) => {
            message["thread_ts"] = parent.into();
            // What needs a look is not left to those who follow the thread.
            message["reply_broadcast"] = (notification.severity > Severity::Info).into();
        }
        Ok(None) => {}
        Err(error) => tracing::warn!("not in the canary's thread, which was not found: {error}"),
    }
    message["metadata"] = metadata;
    message
}

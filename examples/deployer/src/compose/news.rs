use std::sync::Arc;

use async_trait::async_trait;
use nprt::Result;
use nprt::ports::{Notification, Notifier, NotifierCapabilities, Occasion};

use super::Told;

/// Passes on what is to be told. A person who asked has the answer already.
#[derive(Debug)]
pub(crate) struct News {
    pub(crate) inner: Arc<dyn Notifier>,
    pub(crate) told: Told,
}

#[async_trait]
impl Notifier for News {
    fn capabilities(&self) -> NotifierCapabilities {
        self.inner.capabilities()
    }

    async fn notify(&self, notification: &Notification) -> Result<()> {
        let is_told = match notification.occasion {
            Occasion::RolledBack | Occasion::Promoted => true,
            Occasion::Failed => self.told != Told::Decisions,
            _ => self.told == Told::Everything,
        };
        if is_told { self.inner.notify(notification).await } else { Ok(()) }
    }
}

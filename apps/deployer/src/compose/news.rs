use std::sync::Arc;

use async_trait::async_trait;
use nprt::Result;
use nprt::ports::{Notification, Notifier, NotifierCapabilities, Occasion};

use super::Told;

/// Passes on what is to be told, with a link to the report where it is about a canary. A person who asked has the
/// answer already.
#[derive(Debug)]
pub(crate) struct News {
    pub(crate) inner: Arc<dyn Notifier>,
    pub(crate) told: Told,
    /// Where people reach this server.
    pub(crate) url: Option<String>,
}

#[async_trait]
impl Notifier for News {
    fn capabilities(&self) -> NotifierCapabilities {
        self.inner.capabilities()
    }

    async fn notify(&self, notification: &Notification) -> Result<()> {
        let is_told = match notification.occasion {
            Occasion::RolledBack | Occasion::Promoted | Occasion::Undecided => true,
            Occasion::Failed => self.told != Told::Decisions,
            _ => self.told == Told::Everything,
        };
        if !is_told {
            return Ok(());
        }
        let done = self.inner.notify(&self.with_link(notification)).await;
        if let Err(error) = &done {
            // Whoever asked is told as well, but may not look.
            tracing::warn!(service = %notification.service, "not everybody was told: {error}");
        }
        done
    }
}

impl News {
    fn with_link(&self, notification: &Notification) -> Notification {
        let url = self.url.as_ref().filter(|_| notification.canary.is_some());
        let report = url.map(|url| format!("{url}/{}/canary", notification.service));
        Notification { link: report.or_else(|| notification.link.clone()), ..notification.clone() }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use nprt::memory::MemoryNotifier;
    use nprt::model::ServiceName;
    use nprt::ports::Severity;

    use super::*;

    #[tokio::test]
    async fn a_person_who_has_the_answer_is_told_decisions_alone() {
        use Occasion::{CanaryStarted, Deployed, Failed, Promoted, RolledBack, Undecided};
        for (told, expected) in [
            (Told::Everything, vec![Deployed, CanaryStarted, Promoted, RolledBack, Undecided, Failed]),
            (Told::Failures, vec![Promoted, RolledBack, Undecided, Failed]),
            (Told::Decisions, vec![Promoted, RolledBack, Undecided]),
        ] {
            let inner = Arc::new(MemoryNotifier::new());
            let news = News { inner: inner.clone(), told, url: None };
            for occasion in [Deployed, CanaryStarted, Promoted, RolledBack, Undecided, Failed] {
                let shop = ServiceName::new("shop").unwrap();
                let at = Timestamp::UNIX_EPOCH;
                news.notify(&Notification::new(at, shop, occasion, Severity::Info, "x")).await.unwrap();
            }
            let heard: Vec<Occasion> = inner.told().iter().map(|one| one.occasion).collect();
            assert_eq!(heard, expected);
        }
    }
}

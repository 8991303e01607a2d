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
            Occasion::RolledBack | Occasion::Promoted | Occasion::Undecided => true,
            Occasion::Failed => self.told != Told::Decisions,
            _ => self.told == Told::Everything,
        };
        if is_told { self.inner.notify(notification).await } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
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
            let news = News { inner: inner.clone(), told };
            for occasion in [Deployed, CanaryStarted, Promoted, RolledBack, Undecided, Failed] {
                let (service, summary) = (ServiceName::new("shop").unwrap(), "x".to_owned());
                let (severity, details, revision, link) = (Severity::Info, Vec::new(), None, None);
                let notification =
                    Notification { service, occasion, severity, revision, summary, details, link };
                news.notify(&notification).await.unwrap();
            }
            let heard: Vec<Occasion> = inner.told().iter().map(|one| one.occasion).collect();
            assert_eq!(heard, expected);
        }
    }
}

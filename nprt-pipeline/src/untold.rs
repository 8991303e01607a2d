//! Tells what a process did not come to tell: one that is killed between the end of a canary and the news of it.

use std::sync::{Arc, PoisonError};

use jiff::{SignedDuration, Timestamp};
use nprt_compare::report::EventKind;
use nprt_core::Result;
use nprt_core::model::{ServiceName, Track};
use nprt_core::ports::{Occasion, Severity};

use super::Pipeline;
use super::job::Job;
use super::judge_canary::Judgement;
use super::notify::{EXPIRED, News, REPLACED, ROLLED_BACK};
use super::past_canary::PastCanary;
use super::progress::Progress;
use super::request::Caller;

/// How long the process that ended it has to announce it, and how long it is still news.
const NEWS: (SignedDuration, SignedDuration) = (SignedDuration::from_mins(1), SignedDuration::from_hours(1));

impl Pipeline {
    /// Tells of the canary that ended last, where its event says that nobody has: once, whichever process does it.
    pub(super) async fn tell_untold(&self, service: &ServiceName, progress: &Progress) -> Result<()> {
        let job = self.job(service, progress)?;
        let Some(past) = job.untold(self.told_until(service)).await? else { return Ok(()) };
        if job.tell_past(&past).await? {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            told.insert(service.clone(), past.ended);
        }
        Ok(())
    }

    /// The end of the last canary that this process knows to be told.
    fn told_until(&self, service: &ServiceName) -> Option<Timestamp> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).get(service).copied()
    }
}

impl Job<'_> {
    async fn untold(&self, told: Option<Timestamp>) -> Result<Option<PastCanary>> {
        if !self.ports.cluster.capabilities().events {
            return Ok(None);
        }
        let Some(past) = self.past_canary().await?.filter(|past| told != Some(past.ended)) else {
            return Ok(None);
        };
        let age = self.now().duration_since(past.ended);
        // It is kept just before it ends, and may not have ended.
        let goes_on = async || -> Result<bool> {
            let now = self.live().await?.running(Track::Canary);
            Ok(now.is_some_and(|now| now.started == past.canary.started))
        };
        let is_news = (NEWS.0..NEWS.1).contains(&age) && !goes_on().await?;
        Ok(is_news.then_some(past))
    }

    /// Answers whether it is told, by whomever.
    async fn tell_past(&self, past: &PastCanary) -> Result<bool> {
        let PastCanary { canary, by, reason, .. } = past;
        let service = &self.service.name;
        let news = match past.end {
            EventKind::Promoted => News {
                occasion: Occasion::Promoted,
                severity: Severity::Info,
                ..News::of_the_end(service, canary, ("Promoted", "was promoted to stable"))
            },
            EventKind::Expired => News::of_the_end(service, canary, EXPIRED),
            EventKind::Replaced => News::of_the_end(service, canary, REPLACED),
            _ => News::of_the_end(service, canary, ROLLED_BACK),
        };
        let judged =
            past.verdict.clone().zip(canary.revision.clone()).zip(canary.tag.clone()).zip(canary.started);
        let judged = judged.map(|(((verdict, revision), tag), started)| {
            let drift = canary.drift.clone();
            let (service, answers) = (service.clone(), Vec::new());
            Arc::new(Judgement { service, revision, tag, started, verdict, drift, answers })
        });
        let caller = Caller::recorded(by, reason)?.knowing(judged);
        Ok(self.tell_once(news, &caller).await)
    }
}

//! Tells what a process did not come to tell: one that is killed between the end of a canary and the news of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use nprt_compare::report::EventKind;
use nprt_core::Result;
use nprt_core::model::{ServiceName, Track};
use nprt_core::ports::{Occasion, Severity};

use crate::apply::past_canary;
use crate::apply::past_canary::PastCanary;
use crate::judgement::Judgement;
use crate::news::announcer::{CanaryEnd, News};
use crate::operation::Operation;
use crate::request::Caller;

/// How long the process that ended it has to announce it, and how long it is still news.
const NEWS: (SignedDuration, SignedDuration) = (SignedDuration::from_mins(1), SignedDuration::from_hours(1));

/// The end of the last canary of each service that this process knows to be told.
#[derive(Debug, Default)]
pub(crate) struct Told(Mutex<BTreeMap<ServiceName, Timestamp>>);

impl Told {
    fn until(&self, service: &ServiceName) -> Option<Timestamp> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(service).copied()
    }

    fn tell(&self, service: &ServiceName, ended: Timestamp) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(service.clone(), ended);
    }
}

/// Tells of the canary that ended last, where its event says that nobody has: once, whichever process does it.
pub(crate) async fn tell_untold(op: &Operation<'_>, told: &Told) -> Result<()> {
    let service = &op.cx.service.name;
    let Some(past) = untold(op, told.until(service)).await? else { return Ok(()) };
    if tell_past(op, &past).await? {
        told.tell(service, past.ended);
    }
    Ok(())
}

async fn untold(op: &Operation<'_>, told: Option<Timestamp>) -> Result<Option<PastCanary>> {
    if !op.cx.ports.cluster.capabilities().events {
        return Ok(None);
    }
    let Some(past) = past_canary::past_canary(&op.cx).await?.filter(|past| told != Some(past.ended)) else {
        return Ok(None);
    };
    let age = op.cx.now().duration_since(past.ended);
    // It is kept just before it ends, and may not have ended.
    let goes_on = async || -> Result<bool> {
        let now = op.witness.look(&op.cx).await?.running(Track::Canary);
        Ok(now.is_some_and(|now| now.started == past.canary.started))
    };
    let is_news = (NEWS.0..NEWS.1).contains(&age) && !goes_on().await?;
    Ok(is_news.then_some(past))
}

/// Answers whether it is told, by whomever.
async fn tell_past(op: &Operation<'_>, past: &PastCanary) -> Result<bool> {
    let PastCanary { canary, by, reason, .. } = past;
    let service = &op.cx.service.name;
    let news = match past.end {
        EventKind::Promoted => News {
            occasion: Occasion::Promoted,
            severity: Severity::Info,
            ..News::of_the_end(service, canary, CanaryEnd::Promoted)
        },
        EventKind::Expired => News::of_the_end(service, canary, CanaryEnd::Expired),
        EventKind::Replaced => News::of_the_end(service, canary, CanaryEnd::Replaced),
        _ => News::of_the_end(service, canary, CanaryEnd::RolledBack),
    };
    let judged =
        past.verdict.clone().zip(canary.revision.clone()).zip(canary.tag.clone()).zip(canary.started);
    let judged = judged.map(|(((verdict, revision), tag), started)| {
        let drift = canary.drift.clone();
        let (service, answers) = (service.clone(), Vec::new());
        Arc::new(Judgement { service, revision, tag, started, verdict, drift, answers })
    });
    let caller = Caller::recorded(by, reason)?.knowing(judged);
    Ok(op.news().tell_once(news, &caller).await)
}

use std::collections::BTreeMap;

use crate::statsd::{Aggregator, Fate, Reason};

/// What became of the points of a request.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) rejected: u64,
    why: BTreeMap<String, u64>,
}

/// So many reasons are said.
const MOST: usize = 8;

impl Tally {
    /// Counts a point by what became of it; `why` says more of one that was refused.
    pub(super) fn count(&mut self, aggregator: &Aggregator, fate: Fate, why: Option<String>) {
        aggregator.count_point(fate);
        let reason = match fate {
            Fate::Used | Fate::Failed | Fate::Unmapped => return,
            // It was taken: the next one is told from it.
            Fate::LeftOut(Reason::NoBase) => return,
            Fate::WrongType => "not of the form that the metric is made of",
            Fate::Unattributed => "no service or track that is one",
            Fate::Unnamed => "this service has no room: name it among the services",
            Fate::Refused => "no room",
            Fate::LeftOut(reason) => reason.as_str(),
        };
        self.rejected = self.rejected.saturating_add(1);
        let why = why.unwrap_or_else(|| reason.to_owned());
        if self.why.len() < MOST || self.why.contains_key(&why) {
            let count = self.why.entry(why).or_default();
            *count = count.saturating_add(1);
        }
    }

    /// Why points were refused.
    pub(super) fn why(&self) -> String {
        let reasons: Vec<String> = self.why.iter().map(|(why, count)| format!("{count}: {why}")).collect();
        reasons.join("; ")
    }
}

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{LeftOut, LeftOutReason};
use crate::model::{Block, Track};

/// What a [`MetricsBackend`](super::MetricsBackend) answers: what was measured, what of it could not be used, and
/// what the answer rests on.
///
/// Everything but the blocks is bounded: fill it by [`leave_out`](Self::leave_out), [`note`](Self::note) and
/// [`AnswerEvidence::query`], and put answers together by [`merge`](Self::merge). Who reads one from outside calls
/// [`bounded`](Self::bounded).
///
/// ```
/// use nprt_core::model::Track;
/// use nprt_core::ports::{LeftOutReason, Measured};
///
/// let mut measured = Measured::default();
/// measured.leave_out(LeftOutReason::NotANumber, 29_453_760_i64, Track::Canary, 1);
/// measured.leave_out(LeftOutReason::NotANumber, 29_453_760_i64, Track::Canary, 2);
/// assert_eq!((measured.left_out.len(), measured.left_out[0].points), (1, 3));
/// assert_eq!(measured.left_out[0].reason.to_string(), "NaN");
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Measured {
    /// What was measured.
    pub blocks: Vec<Block>,
    /// What is not in the blocks, although the server has it: aggregated, so that no two entries have the same
    /// reason, minute and track; sorted by these.
    pub left_out: Vec<LeftOut>,
    /// What the server says about its answer and does not make it incomplete ("PromQL info: metric might not be a
    /// counter"). A warning that the answer may be incomplete is an error, not a note.
    pub notes: Vec<String>,
    /// What the answer rests on.
    pub evidence: AnswerEvidence,
}

/// What an answer rests on. What is not known stays at its default.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AnswerEvidence {
    /// The queries that were sent, as they were sent, without credentials: each once, at most
    /// [`MOST_QUERIES`](Self::MOST_QUERIES).
    pub queries: Vec<String>,
    /// How many points the server answered with, those left out included.
    pub points: u64,
    /// How many bytes the answers had.
    pub bytes: u64,
    /// How much time a point covers.
    #[serde(rename = "resolution_seconds", with = "seconds")]
    pub resolution: Duration,
    /// The greatest relative error that a quantile of these blocks may have, from 0: half the width of the widest
    /// bucket against its middle, the sketch's accuracy. `None` where the blocks have no quantiles, or hold every
    /// sample.
    pub quantile_error: Option<f64>,
}

impl AnswerEvidence {
    /// So many queries are kept.
    pub const MOST_QUERIES: usize = 8;
    /// Longer queries are cut, in characters.
    pub const LONGEST_QUERY: usize = 1000;

    /// Adds a query that was sent, once.
    pub fn query(&mut self, query: &str) {
        add_text(&mut self.queries, query, Self::MOST_QUERIES, Self::LONGEST_QUERY);
    }

    /// Adds what another answer to the same question rests on: sums, and the worst of both.
    pub fn merge(&mut self, other: &Self) {
        other.queries.iter().for_each(|query| self.query(query));
        self.points = self.points.saturating_add(other.points);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.resolution = self.resolution.max(other.resolution);
        let errors = [self.quantile_error, other.quantile_error].into_iter().flatten();
        self.quantile_error = errors.filter(|error| error.is_finite()).reduce(f64::max);
    }
}

impl Measured {
    /// So many notes are kept.
    pub const MOST_NOTES: usize = 8;
    /// Longer notes are cut, in characters.
    pub const LONGEST_NOTE: usize = 300;
    /// So many entries of [`left_out`](Self::left_out) have a minute; what is left out beyond them is added up
    /// without one.
    pub const MOST_LEFT_OUT: usize = 10_000;

    /// Leaves out so many points. No points are no entry.
    pub fn leave_out(
        &mut self,
        reason: LeftOutReason,
        minute: impl Into<Option<i64>>,
        track: impl Into<Option<Track>>,
        points: u64,
    ) {
        let left_out = LeftOut { reason, minute: minute.into(), track: track.into(), points };
        if points == 0 {
            return;
        }
        if let Err(left_out) = self.add(left_out) {
            // There is room for the few entries without a minute.
            let _ = self.add(LeftOut { minute: None, ..left_out });
        }
    }

    /// Adds it, where there is such an entry or room for one.
    fn add(&mut self, left_out: LeftOut) -> Result<(), LeftOut> {
        match self.left_out.binary_search_by_key(&left_out.order(), LeftOut::order) {
            Ok(at) => {
                if let Some(same) = self.left_out.get_mut(at) {
                    same.points = same.points.saturating_add(left_out.points);
                }
            }
            Err(_) if left_out.minute.is_some() && self.timed() >= Self::MOST_LEFT_OUT => {
                return Err(left_out);
            }
            Err(at) => self.left_out.insert(at, left_out),
        }
        Ok(())
    }

    /// How many of what is left out have a minute. They are sorted: in the order of a reason, those without come first.
    fn timed(&self) -> usize {
        let (mut rest, mut timed) = (self.left_out.as_slice(), 0);
        while let Some(first) = rest.first() {
            let end = rest.partition_point(|left_out| left_out.reason == first.reason);
            let (of_reason, others) = rest.split_at(end);
            timed += of_reason.len() - of_reason.partition_point(|left_out| left_out.minute.is_none());
            rest = others;
        }
        timed
    }

    /// Passes a note of the server on, once.
    pub fn note(&mut self, note: &str) {
        add_text(&mut self.notes, note, Self::MOST_NOTES, Self::LONGEST_NOTE);
    }

    /// Adds another answer to the same question, of other minutes or other places. The blocks are sorted after it.
    pub fn merge(&mut self, other: Self) {
        // The usual case, later minutes, costs no look at all that is there already.
        let follows =
            self.blocks.last().zip(other.blocks.first()).is_none_or(|(a, b)| a.order() <= b.order());
        let sorted = follows && other.blocks.is_sorted_by_key(Block::order);
        self.blocks.extend(other.blocks);
        if !sorted {
            self.blocks.sort_by(|a, b| a.order().cmp(&b.order()));
        }
        for LeftOut { reason, minute, track, points } in other.left_out {
            self.leave_out(reason, minute, track, points);
        }
        other.notes.iter().for_each(|note| self.note(note));
        self.evidence.merge(&other.evidence);
    }

    /// The same within all bounds: for an answer whose fields somebody else filled.
    #[must_use]
    pub fn bounded(self) -> Self {
        // Aggregated first: entries that come in no order are not to be inserted one by one.
        let mut sums: BTreeMap<_, u64> = BTreeMap::new();
        for left_out in &self.left_out {
            let sum = sums.entry(left_out.order()).or_default();
            *sum = sum.saturating_add(left_out.points);
        }
        let left_out = sums
            .into_iter()
            .map(|((reason, minute, track), points)| LeftOut { reason, minute, track, points })
            .collect();
        let mut bounded = Self { blocks: self.blocks, ..Self::default() };
        bounded.merge(Self { left_out, notes: self.notes, evidence: self.evidence, ..Self::default() });
        bounded
    }
}

impl From<Vec<Block>> for Measured {
    fn from(blocks: Vec<Block>) -> Self {
        Self { blocks, ..Self::default() }
    }
}

/// Adds a text that is not there yet, cut where it is too long, while there is room.
fn add_text(texts: &mut Vec<String>, text: &str, most: usize, longest: usize) {
    let text = text.trim();
    if texts.len() >= most || text.is_empty() {
        return;
    }
    let text = match text.char_indices().nth(longest) {
        None => text.to_owned(),
        Some(_) => text.chars().take(longest.saturating_sub(1)).chain(['…']).collect(),
    };
    if !texts.contains(&text) {
        texts.push(text);
    }
}

/// Whole seconds.
mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(duration.as_secs())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_secs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_added_up_and_bounded() {
        let mut measured = Measured::default();
        let minutes = i64::try_from(Measured::MOST_LEFT_OUT).unwrap() + 500;
        for minute in (0..minutes).rev() {
            measured.leave_out(LeftOutReason::Infinite, minute, None, 2);
            measured.leave_out(LeftOutReason::Infinite, minute, None, 0);
        }
        let left = &measured.left_out;
        assert_eq!(left.len(), Measured::MOST_LEFT_OUT + 1);
        assert!(left.is_sorted_by_key(LeftOut::order));
        assert_eq!(left.iter().map(|left| left.points).sum::<u64>(), 2 * minutes.unsigned_abs());
        assert_eq!((left[0].minute, left[0].points), (None, 1000));
        assert_eq!(measured.clone().bounded(), measured);
    }

    #[test]
    fn an_answer_that_somebody_else_filled_is_bounded() {
        let left_out =
            |minute| LeftOut { reason: LeftOutReason::Negative, minute, track: None, points: u64::MAX };
        let strange = Measured {
            left_out: vec![left_out(Some(2)), left_out(Some(1)), left_out(Some(2))],
            notes: (0..99).map(|note| format!("{note}{}", "x".repeat(400))).collect(),
            evidence: AnswerEvidence { queries: vec!["up".to_owned(); 99], ..Default::default() },
            ..Default::default()
        };
        let bounded = strange.bounded();
        assert_eq!(bounded.left_out, [left_out(Some(1)), left_out(Some(2))]);
        assert_eq!((bounded.notes.len(), bounded.evidence.queries.len()), (Measured::MOST_NOTES, 1));
        assert!(bounded.notes.iter().all(|note| note.chars().count() == Measured::LONGEST_NOTE));
    }

    #[test]
    fn answers_merge_to_the_worst_of_both() {
        let answer = |seconds, quantile_error| Measured {
            evidence: AnswerEvidence {
                queries: vec!["up".to_owned()],
                points: 3,
                bytes: 40,
                resolution: Duration::from_secs(seconds),
                quantile_error,
            },
            notes: vec!["info".to_owned()],
            ..Default::default()
        };
        let mut whole = answer(15, Some(f64::NAN));
        whole.merge(answer(60, Some(0.01)));
        whole.merge(answer(30, None));
        assert_eq!(
            whole.evidence,
            AnswerEvidence { points: 9, bytes: 120, ..answer(60, Some(0.01)).evidence }
        );
        assert_eq!(whole.notes, ["info"]);
    }
}

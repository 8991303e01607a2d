use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

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
/// measured.leave_out(LeftOutReason::NotANumber, 29_453_760, Track::Canary, 1);
/// measured.leave_out(LeftOutReason::NotANumber, 29_453_760, Track::Canary, 2);
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

/// Points that a [`MetricsBackend`](super::MetricsBackend) could not use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LeftOut {
    /// Why.
    pub reason: LeftOutReason,
    /// The minute since 1970; `None` where the points have no time: they count for the whole answer.
    #[serde(default)]
    pub minute: Option<i64>,
    /// The track; `None` where it is not known.
    #[serde(default)]
    pub track: Option<Track>,
    /// How many. Of samples each is one; of every other shape, a place (pod and route) is one in a minute: a histogram
    /// with a bad bucket is one point, not one for each bucket.
    pub points: u64,
}

/// Why points are left out. More reasons may come; one that this version does not know is read as `Other`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum LeftOutReason {
    /// NaN, as 0/0 is.
    NotANumber,
    /// An infinite number.
    Infinite,
    /// A negative number where none can be: a time, a count.
    Negative,
    /// A count that is not whole, where it must be.
    NotWhole,
    /// A finite number that is too great to be one of these.
    TooGreat,
    /// Nothing says of which track it is.
    NoTrack,
    /// A change of a gauge whose value before is not known.
    NoBase,
    /// A request, and nothing says whether it failed.
    UnknownStatus,
    /// It cannot be read.
    Malformed,
    /// It contradicts another: a bucket that holds less than a lower one, two numbers for one place.
    Contradictory,
    /// It covers more than a minute.
    Resolution,
    /// There was no room to keep it.
    NoRoom,
    /// Any other reason.
    #[serde(other)]
    Other,
}

impl LeftOutReason {
    /// The reason in words, for people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotANumber => "NaN",
            Self::Infinite => "infinite",
            Self::Negative => "negative",
            Self::NotWhole => "not whole",
            Self::TooGreat => "too great",
            Self::NoTrack => "no track",
            Self::NoBase => "no value before",
            Self::UnknownStatus => "unknown status",
            Self::Malformed => "malformed",
            Self::Contradictory => "contradictory",
            Self::Resolution => "coarser than a minute",
            Self::NoRoom => "no room",
            Self::Other => "other",
        }
    }

    /// Why a number that is not finite is left out; `None` for a finite one.
    #[must_use]
    pub fn of_number(number: f64) -> Option<Self> {
        if number.is_nan() { Some(Self::NotANumber) } else { number.is_infinite().then_some(Self::Infinite) }
    }
}

impl fmt::Display for LeftOutReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
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
            Err(_) if left_out.minute.is_some() && self.left_out.len() >= Self::MOST_LEFT_OUT => {
                return Err(left_out);
            }
            Err(at) => self.left_out.insert(at, left_out),
        }
        Ok(())
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

impl LeftOut {
    fn order(&self) -> (LeftOutReason, Option<i64>, Option<Track>) {
        (self.reason, self.minute, self.track)
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
            notes: (0..99).map(|note| format!("{note:0400}")).collect(),
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

    #[test]
    fn the_reason_of_a_later_version_is_read() {
        let read = |reason: &str| {
            serde_json::from_str::<LeftOut>(&format!(r#"{{"reason": "{reason}", "points": 1}}"#))
                .unwrap()
                .reason
        };
        assert_eq!(read("not-a-number"), LeftOutReason::NotANumber);
        assert_eq!(read("of-tomorrow"), LeftOutReason::Other);
    }
}

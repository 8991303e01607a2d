use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;

use crate::model::{Block, BlockData, MetricName, ServiceName, TimeRange};
use crate::ports::{
    AnswerEvidence, Clock, Lost, Measured, MetricQuery, MetricsBackend, MetricsCapabilities, Versions,
};
use crate::{Error, Result};

/// A metrics backend that is asked for each minute once: what it answered of minutes that are long over is kept,
/// and only the rest is asked for again. A page that shows a canary costs the server then no more than its last minutes.
///
/// It keeps minutes that are over for a quarter of an hour, up to two minutes before the newest block: a backend that is late
/// hides nothing. An answer that is kept no longer changes. Use it for backends with
/// [`history`](MetricsCapabilities::history). It keeps some 20 MB; a longer answer is asked for each time.
#[derive(Debug)]
pub struct KeptMinutes<T> {
    inner: T,
    clock: Arc<dyn Clock>,
    kept: Mutex<Kept>,
}

/// Minutes that are over for so long may be kept: a backend may still receive data for younger ones.
const OVER: i64 = 15;
/// So many minutes before its newest block a backend may still be late, as the pipeline reckons.
const LATE: i64 = 2;
/// How much is kept in all, in numbers of 8 bytes.
const MOST: usize = 2_500_000;

type Key = (ServiceName, MetricName, Vec<String>, Vec<String>);

#[derive(Debug, Default)]
struct Kept {
    pieces: BTreeMap<Key, Vec<Piece>>,
    weight: usize,
}

/// What was answered of minutes in a row.
#[derive(Debug, Clone)]
struct Piece {
    minutes: Range<i64>,
    measured: Arc<Measured>,
}

impl<T: MetricsBackend> KeptMinutes<T> {
    /// Wraps `inner`; `clock` says which minutes are over.
    #[must_use]
    pub fn new(inner: T, clock: Arc<dyn Clock>) -> Self {
        Self { inner, clock, kept: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Nothing panics while it holds the lock.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Piece {
    fn holds(&self, minute: i64) -> bool {
        self.minutes.contains(&minute)
    }

    /// Its size, roughly, in numbers of 8 bytes.
    fn weight(&self) -> usize {
        let block = |block: &Block| match &block.data {
            BlockData::Histogram { edges, counts } => edges.len() + counts.len(),
            BlockData::Samples(samples) => samples.len(),
            BlockData::Classes(classes) => 12 * classes.len(),
            BlockData::Value(_) | BlockData::Requests { .. } => 0,
        };
        let blocks: usize = self.measured.blocks.iter().map(|of| 40 + block(of)).sum();
        200 + blocks + 6 * self.measured.left_out.len()
    }
}

/// What an answer has of some minutes, as if nothing had been sent for it.
fn part(answer: &Measured, minutes: &Range<i64>) -> Measured {
    let Measured { blocks, left_out, notes, evidence } = answer;
    let is_in = |minute: Option<i64>| minute.is_none_or(|minute| minutes.contains(&minute));
    Measured {
        blocks: blocks.iter().filter(|block| minutes.contains(&block.minute)).cloned().collect(),
        left_out: left_out.iter().filter(|left_out| is_in(left_out.minute)).copied().collect(),
        notes: notes.clone(),
        evidence: AnswerEvidence { points: 0, bytes: 0, ..evidence.clone() },
    }
}

impl Kept {
    fn piece(&self, key: &Key, minute: i64) -> Option<Piece> {
        self.pieces.get(key)?.iter().find(|piece| piece.holds(minute)).cloned()
    }

    /// Keeps a piece in the place of those that it covers.
    fn keep(&mut self, key: Key, piece: Piece) {
        let is_covered =
            |old: &Piece| piece.minutes.start <= old.minutes.start && old.minutes.end <= piece.minutes.end;
        for old in self.pieces.entry(key.clone()).or_default().extract_if(.., |old| is_covered(old)) {
            self.weight = self.weight.saturating_sub(old.weight());
        }
        let weight = piece.weight();
        if self.weight.saturating_add(weight) > MOST {
            *self = Self::default();
        }
        if weight <= MOST {
            self.weight += weight;
            self.pieces.entry(key).or_default().push(piece);
        }
    }
}

/// The minutes of an answer that may be kept. What is left out and has no minute would count again with each part.
fn settled(answer: &Measured, minutes: &Range<i64>, now: i64) -> Range<i64> {
    let newest = answer.blocks.iter().map(|block| block.minute).max();
    let is_timed = answer.left_out.iter().all(|left_out| left_out.minute.is_some());
    let until = newest.filter(|_| is_timed).map_or(minutes.start, |newest| newest + 1 - LATE);
    minutes.start..until.min(now.saturating_sub(OVER)).min(minutes.end)
}

fn key(query: &MetricQuery) -> Key {
    let Versions { canary, stable } = query.versions.clone();
    (query.service.clone(), query.metric.clone(), canary, stable)
}

fn range(minutes: &Range<i64>) -> Result<TimeRange> {
    let at = |minute: i64| {
        Timestamp::from_second(minute.saturating_mul(60))
            .map_err(|_| Error::invalid("metrics.blocks", "expected a minute that is a time"))
    };
    TimeRange::new(at(minutes.start)?, at(minutes.end)?)
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<T: MetricsBackend> MetricsBackend for KeptMinutes<T> {
    fn capabilities(&self) -> MetricsCapabilities {
        self.inner.capabilities()
    }

    async fn blocks(&self, query: &MetricQuery) -> Result<Measured> {
        let (key, now) = (key(query), self.clock.now());
        let asked = query.range.complete_minutes(now);
        let known = self.lock().piece(&key, asked.start);
        let rest = known.as_ref().map_or(asked.start, |piece| piece.minutes.end.min(asked.end))..asked.end;
        let mut answer =
            known.as_ref().map(|piece| part(&piece.measured, &(asked.start..rest.start))).unwrap_or_default();
        if known.is_some() && rest.is_empty() {
            return Ok(answer);
        }
        let more = self.inner.blocks(&MetricQuery { range: range(&rest)?, ..query.clone() }).await?;
        let settled = settled(&more, &rest, Block::minute_of(now));
        if !settled.is_empty() {
            let (start, mut whole) = match known {
                Some(piece) => (piece.minutes.start, Arc::unwrap_or_clone(piece.measured)),
                None => (settled.start, Measured::default()),
            };
            whole.merge(part(&more, &settled));
            self.lock().keep(key, Piece { minutes: start..settled.end, measured: Arc::new(whole) });
        }
        answer.merge(more);
        Ok(answer)
    }

    async fn known_since(&self) -> Result<Option<Timestamp>> {
        self.inner.known_since().await
    }

    async fn lost(&self, service: &ServiceName, range: TimeRange) -> Result<Vec<Lost>> {
        self.inner.lost(service, range).await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::ManualClock;
    use crate::model::{BlockData, Track};
    use crate::ports::no_such_metric;

    /// Has values of `cpu` in some minutes, and says which minutes it was asked for.
    #[derive(Debug)]
    struct Counting(Mutex<Vec<i64>>, Mutex<Vec<Range<i64>>>);

    impl Counting {
        fn block(minute: i64) -> Block {
            let (metric, data) = (MetricName::new("cpu").unwrap(), BlockData::Value(minute as f64));
            Block { minute, track: Track::Stable, version: None, pod: None, route: None, metric, data }
        }
    }

    #[async_trait]
    impl MetricsBackend for Counting {
        fn capabilities(&self) -> MetricsCapabilities {
            MetricsCapabilities::default()
        }

        async fn blocks(&self, query: &MetricQuery) -> Result<Measured> {
            let minutes = query.range.complete_minutes(Timestamp::MAX);
            self.1.lock().unwrap().push(minutes.clone());
            if query.metric.as_str() != "cpu" {
                return Err(no_such_metric("test.blocks", &query.metric, []));
            }
            let known = self.0.lock().unwrap();
            let blocks = known.iter().copied().filter(|minute| minutes.contains(minute)).map(Self::block);
            Ok(Measured { blocks: blocks.collect(), ..Measured::default() })
        }

        async fn known_since(&self) -> Result<Option<Timestamp>> {
            Ok(None)
        }
    }

    /// A backend with a value in each of the first 40 minutes, at the end of them.
    fn world() -> (KeptMinutes<Counting>, Arc<ManualClock>, MetricQuery) {
        let clock = Arc::new(ManualClock::default());
        let service = ServiceName::new("shop").unwrap();
        let first = Block::minute_of(clock.now());
        let minutes = Mutex::new((first..first + 40).collect());
        clock.advance(Duration::from_secs(40 * 60));
        let metric = MetricName::new("cpu").unwrap();
        let range = range(&(first..first + 40)).unwrap();
        let query = MetricQuery { service, metric, range, versions: Versions::default() };
        (KeptMinutes::new(Counting(minutes, Mutex::default()), clock.clone()), clock, query)
    }

    #[tokio::test]
    async fn minutes_that_are_over_are_asked_for_once() {
        let (kept, clock, query) = world();
        let first = query.range.complete_minutes(Timestamp::MAX).start;
        let direct = kept.inner.blocks(&query).await.unwrap().blocks;
        kept.inner.1.lock().unwrap().clear();
        for _ in 0..3 {
            assert_eq!(kept.blocks(&query).await.unwrap().blocks, direct);
        }
        clock.advance(Duration::from_secs(60 * 60));
        let part = MetricQuery { range: range(&(first + 5..first + 9)).unwrap(), ..query.clone() };
        assert_eq!(kept.blocks(&part).await.unwrap().blocks, direct[5..9]);
        assert_eq!(kept.blocks(&query).await.unwrap().blocks, direct);
        assert_eq!(kept.blocks(&query).await.unwrap().blocks, direct);
        let asked: Vec<_> =
            kept.inner.1.lock().unwrap().iter().map(|of| of.start - first..of.end - first).collect();
        // The last minutes while they are young; the last two always: their backend may be late.
        assert_eq!(asked, [0..40, 25..40, 25..40, 25..40, 38..40]);
        assert_eq!(kept.lock().pieces.values().flatten().count(), 1);
    }

    #[tokio::test]
    async fn what_is_not_configured_stays_an_error_and_other_questions_are_others() {
        let (kept, _, query) = world();
        let none = MetricQuery { metric: MetricName::new("none").unwrap(), ..query.clone() };
        for _ in 0..2 {
            assert!(kept.blocks(&none).await.unwrap_err().is_not_configured());
        }
        kept.blocks(&query).await.unwrap();
        let versions = Versions { canary: vec!["b".to_owned()], stable: Vec::new() };
        kept.blocks(&MetricQuery { versions, ..query }).await.unwrap();
        assert_eq!(kept.inner.1.lock().unwrap().len(), 4);
    }

    #[tokio::test]
    async fn minutes_that_a_backend_tells_late_are_asked_for_again() {
        let (kept, clock, query) = world();
        let first = query.range.complete_minutes(Timestamp::MAX).start;
        clock.advance(Duration::from_secs(60 * 60));
        let long = MetricQuery { range: range(&(first..first + 80)).unwrap(), ..query.clone() };
        kept.blocks(&long).await.unwrap();
        // Long over, and nobody knew of it until now.
        kept.inner.0.lock().unwrap().push(first + 45);
        let newest = kept.blocks(&long).await.unwrap().blocks.last().map(|block| block.minute - first);
        assert_eq!(newest, Some(45));
    }
}

//! The contract of [`MetricsBackend`].
//!
//! The fixture puts measurements into the system behind the backend and says by [`Recorded`] what the
//! backend must answer; [`all`] then asks for it in every way that the contract speaks of.

use std::collections::BTreeSet;

use futures_util::FutureExt as _;
use jiff::{SignedDuration, Timestamp};

use crate::model::{Block, BlockData, BlockShape, MetricName, ServiceName, TimeRange, Track};
use crate::ports::{LeftOut, Measured, MetricQuery, MetricsBackend, Versions};
use crate::{ErrorKind, Result};

/// What was recorded, and so what the backend must answer.
///
/// There must be both tracks, a minute without data between others, and each claimed shape; data in the
/// minute that still runs should be recorded too, but does not stand here.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The service.
    pub service: ServiceName,
    /// Every block of every metric, of complete minutes; samples in any order.
    pub blocks: Vec<Block>,
}

impl Recorded {
    fn metrics(&self) -> BTreeSet<&MetricName> {
        self.blocks.iter().map(|block| &block.metric).collect()
    }

    fn of(&self, metric: &MetricName, keep: impl Fn(&Block) -> bool) -> Vec<Block> {
        let mut blocks: Vec<Block> =
            self.blocks.iter().filter(|block| block.metric == *metric && keep(block)).cloned().collect();
        blocks.sort_by(|a, b| a.order().cmp(&b.order()));
        blocks
    }

    fn minutes(&self) -> (i64, i64) {
        let minutes = || self.blocks.iter().map(|block| block.minute);
        (minutes().min().unwrap_or_default(), minutes().max().unwrap_or_default())
    }

    fn range(&self) -> TimeRange {
        let (first, last) = self.minutes();
        range(first * 60, last * 60 + 60)
    }

    /// The question, with the versions that were recorded of each track.
    fn query(&self, metric: MetricName, range: TimeRange) -> MetricQuery {
        let of = |track| {
            let blocks = self.blocks.iter().filter(|block| block.track == track);
            let versions: BTreeSet<&String> = blocks.filter_map(|block| block.version.as_ref()).collect();
            versions.into_iter().cloned().collect()
        };
        let versions = Versions { canary: of(Track::Canary), stable: of(Track::Stable) };
        MetricQuery { service: self.service.clone(), metric, range, versions }
    }

    async fn ask(&self, backend: &dyn MetricsBackend, metric: &MetricName, range: TimeRange) -> Vec<Block> {
        let query = self.query(metric.clone(), range);
        let answer = backend.blocks(&query).await;
        let measured = expect(&query, answer);
        assert_bounded(&query, &measured);
        measured.blocks
    }
}

/// Every function below. `reopened` is a second backend, made after everything was recorded, as another
/// process would have it.
///
/// # Panics
/// Where the backend breaks its contract, or the fixture records too little to tell.
pub async fn all(backend: &dyn MetricsBackend, reopened: &dyn MetricsBackend, recorded: &Recorded) {
    fixture_suffices(backend, recorded);
    answers_what_was_recorded(backend, recorded).await;
    answers_within_the_range(backend, recorded).await;
    leaves_out_the_running_minute(backend, recorded).await;
    unknown_metric_is_not_configured(backend, recorded).await;
    leaves_nothing_out_of_good_data(backend, recorded).await;
    other_service_has_no_blocks(backend, recorded).await;
    dropped_call_breaks_nothing(backend, recorded).await;
    history_is_as_claimed(backend, reopened, recorded).await;
    says_since_when_it_knows(backend, recorded).await;
}

/// The fixture records every claimed shape, both tracks, pods and routes as claimed, and a gap.
///
/// # Panics
/// Where it does not.
pub fn fixture_suffices(backend: &dyn MetricsBackend, recorded: &Recorded) {
    let claimed = backend.capabilities();
    let shapes: BTreeSet<BlockShape> = recorded.blocks.iter().map(|block| block.data.shape()).collect();
    assert_eq!(shapes, claimed.shapes, "the fixture's shapes are those that the backend claims");
    assert_eq!(recorded.blocks.iter().any(|block| block.pod.is_some()), claimed.pods, "pods are as claimed");
    assert_eq!(recorded.blocks.iter().any(|block| block.route.is_some()), claimed.routes, "so are routes");
    for track in [Track::Stable, Track::Canary] {
        assert!(recorded.blocks.iter().any(|block| block.track == track), "the fixture has no {track}");
    }
    let (first, last) = recorded.minutes();
    let gap = (first..last).any(|minute| recorded.blocks.iter().all(|block| block.minute != minute));
    assert!(gap, "the fixture has no minute without data between others");
}

/// Each metric answers with exactly the recorded blocks: complete, sorted, none twice, no invented one in
/// a gap.
///
/// # Panics
/// Where it does not.
pub async fn answers_what_was_recorded(backend: &dyn MetricsBackend, recorded: &Recorded) {
    for metric in recorded.metrics() {
        let answer = recorded.ask(backend, metric, recorded.range()).await;
        assert_same(&recorded.of(metric, |_| true), &answer, "all that was recorded");
        let distinct: BTreeSet<_> = answer.iter().map(Block::order).collect();
        assert_eq!(distinct.len(), answer.len(), "{metric}: a block came twice");
        assert!(answer.is_sorted_by_key(Block::order), "{metric}: the blocks are not sorted");
    }
}

/// A minute is in the answer exactly when it lies wholly in the range.
///
/// # Panics
/// Where that is not so.
pub async fn answers_within_the_range(backend: &dyn MetricsBackend, recorded: &Recorded) {
    let metrics = recorded.metrics();
    let (first, _) = recorded.minutes();
    for metric in metrics {
        let of_first = recorded.of(metric, |block| block.minute == first);
        for (from, to, expected) in [
            (first * 60, first * 60 + 60, of_first.as_slice()),
            (first * 60 - 59, first * 60 + 119, of_first.as_slice()),
            (first * 60 + 1, first * 60 + 60, &[]),
            (first * 60, first * 60 + 59, &[]),
            (first * 60, first * 60, &[]),
        ] {
            let answer = recorded.ask(backend, metric, range(from, to)).await;
            // Another metric may begin a minute earlier: only whole minutes of the range count.
            assert_same(expected, &answer, &format!("from second {from} to {to}"));
        }
    }
}

/// A range that reaches past the present ends with the last complete minute.
///
/// # Panics
/// Where the answer holds more.
pub async fn leaves_out_the_running_minute(backend: &dyn MetricsBackend, recorded: &Recorded) {
    for metric in recorded.metrics() {
        let whole = recorded.range();
        let end = whole.end().checked_add(SignedDuration::from_hours(2)).unwrap_or(Timestamp::MAX);
        let Ok(longer) = TimeRange::new(whole.start(), end) else { continue };
        let answer = recorded.ask(backend, metric, longer).await;
        assert_same(&recorded.of(metric, |_| true), &answer, "a range into the future");
    }
}

/// A metric that is not configured is `NotConfigured`, permanent, with those that are: the same that the backend claims.
///
/// # Panics
/// Where it is answered, or fails otherwise.
pub async fn unknown_metric_is_not_configured(backend: &dyn MetricsBackend, recorded: &Recorded) {
    let metric: MetricName = expect(&"the name of a metric", "no-such-metric".parse());
    let query = recorded.query(metric, recorded.range());
    let answer = backend.blocks(&query).await;
    assert!(answer.is_err(), "no-such-metric was answered with {answer:?}");
    let Err(error) = answer else { return };
    assert_eq!(error.kind(), ErrorKind::NotConfigured, "{error}");
    assert!(!error.is_temporary(), "{error}");
    for metric in recorded.metrics() {
        assert!(error.available().iter().any(|name| name == metric.as_str()), "no {metric} in {error}");
    }
    if let Some(claimed) = backend.capabilities().metrics {
        let said: BTreeSet<&str> = error.available().iter().map(String::as_str).collect();
        assert_eq!(claimed.iter().map(MetricName::as_str).collect::<BTreeSet<_>>(), said, "of {error}");
    }
}

/// Of what was recorded nothing is left out.
///
/// # Panics
/// Where something is.
pub async fn leaves_nothing_out_of_good_data(backend: &dyn MetricsBackend, recorded: &Recorded) {
    for metric in recorded.metrics() {
        leaves_out(backend, recorded, metric, &[]).await;
    }
}

/// Exactly this is left out of a metric, in the minutes that were recorded: for a fixture that puts bad points
/// beside the good ones, which are answered all the same. It is not among [`all`].
///
/// # Panics
/// Where that is not so.
pub async fn leaves_out(
    backend: &dyn MetricsBackend,
    recorded: &Recorded,
    metric: &MetricName,
    expected: &[LeftOut],
) {
    let query = recorded.query(metric.clone(), recorded.range());
    let answer = backend.blocks(&query).await;
    let measured = expect(&query, answer);
    assert_bounded(&query, &measured);
    assert_same(&recorded.of(metric, |_| true), &measured.blocks, "beside what is left out");
    assert_eq!(measured.left_out, expected, "left out of {metric}");
}

/// What is not a block stays within its bounds and the range.
fn assert_bounded(query: &MetricQuery, measured: &Measured) {
    assert_eq!(
        measured,
        &measured.clone().bounded(),
        "the answer to {query:?} is not aggregated within its bounds"
    );
    let minutes = query.range.complete_minutes(Timestamp::MAX);
    for LeftOut { minute, points, .. } in &measured.left_out {
        assert!(minute.is_none_or(|minute| minutes.contains(&minute)), "{query:?}: left out of {minute:?}");
        assert!(*points > 0, "{query:?}: no points left out");
    }
    let error = measured.evidence.quantile_error;
    assert!(error.is_none_or(|error| error.is_finite() && error >= 0.0), "{query:?}: an error of {error:?}");
}

/// A service that nothing was measured of has no blocks.
///
/// # Panics
/// Where it has, or the call fails.
pub async fn other_service_has_no_blocks(backend: &dyn MetricsBackend, recorded: &Recorded) {
    let other = Recorded {
        service: expect(&"the name of a service", ServiceName::new("no-such-service")),
        blocks: recorded.blocks.clone(),
    };
    for metric in recorded.metrics() {
        assert_same(&[], &other.ask(backend, metric, recorded.range()).await, "of no-such-service");
    }
}

/// A call that was dropped half-way leaves the next one whole.
///
/// # Panics
/// Where it does not.
pub async fn dropped_call_breaks_nothing(backend: &dyn MetricsBackend, recorded: &Recorded) {
    for metric in recorded.metrics() {
        let dropped = recorded.ask(backend, metric, recorded.range()).now_or_never();
        drop(dropped);
        let answer = recorded.ask(backend, metric, recorded.range()).await;
        assert_same(&recorded.of(metric, |_| true), &answer, "after a dropped call");
    }
}

/// With history, a backend made later answers the same; without, it knows nothing.
///
/// # Panics
/// Where that is not so.
pub async fn history_is_as_claimed(
    backend: &dyn MetricsBackend,
    reopened: &dyn MetricsBackend,
    recorded: &Recorded,
) {
    let history = backend.capabilities().history;
    assert_eq!(reopened.capabilities(), backend.capabilities());
    for metric in recorded.metrics() {
        let answer = recorded.ask(reopened, metric, recorded.range()).await;
        assert_same(&recorded.of(metric, |_| history), &answer, "of a backend made later");
    }
}

/// Without history it says since when it knows, and that is no later than what it answers with.
///
/// # Panics
/// Where it does not.
pub async fn says_since_when_it_knows(backend: &dyn MetricsBackend, recorded: &Recorded) {
    let answer = backend.known_since().await;
    let since = expect(&"known_since", answer);
    assert_eq!(since.is_none(), backend.capabilities().history, "only with history it always did: {since:?}");
    assert!(since.is_none_or(|since| since <= recorded.range().start()), "it knows what it answered with");
}

fn range(from: i64, to: i64) -> TimeRange {
    let at = |second| Timestamp::from_second(second).unwrap_or(Timestamp::MAX);
    expect(&"a range of time", TimeRange::new(at(from), at(to)))
}

#[expect(clippy::panic, reason = "this is how the suite says what is wrong")]
fn expect<T>(what: &dyn std::fmt::Debug, result: Result<T>) -> T {
    result.unwrap_or_else(|error| panic!("{what:?} failed: {error:?}"))
}

fn assert_same(expected: &[Block], answer: &[Block], what: &str) {
    let same = expected.len() == answer.len() && expected.iter().zip(answer).all(|(a, b)| same(a, b));
    assert!(same, "{what}: expected {expected:#?}\nanswered {answer:#?}");
}

/// Equal but for the order of samples and a rounding of one in a thousand million: a server may keep
/// another unit.
fn same(a: &Block, b: &Block) -> bool {
    a.order().eq(&b.order()) && a.metric == b.metric && comparable(&a.data, &b.data)
}

fn comparable(a: &BlockData, b: &BlockData) -> bool {
    let near = |a: &f64, b: &f64| (a - b).abs() <= 1e-9 * a.abs();
    let all_near = |a: &[f64], b: &[f64]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| near(a, b));
    let sorted = |samples: &[f64]| {
        let mut samples = samples.to_vec();
        samples.sort_by(f64::total_cmp);
        samples
    };
    match (a, b) {
        (BlockData::Samples(a), BlockData::Samples(b)) => all_near(&sorted(a), &sorted(b)),
        (BlockData::Value(a), BlockData::Value(b)) => near(a, b),
        (BlockData::Histogram { edges: a, counts: n }, BlockData::Histogram { edges: b, counts: m }) => {
            all_near(a, b) && n == m
        }
        (a, b) => a == b,
    }
}

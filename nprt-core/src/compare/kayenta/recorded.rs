use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::aggregate::aggregate;
use super::config::CanaryConfig;
use super::pair::{MetricSetPair, PairScope, PairValues};
use crate::compare::Percentile;
use crate::model::{Block, BlockData, MetricName, TimeRange, Track};
use crate::{Error, ErrorKind, Result};

/// No run is longer than a month of minutes.
const LONGEST: usize = 31 * 24 * 60;

/// Which of our metrics a metric of a Kayenta config is, in place of its query: `{"metric": "latency",
/// "statistic": "p95"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The metric of the blocks.
    pub metric: MetricName,
    /// What becomes of a minute's blocks.
    pub statistic: Statistic,
}

/// One value of all the blocks that a track has in a minute: all pods and routes together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Statistic {
    /// `mean`: of all samples, or of the pods' values.
    Mean,
    /// `sum`: of the pods' values, of requests, or of all classes' errors.
    Sum,
    /// `error_rate`: failed requests of all.
    ErrorRate,
    /// `p95`: the percentile of all samples or of the merged histogram. Beyond a histogram's last edge it is
    /// that edge.
    Percentile(Percentile),
}

impl fmt::Display for Statistic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mean => f.write_str("mean"),
            Self::Sum => f.write_str("sum"),
            Self::ErrorRate => f.write_str("error_rate"),
            Self::Percentile(percentile) => percentile.fmt(f),
        }
    }
}

impl From<Statistic> for String {
    fn from(statistic: Statistic) -> Self {
        statistic.to_string()
    }
}

impl TryFrom<String> for Statistic {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        let percent = || text.strip_prefix('p')?.parse().ok();
        match text.as_str() {
            "mean" => Ok(Self::Mean),
            "sum" => Ok(Self::Sum),
            "error_rate" => Ok(Self::ErrorRate),
            _ => match percent() {
                Some(percent) => Percentile::new(percent).map(Self::Percentile),
                None => Err(Error::invalid("kayenta.source", "unknown statistic")
                    .with("statistic", format_args!("{text:?}"))
                    .with_available(["mean", "sum", "error_rate", "p50", "p95", "p99"])),
            },
        }
    }
}

/// What tells the blocks of one minute apart.
type Key<'a> = (Track, Option<&'a str>, Option<&'a str>, Option<&'a str>);

/// A minute's blocks, each key once.
type Minute<'a> = BTreeMap<Key<'a>, &'a BlockData>;

/// The series of a config's metrics from recorded blocks: one value a whole minute of `range` and track, and
/// NaN where nothing was measured. `sources` says, by the name in the config, which of our metrics each is;
/// a metric without one has no series, and so no verdict. Blocks of other metrics and minutes are left out,
/// the same block again counts once.
///
/// # Errors
/// `Invalid`, naming the metric or minute: a source for no metric of the config; a range beyond 31 days;
/// measurements that are not finite, histograms that are none or have other edges than their neighbours', more
/// errors than requests, and forms that the statistic cannot be taken of. `Conflict`: a second block of the
/// same minute, track, version, pod, route and metric with other data.
pub fn pairs<'a>(
    config: &CanaryConfig,
    sources: &BTreeMap<String, Source>,
    blocks: impl IntoIterator<Item = &'a Block>,
    range: TimeRange,
) -> Result<Vec<MetricSetPair>> {
    let known = || config.metrics.iter().map(|metric| metric.name.as_str());
    if let Some(unknown) = sources.keys().find(|name| known().all(|known| known != *name)) {
        return Err(Error::invalid("kayenta.pairs", "a source for no metric of the config")
            .with("metric", unknown)
            .with_available(known()));
    }
    let minutes = range.complete_minutes(range.end());
    let count = usize::try_from(minutes.end.saturating_sub(minutes.start)).unwrap_or(usize::MAX);
    if count > LONGEST {
        return Err(Error::invalid("kayenta.pairs", format!("expected at most {LONGEST} minutes"))
            .with("minutes", count));
    }
    let mut found: BTreeMap<&MetricName, BTreeMap<i64, Minute<'a>>> =
        sources.values().map(|source| (&source.metric, BTreeMap::new())).collect();
    for block in blocks.into_iter().filter(|block| minutes.contains(&block.minute)) {
        if let Some(by_minute) = found.get_mut(&block.metric) {
            insert(by_minute.entry(block.minute).or_default(), block)?;
        }
    }
    let nothing = BTreeMap::new();
    let pair = |(name, source): (&String, &Source)| {
        let by_minute = found.get(&source.metric).unwrap_or(&nothing);
        let series = |track| -> Result<Vec<f64>> {
            minutes.clone().map(|minute| at(by_minute, minute, track, source)).collect()
        };
        let values = PairValues { control: series(Track::Stable)?, experiment: series(Track::Canary)? };
        let scope =
            PairScope { start_time_millis: minutes.start.checked_mul(60_000), step_millis: Some(60_000) };
        let scopes = ["control", "experiment"].map(|track| (track.to_owned(), scope)).into();
        Ok(MetricSetPair { name: name.clone(), id: None, tags: BTreeMap::new(), values, scopes })
    };
    sources.iter().map(pair).collect()
}

fn insert<'a>(minute: &mut Minute<'a>, block: &'a Block) -> Result<()> {
    let key = (block.track, block.version.as_deref(), block.pod.as_deref(), block.route.as_deref());
    let conflict = match minute.entry(key) {
        Entry::Vacant(entry) => {
            entry.insert(&block.data);
            false
        }
        Entry::Occupied(entry) => *entry.get() != &block.data,
    };
    if !conflict {
        return Ok(());
    }
    let message =
        "a second block with the same minute, track, version, pod, route and metric, but other data";
    Err(Error::new(ErrorKind::Conflict, "kayenta.pairs", message)
        .with("metric", &block.metric)
        .with("minute", block.minute))
}

/// The value of one minute on one track; NaN without any.
fn at(by_minute: &BTreeMap<i64, Minute<'_>>, minute: i64, track: Track, source: &Source) -> Result<f64> {
    let blocks = by_minute.get(&minute).into_iter().flatten();
    let data: Vec<_> = blocks.filter(|((of, ..), _)| *of == track).map(|(_, data)| *data).collect();
    aggregate(&data, source.statistic).map(|value| value.unwrap_or(f64::NAN)).map_err(|error| {
        error.with("metric", &source.metric).with("minute", minute).with("track", format_args!("{track:?}"))
    })
}

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Range;

use nprt_core::model::{Block, BlockData, TimeRange, Track};
use nprt_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use super::aggregate::aggregate;
use super::pair::{MetricSetPair, PairScope, PairValues};
use super::rule::KayentaRule;
use super::source::Source;

/// No look is longer than a month of minutes.
const LONGEST: usize = 31 * 24 * 60;

/// The series of a rule's metrics, which grow minute by minute: one value a minute and track is kept of all
/// that was measured. It can be written down between any two minutes and read back.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Recorded {
    /// By the metric's name in the config and the minute: stable, the canary.
    values: BTreeMap<String, BTreeMap<i64, [Option<f64>; 2]>>,
}

/// What tells the blocks of one minute and metric apart.
type Key<'a> = (Track, Option<&'a str>, Option<&'a str>, Option<&'a str>);

impl Recorded {
    /// Adds the blocks of a minute that is over, of all metrics; those that the rule does not read, and those
    /// of other minutes, are left out. A minute that is there already is replaced. After an error nothing of
    /// this minute is added.
    ///
    /// # Errors
    /// `Invalid`, naming metric and track, for measurements that are not finite, histograms that are none or
    /// have other edges than their neighbours', more errors than requests, and forms that the statistic
    /// cannot be taken of. `Conflict` for two blocks of the same track, version, pod, route and metric with
    /// other data; the same one again counts once.
    pub fn add(&mut self, rule: &KayentaRule, minute: i64, blocks: &[&Block]) -> Result<()> {
        let mut values = Vec::new();
        for (name, source) in rule.sources() {
            let blocks = blocks.iter().copied().filter(|block| block.minute == minute);
            values.push((name, of_minute(&source, blocks).map_err(|error| error.with("minute", minute))?));
        }
        for (name, tracks) in values {
            self.values.entry(name.to_owned()).or_default().insert(minute, tracks);
        }
        Ok(())
    }

    /// All of a range's blocks at once.
    pub(super) fn of_blocks<'a>(
        rule: &KayentaRule,
        blocks: impl IntoIterator<Item = &'a Block>,
        range: TimeRange,
    ) -> Result<Self> {
        let minutes = minutes(range)?;
        let mut by_minute: BTreeMap<i64, Vec<&Block>> = BTreeMap::new();
        for block in blocks.into_iter().filter(|block| minutes.contains(&block.minute)) {
            by_minute.entry(block.minute).or_default().push(block);
        }
        let mut recorded = Self::default();
        by_minute.iter().try_for_each(|(minute, blocks)| recorded.add(rule, *minute, blocks))?;
        Ok(recorded)
    }

    /// The series over the whole minutes of a range, NaN where nothing was measured; none for a metric of
    /// which nothing was ever added.
    ///
    /// # Errors
    /// `Invalid` for a range beyond 31 days.
    pub fn pairs(&self, range: TimeRange) -> Result<Vec<MetricSetPair>> {
        let minutes = minutes(range)?;
        let scope =
            PairScope { start_time_millis: minutes.start.checked_mul(60_000), step_millis: Some(60_000) };
        let pair = |(name, values): (&String, &BTreeMap<i64, [Option<f64>; 2]>)| {
            let at = |minute| values.get(&minute).copied().unwrap_or_default();
            let tracks = minutes.clone().map(|minute| at(minute).map(|value| value.unwrap_or(f64::NAN)));
            let (control, experiment) = tracks.map(|[stable, canary]| (stable, canary)).unzip();
            MetricSetPair {
                name: name.clone(),
                id: None,
                tags: BTreeMap::new(),
                values: PairValues { control, experiment },
                scopes: ["control", "experiment"].map(|track| (track.to_owned(), scope)).into(),
            }
        };
        Ok(self.values.iter().map(pair).collect())
    }
}

fn minutes(range: TimeRange) -> Result<Range<i64>> {
    let minutes = range.complete_minutes(range.end());
    let count = usize::try_from(minutes.end.saturating_sub(minutes.start)).unwrap_or(usize::MAX);
    if count > LONGEST {
        let message = format!("expected at most {LONGEST} minutes");
        return Err(Error::invalid("kayenta.recorded", message).with("minutes", count));
    }
    Ok(minutes)
}

/// The values of one minute on stable and on the canary.
fn of_minute<'a>(source: &Source, blocks: impl Iterator<Item = &'a Block>) -> Result<[Option<f64>; 2]> {
    let mut by_key: BTreeMap<Key<'a>, &BlockData> = BTreeMap::new();
    for block in blocks.filter(|block| block.metric == source.metric) {
        let key = (block.track, block.version.as_deref(), block.pod.as_deref(), block.route.as_deref());
        match by_key.entry(key) {
            Entry::Vacant(entry) => {
                entry.insert(&block.data);
            }
            Entry::Occupied(entry) if *entry.get() == &block.data => {}
            Entry::Occupied(_) => {
                let message = "a second block with the same minute, track, version, pod, route and metric, but other data";
                return Err(Error::new(ErrorKind::Conflict, "kayenta.recorded", message)
                    .with("metric", &block.metric));
            }
        }
    }
    let on = |track: Track| {
        let data: Vec<_> =
            by_key.iter().filter(|((of, ..), _)| *of == track).map(|(_, data)| *data).collect();
        aggregate(&data, source.statistic)
            .map_err(|error| error.with("metric", &source.metric).with("track", format_args!("{track:?}")))
    };
    Ok([on(Track::Stable)?, on(Track::Canary)?])
}

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use nprt_core::model::{Block, BlockData, MetricName, TimeRange, Track};
use nprt_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use super::policy::Role;

/// The blocks of one metric by minute, each key once, and what had to be rejected. It keeps the latest
/// `capacity` minutes that have blocks: as the minutes kept are those latest of all, it does not matter in
/// which order they come.
#[derive(Debug, Clone)]
pub(super) struct Series {
    capacity: usize,
    minutes: BTreeMap<i64, Minute>,
}

#[derive(Debug, Clone, Default)]
struct Minute {
    blocks: BTreeMap<Key, BlockData>,
    rejected: u64,
}

/// What tells the blocks of one minute and metric apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) track: Track,
    pub(super) version: Option<String>,
    pod: Option<String>,
    route: Option<String>,
}

/// What a series keeps, written down.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeriesState {
    #[serde(with = "super::replay::blocks")]
    blocks: Vec<Block>,
    rejected: BTreeMap<i64, u64>,
}

impl Series {
    pub(super) fn new(minutes: u32) -> Self {
        Self { capacity: usize::try_from(minutes).unwrap_or(usize::MAX), minutes: BTreeMap::new() }
    }

    /// Adds a block of valid data. The same block again changes nothing.
    pub(super) fn insert(&mut self, block: &Block) -> Result<()> {
        let key = Key {
            track: block.track,
            version: block.version.clone(),
            pod: block.pod.clone(),
            route: block.route.clone(),
        };
        let minute = self.minutes.entry(block.minute).or_default();
        let conflict = match minute.blocks.entry(key) {
            Entry::Vacant(entry) => {
                entry.insert(block.data.clone());
                false
            }
            Entry::Occupied(entry) => !same(entry.get(), &block.data),
        };
        if conflict {
            minute.rejected += 1;
        }
        self.forget();
        if conflict {
            let message =
                "a second block with the same minute, track, version, pod, route and metric, but other data";
            return Err(Error::new(ErrorKind::Conflict, "judge.observe", message));
        }
        Ok(())
    }

    /// Remembers that a block of this minute could not be read.
    pub(super) fn reject(&mut self, minute: i64) {
        self.minutes.entry(minute).or_default().rejected += 1;
        self.forget();
    }

    /// The blocks of whole minutes in the range.
    pub(super) fn blocks(&self, range: TimeRange) -> impl Iterator<Item = (&Key, &BlockData)> {
        self.by_minute(range).map(|(_, key, data)| (key, data))
    }

    /// The same, each with its minute, in ascending order.
    pub(super) fn by_minute(&self, range: TimeRange) -> impl Iterator<Item = (i64, &Key, &BlockData)> {
        self.within(range)
            .flat_map(|(at, minute)| minute.blocks.iter().map(move |(key, data)| (at, key, data)))
    }

    /// How many blocks in the range could not be read.
    pub(super) fn rejected(&self, range: TimeRange) -> u64 {
        self.within(range).map(|(_, minute)| minute.rejected).sum()
    }

    /// All that it keeps, in a form that serialises.
    pub(super) fn state(&self, metric: &MetricName) -> SeriesState {
        let block = |minute: i64, key: &Key, data: &BlockData| Block {
            minute,
            track: key.track,
            version: key.version.clone(),
            pod: key.pod.clone(),
            route: key.route.clone(),
            metric: metric.clone(),
            data: data.clone(),
        };
        let minutes = self.minutes.iter();
        let blocks = minutes
            .clone()
            .flat_map(|(at, minute)| minute.blocks.iter().map(move |(key, data)| block(*at, key, data)));
        let rejected = minutes.map(|(at, minute)| (*at, minute.rejected)).filter(|(_, count)| *count > 0);
        SeriesState { blocks: blocks.collect(), rejected: rejected.collect() }
    }

    /// Takes what another of the same capacity kept.
    pub(super) fn resume(&mut self, state: SeriesState) -> Result<()> {
        for (at, count) in state.rejected {
            self.minutes.entry(at).or_default().rejected = count;
        }
        state.blocks.iter().try_for_each(|block| self.insert(block))
    }

    fn within(&self, range: TimeRange) -> impl Iterator<Item = (i64, &Minute)> {
        let minutes = self.minutes.iter().map(|(at, minute)| (*at, minute));
        minutes.filter(move |(at, _)| range.holds_minute(*at))
    }

    fn forget(&mut self) {
        while self.minutes.len() > self.capacity {
            self.minutes.pop_first();
        }
    }
}

/// Whether two blocks say the same; samples have no order.
fn same(a: &BlockData, b: &BlockData) -> bool {
    match (a, b) {
        (BlockData::Samples(a), BlockData::Samples(b)) => {
            let sorted = |samples: &[f64]| {
                let mut samples = samples.to_vec();
                samples.sort_unstable_by(f64::total_cmp);
                samples
            };
            a.len() == b.len() && sorted(a) == sorted(b)
        }
        _ => a == b,
    }
}

/// Rejects what a rule cannot read as that, and measurements that nothing may be computed from.
pub(super) fn check_as(role: Role, data: &BlockData) -> Result<()> {
    let shape = data.shape();
    if !role.shapes().contains(&shape) {
        let shapes = role.shapes().iter().map(|shape| format!("{shape:?}"));
        let message = format!("blocks of the form {shape:?} are not what the rule on this metric reads");
        return Err(Error::invalid("judge.observe", message).with_available(shapes));
    }
    check(data)
}

/// Rejects measurements that nothing may be computed from.
pub(crate) fn check(data: &BlockData) -> Result<()> {
    let fault = match data {
        BlockData::Samples(samples) => {
            let bad =
                if all_are_plain(samples) { None } else { samples.iter().position(|&s| !measurable(s)) };
            bad.map(|index| {
                format!("sample {index} is {}, expected a finite number of 0 or more", samples[index])
            })
        }
        BlockData::Value(value) => (!measurable(*value))
            .then(|| format!("the value is {value}, expected a finite number of 0 or more")),
        BlockData::Histogram { edges, counts } => check_histogram(edges, counts),
        BlockData::Requests { requests, errors } => {
            (errors > requests).then(|| format!("{errors} failed of only {requests} requests"))
        }
        BlockData::Classes(_) => None,
    };
    fault.map_or(Ok(()), |fault| Err(Error::invalid("judge.observe", fault)))
}

fn check_histogram(edges: &[f64], counts: &[u64]) -> Option<String> {
    if edges.is_empty() || counts.len() != edges.len() + 1 {
        let (edges, counts) = (edges.len(), counts.len());
        return Some(format!("{edges} edges and {counts} counts, expected one count more than edges"));
    }
    if let Some(edge) = edges.iter().find(|&&edge| !measurable(edge)) {
        return Some(format!("edge {edge}, expected finite numbers of 0 or more"));
    }
    if let Some(pair) = edges.windows(2).find(|pair| pair[0] >= pair[1]) {
        return Some(format!("edge {} before {}, expected ascending edges", pair[0], pair[1]));
    }
    let total = counts.iter().try_fold(0_u64, |sum, count| sum.checked_add(*count));
    total.is_none().then(|| "the counts add up to more than 2^64".to_owned())
}

/// Whether none has a sign and none is infinite or NaN: the usual case, in one pass without a branch or a comparison. A
/// zero with a sign is measurable, and not plain.
fn all_are_plain(samples: &[f64]) -> bool {
    const LARGEST: u64 = f64::MAX.to_bits();
    // The highest bit is a sign, or what is left of a number that is too large.
    let bits = samples.iter().map(|sample| sample.to_bits());
    bits.fold(0, |all, bits| all | bits | LARGEST.wrapping_sub(bits)) >> 63 == 0
}

fn measurable(value: f64) -> bool {
    (0.0..f64::INFINITY).contains(&value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, any};
    use proptest::{prop_assert_eq, prop_oneof, proptest};

    use super::*;

    proptest! {
        #[test]
        fn samples_are_good_where_each_of_them_is(
            samples in proptest::collection::vec(
                prop_oneof![8 => 0.0_f64..1e9, 1 => any::<f64>(), 1 => Just(-0.0), 1 => Just(f64::MAX)], 0..20,
            ),
        ) {
            let good = samples.iter().all(|&sample| measurable(sample));
            prop_assert_eq!(check(&BlockData::Samples(samples)).is_ok(), good);
        }
    }
}

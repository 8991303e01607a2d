use std::collections::BTreeMap;

use nprt_core::model::{Block, BlockData, MetricName, Track};
use nprt_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use crate::sketch::Sparse;

/// What tells the blocks of one minute and metric apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Key {
    pub(super) track: Track,
    pub(super) pod: Option<String>,
    pub(super) route: Option<String>,
    pub(super) version: Option<String>,
}

impl Key {
    pub(super) fn of(block: &Block) -> Self {
        Self {
            track: block.track,
            pod: block.pod.clone(),
            route: block.route.clone(),
            version: block.version.clone(),
        }
    }
}

/// A block's measurements as they are kept: samples and histograms as counts by bin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SlotData {
    Bins(Sparse),
    Value(f64),
    Requests { requests: u64, errors: u64 },
    Classes(BTreeMap<String, u64>),
}

impl SlotData {
    /// Of valid data.
    pub(super) fn of(data: &BlockData) -> Self {
        match data {
            BlockData::Samples(samples) => Self::Bins(Sparse::of_samples(samples)),
            BlockData::Histogram { edges, counts } => Self::Bins(Sparse::of_histogram(edges, counts)),
            BlockData::Value(value) => Self::Value(value.abs()),
            BlockData::Requests { requests, errors } => {
                Self::Requests { requests: *requests, errors: *errors }
            }
            BlockData::Classes(classes) => Self::Classes(classes.clone()),
        }
    }

    /// Whether anything was measured at all.
    fn is_measured(&self) -> bool {
        match self {
            Self::Bins(bins) => !bins.is_empty(),
            Self::Value(_) => true,
            Self::Requests { requests, .. } => *requests > 0,
            Self::Classes(classes) => !classes.is_empty(),
        }
    }
}

/// A block as it is kept.
pub(super) type SlotBlock = (Key, SlotData);

/// The blocks of one metric and minute, each key once.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Slot {
    /// By key, ascending.
    pub(super) blocks: Vec<SlotBlock>,
    /// How many could not be read, or contradict another.
    pub(super) rejected: u64,
}

impl Slot {
    /// Adds a block of valid data. The same block again changes nothing: `false`.
    pub(super) fn insert(&mut self, key: Key, data: SlotData) -> Result<bool> {
        match self.blocks.binary_search_by(|(own, _)| own.cmp(&key)) {
            Err(at) => {
                self.blocks.reserve_exact(1);
                self.blocks.insert(at, (key, data));
                Ok(true)
            }
            Ok(at) if self.blocks[at].1 == data => Ok(false),
            Ok(_) => {
                self.rejected += 1;
                let message = "a second block with the same minute, track, version, pod, route and metric, but other data";
                Err(Error::new(ErrorKind::Conflict, "judge.observe", message))
            }
        }
    }

    /// The blocks of a track.
    pub(super) fn of(&self, track: Track) -> impl Iterator<Item = &SlotBlock> {
        self.blocks.iter().filter(move |(key, _)| key.track == track)
    }

    /// Whether something was measured on a track.
    pub(super) fn measures(&self, track: Track) -> bool {
        self.of(track).any(|(_, data)| data.is_measured())
    }
}

/// The slots of a minute, one a metric.
#[derive(Debug, Clone, Copy)]
pub(super) struct MinuteSlots<'a> {
    pub(super) minute: i64,
    metrics: &'a [MetricName],
    slots: &'a [Slot],
}

impl<'a> MinuteSlots<'a> {
    pub(super) fn new(minute: i64, metrics: &'a [MetricName], slots: &'a [Slot]) -> Self {
        Self { minute, metrics, slots }
    }

    /// A metric's slot; an empty one of a metric that nothing came of.
    pub(super) fn slot(&self, metric: &MetricName) -> &'a Slot {
        static EMPTY: Slot = Slot { blocks: Vec::new(), rejected: 0 };
        let at = self.metrics.iter().position(|own| own == metric);
        at.and_then(|at| self.slots.get(at)).unwrap_or(&EMPTY)
    }
}

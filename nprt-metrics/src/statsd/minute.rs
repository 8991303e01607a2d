use std::collections::BTreeMap;

use nprt_core::model::BlockData;

use super::Limits;
use super::gathered::{Gathered, Reading, Stop, spend};
use super::room::Room;

/// What was heard of a service in one minute.
#[derive(Debug)]
pub(super) struct Minute {
    /// By metric.
    groups: Vec<Group>,
    taken: Room,
}

/// The blocks of one metric, service and minute.
#[derive(Debug)]
enum Group {
    Open {
        blocks: BTreeMap<Box<str>, Gathered>,
        taken: Room,
    },
    /// Part of the measurements is missing, that of so many lines and of all before them: better none than a part.
    Refused {
        lines: u64,
    },
}

impl Minute {
    pub(super) fn new(metrics: usize) -> Self {
        let empty = || Group::Open { blocks: BTreeMap::new(), taken: Room::default() };
        Self { groups: (0..metrics).map(|_| empty()).collect(), taken: Room::default() }
    }

    pub(super) fn taken(&self) -> Room {
        self.taken
    }

    /// Whether the metric is refused for the rest of the minute; if so, that is one line more.
    pub(super) fn refuses(&mut self, metric: usize) -> bool {
        match self.groups.get_mut(metric) {
            Some(Group::Refused { lines }) => {
                *lines = lines.saturating_add(1);
                true
            }
            Some(Group::Open { .. }) => false,
            None => true,
        }
    }

    /// Refuses a metric for the rest of the minute, and says what room that gives back.
    pub(super) fn refuse(&mut self, metric: usize) -> Room {
        let Some(group) = self.groups.get_mut(metric) else { return Room::default() };
        match std::mem::replace(group, Group::Refused { lines: 0 }) {
            Group::Open { taken, .. } => {
                self.taken -= taken;
                taken
            }
            refused @ Group::Refused { .. } => {
                *group = refused;
                Room::default()
            }
        }
    }

    /// Which metric takes the most, where `metric` asks for `more`.
    pub(super) fn greediest(&self, metric: usize, more: Room, of: fn(Room) -> usize) -> usize {
        let takes = |(at, group): (usize, &Group)| match group {
            Group::Open { taken, .. } if at == metric => (of(taken.and(more)), at),
            Group::Open { taken, .. } => (of(*taken), at),
            Group::Refused { .. } => (0, at),
        };
        let most = self.groups.iter().enumerate().map(takes).max_by_key(|(room, _)| *room);
        most.filter(|(room, _)| *room > 0).map_or(metric, |(_, at)| at)
    }

    /// Adds a reading to the block `key` of a metric. What it takes of the room must be in `granted`, which is spent
    /// then.
    pub(super) fn add(
        &mut self,
        (metric, key): (usize, &str),
        reading: Reading<'_>,
        granted: &mut Room,
        limits: &Limits,
    ) -> Result<(), Stop> {
        let Some(Group::Open { blocks, .. }) = self.groups.get_mut(metric) else { return Err(Stop::Refused) };
        if let Some(gathered) = blocks.get_mut(key) {
            return gathered.add(reading, granted, limits);
        }
        spend(granted, Room { blocks: 1, samples: 0, name_bytes: key.len() })?;
        let gathered = blocks.entry(key.into()).or_insert(Gathered::empty(reading));
        gathered.add(reading, granted, limits)
    }

    /// Notes that a metric takes so much more.
    pub(super) fn take(&mut self, metric: usize, more: Room) {
        if let Some(Group::Open { taken, .. }) = self.groups.get_mut(metric) {
            *taken += more;
            self.taken += more;
        }
    }

    /// The value that the gauge `key` had last.
    pub(super) fn last(&self, metric: usize, key: &str) -> Option<f64> {
        match self.groups.get(metric)? {
            Group::Open { blocks, .. } => match blocks.get(key)? {
                Gathered::Value { last, .. } => Some(*last),
                _ => None,
            },
            Group::Refused { .. } => None,
        }
    }

    /// The blocks of a metric, each with its key.
    pub(super) fn blocks(&self, metric: usize) -> impl Iterator<Item = (&str, BlockData)> {
        let open = match self.groups.get(metric) {
            Some(Group::Open { blocks, .. }) => Some(blocks),
            Some(Group::Refused { .. }) | None => None,
        };
        open.into_iter().flatten().map(|(key, gathered)| (&**key, gathered.data()))
    }

    /// The metrics that were refused, each with the number of lines since.
    pub(super) fn refused(&self) -> impl Iterator<Item = (usize, u64)> {
        self.groups.iter().enumerate().filter_map(|(metric, group)| match group {
            Group::Refused { lines } => Some((metric, *lines)),
            Group::Open { .. } => None,
        })
    }
}

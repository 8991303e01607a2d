use std::collections::BTreeMap;
use std::sync::Arc;

use nprt_core::model::Track;

use super::Reason;
use super::packed::{self, Packed};

/// Lines that cost themselves, by metric, track and reason.
pub(super) type LeftOut = BTreeMap<(u16, Option<Track>, Reason), u64>;

/// A metric of a service in a minute.
#[derive(Debug, Clone)]
pub(super) enum Group<T> {
    Kept(T),
    /// There was no room for part of the measurements, that of so many lines and of all before them: better none than a
    /// part.
    Refused {
        lines: u64,
    },
}

/// The minute that runs. Its blocks are with their series.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) minute: i64,
    /// By metric: the bytes that it takes.
    pub(super) groups: Vec<Group<usize>>,
    /// All of them.
    pub(super) taken: usize,
    pub(super) left_out: LeftOut,
}

/// A minute that is over.
#[derive(Debug)]
pub(super) struct Closed {
    /// By metric: its blocks, packed.
    groups: Vec<Group<Arc<[u8]>>>,
    pub(super) left_out: LeftOut,
    bytes: usize,
}

impl Open {
    pub(super) fn new(minute: i64, metrics: usize) -> Self {
        let groups = (0..metrics).map(|_| Group::Kept(0)).collect();
        Self { minute, groups, taken: 0, left_out: LeftOut::new() }
    }

    /// Whether the metric is refused for the rest of the minute; if so, that is one line more.
    pub(super) fn refuses(&mut self, metric: u16) -> bool {
        match self.groups.get_mut(usize::from(metric)) {
            Some(Group::Refused { lines }) => {
                *lines = lines.saturating_add(1);
                true
            }
            Some(Group::Kept(_)) => false,
            None => true,
        }
    }

    /// Notes that a metric takes so much more.
    pub(super) fn take(&mut self, metric: u16, more: usize) {
        if let Some(Group::Kept(taken)) = self.groups.get_mut(usize::from(metric)) {
            *taken += more;
            self.taken += more;
        }
    }

    /// Refuses a metric for the rest of the minute; its blocks are for the caller to forget.
    pub(super) fn refuse(&mut self, metric: u16) {
        let Some(group) = self.groups.get_mut(usize::from(metric)) else { return };
        if let Group::Kept(taken) = group {
            self.taken -= *taken;
            *group = Group::Refused { lines: 0 };
        }
    }

    /// Which metric takes the most.
    pub(super) fn greediest(&self) -> Option<u16> {
        let takes = |(metric, group): (u16, &Group<usize>)| match group {
            Group::Kept(taken) if *taken > 0 => Some((*taken, metric)),
            _ => None,
        };
        (0..).zip(&self.groups).filter_map(takes).max().map(|(_, metric)| metric)
    }

    pub(super) fn leave_out(&mut self, metric: u16, track: Option<Track>, reason: Reason) {
        let count = self.left_out.entry((metric, track, reason)).or_default();
        *count = count.saturating_add(1);
    }
}

impl Closed {
    /// What was kept, packed, by metric.
    pub(super) fn new(open: Open, packed: Vec<Vec<u8>>) -> Self {
        let groups: Vec<Group<Arc<[u8]>>> = open
            .groups
            .into_iter()
            .zip(packed)
            .map(|(group, packed)| match group {
                Group::Kept(_) => Group::Kept(packed.into()),
                Group::Refused { lines } => Group::Refused { lines },
            })
            .collect();
        let kept = |group: &Group<Arc<[u8]>>| match group {
            Group::Kept(packed) => packed.len() + 16,
            Group::Refused { .. } => 0,
        };
        let bytes = size_of::<(i64, Self)>() + groups.len() * size_of::<Group<Arc<[u8]>>>() + 32;
        let bytes = bytes + groups.iter().map(kept).sum::<usize>() + open.left_out.len() * 64;
        Self { groups, left_out: open.left_out, bytes }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// All blocks of a metric, as they are kept.
    pub(super) fn packed(&self, metric: u16) -> Arc<[u8]> {
        match self.groups.get(usize::from(metric)) {
            Some(Group::Kept(packed)) => Arc::clone(packed),
            Some(Group::Refused { .. }) | None => Arc::default(),
        }
    }

    /// The blocks of a metric.
    pub(super) fn blocks(&self, metric: u16) -> impl Iterator<Item = Packed<'_>> {
        let mut rest = match self.groups.get(usize::from(metric)) {
            Some(Group::Kept(packed)) => &packed[..],
            Some(Group::Refused { .. }) | None => &[],
        };
        std::iter::from_fn(move || packed::next(&mut rest))
    }

    /// The metrics that were refused, each with the number of lines since.
    pub(super) fn refused(&self) -> impl Iterator<Item = (usize, u64)> {
        self.groups.iter().enumerate().filter_map(|(metric, group)| match group {
            Group::Refused { lines } => Some((metric, *lines)),
            Group::Kept(_) => None,
        })
    }

    /// The series of all blocks.
    pub(super) fn series(&self) -> impl Iterator<Item = u32> {
        let metrics = 0..u16::try_from(self.groups.len()).unwrap_or(u16::MAX);
        metrics.flat_map(|metric| self.blocks(metric)).map(|packed| packed.series)
    }
}

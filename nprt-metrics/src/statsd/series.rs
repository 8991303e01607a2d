#![expect(
    clippy::disallowed_types,
    reason = "series are looked up by their key, and no order of theirs is ever seen"
)]

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::quality::RandomState;

use super::gathered::Gathered;

/// The series of a service, each a track, version, pod and route: their names once for all minutes, and what each does in
/// the minute that runs.
#[derive(Debug, Default)]
pub(super) struct AllSeries {
    by_key: HashMap<Arc<str>, u32, RandomState>,
    all: Vec<Series>,
    free: Vec<u32>,
    /// Bytes of names and gauges.
    names: usize,
    /// How many there were.
    births: u64,
}

/// One series.
#[derive(Debug, Default)]
pub(super) struct Series {
    pub(super) key: Arc<str>,
    /// Which one it is of all that had its place.
    pub(super) birth: u64,
    /// Blocks of it, those of the minute that runs included: without any, it is forgotten.
    pub(super) blocks: u32,
    /// In the minute that runs, each with its metric.
    pub(super) open: Vec<(u16, Gathered)>,
    /// The values that its gauges had last, each with its metric.
    bases: Vec<(u16, f64)>,
}

/// Bytes that a series takes on average in the lists, beside its names.
const SERIES: usize = size_of::<Series>() + ENTRY;
/// Bytes of an entry of the map.
const ENTRY: usize = size_of::<(Arc<str>, u32)>() + 4;
/// What the allocator and the counters of an `Arc` take.
const ALLOCATION: usize = 32;
/// Bytes that a block of the minute that runs takes, beside what is in it.
pub(super) const BLOCK: usize = size_of::<(u16, Gathered)>() + ALLOCATION;
const BASE: usize = size_of::<(u16, f64)>() + ALLOCATION;

impl AllSeries {
    /// The series of that key; a new one where there is none, and about what that takes.
    #[inline]
    pub(super) fn find(&mut self, key: &str) -> (u32, usize) {
        if let Some(&id) = self.by_key.get(key) {
            return (id, 0);
        }
        let key: Arc<str> = key.into();
        self.births += 1;
        let series = Series { key: Arc::clone(&key), birth: self.births, ..Series::default() };
        let names = series.names();
        self.names += names;
        let id = self.free.pop().unwrap_or_else(|| u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        match self.all.get_mut(id as usize) {
            Some(free) => *free = series,
            None => self.all.push(series),
        }
        self.by_key.insert(key, id);
        (id, names + SERIES)
    }

    /// The place of the series of that key, and which one of that place it is.
    pub(super) fn place_of(&self, key: &str) -> Option<(u32, u64)> {
        let &id = self.by_key.get(key)?;
        Some((id, self.get(id)?.birth))
    }

    pub(super) fn get(&self, id: u32) -> Option<&Series> {
        self.all.get(id as usize)
    }

    pub(super) fn get_mut(&mut self, id: u32) -> Option<&mut Series> {
        self.all.get_mut(id as usize)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (u32, &mut Series)> {
        (0..).zip(&mut self.all)
    }

    /// Bytes that all of it takes, without the blocks of the minute that runs.
    pub(super) fn bytes(&self) -> usize {
        let lists = self.all.capacity() * size_of::<Series>() + self.free.capacity() * size_of::<u32>();
        self.names + lists + self.by_key.capacity() * ENTRY * 8 / 7
    }

    /// Notes the value of a gauge.
    pub(super) fn set_base(&mut self, id: u32, metric: u16, value: f64) {
        if let Some(series) = self.all.get_mut(id as usize) {
            self.names += series.set_base(metric, value);
        }
    }

    /// Says that a block of it is gone.
    pub(super) fn lose_block(&mut self, id: u32) {
        if let Some(series) = self.all.get_mut(id as usize) {
            series.blocks = series.blocks.saturating_sub(1);
        }
        self.forget_empty(id);
    }

    /// Forgets it where it has no blocks.
    pub(super) fn forget_empty(&mut self, id: u32) {
        let Some(series) = self.all.get_mut(id as usize).filter(|series| series.blocks == 0) else { return };
        if self.by_key.remove(&*series.key).is_none() {
            return;
        }
        self.names = self.names.saturating_sub(series.names());
        *series = Series::default();
        self.free.push(id);
    }

    /// Gives back the room in the lists that a flood needed once.
    pub(super) fn shrink(&mut self) {
        if self.by_key.len() > self.by_key.capacity() / 4 {
            return;
        }
        while self.all.last().is_some_and(|last| last.key.is_empty()) {
            self.all.pop();
        }
        let length = self.all.len();
        self.free.retain(|&id| (id as usize) < length);
        self.free.shrink_to(self.free.len());
        self.all.shrink_to(length);
        self.by_key.shrink_to(self.by_key.len());
    }
}

impl Series {
    /// Bytes of its names and gauges.
    fn names(&self) -> usize {
        ALLOCATION + self.key.len() + self.bases.len() * BASE
    }

    /// The value that the gauge had last.
    pub(super) fn base(&self, metric: u16) -> Option<f64> {
        self.bases.iter().find(|(of, _)| *of == metric).map(|(_, base)| *base)
    }

    /// Notes the value of a gauge, and says how many bytes more that takes.
    fn set_base(&mut self, metric: u16, value: f64) -> usize {
        if let Some((_, base)) = self.bases.iter_mut().find(|(of, _)| *of == metric) {
            *base = value;
            return 0;
        }
        self.bases.reserve_exact(1);
        self.bases.push((metric, value));
        BASE
    }

    /// Its block of a metric in the minute that runs.
    #[inline]
    pub(super) fn open(&mut self, metric: u16) -> Option<&mut Gathered> {
        self.open.iter_mut().find(|(of, _)| *of == metric).map(|(_, gathered)| gathered)
    }

    /// Begins a block.
    pub(super) fn begin(&mut self, metric: u16, gathered: Gathered) {
        self.open.reserve_exact(1);
        self.open.push((metric, gathered));
        self.blocks = self.blocks.saturating_add(1);
    }

    /// Takes out its block of a metric.
    pub(super) fn take(&mut self, metric: u16) -> Option<Gathered> {
        let at = self.open.iter().position(|(of, _)| *of == metric)?;
        let (_, gathered) = self.open.swap_remove(at);
        Some(gathered)
    }
}

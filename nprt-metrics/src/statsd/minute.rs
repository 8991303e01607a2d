use std::collections::BTreeMap;

use nprt_core::model::{BlockData, Track};

use super::Limits;

/// How many more blocks and samples the memory may hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    pub(super) blocks: usize,
    pub(super) samples: usize,
}

impl Room {
    fn take_block(&mut self) -> Option<()> {
        self.blocks = self.blocks.checked_sub(1)?;
        Some(())
    }

    fn take_sample(&mut self) -> Option<()> {
        self.samples = self.samples.checked_sub(1)?;
        Some(())
    }
}

/// What was heard in one minute.
#[derive(Debug)]
pub(super) struct Minute {
    /// By metric, then by service.
    groups: Vec<BTreeMap<Box<str>, Group>>,
    /// What it took of the room. It does not fall before the whole minute goes, so that what was refused
    /// once in a minute stays refused.
    taken: Room,
}

/// The blocks of one metric, service and minute.
#[derive(Debug)]
enum Group {
    Open(BTreeMap<Box<str>, Gathered>),
    /// Part of the measurements is missing: better none than a part.
    Refused,
}

/// What one block is made of.
#[derive(Debug)]
enum Gathered {
    Samples(Vec<f64>),
    Value { sum: f64, count: u32, last: f64 },
    Requests { requests: f64, errors: f64 },
    Classes(BTreeMap<Box<str>, f64>),
}

/// What a line adds to a block.
#[derive(Debug, Clone, Copy)]
pub(super) enum Reading<'a> {
    Sample(f64),
    /// A gauge is set to it.
    Gauge(f64),
    /// A gauge changes by it, from the value that it had in an earlier minute if it has none in this one.
    Change(f64, Option<f64>),
    Requests(f64),
    Errors(f64),
    Class(&'a str, f64),
}

/// Above it, a count held as a floating-point number is no longer exact.
const LARGEST: f64 = 9_007_199_254_740_992.0;

impl Minute {
    pub(super) fn new(metrics: usize) -> Self {
        let groups = (0..metrics).map(|_| BTreeMap::new()).collect();
        Self { groups, taken: Room { blocks: 0, samples: 0 } }
    }

    pub(super) fn taken(&self) -> Room {
        self.taken
    }

    /// Whether anything was heard of a metric and service.
    pub(super) fn knows(&self, metric: usize, service: &str) -> bool {
        self.groups.get(metric).is_some_and(|groups| groups.contains_key(service))
    }

    /// Whether all of a metric and service is refused for the rest of the minute.
    pub(super) fn refuses(&self, metric: usize, service: &str) -> bool {
        let group = self.groups.get(metric).and_then(|groups| groups.get(service));
        matches!(group, Some(Group::Refused))
    }

    /// Adds readings to the block `key` of a metric and service. `None` when they were refused.
    pub(super) fn add<'a>(
        &mut self,
        (metric, service, key): (usize, &str, &str),
        readings: impl Iterator<Item = Reading<'a>>,
        room: &mut Room,
        limits: &Limits,
    ) -> Option<()> {
        let before = *room;
        let added = self.try_add((metric, service, key), readings, room, limits);
        if added.is_none()
            && let Some(group) = self.groups.get_mut(metric).and_then(|groups| groups.get_mut(service))
        {
            *group = Group::Refused;
        }
        self.taken.blocks += before.blocks - room.blocks;
        self.taken.samples += before.samples - room.samples;
        added
    }

    fn try_add<'a>(
        &mut self,
        (metric, service, key): (usize, &str, &str),
        readings: impl Iterator<Item = Reading<'a>>,
        room: &mut Room,
        limits: &Limits,
    ) -> Option<()> {
        let known = self.knows(metric, service);
        let groups = self.groups.get_mut(metric)?;
        if !known {
            // A service without room has no group in this minute, and no later one will be let in either.
            room.take_block()?;
            groups.insert(service.into(), Group::Open(BTreeMap::new()));
        }
        let Some(Group::Open(blocks)) = groups.get_mut(service) else { return None };
        for reading in readings {
            if let Some(gathered) = blocks.get_mut(key) {
                gathered.add(reading, room, limits)?;
            } else {
                room.take_block()?;
                let mut gathered = Gathered::empty(reading);
                gathered.add(reading, room, limits)?;
                blocks.insert(key.into(), gathered);
            }
        }
        Some(())
    }

    /// The value that the gauge `key` had last.
    pub(super) fn last(&self, metric: usize, service: &str, key: &str) -> Option<f64> {
        match self.groups.get(metric)?.get(service)? {
            Group::Open(blocks) => match blocks.get(key)? {
                Gathered::Value { last, .. } => Some(*last),
                _ => None,
            },
            Group::Refused => None,
        }
    }

    /// The blocks of a metric and service, each with its key.
    pub(super) fn blocks(&self, metric: usize, service: &str) -> impl Iterator<Item = (&str, BlockData)> {
        let group = self.groups.get(metric).and_then(|groups| groups.get(service));
        let open = match group {
            Some(Group::Open(blocks)) => Some(blocks),
            Some(Group::Refused) | None => None,
        };
        open.into_iter().flatten().map(|(key, gathered)| (&**key, gathered.data()))
    }
}

impl Gathered {
    fn empty(reading: Reading<'_>) -> Self {
        match reading {
            Reading::Sample(_) => Self::Samples(Vec::new()),
            Reading::Gauge(_) | Reading::Change(..) => Self::Value { sum: 0.0, count: 0, last: 0.0 },
            Reading::Requests(_) | Reading::Errors(_) => Self::Requests { requests: 0.0, errors: 0.0 },
            Reading::Class(..) => Self::Classes(BTreeMap::new()),
        }
    }

    fn add(&mut self, reading: Reading<'_>, room: &mut Room, limits: &Limits) -> Option<()> {
        match (self, reading) {
            (Self::Samples(samples), Reading::Sample(sample)) => {
                if samples.len() >= limits.samples_per_block {
                    return None;
                }
                room.take_sample()?;
                samples.push(sample);
            }
            (Self::Value { sum, count, last }, reading) => {
                *last = match reading {
                    Reading::Gauge(value) => value,
                    Reading::Change(by, _) if *count > 0 => *last + by,
                    Reading::Change(by, before) => before? + by,
                    _ => return None,
                };
                *sum += *last;
                *count = count.checked_add(1)?;
                return sum.is_finite().then_some(());
            }
            (Self::Requests { requests, .. }, Reading::Requests(n)) => return count(requests, n),
            (Self::Requests { errors, .. }, Reading::Errors(n)) => return count(errors, n),
            (Self::Classes(classes), Reading::Class(class, n)) => {
                if let Some(known) = classes.get_mut(class) {
                    return count(known, n);
                }
                if classes.len() >= limits.classes_per_block {
                    return None;
                }
                room.take_block()?;
                return count(classes.entry(class.into()).or_default(), n);
            }
            _ => return None,
        }
        Some(())
    }

    fn data(&self) -> BlockData {
        match self {
            Self::Samples(samples) => BlockData::Samples(samples.clone()),
            Self::Value { sum, count, .. } => BlockData::Value(sum / f64::from(*count)),
            Self::Requests { requests, errors } => {
                BlockData::Requests { requests: whole(requests.max(*errors)), errors: whole(*errors) }
            }
            Self::Classes(classes) => {
                BlockData::Classes(classes.iter().map(|(class, n)| (class.to_string(), whole(*n))).collect())
            }
        }
    }
}

fn count(total: &mut f64, n: f64) -> Option<()> {
    *total += n;
    (n >= 0.0 && *total <= LARGEST).then_some(())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 2^53, as counted")]
fn whole(count: f64) -> u64 {
    count.round() as u64
}

/// The key of a block within its metric, service and minute, written over `key`. No part holds a NUL.
pub(super) fn write_key(key: &mut String, track: Track, version: &str, pod: &str, route: &str) {
    key.clear();
    for (i, part) in [track.as_str(), version, pod, route].into_iter().enumerate() {
        if i > 0 {
            key.push('\0');
        }
        key.push_str(part);
    }
}

/// Track, version, pod and route of a key.
pub(super) fn read_key(key: &str) -> Option<(Track, [Option<String>; 3])> {
    let mut parts = key.split('\0');
    let track = parts.next()?.parse().ok()?;
    let mut next = || parts.next().filter(|part| !part.is_empty()).map(str::to_owned);
    Some((track, [next(), next(), next()]))
}

use std::hash::BuildHasher;

use foldhash::quality::RandomState;
use nprt_core::model::Track;

/// Which series a text of tags, or a name, stands for, so that those of most lines are not read again: of the last [`SLOTS`] texts or
/// so, in a table of a fixed size.
#[derive(Debug, Default)]
pub(super) struct Memo {
    hasher: RandomState,
    slots: Vec<Option<Entry>>,
}

#[derive(Debug)]
struct Entry {
    tags: Box<str>,
    found: Found,
    /// How often another text must come to this slot before it takes it: two that come in turn do not chase each other.
    warm: u8,
}

/// Where the measurements of a line belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) track: Track,
    /// The place of the service, while the services are the same.
    pub(super) service: usize,
    pub(super) services: u64,
    /// The series, while it has not been forgotten.
    pub(super) series: u32,
    pub(super) birth: u64,
    /// The source that takes it, where its name says all.
    pub(super) source: usize,
}

/// At 300 bytes each, some 2.5 MB at the most.
const SLOTS: usize = 1 << 13;
/// A longer text is read each time.
const LONGEST: usize = 256;
const WARM: u8 = 8;

impl Memo {
    /// What the text was found to be, and its slot.
    #[inline]
    pub(super) fn find(&mut self, tags: &str) -> (usize, Option<Found>) {
        let slot = usize::try_from(self.hasher.hash_one(tags) % SLOTS as u64).unwrap_or_default();
        let entry = self.slots.get_mut(slot).and_then(Option::as_mut).filter(|entry| &*entry.tags == tags);
        let found = entry.map(|entry| {
            entry.warm = WARM;
            entry.found
        });
        (slot, found)
    }

    /// Notes what a text was found to be.
    pub(super) fn note(&mut self, slot: usize, tags: &str, found: Found) {
        if tags.len() > LONGEST {
            return;
        }
        if self.slots.is_empty() {
            self.slots.resize_with(SLOTS, || None);
        }
        match self.slots.get_mut(slot) {
            Some(Some(entry)) if &*entry.tags == tags => entry.found = found,
            Some(Some(entry)) if entry.warm > 0 => entry.warm -= 1,
            Some(free) => *free = Some(Entry { tags: tags.into(), found, warm: WARM }),
            None => {}
        }
    }
}

use std::ops::{AddAssign, SubAssign};

use super::Limits;

/// Memory, in what it is made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) blocks: usize,
    pub(super) samples: usize,
    pub(super) name_bytes: usize,
}

/// One minute of a service may take this part of its share, so that a flood cannot drive out all of the past.
const PART_OF_A_MINUTE: usize = 8;

impl Room {
    /// All that there is.
    pub(super) fn of(limits: &Limits) -> Self {
        Self { blocks: limits.blocks, samples: limits.samples, name_bytes: limits.name_bytes }
    }

    /// An equal part of it for each of `services`.
    pub(super) fn share(self, services: usize) -> Self {
        let part = |all: usize| all / services.max(1);
        Self { blocks: part(self.blocks), samples: part(self.samples), name_bytes: part(self.name_bytes) }
    }

    /// What one minute may take of a share.
    pub(super) fn of_a_minute(self) -> Self {
        let part = |all: usize| all.div_ceil(PART_OF_A_MINUTE);
        Self { blocks: part(self.blocks), samples: part(self.samples), name_bytes: part(self.name_bytes) }
    }

    pub(super) fn and(mut self, more: Self) -> Self {
        self += more;
        self
    }

    /// What of it goes beyond `limit`: a way to read that part, if there is one.
    pub(super) fn beyond(self, limit: Self) -> Option<fn(Self) -> usize> {
        if self.blocks > limit.blocks {
            return Some(|room| room.blocks);
        }
        if self.samples > limit.samples {
            return Some(|room| room.samples);
        }
        (self.name_bytes > limit.name_bytes).then_some(|room: Self| room.name_bytes)
    }
}

impl AddAssign for Room {
    fn add_assign(&mut self, more: Self) {
        self.blocks = self.blocks.saturating_add(more.blocks);
        self.samples = self.samples.saturating_add(more.samples);
        self.name_bytes = self.name_bytes.saturating_add(more.name_bytes);
    }
}

impl SubAssign for Room {
    fn sub_assign(&mut self, less: Self) {
        self.blocks = self.blocks.saturating_sub(less.blocks);
        self.samples = self.samples.saturating_sub(less.samples);
        self.name_bytes = self.name_bytes.saturating_sub(less.name_bytes);
    }
}

use std::collections::BTreeMap;

use super::{Malformed, Reason};

/// What the server heard since it started, to export as metrics of its own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StatsdStats {
    /// Datagrams.
    pub packets: u64,
    /// Datagrams that could not be received.
    pub receive_errors: u64,
    /// Datagrams that the kernel dropped, because its buffer was full.
    pub dropped: u64,
    /// Datagrams that were forwarded.
    pub forwarded: u64,
    /// Datagrams that could not be forwarded.
    pub not_forwarded: u64,
    /// Lines that are not empty: the sum of all below.
    pub lines: u64,
    /// Lines that became part of at least one block.
    pub used: u64,
    /// Lines of names that no configured metric is made of.
    pub unmapped: u64,
    /// Lines of a name that is configured, but of another type.
    pub wrong_type: u64,
    /// Lines that do not say service and track, or say something longer than 200 bytes.
    pub unattributed: u64,
    /// Timings of requests that failed, which do not count as latency.
    pub failed: u64,
    /// Lines that met a limit; their metric has no blocks of that minute and service.
    pub refused: u64,
    /// Lines that make no sense, by why; each costs itself. A metric has the blocks of all others.
    pub left_out: BTreeMap<Reason, u64>,
    /// Lines of services that have no room, since nobody named them.
    pub unnamed: u64,
    /// DogStatsD events, which are passed over.
    pub events: u64,
    /// DogStatsD service checks, which are passed over.
    pub service_checks: u64,
    /// Lines outside the grammar, by what is wrong with them.
    pub malformed: BTreeMap<Malformed, u64>,
    /// The services that have room.
    pub services: BTreeMap<String, ServiceStats>,
}

/// What a service lost since the server started.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServiceStats {
    /// Its lines that were refused, each as often as there are metrics that it is part of.
    pub refused: u64,
    /// Its lines that cost themselves, by why: those outside the grammar as well, if what they say of their service can be
    /// read. Each as often as there are metrics that it would be part of.
    pub left_out: BTreeMap<Reason, u64>,
    /// Its minutes that were forgotten before the retention was over, to make room for newer ones.
    pub minutes_dropped: u64,
    /// Bytes that are taken of the room.
    pub bytes: u64,
}

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fate {
    // In ascending order: a line that several metrics are made of counts by the best of its fates.
    Unmapped,
    WrongType,
    Unattributed,
    Unnamed,
    LeftOut(Reason),
    Refused,
    Failed,
    Used,
}

impl StatsdStats {
    pub(super) fn count(&mut self, fate: Fate) {
        let count = match fate {
            Fate::Unmapped => &mut self.unmapped,
            Fate::WrongType => &mut self.wrong_type,
            Fate::Unattributed => &mut self.unattributed,
            Fate::Unnamed => &mut self.unnamed,
            Fate::Refused => &mut self.refused,
            Fate::Failed => &mut self.failed,
            Fate::Used => &mut self.used,
            Fate::LeftOut(reason) => self.left_out.entry(reason).or_default(),
        };
        *count = count.saturating_add(1);
    }
}

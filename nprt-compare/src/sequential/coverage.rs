use std::collections::BTreeSet;

use nprt_core::model::{PerTrack, Track};
use serde::{Deserialize, Serialize};

use super::minute::Slot;

/// What came of a metric, beside what it says.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Coverage {
    /// Minutes that count in the evidence.
    pub(super) used: u64,
    pub(super) excluded: Exclusions,
    /// The last minute in which each track was measured.
    stable: Option<i64>,
    canary: Option<i64>,
    /// The last minute with a block that could not be read.
    pub(super) unreadable: Option<i64>,
    /// What the canary's blocks call their version: more than one are not one canary.
    pub(super) versions: BTreeSet<String>,
}

/// What does not count, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Exclusions {
    /// Minutes in which only one track was measured, or stable had no past.
    pub(super) one_sided: u64,
    /// Blocks of pods that started later and were warming up.
    pub(super) new_pods: u64,
    /// Blocks that could not be read, or contradicted another.
    pub(super) unreadable: u64,
}

impl Coverage {
    /// Notes a minute's blocks.
    pub(super) fn note(&mut self, slot: &Slot, minute: i64) {
        for (track, last) in [(Track::Stable, &mut self.stable), (Track::Canary, &mut self.canary)] {
            if slot.measures(track) {
                *last = Some(minute);
            }
        }
        if slot.rejected > 0 {
            self.unreadable = Some(minute);
            self.excluded.unreadable += slot.rejected;
        }
        for version in slot.of(Track::Canary).filter_map(|(key, _)| key.version.as_ref()) {
            if !self.versions.contains(version) && self.versions.len() < 8 {
                self.versions.insert(version.clone());
            }
        }
    }

    /// The last minute in which each track was measured.
    pub(super) fn last(&self) -> PerTrack<Option<i64>> {
        PerTrack::new(self.stable, self.canary)
    }

    /// Whether anything ever came of it in the run.
    pub(super) fn any(&self) -> bool {
        self.stable.is_some() || self.canary.is_some() || self.unreadable.is_some()
    }

    /// Why it is no ground for a pass, if so, at a minute, the canary having run for so long.
    pub(super) fn doubt(&self, minute: i64, run: i64, soak: i64) -> Option<String> {
        if self.unreadable.is_some_and(|last| minute - last < soak) {
            return Some("blocks could not be read".to_owned());
        }
        let late = (run / 4).max(5);
        let silent = [(Track::Stable, self.stable), (Track::Canary, self.canary)];
        let silent = silent.into_iter().find(|(_, last)| last.is_none_or(|last| minute - last >= late));
        silent.map(|(track, _)| format!("nothing came from the {track} track in the last {late} min"))
    }

    /// Why nothing can be concluded from it, if so.
    pub(super) fn flaw(&self) -> Option<String> {
        (self.versions.len() > 1).then(|| {
            let versions = Vec::from_iter(self.versions.iter().map(String::as_str)).join(" and ");
            format!("the canary's track has blocks of several versions, {versions}")
        })
    }
}

use nprt_core::model::{Block, Object, Tag, Track, annotation};
use nprt_core::ports::Versions;
use nprt_manifest::parts::label_value;
use serde::{Deserialize, Serialize};

use crate::state::snapshot::Snapshot;

/// What the measurements of each track may call its version.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Names {
    canary: Vec<String>,
    stable: Vec<String>,
}

impl Names {
    pub(crate) fn of(live: &Snapshot) -> Self {
        Self { canary: names(live.on(Track::Canary)), stable: names(live.on(Track::Stable)) }
    }

    /// What a backend may tell the tracks by.
    pub(crate) fn versions(&self) -> Versions {
        Versions { canary: self.canary.clone(), stable: self.stable.clone() }
    }

    /// The same for a time before the canary, when other versions were stable.
    pub(crate) fn versions_of_the_past(&self) -> Versions {
        Versions { canary: self.canary.clone(), stable: Vec::new() }
    }

    /// Whether the block is of a version that runs, or does not say.
    pub(crate) fn hold(&self, block: &Block) -> bool {
        let names = match block.track {
            Track::Canary => &self.canary,
            Track::Stable => &self.stable,
        };
        // Workloads that another tool made do not say their version.
        let is_known = block.track == Track::Canary || !self.stable.is_empty();
        block.version.as_ref().is_none_or(|version| !is_known || names.contains(version))
    }
}

/// A version is called by its tag, the label of it or its revision.
fn names<'a>(objects: impl Iterator<Item = &'a Object>) -> Vec<String> {
    let of = |object: &'a Object| {
        let label = object.annotation(annotation::TAG).and_then(|tag| Tag::new(tag).ok());
        let said =
            [annotation::TAG, annotation::REVISION].map(|key| object.annotation(key).map(str::to_owned));
        said.into_iter().chain([label.map(|tag| label_value(&tag))]).flatten()
    };
    let mut names: Vec<String> = objects.flat_map(of).collect();
    names.sort();
    names.dedup();
    names
}

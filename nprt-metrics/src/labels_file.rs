use serde::{Deserialize, Deserializer};

use crate::{Labels, TrackLabel};

/// Labels in a configuration, of which those that are not given stay as they are.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LabelsFile {
    track: Option<TrackLabel>,
    #[serde(default, deserialize_with = "given")]
    version: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    pod: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    route: Option<Option<String>>,
    class: Option<String>,
}

/// Tells `null` from what is not there.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl LabelsFile {
    /// Replaces those of `labels` that are given.
    pub(crate) fn replace(self, labels: &mut Labels) {
        let Self { track, version, pod, route, class } = self;
        set(&mut labels.track, track);
        set(&mut labels.version, version);
        set(&mut labels.pod, pod);
        set(&mut labels.route, route);
        set(&mut labels.class, class);
    }
}

/// Replaces a part where it is given.
pub(crate) fn set<T>(part: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *part = given;
    }
}

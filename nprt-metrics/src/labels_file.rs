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
    /// These, and `labels` where they are not given.
    pub(crate) fn over(self, labels: Labels) -> Labels {
        Labels {
            track: self.track.unwrap_or(labels.track),
            version: self.version.unwrap_or(labels.version),
            pod: self.pod.unwrap_or(labels.pod),
            route: self.route.unwrap_or(labels.route),
            class: self.class.unwrap_or(labels.class),
        }
    }
}

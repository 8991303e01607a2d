//! The track of a series by the version that nprt deployed, for metrics that say no track.

use nprt_core::model::Track;
use nprt_core::ports::Versions;

use crate::assemble::Place;
use crate::{Labels, Named, TrackLabel};

/// Why a series is at no place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoPlace {
    /// It is of neither track, and this is why.
    NoTrack(String),
    /// It is of a version that does not run.
    OtherVersion,
}

impl Labels {
    /// Where a series was measured, of what runs; `label` looks up its labels.
    pub(crate) fn place_of<'a>(
        &self,
        label: impl Fn(&str) -> Option<&'a str>,
        versions: &Versions,
    ) -> Result<Place, NoPlace> {
        let TrackLabel::Name { label: name, names: Named::Version } = &self.track else {
            return self.place(label).map_err(NoPlace::NoTrack);
        };
        let track = track(name, label(name).unwrap_or_default(), versions)?;
        Ok(self.rest(track, label))
    }
}

/// The track that runs this version.
fn track(label: &str, version: &str, versions: &Versions) -> Result<Track, NoPlace> {
    if version.is_empty() {
        let message = format!("expected the label {label} to be a version, found nothing");
        return Err(NoPlace::NoTrack(message));
    }
    versions.track(version).ok_or_else(|| {
        if versions.canary.iter().any(|canary| canary == version) {
            NoPlace::NoTrack(format!(
                "the version {version} runs on both tracks: {label} cannot tell them apart"
            ))
        } else {
            NoPlace::OtherVersion
        }
    })
}

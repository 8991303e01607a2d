use nprt_core::model::{MetricName, Track};
use nprt_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use crate::assemble::Place;
use crate::track::TrackLabel;

/// The names of the labels (or tags) that say where something was measured; what is `null` is neither asked
/// for nor answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Labels {
    /// The track.
    pub track: TrackLabel,
    /// The version that ran.
    pub version: Option<String>,
    /// The pod.
    pub pod: Option<String>,
    /// The route of the requests.
    pub route: Option<String>,
    /// The class of an error.
    pub class: String,
}

impl Labels {
    /// What `{by}` stands for, with one more label where it is needed.
    pub(crate) fn by<'a>(&'a self, more: impl IntoIterator<Item = &'a str>) -> String {
        let optional = [&self.version, &self.pod, &self.route].into_iter().flatten().map(String::as_str);
        let mut all: Vec<&str> = Vec::new();
        for label in more.into_iter().chain([self.track.label()]).chain(optional) {
            // One label may say two things, such as the pod and the track.
            if !all.contains(&label) {
                all.push(label);
            }
        }
        all.join(",")
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &str> {
        let optional = [&self.version, &self.pod, &self.route].into_iter().flatten();
        [self.track.label(), &self.class].into_iter().chain(optional.map(String::as_str))
    }

    /// Where a series was measured; `label` looks up its labels.
    pub(crate) fn place<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> Result<Place, String> {
        let track = self.track.track(label(self.track.label()).unwrap_or_default())?;
        Ok(self.rest(track, label))
    }

    /// The place on `track` that the other labels say.
    pub(crate) fn rest<'a>(&self, track: Track, label: impl Fn(&str) -> Option<&'a str>) -> Place {
        let value = |name: &Option<String>| {
            name.as_deref().and_then(&label).filter(|value| !value.is_empty()).map(str::to_owned)
        };
        Place { track, pod: value(&self.pod), route: value(&self.route), version: value(&self.version) }
    }
}

/// An answer that cannot be made blocks of.
pub(crate) fn unexpected(operation: &'static str, metric: &MetricName, message: &str) -> Error {
    Error::new(ErrorKind::Unexpected, operation, message).with("metric", metric)
}

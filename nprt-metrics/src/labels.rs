use nprt_core::model::{MetricName, Track};
use nprt_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use crate::assemble::Place;

/// The names of the labels (or tags) that say where something was measured; what is `null` is neither asked
/// for nor answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Labels {
    /// Its value is `stable` or `canary`.
    pub track: String,
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
    pub(crate) fn by(&self, more: Option<&str>) -> String {
        let optional = [&self.version, &self.pod, &self.route].into_iter().flatten().map(String::as_str);
        let all: Vec<&str> = more.into_iter().chain([self.track.as_str()]).chain(optional).collect();
        all.join(",")
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &str> {
        let optional = [&self.version, &self.pod, &self.route].into_iter().flatten();
        [&self.track, &self.class].into_iter().chain(optional).map(String::as_str)
    }

    /// Where a series was measured; `label` looks up its labels.
    pub(crate) fn place<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> Result<Place, String> {
        let track = label(&self.track).unwrap_or_default();
        let track: Track = track.parse().map_err(|_| {
            format!("expected the label {} to be stable or canary, found {track:?}", self.track)
        })?;
        let value = |name: &Option<String>| {
            name.as_deref().and_then(&label).filter(|value| !value.is_empty()).map(str::to_owned)
        };
        Ok(Place { track, pod: value(&self.pod), route: value(&self.route), version: value(&self.version) })
    }
}

/// An answer that cannot be made blocks of.
pub(crate) fn unexpected(operation: &'static str, metric: &MetricName, message: &str) -> Error {
    Error::new(ErrorKind::Unexpected, operation, message).with("metric", metric)
}

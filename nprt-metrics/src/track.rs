//! The track of a series, by one of its labels.

use std::fmt;

use nprt_core::model::Track;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// The label (or tag) that says which track a series belongs to, and how it says so.
///
/// In a configuration it is the name of a label whose value is `stable` or `canary` (`track: track`), or one that holds
/// the name of something that nprt named after the track (`track: {label: pod, names: pod}`), or one whose values
/// are told apart by patterns (`track: {label: version, canary: '*-rc', stable: '*'}`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum TrackLabel {
    /// Its value is `stable` or `canary`.
    Value(String),
    /// Its value is a name. The canary of a Deployment `web` is the Deployment `web-canary`.
    Name {
        /// The label.
        label: String,
        /// What it names.
        names: Named,
    },
    /// Its value matches a pattern, in which `*` stands for anything: `canary` or else `stable`; what neither matches is of
    /// no track. A series without the label matches only the empty pattern.
    Pattern {
        /// The label.
        label: String,
        /// The values of the canary.
        canary: String,
        /// The values of stable.
        stable: String,
    },
}

/// What a label names, of which nprt made a second for the canary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Named {
    /// A pod: `web-canary-<hash>-<id>`.
    Pod,
    /// A ReplicaSet: `web-canary-<hash>`.
    ReplicaSet,
    /// A Deployment or another workload: `web-canary`.
    Deployment,
    /// Something made of the name of a Service, such as an upstream or a cluster of a proxy: `shop-web-canary-80`.
    Service,
    /// The version that nprt deployed: its tag, the tag as a label, or its commit.
    Version,
}

/// What nprt adds to a name for the canary.
const SUFFIX: &str = "-canary";
/// No name of a pod is longer: Kubernetes cuts what comes before its last five characters.
const LONGEST_POD: usize = 63;

impl TrackLabel {
    /// The label.
    #[must_use]
    pub fn label(&self) -> &str {
        match self {
            Self::Value(label) | Self::Name { label, .. } | Self::Pattern { label, .. } => label,
        }
    }

    /// The track that this value of the label means.
    pub(crate) fn track(&self, value: &str) -> Result<Track, String> {
        let label = self.label();
        match self {
            Self::Value(_) => value
                .parse()
                .map_err(|_| format!("expected the label {label} to be stable or canary, found {value:?}")),
            Self::Name { names, .. } => names
                .track(value)
                .ok_or_else(|| format!("expected the label {label} to name a {names}, found {value:?}")),
            Self::Pattern { canary, stable, .. } => {
                let tracks = [(canary, Track::Canary), (stable, Track::Stable)];
                let track = tracks.into_iter().find(|(pattern, _)| matches(pattern, value));
                track.map(|(_, track)| track).ok_or_else(|| {
                    format!("expected the label {label} to be {canary:?} or {stable:?}, found {value:?}")
                })
            }
        }
    }

    /// A matcher of PromQL for series that have a track; empty where there is none.
    #[cfg(feature = "prometheus")]
    pub(crate) fn matcher(&self) -> String {
        match self {
            Self::Value(label) => format!(r#"{label}=~"stable|canary""#),
            Self::Pattern { canary, stable, .. } if canary.is_empty() || stable.is_empty() => String::new(),
            Self::Name { label, .. } | Self::Pattern { label, .. } => format!(r#"{label}!="""#),
        }
    }
}

impl Named {
    fn track(self, name: &str) -> Option<Track> {
        let of = |canary: bool| Some(if canary { Track::Canary } else { Track::Stable });
        if name.is_empty() {
            return None;
        }
        match self {
            // That takes what runs to tell.
            Self::Version => None,
            Self::Deployment => of(name.ends_with(SUFFIX)),
            Self::ReplicaSet => of(name.rsplit_once('-')?.0.ends_with(SUFFIX)),
            Self::Service => of(name.match_indices(SUFFIX).any(|(at, _)| {
                let next = name.get(at + SUFFIX.len()..).and_then(|rest| rest.chars().next());
                next.is_none_or(|next| !next.is_ascii_alphanumeric())
            })),
            Self::Pod => {
                let end = name.rsplit_once("-canary-").map(|(_, end)| end);
                match end {
                    Some(end) if ends_a_pod(end) => of(true),
                    // The suffix may be cut off.
                    _ if name.len() >= LONGEST_POD => None,
                    _ if name.contains('-') => of(false),
                    _ => None,
                }
            }
        }
    }
}

/// What Kubernetes adds to the name of a workload for its pods: `<hash>-<id>` of a Deployment, which it runs together
/// where the name is long, `<id>` of a ReplicaSet or DaemonSet, a number of a StatefulSet.
fn ends_a_pod(end: &str) -> bool {
    // Kubernetes' own choice: no vowels, and nothing that looks like one.
    let random = |text: &str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&text.len()) && text.bytes().all(|b| b"bcdfghjklmnpqrstvwxz2456789".contains(&b))
    };
    match end.split_once('-') {
        Some((hash, id)) => random(hash, 1..=10) && random(id, 5..=5),
        None => random(end, 5..=15) || (!end.is_empty() && end.bytes().all(|b| b.is_ascii_digit())),
    }
}

/// Whether `value` is like `pattern`.
fn matches(pattern: &str, value: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == value };
    let (between, end) = rest.rsplit_once('*').unwrap_or(("", rest));
    let inner = value.strip_prefix(start).and_then(|value| value.strip_suffix(end));
    let Some(mut inner) = inner.filter(|_| !value.is_empty()) else { return false };
    between.split('*').all(|part| match inner.split_once(part) {
        Some((_, after)) => {
            inner = after;
            true
        }
        None => false,
    })
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pod => "pod",
            Self::ReplicaSet => "ReplicaSet",
            Self::Deployment => "Deployment",
            Self::Service => "Service",
            Self::Version => "version",
        })
    }
}

impl From<&str> for TrackLabel {
    fn from(label: &str) -> Self {
        Self::Value(label.to_owned())
    }
}

impl<'de> Deserialize<'de> for TrackLabel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Fields {
            label: String,
            names: Option<Named>,
            canary: Option<String>,
            stable: Option<String>,
        }
        struct Label;
        impl<'de> Visitor<'de> for Label {
            type Value = TrackLabel;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a label, or a label with `names`, or with `canary` and `stable`")
            }

            fn visit_str<E: serde::de::Error>(self, label: &str) -> Result<TrackLabel, E> {
                Ok(label.into())
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<TrackLabel, A::Error> {
                match Fields::deserialize(MapAccessDeserializer::new(map))? {
                    Fields { label, names: None, canary: None, stable: None } => Ok(TrackLabel::Value(label)),
                    Fields { label, names: Some(names), canary: None, stable: None } => {
                        Ok(TrackLabel::Name { label, names })
                    }
                    Fields { label, names: None, canary: Some(canary), stable: Some(stable) } => {
                        Ok(TrackLabel::Pattern { label, canary, stable })
                    }
                    _ => Err(A::Error::custom("expected either `names`, or both `canary` and `stable`")),
                }
            }
        }
        deserializer.deserialize_any(Label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_track() {
        let (canary, stable) = (Some(Track::Canary), Some(Track::Stable));
        for (names, name, expected) in [
            (Named::Pod, "web-canary-6d4cf56db6-x7k2p", canary),
            (Named::Pod, "web-6d4cf56db6-x7k2p", stable),
            (Named::Pod, "web-canary-0", canary),
            (Named::Pod, "web-0", stable),
            (Named::Pod, "web-canary-api-6d4cf56db6-x7k2p", stable),
            (Named::Pod, "web-canary-api-0", stable),
            (Named::Pod, "web-canary-api-canary-6d4cf56db6-x7k2p", canary),
            (Named::Pod, "canary-6d4cf56db6-x7k2p", stable),
            (Named::Pod, "prewarmer-canaryish-6d4cf56db6-x7k2p", stable),
            (Named::Pod, "web", None),
            (Named::Pod, "", None),
            // 48 and 57 characters before the suffix: Kubernetes runs the end together, or cuts the suffix.
            (Named::Pod, "a234567890123456789012345678901234567890abcdefgh-canary-6dx7k2p", canary),
            (Named::Pod, "a234567890123456789012345678901234567890abcdefghijklmnopq-x7k2p", None),
            (Named::ReplicaSet, "web-canary-6d4cf56db6", canary),
            (Named::ReplicaSet, "web-6d4cf56db6", stable),
            (Named::ReplicaSet, "web-canary-api-6d4cf56db6", stable),
            (Named::ReplicaSet, "web", None),
            (Named::Deployment, "web-canary", canary),
            (Named::Deployment, "web", stable),
            (Named::Deployment, "web-canary-api", stable),
            (Named::Service, "shop-web-canary-80@kubernetes", canary),
            (Named::Service, "outbound|80||web-canary.shop.svc.cluster.local", canary),
            (Named::Service, "shop.web-canary.80", canary),
            (Named::Service, "shop-web-80@kubernetes", stable),
            (Named::Service, "shop-web-canaryish-80", stable),
            (Named::Service, "", None),
        ] {
            assert_eq!(names.track(name), expected, "{names} {name}");
        }
    }

    #[test]
    fn patterns_tell_the_track() {
        let label: TrackLabel =
            serde_json::from_str(r#"{"label": "version", "canary": "*-rc", "stable": "v*"}"#).unwrap();
        assert_eq!(label.track("v2-rc"), Ok(Track::Canary));
        assert_eq!(label.track("v2"), Ok(Track::Stable));
        let error = label.track("2").unwrap_err();
        assert!(error.contains("version") && error.contains(r#""*-rc""#), "{error}");
        for (pattern, value, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", false),
            ("*", "a", true),
            ("a*", "a", true),
            ("a*a", "a", false),
            ("*-canary-*", "shop-web-canary-80", true),
            ("*-canary-*", "shop-web-80", false),
            ("a*b*b*c", "a-b-b-c", true),
            ("a*b*b*c", "a-b-c", false),
        ] {
            assert_eq!(matches(pattern, value), expected, "{pattern} {value}");
        }
    }

    #[test]
    fn each_form_is_read() {
        let read = |text: &str| serde_json::from_str::<TrackLabel>(text);
        assert_eq!(read(r#""track""#).unwrap(), "track".into());
        assert_eq!(read(r#"{"label": "track"}"#).unwrap(), "track".into());
        let pod = TrackLabel::Name { label: "pod".to_owned(), names: Named::Pod };
        assert_eq!(read(r#"{"label": "pod", "names": "pod"}"#).unwrap(), pod);
        assert_eq!(read(&serde_json::to_string(&pod).unwrap()).unwrap(), pod);
        for (wrong, said) in [
            (r#"{"label": "pod", "names": "node"}"#, "node"),
            (r#"{"label": "pod", "canary": "x"}"#, "both `canary` and `stable`"),
            (r#"{"label": "pod", "from": "x"}"#, "from"),
            ("7", "the name of a label"),
        ] {
            let error = read(wrong).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}

//! The settings as a configuration has them: a profile, and what replaces parts of it.

use std::collections::BTreeMap;
use std::fmt;

use nprt_core::Error;
use nprt_core::model::{MetricName, Secret};
use nprt_http::ClientConfig;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::config::{MetricSource, PrometheusAuth, PrometheusConfig, PrometheusMetric};
use super::profile::Profile;
use super::status::Statuses;
use crate::labels_file::{LabelsFile, set};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PrometheusFile {
    url: String,
    #[serde(default)]
    auth: PrometheusAuth,
    #[serde(default)]
    headers: BTreeMap<String, Secret>,
    #[serde(default)]
    http: ClientConfig,
    max_response_bytes: Option<usize>,
    max_points: Option<usize>,
    max_blocks: Option<usize>,
    max_series: Option<usize>,
    profile: Option<Profiles>,
    labels: Option<LabelsFile>,
    select: Option<String>,
    status: Option<Statuses>,
    metrics: Option<BTreeMap<MetricName, Option<PrometheusMetric>>>,
}

/// One profile, or several.
struct Profiles(Vec<ProfileFile>);

/// A profile, and what replaces parts of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileFile {
    name: Profile,
    labels: Option<LabelsFile>,
    select: Option<String>,
    status: Option<Statuses>,
    metrics: Option<BTreeMap<MetricName, Option<PrometheusMetric>>>,
}

impl TryFrom<PrometheusFile> for PrometheusConfig {
    type Error = Error;

    fn try_from(file: PrometheusFile) -> Result<Self, Error> {
        let named = file.profile.is_some();
        let mut profiles = file.profile.map_or_else(Vec::new, |Profiles(all)| all).into_iter();
        let first = match profiles.next() {
            Some(first) => first.source(),
            None if named => {
                return Err(Error::invalid("prometheus.config", "expected a profile, found an empty list"));
            }
            None => Profile::PrometheusClient.source(),
        };
        let mut source = first;
        if let (false, Some(_)) = (named, &file.metrics) {
            source.metrics.clear();
        }
        replace(&mut source, file.labels, file.select, file.status, file.metrics);
        let mut config = Self::new(file.url);
        (config.auth, config.headers, config.http) = (file.auth, file.headers, file.http);
        config.source = source;
        config.more = profiles.map(ProfileFile::source).collect();
        config.max_response_bytes = file.max_response_bytes.unwrap_or(config.max_response_bytes);
        config.max_points = file.max_points.unwrap_or(config.max_points);
        config.max_blocks = file.max_blocks.unwrap_or(config.max_blocks);
        config.max_series = file.max_series.unwrap_or(config.max_series);
        Ok(config)
    }
}

impl ProfileFile {
    fn source(self) -> MetricSource {
        let mut source = self.name.source();
        replace(&mut source, self.labels, self.select, self.status, self.metrics);
        source
    }
}

/// Replaces the parts of `source` that are given.
fn replace(
    source: &mut MetricSource,
    labels: Option<LabelsFile>,
    select: Option<String>,
    status: Option<Statuses>,
    metrics: Option<BTreeMap<MetricName, Option<PrometheusMetric>>>,
) {
    if let Some(labels) = labels {
        labels.replace(&mut source.labels);
    }
    set(&mut source.select, select);
    set(&mut source.status, status);
    for (name, metric) in metrics.into_iter().flatten() {
        match metric {
            Some(metric) => drop(source.metrics.insert(name, metric)),
            None => drop(source.metrics.remove(&name)),
        }
    }
}

impl<'de> Deserialize<'de> for Profiles {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Profiles;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a profile, or a list of them")
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Profiles, E> {
                one(name).map(|one| Profiles(vec![one]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Profiles, A::Error> {
                let mut all = Vec::new();
                while let Some(Item(profile)) = seq.next_element()? {
                    all.push(profile);
                }
                Ok(Profiles(all))
            }
        }
        deserializer.deserialize_any(All)
    }
}

/// A profile of a list: its name, or a map.
struct Item(ProfileFile);

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct One;
        impl<'de> Visitor<'de> for One {
            type Value = Item;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a profile, or a map with its `name`")
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Item, E> {
                one(name).map(Item)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Item, A::Error> {
                ProfileFile::deserialize(MapAccessDeserializer::new(map)).map(Item)
            }
        }
        deserializer.deserialize_any(One)
    }
}

fn one<E: serde::de::Error>(name: &str) -> Result<ProfileFile, E> {
    let name = Profile::deserialize(serde::de::value::StrDeserializer::<E>::new(name)).map_err(E::custom)?;
    Ok(ProfileFile { name, labels: None, select: None, status: None, metrics: None })
}

use nprt_core::model::MetricName;

use crate::prometheus::config::{MetricSource, PrometheusMetric};
use crate::prometheus::status::{StatusLabel, Statuses};
use crate::track::{Named, TrackLabel};
use crate::{Labels, MetricUnit, RequestOutcome};

/// A profile as plain data; the fields are those of [`MetricSource`] and its labels.
pub(super) struct Data {
    pub(super) track: Track,
    pub(super) version: Option<&'static str>,
    pub(super) pod: Option<&'static str>,
    pub(super) route: Option<&'static str>,
    pub(super) class: &'static str,
    pub(super) select: &'static str,
    pub(super) status: &'static [Status],
    pub(super) metrics: &'static [(&'static str, Metric)],
}

/// A [`TrackLabel`].
pub(super) enum Track {
    Value(&'static str),
    Name(&'static str, Named),
    Pattern { label: &'static str, canary: &'static str, stable: &'static str },
}

/// A [`StatusLabel`].
pub(super) struct Status {
    pub(super) label: &'static str,
    pub(super) values: &'static [(&'static str, RequestOutcome)],
}

/// A [`PrometheusMetric`].
pub(super) enum Metric {
    Histogram(&'static str, MetricUnit),
    Value(&'static str),
    Requests(&'static str),
    Classes(&'static str),
}

impl Status {
    pub(super) const fn label(label: &'static str) -> Self {
        Self { label, values: &[] }
    }
}

impl Data {
    pub(super) fn source(&self) -> MetricSource {
        let named = |name: Option<&str>| name.map(str::to_owned);
        let metrics = self.metrics.iter();
        MetricSource {
            labels: Labels {
                track: self.track.label(),
                version: named(self.version),
                pod: named(self.pod),
                route: named(self.route),
                class: self.class.to_owned(),
            },
            select: self.select.to_owned(),
            status: Statuses(self.status.iter().map(Status::status).collect()),
            metrics: metrics
                .filter_map(|(name, of)| Some((MetricName::new(name).ok()?, of.metric())))
                .collect(),
        }
    }
}

impl Track {
    fn label(&self) -> TrackLabel {
        match *self {
            Self::Value(label) => label.into(),
            Self::Name(label, names) => TrackLabel::Name { label: label.to_owned(), names },
            Self::Pattern { label, canary, stable } => TrackLabel::Pattern {
                label: label.to_owned(),
                canary: canary.to_owned(),
                stable: stable.to_owned(),
            },
        }
    }
}

impl Status {
    fn status(&self) -> StatusLabel {
        let values = self.values.iter().map(|(value, outcome)| ((*value).to_owned(), *outcome));
        StatusLabel { label: self.label.to_owned(), values: values.collect() }
    }
}

impl Metric {
    fn metric(&self) -> PrometheusMetric {
        match *self {
            Self::Histogram(query, unit) => PrometheusMetric::Histogram { query: query.to_owned(), unit },
            Self::Value(query) => PrometheusMetric::Value { query: query.to_owned(), unit: MetricUnit::None },
            Self::Requests(requests) => {
                PrometheusMetric::Requests { requests: requests.to_owned(), errors: None }
            }
            Self::Classes(query) => PrometheusMetric::Classes { query: query.to_owned() },
        }
    }
}

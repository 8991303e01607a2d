use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use nprt_core::model::MetricName;
use nprt_core::ports::Clock;
use nprt_core::{Error, Result};
use nprt_http::base_url;

use super::access::Access;
use super::backend::Prometheus;
use super::client::Client;
use super::config::{MetricSource, PrometheusConfig, PrometheusMetric};
use super::increase::Forms;
use super::measure::Measure;
use super::plan::Sizes;
use crate::limits::check_limits;
use crate::{Named, TrackLabel};

const OPERATION: &str = "prometheus.config";
const PLACEHOLDERS: [&str; 5] = ["{service}", "{select}", "{window}", "{by}", "{increase}"];

impl PrometheusConfig {
    /// Validates everything and makes the backend; it does not connect. `clock` decides which minutes are
    /// complete.
    ///
    /// # Errors
    /// `Invalid`, naming the field.
    pub fn build(self, clock: Arc<dyn Clock>) -> Result<Prometheus> {
        let url = base_url(OPERATION, &self.url)?;
        let limits = [
            ("max_response_bytes", self.max_response_bytes),
            ("max_points", self.max_points),
            ("max_blocks", self.max_blocks),
            ("max_series", self.max_series),
        ];
        check_limits(OPERATION, &limits)?;
        let mut metrics = BTreeMap::new();
        for source in [self.source].into_iter().chain(self.more) {
            add(&mut metrics, source)?;
        }
        if metrics.is_empty() {
            return Err(invalid("metrics", "expected at least one metric"));
        }
        let access = Access::new(self.auth, &self.headers)?;
        let client = Client::new(&self.http, &url, access, self.max_response_bytes)?;
        let (max_points, max_blocks, max_series) = (self.max_points, self.max_blocks, self.max_series);
        let sizes = Sizes::default();
        Ok(Prometheus { client, clock, metrics, max_points, max_blocks, max_series, sizes })
    }
}

fn invalid(field: &'static str, message: &str) -> Error {
    Error::invalid(OPERATION, message).with("field", field)
}

/// Adds the metrics of `source` that are not there yet.
fn add(metrics: &mut BTreeMap<MetricName, Measure>, source: MetricSource) -> Result<()> {
    let MetricSource { labels, select, status, metrics: more } = source;
    let wrong = labels.all().find(|name| !is_label(name)).map(|name| ("labels", name));
    let wrong = wrong.or_else(|| status.labels().find(|name| !is_label(name)).map(|name| ("status", name)));
    if let Some((field, name)) = wrong {
        return Err(invalid(field, "expected letters, digits and `_`").with("label", name));
    }
    if matches!(labels.track, TrackLabel::Name { names: Named::Version, .. }) {
        return Err(invalid(
            "labels",
            "the version tells no track here: name a pod, a workload or a Service",
        )
        .with("label", "track"));
    }
    check_placeholders(&select).map_err(|error| error.with("field", "select"))?;
    let matchers = [select.trim().trim_end_matches(',').to_owned(), labels.track.matcher()];
    let matchers = matchers.into_iter().filter(|matcher| !matcher.is_empty()).collect::<Vec<_>>().join(",");
    let (labels, status) = (Arc::new(labels), Arc::new(status));
    for (name, metric) in more {
        let Entry::Vacant(entry) = metrics.entry(name) else { continue };
        let forms = metric.queries().map(|query| checked(query, &matchers));
        let forms: Result<Vec<Forms>> = forms.collect();
        let forms = forms.map_err(|error| error.with("metric", entry.key()))?;
        if matches!(metric, PrometheusMetric::Requests { errors: None, .. }) && status.0.is_empty() {
            let message = "without `errors`, `status` must name the label that says which requests failed";
            return Err(invalid("status", message).with("metric", entry.key()));
        }
        entry.insert(Measure { labels: Arc::clone(&labels), status: Arc::clone(&status), metric, forms });
    }
    Ok(())
}

/// The query with the matchers of its source, and with `{increase}` written out.
fn checked(query: &str, matchers: &str) -> Result<Forms> {
    check_placeholders(query)?;
    let query = query.replace("{select}", matchers);
    if !query.contains("{service}") {
        return Err(Error::invalid(OPERATION, "without {service}, the query would answer for every service")
            .with("query", query)
            .with_available(PLACEHOLDERS));
    }
    Forms::of(&query).map_err(|message| {
        Error::invalid(OPERATION, message).with("query", query).with_available(PLACEHOLDERS)
    })
}

/// `{word}` is no PromQL: it can only be meant as a placeholder.
fn check_placeholders(text: &str) -> Result<()> {
    for (at, _) in text.match_indices('{') {
        let inside = text.get(at + 1..).and_then(|rest| rest.split_once('}')).map(|(inside, _)| inside);
        let word = inside.filter(|w| !w.is_empty() && w.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
        if let Some(word) = word
            && !PLACEHOLDERS.contains(&format!("{{{word}}}").as_str())
        {
            return Err(Error::invalid(OPERATION, "unknown placeholder")
                .with("placeholder", format_args!("{{{word}}}"))
                .with("query", text)
                .with_available(PLACEHOLDERS));
        }
    }
    Ok(())
}

fn is_label(name: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    name.bytes().next().is_some_and(|b| !b.is_ascii_digit()) && name.bytes().all(word)
}

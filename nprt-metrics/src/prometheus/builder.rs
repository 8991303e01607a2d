use std::sync::Arc;

use nprt_core::ports::Clock;
use nprt_core::{Error, Result};
use nprt_http::base_url;

use super::client::Client;
use super::increase::expand;
use super::{Prometheus, PrometheusConfig, PrometheusMetric};
use crate::Labels;
use crate::limits::check_limits;

const PLACEHOLDERS: [&str; 4] = ["{service}", "{window}", "{by}", "{increase}"];

impl PrometheusConfig {
    /// Validates everything and makes the backend; it does not connect. `clock` decides which minutes are
    /// complete.
    ///
    /// # Errors
    /// `Invalid`, naming the field.
    pub fn build(self, clock: Arc<dyn Clock>) -> Result<Prometheus> {
        let invalid = |field: &'static str, message: &str| {
            Error::invalid("prometheus.config", message).with("field", field)
        };
        let url = base_url("prometheus.config", &self.url)?;
        let limits = [
            ("max_response_bytes", self.max_response_bytes),
            ("max_points", self.max_points),
            ("max_blocks", self.max_blocks),
        ];
        check_limits("prometheus.config", &limits)?;
        if self.metrics.is_empty() {
            return Err(invalid("metrics", "expected at least one metric"));
        }
        if let Some(wrong) = self.labels.all().find(|name| !is_label(name)) {
            return Err(invalid("labels", "expected letters, digits and `_`").with("label", wrong));
        }
        let mut metrics = self.metrics;
        for (name, metric) in &mut metrics {
            for query in queries_mut(metric) {
                *query = checked(query).map_err(|error| error.with("metric", name))?;
            }
        }
        let http = nprt_http::client(&self.http)?;
        let client = Client::new(http, &url, self.auth, self.max_response_bytes)?;
        let (max_points, max_blocks) = (self.max_points, self.max_blocks);
        Ok(Prometheus { client, clock, labels: self.labels, metrics, max_points, max_blocks })
    }
}

/// Its queries, in order.
pub(super) fn queries(metric: &PrometheusMetric) -> Vec<&str> {
    match metric {
        PrometheusMetric::Histogram { query }
        | PrometheusMetric::Value { query }
        | PrometheusMetric::Classes { query } => vec![query],
        PrometheusMetric::Requests { requests, errors } => vec![requests, errors],
    }
}

fn queries_mut(metric: &mut PrometheusMetric) -> Vec<&mut String> {
    match metric {
        PrometheusMetric::Histogram { query }
        | PrometheusMetric::Value { query }
        | PrometheusMetric::Classes { query } => vec![query],
        PrometheusMetric::Requests { requests, errors } => vec![requests, errors],
    }
}

/// A query with everything filled in. A service's name is a DNS label and a label's is checked, so that
/// neither can leave its place.
pub(super) fn fill(query: &str, service: &str, labels: &Labels, more: Option<&str>) -> String {
    // `{service}` last: no other placeholder can come in through it, since a name holds no brace.
    query.replace("{window}", "1m").replace("{by}", &labels.by(more)).replace("{service}", service)
}

/// The query with `{increase}` written out.
fn checked(query: &str) -> Result<String> {
    let invalid = |message: &str| {
        Error::invalid("prometheus.config", message).with("query", query).with_available(PLACEHOLDERS)
    };
    if !query.contains("{service}") {
        return Err(invalid("without {service}, the query would answer for every service"));
    }
    // `{word}` is no PromQL: it can only be meant as a placeholder.
    for (at, _) in query.match_indices('{') {
        let inside = query.get(at + 1..).and_then(|rest| rest.split_once('}')).map(|(inside, _)| inside);
        let word = inside.filter(|w| !w.is_empty() && w.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
        if let Some(word) = word
            && !PLACEHOLDERS.contains(&format!("{{{word}}}").as_str())
        {
            return Err(invalid("unknown placeholder").with("placeholder", format_args!("{{{word}}}")));
        }
    }
    expand(query).map_err(invalid)
}

fn is_label(name: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    name.bytes().next().is_some_and(|b| !b.is_ascii_digit()) && name.bytes().all(word)
}

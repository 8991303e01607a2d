use std::sync::Arc;

use nprt_core::ports::Clock;
use nprt_core::{Error, Result};
use nprt_http::base_url;

use super::client::Client;
use super::{Datadog, DatadogConfig, DatadogMetric};
use crate::limits::check_limits;

impl DatadogConfig {
    /// Validates everything and makes the backend; it does not connect. `clock` decides which minutes are
    /// complete.
    ///
    /// # Errors
    /// `Invalid`, naming the field.
    pub fn build(self, clock: Arc<dyn Clock>) -> Result<Datadog> {
        let invalid = |field: &'static str, message: &str| {
            Error::invalid("datadog.config", message).with("field", field)
        };
        let host = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-');
        if self.site.is_empty() || !self.site.bytes().all(host) {
            return Err(invalid("site", "expected the name of a host").with("site", &self.site));
        }
        for (field, key) in [("api_key", &self.api_key), ("application_key", &self.application_key)] {
            if key.expose().is_empty() || !key.expose().bytes().all(|b| b.is_ascii_graphic()) {
                return Err(invalid(field, "expected a key without spaces"));
            }
        }
        let limits = [
            ("max_response_bytes", self.max_response_bytes),
            ("max_points", self.max_points),
            ("max_blocks", self.max_blocks),
        ];
        check_limits("datadog.config", &limits)?;
        if self.metrics.is_empty() {
            return Err(invalid("metrics", "expected at least one metric"));
        }
        if let Some(wrong) = self.tags.all().find(|name| !is_tag(name)) {
            return Err(invalid("tags", "expected letters, digits, `_`, `.`, `-` and `/`").with("tag", wrong));
        }
        for (name, metric) in &self.metrics {
            check(metric).map_err(|message| invalid("metrics", message).with("metric", name))?;
        }
        let url = self.url.unwrap_or_else(|| format!("https://api.{}", self.site));
        let url = base_url("datadog.config", &url)?;
        let http = nprt_http::client(&self.http)?;
        let client = Client::new(http, &url, [self.api_key, self.application_key], self.max_response_bytes)?;
        Ok(Datadog {
            client,
            clock,
            delay_seconds: self.delay_seconds,
            tags: self.tags,
            metrics: self.metrics,
            max_points: self.max_points,
            max_blocks: self.max_blocks,
        })
    }
}

fn check(metric: &DatadogMetric) -> Result<(), &'static str> {
    if let DatadogMetric::Value { scale, .. } = metric
        && !(scale.is_finite() && *scale > 0.0)
    {
        return Err("expected a finite scale above zero");
    }
    if queries(metric).iter().all(|query| query.contains("{service}")) {
        Ok(())
    } else {
        Err("without {service}, the query would answer for every service")
    }
}

/// Its queries, in order.
pub(super) fn queries(metric: &DatadogMetric) -> Vec<&str> {
    match metric {
        DatadogMetric::Value { query, .. } | DatadogMetric::Classes { query } => vec![query],
        DatadogMetric::Requests { requests, errors } => vec![requests, errors],
    }
}

fn is_tag(name: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b'/' | b'@');
    !name.is_empty() && name.bytes().all(word)
}

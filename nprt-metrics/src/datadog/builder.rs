use std::sync::Arc;

use nprt_core::ports::Clock;
use nprt_core::{Error, Result};
use nprt_http::base_url;
use reqwest::header::HeaderName;

use super::client::{Access, Client};
use super::query::{EDGE, fault};
use super::{Datadog, DatadogConfig, DatadogMetric};
use crate::limits::check_limits;

const OPERATION: &str = "datadog.config";

/// More edges are more queries than an answer is worth.
const MOST_EDGES: usize = 100;

impl DatadogConfig {
    /// Validates everything and makes the backend; it does not connect. `clock` decides which minutes are
    /// complete.
    ///
    /// # Errors
    /// `Invalid`, naming the field.
    pub fn build(self, clock: Arc<dyn Clock>) -> Result<Datadog> {
        let invalid =
            |field: &'static str, message: &str| Error::invalid(OPERATION, message).with("field", field);
        let host = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-');
        if self.site.is_empty() || !self.site.bytes().all(host) {
            return Err(invalid("site", "expected the name of a host").with("site", &self.site));
        }
        for (field, key) in [("api_key", &self.api_key), ("application_key", &self.application_key)] {
            if key.expose().is_empty() || !key.expose().bytes().all(|b| b.is_ascii_graphic()) {
                return Err(invalid(field, "expected a key without spaces"));
            }
        }
        let headers = self.headers.into_iter().map(|(name, value)| {
            let known = HeaderName::from_bytes(name.as_bytes()).ok();
            known.map(|known| (known, value)).ok_or_else(|| {
                invalid("headers", "expected the name of a header").with("header", name.escape_debug())
            })
        });
        let headers = headers.collect::<Result<_>>()?;
        let limits = [
            ("max_response_bytes", self.max_response_bytes),
            ("max_points", self.max_points),
            ("max_blocks", self.max_blocks),
        ];
        check_limits(OPERATION, &limits)?;
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
        let url = base_url(OPERATION, &url)?;
        let http = nprt_http::client(&self.http)?;
        let (keys, limit) = ([self.api_key, self.application_key], self.max_response_bytes);
        Ok(Datadog {
            client: Client::new(http, Access { url, keys, headers, api: self.api, limit })?,
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
    match metric {
        DatadogMetric::Value { scale, .. } if !(scale.is_finite() && *scale > 0.0) => {
            return Err("expected a finite scale above zero");
        }
        DatadogMetric::Distribution { edges, .. }
            if edges.is_empty() || edges.len() > MOST_EDGES || !ascend(edges) =>
        {
            return Err("expected 1 to 100 ascending edges");
        }
        DatadogMetric::Distribution { below, .. } if !below.contains(EDGE) => {
            return Err("without {edge} in `below`, each edge would have the same count");
        }
        DatadogMetric::Histogram { edge, .. } if !is_tag(edge) => return Err("`edge` is the name of a tag"),
        _ => {}
    }
    metric.queries().into_iter().find_map(fault).map_or(Ok(()), Err)
}

fn ascend(edges: &[f64]) -> bool {
    edges.iter().all(|edge| edge.is_finite()) && edges.windows(2).all(|pair| pair[0] < pair[1])
}

fn is_tag(name: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b'/' | b'@');
    !name.is_empty() && name.bytes().all(word)
}

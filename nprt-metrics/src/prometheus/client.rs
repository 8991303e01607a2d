use std::ops::Range;
use std::time::Duration;

use nprt_core::wrap::time_left;
use nprt_core::{Error, ErrorKind, Result};
use nprt_http::{ClientConfig, Limit, check_values, read_body, request_error, retry_after};
use reqwest::{StatusCode, Url};
use serde::de::IgnoredAny;

use super::access::Access;
use super::answer::{Answer, Matrix, Number, Single, Whole};
use super::series::Series;
use super::words::Words;
use crate::error::refusal;

const OPERATION: &str = "prometheus.query";

/// The only place that knows Prometheus' HTTP API.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    instant: Url,
    range: Url,
    access: Access,
    limit: usize,
    /// How long we wait for an answer.
    timeout: Duration,
}

/// The series of an answer, how many bytes it had, and what the server says about it.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) series: Vec<Series>,
    pub(super) bytes: usize,
    pub(super) notes: Vec<String>,
}

impl Client {
    pub(super) fn new(config: &ClientConfig, url: &Url, access: Access, limit: usize) -> Result<Self> {
        let join = |path: &str| {
            url.join(path)
                .map_err(|_| Error::invalid("prometheus.config", "no path can be added to the address"))
        };
        let (instant, range) = (join("api/v1/query")?, join("api/v1/query_range")?);
        let timeout = Duration::from_secs(config.timeout_seconds);
        Ok(Self { http: nprt_http::client(config)?, instant, range, access, limit, timeout })
    }

    /// The series of `query`, a point at the end of each of `minutes`; there may be `most` points.
    pub(super) async fn range(&self, query: &str, minutes: &Range<i64>, most: Points) -> Result<Answered> {
        let at = |minute: i64| minute.saturating_mul(60).to_string();
        let (start, end) = (at(minutes.start.saturating_add(1)), at(minutes.end));
        let form = [("query", query), ("start", &start), ("end", &end), ("step", "60")];
        let (body, words) = self.post(&self.range, &form).await?;
        tokio::task::spawn_blocking(move || series(&body, most, &words)).await.map_err(|error| {
            Error::new(ErrorKind::Unexpected, OPERATION, "the answer was not read to its end")
                .with_source(error)
        })?
    }

    /// Whether the server can evaluate `query` at a moment (in seconds).
    pub(super) async fn instant(&self, query: &str, second: i64) -> Result<()> {
        let form = [("query", query), ("time", &second.to_string())];
        let (body, words) = self.post(&self.instant, &form).await?;
        let answer: Answer<IgnoredAny> = serde_json::from_slice(&body).map_err(unreadable)?;
        answer.whole(None, &words).map(|_| ())
    }

    /// How many `query` counts at a moment (in seconds); none where it counts nothing.
    pub(super) async fn count(&self, query: &str, second: i64) -> Result<u64> {
        let form = [("query", query), ("time", &second.to_string())];
        let (body, words) = self.post(&self.instant, &form).await?;
        let answer: Number = serde_json::from_slice(&body).map_err(unreadable)?;
        let counted = answer.whole(Some("vector"), &words)?.result;
        Ok(counted.first().and_then(Single::count).unwrap_or_default())
    }

    async fn post(&self, url: &Url, form: &[(&str, &str)]) -> Result<(Vec<u8>, Words)> {
        // Nobody waits longer than this, so the server need not work longer.
        let timeout = time_left().map_or(self.timeout, |left| left.min(self.timeout));
        let timeout = format!("{:.3}", timeout.as_secs_f64().max(0.001));
        let form: Vec<(&str, &str)> = form.iter().copied().chain([("timeout", timeout.as_str())]).collect();
        let (request, words) = self.access.let_in(self.http.post(url.clone()).form(&form)).await?;
        let response = request.send().await.map_err(|error| request_error(OPERATION, error))?;
        let (status, wait) = (response.status(), retry_after(response.headers()));
        let body = read_body(OPERATION, response, Limit::by("max_response_bytes", self.limit)).await?;
        if status != StatusCode::OK {
            return Err(refused(status, &body, &words).with_retry_after(wait));
        }
        Ok((body, words))
    }
}

/// The error of a refusal, with what Prometheus itself says: a proxy's page may hold anything.
fn refused(status: StatusCode, body: &[u8], words: &Words) -> Error {
    let answer: Option<Answer<IgnoredAny>> = serde_json::from_slice(body).ok();
    let (said, of) = answer.and_then(|answer| answer.said(words)).unwrap_or_default();
    let error = refusal(OPERATION, status, &said);
    match of {
        Some(of) => error.with("error_type", of),
        None => error,
    }
}

/// How many points an answer may have: what is left of [`PrometheusConfig::max_points`](super::PrometheusConfig).
#[derive(Debug, Clone, Copy)]
pub(super) struct Points {
    pub(super) left: usize,
    pub(super) most: usize,
}

impl Points {
    /// Takes what `series` has.
    fn take(self, series: &[Series]) -> Result<()> {
        let points: usize = series.iter().map(Series::len).sum();
        if points <= self.left {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Unexpected, OPERATION, "the answer has too many points")
            .with("limit", format_args!("{} points", self.most))
            .with("option", "max_points"))
    }
}

/// The series of an answer. A point is a list of two, in a list: three values by our count; the rest is for labels.
pub(super) fn series(body: &[u8], most: Points, words: &Words) -> Result<Answered> {
    let values = most.left.saturating_mul(3).saturating_add(LABELS);
    check_values(OPERATION, body, Limit::by("max_points", values))?;
    let answer: Matrix = serde_json::from_slice(body).map_err(unreadable)?;
    let Whole { result: series, notes } = answer.whole(Some("matrix"), words)?;
    most.take(&series)?;
    Ok(Answered { series, bytes: body.len(), notes })
}

/// Values of an answer beside those of points.
const LABELS: usize = 200_000;

fn unreadable(error: serde_json::Error) -> Error {
    Error::new(ErrorKind::Unexpected, OPERATION, "the answer is not Prometheus'").with_source(error)
}

use std::ops::Range;
use std::time::Duration;

use nprt_core::model::Secret;
use nprt_core::{Error, ErrorKind, Result};
use nprt_http::{Limit, check_values, read_body, request_error, retry_after};
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{StatusCode, Url};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::refusal;

const OPERATION: &str = "datadog.query";

/// The only place that knows Datadog's API.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    url: Url,
    keys: [Secret; 2],
    limit: usize,
}

#[derive(Deserialize)]
struct Answer {
    data: Option<Data>,
    errors: Option<Value>,
}

#[derive(Deserialize)]
struct Data {
    attributes: Columns,
}

/// An answer: `values[i][j]` is what `series[i]` was at `times[j]` (in milliseconds), null where nothing was
/// measured.
#[derive(Debug, Deserialize)]
pub(super) struct Columns {
    #[serde(default)]
    pub(super) series: Vec<Series>,
    #[serde(default)]
    pub(super) times: Vec<i64>,
    #[serde(default)]
    pub(super) values: Vec<Vec<Option<f64>>>,
}

/// Which series a column is.
#[derive(Debug, Deserialize)]
pub(super) struct Series {
    #[serde(default)]
    pub(super) group_tags: Vec<String>,
    /// Which of the queries asked it answers.
    #[serde(default)]
    pub(super) query_index: usize,
}

impl Client {
    pub(super) fn new(http: reqwest::Client, url: &Url, keys: [Secret; 2], limit: usize) -> Result<Self> {
        let url = url.join("api/v2/query/timeseries");
        let url = url.map_err(|_| Error::invalid("datadog.config", "no path can be added to the address"))?;
        Ok(Self { http, url, keys, limit })
    }

    /// The series of `queries`, a point for each of `minutes`; there may be `most` of all.
    pub(super) async fn timeseries(
        &self,
        queries: &[String],
        minutes: &Range<i64>,
        most: Points,
    ) -> Result<Columns> {
        let milliseconds = |minute: i64| minute.saturating_mul(60_000);
        let name = |index: usize| format!("query{index}");
        let queries: Vec<Value> = queries
            .iter()
            .enumerate()
            .map(|(i, query)| json!({"data_source": "metrics", "name": name(i), "query": query}))
            .collect();
        let formulas: Vec<Value> = (0..queries.len()).map(|i| json!({"formula": name(i)})).collect();
        let body = json!({"data": {"type": "timeseries_request", "attributes": {
            "from": milliseconds(minutes.start),
            "to": milliseconds(minutes.end),
            "interval": 60_000,
            "queries": queries,
            "formulas": formulas,
        }}});
        let request = self.http.post(self.url.clone()).headers(self.headers()?).json(&body);
        let response = request.send().await.map_err(|error| request_error(OPERATION, error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = read_body(OPERATION, response, Limit::by("max_response_bytes", self.limit)).await?;
        if status != StatusCode::OK {
            return Err(refused(status, &headers, &body, &self.keys));
        }
        let keys = self.keys.clone();
        tokio::task::spawn_blocking(move || columns(&body, most, &keys)).await.map_err(|error| {
            Error::new(ErrorKind::Unexpected, OPERATION, "the answer was not read to its end")
                .with_source(error)
        })?
    }

    fn headers(&self) -> Result<HeaderMap> {
        let mut headers = HeaderMap::new();
        for (name, key) in ["dd-api-key", "dd-application-key"].into_iter().zip(&self.keys) {
            let mut value = HeaderValue::from_str(key.expose())
                .map_err(|_| Error::invalid(OPERATION, "a key cannot be sent in a header"))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(headers)
    }
}

/// How many points an answer may have: what is left of [`DatadogConfig::max_points`](super::DatadogConfig).
#[derive(Debug, Clone, Copy)]
pub(super) struct Points {
    pub(super) left: usize,
    pub(super) most: usize,
}

/// Values of an answer beside those of points: tags, times, and what a column begins with.
const TAGS: usize = 200_000;

/// What an answer holds. A minute without a measurement is a value, too, by our count.
pub(super) fn columns(body: &[u8], most: Points, keys: &[Secret]) -> Result<Columns> {
    let Points { left, most } = most;
    let limit = Limit::by("max_points", left.saturating_add(TAGS));
    check_values(OPERATION, body, limit)?;
    let answer: Answer = serde_json::from_slice(body).map_err(|error| {
        Error::new(ErrorKind::Unexpected, OPERATION, "the answer is not Datadog's").with_source(error)
    })?;
    let data = match answer {
        Answer { errors: Some(errors), .. } if !errors.is_null() => {
            return Err(Error::new(ErrorKind::Unexpected, OPERATION, "the query failed")
                .with("said", text(&errors, keys)));
        }
        Answer { data: Some(data), .. } => data.attributes,
        Answer { data: None, .. } => {
            return Err(Error::new(ErrorKind::Unexpected, OPERATION, "the answer has no data"));
        }
    };
    let points: usize = data.values.iter().map(Vec::len).sum();
    if points > left {
        return Err(Error::new(ErrorKind::Unexpected, OPERATION, "the answer has too many points")
            .with("limit", format_args!("{most} points"))
            .with("option", "max_points"));
    }
    Ok(data)
}

/// The error of a refusal, with what Datadog says about its limits.
fn refused(status: StatusCode, headers: &HeaderMap, body: &[u8], keys: &[Secret]) -> Error {
    let said: Option<Answer> =
        check_values(OPERATION, body, TAGS).ok().and_then(|()| serde_json::from_slice(body).ok());
    let said = said.and_then(|said| said.errors).map(|errors| text(&errors, keys)).unwrap_or_default();
    // Datadog's own header, in seconds as well; it sends no other.
    let reset = headers.get("x-ratelimit-reset").filter(|_| status == StatusCode::TOO_MANY_REQUESTS);
    let reset = reset.and_then(|seconds| seconds.to_str().ok()?.parse::<u32>().ok());
    let wait = retry_after(headers).or(reset.map(|seconds| Duration::from_secs(seconds.into())));
    let mut error = refusal(OPERATION, status, &said).with_retry_after(wait);
    for name in ["x-ratelimit-name", "x-ratelimit-limit", "x-ratelimit-period", "x-ratelimit-reset"] {
        if let Some(value) = headers.get(name).and_then(|value| value.to_str().ok()) {
            error = error.with(name, value);
        }
    }
    error
}

/// `errors` is a list of texts in a refusal, and one text in an answer. One that repeats a key is not shown.
fn text(errors: &Value, keys: &[Secret]) -> String {
    let all: Vec<&str> = match errors {
        Value::Array(errors) => errors.iter().filter_map(Value::as_str).collect(),
        other => other.as_str().into_iter().collect(),
    };
    let all = all.join("; ");
    if keys.iter().any(|key| all.contains(key.expose())) {
        return "what Datadog says repeats a key, and is not shown".to_owned();
    }
    all.chars().take(300).collect()
}

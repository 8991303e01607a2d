use std::ops::Range;

use nprt_core::{Error, ErrorKind, Result};
use nprt_http::{Limit, check_values, read_body, request_error, retry_after};
use reqwest::{StatusCode, Url};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::PrometheusAuth;
use super::series::Series;
use crate::error::refusal;

const OPERATION: &str = "prometheus.query";

/// The only place that knows Prometheus' HTTP API.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    instant: Url,
    range: Url,
    auth: PrometheusAuth,
    limit: usize,
}

#[derive(Deserialize)]
pub(super) struct Answer<T> {
    data: Option<Data<T>>,
    error: Option<String>,
    #[serde(default)]
    warnings: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct Data<T> {
    #[serde(rename = "resultType")]
    kind: String,
    result: T,
}

impl<T> Answer<T> {
    /// What it holds, if it is whole.
    fn data(self) -> Result<Data<T>> {
        if let Some(warning) = self.warnings.first() {
            return Err(Error::new(
                ErrorKind::Unavailable,
                OPERATION,
                "the server warns that its answer may be incomplete",
            )
            .with("warning", warning.chars().take(300).collect::<String>()));
        }
        self.data.ok_or_else(|| Error::new(ErrorKind::Unexpected, OPERATION, "the answer has no data"))
    }
}

impl Answer<Vec<Series>> {
    /// The series of a range query's answer.
    pub(super) fn series(self) -> Result<Vec<Series>> {
        self.data()?.series()
    }
}

impl Data<Vec<Series>> {
    fn series(self) -> Result<Vec<Series>> {
        if self.kind != "matrix" {
            let error = Error::new(ErrorKind::Unexpected, OPERATION, "expected a matrix");
            return Err(error.with("found", self.kind));
        }
        Ok(self.result)
    }
}

impl Client {
    pub(super) fn new(http: reqwest::Client, url: &Url, auth: PrometheusAuth, limit: usize) -> Result<Self> {
        let join = |path: &str| {
            url.join(path)
                .map_err(|_| Error::invalid("prometheus.config", "no path can be added to the address"))
        };
        Ok(Self { http, instant: join("api/v1/query")?, range: join("api/v1/query_range")?, auth, limit })
    }

    /// The series of `query`, a point at the end of each of `minutes`; there may be `most` points.
    pub(super) async fn range(&self, query: &str, minutes: &Range<i64>, most: Points) -> Result<Vec<Series>> {
        let at = |minute: i64| minute.saturating_mul(60).to_string();
        let (start, end) = (at(minutes.start.saturating_add(1)), at(minutes.end));
        let form = [("query", query), ("start", &start), ("end", &end), ("step", "60")];
        let body = self.post(&self.range, &form).await?;
        tokio::task::spawn_blocking(move || series(&body, most)).await.map_err(|error| {
            Error::new(ErrorKind::Unexpected, OPERATION, "the answer was not read to its end")
                .with_source(error)
        })?
    }

    /// Whether the server can evaluate `query` at a moment (in seconds).
    pub(super) async fn instant(&self, query: &str, second: i64) -> Result<()> {
        let form = [("query", query), ("time", &second.to_string())];
        let body = self.post(&self.instant, &form).await?;
        answer::<IgnoredAny>(&body).map(|_| ())
    }

    fn repeats_secret(&self, said: &str) -> bool {
        match &self.auth {
            PrometheusAuth::None => false,
            PrometheusAuth::Basic { password: secret, .. } | PrometheusAuth::Bearer { token: secret } => {
                said.contains(secret.expose())
            }
        }
    }

    async fn post(&self, url: &Url, form: &[(&str, &str)]) -> Result<Vec<u8>> {
        let request = self.http.post(url.clone()).form(form);
        let request = match &self.auth {
            PrometheusAuth::None => request,
            PrometheusAuth::Basic { username, password } => {
                request.basic_auth(username, Some(password.expose()))
            }
            PrometheusAuth::Bearer { token } => request.bearer_auth(token.expose()),
        };
        let response = request.send().await.map_err(|error| request_error(OPERATION, error))?;
        let (status, wait) = (response.status(), retry_after(response.headers()));
        let body = read_body(OPERATION, response, Limit::by("max_response_bytes", self.limit)).await?;
        if status != StatusCode::OK {
            // Only what Prometheus itself says: a proxy's page may hold anything.
            let said: Option<Answer<IgnoredAny>> = serde_json::from_slice(&body).ok();
            let said = said.and_then(|said| said.error).filter(|said| !self.repeats_secret(said));
            let said = said.unwrap_or_default();
            return Err(refusal(OPERATION, status, &said).with_retry_after(wait));
        }
        Ok(body)
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
        let points: usize = series.iter().map(|series| series.values.len()).sum();
        if points <= self.left {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Unexpected, OPERATION, "the answer has too many points")
            .with("limit", format_args!("{} points", self.most))
            .with("option", "max_points"))
    }
}

/// The series of an answer. A point is a list of two, in a list: three values by our count; the rest is for labels.
pub(super) fn series(body: &[u8], most: Points) -> Result<Vec<Series>> {
    let values = most.left.saturating_mul(3).saturating_add(LABELS);
    check_values(OPERATION, body, Limit::by("max_points", values))?;
    let series = answer::<Vec<Series>>(body)?.series()?;
    most.take(&series)?;
    Ok(series)
}

/// Values of an answer beside those of points.
const LABELS: usize = 200_000;

fn answer<T: DeserializeOwned>(body: &[u8]) -> Result<Data<T>> {
    let answer: Answer<T> = serde_json::from_slice(body).map_err(|error| {
        Error::new(ErrorKind::Unexpected, OPERATION, "the answer is not Prometheus'").with_source(error)
    })?;
    answer.data()
}

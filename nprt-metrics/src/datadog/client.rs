use std::ops::Range;

use nprt_core::model::Secret;
use nprt_core::{Error, ErrorKind, Result};
use nprt_http::{Limit, check_values, read_body, request_error};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, RequestBuilder, StatusCode, Url};

use super::refused::refused;
use super::{DatadogApi, v1, v2};

const OPERATION: &str = "datadog.query";

/// The only place that knows Datadog's API, with [`v1`] and [`v2`].
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    v1: Url,
    v2: Url,
    headers: HeaderMap,
    secrets: Vec<Secret>,
    api: DatadogApi,
    limit: usize,
}

/// What a client is made of.
pub(super) struct Access {
    pub(super) url: Url,
    /// The API key and the application key.
    pub(super) keys: [Secret; 2],
    pub(super) headers: Vec<(HeaderName, Secret)>,
    pub(super) api: DatadogApi,
    pub(super) limit: usize,
}

/// What an answer holds, whichever version of the API gave it.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) series: Vec<Series>,
    pub(super) bytes: u64,
    /// What is to be known about it.
    pub(super) note: Option<&'static str>,
}

/// One series.
#[derive(Debug, Default)]
pub(super) struct Series {
    /// `tag:value`, of what it was grouped by.
    pub(super) tags: Vec<String>,
    /// Which of the queries asked it answers.
    pub(super) query: usize,
    /// What it was at these moments, in milliseconds.
    pub(super) points: Vec<(i64, f64)>,
    /// Seconds from one point to the next, where the answer says so.
    pub(super) interval: Option<i64>,
}

impl Answer {
    pub(super) fn points(&self) -> usize {
        self.series.iter().map(|series| series.points.len()).sum()
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

impl Points {
    /// Checks that `body` cannot fill the memory. `each` is how many values a point is in it.
    pub(super) fn check_body(self, body: &[u8], each: usize) -> Result<()> {
        let values = self.left.saturating_mul(each).saturating_add(TAGS);
        check_values(OPERATION, body, Limit::by("max_points", values))
    }

    /// Checks that there are no more than `points` of them.
    pub(super) fn check(self, points: usize) -> Result<()> {
        if points <= self.left {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Unexpected, OPERATION, "the answer has too many points")
            .with("limit", format_args!("{} points", self.most))
            .with("option", "max_points"))
    }
}

impl Client {
    pub(super) fn new(http: reqwest::Client, access: Access) -> Result<Self> {
        let Access { url, keys, headers, api, limit } = access;
        let join = |path: &str| {
            url.join(path)
                .map_err(|_| Error::invalid("datadog.config", "no path can be added to the address"))
        };
        let (v1, v2) = (join("api/v1/query")?, join("api/v2/query/timeseries")?);
        let names = ["dd-api-key", "dd-application-key"].map(HeaderName::from_static);
        let (mut all, mut secrets) = (HeaderMap::new(), Vec::new());
        for (name, secret) in headers.into_iter().chain(names.into_iter().zip(keys)) {
            let mut value = HeaderValue::from_str(secret.expose()).map_err(|_| {
                Error::invalid("datadog.config", "cannot be sent in a header").with("header", &name)
            })?;
            value.set_sensitive(true);
            all.insert(name, value);
            secrets.push(secret);
        }
        Ok(Self { http, v1, v2, headers: all, secrets, api, limit })
    }

    /// The series of `queries`, a point for each of `minutes`.
    pub(super) async fn ask(&self, queries: &[String], minutes: &Range<i64>, most: Points) -> Result<Answer> {
        match self.api {
            DatadogApi::V1 => self.ask_v1(queries, minutes, most).await,
            DatadogApi::V2 => self.ask_v2(queries, minutes, most).await.map_err(Failure::into_error),
            DatadogApi::Auto => match self.ask_v2(queries, minutes, most).await {
                Ok(answer) => Ok(answer),
                Err(Failure::NotThere(error)) => self.ask_v1(queries, minutes, most).await.map_or_else(
                    // That version 2 is not there is the better reason, unless version 1 says more.
                    |other| Err(if other.kind() == ErrorKind::Unavailable { error } else { other }),
                    |answer| Ok(Answer { note: Some(FALLBACK), ..answer }),
                ),
                Err(failure) => Err(failure.into_error()),
            },
        }
    }

    async fn ask_v2(
        &self,
        queries: &[String],
        minutes: &Range<i64>,
        most: Points,
    ) -> Result<Answer, Failure> {
        let request = self.http.request(Method::POST, self.v2.clone()).json(&v2::question(queries, minutes));
        let body = self.send(request).await?;
        let secrets = self.secrets.clone();
        parsed(move || v2::answer(&body, most, &secrets)).await.map_err(Failure::Other)
    }

    /// One request for each query: version 1 has no names for them.
    async fn ask_v1(&self, queries: &[String], minutes: &Range<i64>, most: Points) -> Result<Answer> {
        let mut all = Answer::default();
        for (index, query) in queries.iter().enumerate() {
            let mut url = self.v1.clone();
            url.query_pairs_mut().extend_pairs(v1::question(query, minutes));
            let body = self.send(self.http.request(Method::GET, url)).await.map_err(Failure::into_error)?;
            let (left, secrets) = (most.left.saturating_sub(all.points()), self.secrets.clone());
            let answer = parsed(move || v1::answer(&body, index, Points { left, ..most }, &secrets)).await?;
            all.series.extend(answer.series);
            all.bytes = all.bytes.saturating_add(answer.bytes);
        }
        Ok(all)
    }

    /// The body of a successful answer.
    async fn send(&self, request: RequestBuilder) -> Result<Vec<u8>, Failure> {
        let response = request.headers(self.headers.clone()).send().await;
        let response = response.map_err(|error| Failure::Other(request_error(OPERATION, error)))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = read_body(OPERATION, response, Limit::by("max_response_bytes", self.limit)).await;
        let body = body.map_err(Failure::Other)?;
        if status == StatusCode::OK {
            return Ok(body);
        }
        let error = refused(status, &headers, &body, &self.secrets);
        Err(if status == StatusCode::NOT_FOUND { Failure::NotThere(error) } else { Failure::Other(error) })
    }
}

/// Why there is no answer.
enum Failure {
    /// Status 404: the path is not there, at least for now.
    NotThere(Error),
    Other(Error),
}

const FALLBACK: &str =
    "Datadog's api/v2/query/timeseries answered with status 404: api/v1/query was asked instead";

impl Failure {
    fn into_error(self) -> Error {
        match self {
            Self::NotThere(error) | Self::Other(error) => error,
        }
    }
}

/// Reads an answer, which may be long, off the threads that others wait on.
async fn parsed<T: Send + 'static>(read: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(read).await.map_err(|error| {
        Error::new(ErrorKind::Unexpected, OPERATION, "the answer was not read to its end").with_source(error)
    })?
}

//! The only place that knows how to ask the server.

use std::time::Duration;

use nprt_core::model::Secret;
use nprt_http::{ClientConfig, read_body, request_error};
use reqwest::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;
use url::Url;

use crate::config::Connection;
use crate::failure::{Exit, Failure, Result};
use crate::problem;

pub(crate) const JSON: &str = "application/json";
pub(crate) const HTML: &str = "text/html";
pub(crate) const EVENTS: &str = "text/event-stream";

/// What to know where a change got no answer: whoever asked must not take it for failed.
pub(crate) const MAY_GO_ON: &str = "the operation may go on: see `depctl status`";

/// How the server knows that a person asks.
const AGENT: &str = concat!("depctl/", env!("CARGO_PKG_VERSION"));

/// The longest answer that is read.
const LONGEST: usize = 64 << 20;

/// Asks one server.
#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    url: Url,
    token: Option<Secret>,
    timeout: Duration,
}

impl Client {
    pub(crate) fn new(connection: &Connection) -> Result<Self> {
        let config =
            ClientConfig { timeout_seconds: connection.timeout.as_secs().max(1), ..ClientConfig::default() };
        let http = nprt_http::client(&config)?;
        let Connection { url, token, timeout, .. } = connection;
        Ok(Self { http, url: url.clone(), token: token.clone(), timeout: *timeout })
    }

    /// The JSON that a path answers with.
    pub(crate) async fn get(&self, path: &[&str]) -> Result<Value> {
        let response = self.send(self.request(Method::GET, path, JSON, self.timeout)?, None).await?;
        self.value(response).await
    }

    /// The page that a path answers with.
    pub(crate) async fn page(&self, path: &[&str]) -> Result<Vec<u8>> {
        let response = self.send(self.request(Method::GET, path, HTML, self.timeout)?, None).await?;
        if !is_of(&response, HTML) {
            return Err(Failure::new(
                Exit::Refused,
                "the server has no report of it: it answered with no page",
            ));
        }
        Ok(self.without_token(&read_body("depctl.report", response, LONGEST).await?))
    }

    /// Asks for a change; the answer may be one of the accepted types.
    pub(crate) async fn put(
        &self,
        path: &[&str],
        parameters: &[(&str, String)],
        accept: &str,
        timeout: Duration,
    ) -> Result<Response> {
        let request = self.request(Method::PUT, path, accept, timeout)?.form(parameters);
        self.send(request, Some(MAY_GO_ON)).await
    }

    /// The JSON of an answer.
    pub(crate) async fn value(&self, response: Response) -> Result<Value> {
        let body = read_body("depctl.request", response, LONGEST).await?;
        self.parse(&body)
    }

    /// JSON of the server, in which the token does not occur.
    pub(crate) fn parse(&self, body: &[u8]) -> Result<Value> {
        serde_json::from_slice(&self.without_token(body)).map_err(|_| {
            let message = format!("{} answered with something that is no JSON: is it a deployer?", self.url);
            Failure::new(Exit::Refused, message)
        })
    }

    fn request(
        &self,
        method: Method,
        path: &[&str],
        accept: &str,
        timeout: Duration,
    ) -> Result<RequestBuilder> {
        let mut url = self.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
            if path.is_empty() {
                segments.push("");
            }
        }
        if path.iter().any(|segment| segment.is_empty() || matches!(*segment, "." | "..")) {
            return Err(Failure::usage("a service needs a name"));
        }
        let request =
            self.http.request(method, url).header(USER_AGENT, AGENT).header(ACCEPT, accept).timeout(timeout);
        Ok(match &self.token {
            Some(token) => request.bearer_auth(token.expose()),
            None => request,
        })
    }

    /// Sends it; `unsure` is said where the server may have got it and no answer came.
    async fn send(&self, request: RequestBuilder, unsure: Option<&str>) -> Result<Response> {
        let response = request.send().await.map_err(|error| {
            let unsure = unsure.filter(|_| !error.is_connect() && !error.is_builder());
            unsure.into_iter().fold(self.unreached(error), Failure::with)
        })?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = read_body("depctl.request", response, LONGEST).await?;
        let failure = problem::refused(status, &self.without_token(&body));
        let unsure = unsure.filter(|_| failure.exit == Exit::Unreachable);
        Err(unsure.into_iter().fold(failure, Failure::with))
    }

    /// No answer, or none to the end, with the causes: a name that is not known, a certificate that is not trusted.
    pub(crate) fn unreached(&self, error: reqwest::Error) -> Failure {
        let error = request_error("depctl.request", error);
        let exit = if error.is_invalid() { Exit::Usage } else { Exit::Unreachable };
        let mut failure = Failure::new(exit, format!("{}: {}", self.url, error.message()));
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            failure = failure.with(error.to_string());
            cause = error.source();
        }
        failure
    }

    /// A server that repeats the token must not get it printed.
    fn without_token(&self, body: &[u8]) -> Vec<u8> {
        match (&self.token, std::str::from_utf8(body)) {
            (Some(token), Ok(text)) if text.contains(token.expose()) => {
                text.replace(token.expose(), "***").into_bytes()
            }
            _ => body.to_vec(),
        }
    }
}

/// Whether an answer is of this type.
pub(crate) fn is_of(response: &Response, kind: &str) -> bool {
    let header = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    header.is_some_and(|value| value.trim().to_ascii_lowercase().starts_with(kind))
}

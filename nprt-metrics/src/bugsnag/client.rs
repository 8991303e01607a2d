use std::ops::Range;

use jiff::Timestamp;
use nprt_core::model::Secret;
use nprt_core::{Error, ErrorKind, Result};
use nprt_http::{Limit, check_values, read_body, request_error};
use reqwest::header::{AUTHORIZATION, HeaderMap, LINK};
use reqwest::{StatusCode, Url};
use serde_json::Value;

use super::BugsnagClass;
use super::event::Event;
use crate::events::{ErrorEvent, Page, Refusal, bearer, refused, start_of};

const OPERATION: &str = "bugsnag.events";

/// Events a page. Where Bugsnag allows fewer, it answers with fewer, and the next page begins there.
const PAGE: &str = "100";

/// Values of a page: a full report has stack traces, breadcrumbs and what the application added.
const VALUES: usize = 4_000_000;

/// The query of the next page, as the header `Link` has it.
pub(super) type Next = Vec<(String, String)>;

/// The only place that knows Bugsnag's Data Access API.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) http: reqwest::Client,
    pub(super) url: Url,
    pub(super) token: Secret,
    pub(super) release_stage: Option<String>,
    pub(super) class: BugsnagClass,
    pub(super) limit: usize,
}

impl Client {
    /// The events of `minutes`, or of the page that another one named.
    pub(super) async fn page(
        &self,
        project: &str,
        minutes: &Range<i64>,
        next: Option<Next>,
        now: Timestamp,
    ) -> Result<Page<Next>> {
        let path = format!("projects/{project}/events");
        let mut url = self.url.join(&path).map_err(|_| Error::invalid(OPERATION, "no such address"))?;
        // A link need not repeat what was asked for.
        let mut pairs = next.unwrap_or_default();
        for (name, value) in self.asked(minutes) {
            if pairs.iter().all(|(there, _)| *there != name) {
                pairs.push((name, value));
            }
        }
        url.query_pairs_mut().extend_pairs(pairs);
        let request = self.http.get(url).header("x-version", "2");
        let request = request.header(AUTHORIZATION, bearer(OPERATION, "token", &self.token)?);
        let response = request.send().await.map_err(|error| request_error(OPERATION, error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = read_body(OPERATION, response, Limit::by("max_response_bytes", self.limit)).await?;
        if status != StatusCode::OK {
            let refusal = Refusal { status, headers: &headers, body: &body, token: &self.token, reset: None };
            return Err(refused(OPERATION, refusal, now));
        }
        let (all, events) = self.events(&body)?;
        Ok(Page { events, all, bytes: body.len(), next: next_page(&headers)? })
    }

    /// The query of the first page.
    fn asked(&self, minutes: &Range<i64>) -> Vec<(String, String)> {
        let at = |minute: i64| start_of(minute).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let filter = |field: &str, value: String| {
            let name = format!("filters[{field}][]");
            [(format!("{name}[type]"), "eq".to_owned()), (format!("{name}[value]"), value)]
        };
        let plain =
            [("full_reports", "true"), ("sort", "timestamp"), ("direction", "asc"), ("per_page", PAGE)];
        let mut pairs: Vec<(String, String)> =
            plain.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        pairs.extend(filter("event.since", at(minutes.start)));
        pairs.extend(filter("event.before", at(minutes.end)));
        let stage = self.release_stage.iter();
        pairs.extend(stage.flat_map(|stage| filter("app.release_stage", stage.clone())));
        pairs
    }

    /// How many events a page has, and what it says of those of the release stage.
    fn events(&self, body: &[u8]) -> Result<(usize, Vec<Option<ErrorEvent>>)> {
        check_values(OPERATION, body, VALUES)?;
        let all: Vec<Value> = serde_json::from_slice(body).map_err(|error| {
            Error::new(ErrorKind::Unexpected, OPERATION, "expected a list of events").with_source(error)
        })?;
        let length = all.len();
        let counts = |event: &Result<Event, _>| {
            let stage = event.as_ref().ok().and_then(Event::release_stage);
            event.is_err() || self.release_stage.as_deref().is_none_or(|only| stage == Some(only))
        };
        let events = all.into_iter().map(serde_json::from_value).filter(counts);
        let events = events.map(|event: Result<Event, _>| event.ok().map(|event| event.read(self.class)));
        Ok((length, events.collect()))
    }
}

/// Only the query of the link is followed: the token goes nowhere else.
fn next_page(headers: &HeaderMap) -> Result<Option<Next>> {
    let links = headers.get_all(LINK).iter().filter_map(|link| link.to_str().ok());
    let mut links = links.flat_map(|links| links.split('<'));
    let Some(next) = links.find(|link| link.contains(r#"rel="next""#)) else { return Ok(None) };
    let url = next.split_once('>').and_then(|(url, _)| Url::parse(url).ok());
    let url =
        url.ok_or_else(|| Error::new(ErrorKind::Unexpected, OPERATION, "the link to the next page is none"))?;
    Ok(Some(url.query_pairs().into_owned().collect()))
}

use std::ops::Range;

use jiff::Timestamp;
use nprt_core::model::Secret;
use nprt_core::{Error, ErrorKind, Result};
use nprt_http::{Limit, check_values, read_body, request_error};
use reqwest::header::{AUTHORIZATION, HeaderMap, LINK};
use reqwest::{StatusCode, Url};
use serde::Deserialize;
use serde_json::Value;

use super::SentryClass;
use crate::events::{ErrorEvent, Page, Refusal, bearer, refused, start_of};

const OPERATION: &str = "sentry.events";

/// Events a page: the most that Sentry answers with.
const PAGE: &str = "100";

/// The only place that knows Sentry's API.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) http: reqwest::Client,
    pub(super) url: Url,
    pub(super) organization: String,
    pub(super) token: Secret,
    pub(super) environment: Option<String>,
    pub(super) class: SentryClass,
    pub(super) limit: usize,
}

/// What nprt reads of an event.
#[derive(Debug, Deserialize)]
struct Event {
    #[serde(rename = "dateCreated")]
    at: Timestamp,
    #[serde(default)]
    title: String,
    #[serde(rename = "groupID")]
    group: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Debug, Deserialize)]
struct Tag {
    key: String,
    value: Option<String>,
}

impl Client {
    /// The events of `minutes` from `cursor` on.
    pub(super) async fn page(
        &self,
        project: &str,
        minutes: &Range<i64>,
        cursor: Option<&str>,
        now: Timestamp,
    ) -> Result<Page<String>> {
        let path = format!("api/0/projects/{}/{project}/events/", self.organization);
        let mut url = self.url.join(&path).map_err(|_| Error::invalid(OPERATION, "no such address"))?;
        let at = |minute: i64| start_of(minute).strftime("%Y-%m-%dT%H:%M:%S").to_string();
        url.query_pairs_mut()
            .append_pair("start", &at(minutes.start))
            .append_pair("end", &at(minutes.end))
            .append_pair("full", "false")
            .append_pair("sample", "false")
            .append_pair("per_page", PAGE)
            .extend_pairs(cursor.map(|cursor| ("cursor", cursor)));
        let authorization = bearer(OPERATION, "Bearer", &self.token)?;
        let request = self.http.get(url).header(AUTHORIZATION, authorization);
        let response = request.send().await.map_err(|error| request_error(OPERATION, error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = read_body(OPERATION, response, Limit::by("max_response_bytes", self.limit)).await?;
        if status != StatusCode::OK {
            let reset = Some("x-sentry-rate-limit-reset");
            let refusal = Refusal { status, headers: &headers, body: &body, token: &self.token, reset };
            return Err(refused(OPERATION, refusal, now));
        }
        let (all, events) = self.events(&body)?;
        Ok(Page { events, all, bytes: body.len(), next: next(&headers)? })
    }

    /// How many events a page has, and what it says of those of the environment.
    fn events(&self, body: &[u8]) -> Result<(usize, Vec<Option<ErrorEvent>>)> {
        check_values(OPERATION, body, 1_000_000)?;
        let all: Vec<Value> = serde_json::from_slice(body).map_err(|error| {
            Error::new(ErrorKind::Unexpected, OPERATION, "expected a list of events").with_source(error)
        })?;
        let counts = |event: &Result<Event, _>| {
            let environment = event.as_ref().ok().and_then(|event| event.tag("environment"));
            event.is_err() || self.environment.as_deref().is_none_or(|only| environment == Some(only))
        };
        let length = all.len();
        let events = all.into_iter().map(serde_json::from_value).filter(counts);
        let events = events.map(|event: Result<Event, _>| event.ok().map(|event| event.read(self.class)));
        Ok((length, events.collect()))
    }
}

impl Event {
    fn tag(&self, key: &str) -> Option<&str> {
        self.tags.iter().find(|tag| tag.key == key)?.value.as_deref()
    }

    fn read(self, class: SentryClass) -> ErrorEvent {
        let release = self.tag("release").map(str::to_owned);
        let class = match (class, &self.group) {
            (SentryClass::Issue, Some(group)) => {
                // A title begins with the type of the error, where it has one.
                let kind = self.title.split(':').next().filter(|kind| !kind.contains(char::is_whitespace));
                format!("{} #{group}", kind.unwrap_or_default()).trim().to_owned()
            }
            _ => self.title,
        };
        ErrorEvent { at: self.at, release, class }
    }
}

/// The cursor of the next page, where the header `Link` says that it has events.
fn next(headers: &HeaderMap) -> Result<Option<String>> {
    let links = headers.get_all(LINK).iter().filter_map(|link| link.to_str().ok());
    let mut links = links.flat_map(|links| links.split('<'));
    let next = |link: &&str| link.contains(r#"rel="next""#) && link.contains(r#"results="true""#);
    let Some(next) = links.find(next) else { return Ok(None) };
    let cursor = next.rsplit_once(r#"cursor=""#).and_then(|(_, cursor)| cursor.split_once('"'));
    let cursor =
        cursor.ok_or_else(|| Error::new(ErrorKind::Unexpected, OPERATION, "the next page has no cursor"))?;
    Ok(Some(cursor.0.to_owned()))
}

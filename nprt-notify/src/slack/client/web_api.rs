use std::time::Duration;

use nprt_core::model::Secret;
use nprt_core::{Error, ErrorKind, Result};
use nprt_http::{check_values, read_body, request_error};
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{RequestBuilder, StatusCode};
use serde_json::Value;
use url::Url;

use super::OPERATION;
use super::answer::accepted;
use crate::answer::refused;

/// How long a look into the channel may take: the message itself is worth more than its place.
const LOOK: Duration = Duration::from_secs(2);
/// No page of messages that is asked for is longer.
const LONGEST: usize = 8 << 20;
/// Nor does one hold more values.
const MOST_VALUES: usize = 500_000;

/// Calls methods of the Web API.
#[derive(Debug)]
pub(in crate::slack) struct WebApi {
    http: reqwest::Client,
    /// Ends with `/`.
    url: Url,
    token: Secret,
}

impl WebApi {
    pub(in crate::slack) fn new(http: reqwest::Client, url: Url, token: Secret) -> Self {
        Self { http, url, token }
    }

    /// `chat.postMessage`
    pub(in crate::slack) async fn post_message(&self, message: &Value) -> Result<()> {
        let request = self.http.post(self.method("chat.postMessage")?).json(message);
        self.send(request).await.map(drop)
    }

    /// `conversations.history`: a page of the messages of `channel`, the newest first.
    pub(in crate::slack) async fn history(&self, query: &[(&str, &str)]) -> Result<Value> {
        let request = self.http.get(self.method("conversations.history")?).query(query).timeout(LOOK);
        self.send(request).await
    }

    fn method(&self, name: &str) -> Result<Url> {
        self.url.join(name).map_err(|_| Error::new(ErrorKind::Invalid, OPERATION, "no such method"))
    }

    async fn send(&self, request: RequestBuilder) -> Result<Value> {
        let mut token = HeaderValue::from_str(&format!("Bearer {}", self.token.expose()))
            .map_err(|_| Error::new(ErrorKind::Invalid, OPERATION, "the token does not fit a header"))?;
        // Kept out of the HTTP library's logs, and of its compression tables.
        token.set_sensitive(true);
        let response = request.header(AUTHORIZATION, token).send().await;
        let response = response.map_err(|error| request_error(OPERATION, error))?;
        if response.status() != StatusCode::OK {
            return Err(refused(OPERATION, response, &[self.token.expose()]).await);
        }
        let body = read_body(OPERATION, response, LONGEST).await?;
        read(&body)
    }
}

/// What it answers, if it says that it is `ok`.
pub(in crate::slack) fn read(body: &[u8]) -> Result<Value> {
    check_values(OPERATION, body, MOST_VALUES)?;
    // What is no JSON is not shown: it may be anybody's.
    accepted(serde_json::from_slice(body).unwrap_or_default())
}

use jiff::Timestamp;
use nprt_core::model::Secret;
use nprt_core::{Error, ErrorKind, Result};
use nprt_http::request_error;
use reqwest::StatusCode;
use reqwest::header::HeaderValue;
use serde_json::Value;
use url::Url;

use crate::answer::refused;

const OPERATION: &str = "bugsnag.notify";

/// Posts events.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    endpoint: Url,
    api_key: Secret,
}

impl Client {
    pub(super) fn new(http: reqwest::Client, endpoint: Url, api_key: Secret) -> Self {
        Self { http, endpoint, api_key }
    }

    pub(super) async fn post(&self, sent_at: Timestamp, payload: &Value) -> Result<()> {
        let mut key = HeaderValue::from_str(self.api_key.expose())
            .map_err(|_| Error::new(ErrorKind::Invalid, OPERATION, "the API key does not fit a header"))?;
        // Kept out of the HTTP library's logs, and of its compression tables.
        key.set_sensitive(true);
        let request = self
            .http
            .post(self.endpoint.clone())
            .header("Bugsnag-Api-Key", key)
            .header("Bugsnag-Payload-Version", super::event::PAYLOAD_VERSION)
            .header("Bugsnag-Sent-At", super::event::time(sent_at))
            .json(payload);
        let response = request.send().await.map_err(|error| request_error(OPERATION, error))?;
        match response.status() {
            // 202 by the documentation; 200 by older installations.
            StatusCode::ACCEPTED | StatusCode::OK => Ok(()),
            _ => Err(refused(OPERATION, response, &[self.api_key.expose()]).await),
        }
    }
}

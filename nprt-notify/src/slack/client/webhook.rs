use nprt_core::model::Secret;
use nprt_core::{Error, ErrorKind, Result};
use nprt_http::request_error;
use reqwest::StatusCode;
use serde_json::Value;
use url::Url;

use super::OPERATION;
use crate::answer::{refused, said};

/// Posts to an incoming webhook.
#[derive(Debug)]
pub(in crate::slack) struct Webhook {
    http: reqwest::Client,
    url: Secret,
    /// The parts of the URL that let one post, which no answer may repeat into an error.
    secrets: Vec<Secret>,
}

impl Webhook {
    pub(in crate::slack) fn new(http: reqwest::Client, url: &Url) -> Self {
        let last = url.path_segments().and_then(|mut segments| segments.next_back());
        let secrets = [last, url.query(), url.password()].into_iter().flatten().map(Secret::new).collect();
        Self { http, url: Secret::new(url.as_str()), secrets }
    }

    pub(in crate::slack) async fn post(&self, message: &Value) -> Result<()> {
        let response = self.http.post(self.url.expose()).json(message).send().await;
        let response = response.map_err(|error| request_error(OPERATION, error))?;
        let secrets: Vec<&str> = self.secrets.iter().map(Secret::expose).collect();
        match response.status() {
            StatusCode::OK => match said(response, &secrets).await {
                ok if ok.trim() == "ok" => Ok(()),
                _ => Err(Error::new(ErrorKind::Unexpected, OPERATION, "the server does not answer as Slack")),
            },
            _ => Err(refused(OPERATION, response, &secrets).await),
        }
    }
}

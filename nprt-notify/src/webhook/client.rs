use jiff::Timestamp;
use nprt_core::Result;
use nprt_core::model::Secret;
use nprt_http::request_error;
use reqwest::header::CONTENT_TYPE;
use url::Url;

use super::signature::{Signer, id};
use crate::answer::refused;

const OPERATION: &str = "webhook.notify";

/// Posts signed bodies.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    url: Url,
    signer: Signer,
    /// It is never sent; an answer that knows it must not repeat it.
    secret: Secret,
}

impl Client {
    pub(super) fn new(http: reqwest::Client, url: Url, signer: Signer, secret: Secret) -> Self {
        Self { http, url, signer, secret }
    }

    pub(super) async fn post(&self, now: Timestamp, body: Vec<u8>) -> Result<()> {
        let (id, seconds) = (id(&body), now.as_second());
        let signature = self.signer.sign(&id, seconds, &body);
        let request = self
            .http
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", seconds)
            .header("webhook-signature", signature)
            .body(body);
        let response = request.send().await.map_err(|error| request_error(OPERATION, error))?;
        if response.status().is_success() {
            return Ok(());
        }
        Err(refused(OPERATION, response, &[self.secret.expose()]).await)
    }
}

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use standardwebhooks::Webhook;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// A receiver of webhooks, which takes those alone that are signed by its secret and no older than five minutes, as
/// Standard Webhooks' own library verifies them.
#[derive(Debug)]
pub struct WebhookReceiver {
    server: MockServer,
    taken: Taken,
}

#[derive(Debug, Clone, Default)]
struct Taken(Arc<Mutex<Vec<(String, Value)>>>);

impl WebhookReceiver {
    /// The secret.
    pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    /// One that has received nothing.
    pub async fn start() -> Self {
        let (server, taken) = (MockServer::start().await, Taken::default());
        Mock::given(method("POST")).respond_with(taken.clone()).mount(&server).await;
        Self { server, taken }
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}/nprt?team=shop", self.server.uri())
    }

    /// The bodies that it took, oldest first.
    #[must_use]
    pub fn received(&self) -> Vec<Value> {
        self.all().into_iter().map(|(_, body)| body).collect()
    }

    /// The ids of what it took, oldest first.
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        self.all().into_iter().map(|(id, _)| id).collect()
    }

    fn all(&self) -> Vec<(String, Value)> {
        self.taken.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Respond for Taken {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let verified = Webhook::new(WebhookReceiver::SECRET)
            .and_then(|webhook| webhook.verify(&request.body, &request.headers));
        if let Err(error) = verified {
            return ResponseTemplate::new(401).set_body_string(error.to_string());
        }
        let id = request.headers.get("webhook-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
        let Ok(body) = serde_json::from_slice(&request.body) else { return ResponseTemplate::new(400) };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((id.to_owned(), body));
        ResponseTemplate::new(204)
    }
}

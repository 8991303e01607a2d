use serde_json::Value;
use wiremock::matchers::{header, header_exists, method, path};
use wiremock::{Match, Mock, MockServer, Request, ResponseTemplate};

/// A fake of Bugsnag's Error Reporting API, made from <https://docs.bugsnag.com/api/error-reporting/>: it takes
/// payloads of version 5 that keep its rules, and answers 404 to anything else.
#[derive(Debug)]
pub struct FakeBugsnag(MockServer);

/// What the API asks of a payload.
struct Acceptable;

impl Match for Acceptable {
    fn matches(&self, request: &Request) -> bool {
        let Ok(payload) = serde_json::from_slice::<Value>(&request.body) else { return false };
        let text = |pointer: &str| payload.pointer(pointer).is_some_and(Value::is_string);
        let event = &payload["events"][0];
        request.body.len() <= 512_000
            && ["name", "version", "url"].iter().all(|field| text(&format!("/notifier/{field}")))
            && text("/events/0/exceptions/0/errorClass")
            && event["exceptions"][0]["stacktrace"].is_array()
            && ["error", "warning", "info"].iter().any(|severity| event["severity"] == *severity)
            && event["metaData"].as_object().is_some_and(|tabs| tabs.values().all(Value::is_object))
    }
}

impl FakeBugsnag {
    /// The project's API key.
    pub const KEY: &str = "c9d60ae4c7e70c4b6c4ebd3e8056d2b8";

    /// One without events.
    pub async fn start() -> Self {
        let server = MockServer::start().await;
        Mock::given(method("POST"))
            .and(path("/"))
            .and(header("content-type", "application/json"))
            .and(header("bugsnag-api-key", Self::KEY))
            .and(header("bugsnag-payload-version", "5"))
            .and(header_exists("bugsnag-sent-at"))
            .and(Acceptable)
            .respond_with(ResponseTemplate::new(202))
            .mount(&server)
            .await;
        Self(server)
    }

    /// Where events go.
    #[must_use]
    pub fn endpoint(&self) -> String {
        self.0.uri()
    }

    /// What was sent, oldest first.
    pub async fn requests(&self) -> Vec<Request> {
        self.0.received_requests().await.unwrap_or_default()
    }

    /// The payloads that were sent, oldest first.
    pub async fn payloads(&self) -> Vec<Value> {
        let read = |request: &Request| serde_json::from_slice(&request.body).unwrap_or_default();
        self.requests().await.iter().map(read).collect()
    }
}

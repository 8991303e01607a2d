//! Slack, as far as a notifier sees it: an incoming webhook, `chat.postMessage` and `conversations.history`.

mod history;
mod rules;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// A fake of Slack, made from its documentation: it takes what Slack takes, refuses what Slack refuses, and keeps
/// the messages of one channel.
#[derive(Debug)]
pub struct FakeSlack {
    server: MockServer,
    channel: Channel,
}

#[derive(Debug, Clone, Default)]
struct Channel(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// As they were sent, with their `ts`.
    messages: Vec<Value>,
    /// What is answered instead, by the last part of the path.
    faults: BTreeMap<String, VecDeque<ResponseTemplate>>,
}

impl FakeSlack {
    /// The last part of the webhook's path, which is its secret.
    pub const WEBHOOK: &str = "XXXXXXXXsecretXXXXXXXXXX";
    /// The bot's token.
    pub const TOKEN: &str = "xoxb-0000000000-secret";
    /// The ID of the channel.
    pub const CHANNEL: &str = "C0123456789";

    /// One with an empty channel.
    pub async fn start() -> Self {
        let (server, channel) = (MockServer::start().await, Channel::default());
        Mock::given(any()).respond_with(channel.clone()).mount(&server).await;
        Self { server, channel }
    }

    /// The incoming webhook's URL.
    #[must_use]
    pub fn webhook_url(&self) -> String {
        format!("{}/services/T00000000/B00000000/{}", self.server.uri(), Self::WEBHOOK)
    }

    /// Where the Web API is.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("{}/api/", self.server.uri())
    }

    /// The messages that it took, oldest first: as they were sent, and their `ts`.
    #[must_use]
    pub fn messages(&self) -> Vec<Value> {
        self.channel.state().messages.clone()
    }

    /// Somebody else says something in the channel.
    pub fn say(&self, text: &str) {
        self.channel.keep(json!({"text": text}));
    }

    /// How often `method`, such as `conversations.history`, was called.
    ///
    /// # Panics
    /// Never: it records its requests.
    pub async fn calls(&self, method: &str) -> usize {
        let requests = self.server.received_requests().await.unwrap_or_default();
        requests.iter().filter(|request| request.url.path().ends_with(method)).count()
    }

    /// Answers the next call whose path ends with `method` so, and takes no message then.
    pub fn answer_next(&self, method: &str, answer: ResponseTemplate) {
        self.channel.state().faults.entry(method.to_owned()).or_default().push_back(answer);
    }
}

impl Channel {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn webhook(&self, request: &Request) -> ResponseTemplate {
        let message = match rules::message(request) {
            Ok(message) => message,
            Err(why) => return ResponseTemplate::new(400).set_body_string(why),
        };
        self.keep(message);
        ResponseTemplate::new(200).set_body_string("ok")
    }

    fn post_message(&self, request: &Request) -> Result<Value, &'static str> {
        let message = rules::message(request)?;
        if message["channel"] != FakeSlack::CHANNEL {
            return Err("channel_not_found");
        }
        rules::metadata(&message)?;
        let ts = self.keep(message.clone());
        Ok(json!({"ok": true, "channel": FakeSlack::CHANNEL, "ts": ts, "message": message}))
    }

    fn keep(&self, mut message: Value) -> String {
        let mut state = self.state();
        // Later than any canary of a test.
        let ts = format!("{}.000200", 4_000_000_000_u64 + state.messages.len() as u64);
        message["ts"] = ts.clone().into();
        state.messages.push(message);
        ts
    }
}

impl Respond for Channel {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let path = request.url.path();
        let method = path.rsplit('/').next().unwrap_or_default();
        if let Some(fault) = self.state().faults.get_mut(method).and_then(VecDeque::pop_front) {
            return fault;
        }
        if path.ends_with(&format!("/services/T00000000/B00000000/{}", FakeSlack::WEBHOOK)) {
            return self.webhook(request);
        }
        let token = request.headers.get("authorization").and_then(|value| value.to_str().ok());
        let answer = match method {
            _ if token != Some(&format!("Bearer {}", FakeSlack::TOKEN)) => Err("invalid_auth"),
            "chat.postMessage" if request.method == "POST" => self.post_message(request),
            "conversations.history" if request.method == "GET" => {
                history::page(&self.state().messages, &request.url)
            }
            _ => Err("unknown_method"),
        };
        let answer = answer.unwrap_or_else(|error| json!({"ok": false, "error": error}));
        ResponseTemplate::new(200).set_body_json(answer)
    }
}

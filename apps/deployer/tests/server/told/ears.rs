use std::path::PathBuf;
use std::time::{Duration, Instant};

use nprt_testkit::{FakeBugsnag, FakeSlack, WebhookReceiver};
use serde_json::{Value, json};

use crate::support::{ADMIN, Server, World};

pub(crate) const URL: &str = "https://deployer.example.com";

/// All who can be told.
pub(crate) struct Ears {
    /// By its incoming webhook.
    pub(crate) slack: FakeSlack,
    /// By its Web API.
    pub(crate) bot: FakeSlack,
    pub(crate) bugsnag: FakeBugsnag,
    pub(crate) receiver: WebhookReceiver,
    /// How much was looked at already.
    seen: usize,
}

/// What one piece of news was to each.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) slack: Value,
    pub(crate) bot: Value,
    pub(crate) bugsnag: Value,
    pub(crate) webhook: Value,
}

impl Ears {
    pub(crate) async fn start() -> Self {
        let (slack, bot) = (FakeSlack::start().await, FakeSlack::start().await);
        let (bugsnag, receiver) = (FakeBugsnag::start().await, WebhookReceiver::start().await);
        Self { slack, bot, bugsnag, receiver, seen: 0 }
    }

    /// A server that tells them of the service `web`.
    pub(crate) async fn server(&self, world: &World, more: Value, service: Value) -> Server {
        Server::serve(&self.config(world, more, service), ADMIN).await
    }

    /// Its configuration.
    pub(crate) fn config(&self, world: &World, mut more: Value, mut service: Value) -> PathBuf {
        std::fs::write(world.folder.path().join("slack"), self.slack.webhook_url()).unwrap();
        std::fs::write(world.folder.path().join("secret"), WebhookReceiver::SECRET).unwrap();
        service["notifiers"] = json!([
            {"slack": {"webhook_url": {"from_file": world.folder.path().join("slack")}}},
            {"slack": {
                "token": FakeSlack::TOKEN, "channel": FakeSlack::CHANNEL, "api_url": self.bot.api_url(),
            }},
            {"bugsnag": {"api_key": FakeBugsnag::KEY, "endpoint": self.bugsnag.endpoint()}},
            {"webhook": {
                "url": self.receiver.url(), "secret": {"from_file": world.folder.path().join("secret")},
            }},
        ]);
        more["url"] = format!("{URL}/").into();
        more["tokens"] = json!([
            {"name": "ci", "secret": ADMIN},
            {"name": "reader", "secret": "correct-horse-battery-reader", "actions": ["read"]},
        ]);
        world.config(more, service)
    }

    /// The news since the last look. All of them must have heard the same.
    pub(crate) async fn heard(&mut self) -> Vec<Heard> {
        let from = self.seen;
        let (slack, bot) = (self.slack.messages(), self.bot.messages());
        let (bugsnag, webhook) = (self.bugsnag.payloads().await, self.receiver.received());
        let numbers = [slack.len(), bot.len(), bugsnag.len(), webhook.len()];
        assert_eq!(numbers, [slack.len(); 4], "{slack:?}\n{bot:?}\n{bugsnag:?}\n{webhook:?}");
        self.seen = slack.len();
        let all = slack.into_iter().zip(bot).zip(bugsnag).zip(webhook).skip(from);
        let all = all.map(|(((slack, bot), bugsnag), webhook)| {
            let heard = Heard { slack, bot, bugsnag, webhook };
            heard.check();
            heard
        });
        all.collect()
    }

    /// Waits until each has heard so much since the beginning, which the autopilot of `server` decides within minutes.
    pub(crate) async fn until_heard(&self, number: usize, server: &Server) {
        let began = Instant::now();
        let all_heard = async || {
            let slack = self.slack.messages().len().min(self.bot.messages().len());
            slack.min(self.bugsnag.payloads().await.len()).min(self.receiver.received().len()) >= number
        };
        while !all_heard().await {
            assert!(began.elapsed() < Duration::from_secs(240), "{}", server.log());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// What happened since the last look, as the webhook calls it, without its `nprt.`.
    pub(crate) async fn occasions(&mut self) -> Vec<String> {
        self.heard().await.iter().map(Heard::occasion).collect()
    }
}

impl Heard {
    pub(crate) fn occasion(&self) -> String {
        self.webhook["type"].as_str().unwrap().strip_prefix("nprt.").unwrap().to_owned()
    }

    pub(crate) fn summary(&self) -> &str {
        self.webhook["data"]["summary"].as_str().unwrap()
    }

    /// The same in each one's words.
    fn check(&self) {
        let title = format!("web: {}", self.occasion().replace('_', " "));
        let summary = self.summary();
        for slack in [&self.slack, &self.bot] {
            let text = slack["text"].as_str().unwrap();
            assert!(text.starts_with(&format!("{title}: ")), "{text}");
            assert!(slack["blocks"][0]["text"]["text"].as_str().unwrap().ends_with(&title), "{slack}");
        }
        let exception = &self.bugsnag["events"][0]["exceptions"][0];
        assert_eq!((&exception["errorClass"], &exception["message"]), (&json!(title), &json!(summary)));
        assert_eq!(self.bugsnag["events"][0]["severity"], self.webhook["data"]["severity"]);
    }

    /// The lines of the verdict's table, which all four have or none.
    pub(crate) fn table(&self) -> Option<Vec<String>> {
        let table = |message: &Value| -> Option<String> {
            let blocks = message["blocks"].as_array().unwrap();
            let block = blocks.iter().find(|block| block["type"] == "rich_text")?;
            assert_eq!(block["elements"][0]["type"], "rich_text_preformatted");
            Some(block["elements"][0]["elements"][0]["text"].as_str().unwrap().to_owned())
        };
        let (slack, tab) = (table(&self.slack), &self.bugsnag["events"][0]["metaData"]["verdict"]);
        let verdict = &self.webhook["data"]["verdict"];
        assert_eq!(slack, table(&self.bot));
        assert_eq!((slack.is_some(), &verdict["verdict"]), (tab.is_object(), &tab["verdict"]), "{self:?}");
        let lines: Vec<String> = slack?.lines().map(str::to_owned).collect();
        let rules = verdict["metrics"].as_array().unwrap().len();
        assert_eq!((lines.len(), tab["rules"].as_object().unwrap().len()), (rules + 1, rules), "{lines:?}");
        Some(lines)
    }

    /// The link to the report, which all four have or none.
    pub(crate) fn link(&self) -> Option<String> {
        let link = self.webhook["data"]["link"].as_str().map(str::to_owned);
        let shown = |message: &Value| {
            let context = message["blocks"].as_array().unwrap().last().unwrap();
            let elements = context["elements"].as_array().unwrap();
            elements.iter().find(|element| element["type"] == "mrkdwn").map(|link| link["text"].clone())
        };
        let expected = link.as_ref().map(|link| json!(format!("<{link}|Details>")));
        assert_eq!((shown(&self.slack), shown(&self.bot)), (expected.clone(), expected));
        assert_eq!(self.bugsnag["events"][0]["metaData"]["nprt"]["link"], json!(link));
        link
    }
}

//! The walk of docs/walk.md: each of its commands is run, and what is printed compared with figures masked. With
//! `NPRT_WALK=write` it is written anew. It takes as long as a real minute of traffic and the next.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use nprt_core::clock::FastClock;
use nprt_core::model::{ServiceName, Tag};
use nprt_shop::{Behaviour, Pods};
use serde_json::{Value, json};
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::deployer;
use crate::desk::Desk;
use crate::process::Process;
use crate::world::World;

const CI: &str = "correct-horse-battery-ci";
const ADA: &str = "correct-horse-battery-ada";

/// What is said between commands, and what they print.
#[derive(Default)]
struct Walk(String);

impl Walk {
    fn say(&mut self, text: &str) {
        let _ = writeln!(self.0, "{text}\n");
    }

    fn ran(&mut self, command: &str, printed: &str) {
        let _ = writeln!(self.0, "```console\n$ {command}\n{}\n```\n", printed.trim_end());
    }

    fn json(&mut self, value: &Value) {
        let _ = writeln!(self.0, "```json\n{}\n```\n", serde_json::to_string_pretty(value).unwrap());
    }
}

/// A fake of a hosted service, which keeps what it is sent.
async fn fake(answer: &str) -> MockServer {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(200).set_body_string(answer);
    Mock::given(method("POST")).respond_with(answer).mount(&server).await;
    server
}

/// The bodies of all that it was sent.
async fn heard(server: &MockServer) -> Vec<Value> {
    let requests = server.received_requests().await.unwrap();
    requests.iter().map(|request| serde_json::from_slice(&request.body).unwrap()).collect()
}

/// Waits until it was sent so many messages, and no more, and shows the last.
async fn told(walk: &mut Walk, name: &str, service: &MockServer, count: usize) {
    let began = Instant::now();
    while heard(service).await.len() < count {
        assert!(began.elapsed() < Duration::from_secs(60), "{name} was told nothing");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let messages = heard(service).await;
    assert_eq!(messages.len(), count, "{name}: {messages:?}");
    walk.say(&format!("{name} got:"));
    walk.json(messages.last().unwrap());
}

/// Asks for a deploy as CI does, and gives the answer.
fn ci(server: &Process, version: &str, walk: &mut Walk) -> Value {
    let line = format!("curl -sS -u \"auth_token:$TOKEN\" -X PUT \"$DEPLOYER_URL/shop/deploy\" -d {version}");
    let mut curl = Command::new("bash");
    let curl = curl.args(["-c", &line]).env("TOKEN", CI).env("DEPLOYER_URL", &server.url).output().unwrap();
    assert!(curl.status.success(), "{}", server.log());
    let answer: Value = serde_json::from_slice(&curl.stdout).unwrap();
    walk.ran(&line, &answer.to_string());
    answer
}

fn configure(world: &World, slack: &MockServer, bugsnag: &MockServer) -> PathBuf {
    let tokens = json!([
        {"name": "ci", "secret": CI, "actions": ["deploy"]},
        {"name": "ada", "secret": ADA},
    ]);
    let rule =
        json!({"rule": "percentile", "metric": "latency", "percentile": 95, "margin": {"relative": 0.2}});
    let notifiers = json!([
        {"slack": {"webhook_url": format!("{}/services/T0/B0/secret", slack.uri())}},
        {"bugsnag": {"api_key": "0123456789abcdef0123456789abcdef", "endpoint": bugsnag.uri()}},
    ]);
    let service =
        json!({"name": "shop", "notifiers": notifiers, "policy": {"soak_minutes": 30, "rules": [rule]}});
    let url = "https://deployer.example.com";
    world.config(json!({"tokens": tokens, "name": "deployer-0", "url": url}), service)
}

#[tokio::test(flavor = "multi_thread")]
async fn ci_deploys_a_developer_tries_and_the_autopilot_rolls_back() {
    let world = World::new();
    let (slack, bugsnag) = (fake("ok").await, fake("").await);
    let server = deployer::serve(&configure(&world, &slack, &bugsnag), ADA);
    let statsd =
        server.log().lines().find_map(|line| line.split_once("listen=").map(|(_, at)| at.trim().to_owned()));
    let clock = FastClock::new(1);
    let pods = Pods::new(ServiceName::new("shop").unwrap(), statsd.unwrap().parse().unwrap(), clock).unwrap();
    let desk = Desk::new(&server);
    let (first, second): (Tag, Tag) = (world.tag(0).parse().unwrap(), world.tag(1).parse().unwrap());
    let mut walk = Walk::default();
    walk.say("# A walk\n\nProduced by `apps/depctl/tests/server/walk.rs` through the binaries of deployer and depctl, which compares it at each run; `NPRT_WALK=write cargo test -p depctl --test server walk` writes it anew. Slack and Bugsnag are fakes.");

    walk.say("## CI deploys with curl");
    let deployed = ci(&server, &format!("tag={first} -d reason='build 17'"), &mut walk);
    assert_eq!(deployed["tag"], first.as_str(), "{deployed}");
    pods.deploy(&first, Behaviour::Fine);
    assert_eq!(heard(&slack).await.len() + heard(&bugsnag).await.len(), 0, "CI has its answer");

    walk.say("What it cannot deploy is told to Slack and Bugsnag, too:");
    let failed = ci(&server, "tag=main-0123456789ab -d reason='build 18'", &mut walk);
    assert_eq!(failed["status"], 404, "{failed}");
    told(&mut walk, "Slack", &slack, 1).await;
    told(&mut walk, "Bugsnag", &bugsnag, 1).await;

    walk.say("## A developer tries a version as a canary with depctl");
    let commit = &world.commits[1];
    let ran = desk.run(&["canary", "shop", "--commit", commit, "--reason", "a new model"]).is(0);
    walk.ran(&format!("depctl canary shop --commit {commit} --reason 'a new model'"), &ran.out);
    pods.try_out(&second, Behaviour::SlowTail);
    walk.ran("depctl ls", &desk.run(&["ls"]).is(0).out);

    walk.say("## The autopilot rolls it back");
    let began = Instant::now();
    while desk.json(&["status", "shop"])["canary"] != Value::Null {
        assert!(began.elapsed() < Duration::from_secs(240), "{}", server.log());
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    walk.ran("depctl status shop", &desk.run(&["status", "shop"]).is(0).out);

    told(&mut walk, "Slack", &slack, 2).await;
    told(&mut walk, "Bugsnag", &bugsnag, 2).await;

    walk.say("## The report");
    let file = desk.file("report.html");
    let ran = desk.run(&["report", "shop", "--save", file.to_str().unwrap()]).is(0);
    walk.ran(
        "depctl report shop --save report.html",
        &ran.err.replace(file.to_str().unwrap(), "report.html"),
    );
    let page = std::fs::read_to_string(&file).unwrap();
    assert!(page.contains("<svg") && page.contains("<title>shop: regression</title>"), "{page}");
    walk.say("It is a page with charts of both tracks. Its beginning and its events:");
    let (head, rest) = page.split_once("</header>").unwrap();
    let events = rest.split_once("<ol>").unwrap().1.split_once("</ol>").unwrap().0;
    let text = [text(head.split_once("<header>").unwrap().1), text(events)].join("\n");
    let _ = writeln!(walk.0, "```text\n{text}\n```");
    compare(&walk.0.replace(&server.url, "http://deployer"));
}

/// Markup without its tags, a paragraph or an item a line.
fn text(markup: &str) -> String {
    let mut text = String::new();
    let lines = markup.replace("</h1>", "\n").replace("</p>", "\n").replace("</li>", "\n");
    for part in lines.split('<') {
        text += part.split_once('>').map_or(part, |(_, text)| text);
    }
    text.trim().to_owned()
}

/// Compares with docs/walk.md, or writes it.
fn compare(walk: &str) {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/walk.md");
    if std::env::var_os("NPRT_WALK").is_some_and(|what| what == "write") {
        std::fs::write(&file, walk).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap();
    for (now, kept) in masked(walk).lines().zip(masked(&kept).lines()) {
        assert_eq!(now, kept, "docs/walk.md says something else");
    }
    assert_eq!(walk.lines().count(), kept.lines().count(), "{walk}");
}

/// Each figure, time and name of a version as `#`.
fn masked(text: &str) -> String {
    let mut masked = String::new();
    for c in text.chars() {
        if !c.is_ascii_digit() {
            masked.push(c);
        } else if !masked.ends_with('#') {
            masked.push('#');
        }
    }
    // With decimals, or without where they are 0; and columns as wide as their figures.
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    masked.replace("#.#", "#").lines().map(words).collect::<Vec<_>>().join("\n")
}

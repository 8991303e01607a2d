//! Bugsnag's events, on a fake made from the public specification: see `tests/data/README.md`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]
#![cfg(feature = "bugsnag")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use nprt_core::ErrorKind;
use nprt_core::conformance::metrics::{self, Recorded};
use nprt_core::model::{Block, BlockData, BlockShape, Secret, ServiceName, Track};
use nprt_core::ports::{LeftOutReason, MetricQuery, MetricsBackend, MetricsCapabilities, Versions};
use nprt_metrics::bugsnag::{BugsnagClass, BugsnagErrors, BugsnagErrorsConfig};
use serde_json::{Value, json};
use support::{MINUTE, check_schema, clock_at, name, query};
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

const PROJECT: &str = "515fb9337c1074f6fd000003";

/// A project with its events, a few a page.
#[derive(Default)]
struct Project(Vec<Value>);

const PAGE: usize = 7;

fn check(part: &str, value: &Value) {
    check_schema(include_str!("data/bugsnag/events.schema.json"), part, value);
}

impl Project {
    fn event(&mut self, minute: i64, version: &str, class: &str, error: &str, stage: &str) {
        let at = Timestamp::from_second((MINUTE + minute) * 60 + 31).unwrap();
        let mut app = json!({"releaseStage": stage, "type": "rails"});
        if !version.is_empty() {
            app["version"] = json!(version);
        }
        self.0.push(json!({
            "id": format!("{:024x}", self.0.len()), "error_id": error, "received_at": at.to_string(),
            "is_full_report": true, "severity": "error", "unhandled": true, "context": "carts#show", "app": app,
            "exceptions": [{"error_class": class, "message": "x"}, {"error_class": "Cause", "message": "y"}],
            "metaData": {"custom": {"a": 1}},
        }));
    }

    async fn serve(self) -> MockServer {
        let fake = MockServer::start().await;
        Mock::given(method("GET"))
            .and(path(format!("/projects/{PROJECT}/events")))
            .and(header("authorization", "token s3cret"))
            .and(header("x-version", "2"))
            .respond_with(self)
            .mount(&fake)
            .await;
        fake
    }
}

impl Respond for Project {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let asked: BTreeMap<String, String> = request.url.query_pairs().into_owned().collect();
        // Short reports do not say the version.
        assert_eq!((asked["full_reports"].as_str(), asked["direction"].as_str()), ("true", "asc"));
        let filter = |field: &str| {
            let value = asked.get(&format!("filters[{field}][][value]"))?;
            assert_eq!(asked[&format!("filters[{field}][][type]")], "eq");
            Some(value.clone())
        };
        let time = |field: &str| filter(field).unwrap().parse::<Timestamp>().unwrap();
        let (since, before) = (time("event.since"), time("event.before"));
        let is_asked = |event: &&Value| {
            let at: Timestamp = event["received_at"].as_str().unwrap().parse().unwrap();
            let stage = filter("app.release_stage");
            (since..=before).contains(&at)
                && stage.is_none_or(|stage| event["app"]["releaseStage"] == json!(stage))
        };
        let all: Vec<&Value> = self.0.iter().filter(is_asked).collect();
        let offset: usize = asked.get("offset").map_or(0, |offset| offset.parse().unwrap());
        let body = json!(all.iter().skip(offset).take(PAGE).collect::<Vec<_>>());
        check("response", &body);
        let answer = ResponseTemplate::new(200).insert_header("x-total-count", all.len().to_string());
        let next = offset + PAGE;
        let answer = if next < all.len() {
            // As in the specification, it repeats a part of the question, and names the public host.
            let link =
                format!("<https://api.bugsnag.com/projects/{PROJECT}/events?offset={next}&sort=timestamp>");
            answer.insert_header("link", format!(r#"{link}; rel="next""#))
        } else {
            answer
        };
        answer.set_body_json(body)
    }
}

fn config(fake: &MockServer) -> BugsnagErrorsConfig {
    let shop = ServiceName::new("shop").unwrap();
    let mut config = BugsnagErrorsConfig::new(Secret::new("s3cret")).with_project(shop, PROJECT);
    config.url = fake.uri();
    config
}

fn open(fake: &MockServer) -> BugsnagErrors {
    config(fake).build(clock_at(6)).unwrap()
}

/// The errors of the shop whose canary is 2.0 and stable 1.0.
fn asked() -> MetricQuery {
    let versions = Versions { canary: vec!["2.0".to_owned()], stable: vec!["1.0".to_owned()] };
    MetricQuery { versions, ..query("errors", 0, 7) }
}

#[tokio::test]
async fn conforms() {
    let (mut project, mut blocks) = (Project::default(), Vec::new());
    for (minute, is_complete) in [(0, true), (2, true), (3, true), (4, false)] {
        for (version, track) in [("1.0", Track::Stable), ("2.0", Track::Canary)] {
            for (class, error, count) in [("NoMethodError", "a1", 3), ("KeyError", "a2", 1)] {
                (0..count).for_each(|_| project.event(minute, version, class, error, "production"));
            }
            let classes = [("NoMethodError #a1".to_owned(), 3), ("KeyError #a2".to_owned(), 1)];
            blocks.extend(is_complete.then(|| Block {
                minute: MINUTE + minute,
                track,
                version: Some(version.to_owned()),
                pod: None,
                route: None,
                metric: name("errors"),
                data: BlockData::Classes(BTreeMap::from(classes)),
            }));
        }
    }
    let fake = project.serve().await;
    let recorded = Recorded { service: ServiceName::new("shop").unwrap(), blocks };
    let (backend, reopened) = (open(&fake), open(&fake));
    metrics::fixture_suffices(&backend, &recorded);
    metrics::answers_what_was_recorded(&backend, &recorded).await;
    metrics::answers_within_the_range(&backend, &recorded).await;
    metrics::leaves_out_the_running_minute(&backend, &recorded).await;
    metrics::unknown_metric_is_not_configured(&backend, &recorded).await;
    metrics::dropped_call_breaks_nothing(&backend, &recorded).await;
    metrics::history_is_as_claimed(&backend, &reopened, &recorded).await;
    metrics::says_since_when_it_knows(&backend, &recorded).await;
    // Not of the suite: a service without a project has no empty answer, which would look as if it had no errors.
    let other = MetricQuery { service: ServiceName::new("cart").unwrap(), ..asked() };
    let error = backend.blocks(&other).await.unwrap_err();
    assert!(error.is_invalid() && error.to_string().contains("available: shop"), "{error}");
}

#[test]
fn capabilities() {
    let expected = MetricsCapabilities {
        metrics: Some(BTreeSet::from([name("errors")])),
        shapes: BTreeSet::from([BlockShape::Classes]),
        history: true,
        pods: false,
        routes: false,
    };
    let shop = ServiceName::new("shop").unwrap();
    let config = BugsnagErrorsConfig::new(Secret::new("x")).with_project(shop, PROJECT);
    assert_eq!(config.build(clock_at(0)).unwrap().capabilities(), expected);
}

#[tokio::test]
async fn an_event_is_of_the_version_that_it_names() {
    let mut project = Project::default();
    for (version, stage) in [
        ("v1.0", "production"),
        ("v2.0", "production"),
        ("v2.0", "staging"),
        ("v0.9", "production"),
        ("", "production"),
    ] {
        project.event(1, version, "KeyError", "e7", stage);
    }
    let fake = project.serve().await;
    let mut config = config(&fake);
    config.release = "v{version}".to_owned();
    config.release_stage = Some("production".to_owned());
    config.class = BugsnagClass::ErrorClass;
    let measured = config.build(clock_at(6)).unwrap().blocks(&asked()).await.unwrap();
    let found: Vec<_> = measured.blocks.iter().map(|block| (block.track, block.version.as_deref())).collect();
    assert_eq!(found, [(Track::Stable, Some("1.0")), (Track::Canary, Some("2.0"))]);
    assert_eq!(measured.blocks[1].data, BlockData::Classes(BTreeMap::from([("KeyError".to_owned(), 1)])));
    assert_eq!(measured.notes, ["events of releases that do not run were ignored: 1"]);
    let left = &measured.left_out;
    assert_eq!((left.len(), left[0].reason, left[0].points), (1, LeftOutReason::NoTrack, 1));
}

#[tokio::test]
async fn more_events_than_are_read_are_an_error() {
    let mut project = Project::default();
    (0..30).for_each(|_| project.event(1, "2.0", "E", "a", "production"));
    let fake = project.serve().await;
    let mut config = config(&fake);
    config.max_events = 29;
    let error = config.build(clock_at(6)).unwrap().blocks(&asked()).await.unwrap_err();
    assert!(error.to_string().contains("29 events") && error.to_string().contains("max_events"), "{error}");
}

/// What comes of one answer.
async fn answered(answer: ResponseTemplate) -> Result<nprt_core::ports::Measured, nprt_core::Error> {
    let fake = MockServer::start().await;
    Mock::given(method("GET")).respond_with(answer).mount(&fake).await;
    open(&fake).blocks(&asked()).await
}

#[tokio::test]
async fn odd_answers() {
    let at = Timestamp::from_second((MINUTE + 1) * 60).unwrap().to_string();
    // As an old notifier sends it, and two that cannot be read.
    let good = json!({"received_at": at, "exceptions": [{"errorClass": "E"}], "app": {"version": "2.0"}});
    let body = json!([good, {"received_at": 5}, null]);
    let measured = answered(ResponseTemplate::new(200).set_body_json(body)).await.unwrap();
    assert_eq!(measured.blocks[0].data, BlockData::Classes(BTreeMap::from([("E".to_owned(), 1)])));
    assert_eq!((measured.left_out[0].reason, measured.left_out[0].points), (LeftOutReason::Malformed, 2));
    let page = |link: &str| ResponseTemplate::new(200).insert_header("link", link).set_body_json(json!([]));
    for (answer, text) in [
        (ResponseTemplate::new(200).set_body_json(json!({"errors": ["no"]})), "list of events"),
        (page(r#"<not a url>; rel="next""#), "next page"),
        (page(r#"<https://x/?offset=7>; rel="next""#), "max_events"),
    ] {
        let error = answered(answer).await.unwrap_err();
        assert!(error.kind() == ErrorKind::Unexpected && error.to_string().contains(text), "{error}");
    }
}

#[tokio::test]
async fn refusals_keep_their_kind() {
    for (status, kind) in [
        (400, ErrorKind::Invalid),
        (401, ErrorKind::Unauthenticated),
        (403, ErrorKind::Forbidden),
        (404, ErrorKind::Unavailable),
        (429, ErrorKind::RateLimited),
        (503, ErrorKind::Unavailable),
    ] {
        let body = json!({"errors": ["as Bugsnag says"]});
        check("refusal", &body);
        let answer = ResponseTemplate::new(status).insert_header("retry-after", "40").set_body_json(body);
        let error = answered(answer).await.unwrap_err();
        assert_eq!((error.kind(), error.retry_after()), (kind, Some(Duration::from_secs(40))), "{error}");
        assert!(
            error.to_string().contains("as Bugsnag says") && !format!("{error:?}").contains("s3cret"),
            "{error:?}"
        );
    }
}

#[test]
fn a_wrong_configuration_is_refused() {
    let refused = |change: &dyn Fn(&mut BugsnagErrorsConfig), text: &str| {
        let shop = ServiceName::new("shop").unwrap();
        let mut config = BugsnagErrorsConfig::new(Secret::new("s3cret")).with_project(shop, PROJECT);
        assert!(!format!("{config:?}").contains("s3cret"));
        change(&mut config);
        let error = config.build(clock_at(0)).unwrap_err();
        assert!(error.is_invalid() && error.to_string().contains(text), "{error}");
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    };
    refused(&|config| config.projects.clear(), "projects");
    refused(&|config| config.projects.values_mut().for_each(|id| *id = "../x".to_owned()), "service: shop");
    refused(&|config| config.token = Secret::new(""), "token");
    refused(&|config| config.release_stage = Some(String::new()), "release_stage");
    refused(&|config| config.release = "x".to_owned(), "release");
    refused(&|config| config.max_response_bytes = 0, "max_response_bytes");
    let unknown = r#"{"token": "b", "projects": {"shop": "a"}, "project": "a"}"#;
    assert!(serde_json::from_str::<BugsnagErrorsConfig>(unknown).is_err());
}

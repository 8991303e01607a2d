//! Sentry's error events, on a fake made from its public documentation: see `tests/data/README.md`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]
#![cfg(feature = "sentry")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use nprt_core::ErrorKind;
use nprt_core::conformance::metrics::{self, Recorded};
use nprt_core::model::{Block, BlockData, BlockShape, Secret, ServiceName, Track};
use nprt_core::ports::{LeftOutReason, MetricQuery, MetricsBackend, MetricsCapabilities, Versions};
use nprt_metrics::sentry::{Sentry, SentryClass, SentryConfig};
use serde_json::{Value, json};
use support::{MINUTE, check_schema, clock_at, name, query};
use wiremock::matchers::{header, method, path_regex};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// An organization with projects and their events, newest first, a few a page.
#[derive(Default)]
struct Organization(BTreeMap<String, Vec<Value>>);

const PAGE: usize = 7;

fn check(part: &str, value: &Value) {
    check_schema(include_str!("data/sentry/events.schema.json"), part, value);
}

impl Organization {
    fn event(
        &mut self,
        project: &str,
        minute: i64,
        release: &str,
        title: &str,
        group: &str,
        environment: &str,
    ) {
        let events = self.0.entry(project.to_owned()).or_default();
        let at = Timestamp::from_second((MINUTE + minute) * 60 + 31).unwrap();
        let mut tags = vec![json!({"key": "environment", "value": environment})];
        tags.extend((!release.is_empty()).then(|| json!({"key": "release", "value": release})));
        let id = format!("{:032x}", events.len());
        events.push(json!({
            "id": id, "eventID": id, "groupID": group, "title": title, "message": "", "platform": "python",
            "event.type": "error", "user": null, "dateCreated": at.to_string(), "tags": tags,
        }));
    }

    async fn serve(self) -> MockServer {
        let fake = MockServer::start().await;
        Mock::given(method("GET"))
            .and(path_regex("^/api/0/projects/acme/[a-z-]+/events/$"))
            .and(header("authorization", "Bearer s3cret"))
            .respond_with(self)
            .mount(&fake)
            .await;
        fake
    }
}

impl Respond for Organization {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let project = request.url.path_segments().unwrap().nth(4).unwrap().to_owned();
        let asked: BTreeMap<String, String> = request.url.query_pairs().into_owned().collect();
        assert_eq!((asked["full"].as_str(), asked["sample"].as_str()), ("false", "false"));
        let time = |name: &str| format!("{}Z", asked[name]).parse::<Timestamp>().unwrap();
        let (start, end) = (time("start"), time("end"));
        let is_asked = |event: &&Value| {
            let at: Timestamp = event["dateCreated"].as_str().unwrap().parse().unwrap();
            (start..=end).contains(&at)
        };
        let all: Vec<&Value> = self.0.get(&project).into_iter().flatten().filter(is_asked).collect();
        let offset: usize =
            asked.get("cursor").map_or(0, |cursor| cursor.split(':').nth(1).unwrap().parse().unwrap());
        let page: Vec<&Value> = all.iter().rev().skip(offset).take(PAGE).copied().collect();
        let body = json!(page);
        check("response", &body);
        let link = |rel: &str, offset: usize, results: bool| {
            let cursor = format!("0:{offset}:{}", u8::from(rel == "previous"));
            format!(
                r#"<{}?cursor={cursor}>; rel="{rel}"; results="{results}"; cursor="{cursor}""#,
                request.url.path()
            )
        };
        let next = offset + PAGE;
        let links = [link("previous", 0, offset > 0), link("next", next, next < all.len())];
        ResponseTemplate::new(200).insert_header("link", links.join(", ")).set_body_json(body)
    }
}

fn config(fake: &MockServer) -> SentryConfig {
    let mut config = SentryConfig::new("acme", Secret::new("s3cret"));
    config.url = fake.uri();
    config
}

fn open(fake: &MockServer) -> Sentry {
    config(fake).build(clock_at(6)).unwrap()
}

/// The errors of the shop whose canary is 2.0 and stable 1.0.
fn asked() -> MetricQuery {
    let versions = Versions { canary: vec!["2.0".to_owned()], stable: vec!["1.0".to_owned()] };
    MetricQuery { versions, ..query("errors", 0, 7) }
}

#[tokio::test]
async fn conforms() {
    let (mut organization, mut blocks) = (Organization::default(), Vec::new());
    for (minute, is_complete) in [(0, true), (2, true), (3, true), (4, false)] {
        for (release, track) in [("1.0", Track::Stable), ("2.0", Track::Canary)] {
            for (title, group, count) in [("ValueError: no 17", "11", 3), ("something broke", "12", 1)] {
                for project in ["shop", "other"] {
                    (0..count).for_each(|_| {
                        organization.event(project, minute, release, title, group, "production");
                    });
                }
            }
            let classes = [("ValueError #11".to_owned(), 3), ("#12".to_owned(), 1)];
            blocks.extend(is_complete.then(|| Block {
                minute: MINUTE + minute,
                track,
                version: Some(release.to_owned()),
                pod: None,
                route: None,
                metric: name("errors"),
                data: BlockData::Classes(BTreeMap::from(classes)),
            }));
        }
    }
    let fake = organization.serve().await;
    let recorded = Recorded { service: ServiceName::new("shop").unwrap(), blocks };
    metrics::all(&open(&fake), &open(&fake), &recorded).await;
    let measured = open(&fake).blocks(&asked()).await.unwrap();
    assert_eq!(measured.evidence.points, 24);
    assert!(measured.evidence.bytes > 1000 && measured.evidence.resolution == Duration::from_secs(60));
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
    let config = SentryConfig::new("acme", Secret::new("x"));
    assert_eq!(config.build(clock_at(0)).unwrap().capabilities(), expected);
}

#[tokio::test]
async fn an_event_is_of_the_release_that_it_names() {
    let mut organization = Organization::default();
    for (release, environment) in [
        ("shop@1.0", "production"),
        ("shop@2.0", "production"),
        ("shop@2.0", "staging"),
        ("cart@2.0", "production"),
        ("shop@0.9", "production"),
        ("", "production"),
    ] {
        organization.event("shop-eu", 1, release, "KeyError: 'a'", "7", environment);
    }
    let fake = organization.serve().await;
    let mut config = config(&fake);
    config.project = "{service}-eu".to_owned();
    config.release = "{service}@{version}".to_owned();
    config.environment = Some("production".to_owned());
    config.class = SentryClass::Title;
    let measured = config.build(clock_at(6)).unwrap().blocks(&asked()).await.unwrap();
    let found: Vec<_> = measured.blocks.iter().map(|block| (block.track, block.version.as_deref())).collect();
    assert_eq!(found, [(Track::Stable, Some("1.0")), (Track::Canary, Some("2.0"))]);
    assert_eq!(
        measured.blocks[1].data,
        BlockData::Classes(BTreeMap::from([("KeyError: 'a'".to_owned(), 1)]))
    );
    assert_eq!(measured.notes, ["events of releases that do not run were ignored: 2"]);
    let left = &measured.left_out;
    assert_eq!((left.len(), left[0].reason, left[0].points), (1, LeftOutReason::NoTrack, 1));
}

/// What comes of one answer.
async fn answered(answer: ResponseTemplate) -> Result<nprt_core::ports::Measured, nprt_core::Error> {
    let fake = MockServer::start().await;
    Mock::given(method("GET")).respond_with(answer).mount(&fake).await;
    open(&fake).blocks(&asked()).await
}

#[tokio::test]
async fn one_unreadable_event_costs_itself() {
    let at = Timestamp::from_second((MINUTE + 1) * 60).unwrap().to_string();
    let good = json!({"dateCreated": at, "title": "E: x", "groupID": "1", "tags": [{"key": "release", "value": "2.0"}]});
    let body = json!([good, {"dateCreated": "yesterday"}, 7]);
    let measured = answered(ResponseTemplate::new(200).set_body_json(body)).await.unwrap();
    assert_eq!(measured.blocks.len(), 1);
    assert_eq!(
        measured.left_out.iter().map(|left| (left.reason, left.points)).collect::<Vec<_>>(),
        [(LeftOutReason::Malformed, 2)]
    );
}

#[tokio::test]
async fn what_is_no_whole_answer_is_an_error() {
    let next = r#"<https://x/>; rel="next"; results="true""#;
    let page = |link: &str| ResponseTemplate::new(200).insert_header("link", link).set_body_json(json!([]));
    for (answer, text) in [
        (ResponseTemplate::new(200).set_body_json(json!({"detail": "no"})), "list of events"),
        (ResponseTemplate::new(200).set_body_string("<html>"), "list of events"),
        (page(next), "no cursor"),
        (page(&format!(r#"{next}; cursor="0:7:0""#)), "max_events"),
    ] {
        let error = answered(answer).await.unwrap_err();
        assert!(error.kind() == ErrorKind::Unexpected && error.to_string().contains(text), "{error}");
    }
}

#[tokio::test]
async fn more_events_than_are_read_are_an_error() {
    let mut organization = Organization::default();
    (0..30).for_each(|_| organization.event("shop", 1, "2.0", "E: x", "1", "production"));
    let fake = organization.serve().await;
    let mut config = config(&fake);
    config.max_events = 29;
    let error = config.build(clock_at(6)).unwrap().blocks(&asked()).await.unwrap_err();
    assert!(error.to_string().contains("29 events"), "{error}");
}

#[tokio::test]
async fn refusals_keep_their_kind() {
    for (status, kind) in [
        (400, ErrorKind::Invalid),
        (401, ErrorKind::Unauthenticated),
        (403, ErrorKind::Forbidden),
        (404, ErrorKind::Unavailable),
        (429, ErrorKind::RateLimited),
        (502, ErrorKind::Unavailable),
    ] {
        let body = json!({"detail": "as Sentry says"});
        check("refusal", &body);
        let reset = (MINUTE + 6) * 60 + 17 + 30;
        let answer = ResponseTemplate::new(status)
            .insert_header("x-sentry-rate-limit-reset", reset.to_string())
            .set_body_json(body);
        let error = answered(answer).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(
            error.to_string().contains("as Sentry says") && !format!("{error:?}").contains("s3cret"),
            "{error:?}"
        );
        assert_eq!(error.retry_after(), (status == 429).then_some(Duration::from_secs(30)), "{error}");
    }
}

#[test]
fn a_wrong_configuration_is_refused() {
    let refused = |change: &dyn Fn(&mut SentryConfig), text: &str| {
        let mut config = SentryConfig::new("acme", Secret::new("s3cret"));
        assert!(!format!("{config:?}").contains("s3cret"));
        change(&mut config);
        let error = config.build(clock_at(0)).unwrap_err();
        assert!(error.is_invalid() && error.to_string().contains(text), "{error}");
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    };
    refused(&|config| config.organization = "a/b".to_owned(), "organization");
    refused(&|config| config.project = "{name}".to_owned(), "project");
    refused(&|config| config.project = "../x".to_owned(), "project");
    refused(&|config| config.token = Secret::new("s3cret\n"), "token");
    refused(&|config| config.environment = Some(String::new()), "environment");
    refused(&|config| config.release = "{service}".to_owned(), "release");
    refused(&|config| config.url = "https://s3cret@sentry.io".to_owned(), "credentials");
    refused(&|config| config.max_events = 0, "max_events");
    let unknown = r#"{"organization": "a", "token": "b", "projects": 1}"#;
    assert!(serde_json::from_str::<SentryConfig>(unknown).is_err());
}

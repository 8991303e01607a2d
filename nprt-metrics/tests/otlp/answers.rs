use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use nprt_core::model::BlockData;
use nprt_metrics::otlp::{OtlpConfig, OtlpReceiver, OtlpReply};
use nprt_metrics::statsd::{Aggregator, StatsdConfig};
use prost::Message;
use serde_json::{Value, json};

use crate::support::clock_at;
use crate::telling::{DELTA, counts, histogram};
use crate::world::{DURATION, OK, PROTOBUF, STABLE, World, instrument, request};

const JSON: &str = "application/json";

pub(crate) fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn read(reply: &OtlpReply) -> Value {
    assert_eq!(reply.content_type, JSON);
    serde_json::from_slice(&reply.body).unwrap()
}

/// A request as the protocol's JSON has it: 64-bit numbers in text, what nobody reads, and an attribute of each kind.
fn in_json(world: &World, service: &str) -> Value {
    let attributes = json!([
        {"key": "http.response.status_code", "value": {"intValue": "200"}},
        {"key": "http.route", "value": {"stringValue": "/cart"}},
        {"key": "list", "value": {"arrayValue": {"values": [{"boolValue": true}, {"doubleValue": 1.5}]}}},
    ]);
    json!({"resourceMetrics": [{
        "resource": {"droppedAttributesCount": 1, "attributes": [
            {"key": "service.name", "value": {"stringValue": service}},
            {"key": "track", "value": {"stringValue": "canary"}},
        ]},
        "scopeMetrics": [{"scope": {"name": "http"}, "schemaUrl": "x", "metrics": [{
            "name": DURATION, "unit": "ms", "description": "of requests",
            "histogram": {"aggregationTemporality": 1, "dataPoints": [{
                "attributes": attributes, "count": "5", "sum": 1.0, "min": 1, "exemplars": [],
                "startTimeUnixNano": world.nanos(-10).to_string(), "timeUnixNano": world.nanos(0).to_string(),
                "bucketCounts": ["2", 3, "0"], "explicitBounds": [250, 500.0],
            }]},
        }]}],
    }]})
}

#[tokio::test]
async fn json_is_read_and_answered_in_json() {
    let world = World::new();
    let body = serde_json::to_vec(&in_json(&world, "shop")).unwrap();
    let reply = world.receiver.answer(Some("Application/JSON; charset=utf-8"), None, &body);
    assert_eq!((reply.status, read(&reply)), (200, json!({})));
    let reply = world.receiver.answer(Some(JSON), Some("gzip"), &gzip(&body));
    assert_eq!((reply.status, read(&reply)), (200, json!({})));
    let latency = world.data("latency", 1).await;
    let [BlockData::Samples(samples)] = &latency[..] else { panic!("{latency:?}") };
    assert_eq!(samples.iter().filter(|sample| **sample <= 0.25).count(), 4);
    assert_eq!(samples.iter().filter(|sample| (0.25..=0.5).contains(*sample)).count(), 6);
}

/// Histograms are spread over the sketch's bins where that keeps neither senders nor other tasks waiting.
#[test]
fn senders_go_on_while_an_answer_is_made() {
    let world = World::new();
    let send = || {
        let point = counts((world.nanos(-10), world.nanos(0)), OK, [0, 5, 0, 0]);
        world.duration(STABLE, histogram(DELTA, vec![point]));
    };
    send();
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.max_blocking_threads(1).enable_all().build().unwrap();
    // The one thread for work is busy.
    let (go_on, busy) = std::sync::mpsc::channel::<()>();
    runtime.spawn_blocking(move || busy.recv());
    runtime.block_on(async {
        let mut latency = std::pin::pin!(world.data("latency", 1));
        let waited = std::time::Duration::from_millis(200);
        assert!(tokio::time::timeout(waited, &mut latency).await.is_err());
        send();
        go_on.send(()).unwrap();
        // What came since is of the next minute.
        assert!(matches!(&latency.await[..], [BlockData::Samples(samples)] if samples.len() == 5));
    });
}

#[test]
fn points_that_are_refused_are_counted_and_say_why() {
    let world = World::new();
    let body = serde_json::to_vec(&in_json(&world, "unknown_service:python")).unwrap();
    let reply = world.receiver.answer(Some(JSON), None, &body);
    let expected = json!({"rejectedDataPoints": "1", "errorMessage": "1: no service or track that is one"});
    assert_eq!((reply.status, read(&reply)), (200, json!({"partialSuccess": expected})));
    let time = (world.nanos(-10), world.nanos(0));
    let send = |resource| {
        world.send(resource, DURATION, "s", histogram(DELTA, vec![counts(time, OK, [1, 0, 0, 0])]))
    };
    let nowhere = "1: no track: the attribute track, or k8s.deployment.name, or k8s.pod.name is missing";
    assert_eq!(send(&[("service.name", "shop")]), (1, nowhere.to_owned()));
    let (rejected, why) = send(&[("service.name", "shop"), ("track", "beta"), ("k8s.pod.name", "web-0")]);
    assert!(rejected == 1 && why.contains(r#"track to be stable or canary, found "beta""#), "{why}");
    assert_eq!(
        send(&[("track", "canary")]),
        (1, "1: no service: the attribute service.name is missing".to_owned())
    );
    assert_eq!(world.aggregator.stats().unattributed, 4);
}

#[test]
fn what_cannot_be_read_is_refused_in_the_format_of_the_request() {
    let world = World::new();
    let answer = |kind, encoding, body: &[u8]| world.receiver.answer(kind, encoding, body);
    let reply = answer(Some(PROTOBUF), None, b"\xff");
    assert_eq!((reply.status, reply.content_type), (400, PROTOBUF));
    // google.rpc.Status: field 1 is INVALID_ARGUMENT, field 2 text.
    assert_eq!(reply.body[..3], [8, 3, 18]);
    for (kind, encoding, body, status, said) in [
        (Some(JSON), None, &b"{"[..], 400, "in JSON"),
        (Some(JSON), None, br#"{"resourceMetrics": 7}"#, 400, "expected a sequence"),
        (Some(JSON), Some("gzip"), b"{}", 400, "in gzip"),
        (Some(JSON), Some("zstd"), b"{}", 415, "gzip, or none"),
        (Some("text/plain"), None, b"{}", 415, "application/x-protobuf or application/json"),
        (None, None, b"{}", 415, "application/x-protobuf"),
    ] {
        let reply = answer(kind, encoding, body);
        let message = read(&reply)["message"].as_str().unwrap().to_owned();
        assert!(reply.status == status && message.contains(said), "{} {message}", reply.status);
    }
    let of = |status| OtlpReply::refused(status, Some(JSON), "busy");
    assert_eq!(read(&of(503)), json!({"code": 14, "message": "busy"}));
}

#[test]
fn an_instrument_that_nobody_configured_is_taken_and_counted() {
    let world = World::new();
    let data = histogram(DELTA, vec![counts((0, 0), OK, [1, 0, 0, 0]); 3]);
    assert_eq!(world.send(STABLE, "http.client.request.duration", "s", data), (0, String::new()));
    assert_eq!((world.aggregator.stats().lines, world.aggregator.stats().unmapped), (3, 3));
}

#[test]
fn a_wrong_configuration_names_its_field() {
    let make = |otlp: OtlpConfig| {
        Aggregator::new(&StatsdConfig { otlp: Some(otlp), ..StatsdConfig::default() }, clock_at(0)).map(drop)
    };
    let read = |text: &str| serde_json::from_str::<OtlpConfig>(text).unwrap();
    assert!(make(OtlpConfig::default()).is_ok());
    for (text, field) in [
        (r#"{"metrics": {}}"#, "otlp.metrics"),
        (r#"{"metrics": {"cpu": {"shape": "samples", "name": "x"}}}"#, "same shape"),
        (r#"{"metrics": {"cpu": {"shape": "value", "name": ""}}}"#, "instrument"),
        (r#"{"max_request_bytes": 0}"#, "otlp.max_request_bytes"),
        (r#"{"attributes": {"track": []}}"#, "otlp.attributes.track"),
        (r#"{"attributes": {"track": [{"label": "v", "names": "version"}]}}"#, "otlp.attributes.track"),
        (r#"{"attributes": {"service": ""}}"#, "otlp.attributes.service"),
    ] {
        let error = make(read(text)).unwrap_err();
        assert!(error.is_invalid() && error.to_string().contains(field), "{error}");
    }
    let more = read(r#"{"metrics": {"queue": {"shape": "value", "name": "queue.length"}}}"#);
    assert!(make(more.clone()).is_ok());
    let other = Aggregator::new(&StatsdConfig::default(), clock_at(0)).unwrap();
    let error = OtlpReceiver::new(&more, other.into()).unwrap_err();
    assert!(error.to_string().contains("queue"), "{error}");
}

#[test]
fn the_messages_of_open_telemetry_are_read_as_they_are_written() {
    let world = World::new();
    let mut request = request(STABLE, vec![instrument(DURATION, "s", histogram(DELTA, vec![]))]);
    request.resource_metrics[0].schema_url = "https://opentelemetry.io/schemas/1.30.0".to_owned();
    let reply = world.receiver.answer(Some(PROTOBUF), Some("gzip"), &gzip(&request.encode_to_vec()));
    assert_eq!((reply.status, reply.body.len()), (200, 0));
}

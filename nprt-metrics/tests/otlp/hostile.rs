use std::time::{Duration, Instant};

use nprt_core::model::{BlockData, ServiceName};
use nprt_core::ports::{LeftOutReason, MetricsBackend};
use nprt_metrics::otlp::OtlpConfig;
use nprt_metrics::statsd::{Limits, Reason};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::HistogramDataPoint;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use prost::Message;

use crate::answers::gzip;
use crate::support::{go_to, name, query};
use crate::telling::{CUMULATIVE, DELTA, counts, exponential, gauge, histogram, number, sum};
use crate::world::{DURATION, OK, PROTOBUF, STABLE, World, instrument, pairs, request};

/// The bytes that were held at the most, and how long it took.
fn cost(run: impl FnOnce()) -> (i64, Duration) {
    let began = Instant::now();
    let info = allocation_counter::measure(run);
    (i64::try_from(info.bytes_max).unwrap(), began.elapsed())
}

#[test]
fn a_bomb_and_a_large_body_are_refused_before_they_are_read() {
    let world = World::new();
    let bomb = gzip(&vec![0; 200 << 20]);
    assert!(bomb.len() < 300_000);
    let large = vec![b' '; 50 << 20];
    for (kind, encoding, body) in [
        (PROTOBUF, Some("gzip"), &bomb),
        ("application/json", Some("gzip"), &bomb),
        ("application/json", None, &large),
        (PROTOBUF, None, &large),
    ] {
        let (bytes, _) = cost(|| {
            assert_eq!(world.receiver.answer(Some(kind), encoding, body).status, 413);
        });
        assert!(bytes < 32 << 20, "{bytes} bytes held");
    }
}

/// A message as a field of another.
fn wrap(field: u8, inner: &[u8]) -> Vec<u8> {
    let mut message = vec![field << 3 | 2];
    prost::encoding::encode_varint(inner.len() as u64, &mut message);
    message.extend_from_slice(inner);
    message
}

/// Two bytes on the wire are a point, a metric or an attribute.
#[test]
fn a_million_messages_are_refused_before_they_are_read() {
    let world = World::new();
    let empty = |field: u8| [field << 3 | 2, 0].repeat(1_000_000);
    let metrics = wrap(1, &wrap(2, &empty(2)));
    let points = wrap(1, &wrap(2, &wrap(2, &wrap(9, &empty(1)))));
    let attributes = wrap(1, &wrap(1, &empty(1)));
    let json = format!(r#"{{"resourceMetrics": [{}{{}}]}}"#, "{},".repeat(1_000_000));
    // A message may be a list of its fields.
    let lists = format!(r#"{{"resourceMetrics": [{}[]]}}"#, "[],".repeat(1_000_000));
    let bodies = [(PROTOBUF, metrics), (PROTOBUF, points), (PROTOBUF, attributes), (PROTOBUF, empty(1))];
    for (kind, body) in
        bodies.into_iter().chain([json, lists].map(|json| ("application/json", json.into_bytes())))
    {
        let (bytes, took) = cost(|| {
            let reply = world.receiver.answer(Some(kind), None, &body);
            assert_eq!(reply.status, 413, "{}", String::from_utf8_lossy(&reply.body));
        });
        assert!(bytes < 1 << 20 && took < Duration::from_secs(5), "{bytes} bytes, {took:?}");
    }
}

/// Names are looked for among all attributes, for each point.
#[test]
fn many_attributes_of_one_thing_are_refused_in_both_formats() {
    let world = World::new();
    let status = |kind, body: &[u8]| {
        let reply = world.receiver.answer(Some(kind), None, body);
        (reply.status, String::from_utf8_lossy(&reply.body).into_owned())
    };
    let empty = |field: u8, count| [field << 3 | 2, 0].repeat(count);
    let of = |count| {
        let point = wrap(1, &wrap(2, &wrap(2, &wrap(5, &wrap(1, &empty(7, count))))));
        let histogram = wrap(1, &wrap(2, &wrap(2, &wrap(9, &wrap(1, &empty(9, count))))));
        let exponential = wrap(1, &wrap(2, &wrap(2, &wrap(10, &wrap(1, &empty(1, count))))));
        let scope = wrap(1, &wrap(2, &wrap(1, &empty(3, count))));
        [wrap(1, &wrap(1, &empty(1, count))), scope, point, histogram, exponential]
    };
    let in_json = |count| {
        let attributes = vec!["{}"; count].join(",");
        format!(r#"{{"resourceMetrics": [{{"resource": {{"attributes": [{attributes}]}}}}]}}"#).into_bytes()
    };
    for body in of(128) {
        assert_eq!(status(PROTOBUF, &body).0, 200);
    }
    assert_eq!(status("application/json", &in_json(128)).0, 200);
    let refused = of(129).map(|body| (PROTOBUF, body)).into_iter();
    for (kind, body) in refused.chain([("application/json", in_json(129))]) {
        let (status, said) = status(kind, &body);
        assert!(status == 400 && said.contains("at most 128 attributes"), "{status} {said}");
    }
    // As many as may be, of as many points as there may be.
    let mut resource = pairs(STABLE);
    resource.splice(0..0, (resource.len()..128).map(|_| KeyValue::default()));
    let points = vec![number((0, world.nanos(0)), &[], 1.0); 100_000];
    let mut body = request(&[], vec![instrument("process.memory.usage", "By", gauge(points))]);
    body.resource_metrics[0].resource.as_mut().unwrap().attributes = resource;
    let (_, took) = cost(|| {
        assert_eq!(world.post(&body).status, 200);
    });
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[test]
fn a_long_value_that_nobody_reads_costs_itself() {
    let world = World::new();
    let long = "x".repeat(4 << 20);
    let resource: Vec<_> = STABLE.iter().copied().chain([("service.namespace", long.as_str())]).collect();
    let metrics = (0..10_000).map(|_| instrument("process.memory.usage", "By", gauge(vec![]))).collect();
    let (_, took) = cost(|| {
        assert_eq!(world.post(&request(&resource, metrics)).status, 200);
    });
    assert!(took < Duration::from_secs(5), "{took:?}");
    let named: Vec<_> = STABLE.iter().copied().chain([("http.route", &long[..201])]).collect();
    let memory = gauge(vec![number((0, world.nanos(0)), &[], 1.0)]);
    let (rejected, why) = world.send(&named, "process.memory.usage", "By", memory);
    assert_eq!((rejected, why.as_str()), (1, "1: a name is longer than 200 bytes"));
}

#[test]
fn a_list_as_an_attribute_takes_about_as_much_as_its_text() {
    let world = World::new();
    let list = format!("[{}1]", "1,".repeat(3_000_000));
    let json = format!(
        r#"{{"resourceMetrics": [{{"resource": {{"attributes": [{{"value": {{"arrayValue": {{"values": {list}}}}}}}]}}}}]}}"#
    );
    let (bytes, _) = cost(|| {
        assert_eq!(world.receiver.answer(Some("application/json"), None, json.as_bytes()).status, 200);
    });
    assert!(bytes < 32 << 20, "{bytes} bytes held");
}

#[test]
fn as_many_points_as_may_come_take_what_is_documented() {
    let world = World::new();
    let points: Vec<_> = (0..20_000_u64)
        .map(|i| {
            let route = format!("/{i}");
            let attributes = [("http.route", route.as_str()), ("http.response.status_code", "200")];
            counts((world.nanos(-10), world.nanos(0)), &attributes, [1, 1, 0, 0])
        })
        .collect();
    let body = request(STABLE, vec![instrument(DURATION, "s", histogram(DELTA, points))]).encode_to_vec();
    let (bytes, took) = cost(|| {
        assert_eq!(world.receiver.answer(Some(PROTOBUF), None, &body).status, 200);
    });
    // The blocks are part of it.
    assert!(bytes < 100 << 20 && took < Duration::from_secs(20), "{bytes} bytes, {took:?}");
}

#[test]
fn deep_nesting_is_passed_over_or_refused() {
    let world = World::new();
    // Lists in lists.
    let mut value = wrap(1, b"x");
    for _ in 0..5_000 {
        value = wrap(5, &wrap(1, &value));
    }
    let body = wrap(1, &wrap(1, &wrap(1, &wrap(2, &value))));
    assert_eq!(world.receiver.answer(Some(PROTOBUF), None, &body).status, 200);
    let deep = format!(
        r#"{{"resourceMetrics": [{{"resource": {{"attributes": [{{"value": {{"arrayValue": {}1{}}}}}]}}}}]}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert_eq!(world.receiver.answer(Some("application/json"), None, deep.as_bytes()).status, 400);
    let groups = vec![11; 100_000];
    assert_eq!(world.receiver.answer(Some(PROTOBUF), None, &groups).status, 400);
}

#[tokio::test]
async fn numbers_that_make_no_sense_cost_themselves() {
    let world = World::new();
    let time = (world.nanos(-10), world.nanos(0));
    let memory = |value| {
        let good = number((time.0, world.nanos(1)), &[], 7.0);
        world.send(STABLE, "process.memory.usage", "By", gauge(vec![number(time, &[], value), good]))
    };
    assert_eq!(memory(f64::NAN), (1, "1: not-a-number".to_owned()));
    assert_eq!(memory(f64::NEG_INFINITY), (1, "1: infinite".to_owned()));
    assert_eq!(memory(1e300), (1, "1: too-great".to_owned()));
    let point = |change: fn(&mut HistogramDataPoint)| {
        let mut point = counts(time, OK, [1, 1, 1, 1]);
        change(&mut point);
        world.send(STABLE, DURATION, "s", histogram(DELTA, vec![point, counts(time, OK, [1, 0, 0, 0])]))
    };
    let malformed = (1, "1: malformed".to_owned());
    assert_eq!(point(|point| point.bucket_counts.truncate(3)), malformed);
    assert_eq!(point(|point| point.explicit_bounds.truncate(2)), malformed);
    assert_eq!(point(|point| point.count = 5), malformed);
    assert_eq!(point(|point| point.explicit_bounds[1] = f64::NAN), malformed);
    assert_eq!(point(|point| point.explicit_bounds.reverse()), malformed);
    assert_eq!(point(|point| point.explicit_bounds = vec![-3.0, -2.0, 1.0]), (0, String::new()));
    assert_eq!(point(|point| point.flags = 1), (0, String::new()));
    let mut negative = exponential(time, OK, (3, 0), &[1]);
    if let Data::ExponentialHistogram(all) = &mut negative {
        all.data_points[0].negative = all.data_points[0].positive.clone();
        all.data_points[0].count += 1;
    }
    assert_eq!(world.send(STABLE, DURATION, "s", negative), (1, "1: negative".to_owned()));
    let far = exponential(time, OK, (-20, i32::MAX), &[1]);
    assert_eq!(world.send(STABLE, DURATION, "s", far).0, 0);
    let absurd = HistogramDataPoint {
        count: 1 << 40,
        bucket_counts: vec![1 << 40, 0, 0, 0],
        ..counts(time, OK, [0; 4])
    };
    let requests = world.left_out_so_far(Reason::TooGreat);
    // It counts as requests all the same.
    assert_eq!(world.send(STABLE, DURATION, "s", histogram(DELTA, vec![absurd])), (0, String::new()));
    assert_eq!(world.left_out_so_far(Reason::TooGreat), requests + 1);
    let falling = |value| sum(CUMULATIVE, true, vec![number((time.0, world.nanos(2)), &[], value)]);
    assert_eq!(world.send(STABLE, "process.cpu.time", "s", falling(-5.0)), (1, "1: negative".to_owned()));
    let stats = &world.aggregator.stats().services["shop"];
    assert!(stats.left_out[&Reason::Malformed] >= 10, "{stats:?}");
    // What lies below zero counts as a request, and not as latency.
    let left_out = world.left_out("latency", 1).await;
    assert!(left_out.contains(&(LeftOutReason::Negative, 2)), "{left_out:?}");
    assert!(world.data("memory", 1).await.len() == 1 && world.data("requests", 1).await.len() == 1);
}

#[tokio::test]
async fn a_flood_of_streams_stays_in_its_room_and_is_told() {
    let limits = Limits { memory_bytes: 4 << 20, ..Limits::default() };
    let world = World::with(&OtlpConfig::default(), limits);
    let began = world.nanos(-3600);
    let stream = |id: usize, n| {
        let id = format!("u{id}");
        let attributes = [("http.response.status_code", "200"), ("user.id", id.as_str())];
        counts((began, world.nanos(0)), &attributes, [n, 0, 0, 0])
    };
    world.duration(STABLE, histogram(CUMULATIVE, vec![stream(0, 5)]));
    let flood = (1..20_000).map(|id| stream(id, 5)).collect();
    let (rejected, why) = world.send(STABLE, DURATION, "s", histogram(CUMULATIVE, flood));
    assert!(rejected > 5_000 && why.ends_with(": no room"), "{rejected} {why}");
    let stats = &world.aggregator.stats().services["shop"];
    assert!(stats.bytes <= 4 << 20, "{stats:?}");
    go_to(&world.clock, 2);
    let range = query("latency", 1, 2).range;
    let lost = world.aggregator.lost(&ServiceName::new("shop").unwrap(), range).await.unwrap();
    assert!(lost.iter().any(|lost| lost.metric == Some(name("latency"))), "{lost:?}");
    // What was there before is known on.
    world.duration(STABLE, histogram(CUMULATIVE, vec![stream(0, 9)]));
    assert_eq!(world.data("requests", 2).await, [BlockData::Requests { requests: 4, errors: 0 }]);
}

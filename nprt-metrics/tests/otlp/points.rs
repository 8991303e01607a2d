use std::collections::BTreeMap;

use nprt_core::conformance::metrics::{self, Recorded};
use nprt_core::model::{BlockData, ServiceName, Track};
use nprt_core::ports::LeftOutReason;
use nprt_metrics::otlp::OtlpConfig;
use nprt_metrics::statsd::{Aggregator, Limits, StatsdConfig};

use crate::support::{clock_at, go_to};
use crate::telling::{CUMULATIVE, DELTA, counts, exponential, gauge, histogram, number, sum};
use crate::world::{CANARY, OK, STABLE, World, instrument, request};

fn requests(requests: u64, errors: u64) -> BlockData {
    BlockData::Requests { requests, errors }
}

fn samples(data: &BlockData) -> &[f64] {
    let BlockData::Samples(samples) = data else { panic!("{data:?}") };
    samples
}

/// How many samples lie in each bucket.
fn between(data: &BlockData) -> [usize; 4] {
    let below = |edge: f64| samples(data).iter().filter(|sample| **sample <= edge).count();
    let [a, b, c, all] = [0.25, 0.5, 1.0, f64::INFINITY].map(below);
    [a, b - a, c - b, all - c]
}

#[tokio::test]
async fn what_is_added_counts_by_track_and_outcome() {
    let world = World::new();
    let failed =
        &[("http.route", "/cart"), ("http.response.status_code", "503"), ("error.type", "Timeout")][..];
    let by_code = &[("http.route", "/cart"), ("http.response.status_code", "500")][..];
    let reset = &[("error.type", "reset")][..];
    let missing = &[("http.route", "/cart"), ("http.response.status_code", "404")][..];
    let time = (world.nanos(-10), world.nanos(0));
    let points =
        [(OK, [5, 4, 3, 2]), (missing, [1, 0, 0, 0]), (failed, [0, 0, 0, 6]), (by_code, [0, 0, 7, 0])];
    let points = points.into_iter().chain([(reset, [0, 1, 0, 0])]);
    let points = points.map(|(attributes, all)| counts(time, attributes, all)).collect();
    world.duration(STABLE, histogram(DELTA, points));
    world.duration(CANARY, histogram(DELTA, vec![counts(time, OK, [0, 8, 0, 0])]));
    world.duration(CANARY, histogram(DELTA, vec![counts(time, OK, [0, 8, 0, 1])]));

    let latency = world.measured("latency", 1).await;
    let [stable, canary] = latency.blocks.as_slice() else { panic!("{latency:?}") };
    assert_eq!((between(&stable.data), between(&canary.data)), ([6, 4, 3, 2], [0, 16, 0, 1]));
    let place = (stable.track, stable.version.as_deref(), stable.pod.as_deref(), stable.route.as_deref());
    assert_eq!(place, (Track::Stable, Some("v1"), Some("web-0"), Some("/cart")));
    let place = (canary.track, canary.version.as_deref(), canary.pod.as_deref(), canary.route.as_deref());
    assert_eq!(place, (Track::Canary, None, Some("i-7"), Some("/cart")));
    // The lowest bucket begins at zero.
    assert_eq!(latency.evidence.quantile_error, Some(1.0));
    assert!(latency.notes[0].starts_with("3 measurements lie above the last edge"), "{:?}", latency.notes);
    // Without a route, then with one.
    assert_eq!(world.data("requests", 1).await, [requests(1, 1), requests(28, 13), requests(17, 0)]);
    let classes = |all: &[(&str, u64)]| {
        BlockData::Classes(all.iter().map(|(class, n)| ((*class).to_owned(), *n)).collect::<BTreeMap<_, _>>())
    };
    let expected = [classes(&[("reset", 1)]), classes(&[("500", 7), ("Timeout", 6)])];
    assert_eq!(world.data("errors", 1).await, expected);
}

#[tokio::test]
async fn totals_are_what_was_added_since_the_last_and_a_restart_begins_anew() {
    let world = World::new();
    let began = world.nanos(-3600);
    let send = |start, seconds, all| {
        world.duration(CANARY, histogram(CUMULATIVE, vec![counts((start, world.nanos(seconds)), OK, all)]));
    };
    send(began, 0, [100, 100, 100, 100]);
    send(began, 10, [100, 101, 100, 100]);
    // The same request again.
    send(began, 10, [100, 101, 100, 100]);
    send(began, 20, [100, 101, 103, 100]);
    let restarted = world.nanos(25);
    send(restarted, 30, [2, 0, 0, 0]);
    send(restarted, 40, [2, 0, 0, 4]);
    assert_eq!(world.left_out("latency", 1).await, [(LeftOutReason::NoBase, 1)]);
    assert_eq!(between(&world.data("latency", 1).await[0]), [2, 1, 3, 4]);
    assert_eq!(world.data("requests", 1).await, [requests(10, 0)]);
    // Errors have no part in what succeeds.
    assert_eq!(world.left_out("errors", 1).await, []);
}

#[tokio::test]
async fn exponential_histograms_change_their_scale() {
    let world = World::new();
    let began = world.nanos(-20);
    // Of scale 3 there are eight buckets in an octave: from 0.25 to 0.5, and one above.
    world
        .duration(STABLE, exponential((began, world.nanos(-10)), OK, (3, -16), &[1, 1, 1, 1, 1, 1, 1, 1, 5]));
    // The same twice as wide, and one more each.
    world.duration(STABLE, exponential((began, world.nanos(0)), OK, (2, -8), &[3, 3, 3, 3, 6]));
    let measured = world.measured("latency", 1).await;
    let all = samples(&measured.blocks[0].data);
    assert_eq!(all.iter().filter(|sample| **sample == 0.0).count(), 2);
    assert_eq!(between(&measured.blocks[0].data), [2, 12, 6, 0]);
    // Half of a bucket of scale 2 against its middle.
    let error = measured.evidence.quantile_error.unwrap();
    assert!((error - 0.0864).abs() < 0.0001, "{error}");
    assert_eq!(world.data("requests", 1).await, [requests(20, 0)]);
}

#[tokio::test]
async fn levels_are_means_and_counters_grow_by_the_second() {
    let world = World::new();
    let (start, time) = (world.nanos(-3600), |seconds| world.nanos(seconds));
    let [user, system] = [&[("cpu.mode", "user")][..], &[("cpu.mode", "system")][..]];
    for (seconds, busy) in [(0, [100.0, 50.0]), (10, [105.0, 51.0]), (20, [110.0, 54.0])] {
        let points = [user, system].into_iter().zip(busy);
        let points = points.map(|(mode, value)| number((start, time(seconds)), mode, value)).collect();
        assert_eq!(world.send(STABLE, "process.cpu.time", "s", sum(CUMULATIVE, true, points)).0, 0);
        let used = number((start, time(seconds)), &[], 100.0 + f64::from(i32::try_from(seconds).unwrap()));
        assert_eq!(
            world.send(STABLE, "process.memory.usage", "KiBy", sum(CUMULATIVE, false, vec![used])).0,
            0
        );
    }
    let half = gauge(vec![number((0, time(0)), &[], 7.0)]);
    assert_eq!(world.send(CANARY, "process.memory.usage", "By", half).0, 0);
    // 0.6 cores, then 0.8.
    let [BlockData::Value(cores)] = world.data("cpu", 1).await[..] else { panic!() };
    assert!((cores - 0.7).abs() < 1e-9, "{cores}");
    let expected = [BlockData::Value(110.0 * 1024.0), BlockData::Value(7.0)];
    assert_eq!(world.data("memory", 1).await, expected);
    assert_eq!(world.left_out("cpu", 1).await, [(LeftOutReason::NoBase, 1)]);
}

/// A collector splits what an instrument said, and merges what producers sent.
#[tokio::test]
async fn parts_of_a_value_may_come_in_several_messages_of_a_request() {
    let text = r#"{"metrics": {"memory": {"shape": "value", "name": "used"}, "kilo": {"shape": "value", "name": "used",
        "unit": "kilobytes"}}}"#;
    let world = World::with(&serde_json::from_str(text).unwrap(), Limits::default());
    let used = |state, value| {
        let points = vec![number((0, world.nanos(0)), &[("state", state)], value)];
        instrument("used", "By", gauge(points))
    };
    let mut all = request(STABLE, vec![used("anonymous", 5.0), used("cached", 2.0)]);
    all.resource_metrics.extend(request(STABLE, vec![used("mapped", 4.0)]).resource_metrics);
    all.resource_metrics.extend(request(CANARY, vec![used("mapped", 3.0)]).resource_metrics);
    assert_eq!(world.post(&all).status, 200);
    assert_eq!((world.aggregator.stats().lines, world.aggregator.stats().used), (4, 4));
    assert_eq!(world.data("memory", 1).await, [BlockData::Value(11.0), BlockData::Value(3.0)]);
    assert_eq!(world.data("kilo", 1).await, [BlockData::Value(11_000.0), BlockData::Value(3_000.0)]);
}

#[tokio::test]
async fn what_is_late_early_long_or_of_an_unknown_end_is_left_out() {
    let world = World::new();
    let send = |(start, time), attributes| {
        let data =
            histogram(DELTA, vec![counts((world.nanos(start), world.nanos(time)), attributes, [1, 0, 0, 0])]);
        world.send(STABLE, "http.server.request.duration", "s", data)
    };
    assert_eq!(send((-10, 0), OK), (0, String::new()));
    assert_eq!(send((-310, -300), OK), (1, "1: late".to_owned()));
    assert_eq!(send((290, 300), OK), (1, "1: early".to_owned()));
    assert_eq!(send((-100, 0), OK), (1, "1: resolution".to_owned()));
    assert_eq!(send((-10, 0), &[]), (1, "1: unknown-status".to_owned()));
    assert_eq!(send((-10, 0), &[("http.response.status_code", "999")]).0, 1);
    assert_eq!(world.data("requests", 1).await, [requests(1, 0)]);
    let expected =
        [(LeftOutReason::UnknownStatus, 2), (LeftOutReason::Resolution, 1), (LeftOutReason::Other, 2)];
    assert_eq!(world.left_out("requests", 1).await, expected);
    let stats = world.aggregator.stats();
    assert_eq!((stats.lines, stats.used, stats.left_out.values().sum::<u64>()), (6, 1, 5), "{stats:?}");
}

#[tokio::test]
async fn an_instrument_without_a_unit_says_nothing_of_latency_unless_it_is_configured() {
    let text = r#"{"metrics": {"latency": {"shape": "samples", "name": "took", "unit": "milliseconds"},
        "requests": {"shape": "requests", "name": "took"}, "other": {"shape": "samples", "name": "took"}}}"#;
    let world = World::with(&serde_json::from_str(text).unwrap(), Limits::default());
    let point = counts((world.nanos(-10), world.nanos(0)), OK, [0, 3, 0, 0]);
    assert_eq!(world.send(STABLE, "took", "", histogram(DELTA, vec![point])), (0, String::new()));
    let latency = world.data("latency", 1).await;
    assert!(samples(&latency[0]).iter().all(|sample| (0.000_25..0.000_5).contains(sample)), "{latency:?}");
    assert_eq!(world.data("requests", 1).await, [requests(3, 0)]);
    assert_eq!(
        (world.data("other", 1).await, world.left_out("other", 1).await),
        (vec![], vec![(LeftOutReason::Malformed, 1)])
    );
}

#[tokio::test]
async fn conforms() {
    let clock = clock_at(0);
    let otlp = OtlpConfig::default();
    let config = StatsdConfig { otlp: Some(otlp.clone()), ..StatsdConfig::default() };
    let aggregator = std::sync::Arc::new(Aggregator::new(&config, clock.clone()).unwrap());
    let receiver = nprt_metrics::otlp::OtlpReceiver::new(&otlp, aggregator.clone()).unwrap();
    let world = World { receiver, aggregator, clock };
    let mut blocks = Vec::new();
    // Minute 0 was not heard from its start, minute 2 is a gap, minute 4 still runs.
    for minute in [0, 1, 3, 4] {
        go_to(&world.clock, minute);
        let time = (world.nanos(-10), world.nanos(0));
        for resource in [CANARY, STABLE] {
            let failed = &[("http.response.status_code", "503"), ("error.type", "Timeout")][..];
            let points = vec![counts(time, OK, [0, 2, 1, 0]), counts(time, failed, [0, 0, 0, 1])];
            world.duration(resource, histogram(DELTA, points));
            assert_eq!(
                world.send(resource, "process.memory.usage", "By", gauge(vec![number(time, &[], 5.0)])).0,
                0
            );
        }
    }
    for minute in [1, 3] {
        for metric in ["latency", "requests", "errors", "memory"] {
            blocks.extend(world.blocks(metric, minute).await);
        }
    }
    assert_eq!(blocks.len(), 20);
    let recorded = Recorded { service: ServiceName::new("shop").unwrap(), blocks };
    let reopened = Aggregator::new(&config, world.clock.clone()).unwrap();
    metrics::all(&*world.aggregator, &reopened, &recorded).await;
}

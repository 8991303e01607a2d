//! The statsd server, with real datagrams from cadence.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]
#![cfg(feature = "statsd")]

mod support;
use std::collections::{BTreeMap, BTreeSet};
use std::net::UdpSocket;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cadence::prelude::*;
use cadence::{StatsdClient, UdpMetricSink};
use nprt_core::clock::ManualClock;
use nprt_core::conformance::metrics::{self, Recorded};
use nprt_core::model::{Block, BlockData, BlockShape, MetricName, ServiceName, Track};
use nprt_core::ports::{MetricsBackend, MetricsCapabilities};
use nprt_metrics::statsd::{Aggregator, Malformed, StatsdConfig, StatsdMetric, StatsdServer, Unit};
use proptest::prelude::*;
use support::{MINUTE, clock_at, go_to, name, query};

fn config() -> StatsdConfig {
    let mut config = StatsdConfig { listen: "127.0.0.1:0".parse().unwrap(), ..StatsdConfig::default() };
    let plain = StatsdMetric::Samples { name: "{service}.{track}.plain".to_owned(), unit: Unit::Seconds };
    config.metrics.insert(name("plain"), plain);
    config
}

async fn until(server: &StatsdServer, packets: u64) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while server.stats().packets < packets {
        assert!(Instant::now() < deadline, "{:?}", server.stats());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn blocks(backend: &Aggregator, metric: &str) -> Vec<Block> {
    backend.blocks(&query(metric, 0, 1_000_000)).await.unwrap().blocks
}

fn classes(counts: &[(&str, u64)]) -> BlockData {
    BlockData::Classes(counts.iter().map(|(class, n)| ((*class).to_owned(), *n)).collect())
}

/// One minute of one pod, as cadence sends it (9 datagrams), and the blocks that must come of it.
fn send(server: &StatsdServer, minute: i64, track: Track, pod: &str) -> Vec<Block> {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let sink = UdpMetricSink::from(server.local_addr(), socket).unwrap();
    let client = StatsdClient::builder("", sink)
        .with_tag("service", "shop")
        .with_tag("track", track.as_str())
        .with_tag("version", "main-3f2a91c")
        .with_tag("pod", pod)
        .build();
    client.time_with_tags("request.latency", Duration::from_millis(250)).with_tag("route", "/cart").send();
    let packed = vec![0.5, 0.125];
    client.distribution_with_tags("request.latency", packed).with_tag("route", "/cart").send();
    client.histogram_with_tags("request.latency", 9.0).with_tag("error", "Timeout").send();
    client.count_with_tags("request.count", 7).with_sampling_rate(0.1).send();
    client.count_with_tags("request.errors", 2).with_tag("error", "Timeout").send();
    client.count("request.errors", 1).unwrap();
    client.gauge("process.cpu", 0.25).unwrap();
    client.gauge("process.cpu", 0.75).unwrap();
    client.gauge("process.memory", 1_000_000_u64).unwrap();
    let block = |metric: &str, route: Option<&str>, data| Block {
        minute: MINUTE + minute,
        track,
        version: Some("main-3f2a91c".to_owned()),
        pod: Some(pod.to_owned()),
        route: route.map(str::to_owned),
        metric: name(metric),
        data,
    };
    vec![
        block("latency", Some("/cart"), BlockData::Samples(vec![0.125, 0.25, 0.5])),
        block("requests", None, BlockData::Requests { requests: 70, errors: 3 }),
        block("errors", None, classes(&[("Timeout", 2), ("unclassified", 1)])),
        block("cpu", None, BlockData::Value(0.5)),
        block("memory", None, BlockData::Value(1e6)),
    ]
}

#[tokio::test]
async fn conforms() {
    let clock = clock_at(0);
    let server = StatsdServer::start(
        &StatsdConfig { listen: config().listen, ..StatsdConfig::default() },
        clock.clone(),
    )
    .unwrap();
    let mut recorded = Recorded { service: ServiceName::new("shop").unwrap(), blocks: Vec::new() };
    let mut packets = 0;
    // Minute 0 was not heard from its start, minute 2 is a gap, minute 4 still runs.
    for minute in [0, 1, 3, 4] {
        go_to(&clock, minute);
        for (track, pod) in [(Track::Canary, "c"), (Track::Stable, "t"), (Track::Stable, "s")] {
            let blocks = send(&server, minute, track, pod);
            packets += 9;
            until(&server, packets).await;
            if (1..4).contains(&minute) {
                recorded.blocks.extend(blocks);
            }
        }
    }
    let reopened = Aggregator::new(&StatsdConfig::default(), clock).unwrap();
    metrics::all(&*server.backend(), &reopened, &recorded).await;
    let stats = server.stats();
    assert_eq!((stats.lines, stats.used, stats.failed), (packets, packets - 12, 12), "{stats:?}");
}

#[test]
fn capabilities() {
    let names = ["cpu", "errors", "latency", "memory", "requests"];
    let expected = MetricsCapabilities {
        metrics: Some(names.into_iter().map(|name| MetricName::new(name).unwrap()).collect()),
        shapes: BTreeSet::from([
            BlockShape::Samples,
            BlockShape::Value,
            BlockShape::Requests,
            BlockShape::Classes,
        ]),
        history: false,
        pods: true,
        routes: true,
    };
    let backend = Aggregator::new(&StatsdConfig::default(), clock_at(0)).unwrap();
    assert_eq!(backend.capabilities(), expected);
}

/// An aggregator in its first full minute.
fn heard(config: &StatsdConfig, packets: &[&str]) -> (Arc<ManualClock>, Aggregator) {
    let clock = clock_at(0);
    let backend = Aggregator::new(config, clock.clone()).unwrap();
    go_to(&clock, 1);
    packets.iter().for_each(|packet| backend.ingest(packet.as_bytes()));
    (clock, backend)
}

#[tokio::test]
async fn garbage_harms_nothing_else() {
    let clock = clock_at(0);
    let server = StatsdServer::start(&config(), clock.clone()).unwrap();
    go_to(&clock, 1);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let send = |packet: &[u8]| socket.send_to(packet, server.local_addr()).unwrap();
    send(b"\xff\xfe|||\nrequest.count:x|c\n\n_e{5,4}:title|text\n_sc|up|0\nrequest.count:1|g|#service:shop,track:canary");
    send(b"request.count:3|c|#service:shop\r\nother:1|c|#service:shop,track:canary\n");
    send(&[0; 9000]);
    send(b"");
    send(b"request.count:1|c|#track:canary,service:shop|c:container|T1740000077\nshop.stable.plain:5|ms\n");
    until(&server, 5).await;
    go_to(&clock, 2);
    let stats = server.stats();
    assert_eq!(stats.malformed, BTreeMap::from([(Malformed::Text, 2), (Malformed::Number, 1)]));
    assert_eq!((stats.events, stats.service_checks, stats.wrong_type), (1, 1, 1));
    assert_eq!((stats.unattributed, stats.unmapped, stats.used, stats.lines), (1, 1, 2, 10));
    let requests = blocks(&server.backend(), "requests").await;
    assert_eq!(requests.len(), 1);
    assert_eq!(
        (requests[0].track, &requests[0].data),
        (Track::Canary, &BlockData::Requests { requests: 1, errors: 0 })
    );
    let plain = blocks(&server.backend(), "plain").await;
    assert_eq!((plain[0].track, &plain[0].data), (Track::Stable, &BlockData::Samples(vec![0.005])));
}

#[tokio::test]
async fn a_gauge_changes_from_what_it_was() {
    let tags = "|g|#service:shop,track:stable,pod:p";
    let send =
        |backend: &Aggregator, value: &str| backend.ingest(format!("process.cpu:{value}{tags}").as_bytes());
    let (clock, backend) = heard(&config(), &[]);
    send(&backend, "2");
    send(&backend, "+2");
    go_to(&clock, 3);
    send(&backend, "-1");
    go_to(&clock, 4);
    let values: Vec<_> =
        blocks(&backend, "cpu").await.into_iter().map(|b| (b.minute - MINUTE, b.data)).collect();
    assert_eq!(values, [(1, BlockData::Value(3.0)), (3, BlockData::Value(3.0))]);
}

#[tokio::test]
async fn what_meets_a_limit_is_a_gap() {
    let line = |name: &str, pod: u32| format!("{name}:1|ms|#service:shop,track:canary,pod:{pod}");
    // A flood of pods costs the minutes that it lasts, and no more.
    let mut few = config();
    few.limits.memory_bytes = 40_000;
    let flood: Vec<String> = (0..1000).map(|pod| line("request.latency", pod)).collect();
    let (clock, backend) = heard(&few, &[&flood.join("\n")]);
    go_to(&clock, 2);
    backend.ingest(line("request.latency", 0).as_bytes());
    go_to(&clock, 3);
    let answer = blocks(&backend, "latency").await;
    assert_eq!(answer.iter().map(|block| block.minute - MINUTE).collect::<Vec<_>>(), [2]);
    let stats = backend.stats();
    assert_eq!(stats.used + stats.refused, 1001);
    assert!(stats.used > 5 && stats.used < 40, "an eighth of the room is a minute's: {stats:?}");

    // Classes without end, too.
    few.limits.classes_per_block = 3;
    let class = |n: usize| format!("request.errors:1|c|#service:shop,track:canary,error:e{n}");
    let (clock, backend) = heard(&few, &[&(0..4).map(class).collect::<Vec<_>>().join("\n")]);
    go_to(&clock, 2);
    assert_eq!(blocks(&backend, "errors").await, []);
    assert_eq!(
        blocks(&backend, "requests").await.len(),
        1,
        "it is part of two metrics, and was refused for one"
    );
}

#[tokio::test]
async fn forgets_after_the_retention() {
    let mut short = config();
    short.limits.retention_minutes = 2;
    let (clock, backend) = heard(&short, &["request.count:1|c|#service:shop,track:canary"]);
    for (minute, kept) in [(2, 1), (3, 1), (4, 0)] {
        go_to(&clock, minute);
        assert_eq!(blocks(&backend, "requests").await.len(), kept, "minute {minute}");
    }
}

#[tokio::test]
async fn stops_when_dropped() {
    let server = StatsdServer::start(&config(), clock_at(0)).unwrap();
    let address = server.local_addr();
    let taken = StatsdServer::start(&StatsdConfig { listen: address, ..config() }, clock_at(0)).unwrap_err();
    assert!(taken.to_string().contains(&address.to_string()), "{taken}");
    drop(server);
    let deadline = Instant::now() + Duration::from_secs(10);
    while UdpSocket::bind(address).is_err() {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[test]
fn a_wrong_configuration_is_refused() {
    let refused = |config: &StatsdConfig, text: &str| {
        let error = Aggregator::new(config, clock_at(0)).unwrap_err();
        assert!(error.is_invalid() && error.to_string().contains(text), "{error}");
    };
    refused(&StatsdConfig { metrics: BTreeMap::new(), ..config() }, "metrics");
    let mut zero = config();
    zero.limits.memory_bytes = 0;
    refused(&zero, "limits");
    let mut wrong = config();
    let metric = StatsdMetric::Value { name: "{svc}.cpu".to_owned() };
    wrong.metrics.insert(name("mine"), metric);
    refused(&wrong, "mine");
    let json = serde_json::to_value(config()).unwrap();
    assert_eq!(serde_json::from_value::<StatsdConfig>(json).unwrap(), config());
    assert!(serde_json::from_str::<StatsdConfig>(r#"{"listn": "x"}"#).is_err());
}

proptest! {
    #[test]
    fn every_line_has_one_fate(packet in "([a-z_.]{0,3}(request.count|process.cpu|shop.canary.plain)?[:0-9+|cgms@.#\n-]{0,12}(#service:shop,track:canary)?\n){0,8}") {
        let (_, backend) = heard(&config(), &[&packet]);
        let s = backend.stats();
        let malformed: u64 = s.malformed.values().sum::<u64>() + s.left_out.values().sum::<u64>();
        let sum = s.used + s.unmapped + s.wrong_type + s.unattributed + s.failed + s.refused + s.unnamed + s.events
            + s.service_checks + malformed;
        prop_assert_eq!(sum, s.lines);
    }
}

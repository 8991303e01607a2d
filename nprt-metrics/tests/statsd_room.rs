//! Room on a statsd server: what is said of one service takes nothing from another, and a flood costs the minutes that
//! it lasts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]
#![cfg(feature = "statsd")]

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;

use allocation_counter::measure;
use nprt_core::clock::ManualClock;
use nprt_core::model::{Block, ServiceName};
use nprt_core::ports::{Lost, MetricQuery, MetricsBackend};
use nprt_metrics::statsd::{Aggregator, Limits, StatsdConfig};
use support::{MINUTE, clock_at, go_to, name, query};

fn service(name: &str) -> ServiceName {
    ServiceName::new(name).unwrap()
}

fn services(names: &[&str]) -> BTreeSet<ServiceName> {
    names.iter().map(|name| service(name)).collect()
}

/// An aggregator for these services, in its first full minute.
fn aggregator(names: &[&str], limits: Limits) -> (Arc<ManualClock>, Aggregator) {
    let clock = clock_at(0);
    let config = StatsdConfig { services: services(names), limits, ..StatsdConfig::default() };
    let aggregator = Aggregator::new(&config, clock.clone()).unwrap();
    go_to(&clock, 1);
    (clock, aggregator)
}

fn say(to: &Aggregator, line: &str, service: &str, pod: &str) {
    to.ingest(format!("{line}|#service:{service},track:canary,pod:{pod}").as_bytes());
}

async fn blocks(of: &Aggregator, name: &str, metric: &str) -> Vec<Block> {
    let asked = MetricQuery { service: service(name), ..query(metric, 0, 1_000) };
    of.blocks(&asked).await.unwrap().blocks
}

async fn lost(of: &Aggregator, name: &str) -> Vec<Lost> {
    of.lost(&service(name), query("latency", 0, 1_000).range).await.unwrap()
}

fn minutes(blocks: &[Block]) -> BTreeSet<i64> {
    blocks.iter().map(|block| block.minute - MINUTE).collect()
}

#[tokio::test]
async fn four_hundred_thousand_pods_of_some_take_no_room_from_others() {
    let names = ["evil0", "evil1", "evil2", "evil3", "evil4", "evil5", "evil6", "known", "innocent"];
    let limits = Limits { memory_bytes: 64 << 20, ..Limits::default() };
    let (clock, aggregator) = aggregator(&names, limits);
    say(&aggregator, "request.latency:5|ms", "known", "p");
    for n in 0..400_000 {
        say(&aggregator, "request.latency:1|ms", &format!("evil{}", n % 7), &format!("p-{n}"));
    }
    for service in ["known", "innocent"] {
        say(&aggregator, "request.latency:5|ms", service, "p");
    }
    say(&aggregator, "process.cpu:1|g", "evil0", "p");
    go_to(&clock, 2);
    for service in ["known", "innocent", "evil0"] {
        say(&aggregator, "request.latency:5|ms", service, "p");
    }
    go_to(&clock, 3);
    for service in ["known", "innocent"] {
        assert_eq!(
            minutes(&blocks(&aggregator, service, "latency").await),
            BTreeSet::from([1, 2]),
            "{service}"
        );
        assert_eq!(lost(&aggregator, service).await, [], "{service}");
    }
    // The flood costs its own minute, of its own metric, and is counted.
    assert_eq!(minutes(&blocks(&aggregator, "evil0", "latency").await), BTreeSet::from([2]));
    assert_eq!(minutes(&blocks(&aggregator, "evil0", "cpu").await), BTreeSet::from([1]));
    let said = lost(&aggregator, "evil0").await;
    assert_eq!((said.len(), &said[0].metric), (1, &Some(name("latency"))), "{said:?}");
    assert_eq!(said[0].minutes, MINUTE + 1..MINUTE + 2);
    let stats = aggregator.stats();
    assert_eq!(stats.services["evil0"].refused, said[0].lines);
    let known = &stats.services["known"];
    assert_eq!((known.refused, known.minutes_dropped, known.left_out.len()), (0, 0, 0));
    assert!(said[0].lines > 30_000 && stats.refused > 250_000, "{stats:?}");
}

#[tokio::test]
async fn a_service_that_nobody_named_gets_no_room() {
    let (_, aggregator) = aggregator(&["shop"], Limits::default());
    let allocated = measure(|| {
        for n in 0..50_000 {
            say(&aggregator, "request.latency:1|ms", &format!("s{n}"), "p");
        }
    });
    assert!(allocated.bytes_max < 10_000, "{allocated:?}");
    let stats = aggregator.stats();
    assert_eq!((stats.unnamed, stats.refused, stats.services.len()), (50_000, 0, 1));
    let asked = MetricQuery { service: service("s1"), ..query("latency", 0, 2) };
    for error in [
        aggregator.blocks(&asked).await.unwrap_err(),
        aggregator.lost(&asked.service, asked.range).await.unwrap_err(),
    ] {
        assert!(error.is_invalid() && error.available() == ["shop"], "{error}");
    }
}

#[tokio::test]
async fn where_nobody_named_any_the_first_have_room() {
    let (clock, aggregator) = aggregator(&[], Limits { services: 3, ..Limits::default() });
    for n in 0..1_000 {
        say(&aggregator, "request.latency:1|ms", &format!("s{n}"), "p");
    }
    go_to(&clock, 2);
    let stats = aggregator.stats();
    assert_eq!((stats.used, stats.unnamed), (3, 997));
    assert_eq!(
        (blocks(&aggregator, "s2", "latency").await.len(), lost(&aggregator, "s2").await.len()),
        (1, 0)
    );
    // Nobody knows what was said of one that was turned away.
    assert_eq!(lost(&aggregator, "s3").await[0].minutes, MINUTE + 1..MINUTE + 2);
    // When a service is silent for the retention, another one may come.
    go_to(&clock, 300);
    say(&aggregator, "request.latency:1|ms", "s3", "p");
    assert_eq!(aggregator.stats().used, 4);
}

/// Ten pods that speak each minute, and then a flood of pods that speak once, of the same service.
#[tokio::test]
async fn what_is_heard_steadily_outlives_a_flood_of_the_same_service() {
    // Little more than the steady ones need.
    let limits = Limits { memory_bytes: 26_000, ..Limits::default() };
    let (clock, aggregator) = aggregator(&["shop"], limits);
    let steady = |minute: i64| {
        go_to(&clock, minute);
        (0..10).for_each(|pod| say(&aggregator, "request.latency:5|ms", "shop", &format!("p{pod}")));
    };
    (1..=40).for_each(steady);
    for minute in 41..=60 {
        steady(minute);
        for n in 0..1_000 {
            say(&aggregator, "request.latency:1|ms", "shop", &format!("flood-{minute}-{n}"));
        }
        say(&aggregator, "process.cpu:1|g", "shop", "p0");
    }
    steady(61);
    go_to(&clock, 62);
    let kept = minutes(&blocks(&aggregator, "shop", "latency").await);
    let expected: BTreeSet<i64> = (1..=40).chain([61]).collect();
    assert!(kept.is_superset(&expected), "a flood drives out nothing: {kept:?}");
    assert!((41..=60).all(|minute| !kept.contains(&minute)), "part of a minute is no minute: {kept:?}");
    assert!(minutes(&blocks(&aggregator, "shop", "cpu").await).is_superset(&(41..=60).collect()));
    let said = lost(&aggregator, "shop").await;
    let refused: Vec<i64> = said.iter().map(|lost| lost.minutes.start - MINUTE).collect();
    assert_eq!(refused, (41..=60).collect::<Vec<_>>());
    assert!(said.iter().all(|lost| lost.metric == Some(name("latency")) && lost.lines > 900));
}

#[tokio::test]
async fn other_services_are_named_while_it_runs() {
    let (clock, aggregator) = aggregator(&["shop"], Limits { memory_bytes: 26_000, ..Limits::default() });
    for minute in 1..=50 {
        go_to(&clock, minute);
        (0..10).for_each(|pod| say(&aggregator, "request.latency:5|ms", "shop", &format!("p{pod}")));
    }
    assert_eq!(lost(&aggregator, "shop").await, []);
    aggregator.serve(&services(&["shop", "cart"]));
    assert_eq!(lost(&aggregator, "shop").await, [], "nobody needs it yet");
    for minute in 50..=70 {
        go_to(&clock, minute);
        (0..4).for_each(|pod| say(&aggregator, "request.latency:5|ms", "cart", &format!("p{pod}")));
    }
    go_to(&clock, 71);
    // Half the room is the other's: what was kept of the oldest minutes goes, and is said to be lost.
    let kept = minutes(&blocks(&aggregator, "shop", "latency").await);
    let first = *kept.first().unwrap();
    assert!((3..=30).contains(&first), "{kept:?}");
    assert_eq!(kept, (first..=50).collect());
    assert_eq!(lost(&aggregator, "shop").await[0].minutes, MINUTE + 1..MINUTE + first);
    assert_eq!(i64::try_from(aggregator.stats().services["shop"].minutes_dropped).unwrap(), first - 1);
    // One that is new is known from its first full minute on.
    let kept = minutes(&blocks(&aggregator, "cart", "latency").await);
    assert!(kept.contains(&70) && !kept.contains(&50), "{kept:?}");
    assert_eq!(lost(&aggregator, "cart").await[0].minutes.start, MINUTE + 1);
    // One that is named no more is gone.
    aggregator.serve(&services(&["cart"]));
    say(&aggregator, "request.latency:5|ms", "shop", "p");
    assert_eq!(aggregator.stats().unnamed, 1);
    aggregator.serve(&BTreeSet::new());
    say(&aggregator, "request.latency:5|ms", "cart", "p");
    assert_eq!((aggregator.stats().unnamed, aggregator.stats().services.len()), (2, 0));
}

/// The longest names, pods without end, classes without end and samples without end, of several services at once.
#[test]
fn the_memory_is_bounded_whatever_is_sent() {
    let limits = Limits { memory_bytes: 6_000_000, ..Limits::default() };
    // Lists that grow are copied.
    let bound = limits.memory_bytes + 1_000_000;
    let names = ["a", "b", "c", "d"];
    let (clock, aggregator) = aggregator(&names, limits);
    let pad = "x".repeat(190);
    let flood = |n: usize| {
        let service = names[n % 4];
        let tags = format!("service:{service},track:canary,version:{pad}{n},pod:{pad}{n},route:{pad}{n}");
        [
            format!("request.latency:1:2:3:4:5|d|#{tags}"),
            format!("request.latency:{}1|d|#service:{service},track:stable,pod:same", "1:".repeat(50)),
            format!("request.errors:1|c|#service:{service},track:canary,error:{pad}{n}"),
            format!("process.cpu:+1|g|#{tags}"),
            format!("process.memory:1|g|#service:{service},track:canary,pod:{}", n % 64),
        ]
        .join("\n")
    };
    let floods: Vec<String> = (0..3_000).map(flood).collect();
    let allocated = measure(|| {
        for minute in 1..=12 {
            go_to(&clock, minute);
            floods.iter().for_each(|packet| aggregator.ingest(packet.as_bytes()));
        }
    });
    let stats = aggregator.stats();
    assert!(stats.refused > 40_000 && stats.used > 30_000, "{stats:?}");
    assert!(allocated.bytes_max <= bound as u64, "{allocated:?}, of at most {bound} bytes");
}

/// What was refused from minute 50 on when room was counted in blocks.
#[tokio::test]
async fn fifty_pods_on_twenty_routes_are_kept_for_the_whole_retention() {
    let names: Vec<String> = (0..64).map(|n| format!("service-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (clock, aggregator) = aggregator(&names, Limits::default());
    let packets: Vec<String> = (0..50)
        .map(|pod| {
            let line = |route: usize| {
                let tags =
                    format!("service:service-7,track:canary,pod:shop-7d9f8b6c5-{pod},route:/api/v1/{route}");
                format!("request.latency:12.5:17:9|ms|#{tags}\nrequest.count:3|c|#{tags}")
            };
            (0..20).map(line).collect::<Vec<_>>().join("\n")
        })
        .collect();
    for minute in 1..=250 {
        go_to(&clock, minute);
        packets.iter().for_each(|packet| aggregator.ingest(packet.as_bytes()));
    }
    go_to(&clock, 251);
    let stats = aggregator.stats();
    let of = &stats.services["service-7"];
    assert_eq!((stats.refused, of.minutes_dropped), (0, 0), "{of:?}");
    assert!(of.bytes < 20_000_000, "{of:?}");
    assert_eq!(lost(&aggregator, "service-7").await, []);
    let asked = MetricQuery { service: service("service-7"), ..query("latency", 245, 260) };
    assert_eq!(aggregator.blocks(&asked).await.unwrap().blocks.len(), 6 * 1_000);
    let first = MetricQuery { service: service("service-7"), ..query("latency", 12, 13) };
    assert_eq!(aggregator.blocks(&first).await.unwrap().blocks.len(), 1_000, "of four hours ago");
}

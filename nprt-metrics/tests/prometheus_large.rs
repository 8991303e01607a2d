//! A service of many pods and routes, on the real Prometheus: asked in cheaper ways, and the same counts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]
#![cfg(feature = "prometheus")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use nprt_core::model::{Block, BlockData, Secret};
use nprt_core::ports::{LeftOutReason, Measured, MetricsBackend};
use nprt_metrics::prometheus::{PrometheusAuth, PrometheusConfig};
use nprt_testkit::{Prometheus, need};
use support::{MINUTE, clock_at, query};

const MINUTES: i64 = 100;
const PODS: usize = 20;
const ROUTES: usize = 6;
/// Its counters begin anew in this minute.
const RESTARTED: (usize, i64) = (0, 50);
/// It is not scraped in these minutes, and counts on.
const UNSEEN: (usize, std::ops::Range<i64>) = (1, 30..53);
/// It is first scraped in this minute, and has counted for long.
const LATE: (usize, i64) = (2, 60);

/// What each counter of a pod and route has, after so many scrapes.
fn scraped(pod: usize, minute: i64, scrapes: i64) -> Option<i64> {
    match pod {
        _ if pod == RESTARTED.0 && minute >= RESTARTED.1 => Some(scrapes - 4 * RESTARTED.1),
        _ if pod == UNSEEN.0 && UNSEEN.1.contains(&minute) => None,
        _ if pod == LATE.0 && minute < LATE.1 => None,
        _ => Some(scrapes),
    }
}

/// In each scrape, of each pod and route, three requests more in three buckets, and one that failed.
fn openmetrics() -> String {
    let (mut latency, mut requests) = (String::new(), String::new());
    let labels = |pod: usize, route: usize| {
        let track = if pod.is_multiple_of(4) { "canary" } else { "stable" };
        format!(r#"service="shop",track="{track}",version="v-{track}",pod="{pod}",route="/{route}""#)
    };
    for (pod, route) in (0..PODS).flat_map(|pod| (0..ROUTES).map(move |route| (pod, route))) {
        let labels = labels(pod, route);
        let moments = || {
            let minutes = (0..MINUTES).flat_map(|minute| (0..4).map(move |n| (minute, n)));
            minutes.filter_map(|(minute, n)| {
                Some((scraped(pod, minute, 4 * minute + n + 1)?, (MINUTE + minute) * 60 + 15 * n + 5))
            })
        };
        for (buckets, le) in [(1, "0.1"), (2, "0.5"), (3, "+Inf")] {
            for (total, second) in moments() {
                let series =
                    format!(r#"http_request_duration_seconds_bucket{{{labels},code="200",le="{le}"}}"#);
                writeln!(latency, "{series} {} {second}", buckets * total).unwrap();
            }
        }
        for (times, code) in [(3, "200"), (1, "500")] {
            for (total, second) in moments() {
                let series = format!(r#"http_requests_total{{{labels},code="{code}"}}"#);
                writeln!(requests, "{series} {} {second}", times * total).unwrap();
            }
        }
    }
    let types = ["# TYPE http_request_duration_seconds histogram\n", "# TYPE http_requests counter\n"];
    [types[0], &latency, types[1], &requests, "# EOF\n"].concat()
}

async fn server() -> Option<(Prometheus, PrometheusConfig)> {
    let server = need(Prometheus::start(&openmetrics()).await)?;
    let auth = PrometheusAuth::Basic {
        username: Prometheus::USER.to_owned(),
        password: Secret::new(Prometheus::PASSWORD),
    };
    let config = PrometheusConfig { auth, ..PrometheusConfig::new(server.url()) };
    Some((server, config))
}

/// The minutes of each pod that have blocks of all routes, which must all be `data`.
fn minutes(measured: &Measured, routes: usize, data: &BlockData) -> BTreeMap<usize, BTreeSet<i64>> {
    let mut found: BTreeMap<(usize, i64), usize> = BTreeMap::new();
    for block in &measured.blocks {
        let Block { minute, pod, data: found_data, .. } = block;
        assert_eq!(found_data, data, "{block:?}");
        *found.entry((pod.as_ref().unwrap().parse().unwrap(), minute - MINUTE)).or_default() += 1;
    }
    let mut pods: BTreeMap<usize, BTreeSet<i64>> = BTreeMap::new();
    for ((pod, minute), blocks) in found {
        assert_eq!(blocks, routes, "pod {pod}, minute {minute}");
        pods.entry(pod).or_default().insert(minute);
    }
    pods
}

/// The minutes in which something can be told of a pod by its totals at the ends of minutes.
fn told(pod: usize) -> BTreeSet<i64> {
    let all = (1..MINUTES).filter(|minute| match pod {
        _ if pod == RESTARTED.0 => *minute != RESTARTED.1,
        _ if pod == UNSEEN.0 => *minute < UNSEEN.1.start || *minute > UNSEEN.1.end,
        _ if pod == LATE.0 => *minute > LATE.1,
        _ => true,
    });
    all.collect()
}

#[tokio::test]
async fn totals_give_the_same_counts() {
    let Some((_server, config)) = server().await else { return };
    let backend = config.build(clock_at(MINUTES)).unwrap();
    let histogram = BlockData::Histogram { edges: vec![0.1, 0.5], counts: vec![4, 4, 4] };
    for (metric, data) in
        [("latency", histogram), ("requests", BlockData::Requests { requests: 16, errors: 4 })]
    {
        let measured = backend.blocks(&query(metric, 0, MINUTES)).await.unwrap();
        assert!(
            measured.evidence.queries.iter().all(|query| !query.contains("offset")),
            "{:?}",
            measured.evidence
        );
        let found = minutes(&measured, ROUTES, &data);
        for pod in 0..PODS {
            assert_eq!(found[&pod], told(pod), "{metric} of pod {pod}");
        }
        let [left_out] = measured.left_out.as_slice() else { panic!("{:?}", measured.left_out) };
        assert_eq!((left_out.reason, left_out.minute), (LeftOutReason::NoBase, Some(MINUTE + RESTARTED.1)));
    }
    // Of few minutes each increment is seen, also before a restart.
    let measured = backend.blocks(&query("latency", RESTARTED.1 - 1, RESTARTED.1 + 2)).await.unwrap();
    assert!(
        measured.evidence.queries.iter().all(|query| query.contains("offset 15s")),
        "{:?}",
        measured.evidence
    );
    assert_eq!(measured.left_out, []);
    assert!(measured.blocks.iter().filter(|block| block.pod.as_deref() == Some("0")).count() == 3 * ROUTES);
}

#[tokio::test]
async fn too_many_series_are_not_told_apart_by_route() {
    let Some((_server, config)) = server().await else { return };
    let backend = PrometheusConfig { max_series: 359, ..config }.build(clock_at(MINUTES)).unwrap();
    let measured = backend.blocks(&query("latency", 0, MINUTES)).await.unwrap();
    let counts = vec![4 * ROUTES as u64; 3];
    let found = minutes(&measured, 1, &BlockData::Histogram { edges: vec![0.1, 0.5], counts });
    assert!((0..PODS).all(|pod| found[&pod] == told(pod)), "{found:?}");
    assert!(measured.notes.iter().any(|note| note.contains("max_series")), "{:?}", measured.notes);
    assert!(measured.blocks.iter().all(|block| block.route.is_none()));
}

/// Errors count from the first one on, and the gap of a pod is no burst of them.
#[tokio::test]
async fn errors_after_a_gap_are_not_counted_from_zero() {
    let Some((_server, config)) = server().await else { return };
    let backend = config.build(clock_at(MINUTES)).unwrap();
    for (start, end) in [(0, 59), (51, 56)] {
        let measured = backend.blocks(&query("errors", start, end)).await.unwrap();
        let unseen = measured.blocks.iter().filter(|block| block.pod.as_deref() == Some("1"));
        let counts: BTreeMap<i64, u64> = unseen
            .map(|block| match &block.data {
                BlockData::Classes(classes) => (block.minute - MINUTE, classes["500"]),
                other => panic!("{other:?}"),
            })
            .collect();
        // What it counted in the minutes before belongs to none that can be named.
        assert!(counts.get(&UNSEEN.1.end).is_none_or(|count| *count <= 4), "{counts:?}");
        assert_eq!(counts[&(UNSEEN.1.end + 1)], 4);
        assert_eq!(counts.keys().filter(|minute| UNSEEN.1.contains(minute)).count(), 0);
    }
}

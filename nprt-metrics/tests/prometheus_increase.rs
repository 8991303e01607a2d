//! What counters grew by, from the real Prometheus: each increment once, whenever it was scraped.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]
#![cfg(feature = "prometheus")]

mod support;

use std::fmt::Write as _;

use nprt_core::model::{BlockData, Secret};
use nprt_core::ports::MetricsBackend;
use nprt_metrics::prometheus::{PrometheusAuth, PrometheusConfig};
use nprt_testkit::{Prometheus, need};
use support::{MINUTE, clock_at, query};

/// What `blocks` of a counter of errors answers that was scraped with these totals, 15 seconds apart from
/// second 5 of minute 0 on; by minute. `None` is a scrape that failed, or came before the counter.
async fn counted(scrapes: &[&[Option<u64>]]) -> Option<Vec<Vec<(i64, u64)>>> {
    let mut text = "# TYPE http_requests counter\n".to_owned();
    for (pod, totals) in scrapes.iter().enumerate() {
        for (n, total) in (0..).zip(*totals) {
            let labels = format!(r#"service="shop",track="canary",pod="{pod}",code="500""#);
            let Some(total) = total else { continue };
            writeln!(text, "http_requests_total{{{labels}}} {total} {}", MINUTE * 60 + 5 + 15 * n).unwrap();
        }
    }
    text.push_str("# EOF\n");
    let server = need(Prometheus::start(&text).await)?;
    let auth = PrometheusAuth::Basic {
        username: Prometheus::USER.to_owned(),
        password: Secret::new(Prometheus::PASSWORD),
    };
    let config = PrometheusConfig { auth, ..PrometheusConfig::new(server.url()) };
    let backend = config.build(clock_at(1000)).unwrap();
    let blocks = backend.blocks(&query("errors", 0, 1000)).await.unwrap().blocks;
    let requests = backend.blocks(&query("requests", 0, 1000)).await.unwrap().blocks;
    let mut counted = vec![Vec::new(); scrapes.len()];
    for (block, both) in blocks.iter().zip(&requests) {
        let BlockData::Classes(classes) = &block.data else { panic!("{block:?}") };
        let count = classes.values().sum();
        // All failed, and both queries say so.
        assert_eq!(both.data, BlockData::Requests { requests: count, errors: count });
        let pod: usize = block.pod.as_ref().unwrap().parse().unwrap();
        counted[pod].push((block.minute - MINUTE, count));
    }
    Some(counted)
}

#[tokio::test]
async fn no_increment_is_lost_or_made_up() {
    let s = Some;
    // Each was seen by no `increase(…[1m])` at steps of a minute, or as more than it is.
    let between_two_minutes = [s(3), s(3), s(3), s(3), s(4), s(4), s(4), s(4)];
    let appears_with_its_first = [None, None, None, None, None, None, s(1), s(1), s(1)];
    let appears_at_the_end = [None, None, None, s(1)];
    // The container starts anew, twice; the second time it grows past its old total within the minute.
    let reset = [s(5), s(7), s(2), s(2), s(6), s(1), s(4), s(9)];
    let gap = [s(1), s(2), s(2), s(2), None, None, None, None, s(5), s(5), s(5), s(6)];
    let (mut outage, mut forgotten) = (vec![s(8)], vec![s(8)]);
    outage.resize(4 * 59, None);
    outage.extend([s(9), s(10)]);
    forgotten.resize(4 * 400, None);
    forgotten.push(s(9));
    let scrapes: [&[Option<u64>]; 7] = [
        &between_two_minutes,
        &appears_with_its_first,
        &appears_at_the_end,
        &reset,
        &gap,
        &outage,
        &forgotten,
    ];
    let Some(counted) = counted(&scrapes).await else { return };
    assert_eq!(counted[0], [(0, 3), (1, 1)]);
    assert_eq!(counted[1], [(1, 1), (2, 0)]);
    assert_eq!(counted[2], [(0, 1)]);
    assert_eq!(counted[3], [(0, 5 + 2 + 2), (1, 4 + 1 + 3 + 5)]);
    assert_eq!(counted[4], [(0, 2), (2, 3 + 1)]);
    assert_eq!(
        counted[5],
        [(0, 8), (59, 1)],
        "what grew in the hour of the outage is of no minute that is known"
    );
    assert_eq!(counted[6], [(0, 8), (400, 9)], "more than six hours later it is another counter");
}

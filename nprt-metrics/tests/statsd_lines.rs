//! One bad line costs itself: cases 07 and 08 of the reports, and their neighbours.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]
#![cfg(feature = "statsd")]

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;

use nprt_core::clock::ManualClock;
use nprt_core::model::{Block, BlockData, Track};
use nprt_core::ports::{LeftOut, MetricsBackend};
use nprt_metrics::statsd::{Aggregator, Malformed, Reason, StatsdConfig};
use support::{MINUTE, at, clock_at, go_to, query};

/// An aggregator in its first full minute.
fn aggregator() -> (Arc<ManualClock>, Aggregator) {
    let clock = clock_at(0);
    let aggregator = Aggregator::new(&StatsdConfig::default(), clock.clone()).unwrap();
    go_to(&clock, 1);
    (clock, aggregator)
}

/// What comes of these lines, each with the tags of a pod of the canary.
async fn heard(lines: &[&str], metric: &str) -> (Vec<BlockData>, Aggregator) {
    let (clock, aggregator) = aggregator();
    for line in lines {
        aggregator.ingest(format!("{line}|#service:shop,track:canary,pod:p").as_bytes());
    }
    go_to(&clock, 2);
    (blocks(&aggregator, metric).await.into_iter().map(|block| block.data).collect(), aggregator)
}

async fn blocks(aggregator: &Aggregator, metric: &str) -> Vec<Block> {
    aggregator.blocks(&query(metric, 0, 1_000)).await.unwrap().blocks
}

fn left_out(aggregator: &Aggregator) -> BTreeMap<Reason, u64> {
    let stats = aggregator.stats();
    assert_eq!((stats.refused, stats.services["shop"].refused), (0, 0), "no minute is refused");
    stats.services["shop"].left_out.clone()
}

#[tokio::test]
async fn a_bad_timer_costs_itself() {
    for (bad, reason) in [
        ("request.latency:-5|ms", Reason::Negative),
        ("request.latency:1:-5:2|ms", Reason::Negative),
        ("request.latency:-0.001|ms|@0.1", Reason::Negative),
        ("request.latency:-5|h", Reason::Negative),
        ("request.latency:-1e-300|d", Reason::Negative),
        ("request.latency:nan|ms", Reason::NotANumber),
        ("request.latency:-NaN|d", Reason::NotANumber),
        ("request.latency:inf|ms", Reason::Infinite),
        ("request.latency:-inf|h", Reason::Infinite),
        ("request.latency:1e999|ms", Reason::Infinite),
        ("request.latency:1e300|h", Reason::TooGreat),
        ("request.latency:1|ms|@1e-9", Reason::TooGreat),
        ("request.latency:x|ms", Reason::Malformed),
        ("request.latency:1|ms|@0", Reason::Malformed),
        ("request.latency:1|zz", Reason::Malformed),
        ("request.latency|ms", Reason::Malformed),
    ] {
        let lines = ["request.latency:125|ms", bad, "request.latency:0.25|d"];
        let (data, aggregator) = heard(&lines, "latency").await;
        // The answer says so, and so does the verdict.
        let measured = aggregator.blocks(&query("latency", 0, 1_000)).await.unwrap();
        let left_out = LeftOut {
            reason: reason.into(),
            minute: Some(MINUTE + 1),
            track: Some(Track::Canary),
            points: 1,
        };
        assert_eq!((&measured.left_out[..], measured.evidence.points), (&[left_out][..], 3), "{bad}");
        assert_eq!(measured.evidence.quantile_error, None, "few samples are kept as they came");
        assert_eq!(data, [BlockData::Samples(vec![0.125, 0.25])], "{bad}");
        assert_eq!(self::left_out(&aggregator), BTreeMap::from([(reason, 1)]), "{bad}");
        // Alone, it is no block.
        let (data, aggregator) = heard(&[bad], "latency").await;
        assert_eq!(data, [], "{bad}");
        // A line that nobody sent before makes no service known.
        assert!(aggregator.stats().services.get("shop").is_none_or(|of| of.refused == 0), "{bad}");
    }
    // Minus zero is zero.
    let (data, _) = heard(&["request.latency:-0|ms"], "latency").await;
    assert_eq!(data, [BlockData::Samples(vec![0.0])]);
    let BlockData::Samples(samples) = &data[0] else { panic!() };
    assert!(samples[0].is_sign_positive());
}

#[tokio::test]
async fn a_bad_count_costs_itself() {
    for (bad, reason) in [
        ("request.count:-1|c", Reason::Negative),
        ("request.count:5:-9|c", Reason::Negative),
        ("request.count:-1|c|@0.1", Reason::Negative),
        ("request.count:1e300|c", Reason::TooGreat),
        ("request.count:1|c|@1e-300", Reason::TooGreat),
        ("request.count:9007199254740992|c", Reason::TooGreat),
        ("request.count:nan|c", Reason::NotANumber),
    ] {
        let (data, aggregator) = heard(&["request.count:10|c", bad, "request.count:5|c"], "requests").await;
        assert_eq!(data, [BlockData::Requests { requests: 15, errors: 0 }], "{bad}");
        assert_eq!(left_out(&aggregator), BTreeMap::from([(reason, 1)]), "{bad}");
    }
    let (data, _) = heard(&["request.errors:2|c", "request.errors:-1|c"], "errors").await;
    assert_eq!(data, [BlockData::Classes(BTreeMap::from([("unclassified".to_owned(), 2)]))]);
}

#[tokio::test]
async fn a_change_without_a_value_before_costs_its_line_alone() {
    let (clock, aggregator) = aggregator();
    let say = |track: &str, pod: &str, value: &str| {
        let line = format!("process.memory:{value}|g|#service:shop,track:{track},pod:{pod}");
        aggregator.ingest(line.as_bytes());
    };
    let values = async || {
        let of = |block: Block| match block.data {
            BlockData::Value(value) => (block.minute - MINUTE, block.track, block.pod.unwrap(), value),
            other => panic!("{other:?}"),
        };
        blocks(&aggregator, "memory").await.into_iter().map(of).collect::<Vec<_>>()
    };
    say("stable", "p1", "100");
    say("canary", "p2", "100");
    say("canary", "p3", "+5");
    go_to(&clock, 2);
    let p = |minute, track, pod: &str, value| (minute, track, pod.to_owned(), value);
    let first = [p(1, Track::Stable, "p1", 100.0), p(1, Track::Canary, "p2", 100.0)];
    assert_eq!(values().await, first);
    assert_eq!(left_out(&aggregator), BTreeMap::from([(Reason::NoBase, 1)]));
    // Its next absolute value is one, and what it was is kept from then on, also over silent minutes.
    say("canary", "p3", "-5");
    say("canary", "p3", "40");
    say("canary", "p3", "+5");
    go_to(&clock, 9);
    say("canary", "p3", "+10:-5");
    go_to(&clock, 10);
    assert_eq!(left_out(&aggregator), BTreeMap::from([(Reason::NoBase, 2)]));
    let then = [p(2, Track::Canary, "p3", 42.5), p(9, Track::Canary, "p3", 52.5)];
    assert_eq!(values().await, [&first[..], &then[..]].concat());
    for bad in ["1e300", "-1e300", "inf", "nan", "+1e300"] {
        say("canary", "p3", bad);
    }
    say("canary", "p3", "+0");
    go_to(&clock, 11);
    assert_eq!(values().await.last(), Some(&p(10, Track::Canary, "p3", 50.0)));
}

#[tokio::test]
async fn a_timer_counts_as_often_as_it_stands_for() {
    let count = async |lines: &[&str]| match &heard(lines, "latency").await.0[..] {
        [BlockData::Samples(samples)] => {
            let mut samples = samples.clone();
            samples.sort_by(f64::total_cmp);
            samples
        }
        other => panic!("{other:?}"),
    };
    // Packed ones as well, beside one that stands for itself; each within the stated error.
    let samples = count(&["request.latency:10:20:30|ms|@0.1", "request.latency:40|ms"]).await;
    assert_eq!(samples.len(), 31);
    for (chunk, expected) in samples.chunks(10).zip([0.01, 0.02, 0.03, 0.04]) {
        assert!(chunk.iter().all(|sample| (sample / expected - 1.0).abs() < 0.004), "{chunk:?} {expected}");
    }
    assert_eq!(count(&["request.latency:0.5|h|@0.25"]).await.len(), 4);
    assert_eq!(count(&["request.latency:1:2:3|d|@0.3"]).await.len(), 10);
    let thirds = vec!["request.latency:7|ms|@0.75"; 300];
    assert_eq!(count(&thirds).await.len(), 400);
    let mixed =
        ["request.latency:1|ms|@0.5", "request.latency:2|ms", "request.latency:3|ms|@0.2"].repeat(100);
    assert_eq!(count(&mixed).await.len(), 800);
    // One without a rate, and one of 1, are themselves.
    assert_eq!(count(&["request.latency:3|ms|@1", "request.latency:5|ms"]).await, [0.003, 0.005]);
}

#[tokio::test]
async fn more_samples_than_a_block_is_answered_with_keep_their_ranks() {
    let clock = clock_at(0);
    let mut config = StatsdConfig::default();
    config.limits.samples_per_block = 1_000;
    let aggregator = Aggregator::new(&config, clock.clone()).unwrap();
    go_to(&clock, 1);
    for n in 1..=50_000 {
        aggregator.ingest(format!("request.latency:{n}|ms|#service:shop,track:canary").as_bytes());
    }
    go_to(&clock, 2);
    let measured = aggregator.blocks(&query("latency", 0, 1_000)).await.unwrap();
    let BlockData::Samples(samples) = &measured.blocks[0].data else { panic!() };
    // Half the width of a bin, against its middle.
    assert!(measured.evidence.quantile_error.is_some_and(|error| (error - 1.0 / 257.0).abs() < 1e-9));
    assert_eq!((samples.len(), samples.is_sorted()), (1_000, true));
    for share in [1_usize, 10, 500, 950, 999] {
        let expected = share as f64 * 0.05;
        assert!(
            (samples[share - 1] / expected - 1.0).abs() < 0.01,
            "{share}: {} {expected}",
            samples[share - 1]
        );
    }
}

#[tokio::test]
async fn a_timestamp_near_now_counts_now_and_another_one_costs_its_line() {
    let (clock, aggregator) = aggregator();
    let now = at(1).as_second();
    let say = |time: i64| {
        let line = format!("request.count:1|c|#service:shop,track:canary|T{time}|c:83c0a99c");
        aggregator.ingest(line.as_bytes());
    };
    for time in [now, now - 100, now + 100, now - 3600, now + 3600, 0] {
        say(time);
    }
    go_to(&clock, 2);
    assert_eq!(blocks(&aggregator, "requests").await[0].data, BlockData::Requests { requests: 3, errors: 0 });
    assert_eq!(left_out(&aggregator), BTreeMap::from([(Reason::Late, 2), (Reason::Early, 1)]));
}

#[tokio::test]
async fn tags_of_every_dialect_say_where_something_was_measured() {
    let lines = [
        "request.count:1|c|#service:shop,track:canary,pod:p",
        "request.count,service=shop,track=canary,pod=p:1|c",
        "request.count;service=shop;track=canary;pod=p:1|c",
        "request.count#service=shop,track=canary,pod=p:1|c",
        "request.count[service=shop,track=canary,pod=p]:1|c",
        "request.count[service=shop,track=canary]:1|c|#pod:p",
    ];
    let (clock, aggregator) = aggregator();
    lines.iter().for_each(|line| aggregator.ingest(line.as_bytes()));
    go_to(&clock, 2);
    let answer = blocks(&aggregator, "requests").await;
    assert_eq!(answer.len(), 1, "{answer:?}");
    assert_eq!((answer[0].track, answer[0].pod.as_deref()), (Track::Canary, Some("p")));
    assert_eq!(answer[0].data, BlockData::Requests { requests: 6, errors: 0 });
    // What is no tag harms its line alone.
    for line in ["request.count[service=shop:1|c", "request.count,service:1|c", "request.count,:1|c"] {
        aggregator.ingest(line.as_bytes());
    }
    assert_eq!(aggregator.stats().used, 6);
}

#[tokio::test]
async fn a_malformed_line_is_counted_for_its_service_if_that_has_room() {
    let (_, aggregator) = aggregator();
    aggregator.ingest(b"request.count:1|c|#service:shop,track:canary");
    aggregator.ingest(b"request.count:x|c|#service:shop,track:canary\nrequest.errors:nan|c|#service:shop");
    aggregator.ingest(b"request.count:x|c|#service:other,track:canary\nother:x|c|#service:shop\n\xff");
    let stats = aggregator.stats();
    assert_eq!(
        stats.malformed,
        BTreeMap::from([(Malformed::Number, 3), (Malformed::NotANumber, 1), (Malformed::Text, 1)])
    );
    // `request.errors` is part of two metrics.
    assert_eq!(left_out(&aggregator), BTreeMap::from([(Reason::Malformed, 1), (Reason::NotANumber, 2)]));
    assert_eq!(stats.services.len(), 1);
}

/// However many there are: they take no room that others need.
#[tokio::test]
async fn bad_lines_without_end_cost_themselves() {
    let clock = clock_at(0);
    let mut config = StatsdConfig::default();
    config.limits.memory_bytes = 40_000;
    let aggregator = Aggregator::new(&config, clock.clone()).unwrap();
    go_to(&clock, 1);
    for n in 0..5_000 {
        for bad in
            ["process.memory:+5|g", "request.latency:-1|h", "request.count:-1|c", "request.latency:nan|ms"]
        {
            aggregator.ingest(format!("{bad}|#service:shop,track:canary,pod:p{n}").as_bytes());
        }
    }
    for good in ["process.memory:5|g", "request.latency:1|h", "request.count:1|c"] {
        aggregator.ingest(format!("{good}|#service:shop,track:canary,pod:p").as_bytes());
    }
    go_to(&clock, 2);
    for metric in ["memory", "latency", "requests"] {
        assert_eq!(blocks(&aggregator, metric).await.len(), 1, "{metric}");
    }
    let expected = [(Reason::NotANumber, 5_000), (Reason::Negative, 10_000), (Reason::NoBase, 5_000)];
    assert_eq!(left_out(&aggregator), BTreeMap::from(expected));
}

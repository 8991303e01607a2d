//! What starting a canary says about how long it will take, by the history of a real Prometheus.

use std::fmt::Write as _;

use nprt::clock::SystemClock;
use nprt::ports::Clock;
use nprt_testkit::{Prometheus, need};
use serde_json::json;

use crate::support::{World, server};

/// Twenty minutes of stable's latency, of so many requests a minute, up to now.
fn history(a_minute: u64) -> String {
    let now = u64::try_from(SystemClock.now().as_second()).unwrap();
    let mut text = "# TYPE http_request_duration_seconds histogram\n".to_owned();
    // Of a hundred, so many up to each edge.
    for (edge, share) in [("0.1", 50), ("0.2", 90), ("0.4", 99), ("+Inf", 100)] {
        for quarter in 0..=80 {
            let (at, count) = (now - 1200 + quarter * 15, a_minute * quarter / 4 * share / 100);
            writeln!(
                text,
                r#"http_request_duration_seconds_bucket{{service="web",track="stable",pod="web-1",code="200",le="{edge}"}} {count} {at}"#
            )
            .unwrap();
        }
    }
    text + "# EOF\n"
}

#[tokio::test]
async fn a_canary_says_how_long_it_will_take_by_what_prometheus_has_of_stable() {
    let mut times = Vec::new();
    for a_minute in [100, 10_000] {
        let Some(prometheus) = need(Prometheus::start(&history(a_minute)).await) else { return };
        let auth = json!({"type": "basic", "username": Prometheus::USER, "password": Prometheus::PASSWORD});
        let metrics = json!({"prometheus": {"url": prometheus.url(), "auth": auth}});
        let world = World::new();
        let server = server(
            &world,
            json!({"metrics": metrics, "policy": {"preset": "default"}, "autopilot": {"enabled": false}}),
        )
        .await;
        assert_eq!(server.put(&format!("/web/deploy?tag={}", world.tag(0))).await.0, 200);
        let (status, done) = server.put(&format!("/web/canary?tag={}", world.tag(1))).await;
        assert_eq!(status, 200, "{done}");
        let minutes =
            |name: &str| done["expected"][name].as_u64().unwrap_or_else(|| panic!("{name}: {done}"));
        assert!(done["expected"]["why"].is_null(), "{done}");
        times.push((minutes("detect_minutes"), minutes("pass_minutes")));
    }
    // A hundred times the traffic takes a hundredth of the time, down to the first look and the soak.
    let [slow, fast] = times[..] else { panic!("{times:?}") };
    assert_eq!(fast, (5, 15));
    assert!(slow.0 > 5 && slow.0 < 120 && slow.1 >= 15, "{slow:?}");
}

#[tokio::test]
async fn what_is_not_known_is_said_with_why() {
    let rule = json!({
        "rule": "percentile", "metric": "latency", "percentile": 50, "margin": {"relative": 1.0},
        "min_samples": 1,
    });
    let plain = json!({"window_minutes": 10, "soak_minutes": 1, "deadline_minutes": 10, "rules": [rule]});
    let default = json!({"preset": "default"});
    let away = json!({"prometheus": {"url": "http://127.0.0.1:9", "http": {"timeout_seconds": 1}}});
    let silent = json!({"statsd": {"listen": "127.0.0.1:0"}});
    for (policy, metrics, why) in [
        (&plain, &silent, "the policy has no rule of measurements on latency"),
        (&default, &silent, "too little is known of stable's latency in the last 15 minutes"),
        (&default, &away, "the metrics do not answer"),
    ] {
        let world = World::new();
        let service = json!({"metrics": metrics, "policy": policy, "autopilot": {"enabled": false}});
        let server = server(&world, service).await;
        assert_eq!(server.put(&format!("/web/deploy?tag={}", world.tag(0))).await.0, 200);
        let (status, done) = server.put(&format!("/web/canary?tag={}", world.tag(1))).await;
        let expected = json!({"detect_minutes": null, "pass_minutes": null, "why": why});
        assert_eq!((status.as_u16(), &done["expected"]), (200, &expected), "{done}");
    }
}

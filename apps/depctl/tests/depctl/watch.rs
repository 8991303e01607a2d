//! Watching a canary: the exit code is the verdict's.

use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::support::{Bench, OTHER, REVISION, asked, deployment, inconclusive, judgement, running, status};

async fn canary(bench: &Bench, decision: &Value, times: u64) {
    let answer = ResponseTemplate::new(200).set_body_json(judgement(decision, "so it is"));
    asked("GET", "/shop/canary").respond_with(answer).up_to_n_times(times).mount(&bench.server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_verdict_is_the_exit_code() {
    for (verdict, code) in [("pass", 0), ("regression", 3)] {
        let bench = Bench::new().await;
        canary(&bench, &inconclusive(), 2).await;
        canary(&bench, &json!({"verdict": verdict}), 9).await;
        let ran = bench.run(&["watch", "--interval", "1"]).is(code);
        assert_eq!(ran.err, "inconclusive: so it is\n");
        let expected = format!(
            "shop: main-3f2a91c since 2026-11-26T13:00:00Z\n\
             METRIC   STATISTIC  STABLE  CANARY  LIMIT   N STABLE  N CANARY  VERDICT\n\
             latency  p95        100 ms  105 ms  110 ms  600       120       pass\n{verdict}: so it is\n"
        );
        assert_eq!(ran.out, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_as_inconclusive_when_time_is_over() {
    let bench = Bench::new().await;
    canary(&bench, &inconclusive(), 99).await;
    bench.run(&["watch", "--once"]).is(4);
    assert_eq!(bench.server.received_requests().await.unwrap().len(), 1);
    bench.run(&["watch", "--interval", "1", "--timeout", "1"]).is(4);

    let expired = Bench::new().await;
    expired.problem("GET", "/shop/canary", json!({"title": "t", "status": 409, "detail": "expired"})).await;
    assert!(expired.run(&["watch"]).is(4).err.contains("expired"));
    let ran = bench.run(&["watch", "--once", "-o", "json"]).is(4);
    assert_eq!(ran.json(), judgement(&inconclusive(), "so it is"));
}

/// The autopilot was quicker than the next look.
#[tokio::test(flavor = "multi_thread")]
async fn a_canary_that_is_gone_was_promoted_or_rolled_back() {
    for (serves, code, said) in [(REVISION, 0, "was promoted"), (OTHER, 3, "was rolled back")] {
        let bench = Bench::new().await;
        canary(&bench, &inconclusive(), 1).await;
        bench
            .problem("GET", "/shop/canary", json!({"title": "t", "status": 404, "detail": "no canary"}))
            .await;
        bench.answer("GET", "/shop/status", status(&running("main-1", serves), &Value::Null)).await;
        let ran = bench.run(&["watch", "--interval", "1"]).is(code);
        let version = running("main-1", serves);
        let short = version["revision"].as_str().unwrap();
        let short = &short[..short.len().min(12)];
        assert_eq!(ran.out, format!("the canary {said}: main-1 ({short}) serves\n"));
    }
    let bench = Bench::new().await;
    bench.problem("GET", "/shop/canary", json!({"title": "t", "status": 404, "detail": "no canary"})).await;
    bench.run(&["watch"]).is(1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_restarts_is_waited_for_and_another_canary_is_not_judged() {
    let bench = Bench::new().await;
    canary(&bench, &inconclusive(), 1).await;
    let gone = ResponseTemplate::new(502);
    asked("GET", "/shop/canary").respond_with(gone).up_to_n_times(2).mount(&bench.server).await;
    canary(&bench, &json!({"verdict": "pass"}), 9).await;
    bench.run(&["watch", "--interval", "1"]).is(0);

    let bench = Bench::new().await;
    canary(&bench, &inconclusive(), 1).await;
    let mut other = judgement(&json!({"verdict": "pass"}), "good");
    other["revision"] = json!(OTHER);
    bench.answer("GET", "/shop/canary", other).await;
    let ran = bench.run(&["watch", "--interval", "1"]).is(4);
    assert!(ran.err.contains("another version is the canary"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn canary_goes_on_to_watch() {
    let bench = Bench::new().await;
    bench.answer("PUT", "/shop/canary", deployment("canary")).await;
    canary(&bench, &json!({"verdict": "regression"}), 9).await;
    let ran = bench.run(&["canary", "-t", "x", "--watch"]).is(3);
    assert!(ran.out.contains("runs on canary") && ran.out.contains("regression: so it is"), "{}", ran.out);
    bench.run(&["canary", "-t", "x", "--watch", "--dry-run"]).is(2);
}

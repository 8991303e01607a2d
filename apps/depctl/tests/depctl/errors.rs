//! What the server refuses, and what is no server.

use serde_json::json;
use wiremock::ResponseTemplate;

use crate::support::{Bench, TOKEN, asked, run};

#[tokio::test(flavor = "multi_thread")]
async fn a_problem_is_told_with_its_field() {
    let bench = Bench::new().await;
    let problem = json!({"type": "about:blank", "title": "Unprocessable Content", "status": 422,
        "detail": format!("the cluster refuses it; you sent {TOKEN}"), "kind": "rejected",
        "context": {"object": "Deployment/default/shop", "field": "spec.replicas", "count": 3},
        "available": ["a", "b"]});
    bench.problem("PUT", "/shop/deploy", problem).await;
    let ran = bench.run(&["deploy", "--tag", "t"]).is(1);
    let expected = "error: rejected (422): the cluster refuses it; you sent ***\n  object: Deployment/default/shop\n  \
                    field: spec.replicas\n  count: 3\n  available: a, b\n";
    assert_eq!(ran.err, expected);
    let ran = bench.run(&["deploy", "--tag", "t", "-o", "json"]).is(1);
    let document: serde_json::Value = serde_json::from_str(&ran.err).unwrap();
    assert_eq!((&document["status"], ran.out.as_str()), (&json!(422), ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refusal_has_a_code_and_a_hint() {
    let bench = Bench::new().await;
    for (status, kind, hint) in [
        (400, "invalid", ""),
        (401, "unauthenticated", "DEPCTL_TOKEN"),
        (403, "forbidden", ""),
        (404, "not found", ""),
        (409, "conflict", "--wait"),
        (503, "unavailable", ""),
    ] {
        let service = format!("/s{status}");
        let problem = json!({"title": "t", "status": status, "detail": "d", "kind": kind});
        bench.problem("GET", &service, problem).await;
        let ran = bench.run(&["show", &service[1..]]).is(1);
        assert!(
            ran.err.starts_with(&format!("error: {kind} ({status}): d\n")) && ran.err.contains(hint),
            "{}",
            ran.err
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_server_is_told_as_such() {
    let bench = Bench::new().await;
    let ran = run(bench.command(&["ls"]).env("DEPCTL_URL", "http://127.0.0.1:9")).is(5);
    assert!(ran.err.starts_with("error: http://127.0.0.1:9/: no connection\n"), "{}", ran.err);
    let gateway = ResponseTemplate::new(502).set_body_raw("<html>bad gateway</html>", "text/html");
    bench.mount(asked("GET", "/gateway"), gateway).await;
    bench.run(&["show", "gateway"]).is(5);
    let page = ResponseTemplate::new(200).set_body_raw("<html>hello</html>", "text/html");
    bench.mount(asked("GET", "/page"), page).await;
    let ran = bench.run(&["show", "page"]).is(1);
    assert!(ran.err.contains("is it a deployer?"), "{}", ran.err);
    bench.answer("GET", "/other", json!({"something": "else"})).await;
    let ran = bench.run(&["show", "other"]).is(1);
    assert!(ran.err.contains("missing field `service`"), "{}", ran.err);
    // A redirect to another host is not followed: the token would go along.
    let away = ResponseTemplate::new(302).insert_header("location", "http://localhost:9/");
    bench.mount(asked("GET", "/away"), away).await;
    bench.run(&["show", "away"]).is(1);
    let slow = ResponseTemplate::new(200).set_delay(std::time::Duration::from_secs(5));
    bench.mount(asked("GET", "/slow"), slow).await;
    let url = bench.server.uri();
    bench.write(
        ".config/depctl/config.yml",
        &format!("contexts: {{a: {{url: '{url}', timeout_seconds: 1}}}}"),
    );
    let ran = bench.run(&["show", "slow"]).is(5);
    assert!(ran.err.contains("no answer in the time allowed"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_usage_is_two() {
    let bench = Bench::new().await;
    for wrong in [
        &[][..],
        &["nothing"],
        &["deploy", "a", "b"],
        &["deploy", "--tag", ""],
        &["deploy", "--wait", "soon"],
        &["watch", "--interval", "0"],
        &["ls", "-o", "xml"],
        &["completions", "tcsh"],
        &["deploy", "--notify", "perhaps"],
    ] {
        bench.run(wrong).is(2);
    }
    assert!(bench.server.received_requests().await.unwrap().is_empty());
}

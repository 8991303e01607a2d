//! What comes while a deploy holds the service's lease: alerts wait for it, and a token that may not change stable
//! cannot cancel it.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::support::{ADMIN, Server, World, answer, images, server_with};

/// A canary, and a deploy that waits so long for an image that never comes.
async fn deploying(world: &World, seconds: u64) -> (Server, JoinHandle<(StatusCode, Value)>) {
    images(&world.folder.path().join("images/web"), &[world.tag(0), world.tag(1)]);
    let more = json!({"autopilot": {"enabled": false},
        "pipeline": {"image_wait_seconds": seconds, "image_poll_seconds": 1}});
    let server = server_with(world, more, json!({})).await;
    assert_eq!(server.put(&format!("/web/deploy?tag={}", world.tag(0))).await.0, 200);
    assert_eq!(server.put(&format!("/web/canary?tag={}", world.tag(1))).await.0, 200);
    let url = format!("{}/web/deploy?commit={}", server.url, world.commits[2]);
    let request = server.http().put(url).bearer_auth(ADMIN).timeout(Duration::from_secs(120));
    let deploy = tokio::spawn(async move { answer(request.send().await.unwrap()).await });
    server.until_on("web", "it deploys", |status| !status["operation"].is_null()).await;
    (server, deploy)
}

async fn fire(server: &Server) -> reqwest::Response {
    let since = server.get("/web/status").await.1["canary"]["started"].clone();
    let alerts = json!([{"status": "firing", "labels": {"alertname": "Slow"}, "startsAt": since}]);
    let request = |request: reqwest::RequestBuilder| {
        request.json(&json!({"alerts": alerts})).timeout(Duration::from_secs(120))
    };
    server.send(Method::POST, "/web/hooks/alertmanager", request).await
}

async fn roll_back_by_trial(server: &Server) -> (StatusCode, Value) {
    let url = format!("{}/web/rollback", server.url);
    answer(server.http().put(url).bearer_auth("correct-horse-battery-trial").send().await.unwrap()).await
}

/// Who, what, since when and where: `text` and `data` say it without a name that only the server knows.
fn is_told_by_public_names(data: &Value, text: &str) {
    let [by, version, process] = ["by", "version", "process"].map(|field| data[field].as_str().unwrap());
    let sentence = format!("{by} is deploying {version}");
    assert_eq!((&data["task"], &data["summary"]), (&json!("deploy"), &json!(sentence)), "{data}");
    assert!(
        text.contains(&format!("{sentence} (since ")) && text.ends_with(&format!(" UTC, on {process})")),
        "{text}"
    );
    let since: jiff::Timestamp = data["since"].as_str().unwrap().parse().unwrap();
    assert!(text.contains(&since.strftime("%H:%M:%S").to_string()), "{text}");
    for internal in ["everything", "failures", "decisions", "/"] {
        assert!(!text.contains(internal) && !process.contains(internal), "{internal}: {text} {data}");
    }
}

#[tokio::test]
async fn an_alert_waits_for_a_deploy_which_a_token_for_canaries_cannot_cancel() {
    let world = World::new();
    let (server, deploy) = deploying(&world, 15).await;
    let (status, refused) = roll_back_by_trial(&server).await;
    assert_eq!(status, 409, "{refused}");
    is_told_by_public_names(&refused["under_way"], refused["detail"].as_str().unwrap());
    let now = server.get("/web/status").await.1;
    is_told_by_public_names(&now["under_way"], now["operation"].as_str().unwrap());
    assert!(!server.get("/web/status").await.1["operation"].is_null(), "it goes on");

    let (status, acted) = answer(fire(&server).await).await;
    assert_eq!((status.as_u16(), &acted["acted"]), (200, &json!(true)), "{acted}");
    let (status, ended) = deploy.await.unwrap();
    assert_eq!(
        (status.as_u16(), ended["kind"].as_str()),
        (404, Some("not found")),
        "to its own end: {ended}"
    );
    let status = server.get("/web/status").await.1;
    assert_eq!((&status["canary"], &status["stable"]["tag"]), (&Value::Null, &json!(world.tag(0))));
    let metrics = server.send(Method::GET, "/metrics", |request| request).await.text().await.unwrap();
    let line = "deployer_operations_total{service=\"web\",operation=\"rollback\",outcome=\"done\"} 1";
    assert!(metrics.contains(line), "{metrics}");

    // Without a canary there is nothing to do, and with one and nobody else it does it.
    let (status, done) = roll_back_by_trial(&server).await;
    assert_eq!((status.as_u16(), &done["canary"]), (200, &Value::Null), "{done}");
    assert_eq!(server.put(&format!("/web/canary?tag={}", world.tag(1))).await.0, 200);
    let (status, done) = roll_back_by_trial(&server).await;
    assert_eq!((status.as_u16(), &done["canary"]["tag"]), (200, &json!(world.tag(1))), "{done}");
}

#[tokio::test]
async fn an_alert_that_cannot_wait_any_longer_is_to_be_sent_again() {
    let world = World::new();
    let (server, deploy) = deploying(&world, 300).await;
    let began = Instant::now();
    let response = fire(&server).await;
    assert_eq!(response.headers()["retry-after"], "10");
    let (status, body) = answer(response).await;
    assert_eq!((status.as_u16(), body["kind"].as_str()), (503, Some("conflict")), "{body}");
    assert!(began.elapsed() > Duration::from_secs(50), "{:?}", began.elapsed());

    let (status, done) = server.put("/web/rollback").await;
    assert!(status == 200 && done["cancelled"].as_str().unwrap().contains(" is deploying commit "), "{done}");
    assert_eq!(deploy.await.unwrap().0, 409);
}

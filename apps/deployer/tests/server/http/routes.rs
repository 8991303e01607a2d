//! The routes, through the binary, with a service in memory.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{ADMIN, Request, World, answer, client, server};

#[tokio::test]
async fn a_version_is_deployed_tried_promoted_and_rolled_back() {
    let world = World::new();
    let server = server(&world, json!({})).await;
    let (first, second) = (world.tag(0), world.tag(1));

    // A dry run changes nothing.
    let (status, would) = server.put(&format!("/web/deploy?tag={first}&dry_run=true")).await;
    assert_eq!((status.as_u16(), would["objects"][0]["change"].as_str()), (200, Some("created")), "{would}");
    assert_eq!(server.get("/web/status").await.1["stable"], json!(null));

    let form = |request: Request| request.form(&[("tag", first.as_str()), ("reason", "to begin")]);
    let (status, done) = answer(server.send(Method::POST, "/web/deploy", form).await).await;
    assert_eq!(
        (status.as_u16(), done["track"].as_str(), done["tag"].as_str()),
        (200, Some("stable"), Some(&*first)),
        "{done}"
    );
    let (_, shown) = server.get("/web").await;
    assert_eq!(shown["stable"]["tag"], first.as_str());
    assert_eq!(shown["images"], json!(["registry.example.com/web"]));
    assert_eq!(shown["config"]["manifests"], "kubernetes");
    let (_, tags) = server.get("/web/tags").await;
    assert_eq!(tags["shared"].as_array().unwrap().len(), 3, "{tags}");
    assert_eq!(tags["images"][0]["tags"], tags["shared"]);

    let json = |request: Request| request.json(&json!({"commit": world.commits[1], "notify": false}));
    let (status, done) = answer(server.send(Method::PUT, "/web/canary", json).await).await;
    assert_eq!((status.as_u16(), done["tag"].as_str()), (200, Some(&*second)), "{done}");
    assert!(done["expected"].as_object().unwrap().contains_key("detect_minutes"), "{done}");
    let (_, index) = server.get("/").await;
    assert_eq!(index["services"].as_array().unwrap().len(), 2);
    assert_eq!(index["services"][1]["report"], "/web/canary", "{index}");
    let (status, judged) = server.get("/web/canary").await;
    assert_eq!(
        (status.as_u16(), judged["verdict"]["verdict"].as_str()),
        (200, Some("inconclusive")),
        "{judged}"
    );

    let (status, problem) = server.put(&format!("/web/promote?commit={}", world.commits[2])).await;
    assert_eq!((status.as_u16(), problem["kind"].as_str()), (409, Some("conflict")), "{problem}");
    let (status, would) = server.put("/web/promote?dry_run=true").await;
    assert_eq!((status.as_u16(), would["tag"].as_str()), (200, Some(&*second)), "{would}");
    assert_eq!(would["objects"][0]["change"], "configured", "{would}");
    assert_eq!(server.get("/web/status").await.1["stable"]["tag"], json!(first), "it changes nothing");
    let (status, done) = server.put("/web/promote").await;
    assert_eq!(
        (status.as_u16(), done["track"].as_str(), done["tag"].as_str()),
        (200, Some("stable"), Some(&*second))
    );
    for again in ["/web/promote", "/web/promote?dry_run=true"] {
        assert_eq!(server.put(again).await.0, 409, "there is no canary any more");
    }

    assert_eq!(server.put(&format!("/web/canary?tag={first}")).await.0, 200);
    let (status, would) = server.put("/web/rollback?dry_run=true").await;
    assert_eq!((status.as_u16(), would["canary"]["tag"].as_str()), (200, Some(&*first)), "{would}");
    let (status, done) = server.put("/web/rollback?reason=enough").await;
    assert_eq!(done["removed"], would["removed"], "it did what it would");
    assert_eq!((status.as_u16(), done["canary"]["tag"].as_str()), (200, Some(&*first)), "{done}");
    assert_eq!(server.get("/web/status").await.1["canary"], json!(null));
    let response = server.send(Method::GET, "/metrics", |request| request).await.text().await.unwrap();
    assert!(
        response.contains(r#"deployer_operations_total{service="web",operation="promote",outcome="done"} 1"#)
    );
}

#[tokio::test]
async fn what_is_wrong_is_a_problem_document() {
    let world = World::new();
    let server = server(&world, json!({})).await;
    for (path, expected, context) in [
        ("/web/deploy", 400, json!(null)),
        ("/web/deploy?comit=main", 400, json!("comit")),
        ("/web/deploy?commit=main&wait=soon", 400, json!("wait")),
        ("/web/deploy?tag=-x", 400, json!(null)),
        ("/web/deploy?commit=0000000000000000000000000000000000000000", 404, json!(null)),
        ("/web/deploy?tag=main-0000000", 404, json!(null)),
        ("/web/rollback?tag=main-0000000", 400, json!("tag")),
        ("/web/hold?dry_run=true", 400, json!("dry_run")),
        ("/web/canary?commit=main", 409, json!(null)),
        ("/nothing/deploy?commit=main", 404, json!(null)),
        ("/web/nothing", 404, json!(null)),
        ("/version", 405, json!(null)),
    ] {
        let (status, problem) = server.put(path).await;
        assert_eq!(status.as_u16(), expected, "{path}: {problem}");
        assert_eq!(problem["context"]["parameter"], context, "{path}: {problem}");
    }
    let (_, problem) = server.put("/web/deploy?tag=main-0000000").await;
    assert!(!server.log().contains("panicked") && problem["instance"] == "/web/deploy", "{problem}");

    let status = async |change: fn(Request) -> Request| {
        answer(server.send(Method::POST, "/web/deploy", change).await).await.0.as_u16()
    };
    assert_eq!(status(|request| request.body("tag=x")).await, 415);
    assert_eq!(status(|request| request.json(&json!(["tag"]))).await, 400);
    assert_eq!(status(|request| request.query(&[("tag", "x")]).json(&json!({"tag": "y"}))).await, 400);
    assert_eq!(status(|request| request.body("x".repeat(70_000))).await, 413);
    assert_eq!(status(|request| request.query(&[("tag", "x")]).header("accept", "text/csv")).await, 406);
    let long = server.send(Method::GET, "/web", |request| request.header("x-long", "x".repeat(20_000))).await;
    assert_eq!(long.status(), 431);
}

#[tokio::test]
async fn progress_is_streamed_and_a_client_that_goes_away_stops_nothing() {
    let world = World::new();
    let server = server(&world, json!({})).await;
    let all = server.steps(&format!("/web/deploy?tag={}", world.tag(0))).await.all().await;
    let (last, steps) = all.split_last().unwrap();
    assert!(
        steps.len() > 4 && steps.iter().all(|(name, data)| *name == "progress" && data["text"].is_string()),
        "{all:?}"
    );
    assert_eq!((&*last.0, last.1["tag"].as_str()), ("done", Some(&*world.tag(0))), "{all:?}");
    let all = server.steps("/web/deploy?tag=main-0000000").await.all().await;
    let (name, problem) = all.last().unwrap();
    assert_eq!((name.as_str(), &problem["status"]), ("failed", &json!(404)), "{all:?}");

    // The rollout takes two seconds; the client does not wait for it.
    let path = format!("/web/deploy?tag={}", world.tag(1));
    let gone =
        client().put(format!("{}{path}", server.url)).bearer_auth(ADMIN).timeout(Duration::from_millis(500));
    assert!(gone.send().await.unwrap_err().is_timeout());
    let (status, problem) = server.put(&path).await;
    assert_eq!((status.as_u16(), problem["kind"].as_str()), (409, Some("conflict")), "{problem}");
    // Whoever says so waits for the other one.
    let (status, done) = server.put(&format!("{path}&wait=30")).await;
    assert_eq!((status.as_u16(), done["applied"][0]["change"].as_str()), (200, Some("unchanged")), "{done}");
}

#[tokio::test]
async fn a_canary_is_held_and_an_alert_rolls_it_back() {
    let world = World::new();
    let server = server(&world, json!({})).await;
    server.put(&format!("/web/deploy?tag={}", world.tag(0))).await;
    let alertmanager = async |alert: Value| {
        let body = json!({"version": "4", "status": "firing", "alerts": [alert]});
        answer(server.send(Method::POST, "/web/hooks/alertmanager", |request| request.json(&body)).await)
            .await
    };
    let fires = |version: &str, since: &str| json!({"status": "firing", "labels": {"alertname": "SlowWeb", "version": version}, "startsAt": since});
    let later = "2999-01-01T00:00:00Z";
    assert_eq!(alertmanager(fires(&world.tag(1), later)).await.1["acted"], false, "there is no canary");

    server.put(&format!("/web/canary?tag={}", world.tag(1))).await;
    let (status, held) = server.put("/web/hold?reason=I+look").await;
    assert_eq!(
        (status.as_u16(), &held["held"]["by"], &held["held"]["reason"]),
        (200, &json!("admin"), &json!("I look"))
    );
    assert_eq!(server.get("/web/status").await.1["held"], held["held"]);
    assert_eq!(server.get("/").await.1["services"][1]["held"], true);
    assert_eq!(alertmanager(fires(&world.tag(1), later)).await.1["acted"], false, "it is held");
    let (_, resumed) = server.put("/web/resume").await;
    assert_eq!((&resumed["held"], &server.get("/web/status").await.1["held"]), (&json!(null), &json!(null)));

    for nothing in [
        fires(&world.tag(0), later),
        fires(&world.tag(1), "2020-01-01T00:00:00Z"),
        json!({"status": "resolved", "labels": {}, "startsAt": later}),
        json!({"status": "firing", "labels": {"track": "stable"}, "startsAt": later}),
        json!({"status": "firing", "labels": {}}),
    ] {
        let (status, answer) = alertmanager(nothing.clone()).await;
        assert_eq!((status.as_u16(), &answer["acted"]), (200, &json!(false)), "{nothing}: {answer}");
    }
    assert_eq!(
        answer(server.send(Method::POST, "/web/hooks/alertmanager", |r| r.json(&json!({}))).await).await.0,
        400
    );
    let (status, acted) = alertmanager(fires(&world.tag(1), later)).await;
    assert_eq!((status.as_u16(), &acted["acted"]), (200, &json!(true)), "{acted}");
    assert_eq!(server.get("/web/status").await.1["canary"], json!(null));

    server.put(&format!("/web/canary?tag={}", world.tag(1))).await;
    let body =
        json!({"title": "Slow", "transition": "Triggered", "date": "32472144000000", "tags": "track:canary"});
    let datadog = server.send(Method::POST, "/web/hooks/datadog", |request| request.json(&body)).await;
    assert_eq!(answer(datadog).await.1["acted"], true);
}

#[tokio::test]
async fn the_document_names_every_route() {
    let world = World::new();
    let server = server(&world, json!({})).await;
    let (_, document) = server.get("/openapi.json").await;
    let mut operations = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys().filter(|key| *key != "parameters") {
            operations += 1;
            let (method, path) = (method.to_uppercase().parse().unwrap(), path.replace("{service}", "web"));
            let response = server.send(method, &path, |request| request).await;
            let (status, body) = (response.status(), response.text().await.unwrap());
            assert!(status != 405 && !body.contains("no such path"), "{path}: {status} {body}");
        }
    }
    assert_eq!(operations, 20);
    for reference in document.to_string().split("#/components/").skip(1) {
        let pointer = format!("/components/{}", reference.split('"').next().unwrap());
        assert!(document.pointer(&pointer).is_some(), "{pointer}");
    }
}

/// What a client gets a little wrong is refused with what to do, and changes nothing.
#[tokio::test]
async fn a_slash_too_many_an_empty_reason_and_a_compressed_body_are_told() {
    let world = World::new();
    let server = server(&world, json!({})).await;
    let tag = world.tag(0);
    for (path, status, detail) in [
        (format!("/web/deploy/?tag={tag}"), 404, "leave out the slash at its end"),
        (format!("/web/deploy?tag={tag}&reason="), 400, "leave the parameter out"),
    ] {
        let (answered, problem) = server.put(&path).await;
        assert_eq!(answered, status, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(detail), "{problem}");
    }
    let zipped = |request: Request| request.header("content-encoding", "gzip").json(&json!({"tag": tag}));
    let (status, problem) = answer(server.send(Method::PUT, "/web/deploy", zipped).await).await;
    assert_eq!((status.as_u16(), &problem["available"]), (415, &json!(["identity"])), "{problem}");
    assert_eq!(server.get("/web/status").await.1["stable"], json!(null));
}

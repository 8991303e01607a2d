//! What a page elsewhere can do with the password that the browser knows: nothing.

use reqwest::header::HeaderMap;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::support::{ADMIN, Request, Server, World, answer, server, server_with};

/// How browsers say that a page elsewhere sends it.
const ELSEWHERE: [&[(&str, &str)]; 7] = [
    &[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")],
    &[("sec-fetch-site", "cross-site")],
    &[("sec-fetch-site", "same-site"), ("origin", "http://127.0.0.1:1")],
    &[("origin", "https://evil.example")],
    &[("origin", "null")],
    &[
        ("origin", "http://evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("forwarded", "host=evil.example"),
    ],
    &[("origin", "http://127.0.0.1"), ("sec-fetch-site", "same-origin")],
];

async fn send(
    server: &Server,
    method: Method,
    path: &str,
    said: &[(&str, &str)],
    body: (&str, &str),
) -> Response {
    let change = |request: Request| {
        let request = request.basic_auth("auth_token", Some(ADMIN)).header("content-type", body.0);
        said.iter()
            .fold(request, |request, (name, value)| request.header(*name, *value))
            .body(body.1.to_owned())
    };
    // Basic alone, as a browser has it.
    let request = server.http().request(method, format!("{}{path}", server.url));
    change(request).send().await.unwrap()
}

async fn canary(server: &Server, world: &World) -> Value {
    assert_eq!(server.put(&format!("/web/deploy?tag={}", world.tag(0))).await.0, 200);
    assert_eq!(server.put(&format!("/web/canary?tag={}", world.tag(1))).await.0, 200);
    server.get("/web/status").await.1
}

fn fires() -> String {
    // After any canary's start.
    json!({"alerts": [{"status": "firing", "labels": {"alertname": "x"}, "startsAt": "2999-01-01T00:00:00Z"}]})
        .to_string()
}

#[tokio::test]
async fn a_page_elsewhere_changes_nothing() {
    let world = World::new();
    let server = server(&world, json!({"autopilot": {"enabled": false}})).await;
    let before = canary(&server, &world).await;
    let form = format!("tag={}", world.tag(2));
    let (form, alert) = (("application/x-www-form-urlencoded", &*form), ("application/json", &*fires()));
    let reason = ("application/x-www-form-urlencoded", "reason=x");
    for said in ELSEWHERE {
        for (method, path, body) in [
            (Method::POST, "/web/deploy", form),
            (Method::PUT, "/web/deploy", form),
            (Method::POST, "/web/canary", form),
            (Method::PUT, "/web/promote", reason),
            (Method::PUT, "/web/rollback", reason),
            (Method::PUT, "/web/hold", reason),
            (Method::PUT, "/web/resume", reason),
            (Method::POST, "/web/hooks/alertmanager", alert),
            (Method::POST, "/web/hooks/datadog", alert),
            (Method::DELETE, "/web", reason),
            (Method::PATCH, "/", reason),
            (Method::POST, "/", reason),
        ] {
            let refused = send(&server, method.clone(), path, said, body).await;
            let (status, problem) = answer(refused).await;
            assert_eq!(
                (status.as_u16(), &problem["kind"]),
                (403, &json!("forbidden")),
                "{method} {path} {said:?}"
            );
            assert!(problem["detail"].as_str().unwrap().contains("another origin"), "{problem}");
        }
        // Reading changes nothing, whoever asks, and however it is said.
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            for path in [
                "/web/deploy",
                "/web/promote",
                "/web/rollback",
                "/web/hold",
                "/web/hooks/datadog",
                "/web/canary",
            ] {
                let over =
                    [said, &[("x-http-method-override", "PUT"), ("x-method-override", "PUT")]].concat();
                let path = format!("{path}?tag={}&_method=PUT&reason=x", world.tag(2));
                send(&server, method.clone(), &path, &over, ("text/plain", "")).await;
            }
        }
    }
    assert_eq!(server.get("/web/status").await.1, before);

    // Its own page may, and whoever is no browser.
    let own = [("origin", server.url.as_str()), ("sec-fetch-site", "same-origin")];
    assert_eq!(send(&server, Method::PUT, "/web/hold", &own, reason).await.status(), 200);
    assert_eq!(
        send(&server, Method::PUT, "/web/resume", &[("sec-fetch-site", "none")], reason).await.status(),
        200
    );
    assert_eq!(send(&server, Method::POST, "/web/hooks/alertmanager", &[], alert).await.status(), 200);
    assert_eq!(server.get("/web/status").await.1["canary"], Value::Null);
}

#[tokio::test]
async fn hooks_take_json_alone() {
    let world = World::new();
    let server = server(&world, json!({"autopilot": {"enabled": false}})).await;
    let before = canary(&server, &world).await;
    for hook in ["alertmanager", "datadog"] {
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "",
            "text/json",
            "json",
        ] {
            let path = format!("/web/hooks/{hook}");
            let (status, problem) =
                answer(send(&server, Method::POST, &path, &[], (kind, &fires())).await).await;
            assert_eq!(
                (status.as_u16(), &problem["available"]),
                (415, &json!(["application/json"])),
                "{kind}"
            );
        }
        let missing =
            server.send(Method::POST, &format!("/web/hooks/{hook}"), |request| request.body(fires())).await;
        assert_eq!(missing.status(), 415);
    }
    let twice = |request: Request| request.header("content-type", "application/json").json(&json!({}));
    let twice = server
        .send(Method::POST, "/web/hooks/datadog", |request| twice(request).header("content-type", "a/b"));
    assert_eq!(twice.await.status(), 415);
    // One that could be read in two ways.
    let twice = fires().replacen("{\"alerts\"", "{\"alerts\":[],\"alerts\"", 1);
    let inner = fires().replacen("\"status\"", "\"status\":\"resolved\",\"status\"", 1);
    let label =
        fires().replacen("\"alertname\"", "\"track\":\"stable\",\"track\":\"canary\",\"alertname\"", 1);
    for body in [twice, inner, label] {
        let sent =
            send(&server, Method::POST, "/web/hooks/alertmanager", &[], ("application/json", &body)).await;
        assert_eq!(sent.status(), 400, "{body}");
    }
    assert_eq!(server.get("/web/status").await.1, before);
}

#[tokio::test]
async fn behind_a_proxy_its_pages_are_those_of_its_public_address() {
    let world = World::new();
    let more = json!({"url": "https://deployer.example.com/tools"});
    let server = server_with(&world, more, json!({})).await;
    let origin = async |origin: &str, host: Option<&str>| {
        let mut said =
            vec![("origin", origin), ("x-forwarded-host", "evil.example"), ("x-forwarded-proto", "http")];
        said.extend(host.map(|host| ("host", host)));
        send(&server, Method::PUT, "/web/rollback", &said, ("application/json", "{}")).await.status().as_u16()
    };
    assert_eq!(origin("https://deployer.example.com", None).await, 200);
    assert_eq!(origin("https://deployer.example.com", Some("deployer.example.com")).await, 200);
    assert_eq!(origin("http://deployer.example.com", Some("deployer.example.com")).await, 403);
    assert_eq!(origin("https://deployer.example.com:8443", None).await, 403);
    assert_eq!(origin("http://evil.example", None).await, 403);
    assert_eq!(origin(&server.url, None).await, 200);
}

fn protects(headers: &HeaderMap, what: &str) {
    for (name, value) in [
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cache-control", "no-store"),
    ] {
        let all: Vec<_> = headers.get_all(name).iter().collect();
        assert_eq!(all, [value], "{name} of {what}");
    }
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.starts_with("default-src 'none'") && policy.ends_with("frame-ancestors 'none'"),
        "{policy}"
    );
    assert!(!headers.contains_key("access-control-allow-origin"), "{what}");
}

#[tokio::test]
async fn every_answer_protects_itself() {
    let world = World::new();
    let server = server(&world, json!({})).await;
    for (method, path, accept, expected) in [
        (Method::GET, "/", "text/html", 200),
        (Method::GET, "/", "application/json", 200),
        (Method::GET, "/web/status", "*/*", 200),
        (Method::GET, "/web/canary", "text/html", 404),
        (Method::GET, "/metrics", "*/*", 200),
        (Method::GET, "/healthz", "*/*", 200),
        (Method::GET, "/openapi.json", "*/*", 200),
        (Method::GET, "/nothing/at/all", "*/*", 404),
        (Method::DELETE, "/web", "*/*", 405),
        (Method::OPTIONS, "/web/deploy", "*/*", 405),
    ] {
        let response = server.send(method, path, |request| request.header("accept", accept)).await;
        assert_eq!(response.status(), expected, "{path}");
        protects(response.headers(), path);
    }
    let unknown = server.http().get(format!("{}/", server.url)).header("origin", "https://evil.example");
    protects(unknown.send().await.unwrap().headers(), "401");
}

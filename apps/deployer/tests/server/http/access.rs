//! Who may do what, through the binary.

use std::path::Path;
use std::process::Command;

use reqwest::Method;
use serde_json::json;

use crate::support::{ADMIN, DEPLOYER, Process, Server, World, answer, client, server};

#[tokio::test]
async fn who_may_do_what() {
    let world = World::new();
    let server = server(&world, json!({})).await;
    let ask = async |method: Method, path: &str, secret: &str, is_basic: bool| {
        let request = client().request(method, format!("{}{path}", server.url));
        let request = match (secret, is_basic) {
            ("", _) => request,
            (secret, true) => request.basic_auth("auth_token", Some(secret)),
            (secret, false) => request.bearer_auth(secret),
        };
        request.send().await.unwrap()
    };
    let (get, put) = (Method::GET, Method::PUT);
    let of = |name: &str| format!("correct-horse-battery-{name}");
    for (method, path, name, expected) in [
        (&get, "/", "reader", 200),
        (&get, "/", "ci", 403),
        (&get, "/web", "reader", 200),
        (&get, "/web", "trial", 403),
        (&get, "/web/status", "admin", 200),
        (&get, "/web/canary", "reader", 404),
        (&get, "/metrics", "reader", 200),
        (&get, "/metrics", "trial", 403),
        (&get, "/metrics", "guest", 403),
        (&get, "/", "guest", 200),
        (&get, "/web", "guest", 200),
        (&get, "/other", "guest", 403),
        (&get, "/other/status", "guest", 403),
        (&put, "/web/rollback", "guest", 403),
        (&put, "/web/deploy", "reader", 403),
        (&put, "/web/deploy", "trial", 403),
        (&put, "/web/deploy", "ci", 400),
        (&put, "/other/deploy", "ci", 403),
        (&put, "/nothing/deploy", "ci", 403),
        (&put, "/nothing/deploy", "admin", 404),
        (&put, "/web/canary", "ci", 403),
        (&put, "/web/canary", "trial", 400),
        (&put, "/web/promote", "trial", 403),
        (&put, "/web/promote", "ci", 409),
        (&put, "/web/rollback", "reader", 403),
        (&put, "/web/rollback", "ci", 200),
        (&put, "/web/hold", "reader", 403),
        (&put, "/web/hold", "trial", 409),
        (&get, "/web", "nobody", 401),
        (&get, "/web", "", 401),
        (&get, "/metrics", "", 401),
        (&get, "/healthz", "", 200),
        (&get, "/readyz", "", 200),
        (&get, "/version", "", 200),
        (&get, "/openapi.json", "", 200),
    ] {
        let secret = if name.is_empty() { String::new() } else { of(name) };
        for is_basic in [true, false] {
            let response = ask(method.clone(), path, &secret, is_basic).await;
            let asks = response.headers().contains_key("www-authenticate");
            assert_eq!(
                response.status(),
                expected,
                "{method} {path} {name}: {}",
                response.text().await.unwrap()
            );
            assert_eq!(asks, expected == 401, "{method} {path} {name}");
        }
    }
    // What it is not for is not even named.
    let all = ask(Method::GET, "/", &of("guest"), false).await.text().await.unwrap();
    assert!(all.contains("\"web\"") && !all.contains("other"), "{all}");
    let refused = ask(Method::GET, "/metrics", &of("guest"), false).await.text().await.unwrap();
    assert!(refused.contains("limited to some services"), "{refused}");
    let other_user = client().get(format!("{}/web", server.url)).basic_auth("ada", Some(ADMIN));
    assert_eq!(other_user.send().await.unwrap().status(), 401);
    assert!(!server.log().contains("correct-horse"), "{}", server.log());
}

/// Of what it may not read, it is not even told whether it is there.
#[tokio::test]
async fn who_may_read_one_service_sees_that_one_alone() {
    const READER: &str = "correct-horse-battery-one";
    let world = World::new();
    let tokens = json!([
        {"name": "admin", "secret": ADMIN},
        {"name": "one", "secret": READER, "actions": ["read"], "services": ["web"]},
    ]);
    let mut server = Server::serve(&world.config(json!({"tokens": tokens}), json!({})), ADMIN).await;
    for service in ["web", "other"] {
        assert_eq!(server.put(&format!("/{service}/deploy?tag={}", world.tag(0))).await.0, 200);
    }
    READER.clone_into(&mut server.token);
    let (status, index) = server.get("/").await;
    let names: Vec<&str> =
        index["services"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!((status.as_u16(), names), (200, vec!["web"]), "{index}");
    let page = server.send(Method::GET, "/", |request| request.header("accept", "text/html")).await;
    let page = page.text().await.unwrap();
    assert!(page.contains(">web<") && !page.contains(">other<"), "{page}");
    for what in ["", "/status", "/tags"] {
        assert_eq!(server.get(&format!("/web{what}")).await.0, 200);
        for service in ["other", "nothing"] {
            let (status, problem) = server.get(&format!("/{service}{what}")).await;
            assert_eq!(status, 403, "{problem}");
        }
    }
    assert_eq!(server.get("/other/canary").await.0, 403);
    assert_eq!(server.put("/web/rollback").await.0, 403);
}

#[tokio::test]
async fn only_some_branches_may_be_deployed() {
    let world = World::new();
    let server = server(&world, json!({"deployable_branches": ["main", "feature/*"]})).await;
    let as_main = async |path: String| {
        let request = client().put(format!("{}{path}", server.url)).bearer_auth("correct-horse-battery-main");
        answer(request.send().await.unwrap()).await
    };
    let feature = &world.commits[2];
    for refused in [
        format!("/web/deploy?tag={}", world.tag(2)),
        format!("/web/deploy?commit={feature}"),
        format!("/web/deploy?commit={feature}&dry_run=true"),
        "/web/deploy?commit=feature/x".to_owned(),
        format!("/web/canary?commit=main&tag={}", world.tag(2)),
    ] {
        let (status, problem) = as_main(refused.clone()).await;
        assert_eq!((status.as_u16(), &problem["available"]), (403, &json!(["main"])), "{refused}: {problem}");
    }
    let (status, done) = as_main("/web/deploy?commit=main".to_owned()).await;
    assert_eq!((status.as_u16(), done["tag"].as_str()), (200, Some(&*world.tag(1))), "{done}");
    // The service allows it, so another token may; but the first one must not promote it.
    assert_eq!(server.put(&format!("/web/canary?commit={feature}")).await.0, 200);
    assert_eq!(as_main("/web/promote".to_owned()).await.0, 403);
}

#[tokio::test]
async fn without_a_token_it_does_not_start_unless_told() {
    let world = World::new();
    let config = world.config(json!({}), json!({}));
    let output = Command::new(DEPLOYER).args(["serve", "--config"]).arg(&config).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("--insecure"), "{said}");
    let mut told = Process::serve(Path::new(DEPLOYER), &config);
    told.arg("--insecure");
    let server = Server::start(told).await;
    assert_eq!(server.get("/web").await.0, 200);
}

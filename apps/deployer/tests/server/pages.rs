//! What a browser is shown: the services, and the report of a canary, also after its end.

use nprt_testkit::{Chromium, Scheme, need};
use reqwest::{Method, Response};
use serde_json::json;

use crate::support::{ADMIN, Server, World, client, server};

/// What Firefox sends.
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
const EVIL: &str =
    "</p><script>fetch('http://127.0.0.1:9/x')</script><img src=x onerror=alert(1)>\" onload=\"x";

async fn get(server: &Server, path: &str, accept: &str) -> Response {
    server.send(Method::GET, path, |request| request.header("accept", accept)).await
}

async fn page(server: &Server, path: &str) -> String {
    let response = get(server, path, BROWSER).await;
    assert_eq!(response.status(), 200, "{path}");
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "text/html; charset=utf-8");
    assert_eq!((header("vary").as_str(), header("cache-control").as_str()), ("accept", "no-store"));
    let policy = header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'") && policy.ends_with("frame-ancestors 'none'"),
        "{policy}"
    );
    let text = response.text().await.unwrap();
    assert!(text.starts_with("<!DOCTYPE html>") && text.ends_with("</html>"), "{text}");
    for markup in ["<script", "<img", "\" onload=\""] {
        assert!(!text.contains(markup), "{markup} in {text}");
    }
    text
}

#[tokio::test]
async fn a_browser_sees_what_runs_and_the_report_also_after_its_end() {
    let world = World::new();
    let server = server(&world, json!({})).await;
    let missing = get(&server, "/web/canary", BROWSER).await;
    assert_eq!(missing.status(), 404);
    let change = async |path: &str, reason: &str| {
        let form = |request: crate::support::Request| request.form(&[("reason", reason)]);
        let response = server.send(Method::PUT, path, form).await;
        assert_eq!(response.status(), 200, "{path}: {}", response.text().await.unwrap());
    };
    change(&format!("/web/deploy?tag={}", world.tag(0)), EVIL).await;
    change(&format!("/web/canary?tag={}", world.tag(1)), EVIL).await;
    change("/web/hold", EVIL).await;
    assert_eq!(server.get("/web/canary").await.0, 200, "somebody judged");

    let all = page(&server, "/").await;
    for part in [
        &world.tag(0),
        &world.tag(1),
        "inconclusive",
        "href=\"web/canary\"",
        "held by admin: &lt;/p&gt;&lt;script&gt;",
    ] {
        assert!(all.contains(part), "{part} in {all}");
    }
    let running = page(&server, "/web/canary").await;
    for part in ["<title>web: inconclusive</title>", "canary started", "held by admin", &world.tag(1)] {
        assert!(running.contains(part), "{part} in {running}");
    }

    change("/web/rollback", EVIL).await;
    let ended = page(&server, "/web/canary").await;
    for part in ["rolled back", "by admin: &lt;/p&gt;&lt;script&gt;", &world.tag(1), &world.tag(0)] {
        assert!(ended.contains(part), "{part} in {ended}");
    }
    assert_eq!(server.get("/web/canary").await.0, 404, "no canary is judged");

    let Some(browser) = need(Chromium::find()) else { return };
    for (name, text) in [("all", all), ("running", running), ("ended", ended)] {
        let file = world.folder.path().join(format!("{name}.html"));
        std::fs::write(&file, text).unwrap();
        let look = browser.look(&file, Scheme::Light).await.unwrap();
        assert!(look.console.is_empty() && look.requests.is_empty(), "{name}: {look:?}");
        if let Some(folder) = std::env::var_os("NPRT_PICTURES") {
            let picture = std::path::Path::new(&folder).join(format!("{name}.png"));
            browser.screenshot(&file, Scheme::Dark, (1100, 900), &picture).await.unwrap();
        }
    }
}

#[tokio::test]
async fn json_or_a_page_as_the_client_prefers() {
    let world = World::new();
    let server = server(&world, json!({})).await;
    for (accept, kind) in [
        ("*/*", "application/json"),
        ("application/json, text/html;q=0.9", "application/json"),
        ("text/html;q=0.4, application/json;q=0.5", "application/json"),
        ("text/html;q=0, */*", "application/json"),
        ("text/html", "text/html; charset=utf-8"),
        ("application/json;q=0.5, text/*", "text/html; charset=utf-8"),
    ] {
        let response = get(&server, "/", accept).await;
        assert_eq!(
            (response.status().as_u16(), &response.headers()["content-type"]),
            (200, &kind.parse().unwrap()),
            "{accept}"
        );
        assert_eq!(response.headers()["vary"], "accept");
    }
    let refused = get(&server, "/", "image/png").await;
    assert_eq!((refused.status().as_u16(), &refused.headers()["vary"]), (406, &"accept".parse().unwrap()));
    let problem: serde_json::Value = refused.json().await.unwrap();
    assert_eq!(problem["available"], json!(["application/json", "text/html"]));
    assert_eq!(get(&server, "/web/status", "text/html").await.status(), 406);

    // A browser asks for the password: the token, by the user that is always the same.
    let url = format!("{}/", server.url);
    let asked = client().get(&url).header("accept", BROWSER).send().await.unwrap();
    assert_eq!(asked.status(), 401);
    assert!(asked.headers()["www-authenticate"].to_str().unwrap().starts_with("Basic realm="));
    let known = client().get(&url).header("accept", BROWSER).basic_auth("auth_token", Some(ADMIN));
    assert_eq!(known.send().await.unwrap().status(), 200);
}

//! Characters that deceive who reads: what is asked with them is refused, and what is there already is shown without.

use nprt_shop::Repository;
use reqwest::Method;
use serde_json::json;

use crate::support::{ADMIN, MANIFEST, Request, Server, World, images, server};

const HIDDEN: [&str; 14] = [
    "\u{0}",
    "\u{7}",
    "\u{9}",
    "\u{d}",
    "\u{1b}[31m",
    "\u{7f}",
    "\u{9b}31m",
    "\u{61c}",
    "\u{200b}",
    "\u{200f}",
    "\u{202e}",
    "\u{2066}",
    "\u{feff}",
    "\u{e0041}",
];

#[tokio::test]
async fn a_reason_hides_nothing() {
    let world = World::new();
    let server = server(&world, json!({"autopilot": {"enabled": false}})).await;
    for hidden in HIDDEN {
        let reason = format!("fine {hidden}enif");
        let json = |request: Request| request.json(&json!({"reason": reason}));
        let form = |request: Request| request.form(&[("reason", &reason)]);
        for sent in [
            server.send(Method::PUT, "/web/rollback", json).await,
            server.send(Method::PUT, "/web/rollback", form).await,
        ] {
            assert_eq!(sent.status(), 400, "{hidden:?}");
            let text = sent.text().await.unwrap();
            assert!(!text.contains(hidden), "{text:?}");
        }
        // What it cannot be is not repeated either.
        let query: String = url::form_urlencoded::byte_serialize(hidden.as_bytes()).collect();
        for path in
            [format!("/web/deploy?tag={query}"), format!("/web/deploy?{query}=x"), format!("/{query}/status")]
        {
            let sent = server.send(Method::PUT, &path, |request| request).await;
            assert!(sent.status().is_client_error(), "{path}");
            let text = sent.text().await.unwrap();
            assert!(!text.contains(hidden), "{path}: {text:?}");
        }
    }
    let fine = |request: Request| request.json(&json!({"reason": "größer,\nمی\u{200c}خواهم 👩\u{200d}💻"}));
    assert_eq!(server.send(Method::PUT, "/web/rollback", fine).await.status(), 200);
}

#[tokio::test]
async fn an_alert_is_shown_without_and_acts() {
    let world = World::new();
    let server = server(&world, json!({"autopilot": {"enabled": false}})).await;
    assert_eq!(server.put(&format!("/web/deploy?tag={}", world.tag(0))).await.0, 200);
    assert_eq!(server.put(&format!("/web/canary?tag={}", world.tag(1))).await.0, 200);
    let alert = |status: &str| {
        let labels = json!({"alertname": HIDDEN.concat()});
        json!({"alerts": [{"status": status, "labels": labels, "startsAt": "2999-01-01T00:00:00Z"}]})
    };
    for (status, acts) in [("resolved", false), ("firing", true)] {
        let body = |request: Request| request.json(&alert(status));
        let text = server.send(Method::POST, "/web/hooks/alertmanager", body).await.text().await.unwrap();
        assert!(text.contains(&format!("\"acted\":{acts}")), "{text}");
        assert!(HIDDEN.iter().all(|hidden| *hidden == "\t" || !text.contains(hidden)), "{text:?}");
    }
}

#[tokio::test]
async fn a_commit_says_nothing_to_a_terminal() {
    let world = World::new();
    let evil = format!("</title><script>alert(1)</script>{}\nINFO forged", HIDDEN.concat());
    let repository = Repository::open(&world.folder.path().join("repository")).unwrap();
    let parent = world.commits[1].parse().unwrap();
    let commit = repository
        .commit("main", Some(&parent), &evil, &[("kubernetes/web.yaml", MANIFEST.as_bytes())])
        .unwrap();
    let tag = format!("main-{}", &commit.to_string()[..12]);
    images(&world.folder.path().join("images/web"), &[world.tag(0), tag]);
    let config = world.config(json!({"tokens": [{"name": "admin", "secret": ADMIN}]}), json!({}));
    let server = Server::serve_with(&config, ADMIN, &[("DEPLOYER_LOG", "trace".to_owned())]).await;
    let steps = server.steps(&format!("/web/deploy?commit={commit}")).await.all().await;
    let said = format!("{steps:?}");
    assert!(said.contains("alert(1)") && steps.last().unwrap().0 == "done", "{said}");
    for (_, data) in &steps {
        let text = [data["subject"].as_str(), data["author"].as_str(), data["text"].as_str()];
        for hidden in HIDDEN {
            assert!(
                hidden == "\t" || !text.iter().flatten().any(|text| text.contains(hidden)),
                "{hidden:?}: {data}"
            );
        }
    }
    let page = server.send(Method::GET, "/", |request| request.header("accept", "text/html")).await;
    let page = page.text().await.unwrap();
    assert!(!page.contains("<script") && !page.contains('\u{202e}'), "{page}");
    let log = server.log();
    assert!(!log.contains(['\u{1b}', '\u{9b}', '\u{202e}', '\u{200b}', '\u{0}']), "{log:?}");
    assert!(!log.lines().any(|line| line.starts_with("INFO forged")), "{log}");
}

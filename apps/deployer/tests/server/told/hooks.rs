//! Alerts of others: what they are not about stays, and nobody is told.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::ears::Ears;
use crate::support::{Server, World, answer};

async fn post(server: &Server, hook: &str, body: &Value) -> (StatusCode, Value) {
    let path = format!("/web/hooks/{hook}");
    answer(server.send(Method::POST, &path, |request| request.json(body)).await).await
}

fn alertmanager(alerts: &[Value]) -> Value {
    json!({"version": "4", "groupKey": "{}", "status": "firing", "receiver": "deployer", "alerts": alerts})
}

#[tokio::test]
async fn an_alert_that_is_not_about_this_canary_changes_nothing() {
    let (world, mut ears) = (World::new(), Ears::start().await);
    let server = ears.server(&world, json!({"autopilot": {"enabled": false}}), json!({})).await;
    assert_eq!(server.put(&format!("/web/deploy?tag={}", world.tag(0))).await.0, 200);
    assert_eq!(server.put(&format!("/web/canary?tag={}", world.tag(1))).await.0, 200);
    let canary = server.get("/web/status").await.1["canary"].clone();
    let started: jiff::Timestamp = canary["started"].as_str().unwrap().parse().unwrap();
    let (before, after) = (started - jiff::SignedDuration::from_secs(1), started);
    let (this, other) = (world.tag(1), world.tag(0));

    let alert = |status: &str, labels: Value, since: jiff::Timestamp| {
        alertmanager(&[json!({"status": status, "labels": labels, "startsAt": since.to_string()})])
    };
    let event = |transition: &str, tags: String, since: jiff::Timestamp| {
        let date = since.as_millisecond().to_string();
        json!({"title": "Slow", "transition": transition, "date": date, "tags": tags})
    };
    let firing = |labels: Value, since| alert("firing", labels, since)["alerts"][0].clone();
    let version = |version: &str| format!("env:prod,version:{version}");
    for (hook, body, why) in [
        ("alertmanager", alert("firing", json!({"version": other}), after), "the version main-"),
        ("alertmanager", alert("firing", json!({"version": world.commits[0]}), after), "the version "),
        ("alertmanager", alert("firing", json!({"version": this}), before), "before this canary"),
        ("alertmanager", alert("firing", json!({}), before), "before this canary"),
        ("alertmanager", alert("firing", json!({"track": "stable"}), after), "the track stable"),
        ("alertmanager", alert("resolved", json!({"version": this}), after), "does not fire"),
        ("alertmanager", alertmanager(&[json!({"status": "firing"})]), "since when"),
        ("alertmanager", alertmanager(&[]), "no alert"),
        (
            "alertmanager",
            alertmanager(&[firing(json!({"version": other}), after), firing(json!({}), before)]),
            "before this canary",
        ),
        ("datadog", event("Triggered", version(&other), after), "the version main-"),
        ("datadog", event("Triggered", version(&this), before), "before this canary"),
        ("datadog", event("Triggered", "track:stable".to_owned(), after), "the track stable"),
        ("datadog", event("Recovered", version(&this), after), "does not fire"),
        ("datadog", event("Warn", version(&this), after), "does not fire"),
    ] {
        let (status, answer) = post(&server, hook, &body).await;
        assert_eq!((status.as_u16(), &answer["acted"]), (200, &json!(false)), "{body}: {answer}");
        assert!(answer["reason"].as_str().unwrap().contains(why), "{why}: {answer}");
    }

    // A token is needed, and one that may end a canary.
    let fires = alert("firing", json!({"alertname": "SlowWeb", "version": this}), after);
    for (token, expected) in
        [("", 401), ("nobody-knows-this-secret", 401), ("correct-horse-battery-reader", 403)]
    {
        let path = format!("{}/web/hooks/alertmanager", server.url);
        let mut request = crate::support::client().post(path).json(&fires);
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        assert_eq!(answer(request.send().await.unwrap()).await.0.as_u16(), expected, "{token}");
    }
    for wrong in [json!({}), json!([]), json!({"alerts": "none"})] {
        assert_eq!(post(&server, "alertmanager", &wrong).await.0, 400);
        assert_eq!(post(&server, "datadog", &wrong).await.0, 400);
    }
    assert_eq!(server.get("/web/status").await.1["canary"], canary);
    assert_eq!(ears.occasions().await, [""; 0]);

    let (status, acted) = post(&server, "alertmanager", &fires).await;
    assert_eq!((status.as_u16(), &acted["acted"]), (200, &json!(true)), "{acted}");
    assert_eq!(server.get("/web/status").await.1["canary"], Value::Null);
    let [told] = &ears.heard().await[..] else { panic!("a rollback is told") };
    assert_eq!((told.occasion().as_str(), told.link().is_some()), ("rolled_back", true));
    let details = json!([
        {"name": "caller", "value": "ci"},
        {"name": "reason", "value": "the alert SlowWeb fires"},
    ]);
    assert_eq!(told.webhook["data"]["details"], details);
}

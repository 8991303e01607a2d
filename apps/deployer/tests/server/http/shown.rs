//! What is shown of a configuration to whoever may read.

use serde_json::json;

use crate::support::{World, server};

#[tokio::test]
async fn of_an_address_only_its_origin_is_shown() {
    let world = World::new();
    let key = "0123456789abcdef0123456789abcdef";
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let service = json!({
        "metrics": {"prometheus": {"url": "https://prometheus.example.com/hunter2"}},
        "notifiers": [
            {"webhook": {"url": "https://hooks.example.com:8443/hunter2?token=hunter2", "secret": secret}},
            {"bugsnag": {"api_key": key, "endpoint": "http://bugsnag.example.com/hunter2?key=hunter2"}},
            {"slack": {"webhook_url": "https://slack.example.com/services/hunter2"}},
        ],
    });
    let server = server(&world, service).await;
    let (status, shown) = server.get("/web").await;
    assert_eq!(status, 200, "{shown}");
    let config = &shown["config"];
    assert_eq!(config["notifiers"][0], json!({"webhook": {"url": "https://hooks.example.com:8443"}}));
    assert_eq!(config["notifiers"][1]["bugsnag"]["endpoint"], "http://bugsnag.example.com");
    assert_eq!(config["metrics"]["prometheus"]["url"], "https://prometheus.example.com");
    assert_eq!(config["vcs"]["git"]["url"], json!(world.folder.path().join("repository")));
    let text = shown.to_string();
    assert!(!text.contains("hunter2") && !text.contains(key) && !text.contains("MfKQ"), "{text}");
}

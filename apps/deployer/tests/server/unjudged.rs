//! A canary of which the metrics never say anything: at its deadline it goes or is left to a person, as any other of
//! which nothing was decided.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{ADMIN, Server, World, tokens};

#[tokio::test]
async fn at_its_deadline_a_canary_that_nobody_could_judge_goes_or_is_left_to_a_person() {
    let world = World::new();
    let policy = json!({"preset": "default", "soak_minutes": 1, "warm_up_minutes": 0, "deadline_minutes": 1});
    // Nobody listens there.
    let metrics = json!({"prometheus": {"url": "http://127.0.0.1:9"}});
    let config = world.config(json!({"tokens": tokens()}), json!({"policy": policy, "metrics": metrics}));
    let mut file: Value = serde_json::from_str(&std::fs::read_to_string(&config).unwrap()).unwrap();
    file["services"][1]["autopilot"] = json!({"at_deadline": "keep"});
    std::fs::write(&config, file.to_string()).unwrap();
    let server = Server::serve(&config, ADMIN).await;
    for service in ["web", "other"] {
        assert_eq!(server.put(&format!("/{service}/deploy?tag={}", world.tag(0))).await.0, 200);
        assert_eq!(server.put(&format!("/{service}/canary?tag={}", world.tag(1))).await.0, 200);
    }
    let began = Instant::now();
    server.until_on("web", "it is rolled back", |status| status["canary"].is_null()).await;
    assert!(began.elapsed() > Duration::from_secs(40), "not before its deadline");
    let decided = |service: &str, decision: &str| {
        format!(
            "deployer_autopilot_decisions_total{{service=\"{service}\",operation=\"{decision}\",outcome=\"done\"}} 1"
        )
    };
    let expected = [decided("web", "rolled_back_at_deadline"), decided("other", "kept_at_deadline")];
    loop {
        let metrics = server.send(Method::GET, "/metrics", |request| request).await.text().await.unwrap();
        if expected.iter().all(|line| metrics.contains(line)) {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(150), "{metrics}\n{}", server.log());
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let (_, status) = server.get("/other/status").await;
    assert_eq!(status["canary"]["tag"], json!(world.tag(1)), "and it runs on");
}

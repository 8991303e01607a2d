//! The autopilot, by the demo and its traffic; and the end of a trial without any.

use serde_json::{Value, json};

use crate::support::{ADMIN, Server, World};

fn tag_of(status: &Value, track: &str) -> String {
    status[track]["tag"].as_str().unwrap_or("none").to_owned()
}

#[tokio::test]
async fn a_slow_canary_is_rolled_back_and_a_fine_one_promoted_unless_it_is_held() {
    let server = Server::demo(&[]);
    let [first, fine, slow, failing] = [0, 1, 2, 3].map(|number| server.tags[number].clone());
    assert_eq!(tag_of(&server.status().await, "stable"), first);
    // Three minutes of history, which are seconds here.
    tokio::time::sleep(std::time::Duration::from_secs(4)).await;

    for bad in [&slow, &failing] {
        let (status, done) = server.put(&format!("/boutique/canary?tag={bad}")).await;
        assert_eq!(status, 200, "{done}");
        assert!(
            done["expected"]["detect_minutes"].as_u64().is_some_and(|minutes| minutes >= 5),
            "{}",
            done["expected"]
        );
        let status = server.until("it is rolled back", |status| tag_of(status, "canary") == "none").await;
        assert_eq!(tag_of(&status, "stable"), first);
    }

    assert_eq!(server.put(&format!("/boutique/canary?tag={fine}")).await.0, 200);
    assert_eq!(server.put("/boutique/hold?reason=I+look").await.0, 200);
    // Longer than it takes to pass.
    tokio::time::sleep(std::time::Duration::from_secs(20)).await;
    let status = server.status().await;
    assert_eq!((tag_of(&status, "canary"), &status["held"]["by"]), (fine.clone(), &json!("you")));
    assert_eq!(server.put("/boutique/resume").await.0, 200);
    // Stable changes first, then the canary goes.
    let is_promoted = |status: &Value| {
        tag_of(status, "stable") == fine
            && tag_of(status, "canary") == "none"
            && status["operation"].is_null()
    };
    let status = server.until("it is promoted", is_promoted).await;
    assert_eq!(status["stable"]["caller"], "autopilot");
    // It is counted once it is done.
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let metrics =
        server.send(reqwest::Method::GET, "/metrics", |request| request).await.text().await.unwrap();
    for (decision, times) in [("rolled_back", 2), ("promoted", 1)] {
        let line = format!(
            "deployer_autopilot_decisions_total{{service=\"boutique\",operation=\"{decision}\",outcome=\"done\"}} {times}"
        );
        assert!(metrics.contains(&line), "{metrics}");
    }
}

#[tokio::test]
async fn a_canary_whose_time_is_over_goes_also_where_people_decide() {
    let world = World::new();
    let more = json!({
        "tokens": [{"name": "me", "secret": ADMIN}],
        "autopilot": {"enabled": false, "interval_seconds": 1},
        "pipeline": {"image_wait_seconds": 0, "canary_seconds": 70},
    });
    let policy = json!({"preset": "default", "soak_minutes": 1, "warm_up_minutes": 0, "deadline_minutes": 1});
    let server = Server::serve(&world.config(more, json!({"policy": policy})), ADMIN).await;
    assert_eq!(server.put(&format!("/web/deploy?tag={}", world.tag(0))).await.0, 200);
    assert_eq!(server.put(&format!("/web/canary?tag={}", world.tag(1))).await.0, 200);
    let began = std::time::Instant::now();
    let status = server.until_on("web", "it expires", |status| status["canary"].is_null()).await;
    assert!(began.elapsed().as_secs() > 40, "not before its time");
    assert_eq!(tag_of(&status, "stable"), world.tag(0));
}

#[tokio::test]
async fn at_its_deadline_a_canary_of_which_nothing_is_known_goes_or_stays_but_is_not_promoted() {
    let world = World::new();
    let policy = json!({"preset": "default", "soak_minutes": 1, "warm_up_minutes": 0, "deadline_minutes": 1});
    let config = world.config(
        json!({"tokens": [{"name": "me", "secret": "correct-horse-battery"}]}),
        json!({"policy": policy}),
    );
    let mut file: Value = serde_json::from_str(&std::fs::read_to_string(&config).unwrap()).unwrap();
    file["services"][1]["autopilot"] = json!({"at_deadline": "keep"});
    std::fs::write(&config, file.to_string()).unwrap();
    let server = Server::serve(&config, "correct-horse-battery").await;
    for service in ["web", "other"] {
        assert_eq!(server.put(&format!("/{service}/deploy?tag={}", world.tag(0))).await.0, 200);
        assert_eq!(server.put(&format!("/{service}/canary?tag={}", world.tag(1))).await.0, 200);
    }
    let began = std::time::Instant::now();
    while server.get("/web/status").await.1["canary"] != json!(null) {
        assert!(began.elapsed().as_secs() < 100, "{}", server.log());
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
    assert!(began.elapsed().as_secs() > 40, "not before its deadline");
    tokio::time::sleep(std::time::Duration::from_secs(8)).await;
    let (_, status) = server.get("/other/status").await;
    assert_eq!((tag_of(&status, "canary"), tag_of(&status, "stable")), (world.tag(1), world.tag(0)));
}

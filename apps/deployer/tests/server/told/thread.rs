//! A canary's thread in Slack, from its start to the autopilot's decision.

use serde_json::{Value, json};

use super::ears::Ears;
use crate::support::World;

#[tokio::test]
async fn the_autopilots_decision_is_told_in_the_canarys_thread() {
    let (world, mut ears) = (World::new(), Ears::start().await);
    let policy = json!({"preset": "default", "soak_minutes": 1, "warm_up_minutes": 0, "deadline_minutes": 1});
    let server = ears.server(&world, json!({}), json!({"policy": policy})).await;
    assert_eq!(server.put(&format!("/web/deploy?tag={}", world.tag(0))).await.0, 200);
    let (status, done) = server.put(&format!("/web/canary?tag={}&notify=true", world.tag(1))).await;
    assert_eq!(status, 200, "{done}");
    let [started] = &ears.heard().await[..] else { panic!("the start is told") };
    let parent = started.bot["ts"].clone();
    assert_eq!((started.occasion().as_str(), started.bot.get("thread_ts")), ("canary_started", None));
    let canary = started.webhook["data"]["canary"].clone();
    assert_eq!(canary["revision"], json!(world.commits[1]));
    assert_eq!(canary["started"], server.get("/web/status").await.1["canary"]["started"]);

    // What is asked of it and fails is told there as well, and in the channel.
    assert_eq!(server.put(&format!("/web/promote?commit={}", world.commits[2])).await.0, 409);
    let [failed] = &ears.heard().await[..] else { panic!("a failure is told") };
    assert_eq!((&failed.bot["thread_ts"], &failed.bot["reply_broadcast"]), (&parent, &json!(true)));

    ears.until_heard(3, &server).await;
    assert_eq!(server.get("/web/status").await.1["canary"], Value::Null, "it is gone before anybody is told");
    let heard = ears.heard().await;
    let [decided] = &heard[..] else { panic!("{heard:?}") };
    assert_eq!((decided.occasion().as_str(), &decided.bot["thread_ts"]), ("rolled_back", &parent));
    assert_eq!(decided.webhook["data"]["canary"], canary);
    assert_eq!(decided.webhook["data"]["verdict"]["verdict"], "inconclusive");
    assert!(decided.table().is_some(), "{decided:?}");
    let details = &decided.webhook["data"]["details"];
    assert_eq!(details[0]["value"], "autopilot");
    let reason = details[1]["value"].as_str().unwrap();
    assert!(reason.starts_with("still inconclusive at the deadline: "), "{reason}");
}

//! What `kubectl describe` shows of nprt's decisions.

use nprt::model::Revision;

use crate::world::{World, manifests, tag};

/// Type, reason and source of the events that `kubectl describe deployment web` shows of nprt, and their texts.
async fn described(world: &World) -> Vec<(String, String)> {
    let text = world.kubectl(&["describe", "deployment", "web"]).await;
    let (_, events) = text.split_once("Events:").unwrap();
    // Type, reason, age, from, message; ages may have spaces.
    let ours = events.lines().filter_map(|line| line.split_once(" nprt "));
    let head = |head: &str| head.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    ours.map(|(before, message)| (head(before), message.trim().to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_describes_each_decision() {
    let Some(world) = World::new("events").await else { return };
    let process = world.process().await;
    let [first, second] = [1, 2].map(|n| world.commit(&manifests(n, "")));
    let crashes =
        manifests(3, "crash-loop").replace("  replicas: 2", "  replicas: 2\n  progressDeadlineSeconds: 3");
    let third: Revision = world.commit(&crashes);
    process.deploy(&first).await.unwrap();
    process.canary(&second).await.unwrap();
    process.rollback().await.unwrap();
    process.canary(&second).await.unwrap();
    process.promote(&second).await.unwrap();
    process.deploy(&third).await.unwrap_err();
    let told = described(&world).await;
    let mut heads: Vec<&str> = told.iter().map(|(head, _)| head.as_str()).collect();
    // Those of the same second are in any order.
    heads.sort_unstable();
    let expected = ["Normal CanaryStarted", "Normal CanaryStarted", "Normal Deployed", "Normal Promoted"];
    assert_eq!(heads, [&expected[..], &["Warning Failed", "Warning RolledBack"]].concat(), "{told:?}");
    let note = |head: &str| told.iter().find(|(other, _)| other == head).unwrap().1.as_str();
    assert_eq!(note("Normal Deployed"), format!("by ci: {} of shop is stable (a test)", tag(&first)));
    let failed = note("Warning Failed");
    for part in ["CrashLoopBackOff", "stable is", &tag(&second)] {
        assert!(failed.contains(part), "{part:?} is not in {failed}");
    }
}

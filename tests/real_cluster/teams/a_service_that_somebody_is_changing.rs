//! A second person calls while an operation is under way: they are told who is at work, on what, since when and where,
//! by names that people know.

use std::sync::Arc;
use std::time::Duration;

use nprt::Result;
use nprt::pipeline::{Caller, Progress};
use nprt::ports::Task;

use crate::answer::Answer as _;
use crate::world::{Process, World, manifests};

/// Nothing that only programs know.
fn is_public(text: &str) {
    for internal in ["/", "-failures", "-decisions", "-everything", &std::process::id().to_string()] {
        assert!(!text.contains(internal), "{internal}: {text}");
    }
}

async fn hold(process: &Process) -> Result<()> {
    let ada = Caller::new("ada", "").unwrap();
    process.pipeline.hold(&process.service, &ada, &Progress::silent()).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_and_the_status_name_who_is_at_work() {
    let Some(world) = World::new("busy").await else { return };
    let (ours, theirs) = (world.process().await, world.process().await);
    ours.deploy(&world.commit(&manifests(1, ""))).await.accepted();
    let trial = world.commit(&manifests(2, ""));
    ours.canary(&trial).await.accepted();
    let stuck = world.commit(&manifests(3, "never-ready"));
    let under_way = tokio::spawn({
        let (ours, stuck) = (Arc::clone(&ours), stuck.clone());
        async move { ours.deploy(&stuck).await }
    });
    while theirs.operation().await.is_none() {
        assert!(!under_way.is_finished(), "it holds the lease");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let sentence = format!("ci is deploying commit {stuck}");
    let words = ["conflict", "the service is busy: ", &sentence, " (since ", " UTC, on test)"];
    theirs.deploy(&trial).await.refused_with(&words);
    theirs.canary(&trial).await.refused_with(&words);
    theirs.promote(&trial).await.refused_with(&words);
    let refused = hold(&theirs).await.unwrap_err();
    assert!(words.iter().all(|word| refused.to_string().contains(word)), "{refused}");
    is_public(refused.message());

    let status = theirs.status().await;
    let (operation, data) = (status.operation.unwrap(), status.under_way.unwrap());
    assert!(operation.starts_with(&sentence) && operation.ends_with(" UTC, on test)"), "{operation}");
    is_public(&operation);
    assert_eq!((data.summary, data.task, data.by.as_deref()), (sentence, Task::Deploy, Some("ci")));
    assert_eq!((data.version, data.process), (Some(format!("commit {stuck}")), "test".to_owned()));
    assert!(operation.contains(&data.since.strftime("%H:%M:%S").to_string()), "{operation}");

    // A person with kubectl reads the same.
    let lease = world.object("lease/nprt-shop").await;
    let annotations = &lease["metadata"]["annotations"];
    assert_eq!(annotations["nprt.dev/purpose"], format!("deploy of commit {stuck} by ci"));
    assert_eq!(annotations["nprt.dev/process"], "test");

    let done = theirs.rollback().await.unwrap();
    is_public(&done.cancelled.clone().unwrap());
    let error = under_way.await.unwrap().unwrap_err();
    assert!(error.is_cancelled() && error.to_string().contains("ci is rolling back (since "), "{error}");
    assert_eq!(theirs.operation().await, None);
}

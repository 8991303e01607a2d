//! Pods of a canary that end slowly, on a real cluster.

use std::time::Duration;

use nprt::model::Track;

use crate::world::{World, manifests, tag};

#[tokio::test(flavor = "multi_thread")]
async fn the_pods_of_one_canary_are_gone_before_another_version_starts() {
    let Some(world) = World::new("ending").await else { return };
    let process = world.process().await;
    let [stable, first, second, third] = [1, 2, 3, 4].map(|n| world.commit(&manifests(n, "")));
    process.deploy(&stable).await.unwrap();
    process.canary(&first).await.unwrap();
    let slow = world.hold_pods(Track::Canary).await;
    let done = process.rollback().await.unwrap();
    assert_eq!((done.removed.len(), done.ending.len()), (3, slow.len()), "it does not wait: {done:?}");
    assert_eq!(world.runs().await.len(), 2);

    // Whichever comes next waits for them: another canary, and a deploy.
    for deploys in [false, true] {
        let slow = match deploys {
            false => slow.clone(),
            true => world.hold_pods(Track::Canary).await,
        };
        let (process, version) = (world.process().await, if deploys { &third } else { &second });
        let next = {
            let version = version.clone();
            tokio::spawn(async move {
                if deploys { process.deploy(&version).await } else { process.canary(&version).await }
            })
        };
        tokio::time::sleep(Duration::from_secs(3)).await;
        let runs = world.runs().await;
        assert!(!next.is_finished() && runs.len() == 2, "it waits: {runs:?}");
        assert!(runs.iter().all(|(_, running)| *running == tag(&stable)), "{runs:?}");
        world.release_pods(&slow).await;
        next.await.unwrap().unwrap();
        assert!(world.runs().await.iter().any(|(_, running)| *running == tag(version)));
    }
    assert_eq!(world.runs().await.len(), 2, "stable alone");
}

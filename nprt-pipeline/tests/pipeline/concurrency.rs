//! Several operations on one service at the same time, from several processes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use nprt_core::model::Revision;
use nprt_core::ports::{Change, Cluster, LeaseRequest, Occasion, Purpose, Takeover};
use nprt_core::{ErrorKind, Result};
use nprt_pipeline::{Deployment, Pipeline, Progress};
use tokio::task::JoinHandle;

use crate::world::{World, caller, canary, deploy, manifests, promote, request, shop, tag};

fn spawn_deploy(pipeline: &Arc<Pipeline>, revision: &Revision) -> JoinHandle<Result<Deployment>> {
    let (pipeline, request) = (pipeline.clone(), request(revision));
    tokio::spawn(async move { pipeline.deploy(&shop(), &request, &Progress::silent()).await })
}

fn versions(world: &World) -> BTreeSet<String> {
    world.runs().into_iter().map(|(_, tag, _)| tag).collect()
}

#[tokio::test]
async fn overlapping_deploys_never_mix_versions() {
    let world = Arc::new(World::new());
    let processes = [world.pipeline(), world.pipeline()];
    let revisions: Vec<Revision> = (0..20).map(|n| world.version(n)).collect();
    let deploys = revisions.iter().enumerate().map(|(n, revision)| {
        let (world, pipeline, revision) = (world.clone(), processes[n % 2].clone(), revision.clone());
        tokio::spawn(async move {
            // Some begin together, some while another is under way.
            world.wait(u64::try_from(n).unwrap() / 3).await;
            let done = deploy(&pipeline, &revision).await;
            if done.is_ok() {
                assert_eq!(versions(&world), BTreeSet::from([tag(&revision).to_string()]), "at its end");
            }
            done
        })
    });
    let done: Vec<_> = join_all(deploys).await.into_iter().map(Result::unwrap).collect();
    let succeeded = done.iter().filter(|done| done.is_ok()).count();
    assert!(succeeded >= 2, "they ran one after the other: {done:?}");
    for error in done.iter().filter_map(|done| done.as_ref().err()) {
        assert!(error.is_conflict(), "{error}");
        assert!(error.to_string().contains("ci is deploying commit"), "who, and for what: {error}");
    }
    assert!(succeeded < done.len(), "some overlapped");
    assert_eq!(versions(&world).len(), 1);
}

#[tokio::test]
async fn a_rollback_cancels_a_deploy_that_is_under_way() {
    let world = World::new();
    let pipeline = world.pipeline();
    let stable = world.version(1);
    deploy(&pipeline, &stable).await.unwrap();
    // It waits for its images when the rollback comes, and would go on once they are there.
    let next = world.commit(&manifests(2, ""));
    let under_way = spawn_deploy(&pipeline, &next);
    world.wait(20).await;
    let other_process = world.pipeline();
    let done = other_process.rollback(&shop(), &caller(), &Progress::silent()).await.unwrap();
    assert!(done.cancelled.unwrap().contains("ci is deploying commit"), "it says what it cancelled");
    world.push(&next);
    let error = under_way.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!(error.to_string().contains("ci is rolling back"), "by whom, and for what: {error}");
    world.wait(600).await;
    assert_eq!(versions(&world), BTreeSet::from([tag(&stable).to_string()]), "nothing of it landed");
    let occasions: Vec<Occasion> = world.notifier.told().iter().map(|news| news.occasion).collect();
    assert_eq!(occasions, [Occasion::Deployed, Occasion::RolledBack], "a cancelled deploy is no failure");
}

#[tokio::test]
async fn a_rollback_cancels_a_promotion_and_undoes_what_it_did() {
    let world = World::new();
    let slow = world.cluster.clone().with_rollout_delay(Duration::from_secs(300));
    let ports = nprt_pipeline::Ports { cluster: Arc::new(slow), ..world.ports() };
    let (pipeline, slow) = (world.pipeline(), world.pipeline_over(ports));
    let (stable, trial) = (world.version(1), world.version(2));
    deploy(&pipeline, &stable).await.unwrap();
    canary(&pipeline, &trial).await.unwrap();
    let promotion = tokio::spawn({
        let (slow, trial) = (slow.clone(), trial.clone());
        async move { promote(&slow, &trial).await }
    });
    // The canary is ready after 300 s, and stable is on its way.
    world.wait(400).await;
    let done = pipeline.rollback(&shop(), &caller(), &Progress::silent()).await.unwrap();
    assert!(done.cancelled.unwrap().contains("ci is promoting"));
    assert_eq!(promotion.await.unwrap().unwrap_err().kind(), ErrorKind::Cancelled);
    assert!(promote(&pipeline, &trial).await.unwrap_err().is_conflict(), "it was rolled back");
    // Both Deployments were applied already.
    assert!(done.warnings[0].contains("undone"), "{:?}", done.warnings);
    assert_eq!(versions(&world), BTreeSet::from([tag(&stable).to_string()]));
}

#[tokio::test]
async fn who_loses_the_lease_stops_and_says_who_took_it() {
    let world = World::new();
    let pipeline = world.pipeline();
    let revision = world.commit(&manifests(1, ""));
    let under_way = spawn_deploy(&pipeline, &revision);
    world.wait(5).await;
    let request = LeaseRequest {
        service: shop(),
        holder: "another".into(),
        process: "host".into(),
        purpose: Purpose::unknown("maintenance"),
        duration: Duration::from_secs(3600),
        takeover: Takeover::Now,
    };
    let lease = world.cluster.acquire(&request).await.unwrap();
    let error = under_way.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!(error.to_string().contains("maintenance (since"), "{error}");
    assert!(error.to_string().contains("on host)") && !error.to_string().contains("another"), "{error}");
    let held = world.cluster.lease(&shop()).await.unwrap().unwrap();
    assert_eq!(held.epoch, lease.epoch, "the loser does not give back what is not its own");
    let error = deploy(&pipeline, &revision).await.unwrap_err();
    assert!(error.is_conflict() && error.to_string().contains("maintenance"), "{error}");
}

#[tokio::test]
async fn a_long_operation_keeps_its_lease() {
    let world = World::new();
    let slow = world.cluster.clone().with_rollout_delay(Duration::from_secs(500));
    let ports = nprt_pipeline::Ports { cluster: Arc::new(slow), ..world.ports() };
    let revision = world.version(1);
    let done = deploy(&world.pipeline_over(ports), &revision).await.unwrap();
    assert!(done.applied.iter().all(|applied| applied.change == Change::Created));
}

/// Whatever overlaps, never more than two versions run, and the canary is one.
#[tokio::test]
async fn anything_at_the_same_time_leaves_at_most_one_canary() {
    let world = Arc::new(World::new());
    let processes = [world.pipeline(), world.pipeline()];
    let revisions: Vec<Revision> = (0..6).map(|n| world.version(n)).collect();
    deploy(&processes[0], &revisions[0]).await.unwrap();
    let operations = (0..60usize).map(|n| {
        let (world, pipeline) = (world.clone(), processes[n % 2].clone());
        let revision = revisions[n * 7 % revisions.len()].clone();
        tokio::spawn(async move {
            world.wait(u64::try_from(n).unwrap()).await;
            let done = match n % 5 {
                0 => deploy(&pipeline, &revision).await.map(|_| ()),
                1 | 2 => canary(&pipeline, &revision).await.map(|_| ()),
                3 => promote(&pipeline, &revision).await.map(|_| ()),
                _ => pipeline.rollback(&shop(), &caller(), &Progress::silent()).await.map(|_| ()),
            };
            let canaries: BTreeSet<String> = world
                .runs()
                .into_iter()
                .filter(|(name, ..)| name.ends_with("-canary"))
                .map(|(_, tag, _)| tag)
                .collect();
            assert!(canaries.len() <= 1, "two canaries: {canaries:?}");
            done
        })
    });
    let done: Vec<_> = join_all(operations).await.into_iter().map(Result::unwrap).collect();
    let mut kinds = BTreeSet::new();
    for error in done.iter().filter_map(|done| done.as_ref().err()) {
        assert!(matches!(error.kind(), ErrorKind::Conflict | ErrorKind::Cancelled), "{error}");
        kinds.insert(error.kind().as_str());
    }
    assert_eq!(kinds, BTreeSet::from(["cancelled", "conflict"]), "both happened");
    assert!(done.iter().filter(|done| done.is_ok()).count() > 15, "{done:?}");
    deploy(&processes[1], &revisions[3]).await.unwrap();
    assert_eq!(versions(&world), BTreeSet::from([tag(&revisions[3]).to_string()]));
}

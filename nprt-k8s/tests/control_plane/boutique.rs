//! Online Boutique, as the manifest transformer renders it, on real controllers.

use std::collections::BTreeMap;
use std::path::Path;

use futures_util::StreamExt;
use futures_util::future::{join_all, try_join_all};
use nprt_core::manifest::{self, Manifests, Rendered, Settings, Version};
use nprt_core::model::{Object, ObjectId, RepoPath, SourceFile};
use nprt_core::ports::{Change, Cluster, Lease, RolloutPhase};

use crate::world::World;

fn boutique() -> Manifests {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../nprt-core/tests/data/online-boutique");
    let file = |entry: std::fs::DirEntry| SourceFile {
        path: RepoPath::new(&entry.file_name().into_string().unwrap()).unwrap(),
        content: std::fs::read(entry.path()).unwrap().into(),
    };
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| file(entry.unwrap())).collect();
    manifest::read(&files).unwrap()
}

fn version(tag: &str) -> Version {
    Version {
        service: "shop".parse().unwrap(),
        revision: "3f2a91c0b1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f6".parse().unwrap(),
        tag: tag.parse().unwrap(),
        digests: BTreeMap::new(),
    }
}

fn objects(rendered: &Rendered) -> impl Iterator<Item = &Object> {
    rendered.documents.iter().map(|document| &document.object)
}

async fn apply(world: &World, lease: &Lease, rendered: &Rendered) -> Vec<Change> {
    try_join_all(objects(rendered).map(|object| world.cluster.dry_run(object))).await.unwrap();
    let applied = try_join_all(objects(rendered).map(|object| world.cluster.apply(lease, object)));
    applied.await.unwrap().into_iter().map(|applied| applied.change).collect()
}

/// Waits for the workloads, and says how many there are.
async fn roll_out(world: &World, rendered: &Rendered) -> usize {
    let workloads: Vec<ObjectId> =
        objects(rendered).filter(|o| o.kind() == "Deployment").map(Object::id).collect();
    let rollouts = join_all(workloads.iter().map(|id| async move {
        let statuses: Vec<_> = world.cluster.watch_rollout(id).collect().await;
        let last = statuses.last().unwrap().as_ref().unwrap();
        assert_eq!(last.phase, RolloutPhase::Complete, "{id}: {statuses:?}");
    }));
    tokio::time::timeout(std::time::Duration::from_secs(120), rollouts).await.unwrap();
    workloads.len()
}

#[tokio::test]
async fn stable_and_canary_run_beside_each_other() {
    let Some(world) = World::new("boutique").await else { return };
    let lease = world.lease("shop").await;
    let settings = Settings::default();
    let stable = manifest::stable(&boutique(), &version("main-3f2a91c"), &settings, &[]).unwrap();
    let changes = apply(&world, &lease, &stable).await;
    assert_eq!((changes.len(), changes.iter().all(|c| *c == Change::Created)), (35, true), "{changes:?}");
    assert_eq!(roll_out(&world, &stable).await, 12);
    let pods = ["get", "pods", "-l", "track=stable", "-o", "jsonpath={.items[*].metadata.uid}"];
    let before = world.admin(&pods).await;

    let live = world.cluster.list(&lease.service).await.unwrap();
    assert_eq!(live.len(), 35);
    let again = apply(&world, &lease, &stable).await;
    assert!(again.iter().all(|change| *change == Change::Unchanged), "{again:?}");

    let canary = manifest::canary(&boutique(), &version("main-9d41b7e"), &settings, &live).unwrap();
    apply(&world, &lease, &canary).await;
    assert!(roll_out(&world, &canary).await >= 11);
    let endpoints =
        ["get", "endpoints", "frontend", "-o", "jsonpath={.subsets[*].addresses[*].targetRef.name}"];
    let endpoints = world.admin(&endpoints).await;
    assert_eq!(endpoints.split(' ').count(), 2, "the Service has a pod of each track: {endpoints}");
    assert!(endpoints.contains("frontend-canary-"), "{endpoints}");

    for object in objects(&canary).filter(|object| object.name().ends_with("-canary")) {
        assert!(world.cluster.delete(&lease, &object.id()).await.unwrap(), "{}", object.id());
    }
    let listed = world.cluster.list(&lease.service).await.unwrap();
    let ids = |objects: &[Object]| objects.iter().map(Object::id).collect::<Vec<_>>();
    assert_eq!(ids(&listed), ids(&live), "the stable version is as it was");
    assert_eq!(world.admin(&pods).await, before, "no stable pod was restarted");
}

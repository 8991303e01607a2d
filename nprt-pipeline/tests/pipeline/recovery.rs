//! What is left of an operation whose process died at any write, and what becomes of it without anybody asking.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nprt_core::Result;
use nprt_core::model::Revision;
use nprt_core::ports::{Clock, Cluster};
use nprt_pipeline::{Pipeline, Ports, Progress, Running, Tended};

use crate::faulty::Faulty;
use crate::interrupted::slow;
use crate::routes::{self, weight};
use crate::world::{WEB, World, caller, canary, deploy, manifests, promote, shop, tag};

/// Longer than a lease lasts.
pub(crate) const EXPIRED: u64 = 31;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Deploy,
    Canary,
    Promote,
    Rollback,
}
use Operation::{Canary, Deploy, Promote, Rollback};

impl Operation {
    async fn run(self, pipeline: &Pipeline, version: &Revision) -> Result<()> {
        match self {
            Deploy => deploy(pipeline, version).await.map(drop),
            Canary => canary(pipeline, version).await.map(drop),
            Promote => promote(pipeline, version).await.map(drop),
            Rollback => pipeline.rollback(&shop(), &caller(), &Progress::silent()).await.map(drop),
        }
    }

    /// Whether a canary of the version runs before it.
    fn has_canary(self) -> bool {
        matches!(self, Promote | Rollback)
    }
}

/// A cluster that dies at write number `writes / 2`: before it lands or, where odd, after.
fn dying(world: &World, writes: usize) -> Arc<Faulty> {
    Arc::new(Faulty { writes: Some(AtomicUsize::new(writes)), ..Faulty::new(world) })
}

/// Lets `pipeline` do `operation` until its process dies, which its cluster, `faulty`, says; false where it ended
/// before.
async fn die(
    world: &World,
    faulty: &Faulty,
    pipeline: Arc<Pipeline>,
    operation: Operation,
    to: &Revision,
) -> bool {
    let to = to.clone();
    let work = tokio::spawn(async move { operation.run(&pipeline, &to).await });
    while !work.is_finished() && !faulty.reached.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
    }
    let died = !work.is_finished();
    work.abort();
    _ = work.await;
    world.wait(EXPIRED).await;
    died
}

pub(crate) async fn tend(pipeline: &Pipeline) -> Tended {
    pipeline.tend(&shop(), &caller(), &Progress::silent()).await.unwrap()
}

/// Stable's version and the canary's, each whole.
pub(crate) async fn versions(world: &World) -> (Option<String>, Option<String>) {
    let status = world.pipeline().status(&shop()).await.unwrap();
    let tag = |running: Option<Running>| running.map(|running| running.tag.expect("one version").to_string());
    (tag(status.stable), tag(status.canary))
}

pub(crate) fn has_record(world: &World) -> bool {
    world.objects().iter().any(|object| object.name().starts_with("nprt-undo"))
}

pub(crate) fn has_workload(world: &World, name: &str, version: &Revision) -> bool {
    world.workload(name).is_some_and(|workload| workload.tag == Some(tag(version).to_string()))
}

#[tokio::test]
async fn whatever_a_process_dies_in_the_next_look_leaves_one_whole_state() {
    for operation in [Deploy, Canary, Promote, Rollback] {
        let (mut finished, mut undone) = (0, 0);
        for writes in 0.. {
            let world = World::new();
            let (first, second) = (world.version(1), world.version(2));
            deploy(&world.pipeline(), &first).await.unwrap();
            if operation.has_canary() {
                canary(&world.pipeline(), &second).await.unwrap();
            }
            let faulty = dying(&world, writes);
            let pipeline = world.pipeline_over(Ports { cluster: faulty.clone(), ..world.ports() });
            if !die(&world, &faulty, pipeline, operation, &second).await {
                break;
            }
            // What the cluster has shows which way it goes.
            let all_on = |suffix: &str| {
                ["web", "worker"].iter().all(|name| has_workload(&world, &format!("{name}{suffix}"), &second))
            };
            let (is_stable, is_canary) = (all_on(""), all_on("-canary"));
            let is_recorded =
                world.cluster.objects().iter().any(|o| o.name().starts_with("nprt-last-canary"));
            tend(&world.pipeline()).await;
            let (one, two) = (Some(tag(&first).to_string()), Some(tag(&second).to_string()));
            let expected = match operation {
                Deploy | Promote if is_stable => (two, None),
                Deploy => (one, None),
                Canary if is_canary => (one, two),
                Canary => (one, None),
                Promote => (one, two),
                // Where it had not begun, nobody knows that it was asked for.
                Rollback if is_recorded => (one, None),
                Rollback => (one, two),
            };
            let at = format!("{operation:?} died at write {writes}");
            let forward =
                matches!(operation, Deploy | Promote if is_stable) || (operation == Canary && is_canary);
            *(if forward { &mut finished } else { &mut undone }) += 1;
            assert_eq!(versions(&world).await, expected, "{at}");
            assert!(!has_record(&world), "{at}");
            let config =
                world.objects().into_iter().find(|o| o.kind() == "ConfigMap" && o.name() == "web").unwrap();
            let n = if is_stable { "2" } else { "1" };
            assert_eq!(config.as_value()["data"]["n"], n, "{at}: configuration goes with it");
            let before = world.objects();
            let again = tend(&world.pipeline()).await;
            assert!(again.finished.is_none() && again.undone.is_none(), "{at}: once, {again:?}");
            assert_eq!(world.objects(), before, "{at}");
        }
        let enough = match operation {
            Rollback => undone >= 6,
            _ => finished >= 3 && undone >= 6,
        };
        assert!(enough, "{operation:?}: {finished} finished, {undone} undone");
    }
}

#[tokio::test]
async fn a_canary_with_a_route_gets_its_requests_or_goes() {
    let mut finished = 0;
    for writes in 0.. {
        let world = routes::world();
        routes::stable(&world, &routes::pipeline(&world, weight(5))).await;
        let (before, trial) = (routes::everything(&world), routes::commit(&world, 2, ""));
        let faulty = dying(&world, writes);
        let pipeline =
            routes::pipeline_over(&world, weight(5), Ports { cluster: faulty.clone(), ..world.ports() });
        if !die(&world, &faulty, Arc::new(pipeline), Canary, &trial).await {
            break;
        }
        // Whoever looks knows nothing of the route.
        tend(&world.pipeline()).await;
        if versions(&world).await.1.is_some() {
            finished += 1;
            assert_eq!(routes::backends(&world), routes::split(95, 5), "write {writes}");
        } else {
            assert_eq!(routes::everything(&world), before, "write {writes}");
        }
        assert!(!has_record(&world), "write {writes}");
    }
    assert!(finished >= 3, "{finished}");
}

#[tokio::test]
async fn what_a_rollback_cancelled_goes_back_also_where_the_rollback_dies() {
    let mut died = 0;
    for writes in 0.. {
        let world = World::new();
        let (first, second) = (world.version(1), world.version(2));
        deploy(&world.pipeline(), &first).await.unwrap();
        // All is applied, and the pods are about to be ready.
        let slow = slow(&world, 60);
        let work = tokio::spawn({
            let second = second.clone();
            async move { deploy(&slow, &second).await }
        });
        while !has_workload(&world, "web", &second) || !has_workload(&world, "worker", &second) {
            world.wait(1).await;
        }
        work.abort();
        _ = work.await;
        let faulty = dying(&world, writes);
        let pipeline = world.pipeline_over(Ports { cluster: faulty.clone(), ..world.ports() });
        // It does not wait for the lease.
        if !die(&world, &faulty, pipeline, Rollback, &second).await {
            break;
        }
        died += 1;
        tend(&world.pipeline()).await;
        assert_eq!(versions(&world).await, (Some(tag(&first).to_string()), None), "write {writes}");
        assert!(!has_record(&world), "write {writes}");
    }
    assert!(died >= 8, "{died}");
}

#[tokio::test]
async fn jobs_that_were_still_to_run_run() {
    let job = |name: &str, run: &str| {
        format!(
            "---\napiVersion: batch/v1\nkind: Job\nmetadata: {{name: {name}, annotations: {{nprt.dev/run: {run}}}}}\n\
             spec: {{template: {{spec: {{restartPolicy: Never, containers: [{{name: {name}, image: {WEB}}}]}}}}}}\n"
        )
    };
    let (mut finished, mut undone) = (0, 0);
    for writes in 0.. {
        let world = World::new();
        let first = world.version(1);
        deploy(&world.pipeline(), &first).await.unwrap();
        let second = world.commit(&(manifests(2, "") + &job("migrate", "before") + &job("warm", "after")));
        world.push(&second);
        let faulty = dying(&world, writes);
        let pipeline = world.pipeline_over(Ports { cluster: faulty.clone(), ..world.ports() });
        if !die(&world, &faulty, pipeline, Deploy, &second).await {
            break;
        }
        tend(&world.pipeline()).await;
        let jobs = world.cluster.view().workloads.into_iter().filter(|workload| workload.id.kind == "Job");
        let mut jobs: Vec<_> = jobs.map(|job| job.id.name.split('-').next().unwrap().to_owned()).collect();
        jobs.sort();
        if versions(&world).await.0 == Some(tag(&second).to_string()) {
            finished += 1;
            assert_eq!(jobs, ["migrate", "warm"], "write {writes}");
        } else {
            undone += 1;
            assert!(jobs.is_empty(), "write {writes}: {jobs:?}");
        }
        assert!(!has_record(&world), "write {writes}");
    }
    assert!(finished >= 5 && undone >= 10, "{finished} finished, {undone} undone");
}

#[tokio::test]
async fn a_busy_service_says_when_to_look_again() {
    let world = World::new();
    let (_, second) = (world.version(1), world.version(2));
    let faulty = dying(&world, 12);
    let pipeline = world.pipeline_over(Ports { cluster: faulty.clone(), ..world.ports() });
    let work = tokio::spawn(async move { deploy(&pipeline, &second).await });
    while !faulty.reached.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
    }
    work.abort();
    let busy = tend(&world.pipeline()).await;
    let until = busy.busy_until.expect("a lease runs out");
    let left = until.duration_since(world.clock.now()).as_secs();
    assert!((1..=30).contains(&left), "{left} s");
    assert!(busy.busy.unwrap().starts_with("ci is deploying"));
    world.wait(u64::try_from(left).unwrap() + 1).await;
    let done = tend(&world.pipeline()).await;
    assert!(done.finished.is_some() && done.busy_until.is_none(), "then it is settled: {done:?}");
    assert!(world.cluster.lease(&shop()).await.unwrap().is_none());
}

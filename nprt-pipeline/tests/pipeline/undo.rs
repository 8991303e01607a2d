//! All or nothing: what a deploy that fails, is cancelled or dies leaves.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nprt_core::ErrorKind;
use nprt_core::model::{Object, Revision};
use nprt_core::ports::Cluster;
use nprt_pipeline::{Event, Pipeline, Ports, Progress};
use serde_json::{Value, json};

use crate::faulty::Faulty;
use crate::world::{World, caller, canary, deploy, manifests, promote, request, shop, tag, told};

/// The manifests with a Secret that changes and a ConfigMap that only versions after the first have.
fn shop_manifests(n: u32, behaviour: &str) -> String {
    let secret = format!(
        "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: web}}\nstringData: {{key: hunter{n}}}\n"
    );
    let new = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: new}\ndata: {a: b}\n";
    manifests(n, behaviour) + &secret + if n > 1 { new } else { "" }
}

fn commit(world: &World, n: u32, behaviour: &str) -> Revision {
    let revision = world.commit(&shop_manifests(n, behaviour));
    world.push(&revision);
    revision
}

/// All objects, and what of them is ours; without what grows with each write.
pub(crate) async fn everything(world: &World) -> Vec<(Value, Option<Object>)> {
    let mut all = Vec::new();
    for object in world.objects() {
        let owned = world.cluster.owned(&object.id()).await.unwrap();
        let mut value = object.into_value();
        for field in ["resourceVersion", "generation"] {
            value["metadata"][field] = Value::Null;
        }
        all.push((value, owned));
    }
    all
}

async fn has_record(world: &World) -> bool {
    world.objects().iter().any(|object| object.name().starts_with("nprt-undo"))
}

#[tokio::test]
async fn a_rollout_that_fails_puts_everything_back() {
    let world = World::new();
    let (first, second) = (commit(&world, 1, ""), commit(&world, 2, "crash-loop"));
    deploy(&world.pipeline(), &first).await.unwrap();
    let before = everything(&world).await;
    let pipeline = world.pipeline();
    let (done, events) =
        told(async |progress| pipeline.deploy(&shop(), &request(&second), &progress).await).await;
    let error = done.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RolloutFailed, "{error}");
    let said = format!("stable is {} ({}) again", tag(&first), first.short());
    assert!(error.to_string().contains(&said), "{error}");
    assert_eq!(everything(&world).await, before, "and the record is gone");
    assert!(world.cluster.view().workloads.iter().all(|workload| workload.status.ready > 0));
    let count = |what: fn(&Event) -> bool| events.iter().filter(|event| what(event)).count();
    assert_eq!(count(|event| matches!(event, Event::PutBack { .. })), 4, "{events:?}");
    assert_eq!(count(|event| matches!(event, Event::Removed { .. })), 1);
    for text in [format!("{error:?} {events:?}"), format!("{:?}", world.notifier.told())] {
        for value in ["hunter", "aHVudGVy", "ewogICJ"] {
            assert!(!text.contains(value), "no Secret's value: {text}");
        }
    }
}

#[tokio::test]
async fn a_first_deploy_that_fails_leaves_nothing() {
    let world = World::new();
    let error = deploy(&world.pipeline(), &commit(&world, 2, "crash-loop")).await.unwrap_err();
    assert!(error.to_string().contains("stable is nothing again"), "{error}");
    assert_eq!(world.objects(), [], "nothing of it is left");
}

#[tokio::test]
async fn what_may_hold_data_stays() {
    let world = World::new();
    let claim = "---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec: {}\n";
    let revision = world.commit(&(manifests(1, "crash-loop") + claim));
    world.push(&revision);
    let pipeline = world.pipeline();
    let (done, events) =
        told(async |progress| pipeline.deploy(&shop(), &request(&revision), &progress).await).await;
    done.unwrap_err();
    let left: Vec<String> = world.objects().iter().map(|object| object.id().to_string()).collect();
    assert_eq!(left, ["PersistentVolumeClaim/shop/data"]);
    assert!(events.iter().any(|event| event.to_string().contains("it may hold data")), "{events:?}");
}

#[tokio::test]
async fn what_others_changed_meanwhile_stays() {
    let world = World::new();
    let (first, second) = (commit(&world, 1, ""), commit(&world, 2, "never-ready"));
    deploy(&world.pipeline(), &first).await.unwrap();
    let under_way = tokio::spawn({
        let (pipeline, second) = (world.pipeline(), second.clone());
        async move { deploy(&pipeline, &second).await }
    });
    while world.workload("worker").unwrap().tag != Some(tag(&second).to_string()) {
        tokio::task::yield_now().await;
    }
    let scaled = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {"replicas": 7}});
    world.cluster.apply_as("autoscaler", &Object::new(scaled).unwrap()).unwrap();
    under_way.await.unwrap().unwrap_err();
    let objects = world.objects();
    let web = objects.iter().find(|object| object.kind() == "Deployment" && object.name() == "web").unwrap();
    assert_eq!(web.as_value()["spec"]["replicas"], 7, "the autoscaler's");
    assert!(world.runs().iter().all(|(_, now, _)| *now == tag(&first).to_string()), "{:?}", world.runs());
}

/// Deploys `next`, whose process dies at write number `writes / 2`: before it lands or, where odd, after. False
/// where the deploy has no such write.
pub(crate) async fn die(world: &World, next: &Revision, writes: usize, promotion: bool) -> bool {
    let next = next.clone();
    die_in(world, writes, async move |pipeline| {
        if promotion { promote(&pipeline, &next).await } else { deploy(&pipeline, &next).await }
    })
    .await
}

/// The same for an operation of any kind.
pub(crate) async fn die_in<T, F>(
    world: &World,
    writes: usize,
    operation: impl FnOnce(Arc<Pipeline>) -> F,
) -> bool
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let faulty = Arc::new(Faulty { writes: Some(AtomicUsize::new(writes)), ..Faulty::new(world) });
    let pipeline = world.pipeline_over(Ports { cluster: faulty.clone(), ..world.ports() });
    let mut work = tokio::spawn(operation(pipeline));
    while !work.is_finished() && !faulty.reached.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
    }
    let died = !work.is_finished();
    work.abort();
    _ = (&mut work).await;
    // The lease expires.
    world.wait(31).await;
    died
}

#[tokio::test]
async fn a_deploy_that_dies_at_any_write_is_settled_by_the_next_operation() {
    let (mut undone, mut finished) = (0, 0);
    for next in ["rollback", "canary", "deploy"] {
        for writes in 0.. {
            let world = World::new();
            let (first, second) = (commit(&world, 1, ""), commit(&world, 2, ""));
            deploy(&world.pipeline(), &first).await.unwrap();
            let before = everything(&world).await;
            if !die(&world, &second, writes, false).await {
                assert!(writes > 12, "a record, six objects, and the record's end: {writes}");
                break;
            }
            // A rollback undoes what was not over; all others finish what the cluster has completed.
            let is_whole = world.runs().iter().all(|(_, now, _)| *now == tag(&second).to_string());
            let landed = is_whole && (next != "rollback" || !has_record(&world).await);
            let pipeline = world.pipeline();
            match next {
                "rollback" => _ = pipeline.rollback(&shop(), &caller(), &Progress::silent()).await.unwrap(),
                // What is first refused is refused after it.
                "canary" => assert!(canary(&pipeline, if landed { &second } else { &first }).await.is_err()),
                _ => _ = deploy(&pipeline, if landed { &second } else { &first }).await.unwrap(),
            }
            let tag = tag(if landed { &second } else { &first }).to_string();
            assert!(
                world.runs().iter().all(|(_, now, _)| *now == tag),
                "{next} {writes}: {:?}",
                world.runs()
            );
            assert!(!has_record(&world).await);
            match landed {
                true => finished += 1,
                false => {
                    undone += 1;
                    assert_eq!(everything(&world).await, before, "{next} after write {writes}");
                }
            }
        }
    }
    assert!(undone > 30 && finished >= 6, "{undone} undone, {finished} finished");
}

#[tokio::test]
async fn an_undo_that_dies_at_any_write_is_undone_by_the_next_operation() {
    for writes in 14.. {
        let world = World::new();
        let (first, bad) = (commit(&world, 1, ""), commit(&world, 2, "crash-loop"));
        deploy(&world.pipeline(), &first).await.unwrap();
        let before = everything(&world).await;
        let died = die(&world, &bad, writes, false).await;
        world.pipeline().rollback(&shop(), &caller(), &Progress::silent()).await.unwrap();
        assert_eq!(everything(&world).await, before, "after write {writes}");
        if !died {
            assert!(writes > 24, "five objects and the record: {writes}");
            break;
        }
    }
}

#[tokio::test]
async fn a_deploy_of_the_same_version_finishes_what_another_began() {
    for writes in 0.. {
        let world = World::new();
        let (first, second) = (commit(&world, 1, ""), commit(&world, 2, ""));
        deploy(&world.pipeline(), &first).await.unwrap();
        let died = die(&world, &second, writes, false).await;
        let before = world.runs();
        deploy(&world.pipeline(), &second).await.unwrap();
        let restarted =
            world.runs().iter().all(|(_, now, rollouts)| *now == tag(&second).to_string() && *rollouts == 2);
        assert!(restarted, "no pods were made twice: {before:?}, {:?}", world.runs());
        assert!(!has_record(&world).await);
        if !died {
            break;
        }
    }
}

#[tokio::test]
async fn a_deploy_that_finishes_another_and_fails_goes_back_to_what_was_before_both() {
    let world = World::new();
    let (first, bad) = (commit(&world, 1, ""), commit(&world, 2, "crash-loop"));
    deploy(&world.pipeline(), &first).await.unwrap();
    let before = everything(&world).await;
    assert!(die(&world, &bad, 7, false).await);
    deploy(&world.pipeline(), &bad).await.unwrap_err();
    assert_eq!(everything(&world).await, before);
}

#[tokio::test]
async fn a_promotion_that_dies_leaves_the_canary_and_stable_as_it_was() {
    let world = World::new();
    let (first, second) = (commit(&world, 1, ""), commit(&world, 2, ""));
    deploy(&world.pipeline(), &first).await.unwrap();
    let before = everything(&world).await;
    canary(&world.pipeline(), &second).await.unwrap();
    assert!(die(&world, &second, 9, true).await);
    let done = world.pipeline().rollback(&shop(), &caller(), &Progress::silent()).await.unwrap();
    assert!(done.canary.is_some() && done.warnings[0].contains("undone"), "{done:?}");
    assert_eq!(everything(&world).await, before);
}

#[tokio::test]
async fn a_damaged_record_stops_everything_and_says_its_name() {
    let world = World::new();
    let (first, second) = (commit(&world, 1, ""), commit(&world, 2, ""));
    deploy(&world.pipeline(), &first).await.unwrap();
    assert!(die(&world, &second, 9, false).await);
    let damage = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "nprt-undo-shop"},
        "data": {"record": "aHVudGVyMg=="}});
    world.cluster.apply_as("somebody", &Object::new(damage).unwrap()).unwrap();
    let error = deploy(&world.pipeline(), &first).await.unwrap_err();
    let said = error.to_string();
    assert!(said.contains("Secret/nprt-undo-shop") && !said.contains("hunter"), "{said}");
}

//! What is due without anybody asking.

use std::sync::Arc;

use nprt_core::model::{Object, Revision};
use nprt_core::ports::{Cluster, Purpose, Task};
use nprt_manifest::Replicas;
use nprt_pipeline::{Event, Pipeline, PipelineSettings, Progress, Service, Tended};
use serde_json::{Value, json};

use crate::faulty::Faulty;
use crate::world::{World, caller, canary, deploy, request, shop, told};

fn sharing(world: &World, share: f64) -> Pipeline {
    let mut service = Service::new(shop());
    service.transform.canary.replicas = Replicas::Share(share);
    let pipeline = Pipeline::new("test", world.clock.clone(), PipelineSettings::default()).unwrap();
    pipeline.with_service(service, world.ports()).unwrap()
}

async fn on_trial(world: &World, pipeline: &Pipeline) -> Revision {
    deploy(pipeline, &world.version(1)).await.unwrap();
    let trial = world.version(2);
    canary(pipeline, &trial).await.unwrap();
    trial
}

async fn tend(pipeline: &Pipeline) -> Tended {
    pipeline.tend(&shop(), &caller(), &Progress::silent()).await.unwrap()
}

fn deployment(world: &World, name: &str) -> Object {
    let objects = world.objects();
    objects.into_iter().find(|o| o.kind() == "Deployment" && o.name() == name).unwrap()
}

fn replicas(world: &World, name: &str) -> u64 {
    deployment(world, name).as_value()["spec"]["replicas"].as_u64().unwrap()
}

/// As `kubectl scale` and an autoscaler do.
fn scale(world: &World, name: &str, replicas: u64) {
    let mut object = deployment(world, name);
    let metadata = json!({"name": name, "namespace": "shop"});
    object.as_value_mut()["metadata"] = metadata;
    object.as_value_mut()["spec"] = json!({"replicas": replicas});
    world.cluster.apply_as("kubectl", &object).unwrap();
}

#[tokio::test]
async fn a_share_of_stable_is_kept_in_step_by_any_replica() {
    let world = World::new();
    // The replica knows nothing of the share: the canary says it.
    let (pipeline, replica) = (sharing(&world, 0.5), world.pipeline());
    on_trial(&world, &pipeline).await;
    assert_eq!((replicas(&world, "web"), replicas(&world, "web-canary")), (3, 2));
    let before = world.objects();
    let nothing = tend(&replica).await;
    assert!(nothing.scaled.is_empty() && nothing.busy.is_none() && nothing.expired.is_none(), "{nothing:?}");
    assert_eq!(world.objects(), before, "not even a resource version");

    let (pods, trial) = (world.workload("web-canary").unwrap().rollouts, |world: &World| {
        deployment(world, "web-canary").as_value()["metadata"]["annotations"].clone()
    });
    let says = trial(&world);
    for (stable, expected) in [(9, 5), (10, 5), (1, 1), (0, 1), (30, 15)] {
        let was = replicas(&world, "web-canary");
        scale(&world, "web", stable);
        let (done, events) = told(async |progress| replica.tend(&shop(), &caller(), &progress).await).await;
        assert_eq!(replicas(&world, "web-canary"), expected, "half of {stable}");
        let scaled = done.unwrap().scaled;
        assert_eq!(scaled.len(), usize::from(was != expected), "{scaled:?}");
        assert!(scaled.iter().all(|one| (one.from, one.to) == (was, expected)), "{scaled:?}");
        let event = |event: &Event| matches!(event, Event::Scaled { to, .. } if *to == expected);
        assert_eq!(events.iter().filter(|e| event(e)).count(), scaled.len(), "{events:?}");
    }
    assert_eq!(replicas(&world, "worker-canary"), 1, "each beside its own");
    assert_eq!(world.workload("web-canary").unwrap().rollouts, pods, "no pod was replaced");
    assert_eq!(trial(&world), says, "its trial goes on");
}

#[tokio::test]
async fn what_somebody_else_has_set_or_nobody_asked_for_stays() {
    let world = World::new();
    let pipeline = sharing(&world, 0.5);
    on_trial(&world, &pipeline).await;
    scale(&world, "web-canary", 7);
    scale(&world, "web", 20);
    let before = world.objects();
    assert!(tend(&pipeline).await.scaled.is_empty());
    assert_eq!(world.objects(), before);
    // A canary of a count says no share.
    let world = World::new();
    let pipeline = world.pipeline();
    on_trial(&world, &pipeline).await;
    scale(&world, "web", 20);
    assert!(tend(&pipeline).await.scaled.is_empty());
    assert_eq!(replicas(&world, "web-canary"), 1);
}

#[tokio::test]
async fn a_share_that_nobody_can_read_is_an_error_that_says_where() {
    let world = World::new();
    let pipeline = sharing(&world, 0.5);
    on_trial(&world, &pipeline).await;
    let mut said = deployment(&world, "web-canary");
    said.as_value_mut()["metadata"]["annotations"]["nprt.dev/replicas-share"] = json!("half");
    world.cluster.apply_as("kubectl", &said).unwrap();
    let error = pipeline.tend(&shop(), &caller(), &Progress::silent()).await.unwrap_err();
    assert!(error.is_invalid() && error.to_string().contains("Deployment/shop/web-canary"), "{error}");
}

#[tokio::test]
async fn whoever_holds_the_lease_is_not_disturbed() {
    let world = World::new();
    let pipeline = sharing(&world, 0.5);
    on_trial(&world, &pipeline).await;
    scale(&world, "web", 20);
    let lease = world.leased(Purpose::new(Task::Deploy, "ada")).await;
    // What is half done is not due as soon as the other has ended, who may be followed by the next.
    let faulty = Faulty { ends: Some(lease.clone()).into(), ..Faulty::new(&world) };
    let ports = nprt_pipeline::Ports { cluster: Arc::new(faulty), ..world.ports() };
    let busy = tend(&world.pipeline_over(ports)).await;
    assert!(busy.busy.as_ref().is_some_and(|busy| busy.contains("ada is deploying")), "{busy:?}");
    assert_eq!(replicas(&world, "web-canary"), 2);
    world.cluster.release(&lease).await.unwrap();
    assert_eq!(tend(&pipeline).await.scaled.len(), 1);
    assert_eq!(replicas(&world, "web-canary"), 10);
}

#[tokio::test]
async fn a_canary_whose_time_is_over_goes_and_is_not_scaled() {
    let world = World::new();
    let pipeline = sharing(&world, 0.5);
    let trial = on_trial(&world, &pipeline).await;
    scale(&world, "web", 20);
    world.wait(24 * 3600).await;
    let done = tend(&world.pipeline()).await;
    assert!(done.scaled.is_empty(), "{done:?}");
    assert_eq!(done.expired.unwrap().canary.unwrap().revision, Some(trial));
    assert!(world.notifier.told().last().unwrap().summary.contains("expired"));
    assert_eq!(world.runs().len(), 2);
    assert!(tend(&pipeline).await.expired.is_none(), "once");
}

#[tokio::test]
async fn a_deploy_whose_process_died_is_undone() {
    let world = World::new();
    let pipeline = world.pipeline();
    let (first, second) = (world.version(1), world.version(2));
    deploy(&pipeline, &first).await.unwrap();
    let before: Vec<Value> = world.objects().iter().map(|object| object.as_value()["spec"].clone()).collect();
    // It dies at its fourth write: the record is there, and some of its objects are.
    let mut faulty = Faulty::new(&world);
    faulty.writes = Some(8.into());
    let ports = nprt_pipeline::Ports { cluster: Arc::new(faulty), ..world.ports() };
    let dies = world.pipeline_over(ports);
    let (service, version, progress) = (shop(), request(&second), Progress::silent());
    {
        let deploy = std::pin::pin!(dies.deploy(&service, &version, &progress));
        let time = std::pin::pin!(tokio::time::sleep(std::time::Duration::from_millis(200)));
        let ended = futures_util::future::select(deploy, time).await;
        assert!(matches!(ended, futures_util::future::Either::Right(_)), "it was under way");
    }
    assert!(world.objects().len() > before.len(), "there is a record");
    world.wait(31).await;
    let done = tend(&pipeline).await;
    assert!(done.undone.as_ref().is_some_and(|what| what.contains(&second.to_string())), "{done:?}");
    let after: Vec<Value> = world.objects().iter().map(|object| object.as_value()["spec"].clone()).collect();
    assert_eq!(after, before);
    assert!(world.notifier.told().last().unwrap().summary.contains("undone"));
    assert!(tend(&pipeline).await.undone.is_none(), "once");
}

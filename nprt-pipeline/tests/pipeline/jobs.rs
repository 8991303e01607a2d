//! Jobs that run before or after the workloads of a version.

use nprt_core::ErrorKind;
use nprt_core::model::{Revision, Track};
use nprt_pipeline::{Event, Progress};

use crate::world::{WEB, World, caller, canary, deploy, manifests, promote, request, shop, tag, told};

/// A Job that is run so, with pods that behave so.
fn job(name: &str, run: &str, behaviour: &str) -> String {
    format!(
        r#"
---
apiVersion: batch/v1
kind: Job
metadata: {{name: {name}, annotations: {{nprt.dev/run: "{run}"}}}}
spec:
  template:
    metadata: {{annotations: {{sim/behaviour: "{behaviour}"}}}}
    spec: {{restartPolicy: Never, containers: [{{name: {name}, image: {WEB}}}]}}
"#
    )
}

fn commit(world: &World, manifests: &str) -> Revision {
    let revision = world.commit(manifests);
    world.push(&revision);
    revision
}

/// Version `n` with two Jobs before, one after, all of which succeed.
fn version(world: &World, n: u32) -> Revision {
    let jobs = job("warm", "after", "") + &job("migrate", "before", "") + &job("seed", "before", "");
    commit(world, &(manifests(n, "") + &jobs))
}

/// The Jobs in the cluster: the name of the manifest, and the tag.
fn jobs(world: &World) -> Vec<(String, String)> {
    let view = world.cluster.view().workloads.into_iter().filter(|workload| workload.id.kind == "Job");
    let name =
        |name: String| name.rsplit_once('-').map(|(name, hash)| (name.to_owned(), hash.len())).unwrap();
    let job = |job: nprt_memory::WorkloadView| {
        let (name, hash) = name(job.id.name);
        assert_eq!(hash, 8);
        (name, job.tag.unwrap())
    };
    view.map(job).collect()
}

fn of(names: &[&str], revision: &Revision) -> Vec<(String, String)> {
    names.iter().map(|name| ((*name).to_owned(), tag(revision).to_string())).collect()
}

/// What was applied and how each Job and workload ended, in order, by kind and the name's beginning.
fn order(events: &[Event]) -> Vec<String> {
    let short = |id: &nprt_core::model::ObjectId| {
        format!("{}/{}", id.kind, id.name.split('-').next().unwrap_or_default())
    };
    let step = |event: &Event| match event {
        Event::Applied { object, .. } => Some(short(object)),
        Event::Rollout { workload, updated, desired, message }
            if updated == desired && message.contains("succeeded") =>
        {
            Some(format!("{} ended", short(workload)))
        }
        Event::Rollout { workload, updated, desired, .. } if updated == desired => {
            Some(format!("{} ready", short(workload)))
        }
        _ => None,
    };
    events.iter().filter_map(step).collect()
}

#[tokio::test]
async fn jobs_run_before_and_after_the_workloads() {
    let world = World::new();
    let (first, pipeline) = (version(&world, 1), world.pipeline());
    let (done, events) =
        told(async |progress| pipeline.deploy(&shop(), &request(&first), &progress).await).await;
    let done = done.unwrap();
    let steps = order(&events);
    let at = |step: &str| {
        steps.iter().position(|other| other == step).unwrap_or_else(|| panic!("{step}: {steps:?}"))
    };
    let in_order = ["ConfigMap/web", "Job/migrate", "Job/migrate ended", "Job/seed", "Job/seed ended"];
    let then = ["Deployment/web", "Deployment/web ready", "Job/warm", "Job/warm ended"];
    let places: Vec<usize> = in_order.iter().chain(&then).map(|step| at(step)).collect();
    assert!(places.is_sorted(), "{steps:?}");
    assert!(at("Deployment/worker ready") < at("Job/warm"), "{steps:?}");
    assert_eq!((done.applied.len(), done.removed), (7, vec![]));
    assert_eq!(jobs(&world), of(&["migrate", "seed", "warm"], &first));

    // Of the same version none runs again, and nothing is written.
    let before = world.objects();
    deploy(&pipeline, &first).await.unwrap();
    assert_eq!(world.objects(), before);

    // Those of the earlier version go at the end.
    let second = version(&world, 2);
    let preview =
        pipeline.preview(&shop(), &request(&second), Track::Stable, &Progress::silent()).await.unwrap();
    let done = deploy(&pipeline, &second).await.unwrap();
    assert_eq!((done.removed.len(), &done.warnings), (3, &vec![]), "{done:?}");
    assert_eq!(preview.removed.len(), 3, "{preview:?}");
    assert_eq!(jobs(&world), of(&["migrate", "seed", "warm"], &second));
    let status = pipeline.status(&shop()).await.unwrap();
    assert_eq!(status.stable.unwrap().objects.len(), 2, "what has run does not run");
    // Also when the manifests hold none any more. Others' stay.
    let theirs = nprt_core::model::Object::new(serde_json::json!({"apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": "theirs", "annotations": {"nprt.dev/run": "before"}},
        "spec": {"template": {"spec": {"containers": [{"name": "a", "image": "a"}]}}}}));
    world.cluster.apply_as("kubectl", &theirs.unwrap()).unwrap();
    let done = deploy(&pipeline, &world.version(3)).await.unwrap();
    assert_eq!((done.removed.len(), &done.warnings), (3, &vec![]), "{done:?}");
    let left = world.cluster.view().workloads.into_iter().filter(|workload| workload.id.kind == "Job");
    assert_eq!(left.map(|job| job.id.name).collect::<Vec<_>>(), ["theirs"]);
}

#[tokio::test]
async fn a_job_that_fails_fails_the_deploy_and_all_goes_back() {
    let world = World::new();
    let (first, pipeline) = (version(&world, 1), world.pipeline());
    deploy(&pipeline, &first).await.unwrap();
    let before = (world.runs(), jobs(&world), world.objects().len());
    for (run, web) in [("before", 0), ("after", 2)] {
        let bad = manifests(2, "") + &job("migrate", run, "fail");
        let (done, events) =
            told(async |progress| pipeline.deploy(&shop(), &request(&commit(&world, &bad)), &progress).await)
                .await;
        let error = done.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RolloutFailed, "{error}");
        let said = error.to_string();
        for part in
            ["the Job failed", "container migrate: Error (code 1)", "workload: Job/migrate-", "undone: "]
        {
            assert!(said.contains(part), "{run}: {part}: {said}");
        }
        assert_eq!((jobs(&world), world.objects().len()), (before.1.clone(), before.2), "{run}");
        let changed = events
            .iter()
            .filter(|event| matches!(event, Event::Applied { object, .. } if object.kind == "Deployment"));
        assert_eq!(changed.count(), web, "{run}: workloads change only after what runs before");
        let config = world.objects().into_iter().find(|object| object.kind() == "ConfigMap").unwrap();
        assert_eq!(config.as_value()["data"]["n"], "1", "{run}");
    }
    assert_eq!(world.workload("web").unwrap().tag.unwrap(), tag(&first).to_string());
}

#[tokio::test]
async fn a_job_that_does_not_end_is_given_up_and_deleted() {
    let world = World::new();
    let (first, pipeline) = (version(&world, 1), world.pipeline());
    deploy(&pipeline, &first).await.unwrap();
    let hangs = commit(&world, &(manifests(2, "") + &job("migrate", "before", "never-ready")));
    let error = deploy(&pipeline, &hangs).await.unwrap_err();
    assert!(error.to_string().contains("not complete after 600 s"), "{error}");
    assert_eq!(jobs(&world), of(&["migrate", "seed", "warm"], &first));
}

#[tokio::test]
async fn a_rollback_while_a_job_runs_deletes_it() {
    let world = World::new();
    let first = version(&world, 1);
    deploy(&world.pipeline(), &first).await.unwrap();
    let hangs = commit(&world, &(manifests(2, "") + &job("migrate", "before", "never-ready")));
    let under_way = tokio::spawn({
        let (pipeline, hangs) = (world.pipeline(), hangs.clone());
        async move { deploy(&pipeline, &hangs).await }
    });
    while jobs(&world).len() < 4 {
        tokio::task::yield_now().await;
    }
    let done = world.pipeline().rollback(&shop(), &caller(), &Progress::silent()).await.unwrap();
    assert!(done.warnings[0].contains("undone"), "{done:?}");
    assert!(under_way.await.unwrap().unwrap_err().is_cancelled());
    assert_eq!(jobs(&world), of(&["migrate", "seed", "warm"], &first));
}

/// The deployer dies while the Job runs, or after it failed.
#[tokio::test]
async fn a_deploy_that_goes_on_waits_for_a_job_that_runs_and_repeats_one_that_failed() {
    for (behaviour, wait) in [("", 0), ("fail", 60)] {
        let world = World::new();
        deploy(&world.pipeline(), &world.version(1)).await.unwrap();
        let second = commit(&world, &(manifests(2, "") + &job("migrate", "before", behaviour)));
        let dies = tokio::spawn({
            let (pipeline, second) = (world.pipeline(), second.clone());
            async move { deploy(&pipeline, &second).await }
        });
        while jobs(&world).is_empty() {
            tokio::task::yield_now().await;
        }
        dies.abort();
        assert!(dies.await.is_err());
        world.wait(60 + wait).await;
        let uid = |world: &World| {
            let job = world.objects().into_iter().find(|object| object.kind() == "Job");
            job.map(|job| job.as_value()["metadata"]["uid"].clone())
        };
        let before = uid(&world).unwrap();
        let pipeline = world.pipeline();
        let (done, events) =
            told(async |progress| pipeline.deploy(&shop(), &request(&second), &progress).await).await;
        if behaviour.is_empty() {
            done.unwrap();
            assert_eq!(uid(&world), Some(before), "it ran once");
        } else {
            done.unwrap_err();
            assert!(events.iter().any(|event| event.to_string().contains("runs anew")), "{events:?}");
            assert_eq!(uid(&world), None, "undone");
        }
    }
}

#[tokio::test]
async fn a_canary_runs_none_and_its_promotion_does() {
    let world = World::new();
    let (first, pipeline) = (version(&world, 1), world.pipeline());
    deploy(&pipeline, &first).await.unwrap();
    let second = version(&world, 2);
    let done = canary(&pipeline, &second).await.unwrap();
    assert_eq!(done.withheld.iter().filter(|id| id.kind == "Job").count(), 3, "{done:?}");
    let said: Vec<_> = done.warnings.iter().filter(|said| said.contains("runs with the promotion")).collect();
    assert_eq!(said.len(), 3, "{done:?}");
    assert_eq!(jobs(&world), of(&["migrate", "seed", "warm"], &first));
    promote(&pipeline, &second).await.unwrap();
    assert_eq!(jobs(&world), of(&["migrate", "seed", "warm"], &second));
}

/// One that was applied before its manifest said when to run it.
#[tokio::test]
async fn a_job_that_was_not_run_makes_way() {
    let world = World::new();
    let plain = job("migrate", "before", "").replace("nprt.dev/run", "example.com/run");
    deploy(&world.pipeline(), &commit(&world, &(manifests(1, "") + &plain))).await.unwrap();
    world.wait(10).await;
    let second = commit(&world, &(manifests(2, "") + &job("migrate", "before", "")));
    let done = deploy(&world.pipeline(), &second).await.unwrap();
    assert_eq!(done.removed.len(), 1, "{done:?}");
    assert_eq!(jobs(&world), of(&["migrate"], &second));
}

#[tokio::test]
async fn what_the_annotation_may_not_say_is_refused() {
    let world = World::new();
    let long = "x".repeat(55);
    let deployment =
        manifests(1, "").replacen("{name: web}", "{name: web, annotations: {nprt.dev/run: after}}", 1);
    for (manifests, said) in [
        (manifests(1, "") + &job("migrate", "during", ""), "expected `before` or `after`"),
        (manifests(1, "") + &job(&long, "before", ""), "too long"),
        (deployment, "only a Job"),
    ] {
        let error = deploy(&world.pipeline(), &commit(&world, &manifests)).await.unwrap_err();
        assert!(error.is_invalid() && error.to_string().contains(said), "{error}");
        assert!(error.to_string().contains("kubernetes/shop.yaml"), "{error}");
    }
    assert_eq!(world.objects(), []);
}

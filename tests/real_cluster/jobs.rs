//! Jobs that run before or after the workloads, on real controllers.

use std::time::Duration;

use nprt::ErrorKind;
use nprt::model::Revision;
use serde_json::Value;

use crate::world::{World, manifests, tag};

/// A Job that is run so, as an account and with a Secret that come with it. Its pods behave so.
fn job(name: &str, run: &str, behaviour: &str) -> String {
    format!(
        r#"
---
apiVersion: batch/v1
kind: Job
metadata: {{name: {name}, annotations: {{nprt.dev/run: {run}}}}}
spec:
  backoffLimit: 0
  template:
    metadata: {{annotations: {{sim/behaviour: "{behaviour}"}}}}
    spec:
      restartPolicy: Never
      serviceAccountName: migrate
      containers: [{{name: {name}, image: registry.invalid/shop/worker, envFrom: [{{secretRef: {{name: db}}}}]}}]
"#
    )
}

fn commit(world: &World, n: usize, jobs: &str) -> Revision {
    let more = "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: migrate}\n\
        ---\napiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {password: hunter2}\n";
    world.commit(&(manifests(n, "") + jobs + more))
}

/// The Jobs, by name; with their status.
async fn jobs(world: &World) -> Vec<Value> {
    let list = world.kubectl(&["get", "jobs", "-o", "json"]).await;
    let list: Value = serde_json::from_str(&list).unwrap();
    list["items"].as_array().unwrap().clone()
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn tags(jobs: &[Value]) -> Vec<&str> {
    jobs.iter().map(|job| text(job, "/metadata/annotations/nprt.dev~1tag")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_run_once_a_version_around_its_workloads() {
    let Some(world) = World::new("jobs").await else { return };
    let process = world.process().await;
    let both = job("migrate", "before", "") + &job("warm", "after", "");
    let (first, second) = (commit(&world, 1, &both), commit(&world, 2, &both));
    process.deploy(&first).await.unwrap();
    let [migrate, warm] = &jobs(&world).await[..] else { panic!("two Jobs") };
    // Times are whole seconds.
    let deployments = world.objects("deployments").await;
    let created = text(&deployments[0], "/metadata/creationTimestamp");
    let ended = text(migrate, "/status/completionTime");
    assert!(!ended.is_empty() && ended <= created, "{ended} {created}");
    let pods = world.kubectl(&["get", "pods", "-l", "app=web", "-o", "json"]).await;
    let pods: Value = serde_json::from_str(&pods).unwrap();
    for pod in pods["items"].as_array().unwrap() {
        let ready = pod["status"]["conditions"].as_array().unwrap().iter().find(|c| c["type"] == "Ready");
        let ready = text(ready.unwrap(), "/lastTransitionTime");
        assert!(ready <= text(warm, "/metadata/creationTimestamp"), "{ready} {warm}");
    }
    assert!(!text(warm, "/status/completionTime").is_empty());

    process.deploy(&first).await.unwrap();
    assert_eq!(jobs(&world).await, [migrate.clone(), warm.clone()], "none ran again");

    let done = process.canary(&second).await.unwrap();
    assert_eq!(done.withheld.iter().filter(|id| id.kind == "Job").count(), 2, "{done:?}");
    assert_eq!(tags(&jobs(&world).await), [tag(&first), tag(&first)]);
    let done = process.promote(&second).await.unwrap();
    assert_eq!(done.removed.iter().filter(|id| id.kind == "Job").count(), 2, "{done:?}");
    let after = jobs(&world).await;
    assert_eq!(tags(&after), [tag(&second), tag(&second)]);
    assert!(after.iter().all(|job| !text(job, "/status/completionTime").is_empty()), "{after:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_fails_or_is_cancelled_undoes_the_deploy() {
    let Some(world) = World::new("jobs-fail").await else { return };
    let (process, other) = (world.process().await, world.process().await);
    let first = commit(&world, 1, &job("migrate", "before", ""));
    process.deploy(&first).await.unwrap();
    let kinds = "deployments,configmaps,services,jobs";
    let data = |mut objects: Vec<Value>| {
        for object in &mut objects {
            object["metadata"]["resourceVersion"].take();
            object["metadata"]["generation"].take();
            // The controller counts.
            object["metadata"]["annotations"]["deployment.kubernetes.io/revision"].take();
            // Whoever takes the lease from somebody marks the objects.
            object["metadata"]["annotations"]["nprt.dev/epoch"].take();
        }
        objects
    };
    let before = data(world.objects(kinds).await);
    for run in ["before", "after"] {
        let bad = commit(&world, 2, &job("migrate", run, "fail"));
        let error = process.deploy(&bad).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RolloutFailed, "{error}");
        let text = error.to_string();
        let log = "its log ends: starting | reading /etc/app/config.yaml | panic";
        for part in
            ["Job/migrate-", "BackoffLimitExceeded", "container migrate: Error (code 1)", log, "undone: "]
        {
            assert!(text.contains(part), "{run}: {part:?} is not in {text}");
        }
        assert!(!text.contains("hunter2"), "{text}");
        assert_eq!(data(world.objects(kinds).await).len(), before.len(), "{run}");
    }
    assert_eq!(tags(&jobs(&world).await), [tag(&first)]);
    let n = world.kubectl(&["get", "configmap", "web", "-o", "jsonpath={.data.n}"]).await;
    assert_eq!(n, "1");

    let hangs = commit(&world, 3, &job("migrate", "before", "never-ready"));
    let under_way = tokio::spawn({
        let (process, hangs) = (process.clone(), hangs.clone());
        async move { process.deploy(&hangs).await }
    });
    while !jobs(&world).await.iter().any(|job| job["status"]["active"] == 1) {
        assert!(!under_way.is_finished(), "{:?}", under_way.await);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let done = other.rollback().await.unwrap();
    assert!(done.warnings[0].contains("undone"), "{done:?}");
    let error = tokio::time::timeout(Duration::from_secs(10), under_way).await.unwrap().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
    assert_eq!(tags(&jobs(&world).await), [tag(&first)]);
    assert_eq!(data(world.objects(kinds).await), before, "all is as it was");
}

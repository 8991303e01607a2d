//! One operation after the other.

use std::time::Duration;

use nprt::ErrorKind;
use nprt::ports::Change;

use crate::world::{World, manifests, tag};

fn of(names: &[&str], tag: &str) -> Vec<(String, String)> {
    names.iter().map(|name| ((*name).to_owned(), tag.to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn deploys_tries_promotes_and_rolls_back() {
    let Some(world) = World::new("flow").await else { return };
    let process = world.process().await;
    let [first, second, third] = [1, 2, 3].map(|n| world.commit(&manifests(n, "")));

    process.deploy(&first).await.unwrap();
    assert_eq!(world.runs().await, of(&["web", "worker"], &tag(&first)));
    let (stable, configuration) = (world.pods("stable").await, world.objects("configmaps").await);
    assert_eq!(stable.len(), 3);

    process.canary(&second).await.unwrap();
    let all = [of(&["web"], &tag(&first)), of(&["web-canary"], &tag(&second))].concat();
    assert_eq!(world.runs().await[..2], all);
    assert_eq!(world.pods("stable").await, stable, "no stable pod was restarted");
    // The canary reads a copy; what stable reads was not even written.
    let configs = world.objects("configmaps").await;
    let names: Vec<_> = configs.iter().map(|config| config["metadata"]["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["web", "web-canary"]);
    assert_eq!((&configs[0], &configs[1]["data"]["n"]), (&configuration[0], &"2".into()));
    let reads = [
        "get",
        "deployments",
        "web",
        "web-canary",
        "-o",
        "jsonpath={.items[*].spec.template.spec.containers[0].envFrom[0].configMapRef.name}",
    ];
    assert_eq!(world.kubectl(&reads).await, "web web-canary");
    let endpoints = ["get", "endpoints", "web", "-o", "jsonpath={.subsets[*].addresses[*].targetRef.name}"];
    let endpoints = world.kubectl(&endpoints).await;
    assert_eq!(
        endpoints.matches("web-").count() - endpoints.matches("web-canary-").count(),
        2,
        "{endpoints}"
    );
    assert!(endpoints.contains("web-canary-"), "the Service has a pod of the canary: {endpoints}");

    // Asked again, nothing is written: the trial goes on from when it was started.
    let (deployments, canary) = (world.objects("deployments").await, world.pods("canary").await);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let again = process.canary(&second).await.unwrap();
    assert!(again.applied.iter().all(|applied| applied.change == Change::Unchanged), "{again:?}");
    let started =
        |objects: &[serde_json::Value]| objects[1]["metadata"]["annotations"]["nprt.dev/started"].clone();
    assert!(started(&deployments).is_string());
    assert_eq!(world.objects("deployments").await, deployments, "its start neither");
    assert_eq!(world.pods("canary").await, canary);
    // Somebody takes a label away: it is written anew, no pod is replaced, and the trial goes on.
    world
        .kubectl(&["label", "deployment", "web-canary", "--field-manager=nprt", "app.kubernetes.io/version-"])
        .await;
    let again = process.canary(&second).await.unwrap();
    assert!(again.applied.iter().any(|applied| applied.change == Change::Configured), "{again:?}");
    assert_eq!(started(&world.objects("deployments").await), started(&deployments));
    assert_eq!(world.pods("canary").await, canary);

    process.promote(&second).await.unwrap();
    assert_eq!(world.runs().await, of(&["web", "worker"], &tag(&second)));
    assert_eq!(world.objects("configmaps").await.len(), 1);
    assert!(world.pods("stable").await.is_disjoint(&stable), "all pods are new");

    // The message of the stable version is a rollback: the canary goes, and no pod restarts.
    process.canary(&third).await.unwrap();
    let (stable, before) = (world.pods("stable").await, world.objects("deployments").await);
    let done = process.deploy(&second).await.unwrap();
    assert!(done.applied.iter().all(|applied| applied.change == Change::Unchanged), "{done:?}");
    assert_eq!(done.removed.len(), 3, "{done:?}");
    assert_eq!(world.pods("stable").await, stable);
    let mut after = world.objects("deployments").await;
    after.retain(|object| !object["metadata"]["name"].as_str().unwrap().ends_with("-canary"));
    assert_eq!((after.len(), world.objects("deployments").await.len()), (2, 2));
    assert!(after.iter().all(|object| before.contains(object)), "not even a resource version");

    process.canary(&third).await.unwrap();
    let done = process.rollback().await.unwrap();
    assert_eq!((done.removed.len(), done.canary.unwrap().revision), (3, Some(third.clone())));
    assert_eq!((world.pods("stable").await, world.objects("configmaps").await.len()), (stable, 1));
    let error = process.promote(&third).await.unwrap_err();
    assert!(error.is_conflict() && error.to_string().contains("rolled back"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_refuses_changes_nothing() {
    let Some(world) = World::new("refused").await else { return };
    let process = world.process().await;
    let first = world.commit(&manifests(1, ""));
    process.deploy(&first).await.unwrap();
    let kinds = "deployments,services,configmaps";
    let before = (world.objects(kinds).await, world.pods("stable").await);
    let wrong = world.commit(
        &manifests(2, "").replace("containers: [{name: worker", "containers: [{nmae: x, name: worker"),
    );
    for error in [process.deploy(&wrong).await.unwrap_err(), process.canary(&wrong).await.unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Rejected, "{error}");
        assert!(error.to_string().contains("nmae") && error.to_string().contains("worker"), "{error}");
    }
    assert_eq!((world.objects(kinds).await, world.pods("stable").await), before);
    assert_eq!(process.operation().await, None, "the lease was given back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_that_fails_is_removed_and_says_why() {
    let Some(world) = World::new("failing").await else { return };
    let process = world.process().await;
    let first = world.commit(&manifests(1, ""));
    process.deploy(&first).await.unwrap();
    let before = (world.objects("deployments,configmaps").await, world.pods("stable").await);
    let crashing =
        manifests(2, "crash-loop").replace("  replicas: 2", "  replicas: 2\n  progressDeadlineSeconds: 3");
    let error = process.canary(&world.commit(&crashing)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RolloutFailed, "{error}");
    let said = error.to_string();
    assert!(said.contains("web-canary") && said.contains("CrashLoopBackOff"), "{said}");
    assert_eq!((world.objects("deployments,configmaps").await, world.pods("stable").await), before);
}

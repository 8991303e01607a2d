//! Manifests with `generateName`: a Job that nprt runs gets a name of each version, all else a clear error.

use crate::answer::Answer as _;
use crate::world::{World, manifests};

fn job(metadata: &str) -> String {
    format!(
        "---\napiVersion: batch/v1\nkind: Job\nmetadata: {{{metadata}}}\nspec:\n  template:\n    spec: {{restartPolicy: Never, \
         containers: [{{name: migrate, image: registry.invalid/shop/worker}}]}}\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_run_has_a_name_of_each_version() {
    let Some(world) = World::new("generate").await else { return };
    let nprt = world.process().await;
    let run = job("generateName: migrate-, annotations: {nprt.dev/run: before}");
    let first = world.commit(&(manifests(1, "") + &run));
    nprt.deploy(&first).await.accepted();
    let jobs = world.items("jobs", "nprt.dev/service=shop").await;
    let [first_job] = &jobs[..] else { panic!("one Job: {jobs:?}") };
    let name = first_job["metadata"]["name"].as_str().unwrap().to_owned();
    assert!(name.len() == "migrate-12345678".len() && name.starts_with("migrate-"), "{name}");
    assert!(first_job["metadata"]["generateName"].is_null(), "{first_job}");
    assert_eq!(first_job["status"]["succeeded"], 1);

    nprt.deploy(&first).await.accepted();
    let again = world.items("jobs", "nprt.dev/service=shop").await;
    assert_eq!(again[0]["metadata"]["uid"], first_job["metadata"]["uid"], "it did not run again");

    nprt.deploy(&world.commit(&(manifests(2, "") + &run))).await.accepted();
    let next = world.items("jobs", "nprt.dev/service=shop").await;
    assert!(next.iter().any(|job| job["metadata"]["name"] != name.as_str()), "{next:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn anything_else_is_refused() {
    let Some(world) = World::new("generate-else").await else { return };
    let nprt = world.process().await;
    let pod = "---\n{apiVersion: v1, kind: Pod, metadata: {generateName: p-}, spec: {containers: [{name: a, image: a:1}]}}\n";
    let map = "---\n{apiVersion: v1, kind: ConfigMap, metadata: {generateName: m-, annotations: {nprt.dev/run: before}}}\n";
    for (bad, kind) in
        [(job("generateName: migrate-"), "Job"), (pod.to_owned(), "Pod"), (map.to_owned(), "ConfigMap")]
    {
        let words = ["`generateName`", "nprt.dev/run", "`name`", "document: 5", kind];
        nprt.deploy(&world.commit(&(manifests(1, "") + &bad))).await.refused_with(&words);
    }
    let empty = job("generateName: \"-\", annotations: {nprt.dev/run: before}");
    nprt.deploy(&world.commit(&(manifests(1, "") + &empty))).await.refused_with(&["a name before its dash"]);
    assert!(world.objects("deployments,jobs").await.is_empty(), "nothing was applied");
}

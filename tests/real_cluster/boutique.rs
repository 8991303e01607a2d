//! Google's Online Boutique: twelve workloads at once, as its authors publish them.

use std::collections::BTreeSet;
use std::path::Path;

use nprt::manifest::{self, Settings};
use nprt::model::{RepoPath, Revision, SourceFile};
use nprt::ports::Change;
use serde_json::Value;

use crate::world::{World, tag};

/// All kinds that it has, and configuration, of which a canary may have copies.
const KINDS: &str = "deployments,services,serviceaccounts,configmaps,secrets";
/// A fixed image of others', which no version of the shop changes.
const REDIS: &str = "redis-cart";

fn files() -> Vec<SourceFile> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("nprt-shop/online-boutique");
    let file = |entry: std::fs::DirEntry| SourceFile {
        path: RepoPath::new(&entry.file_name().into_string().unwrap()).unwrap(),
        content: std::fs::read(entry.path()).unwrap().into(),
    };
    std::fs::read_dir(folder).unwrap().map(|entry| file(entry.unwrap())).collect()
}

/// Another version: only its images are other ones.
fn version(world: &World) -> Revision {
    let files = files();
    let images = manifest::images(&manifest::read(&files).unwrap(), &Settings::default()).unwrap();
    world.commit_files(&files, &images)
}

/// Asserts that the Deployments and their pods on `track` say everywhere that they are of version `of`.
async fn all_say(world: &World, track: &str, of: &Revision, workloads: usize) {
    let label = format!("track={track}");
    let deployments = world.items("deployments", &label).await;
    assert_eq!(deployments.len(), workloads, "{track}");
    let mut all = world.items("pods", &label).await;
    all.retain(|pod| pod["metadata"]["deletionTimestamp"].is_null());
    assert_eq!(all.len(), workloads, "{track}");
    all.extend(deployments);
    for object in all {
        let (metadata, spec) = (&object["metadata"], &object["spec"]);
        let name = &metadata["name"];
        assert_eq!(metadata["labels"]["nprt.dev/service"], "shop", "{name}");
        assert_eq!(metadata["labels"]["app.kubernetes.io/version"], tag(of), "{name}");
        assert_eq!(metadata["annotations"]["nprt.dev/revision"], of.to_string(), "{name}");
        assert_eq!(metadata["labels"]["nprt.dev/track"], track, "{name}");
        let template = if spec["template"].is_null() {
            &spec["containers"]
        } else {
            &spec["template"]["spec"]["containers"]
        };
        let image = template[0]["image"].as_str().unwrap();
        assert!(image.ends_with(&format!(":{}", tag(of))), "{name}: {image}");
    }
}

/// The pods behind the shop's front door, by name.
async fn behind_frontend(world: &World) -> Vec<String> {
    let names = ["get", "endpoints", "frontend", "-o", "jsonpath={.subsets[*].addresses[*].targetRef.name}"];
    world.kubectl(&names).await.split_whitespace().map(str::to_owned).collect()
}

/// The one pod of the cart's database, which runs an image that no version changes.
async fn redis(world: &World) -> Value {
    let pods = world.items("pods", &format!("app={REDIS}")).await;
    let [pod] = &*pods else { panic!("{pods:?}") };
    assert_eq!(pod["metadata"]["labels"]["track"], Value::Null);
    pod["metadata"]["uid"].clone()
}

/// The objects of stable, as they are to the last resource version.
async fn stable(world: &World) -> Vec<Value> {
    let mut objects = world.objects(KINDS).await;
    objects.retain(|object| object["metadata"]["labels"]["track"] != "canary");
    objects
}

#[tokio::test(flavor = "multi_thread")]
async fn online_boutique_is_deployed_tried_promoted_and_rolled_back() {
    let Some(world) = World::new("boutique").await else { return };
    let process = world.process().await;
    let [first, second, third] = [(); 3].map(|()| version(&world));

    let done = process.deploy(&first).await.unwrap();
    let created = done.applied.iter().filter(|applied| applied.change == Change::Created).count();
    assert_eq!((created, done.applied.len()), (35, 35), "{done:?}");
    all_say(&world, "stable", &first, 11).await;
    let redis = redis(&world).await;
    let (objects, pods) = (stable(&world).await, world.pods("stable").await);
    let again = process.deploy(&first).await.unwrap();
    assert!(again.applied.iter().all(|applied| applied.change == Change::Unchanged), "{again:?}");

    let done = process.canary(&second).await.unwrap();
    assert!(done.warnings.iter().any(|warning| warning.contains(REDIS)), "{done:?}");
    all_say(&world, "canary", &second, 11).await;
    assert_eq!(stable(&world).await, objects, "the canary writes nothing of stable");
    assert_eq!(world.pods("stable").await, pods, "no stable pod was restarted");
    let both = behind_frontend(&world).await;
    assert!(both.len() == 2 && both.iter().any(|pod| pod.starts_with("frontend-canary-")), "{both:?}");

    let done = process.promote(&second).await.unwrap();
    assert_eq!(done.removed.len(), 11, "{done:?}");
    world.no_canary_left().await;
    all_say(&world, "stable", &second, 11).await;
    assert_eq!(self::redis(&world).await, redis, "the cart's data outlives the versions");
    assert_eq!(behind_frontend(&world).await.len(), 1);

    let (objects, pods) = (stable(&world).await, world.pods("stable").await);
    assert_eq!(pods.len(), 11);
    process.canary(&third).await.unwrap();
    all_say(&world, "canary", &third, 11).await;
    let done = process.rollback().await.unwrap();
    assert_eq!(done.removed.iter().map(|id| &id.name).collect::<BTreeSet<_>>().len(), 11, "{done:?}");
    world.no_canary_left().await;
    assert_eq!(world.objects(KINDS).await, objects, "stable as it was, and nothing beside it");
    assert_eq!(world.pods("stable").await, pods, "no stable pod was restarted");
    let secrets = world.kubectl(&["get", "secrets", "-o", "name"]).await;
    assert_eq!(secrets, "", "no way back is left");
}

//! Records that are too large for one Secret.

use nprt_core::model::{Object, Revision};
use nprt_core::ports::Cluster;
use nprt_pipeline::{Caller, Progress, Request};
use serde_json::{Value, json};

use crate::undo::{die, die_in, everything};
use crate::world::{World, caller, deploy, manifests, request, shop, tag};

/// A version with more configuration than one Secret holds.
fn large(world: &World, n: u32) -> Revision {
    let data = "x".repeat(950_000);
    let config =
        format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: big}}\ndata: {{a: {data}{n}}}\n");
    let revision = world.commit(&(manifests(n, "") + &config));
    world.push(&revision);
    revision
}

/// The Secrets that hold records.
fn parts(world: &World) -> Vec<Object> {
    world.objects().into_iter().filter(|object| object.name().starts_with("nprt-undo-shop")).collect()
}

async fn rollback(world: &World) {
    world.pipeline().rollback(&shop(), &caller(), &Progress::silent()).await.unwrap();
}

/// A deploy of the second version that died when all was recorded and some of it applied, and what was there before.
async fn interrupted(world: &World) -> (Revision, Vec<(Value, Option<Object>)>) {
    let (first, second) = (large(world, 1), large(world, 2));
    deploy(&world.pipeline(), &first).await.unwrap();
    let before = everything(world).await;
    assert!(die(world, &second, 13, false).await);
    assert_eq!(parts(world).len(), 3, "what was there, and what is to be");
    assert_ne!(everything(world).await, before);
    (second, before)
}

#[tokio::test]
async fn a_large_record_is_kept_in_parts() {
    let world = World::new();
    let (_, before) = interrupted(&world).await;
    rollback(&world).await;
    assert_eq!(everything(&world).await, before);
}

/// Deploys `next` for another reason, which its record has, until its process dies at write number `writes / 2`.
async fn die_again(world: &World, next: &Revision, writes: usize) -> bool {
    let request =
        Request::new(request(next).version, Caller::new("ada", format!("attempt at {writes}")).unwrap());
    die_in(world, writes, async move |pipeline| pipeline.deploy(&shop(), &request, &Progress::silent()).await)
        .await
}

#[tokio::test]
async fn a_record_is_rewritten_without_a_moment_at_which_there_is_none() {
    let mut died = 0;
    for writes in 0.. {
        let world = World::new();
        let (second, before) = interrupted(&world).await;
        if !die_again(&world, &second, writes).await {
            break;
        }
        died += 1;
        if !names(&world).contains(&"nprt-undo-shop".to_owned()) {
            // It was done, and its record counts for nothing without the first part.
            assert!(
                world.runs().iter().all(|(_, now, _)| *now == tag(&second).to_string()),
                "write {writes}"
            );
            deploy(&world.pipeline(), &second).await.unwrap();
            assert!(parts(&world).is_empty(), "write {writes}: {:?}", names(&world));
            continue;
        }
        rollback(&world).await;
        assert_eq!(everything(&world).await, before, "write {writes}: {:?}", names(&world));
    }
    assert!(died > 20, "a record of three parts, the end of another, and the deploy: {died}");
}

/// A process that dies after another has died, each while it writes its record.
#[tokio::test]
async fn what_several_attempts_left_is_removed() {
    for (once, again) in [(4, 4), (5, 3), (7, 9), (9, 6), (11, 12), (12, 7), (14, 15)] {
        for operation in ["rollback", "deploy", "tend"] {
            let world = World::new();
            let (second, before) = interrupted(&world).await;
            assert!(die_again(&world, &second, once).await && die_again(&world, &second, again).await);
            let is_recorded = names(&world).contains(&"nprt-undo-shop".to_owned());
            match operation {
                "rollback" => rollback(&world).await,
                "deploy" => drop(deploy(&world.pipeline(), &second).await.unwrap()),
                _ => drop(world.pipeline().tend(&shop(), &caller(), &Progress::silent()).await.unwrap()),
            }
            let at = format!("{once}, {again}, {operation}: {:?}", names(&world));
            // Without the first part there is nothing to settle until the next operation.
            assert!(parts(&world).is_empty() || (operation == "tend" && !is_recorded), "{at}");
            if operation == "rollback" && is_recorded {
                assert_eq!(everything(&world).await, before, "{at}");
            }
        }
    }
}

fn names(world: &World) -> Vec<String> {
    parts(world).iter().map(|part| part.name().to_owned()).collect()
}

/// Gives the parts of a record the names that they had before these held a digest.
fn make_old(world: &World) {
    for part in parts(world) {
        let mut value = part.as_value().clone();
        let id = part.id();
        world.cluster.delete_as_person(&id).unwrap();
        let number = id.name.rsplit_once('.').map(|(_, number)| format!(".{number}")).unwrap_or_default();
        let mut metadata =
            json!({"name": format!("nprt-undo-shop{number}"), "labels": value["metadata"]["labels"]});
        if number.is_empty() {
            metadata["annotations"] =
                json!({"nprt.dev/undo-parts": value["metadata"]["annotations"]["nprt.dev/undo-parts"]});
        }
        value["metadata"] = metadata;
        world.cluster.apply_as("nprt", &Object::new(value).unwrap()).unwrap();
    }
    assert_eq!(names(world), ["nprt-undo-shop", "nprt-undo-shop.1", "nprt-undo-shop.2"]);
}

#[tokio::test]
async fn a_record_of_an_older_nprt_is_read_and_replaced() {
    let world = World::new();
    let (_, before) = interrupted(&world).await;
    make_old(&world);
    rollback(&world).await;
    assert_eq!(everything(&world).await, before);
    for writes in 0.. {
        let world = World::new();
        let (second, before) = interrupted(&world).await;
        make_old(&world);
        if !die_again(&world, &second, writes).await {
            assert!(writes > 20, "{writes}");
            break;
        }
        if names(&world).contains(&"nprt-undo-shop".to_owned()) {
            rollback(&world).await;
            assert_eq!(everything(&world).await, before, "write {writes}: {:?}", names(&world));
        }
    }
}

#[tokio::test]
async fn the_digest_of_a_first_part_is_a_digest() {
    let world = World::new();
    interrupted(&world).await;
    let first = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "nprt-undo-shop",
        "annotations": {"nprt.dev/undo-digest": "../../web"}}});
    world.cluster.apply_as("somebody", &Object::new(first).unwrap()).unwrap();
    let transition = world.cluster.transition(&shop()).await.unwrap();
    assert!(transition.is_some(), "{transition:?}");
    rollback(&world).await;
    assert_eq!(
        names(&world),
        ["nprt-undo-shop"],
        "it is left alone, and what the lease vouches for is removed"
    );
}

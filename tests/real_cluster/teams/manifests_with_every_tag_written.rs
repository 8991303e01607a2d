//! Manifests that Helm or kustomize rendered: every tag is written, and the service lists which images are its own.

use nprt::pipeline::Service;

use crate::answer::Answer as _;
use crate::world::{World, manifests, shop};

/// Rendered at a release, with a cache of somebody else's beside it.
fn rendered(n: usize, release: &str) -> String {
    let tagged = manifests(n, "")
        .replace("image: registry.invalid/shop/web", &format!("image: registry.invalid/shop/web:{release}"))
        .replace(
            "image: registry.invalid/shop/worker",
            &format!("image: registry.invalid/shop/worker:{release}"),
        );
    format!(
        "{tagged}---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: redis}}\nspec:\n  \
         selector: {{matchLabels: {{app: redis}}}}\n  template:\n    metadata: {{labels: {{app: redis}}}}\n    \
         spec: {{containers: [{{name: c, image: 'redis:7.2'}}]}}\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_release_is_the_version_and_the_cache_is_not_of_it() {
    let Some(world) = World::new("rendered").await else { return };
    let mut service = Service::new(shop());
    service.images.extend(
        ["registry.invalid/shop/web", "registry.invalid/shop/worker"].map(|name| name.parse().unwrap()),
    );
    let nprt = world.process_of(service).await;
    let first = world.commit_with(&rendered(1, "v1.2.3"), &[]);
    assert_eq!(nprt.deploy(&first).await.warned(&[]).tag.as_str(), "v1.2.3");
    let redis = world.pods_by_uid("app=redis").await;
    let second = world.commit_with(&rendered(2, "v1.2.4"), &[]);
    let done = nprt.canary(&second).await.accepted();
    assert_eq!(done.tag.as_str(), "v1.2.4");
    assert_eq!(
        world.runs().await,
        [
            ("redis", ""),
            ("web", "v1.2.3"),
            ("web-canary", "v1.2.4"),
            ("worker", "v1.2.3"),
            ("worker-canary", "v1.2.4"),
        ]
        .map(|(name, tag)| (name.to_owned(), tag.to_owned()))
    );
    nprt.promote(&second).await.accepted();
    assert_eq!(world.pods_by_uid("app=redis").await, redis);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_list_the_answer_says_what_to_list() {
    let Some(world) = World::new("rendered-unlisted").await else { return };
    let nprt = world.process().await;
    let first = world.commit_with(&rendered(1, "v1.2.3"), &[]);
    nprt.deploy(&first).await.warned(&["registry.invalid/shop/web:v1.2.3"]);
    nprt.deploy(&first).await.warned(&["`images` of the service"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_listed_image_is_enough_and_the_others_stay() {
    let Some(world) = World::new("rendered-partly").await else { return };
    let mut service = Service::new(shop());
    service.images.insert("registry.invalid/shop/web".parse().unwrap());
    let nprt = world.process_of(service).await;
    nprt.deploy(&world.commit_with(&rendered(1, "v1"), &[])).await.warned(&[]);
    let worker = world.pods_by_uid("app=worker").await;
    // Another release of the one that is listed alone.
    let text = rendered(2, "v2").replace("shop/worker:v2", "shop/worker:v1");
    let second = world.commit_with(&text, &[]);
    nprt.canary(&second).await.accepted();
    nprt.promote(&second).await.accepted();
    assert_eq!(world.pods_by_uid("app=worker").await, worker, "not of the version, and unchanged");
}

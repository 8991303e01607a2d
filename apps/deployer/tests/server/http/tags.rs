//! The tags of a service of several images.

use serde_json::json;

use crate::support::{World, images, server};

const TWO: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      initContainers: [{name: first, image: registry.example.com/first}]
      containers: [{name: web, image: registry.example.com/web}]
";

#[tokio::test]
async fn of_each_image_its_tags_are_said_and_which_all_of_them_have() {
    let world = World::of(TWO);
    let [one, two, three] = [0, 1, 2].map(|number| world.tag(number));
    let at = world.folder.path().join("images");
    images(&at.join("web"), &[one.clone(), two.clone()]);
    images(&at.join("first"), &[three.clone(), two.clone()]);
    let server = server(&world, json!({})).await;

    let (status, said) = server.get("/web/tags").await;
    assert_eq!((status.as_u16(), &said["shared"]), (200, &json!([two])), "{said}");
    // By name: that of a commit of git does not say when it was.
    let sorted = |mut tags: [&String; 2]| {
        tags.sort();
        json!(tags)
    };
    let expected = json!([
        {"image": "registry.example.com/first", "tags": sorted([&two, &three])},
        {"image": "registry.example.com/web", "tags": sorted([&one, &two])},
    ]);
    assert_eq!(said["images"], expected);
    // What one of them lacks cannot be deployed, and the error says which.
    let (status, problem) = server.put(&format!("/web/deploy?tag={one}")).await;
    assert_eq!(status, 404, "{problem}");
    assert!(problem.to_string().contains("registry.example.com/first"), "{problem}");
    assert_eq!(server.put(&format!("/web/deploy?commit={}", world.commits[1])).await.1["tag"], json!(two));
}

//! What the file says of a service holds for what is deployed.

use serde_json::{Value, json};

use crate::support::{ADMIN, MANIFEST, Server, World, tokens};

const ROLE: &str = "---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: web}
rules: []
";

async fn server(world: &World, service: Value) -> Server {
    let more = json!({"autopilot": {"enabled": false}, "tokens": tokens()});
    Server::serve(&world.config(more, service), ADMIN).await
}

#[tokio::test]
async fn a_kind_that_gives_rights_must_be_allowed() {
    let world = World::of(&format!("{MANIFEST}{ROLE}"));
    let deploy = format!("/web/deploy?tag={}", world.tag(0));
    let (status, problem) = server(&world, json!({})).await.put(&deploy).await;
    let context = &problem["context"];
    assert_eq!(
        (status.as_u16(), &context["kind"]),
        (422, &json!("rbac.authorization.k8s.io/Role")),
        "{problem}"
    );
    assert_eq!(context["file"], "kubernetes/web.yaml", "{problem}");
    let allowed = json!({"allow_kinds": ["rbac.authorization.k8s.io/Role"]});
    let (status, done) = server(&world, allowed).await.put(&deploy).await;
    assert_eq!((status.as_u16(), done["applied"].as_array().map(Vec::len)), (200, Some(2)), "{done}");
}

#[tokio::test]
async fn objects_are_transformed_as_the_service_says() {
    let world = World::new();
    let transform = json!({
        "environment": {"version": "APP_VERSION", "track": ""},
        "canary": {"replicas": {"count": 2}},
    });
    let server = server(&world, json!({"transform": transform})).await;
    assert_eq!(server.put(&format!("/web/deploy?tag={}", world.tag(0))).await.0, 200);
    let (status, would) = server.put(&format!("/web/canary?tag={}&dry_run=true", world.tag(1))).await;
    assert_eq!(status, 200, "{would}");
    let canary = &would["objects"][0]["after"]["spec"];
    assert_eq!(canary["replicas"], 2, "{would}");
    let environment = canary["template"]["spec"]["containers"][0]["env"].as_array().unwrap();
    let named = |name: &str| environment.iter().find(|one| one["name"] == name);
    assert_eq!(named("APP_VERSION").map(|one| &one["value"]), Some(&json!(world.tag(1))), "{would}");
    assert!(named("TRACK").is_none() && named("VERSION").is_none(), "{would}");
    assert!(named("REVISION").is_some(), "{would}");
}

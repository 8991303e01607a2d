//! Fields that a person or a tool set on live stable objects: named before a canary starts, refused, or carried.

use std::sync::Arc;

use nprt::pipeline::{DriftPolicy, Service};
use serde_json::Value;

use crate::answer::Answer as _;
use crate::process::Process;
use crate::world::{World, manifests, shop};

/// What was done to stable by hand, and the field that it set.
const HANDS: [(&[&str], &str); 5] = [
    (
        &["set", "env", "deploy/web", "DEBUG=1"],
        "Deployment/web spec.template.spec.containers[web].env[DEBUG]",
    ),
    (&["patch", "cm/web", "-p", r#"{"data": {"extra": "1"}}"#], "ConfigMap/web data.extra"),
    (
        &["set", "resources", "deploy/web", "--limits=memory=64Mi"],
        "Deployment/web spec.template.spec.containers[web].resources.limits.memory",
    ),
    (
        &[
            "patch",
            "deploy/web",
            "-p",
            r#"{"spec": {"template": {"metadata": {"annotations": {"team": "a"}}}}}"#,
        ],
        "Deployment/web spec.template.metadata.annotations.team",
    ),
    (
        &["patch", "deploy/web", "-p", r#"{"spec": {"template": {"spec": {"nodeSelector": {"a": "b"}}}}}"#],
        "Deployment/web spec.template.spec.nodeSelector.a",
    ),
];

/// A stable version with fields set by hand, none of whose pods run.
async fn by_hand(name: &str, drift: DriftPolicy) -> Option<(Arc<World>, Arc<Process>)> {
    let world = World::new(name).await?;
    let process = world.process_of(Service { drift, ..Service::new(shop()) }).await;
    process.deploy(&world.commit(&manifests(1, ""))).await.accepted();
    world.kubectl(&["scale", "deploy/web", "--replicas=0"]).await;
    for (command, _) in HANDS {
        world.kubectl(command).await;
    }
    Some((world, process))
}

/// The pod template of a Deployment without what tells the tracks apart.
async fn template(world: &World, name: &str) -> Value {
    let mut template = world.object(&format!("deployment/{name}")).await["spec"]["template"].take();
    for (map, key) in [("labels", "track"), ("labels", "nprt.dev/track")] {
        template["metadata"][map].as_object_mut().unwrap().remove(key);
    }
    let environment = template["spec"]["containers"][0]["env"].as_array_mut().unwrap();
    environment.retain(|variable| variable["name"] != "TRACK");
    serde_json::from_str(&template.to_string().replace("web-canary", "web")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn they_are_named_beforehand_and_can_be_refused() {
    let Some((world, process)) = by_hand("drift-warn", DriftPolicy::Warn).await else { return };
    let next = world.commit(&manifests(2, ""));
    let preview = process.preview(&next, nprt::model::Track::Canary).await.unwrap();
    let lacks = |warning: &&String| warning.contains("lacks what others set on stable");
    let warning = preview.warnings.iter().find(lacks).unwrap();
    for (command, field) in HANDS {
        assert!(warning.contains(field), "{command:?}: {warning}");
    }
    let refuses = world.process_of(Service { drift: DriftPolicy::Refuse, ..Service::new(shop()) }).await;
    refuses.canary(&next).await.refused_with(&HANDS.map(|(_, field)| field));
    assert!(world.items("deployments", "track=canary").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_canary_that_runs_names_what_it_lacks_until_it_is_promoted() {
    let Some(world) = World::new("drift-status").await else { return };
    let process = world.process().await;
    process.deploy(&world.commit(&manifests(1, ""))).await.accepted();
    world.kubectl(HANDS[0].0).await;
    let next = world.commit(&manifests(2, ""));
    process.canary(&next).await.accepted();
    assert_eq!(process.status().await.canary.unwrap().drift, [HANDS[0].1]);
    let done = process.promote(&next).await.accepted();
    assert!(done.warnings.iter().any(|warning| warning.contains(HANDS[0].1)), "{done:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn they_can_be_carried_and_what_was_judged_is_promoted() {
    let Some(world) = World::new("drift-carry").await else { return };
    let process = world.process_of(Service { drift: DriftPolicy::Carry, ..Service::new(shop()) }).await;
    process.deploy(&world.commit(&manifests(1, ""))).await.accepted();
    for (command, _) in &HANDS[..4] {
        world.kubectl(command).await;
    }
    let revision = world.commit(&manifests(2, ""));
    process.canary(&revision).await.accepted();
    let judged = template(&world, "web-canary").await;
    let copy = world.object("configmap/web-canary").await["data"].clone();
    assert!(judged.to_string().contains("DEBUG") && copy["extra"] == "1", "{judged} {copy}");
    process.promote(&revision).await.accepted();
    assert_eq!(template(&world, "web").await, judged);
    assert_eq!(world.object("configmap/web").await["data"], copy);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_somebody_added_makes_no_copy_where_nothing_else_changes() {
    let Some(world) = World::new("drift-key").await else { return };
    let process = world.process_of(Service { drift: DriftPolicy::Refuse, ..Service::new(shop()) }).await;
    process.deploy(&world.commit(&manifests(1, ""))).await.accepted();
    world.kubectl(HANDS[1].0).await;
    let done = process.canary(&world.commit(&manifests(1, ""))).await.accepted();
    assert!(!done.withheld.iter().any(|id| id.kind == "ConfigMap"), "{done:?}");
    assert!(world.items("configmaps", "track=canary").await.is_empty());
}

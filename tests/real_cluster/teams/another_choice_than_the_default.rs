//! Manifests that choose another strategy, volume or affinity than before, where the server had filled in the first
//! and its settings: nobody owns them, and they do not block the deploy.

use serde_json::{Value, json};

use crate::answer::Answer as _;
use crate::world::World;

const DEPLOYMENT: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  # strategy
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      volumes: [{name: v}]
      containers: [{name: web, image: registry.invalid/shop/web}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, sessionAffinity: ClientIP, ports: [{port: 80}]}
";

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_becomes_recreate_and_back() {
    let Some(world) = World::new("recreate").await else { return };
    let nprt = world.process().await;
    let rolling =
        json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}});
    for (strategy, expected) in [
        ("", rolling.clone()),
        ("strategy: {type: Recreate}", json!({"type": "Recreate"})),
        ("", rolling.clone()),
        ("strategy: {type: Recreate, rollingUpdate: null}", json!({"type": "Recreate"})),
        ("strategy: {type: RollingUpdate}", rolling),
    ] {
        let manifests = DEPLOYMENT.replace("# strategy", strategy);
        nprt.deploy(&world.commit(&manifests)).await.accepted();
        assert_eq!(world.object("deployment/web").await["spec"]["strategy"], expected, "{strategy:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_gets_a_source_and_a_service_loses_its_affinity() {
    let Some(world) = World::new("choices").await else { return };
    let nprt = world.process().await;
    nprt.deploy(&world.commit(DEPLOYMENT)).await.accepted();
    let live = world.object("deployment/web").await;
    assert_eq!(live["spec"]["template"]["spec"]["volumes"][0]["emptyDir"], json!({}), "the server's default");
    let next = DEPLOYMENT
        .replace("{name: v}", "{name: v, configMap: {name: none, optional: true}}")
        .replace("sessionAffinity: ClientIP", "sessionAffinity: None");
    let revision = world.commit(&next);
    nprt.canary(&revision).await.accepted();
    nprt.promote(&revision).await.accepted();
    let live = world.object("deployment/web").await;
    let volume = &live["spec"]["template"]["spec"]["volumes"][0];
    assert_eq!((&volume["emptyDir"], &volume["configMap"]["name"]), (&Value::Null, &json!("none")));
    let service = world.object("service/web").await;
    assert_eq!(
        (&service["spec"]["sessionAffinity"], &service["spec"]["sessionAffinityConfig"]),
        (&json!("None"), &Value::Null)
    );
}

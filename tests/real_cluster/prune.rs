//! What a service no longer has, on a real cluster.

use nprt::model::Track;
use nprt::pipeline::Service;
use nprt::ports::Change;

use crate::world::{World, manifests, shop};

/// Of each kind of case one: what goes, what says that it stays, what always stays.
const MORE: &str = r#"
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: old}
spec:
  selector: {matchLabels: {app: old}}
  template:
    metadata: {labels: {app: old}}
    spec: {containers: [{name: old, image: registry.invalid/shop/worker}]}
---
apiVersion: v1
kind: Service
metadata: {name: old}
spec: {selector: {app: old}, ports: [{port: 80}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: old}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: stays, annotations: {nprt.dev/prune: "false"}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
"#;

const KINDS: &str = "deployments,services,configmaps,persistentvolumeclaims";

#[tokio::test(flavor = "multi_thread")]
async fn what_the_manifests_no_longer_hold_goes_with_the_promotion() {
    let Some(world) = World::new("prune").await else { return };
    let process = world.process_of(Service { prune: true, ..Service::new(shop()) }).await;
    let (first, second) = (world.commit(&(manifests(1, "") + MORE)), world.commit(&manifests(2, "")));
    process.deploy(&first).await.unwrap();
    world.kubectl(&["create", "configmap", "theirs"]).await;
    world.kubectl(&["label", "configmap", "theirs", "nprt.dev/service=other"]).await;

    // A preview writes nothing, and says what the deploy does.
    let before = world.objects(KINDS).await;
    let preview = process.preview(&second, Track::Stable).await.unwrap();
    assert_eq!(world.objects(KINDS).await, before, "not even a resource version");
    assert_eq!(process.operation().await, None);
    let named = |ids: &[nprt::model::ObjectId]| {
        let mut names: Vec<_> = ids.iter().map(|id| format!("{}/{}", id.kind, id.name)).collect();
        names.sort();
        names
    };
    let old = ["ConfigMap/old", "Deployment/old", "Service/old"];
    assert_eq!(named(&preview.pruned), old);
    let config = preview.objects.iter().find(|o| o.object.kind == "ConfigMap").unwrap();
    let n = |object: &nprt::model::Object| object.as_value()["data"]["n"].clone();
    assert_eq!((n(config.before.as_ref().unwrap()), n(&config.after)), ("1".into(), "2".into()));
    assert_eq!(config.change, Change::Configured);

    let done = process.canary(&second).await.unwrap();
    let withheld = named(&done.withheld);
    assert!(old.iter().all(|name| withheld.contains(&(*name).to_owned())), "{withheld:?}");
    let there = world.kubectl(&["get", KINDS, "-o", "name"]).await;
    assert!(there.contains("deployment.apps/old"), "{there}");

    let done = process.promote(&second).await.unwrap();
    assert_eq!((named(&done.pruned), done.warnings.len()), (old.map(str::to_owned).to_vec(), 0), "{done:?}");
    let there = world.kubectl(&["get", KINDS, "-o", "name"]).await;
    assert!(!there.contains("/old"), "{there}");
    for stays in ["configmap/stays", "configmap/theirs", "persistentvolumeclaim/data", "configmap/web"] {
        assert!(there.contains(stays), "{stays}: {there}");
    }
}

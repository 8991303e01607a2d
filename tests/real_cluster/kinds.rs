//! A service with an object of each kind that nprt lists, and of one that only this cluster knows.

use std::collections::BTreeMap;

use nprt::model::Revision;
use nprt::pipeline::Service;
use serde_json::{Value, json};

use crate::world::{World, shop, tag};

/// Kind by kind, as kubectl names them.
const KINDS: &str = "deployments,statefulsets,daemonsets,jobs,cronjobs,configmaps,secrets,\
    persistentvolumeclaims,services,serviceaccounts,ingresses,networkpolicies,poddisruptionbudgets,\
    horizontalpodautoscalers,widgets.example.com";

/// Version `n`. The pods of a Job cannot be changed: it is named by its version, and the service prunes.
fn version(world: &World, n: usize) -> Revision {
    world.commit(&include_str!("kinds.yaml").replace("$N", &n.to_string()))
}

/// The cluster learns of widgets, and nprt may write them.
async fn define_widgets(world: &World) {
    let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {"group": "example.com", "scope": "Namespaced",
            "names": {"kind": "Widget", "plural": "widgets", "singular": "widget"},
            "versions": [{"name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": schema}}]}});
    let api = "rbac.authorization.k8s.io";
    let verbs = ["get", "list", "create", "patch", "delete"];
    let role = json!({"apiVersion": format!("{api}/v1"), "kind": "Role", "metadata": {"name": "widgets"},
        "rules": [{"apiGroups": ["example.com"], "resources": ["widgets"], "verbs": verbs}]});
    for object in [role, definition] {
        world.kubectl_with_input(&["apply", "-f", "-"], &object.to_string()).await;
    }
    let account = format!("--serviceaccount={}:nprt", world.namespace);
    world.kubectl(&["create", "rolebinding", "widgets", "--role=widgets", &account]).await;
    let known = ["wait", "--for=condition=Established", "crd/widgets.example.com", "--timeout=30s"];
    world.kubectl(&known).await;
}

/// The version that each object says it is of, by `Kind/name`: by its annotation where it runs pods, and
/// else by its content.
async fn versions(world: &World) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let said = |object: &Value| {
        let annotations = &object["metadata"]["annotations"];
        match (&annotations["nprt.dev/tag"], &annotations["n"]) {
            (Value::String(tag), _) => tag.clone(),
            (_, n) => text(n),
        }
    };
    let name = |object: &Value| format!("{}/{}", text(&object["kind"]), text(&object["metadata"]["name"]));
    world.objects(KINDS).await.iter().map(|object| (name(object), said(object))).collect()
}

/// What [`versions`] says where version `n` is stable, and nothing else there.
fn all_of(n: usize, revision: &Revision) -> BTreeMap<String, String> {
    let running =
        ["Deployment/web", "StatefulSet/db", "DaemonSet/agent", "CronJob/nightly"].map(str::to_owned);
    let running = running.into_iter().chain([format!("Job/migrate-{n}")]).map(|name| (name, tag(revision)));
    let others = [
        "ConfigMap/web",
        "Secret/web",
        "PersistentVolumeClaim/web",
        "Service/web",
        "ServiceAccount/web",
        "Ingress/web",
        "NetworkPolicy/web",
        "PodDisruptionBudget/web",
        "HorizontalPodAutoscaler/web",
        "Widget/web",
    ];
    running.chain(others.map(|name| (name.to_owned(), n.to_string()))).collect()
}

/// All objects; without their resource versions, which grow as controllers write the status of some.
async fn everything(world: &World) -> Vec<Value> {
    let mut objects = world.objects(KINDS).await;
    for object in &mut objects {
        object["metadata"]["resourceVersion"].take();
    }
    objects
}

/// All but what a canary adds.
async fn stable(world: &World) -> Vec<Value> {
    let mut objects = everything(world).await;
    objects.retain(|object| object["metadata"]["labels"]["track"] != "canary");
    objects
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_with_each_kind_is_deployed_tried_promoted_and_rolled_back() {
    let Some(world) = World::new("kinds").await else { return };
    define_widgets(&world).await;
    let mut service = Service::new(shop());
    service.prune = true;
    let process = world.process_of(service).await;
    let [first, second, third] = [1, 2, 3].map(|n| version(&world, n));

    let done = process.deploy(&first).await.unwrap();
    assert_eq!(done.applied.len(), 15, "{done:?}");
    assert_eq!(versions(&world).await, all_of(1, &first));
    world.kubectl(&["wait", "--for=condition=Complete", "job/migrate-1", "--timeout=60s"]).await;

    let objects = stable(&world).await;
    let done = process.canary(&second).await.unwrap();
    let mut tried = all_of(1, &first);
    for name in ["Deployment/web-canary", "ConfigMap/web-canary", "Secret/web-canary"] {
        tried.insert(name.to_owned(), tag(&second));
    }
    assert_eq!(versions(&world).await, tried);
    assert_eq!(stable(&world).await, objects, "the canary writes nothing of stable");
    assert_eq!(done.withheld.len(), 14 + 1, "all the rest, and the old Job's end, wait: {done:?}");

    let done = process.promote(&second).await.unwrap();
    let pruned: Vec<_> = done.pruned.iter().map(|id| id.name.as_str()).collect();
    assert_eq!((done.removed.len(), pruned), (3, vec!["migrate-1"]), "{done:?}");
    world.no_canary_left().await;
    assert_eq!(versions(&world).await, all_of(2, &second));
    let read = [
        "get",
        "pods",
        "-l",
        "app=web",
        "-o",
        "jsonpath={.items[*].spec.containers[0].envFrom[*].configMapRef.name}",
    ];
    assert_eq!(world.kubectl(&read).await, "web web", "stable reads what is its own");

    world.kubectl(&["wait", "--for=condition=Complete", "job/migrate-2", "--timeout=60s"]).await;
    let (objects, pods) = (stable(&world).await, world.pods("stable").await);
    process.canary(&third).await.unwrap();
    let done = process.rollback().await.unwrap();
    assert_eq!(done.removed.len(), 3, "{done:?}");
    world.no_canary_left().await;
    assert_eq!(everything(&world).await, objects, "stable as it was, and nothing beside it");
    assert_eq!(world.pods("stable").await, pods, "no stable pod was restarted");
    assert_eq!(world.kubectl(&["get", "secrets", "-o", "name"]).await.trim(), "secret/web");
}

//! Manifests that the server fills with defaults, or writes in another way: that is no change.

use nprt::model::Track;
use nprt::pipeline::Service;
use nprt::ports::Change;

use crate::answer::Answer as _;
use crate::world::{World, shop};

/// Documents that the server fills with defaults or writes in another way.
const DOCUMENTS: &str = "
{apiVersion: v1, kind: ServiceAccount, metadata: {name: web, creationTimestamp: null}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: NodePort, selector: {app: web}, ports: [{name: a, port: 80}, {name: b, port: 81, targetPort: http}]}
status: {loadBalancer: {}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  maxReplicas: 3
  metrics: [{type: Resource, resource: {name: cpu, target: {type: AverageValue, averageValue: 0.5}}}]
---
apiVersion: autoscaling/v1
kind: HorizontalPodAutoscaler
metadata: {name: of-the-first-version}
spec: {minReplicas: 2, maxReplicas: 5, targetCPUUtilizationPercentage: 50, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: other}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny}
spec: {podSelector: {matchLabels: {app: none}}, ingress: []}
---
{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: web}, spec: {minAvailable: 50%, selector: {matchLabels: {app: web}}}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteMany], resources: {requests: {storage: 1024Mi}}}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: web}
spec: {hard: {requests.cpu: 1000m, limits.memory: 2048Mi, pods: 10}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec: {podSelector: {}, policyTypes: [Ingress], ingress: [{}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, annotations: {a: '1'}}
spec: {rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: web}
rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: config}, data: {a: one}}
---
{apiVersion: v1, kind: Secret, metadata: {name: token}, stringData: {a: one}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: registry.invalid/shop/web, envFrom: [{configMapRef: {name: config}}, {secretRef: {name: token}}]}]}
";

#[tokio::test(flavor = "multi_thread")]
async fn it_is_no_change_for_a_deploy_and_waits_for_no_promotion() {
    let Some(world) = World::new("filled-in").await else { return };
    let allow_kinds = ["rbac.authorization.k8s.io/Role".to_owned()].into();
    let process =
        world.process_as(world.plane.kubeconfig(), Service { allow_kinds, ..Service::new(shop()) }).await;
    // The quota admits no pod, which is not what is tried here.
    let stable = DOCUMENTS.replace("  selector: {matchLabels", "  replicas: 0\n  selector: {matchLabels");
    process.deploy(&world.commit(&stable)).await.accepted();
    let again = process.deploy(&world.commit(&stable)).await.accepted();
    let changed = again.applied.iter().filter(|applied| applied.change != Change::Unchanged);
    let changed: Vec<_> = changed.map(|applied| applied.object.name.as_str()).collect();
    assert_eq!(changed, ["web"], "the Deployment's version alone: {again:?}");

    let unchanged = waiting(&world, &process, &stable).await;
    assert_eq!(unchanged, (vec!["Deployment/web-canary".to_owned()], vec![]));
    let changed = stable
        .replace("port: 81", "port: 82")
        .replace("maxReplicas: 3", "maxReplicas: 4")
        .replace("data: {a: one}", "data: {a: two}");
    let (applied, withheld) = waiting(&world, &process, &changed).await;
    assert_eq!(applied, ["ConfigMap/config-canary", "Deployment/web-canary"]);
    assert_eq!(withheld, ["Service/web", "HorizontalPodAutoscaler/web", "ConfigMap/config"]);
}

/// What a canary would apply, and what would wait for its promotion.
async fn waiting(world: &World, process: &crate::process::Process, text: &str) -> (Vec<String>, Vec<String>) {
    let preview = process.preview(&world.commit(text), Track::Canary).await.unwrap();
    let applied = preview.objects.iter().map(|object| &object.object);
    let names = |id: &nprt::model::ObjectId| format!("{}/{}", id.kind, id.name);
    (applied.map(names).collect(), preview.withheld.iter().map(names).collect())
}

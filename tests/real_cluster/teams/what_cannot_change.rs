//! Objects with a field that Kubernetes never changes: the error says which, and what to do.

use nprt::ErrorKind;
use nprt::pipeline::Service;

use crate::answer::Answer as _;
use crate::world::{World, manifests, shop};

/// Deploys `before` and then `after`, each beside the usual objects. The second is refused with all of `words`, in
/// one readable line, and changes nothing.
async fn refused(name: &str, before: &str, after: &str, words: &[&str]) {
    let Some(world) = World::new(name).await else { return };
    // The recommended role has no right to write pods or roles.
    let allow_kinds = ["rbac.authorization.k8s.io/RoleBinding".to_owned()].into();
    let service = Service { allow_kinds, ..Service::new(shop()) };
    let nprt = world.process_as(world.plane.kubeconfig(), service).await;
    nprt.deploy(&world.commit(&(manifests(1, "") + before))).await.accepted();
    let error = nprt.deploy(&world.commit(&(manifests(2, "") + after))).await.refused_with(words);
    assert_eq!(error.kind(), ErrorKind::Rejected, "{error}");
    let said = error.to_string();
    assert!(!said.contains("{\"") && !said.contains("core.") && said.len() < 900, "no dump: {said}");
    assert_eq!(world.object("configmap/web").await["data"]["n"], "1", "nothing changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_image_is_of_the_version() {
    let job = "
---
apiVersion: batch/v1
kind: Job
metadata: {name: mig}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: registry.invalid/shop/worker}]}}}
";
    let words =
        ["Job/", "/mig", "spec.template: field is immutable", "nprt.dev/run", "kubectl delete job mig"];
    refused("fixed-job", job, job, &words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bare_pod_whose_command_changes() {
    let pod = "
---
apiVersion: v1
kind: Pod
metadata: {name: tool}
spec: {containers: [{name: c, image: registry.invalid/shop/worker}]}
";
    let after = pod.replace("{name: c,", "{name: c, command: [other],");
    refused("fixed-pod", pod, &after, &["Pod/", "/tool", "only the images of a live Pod can change"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stateful_set_whose_claims_change() {
    let set = "
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: c, image: registry.invalid/shop/worker}]}
";
    let after = format!(
        "{set}  volumeClaimTemplates: [{{metadata: {{name: data}}, spec: {{accessModes: [ReadWriteOnce], \
         resources: {{requests: {{storage: 1Gi}}}}}}}}]\n"
    );
    let words = ["field: spec.volumeClaimTemplates", "kubectl delete statefulset db --cascade=orphan"];
    refused("fixed-set", set, &after, &words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn immutable_configuration_and_the_type_of_a_secret() {
    let config = "
---
apiVersion: v1
kind: ConfigMap
metadata: {name: fixed}
immutable: true
data: {a: '1'}
";
    let words = ["ConfigMap/", "/fixed", "field: data", "a new name for each change"];
    refused("fixed-config", config, &config.replace("'1'", "'2'"), &words).await;
    let secret = "
---
apiVersion: v1
kind: Secret
metadata: {name: fixed}
type: Opaque
data: {username: aHVudGVyMg==, password: aHVudGVyMg==}
";
    let words = ["Secret/", "/fixed", "field: type", "the type of a Secret cannot change"];
    refused("fixed-secret", secret, &secret.replace("Opaque", "kubernetes.io/basic-auth"), &words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_and_the_address_of_a_service() {
    let claim = "
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
";
    let words = ["PersistentVolumeClaim/", "/data", "spec.accessModes", "create a claim with another name"];
    refused("fixed-claim", claim, &claim.replace("ReadWriteOnce", "ReadWriteMany"), &words).await;
    let service = "
---
apiVersion: v1
kind: Service
metadata: {name: peers}
spec: {selector: {app: web}, ports: [{port: 80}]}
";
    let words = ["Service/", "/peers", "spec.clusterIP", "leave the field out"];
    refused("fixed-service", service, &service.replace("spec: {", "spec: {clusterIP: None, "), &words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_selector_of_a_deployment() {
    let workload = "
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: batch}
spec:
  selector: {matchLabels: {app: batch}}
  template:
    metadata: {labels: {app: batch, part: one}}
    spec: {containers: [{name: c, image: registry.invalid/shop/worker}]}
";
    let after = workload.replace("matchLabels: {app: batch}", "matchLabels: {app: batch, part: one}");
    refused("fixed-selector", workload, &after, &["field: spec.selector", "keep the live selector"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_role_of_a_binding() {
    let binding = "
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reads}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{kind: ServiceAccount, name: default}]
";
    let words = ["RoleBinding/", "/reads", "roleRef", "give the new one another name"];
    refused("fixed-binding", binding, &binding.replace("name: view", "name: edit"), &words).await;
}

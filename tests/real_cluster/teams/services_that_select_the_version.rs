//! A Service, or whatever else selects pods, goes by a label that nprt sets: the deploy is refused before anything
//! changes, and says how to keep the label.

use nprt::manifest::LabelNames;
use nprt::pipeline::Service;

use crate::answer::Answer as _;
use crate::world::{World, manifests, shop};

/// The manifests, whose web pods have labels of the team's own, and more beside them.
fn labelled(n: usize, more: &str) -> String {
    let labels = "labels: {app: web, app.kubernetes.io/version: '1.2', track: prod}";
    format!("{}---\n{more}", manifests(n, "").replacen("labels: {app: web}", labels, 1))
}

const BY_VERSION: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: pinned}\n\
                          spec: {selector: {app: web, app.kubernetes.io/version: '1.2'}, ports: [{port: 80}]}\n";
const BY_TRACK: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: prod}\n\
                        spec: {selector: {app: web, track: prod}, ports: [{port: 80}]}\n";

#[tokio::test(flavor = "multi_thread")]
async fn the_deploy_is_refused_and_the_service_keeps_its_endpoints() {
    let Some(world) = World::new("selectors").await else { return };
    let nprt = world.process().await;
    for (more, label) in [(BY_VERSION, "app.kubernetes.io/version"), (BY_TRACK, "track")] {
        let text = labelled(1, more)
            .replace("image: registry.invalid/shop/web", "image: registry.invalid/shop/web:0");
        world.kubectl_makes(&["apply"], &text).await;
        let revision = world.commit(&labelled(2, more));
        nprt.deploy(&revision).await.refused_with(&[
            "Service/",
            "spec.selector",
            label,
            "`transform.labels`",
        ]);
    }
    world.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]).await;
    for service in ["pinned", "prod"] {
        world.serves(service, 2).await;
    }
    // What the manifests do not hold is found in the cluster.
    nprt.deploy(&world.commit(&labelled(3, ""))).await.refused_with(&["Service/", "app=web"]);
    assert_eq!(world.object("configmap/web").await["data"]["n"], "1", "nothing changed");

    // With other labels both go on.
    let mut service = Service::new(shop());
    service.transform.labels = LabelNames { track: Some("example.com/track".to_owned()), version: None };
    let nprt = world.process_of(service).await;
    nprt.deploy(&world.commit(&labelled(4, &format!("{BY_VERSION}---\n{BY_TRACK}")))).await.accepted();
    for name in ["pinned", "prod"] {
        world.serves(name, 2).await;
    }
    assert_eq!(world.items("pods", "example.com/track=stable,nprt.dev/track=stable").await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_else_selects_by_such_a_label_is_found_in_the_namespace() {
    let Some(world) = World::new("selectors-live").await else { return };
    let nprt = world.process().await;
    nprt.deploy(&world.commit(&manifests(1, ""))).await.accepted();
    // Warm: what came since the last deploy counts, too.
    nprt.deploy(&world.commit(&manifests(2, ""))).await.accepted();
    let running =
        world.items("pods", "app=web").await[0]["metadata"]["labels"]["app.kubernetes.io/version"].clone();
    let version = format!("{{app: web, app.kubernetes.io/version: {running}}}");
    let term = format!("labelSelector: {{matchLabels: {version}}}");
    let job = format!(
        "{{template: {{spec: {{restartPolicy: Never, containers: [{{name: a, image: 'x:1'}}], affinity: {{podAffinity: \
             {{requiredDuringSchedulingIgnoredDuringExecution: [{{topologyKey: zone, {term}}}]}}}}}}}}}}"
    );
    for (name, object) in [
        (
            "PodDisruptionBudget",
            format!(
                "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {{name: theirs}}\n\
                     spec: {{minAvailable: 1, selector: {{matchLabels: {version}}}}}\n"
            ),
        ),
        (
            "NetworkPolicy",
            format!(
                "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: theirs}}\n\
                     spec: {{podSelector: {{}}, ingress: [{{from: [{{podSelector: {{matchLabels: {version}}}}}]}}]}}\n"
            ),
        ),
        (
            "StatefulSet",
            format!(
                "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {{name: theirs}}\n\
                     spec: {{replicas: 0, serviceName: x, selector: {{matchLabels: {{app: x}}}}, template: {{metadata: {{labels: {{app: x}}}}, \
                     spec: {{containers: [{{name: a, image: 'x:1'}}], topologySpreadConstraints: \
                     [{{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, {term}}}]}}}}}}\n"
            ),
        ),
        (
            "CronJob",
            format!(
                "apiVersion: batch/v1\nkind: CronJob\nmetadata: {{name: theirs}}\n\
                     spec: {{schedule: '0 0 1 1 *', jobTemplate: {{spec: {job}}}}}\n"
            ),
        ),
        (
            "Job",
            format!(
                "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: theirs}}\n\
                     spec: {}\n",
                job.replacen('{', "{suspend: true, ", 1)
            ),
        ),
    ] {
        world.kubectl_makes(&["apply"], &object).await;
        let parts = [&format!("{name}/"), "theirs", "app.kubernetes.io/version"];
        // A watch may hear of it a moment later than kubectl.
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        nprt.deploy(&world.commit(&manifests(3, ""))).await.refused_with(&parts);
        nprt.canary(&world.commit(&manifests(4, ""))).await.refused_with(&parts);
        world.kubectl(&["delete", &format!("{name}/theirs")]).await;
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        assert_eq!(world.object("configmap/web").await["data"]["n"], "2", "{name}: nothing changed");
    }
    nprt.deploy(&world.commit(&manifests(5, ""))).await.accepted();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_for_stables_pods_alone_is_meant_so() {
    let Some(world) = World::new("selectors-meant").await else { return };
    let nprt = world.process().await;
    let budget = "---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: web}\n\
                  spec: {minAvailable: 1, selector: {matchLabels: {app: web, track: stable}}}\n";
    for n in [1, 2] {
        nprt.deploy(&world.commit(&format!("{}{budget}", manifests(n, "")))).await.accepted();
    }
    nprt.canary(&world.commit(&format!("{}{budget}", manifests(3, "")))).await.accepted();
}

//! A version whose promotion the cluster refuses: its canary is refused, with the same error, before a pod starts.

use crate::answer::Answer as _;
use crate::world::World;

const WEB: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: registry.invalid/shop/web}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
";

/// What was deployed, what the next version has instead, and words of the refusal.
const CASES: [(&str, &str, &str, &[&str]); 8] = [
    (
        "an immutable ConfigMap that changes",
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: i}, immutable: true, data: {a: '1'}}",
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: i}, immutable: true, data: {a: '2'}}",
        &["ConfigMap/i"],
    ),
    (
        "an immutable Secret that changes",
        "{apiVersion: v1, kind: Secret, metadata: {name: s}, immutable: true, stringData: {a: '1'}}",
        "{apiVersion: v1, kind: Secret, metadata: {name: s}, immutable: true, stringData: {a: '2'}}",
        &["Secret/s"],
    ),
    (
        "an invalid PodDisruptionBudget",
        "",
        "{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: p},
          spec: {minAvailable: 1, maxUnavailable: 1, selector: {matchLabels: {app: web}}}}",
        &["PodDisruptionBudget/p"],
    ),
    (
        "a kind that the cluster does not know",
        "",
        "{apiVersion: nosuch.io/v1, kind: Gone, metadata: {name: p}}",
        &["nosuch.io/v1", "Gone"],
    ),
    ("a Job that cannot change", JOB, JOB, &["Job/mig"]),
    (
        "a claim that shrinks",
        "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: d},
          spec: {accessModes: [ReadWriteMany], resources: {requests: {storage: 2Gi}}}}",
        "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: d},
          spec: {accessModes: [ReadWriteMany], resources: {requests: {storage: 1Gi}}}}",
        &["PersistentVolumeClaim/d"],
    ),
    (
        "a field that does not exist",
        "",
        "{apiVersion: v1, kind: Service, metadata: {name: typo}, spec: {selectr: {app: web}, ports: [{port: 80}]}}",
        &["Service/typo", "selectr"],
    ),
    (
        "a StatefulSet whose Service changes",
        "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db}, spec: {serviceName: db, replicas: 0,
          selector: {matchLabels: {app: db}}, template: {metadata: {labels: {app: db}},
          spec: {containers: [{name: c, image: 'postgres:16'}]}}}}",
        "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db}, spec: {serviceName: other, replicas: 0,
          selector: {matchLabels: {app: db}}, template: {metadata: {labels: {app: db}},
          spec: {containers: [{name: c, image: 'postgres:16'}]}}}}",
        &["StatefulSet/db"],
    ),
];

/// Its image is the version's.
const JOB: &str =
    "{apiVersion: batch/v1, kind: Job, metadata: {name: mig}, spec: {suspend: true, template: {spec:
    {restartPolicy: Never, containers: [{name: c, image: registry.invalid/shop/worker}]}}}}";

#[tokio::test(flavor = "multi_thread")]
async fn is_refused_before_a_pod_starts() {
    for (number, (what, before, after, words)) in CASES.into_iter().enumerate() {
        let Some(world) = World::new(&format!("unpromotable-{number}")).await else { return };
        let process = world.process().await;
        process.deploy(&world.commit(&format!("{WEB}{before}"))).await.accepted();
        let next = world.commit(&format!("{WEB}{after}"));
        let error = process.canary(&next).await.refused_with(words).to_string();
        assert!(world.items("deployments", "track=canary").await.is_empty(), "{what}: a pod started");
        let deploy = process.deploy(&next).await.refused_with(words).to_string();
        assert_eq!(deploy, error, "{what}: the promotion gives the same error");
    }
}

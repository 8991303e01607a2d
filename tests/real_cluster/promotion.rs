//! What was judged is what gets promoted: over random workloads, configuration and changes by hand, the promoted pod
//! template minus identity is the canary's.

use futures_util::future::join_all;
use nprt::pipeline::{DriftPolicy, Service};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::answer::Answer as _;
use crate::world::{World, shop};

/// One version of a service.
#[derive(Debug, Clone)]
struct Version {
    replicas: u8,
    environment: Vec<Value>,
    probe: Option<Value>,
    volumes: Vec<Value>,
    /// A container beside that no version changes.
    sidecar: bool,
    annotations: Vec<(String, String)>,
    /// What the ConfigMap and the Secret hold.
    content: String,
}

impl Version {
    fn manifests(&self) -> String {
        let mut containers = vec![json!({"name": "web", "image": "registry.invalid/shop/web",
            "env": self.environment,
            "volumeMounts": self.volumes.iter().map(|volume| {
                json!({"name": volume["name"], "mountPath": format!("/{}", volume["name"].as_str().unwrap())})
            }).collect::<Vec<_>>()})];
        if let Some(probe) = &self.probe {
            containers[0]["livenessProbe"] = probe.clone();
        }
        if self.sidecar {
            containers.push(json!({"name": "proxy", "image": "envoyproxy/envoy:v1.30"}));
        }
        let annotations: serde_json::Map<String, Value> =
            self.annotations.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
        let objects = [
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "config"},
                "data": {"key": self.content}}),
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "secret"},
                "stringData": {"key": self.content}}),
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
                "spec": {"replicas": self.replicas, "selector": {"matchLabels": {"app": "web"}}, "template": {
                    "metadata": {"labels": {"app": "web"}, "annotations": annotations},
                    "spec": {"containers": containers, "volumes": self.volumes}}}}),
        ];
        objects.map(|object| object.to_string()).join("\n---\n")
    }
}

fn variable() -> impl Strategy<Value = Value> {
    let from = |source: Value| json!({"valueFrom": source});
    prop_oneof![
        "[a-z]{1,8}".prop_map(|value| json!({"value": value})),
        Just(from(json!({"configMapKeyRef": {"name": "config", "key": "key"}}))),
        Just(from(json!({"secretKeyRef": {"name": "secret", "key": "key"}}))),
        Just(from(json!({"fieldRef": {"fieldPath": "spec.nodeName"}}))),
    ]
}

fn volume() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!({"emptyDir": {}})),
        Just(json!({"configMap": {"name": "config"}})),
        Just(json!({"secret": {"secretName": "secret", "optional": true}})),
        Just(
            json!({"projected": {"sources": [{"configMap": {"name": "config"}}, {"secret": {"name": "secret"}}]}})
        ),
    ]
}

fn version() -> impl Strategy<Value = Version> {
    let probe = prop_oneof![
        Just(json!({"httpGet": {"path": "/", "port": 80}})),
        Just(json!({"exec": {"command": ["true"]}})),
        Just(json!({"tcpSocket": {"port": 80}, "periodSeconds": 7})),
    ];
    (
        0..2u8,
        prop::collection::btree_map("[A-Z]{2,5}", variable(), 0..4),
        prop::option::of(probe),
        prop::collection::btree_map("[a-z]{2,5}", volume(), 0..3),
        any::<bool>(),
        prop::collection::vec(("[a-z]{1,6}", "[a-z]{0,6}"), 0..3),
        "[a-z]{1,3}",
    )
        .prop_map(|(replicas, environment, probe, volumes, sidecar, annotations, content)| {
            let named = |(name, mut value): (String, Value)| {
                value["name"] = json!(name);
                value
            };
            let environment = environment.into_iter().map(named).collect();
            let volumes = volumes.into_iter().map(named).collect();
            Version { replicas, environment, probe, volumes, sidecar, annotations, content }
        })
}

/// What a person does to stable by kubectl.
const HANDS: [&[&str]; 7] = [
    &["set", "env", "deploy/web", "DEBUG=1"],
    &["set", "resources", "deploy/web", "-c=web", "--limits=memory=64Mi"],
    &["rollout", "restart", "deploy/web"],
    &["patch", "cm/config", "-p", r#"{"data": {"extra": "1"}}"#],
    &["patch", "secret/secret", "-p", r#"{"stringData": {"extra": "1"}}"#],
    &["patch", "deploy/web", "-p", r#"{"spec": {"template": {"metadata": {"labels": {"team": "a"}}}}}"#],
    &[
        "patch",
        "deploy/web",
        "-p",
        r#"{"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 7}}}}"#,
    ],
];

type Case = (Version, Version, Vec<usize>);

fn case() -> impl Strategy<Value = Case> {
    (version(), version(), prop::sample::subsequence((0..HANDS.len()).collect::<Vec<_>>(), 0..4))
}

/// The pod template of a Deployment without what tells the tracks apart.
async fn template(world: &World, name: &str) -> Value {
    let mut template = world.object(&format!("deployment/{name}")).await["spec"]["template"].take();
    let restarted = "kubectl.kubernetes.io/restartedAt";
    for (map, key) in [("labels", "track"), ("labels", "nprt.dev/track"), ("annotations", restarted)] {
        template["metadata"][map].as_object_mut().unwrap().remove(key);
    }
    for container in template["spec"]["containers"].as_array_mut().unwrap() {
        container["env"].as_array_mut().unwrap().retain(|variable| variable["name"] != "TRACK");
    }
    let text = template.to_string().replace("config-canary", "config").replace("secret-canary", "secret");
    serde_json::from_str(&text).unwrap()
}

/// What the pods of a Deployment read of a configuration object.
async fn read(world: &World, kind: &str, name: &str) -> Option<Value> {
    let copies = world.items(kind, "track=canary").await;
    copies.into_iter().find(|copy| copy["metadata"]["name"] == name).map(|copy| copy["data"].clone())
}

async fn holds(number: usize, (before, after, hands): &Case) -> Result<(), String> {
    let Some(world) = World::new(&format!("promotion-{number}")).await else { return Ok(()) };
    let process = world.process_of(Service { drift: DriftPolicy::Carry, ..Service::new(shop()) }).await;
    process.deploy(&world.commit(&before.manifests())).await.accepted();
    for &hand in hands {
        world.kubectl(HANDS[hand]).await;
    }
    let revision = world.commit(&after.manifests());
    process.canary(&revision).await.accepted();
    let judged = template(&world, "web-canary").await;
    let copies =
        [read(&world, "configmaps", "config-canary").await, read(&world, "secrets", "secret-canary").await];
    process.promote(&revision).await.accepted();
    let promoted = template(&world, "web").await;
    if promoted != judged {
        return Err(format!("promoted {promoted}\njudged   {judged}"));
    }
    for (object, copy) in ["configmap/config", "secret/secret"].into_iter().zip(copies) {
        let content = world.object(object).await["data"].clone();
        if copy.as_ref().is_some_and(|copy| *copy != content) {
            return Err(format!("{object}: promoted {content}, judged {copy:?}"));
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_promoted_pod_template_is_the_canarys() {
    let cases = if std::env::var_os("NPRT_LONG").is_some() { 64 } else { 12 };
    let mut runner = TestRunner::default();
    let drawn: Vec<Case> = (0..cases).map(|_| case().new_tree(&mut runner).unwrap().current()).collect();
    for (round, batch) in drawn.chunks(4).enumerate() {
        let done = join_all(batch.iter().enumerate().map(|(n, case)| holds(4 * round + n, case))).await;
        for (case, done) in batch.iter().zip(done) {
            assert!(done.is_ok(), "{}\n{case:#?}", done.unwrap_err());
        }
    }
}

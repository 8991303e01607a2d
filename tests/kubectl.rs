//! The transformer beside kubectl and a real API server: both read what it writes, and what did not change
//! is not taken for changed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says what it expects")]

use nprt::manifest::{self, Manifests, Settings, Version, to_yaml};
use nprt::model::{Object, RepoPath, SourceFile};
use nprt_testkit::{ControlPlane, need};
use serde_json::{Value, json};

/// Texts that a writer of YAML may get wrong: what another reader would take for something else, or cut.
const AWKWARD: &[&str] = &[
    "",
    " ",
    "  a",
    "a  ",
    "\n",
    "\n\n",
    "a\n",
    "a\n\n",
    "\na",
    " a\nb",
    "a\n b\n",
    "a\r\nb\r\n",
    "a\rb",
    "\t",
    "\ta",
    "a\t",
    "a\n\tb\n",
    "---",
    "--- a",
    "a\n---\nb",
    "...",
    "a\n...\n",
    "null",
    "Null",
    "~",
    "true",
    "False",
    "yes",
    "No",
    "on",
    "OFF",
    "y",
    "N",
    "0",
    "-0",
    "0644",
    "0o17",
    "0x1F",
    "0b11",
    "1_000",
    "1e3",
    "12e5",
    "1.0",
    ".5",
    "5.",
    "+1",
    ".inf",
    "-.INF",
    ".nan",
    "1:30",
    "190:20:30",
    "2026-11-23",
    "2026-11-23T10:00:00Z",
    "9223372036854775808",
    "3f2a91c",
    "0123456e7",
    "*a",
    "&a",
    "!a",
    "!!str a",
    "|",
    ">",
    "|-",
    "%a",
    "@a",
    "`a`",
    "-",
    "- a",
    "-a",
    "?",
    "? a",
    ":",
    "a:",
    "a: b",
    ": a",
    "a:b",
    "#",
    "a #b",
    "a#b",
    "'",
    "''",
    "it's",
    "\"",
    "\"a\"",
    "a\"b",
    "\\",
    "a\\nb",
    "[",
    "[a]",
    "{",
    "{a: b}",
    "a, b",
    "]",
    "}",
    "=",
    "<<",
    "${A}",
    "$(A)",
    "{{ .Values.a }}",
    "é",
    "😀",
    "\u{a0}",
    "\u{feff}a",
    "\u{2028}",
    "\u{85}",
    "\u{7f}",
    "\u{1}",
    "\u{1b}[0m",
    "\u{0}",
    "\u{fffd}",
    "\u{d7ff}\u{e000}",
];

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_reads_back_what_is_written() {
    let Some(plane) = need(ControlPlane::shared().await) else { return };
    let mut data: serde_json::Map<String, Value> =
        AWKWARD.iter().enumerate().map(|(index, text)| (format!("k{index}"), json!(text))).collect();
    data.insert("long".to_owned(), json!("word ".repeat(500)));
    data.insert("lines".to_owned(), json!("  indented\n\n\tline  \n# no comment\n---\n".repeat(30)));
    let keys: serde_json::Map<String, Value> =
        AWKWARD.iter().map(|text| ((*text).to_owned(), json!("x"))).collect();
    let object = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "awkward"},
        "data": data,
        "other": {
            "keys": keys,
            "numbers": [0, -1, 1.5, 0.1, 1e300, 1e-7, -2.5e-300, i64::MAX, i64::MIN, 123_456_789_012_345_u64],
            "empty": [[], {}, [[]], [{}], null, true, false],
        },
    });
    let written = to_yaml([&object]).unwrap();
    let create = ["create", "--dry-run=client", "--validate=false", "-o", "json", "-f", "-"];
    let read: Value =
        serde_json::from_str(&plane.kubectl().run_with_input(&create, &written).await.unwrap()).unwrap();
    for field in ["data", "other"] {
        for (key, wanted) in object[field].as_object().unwrap() {
            assert_eq!(&read[field][key], wanted, "{field} {key}");
        }
    }
}

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
    spec: {containers: [{name: web, image: web, envFrom: [{configMapRef: {name: config}}, {secretRef: {name: token}}]}]}
";

fn manifests(text: &str) -> Manifests {
    let file = SourceFile { path: RepoPath::new("all.yaml").unwrap(), content: text.to_owned().into() };
    manifest::read(&[file]).unwrap()
}

fn version(tag: &str) -> Version {
    Version {
        service: "shop".parse().unwrap(),
        revision: "r1".parse().unwrap(),
        tag: tag.parse().unwrap(),
        digests: std::collections::BTreeMap::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_fills_in_is_no_change() {
    let Some(plane) = need(ControlPlane::shared().await) else { return };
    let namespace = plane.namespace("unchanged").await.unwrap();
    let stable = manifest::stable(&manifests(DOCUMENTS), &version("v1"), &Settings::default(), &[]).unwrap();
    let yaml = to_yaml(stable.documents.iter().map(|document| document.object.as_value())).unwrap();
    let apply = ["-n", &namespace, "apply", "--server-side", "-f", "-"];
    plane.kubectl().run_with_input(&apply, &yaml).await.unwrap();
    let kinds = "serviceaccounts,services,hpa,pdb,pvc,resourcequotas,networkpolicies,ingresses,roles,configmaps,secrets,deployments";
    let get = ["-n", &namespace, "get", kinds, "-l", "nprt.dev/service=shop", "-o", "json"];
    let list: Value = serde_json::from_str(&plane.kubectl().run(&get).await.unwrap()).unwrap();
    let live: Vec<Object> =
        list["items"].as_array().unwrap().iter().map(|item| Object::new(item.clone()).unwrap()).collect();
    assert_eq!(live.len(), 12);

    let withheld = |text: &str| {
        let rendered =
            manifest::canary(&manifests(text), &version("v2"), &Settings::default(), &live).unwrap();
        let applied: Vec<String> = rendered.documents.iter().map(|d| d.object.id().to_string()).collect();
        (applied, rendered.withheld.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    assert_eq!(withheld(DOCUMENTS), (vec!["Deployment/web-canary".to_owned()], vec![]));
    let changed = DOCUMENTS
        .replace("storage: 1024Mi", "storage: 2Gi")
        .replace("port: 81", "port: 82")
        .replace("data: {a: one}", "data: {a: two}");
    let (applied, withheld) = withheld(&changed);
    assert_eq!(applied, ["ConfigMap/config-canary", "Deployment/web-canary"]);
    assert_eq!(withheld, ["Service/web", "PersistentVolumeClaim/data", "ConfigMap/config"]);
}

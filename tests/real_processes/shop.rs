//! A namespace of the control plane with a service account that has the role of the documentation.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nprt_testkit::{ControlPlane, Kubectl, Missing, need};
use serde_json::Value;
use tokio::sync::{OnceCell, RwLock};

use crate::process::Worker;
use crate::version::Version;

/// How long a lease lasts that is to expire soon.
pub(crate) const SHORT: u64 = 3;

/// The control plane of this binary. Whoever kills its API server, or measures it, has it alone.
pub(crate) async fn plane() -> Option<&'static RwLock<ControlPlane>> {
    static PLANE: OnceCell<Result<RwLock<ControlPlane>, Missing>> = OnceCell::const_new();
    let start = || async { ControlPlane::start().await.map(RwLock::new) };
    need(PLANE.get_or_init(start).await.as_ref().map_err(Missing::clone))
}

pub(crate) struct Shop {
    pub(crate) namespace: String,
    pub(crate) user: Kubectl,
    admin: Kubectl,
}

impl Shop {
    pub(crate) async fn new(plane: &ControlPlane, name: &str) -> Self {
        let namespace = plane.namespace(name).await.unwrap();
        let role = include_str!("../../nprt-k8s/role.yaml");
        let user = plane.service_account_with(&namespace, "nprt", role).await.unwrap();
        Self { namespace, user, admin: plane.kubectl().clone() }
    }

    pub(crate) fn worker(&self, lease_seconds: u64) -> Worker {
        Worker::start(self.user.kubeconfig(), &self.namespace, lease_seconds)
    }

    /// As an admin.
    pub(crate) async fn kubectl(&self, args: &[&str]) -> String {
        self.kubectl_with_input(args, "").await
    }

    pub(crate) async fn kubectl_with_input(&self, args: &[&str], input: &str) -> String {
        let args = [&["-n", &self.namespace], args].concat();
        self.admin.run_with_input(&args, input).await.unwrap()
    }

    pub(crate) async fn state(&self) -> State {
        let list = self.kubectl(&["get", "deployments,services,configmaps,secrets,pods", "-o", "json"]).await;
        let list: Value = serde_json::from_str(&list).unwrap();
        let mut state = State::default();
        for object in list["items"].as_array().unwrap() {
            state.see(object);
        }
        state
    }
}

/// What there is, and of which version each object is: by what it says itself, and by its images.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) stable: BTreeMap<String, String>,
    pub(crate) canary: BTreeMap<String, String>,
    /// What is neither, such as the record of a deploy that was not finished.
    pub(crate) others: Vec<String>,
}

impl State {
    /// All of `version`, with pods of it alone, and no canary.
    pub(crate) fn of(version: Version) -> Self {
        Self { stable: objects(version, ""), ..Self::default() }
    }

    /// The canary of `version`: its workloads, and copies of what they read.
    pub(crate) fn canary_of(version: Version) -> BTreeMap<String, String> {
        objects(Version::new(version.n), "-canary")
    }

    fn see(&mut self, object: &Value) {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let (kind, name) = (text("/kind"), text("/metadata/name"));
        let runs = |spec: &str| {
            let container = object.pointer(&format!("{spec}/containers/0")).unwrap();
            let env = container["env"].as_array().unwrap().iter().find(|env| env["name"] == "SHOP");
            let (_, tag) = container["image"].as_str().unwrap().rsplit_once(':').unwrap();
            format!("{} {tag}", env.unwrap()["value"].as_str().unwrap())
        };
        let says = match kind {
            "Deployment" => runs("/spec/template/spec"),
            "Service" => text("/metadata/annotations/n").to_owned(),
            "ConfigMap" => text("/data/n").to_owned(),
            "Secret" => String::from_utf8(STANDARD.decode(text("/data/n")).unwrap()).unwrap(),
            _ => runs("/spec"),
        };
        let of = |name: &str| format!("{kind}/{name}");
        match (kind, text("/metadata/labels/track")) {
            // Those of a canary go after it.
            ("Pod", "canary") => {}
            ("Pod", _) if object["metadata"]["deletionTimestamp"].is_string() => {}
            // They are many, and of one version only if all say the same.
            ("Pod", _) => {
                let said =
                    self.stable.entry(of(text("/metadata/labels/app"))).or_insert_with(|| says.clone());
                if *said != says {
                    *said = format!("{said} and {says}");
                }
            }
            (_, "canary") => _ = self.canary.insert(of(name), says),
            _ if name == "kube-root-ca.crt" => {}
            _ if name.starts_with("nprt-") => self.others.push(of(name)),
            _ => _ = self.stable.insert(of(name), says),
        }
    }
}

/// What there is of a version whose objects' names end so.
fn objects(version: Version, suffix: &str) -> BTreeMap<String, String> {
    let (n, runs) = (version.n.to_string(), format!("{} {}", version.n, version.tag()));
    let mut objects = BTreeMap::new();
    for name in ["web", "worker"] {
        objects.insert(format!("Deployment/{name}{suffix}"), runs.clone());
        if suffix.is_empty() {
            objects.insert(format!("Service/{name}"), n.clone());
            objects.insert(format!("Pod/{name}"), runs.clone());
        }
    }
    objects.insert(format!("ConfigMap/web{suffix}"), n.clone());
    objects.insert(format!("Secret/web{suffix}"), n.clone());
    if version.more {
        objects.insert("ConfigMap/more".to_owned(), n);
    }
    objects
}

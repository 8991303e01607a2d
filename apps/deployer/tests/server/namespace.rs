//! A namespace of the control plane, with an account that has the rights which the documentation recommends.

use nprt_testkit::{ControlPlane, Kubectl};
use serde_json::{Value, json};

/// As an admin sees it.
pub(crate) struct Namespace {
    kubectl: &'static Kubectl,
    user: Kubectl,
    name: String,
}

impl Namespace {
    pub(crate) async fn new(plane: &'static ControlPlane, name: &str) -> Self {
        let name = plane.namespace(name).await.unwrap();
        let role = include_str!("../../../../nprt-k8s/role.yaml");
        let user = plane.service_account_with(&name, "nprt", role).await.unwrap();
        Self { kubectl: plane.kubectl(), user, name }
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> String {
        self.kubectl.run(&[&["-n", &self.name], arguments].concat()).await.unwrap()
    }

    pub(crate) async fn get(&self, arguments: &[&str]) -> Value {
        let arguments = [&["get", "-o", "json", "--ignore-not-found"], arguments].concat();
        serde_json::from_str(&self.run(&arguments).await).unwrap_or_default()
    }

    /// The first minute that is not in the checkpoint; `None` where there is none.
    pub(crate) async fn kept_until(&self, service: &str) -> Option<i64> {
        let kept = self.get(&["configmap", &format!("nprt-judge-{service}")]).await;
        let text = kept.pointer("/data/judge.json")?.as_str()?;
        serde_json::from_str::<Value>(text).unwrap()["until"].as_i64()
    }

    pub(crate) async fn has_canary(&self) -> bool {
        !self.get(&["deployment", "web-canary"]).await.is_null()
    }

    /// Where it is, as a configuration says it.
    pub(crate) fn place(&self) -> Value {
        json!({"kubernetes": {"kubeconfig": self.user.kubeconfig(), "namespace": self.name}})
    }
}

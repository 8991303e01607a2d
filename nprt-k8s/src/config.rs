use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Which cluster, as whom, and which namespace of it. Credentials stay where they are: in the kubeconfig, in
/// what it refers to, or in the pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KubernetesConfig {
    /// The kubeconfig; by default those in `$KUBECONFIG`, or `~/.kube/config`. Exec plugins and
    /// impersonation (`as`, `as-groups`) in it work.
    pub kubeconfig: Option<PathBuf>,
    /// The context in the kubeconfig; by default its current one.
    pub context: Option<String>,
    /// Uses the service account of the pod that this runs in, and no kubeconfig.
    pub in_cluster: bool,
    /// As whom to act instead of as the owner of the credentials, who needs the right to `impersonate`; by
    /// default as the kubeconfig says.
    pub impersonate: Option<Impersonate>,
    /// The namespace; by default that of the context, or of the pod.
    pub namespace: Option<String>,
    /// The field managers whose fields an apply takes where the manifest has other values (`argocd-controller`,
    /// `kubectl-edit`); by default none, so that each is a `Conflict`. Fields of the tool by which the object was
    /// made are taken always: `kubectl apply` (also `--server-side`), `kubectl create`, Helm.
    pub force_conflicts: Vec<String>,
    /// Seconds that a request may take in all, retries that the server asks for included; 30 by default.
    pub timeout_seconds: u64,
}

impl Default for KubernetesConfig {
    fn default() -> Self {
        Self {
            kubeconfig: None,
            context: None,
            in_cluster: false,
            impersonate: None,
            namespace: None,
            force_conflicts: Vec::new(),
            timeout_seconds: 30,
        }
    }
}

/// Somebody else, as whom to act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Impersonate {
    /// The user: `jane`, or a service account as `system:serviceaccount:NAMESPACE:NAME`.
    pub user: String,
    /// The groups; by default none beside those that the server adds, such as `system:authenticated`.
    #[serde(default)]
    pub groups: Vec<String>,
}

//! Who may do what: kubeconfigs, service accounts and their roles.

use std::path::Path;

use serde_json::json;

use super::servers::Servers;
use super::{ControlPlane, Kubectl, NAME};
use crate::Missing;

impl ControlPlane {
    /// kubectl (and a kubeconfig) as a new service account `name` in `namespace`, which may do nothing until
    /// a role is bound to it.
    ///
    /// # Errors
    /// [`Missing`] when the server refuses it.
    pub async fn service_account(&self, namespace: &str, name: &str) -> Result<Kubectl, Missing> {
        self.kubectl_or_missing(&["-n", namespace, "create", "serviceaccount", name], "").await?;
        self.known_service_account(namespace, name).await
    }

    /// kubectl (and a kubeconfig) as a service account that is there.
    ///
    /// # Errors
    /// [`Missing`] when the server does not know it.
    pub async fn known_service_account(&self, namespace: &str, name: &str) -> Result<Kubectl, Missing> {
        let token = self.kubectl_or_missing(&["-n", namespace, "create", "token", name], "").await?;
        let path = self.servers.data.join(format!("kubeconfig-{namespace}-{name}"));
        write_kubeconfig(&self.servers, &path, &json!({ "token": token.trim() }))?;
        Ok(Kubectl::new(self.servers.program("kubectl"), path))
    }

    /// The same, with the rights of the ClusterRole `name` in the namespace, which `role` (YAML) holds.
    ///
    /// # Errors
    /// As [`service_account`](ControlPlane::service_account).
    pub async fn service_account_with(
        &self,
        namespace: &str,
        name: &str,
        role: &str,
    ) -> Result<Kubectl, Missing> {
        let metadata = json!({ "name": name, "namespace": namespace });
        let account = json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata });
        let bound = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": metadata,
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name },
            "subjects": [{ "kind": "ServiceAccount", "name": name, "namespace": namespace }],
        });
        // At once: each kubectl costs a suite of many tests a tenth of a second of a core.
        let all = format!("{role}\n---\n{account}\n---\n{bound}\n");
        self.kubectl_or_missing(&["apply", "--server-side", "-f", "-"], &all).await?;
        self.known_service_account(namespace, name).await
    }
}

pub(super) fn client_certificate(servers: &Servers) -> serde_json::Value {
    json!({ "client-certificate": servers.pki.file("admin.crt"), "client-key": servers.pki.file("admin.key") })
}

pub(super) fn write_kubeconfig(
    servers: &Servers,
    path: &Path,
    user: &serde_json::Value,
) -> Result<(), Missing> {
    let server = format!("https://{}", servers.api);
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": NAME, "cluster": {
            "server": server, "certificate-authority": servers.pki.file("ca.crt"),
        }}],
        "users": [{"name": "user", "user": user}],
        "contexts": [{"name": NAME, "context": {"cluster": NAME, "user": "user"}}],
        "current-context": NAME,
    });
    crate::tls::secret(path, &config.to_string())
        .map_err(|error| Missing::new(NAME, format_args!("{}: {error}", path.display())))
}

//! The Gateway API: the kind of its routes, as the API server validates and keeps them. No gateway acts on them.

use super::ControlPlane;
use crate::Missing;

const HTTP_ROUTES: &str = include_str!("../../gateway/httproutes.yaml");

impl ControlPlane {
    /// Installs the kind HTTPRoute; once more is no error.
    ///
    /// # Errors
    /// [`Missing`] when the server refuses it.
    pub async fn install_http_routes(&self) -> Result<(), Missing> {
        self.kubectl_or_missing(&["apply", "--server-side", "-f", "-"], HTTP_ROUTES).await?;
        let name = "crd/httproutes.gateway.networking.k8s.io";
        self.kubectl_or_missing(&["wait", "--for=condition=Established", name, "--timeout=60s"], "").await?;
        Ok(())
    }
}

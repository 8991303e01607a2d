//! A service for tests on the control plane: two workloads and what belongs to them, six objects that all say of
//! which version they are, so that a test sees at once when versions are mixed.

mod state;
mod version;

use crate::{ControlPlane, Kubectl, KubectlFailed, Missing};
pub use state::ShopState;
pub use version::ShopVersion;

/// The role that nprt's documentation recommends.
const ROLE: &str = include_str!("../../../nprt-k8s/role.yaml");

/// A namespace for the shop, and who works in it.
#[derive(Debug)]
pub struct Shop {
    /// Its name.
    pub namespace: String,
    /// The service account `nprt`, with the rights that the documentation recommends.
    pub user: Kubectl,
    admin: Kubectl,
}

impl Shop {
    /// How many objects a version has.
    pub const OBJECTS: usize = 6;

    /// A new namespace whose name begins with `name`.
    ///
    /// # Errors
    /// [`Missing`] when the server refuses it.
    pub async fn new(plane: &ControlPlane, name: &str) -> Result<Self, Missing> {
        let namespace = plane.namespace(name).await?;
        let user = plane.service_account_with(&namespace, "nprt", ROLE).await?;
        Ok(Self { namespace, user, admin: plane.kubectl().clone() })
    }

    /// What `kubectl ARGS` prints in the namespace, as an admin.
    ///
    /// # Errors
    /// [`KubectlFailed`].
    pub async fn kubectl(&self, args: &[&str]) -> Result<String, KubectlFailed> {
        self.kubectl_with_input(args, "").await
    }

    /// The same with something to read.
    ///
    /// # Errors
    /// [`KubectlFailed`].
    pub async fn kubectl_with_input(&self, args: &[&str], input: &str) -> Result<String, KubectlFailed> {
        let args = [&["-n", &self.namespace], args].concat();
        self.admin.run_with_input(&args, input).await
    }

    /// What there is now.
    ///
    /// # Errors
    /// [`KubectlFailed`], also where an object says of no version.
    pub async fn state(&self) -> Result<ShopState, KubectlFailed> {
        let kinds = "deployments,services,configmaps,secrets,pods";
        ShopState::read(&self.kubectl(&["get", kinds, "-o", "json"]).await?)
    }
}

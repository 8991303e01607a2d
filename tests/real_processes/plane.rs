//! The control plane that these tests share.

use nprt_testkit::{ControlPlane, need};
use tokio::sync::RwLock;

/// How long a lease lasts that is to expire soon.
pub(crate) const SHORT: u64 = 3;

/// The control plane of this binary. Whoever kills its API server, or measures it, has it alone.
pub(crate) async fn plane() -> Option<&'static RwLock<ControlPlane>> {
    need(ControlPlane::shared_lock().await)
}

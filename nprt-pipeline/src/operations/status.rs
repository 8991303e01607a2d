use nprt_core::Result;
use nprt_core::model::{ServiceName, Track};
use nprt_core::ports::{Activity, Lease};
use serde::{Deserialize, Serialize};

use crate::pipeline::Pipeline;
use crate::progress::Progress;
use crate::state::running::Running;

/// What runs of a service now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The service.
    pub service: ServiceName,
    /// The version that serves.
    pub stable: Option<Running>,
    /// The version on trial.
    pub canary: Option<Running>,
    /// The operation under way, in a sentence: who is doing what, since when and where.
    pub operation: Option<String>,
    /// The same as data.
    #[serde(default)]
    pub under_way: Option<Activity>,
}

impl Pipeline {
    /// What runs of `service` now, and what is being done to it.
    ///
    /// # Errors
    /// `NotFound` for a service; those of the cluster.
    pub async fn status(&self, service: &ServiceName) -> Result<Status> {
        let progress = Progress::silent();
        let op = self.operation(service, &progress)?;
        let live = op.witness.look(&op.cx).await?;
        let lease = op.cx.ports.cluster.lease(service).await?;
        let (operation, under_way) =
            (lease.as_ref().map(Lease::to_string), lease.as_ref().map(Lease::activity));
        let (stable, canary) = (live.running(Track::Stable), live.running(Track::Canary));
        Ok(Status { service: service.clone(), stable, canary, operation, under_way })
    }
}

use nprt_core::Result;
use nprt_core::model::{ImageName, Revision, ServiceName};

use crate::compute;
use crate::pipeline::Pipeline;
use crate::progress::Progress;
use crate::version::source;

impl Pipeline {
    /// The images that a version of the service needs, by the name that the registry knows.
    ///
    /// # Errors
    /// As [`Pipeline::deploy`] where it reads the manifests.
    pub async fn images(
        &self,
        service: &ServiceName,
        revision: &Revision,
        progress: &Progress,
    ) -> Result<Vec<ImageName>> {
        let op = self.operation(service, progress)?;
        let budget = source::budget(&op.cx);
        let (manifests, small) = source::read_within(&op.cx, revision, &budget).await?;
        let settings = op.cx.service.transform.clone();
        compute::compute(&op.cx, &budget, small, move || nprt_manifest::images(&manifests, &settings)).await
    }
}

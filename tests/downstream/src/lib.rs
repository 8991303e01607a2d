//! A tool that embeds nprt: it has a backend of its own, and names what it uses of each feature.

use async_trait::async_trait;
use nprt::model::{Digest, ImageName, Tag};
use nprt::ports::{ImageRegistry, RegistryCapabilities, no_such_tag};
use nprt::{Error, ErrorKind, Result};

/// A registry with one image, which a stranger wrote by the documentation of the port.
#[derive(Debug)]
pub struct OneImage {
    pub image: ImageName,
    pub tag: Tag,
    pub digest: Digest,
}

#[async_trait]
impl ImageRegistry for OneImage {
    fn capabilities(&self) -> RegistryCapabilities {
        RegistryCapabilities::default()
    }

    async fn tags(&self, image: &ImageName) -> Result<Vec<Tag>> {
        if *image != self.image {
            return Err(Error::new(ErrorKind::NotFound, "registry.tags", "no such image"));
        }
        Ok(vec![self.tag.clone()])
    }

    async fn digest(&self, image: &ImageName, tag: &Tag) -> Result<Digest> {
        let tags = self.tags(image).await?;
        if tags.contains(tag) { Ok(self.digest.clone()) } else { Err(no_such_tag(image, tag, &tags)) }
    }
}

/// One type of each backend, found where the documentation of the facade says.
#[cfg(feature = "everything")]
pub mod everything {
    pub use nprt::aggregator::AggregatorConfig;
    pub use nprt::bugsnag::Bugsnag;
    pub use nprt::bugsnag_errors::BugsnagErrorsConfig;
    pub use nprt::conformance::registry;
    pub use nprt::datadog::DatadogConfig;
    pub use nprt::git::GitSource;
    pub use nprt::kubernetes::KubernetesCluster;
    pub use nprt::layout::LayoutRegistry;
    pub use nprt::oci::OciRegistry;
    pub use nprt::otlp::OtlpConfig;
    pub use nprt::prometheus::PrometheusConfig;
    pub use nprt::render::html;
    pub use nprt::sentry::SentryConfig;
    pub use nprt::slack::Slack;
    pub use nprt::statsd::StatsdServer;
    pub use nprt::svn::SvnSource;
    pub use nprt::webhook::Webhook;
}

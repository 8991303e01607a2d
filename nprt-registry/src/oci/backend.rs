use std::collections::BTreeMap;

use async_trait::async_trait;
use nprt_core::Result;
use nprt_core::model::{Digest, ImageName, Tag};
use nprt_core::ports::{ImageRegistry, RegistryCapabilities, no_such_image, no_such_tag};

use super::builder::OciRegistryBuilder;
use super::client::{Call, Client};
use super::config::{OciConfig, RegistryConfig};
use super::host::Host;

/// Registries that speak the OCI distribution API; see the [module](super).
#[derive(Debug)]
pub struct OciRegistry {
    client: Client,
    /// The configured ones.
    hosts: BTreeMap<String, Host>,
}

impl OciRegistry {
    /// Begins one.
    #[must_use]
    pub fn builder(config: OciConfig) -> OciRegistryBuilder {
        OciRegistryBuilder::new(config)
    }

    pub(super) fn new(client: Client, hosts: BTreeMap<String, Host>) -> Self {
        Self { client, hosts }
    }

    fn host(&self, image: &ImageName) -> Result<Host> {
        match self.hosts.get(image.registry()) {
            Some(host) => Ok(host.clone()),
            None => Host::new(image.registry(), &RegistryConfig::default()),
        }
    }
}

#[async_trait]
impl ImageRegistry for OciRegistry {
    fn capabilities(&self) -> RegistryCapabilities {
        RegistryCapabilities { digests: true }
    }

    async fn tags(&self, image: &ImageName) -> Result<Vec<Tag>> {
        let call = Call { operation: "registry.tags", image, host: &self.host(image)? };
        let tags = self.client.tags(call).await?.ok_or_else(|| no_such_image(call.operation, image))?;
        Ok(tags.into_iter().collect())
    }

    async fn digest(&self, image: &ImageName, tag: &Tag) -> Result<Digest> {
        let call = Call { operation: "registry.digest", image, host: &self.host(image)? };
        if let Some(digest) = self.client.digest(call, tag).await? {
            return Ok(digest);
        }
        // The answer is the same for an image and a tag that do not exist: the list tells, and says what is there.
        Err(match self.client.tags(call).await {
            Ok(Some(tags)) => no_such_tag(image, tag, &tags),
            Ok(None) => no_such_image(call.operation, image),
            Err(error) => no_such_tag(image, tag, []).with_source(error),
        })
    }
}

use std::collections::BTreeMap;

use async_trait::async_trait;
use nprt_core::model::{Digest, ImageName, Tag};
use nprt_core::ports::{ImageRegistry, RegistryCapabilities, no_such_image, no_such_tag};
use nprt_core::{Error, ErrorKind, Result};

use super::config::LayoutConfig;
use super::read;

/// Image layouts in a folder; see the [module](super).
#[derive(Debug, Clone)]
pub struct LayoutRegistry {
    config: LayoutConfig,
}

impl LayoutRegistry {
    /// The layouts by `config`. Each call reads the folder as it is then.
    ///
    /// # Errors
    /// `Invalid` when the root is no folder, or the registry no host as in an image's name.
    pub fn new(config: LayoutConfig) -> Result<Self> {
        if !config.root.is_dir() {
            return Err(Error::invalid("registry.config", "expected a folder that exists")
                .with("field", "root")
                .with("value", config.root.display()));
        }
        if let Some(registry) = &config.registry {
            let name = ImageName::new(&format!("{registry}/image"));
            if !name.is_ok_and(|name| name.registry() == registry) {
                return Err(Error::invalid("registry.config", "expected a host as in an image's name")
                    .with("field", "registry")
                    .with("value", format_args!("{registry:?}")));
            }
        }
        Ok(Self { config })
    }

    /// The tags of `image`, read where blocking is allowed.
    async fn read(&self, operation: &'static str, image: &ImageName) -> Result<BTreeMap<Tag, Digest>> {
        let (config, name) = (self.config.clone(), image.clone());
        let reading = tokio::task::spawn_blocking(move || {
            if config.registry.as_deref().is_some_and(|registry| registry != name.registry()) {
                let error = no_such_image(operation, &name);
                return Err(error.with("this layout is for", config.registry.unwrap_or_default()));
            }
            let found = read::tags(operation, &config.root.join(name.repository()), &name)?;
            found.ok_or_else(|| no_such_image(operation, &name).with_available(read::images(&config.root)))
        });
        reading.await.map_err(|error| {
            Error::new(ErrorKind::Unexpected, operation, "reading broke off").with_source(error)
        })?
    }
}

#[async_trait]
impl ImageRegistry for LayoutRegistry {
    fn capabilities(&self) -> RegistryCapabilities {
        RegistryCapabilities { digests: true }
    }

    async fn tags(&self, image: &ImageName) -> Result<Vec<Tag>> {
        Ok(self.read("registry.tags", image).await?.into_keys().collect())
    }

    async fn digest(&self, image: &ImageName, tag: &Tag) -> Result<Digest> {
        let mut tags = self.read("registry.digest", image).await?;
        tags.remove(tag).ok_or_else(|| no_such_tag(image, tag, tags.keys()))
    }
}

use std::fs;
use std::path::Path;

use nprt_core::model::{ImageName, Tag};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::Result;

/// Makes one OCI image layout for each image below `root`, with a tag for each of `tags`.
pub(crate) fn make(root: &Path, images: &[ImageName], tags: &[Tag]) -> Result<()> {
    images.iter().try_for_each(|image| layout(&root.join(image.repository()), tags))
}

fn layout(layout: &Path, tags: &[Tag]) -> Result<()> {
    fs::create_dir_all(layout.join("blobs/sha256"))?;
    fs::write(layout.join("oci-layout"), json!({"imageLayoutVersion": "1.0.0"}).to_string())?;
    let config = json!({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}, "config": {}});
    let (config, config_size) = blob(layout, &config.to_string())?;
    let manifests = tags
        .iter()
        .map(|tag| {
            let manifest = json!({
                "schemaVersion": 2,
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": config_size},
                "layers": [],
                "annotations": {"org.opencontainers.image.version": tag},
            });
            let (digest, size) = blob(layout, &manifest.to_string())?;
            Ok(json!({
                "mediaType": manifest["mediaType"],
                "digest": digest,
                "size": size,
                "annotations": {"org.opencontainers.image.ref.name": tag},
            }))
        })
        .collect::<Result<Vec<_>>>()?;
    fs::write(layout.join("index.json"), json!({"schemaVersion": 2, "manifests": manifests}).to_string())?;
    Ok(())
}

/// Stores `content` by its digest and returns digest and size.
fn blob(layout: &Path, content: &str) -> Result<(String, usize)> {
    let hex: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
    fs::write(layout.join("blobs/sha256").join(&hex), content)?;
    Ok((format!("sha256:{hex}"), content.len()))
}

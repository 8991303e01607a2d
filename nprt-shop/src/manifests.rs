use bytes::Bytes;
use nprt_core::Result;
use nprt_core::model::{ImageName, RepoPath, SourceFile};
use nprt_manifest::Settings;

/// A file of Online Boutique. It is part of the program, which has no source at hand where it was installed.
macro_rules! manifest {
    ($name:literal) => {
        ($name, include_str!(concat!("../online-boutique/", $name)))
    };
}

/// Google's Online Boutique: twelve workloads, as its authors publish them.
pub(crate) const MANIFESTS: [(&str, &str); 12] = [
    manifest!("adservice.yaml"),
    manifest!("cartservice.yaml"),
    manifest!("checkoutservice.yaml"),
    manifest!("currencyservice.yaml"),
    manifest!("emailservice.yaml"),
    manifest!("frontend.yaml"),
    manifest!("kustomization.yaml"),
    manifest!("loadgenerator.yaml"),
    manifest!("paymentservice.yaml"),
    manifest!("productcatalogservice.yaml"),
    manifest!("recommendationservice.yaml"),
    manifest!("shippingservice.yaml"),
];

/// The images that they run and whose tags they leave open.
pub(crate) fn images() -> Result<Vec<ImageName>> {
    let file = |(name, content): (&str, &str)| {
        Ok(SourceFile { path: RepoPath::new(name)?, content: Bytes::copy_from_slice(content.as_bytes()) })
    };
    let files = MANIFESTS.into_iter().map(file).collect::<Result<Vec<_>>>()?;
    nprt_manifest::images(&nprt_manifest::read(&files)?, &Settings::default())
}

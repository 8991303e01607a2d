//! Images in a folder, as OCI image layouts: for demos, tests and places without a registry.
//!
//! Each image is a layout of its own at `<root>/<repository>`: `shop/cart` is `<root>/shop/cart`, `nginx` is
//! `<root>/library/nginx`. The registry in an image's name is no part of the path; with
//! [`LayoutConfig::registry`] the folder answers for that one alone. A tag is a descriptor of `index.json`
//! with the annotation `org.opencontainers.image.ref.name`, which is the tag, or the image with the tag.
//! Other names are left out. Manifests themselves are not read: a layout may keep its blobs elsewhere.
//!
//! ```text
//! <root>/shop/cart/oci-layout   {"imageLayoutVersion": "1.0.0"}
//! <root>/shop/cart/index.json   {"schemaVersion": 2, "manifests": [{"digest": "sha256:…", "size": 481,
//!                                 "mediaType": "application/vnd.oci.image.manifest.v1+json",
//!                                 "annotations": {"org.opencontainers.image.ref.name": "main-3f2a91c"}}]}
//! ```

mod backend;
mod config;
mod read;

pub use backend::LayoutRegistry;
pub use config::LayoutConfig;
